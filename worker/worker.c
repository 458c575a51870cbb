/* One worker: its two threads, from start to an orderly end. */
#include "worker.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/consumer.h"
#include "queue/executor.h"
#include "queue/subscriptions.h"
#include "queue/handover.h"

/* A task asked to stop must reach a safe point within this. */
#define LAST_WAIT_MS 30000
#define LOOK_EVERY_MS 50

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

void worker_block_signals(void)
{
    sigset_t set;
    stop_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a lost connection is an error value */
}

static void wait_for_signal(void)
{
    sigset_t set;
    stop_signals(&set);
    while (sigwaitinfo(&set, NULL) < 0 && errno == EINTR)
        ;
}

static bool signal_pending(int64_t wait_ms)
{
    sigset_t set;
    stop_signals(&set);
    struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
    return sigtimedwait(&set, NULL, &wait) > 0;
}

/* Ends a process whose task hangs: its message is delivered again, its lease runs out. */
static void give_up(void)
{
    log_event(LOG_LEVEL_ERROR, "stuck", "exit=%d", WORKER_EXIT_STUCK);
    _exit(WORKER_EXIT_STUCK);
}

/* First stage: finish. Second stage, by signal or time: stop now. Then the end, one way or the
 * other. */
static void end_threads(const struct settings *s, struct handover *h, struct executor *x,
                        struct consumer *c)
{
    int64_t grace_end = clock_mono_ms() + s->worker.grace_s * 1000;
    int64_t last_end = INT64_MAX;
    handover_stop(h, STOP_DRAIN);
    while (!executor_join(x, 0)) {
        bool again = signal_pending(LOOK_EVERY_MS);
        int64_t now_ms = clock_mono_ms();
        if (last_end == INT64_MAX && (again || now_ms >= grace_end)) {
            log_event(LOG_LEVEL_WARNING, "stopping_now", "reason=%s",
                      again ? "signal" : "grace_time");
            handover_stop(h, STOP_NOW);
            last_end = now_ms + LAST_WAIT_MS;
        }
        if (now_ms >= last_end)
            give_up();
    }
    if (!consumer_join(c, LAST_WAIT_MS))
        give_up();
}

static void make_name(char *name, size_t size)
{
    char host[200] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "unknown");
    snprintf(name, size, "meterbeat-worker@%s/%d", host, (int)getpid());
}

int worker_run(const struct settings *s)
{
    struct handover *h = handover_new();
    struct subscriptions *queues = h ? subscriptions_new(h, s->broker.queue) : NULL;
    struct executor *x = NULL;
    struct consumer *c = NULL;
    struct err e;
    char name[256];
    make_name(name, sizeof name);
    log_event(LOG_LEVEL_INFO, "started", "name=%s queue=%s version=%s", name, s->broker.queue,
              METERBEAT_VERSION);
    if (!queues || !executor_start(s, name, h, &x, &e) ||
        !consumer_start(s, name, queues, h, &c, &e)) {
        log_event(LOG_LEVEL_ERROR, "cannot_start", "%s", "");
        return WORKER_EXIT_FATAL; /* the process ends, and with it what had been started */
    }
    wait_for_signal();
    bool failed = executor_failed(x);
    log_event(LOG_LEVEL_INFO, "stopping", "grace_s=%lld", (long long)s->worker.grace_s);
    end_threads(s, h, x, c);
    subscriptions_free(queues);
    handover_free(h);
    log_event(LOG_LEVEL_INFO, "stopped", "%s", "");
    return failed ? WORKER_EXIT_FATAL : WORKER_EXIT_OK;
}
