/* One worker: its threads, from start to an orderly end. */
#include "worker/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/host.h"
#include "common/base/log.h"
#include "common/config/node_name.h"
#include "common/config/program.h"
#include "worker/control/control.h"
#include "worker/runtime/consumer.h"
#include "worker/runtime/executor.h"
#include "worker/runtime/subscriptions.h"
#include "worker/runtime/handover.h"

/* A task asked to stop must reach a safe point within this. */
#define LAST_WAIT_MS 30000
#define LOOK_EVERY_MS 50
/* The main thread has nothing to do meanwhile but to wait for a signal. */
#define WAIT_MS 60000
/* What was revoked before is to be known before anything is taken; a database that does not answer
 * is not waited for. */
#define REVOKED_WAIT_MS 3000
/* For the last events, and for saving what was revoked. */
#define CONTROL_LAST_MS 3000

void worker_block_signals(void)
{
    sigset_t set;
    program_stop_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a lost connection is an error value */
}

/* Its number, or 0: none came. */
static int signal_pending(int64_t wait_ms)
{
    sigset_t set;
    program_stop_signals(&set);
    struct timespec wait = clock_timespec(wait_ms);
    int number = sigtimedwait(&set, NULL, &wait);
    return number > 0 ? number : 0;
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
    while (!executor_join(x, LOOK_EVERY_MS)) {
        bool again = signal_pending(0) != 0;
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

static bool make_name(const struct settings *s, int index, char name[NODE_NAME_MAX + 1],
                      struct err *e)
{
    char host[HOST_NAME];
    struct node node = {.host = host_name(host), .pid = getpid(), .index = index};
    return node_name_make(s->worker.name, &node, name, e);
}

/* What one worker consists of; made in this order, ended in the opposite one. */
struct worker {
    struct handover *handover;
    struct subscriptions *queues;
    struct control *control;
    struct executor *executor;
    struct consumer *consumer;
};

static bool start_threads(const struct settings *s, const char *name, struct worker *w,
                          struct err *e)
{
    w->handover = handover_new();
    w->queues = w->handover ? subscriptions_new(w->handover, s->broker.queue) : NULL;
    if (!w->queues)
        return err_set(e, ERR_FATAL, "no_memory", "no memory for a worker");
    if (!control_new(s, name, w->handover, w->queues, &w->control, e) ||
        !control_start(w->control, e))
        return false;
    struct state *st = control_state(w->control);
    if (!state_await_revoked(st, REVOKED_WAIT_MS))
        log_event(LOG_LEVEL_WARNING, "revoked_unknown", "waited_ms=%d", REVOKED_WAIT_MS);
    struct events *v = control_events(w->control);
    return executor_start(s, name, w->handover, st, v, &w->executor, e) &&
           consumer_start(s, name, w->queues, w->handover, st, v, &w->consumer, e);
}

/* The last word to monitors is said when nothing runs any more; nobody waits for it for long. */
static void end_control(struct worker *w, int status)
{
    if (control_end(w->control, CONTROL_LAST_MS))
        return;
    log_event(LOG_LEVEL_WARNING, "control_hangs", "%s", "");
    log_event(LOG_LEVEL_INFO, "stopped", "%s", "");
    _exit(status); /* its thread uses what would be freed now */
}

int worker_run(const struct settings *s, int index)
{
    struct worker w = {.handover = NULL};
    struct err e;
    char name[NODE_NAME_MAX + 1] = "";
    bool named = make_name(s, index, name, &e);
    log_event(LOG_LEVEL_INFO, "started", "name=%s queue=%s version=%s", name, s->broker.queue,
              METERBEAT_VERSION);
    if (!named || !start_threads(s, name, &w, &e)) {
        log_error(LOG_LEVEL_ERROR, "cannot_start", &e);
        return WORKER_EXIT_FATAL; /* the process ends, and with it what had been started */
    }
    int number = 0;
    while (!number)
        number = signal_pending(WAIT_MS);
    int status = executor_failed(w.executor)       ? WORKER_EXIT_FATAL
                 : control_asked_to_end(w.control) ? WORKER_EXIT_ASKED
                                                   : WORKER_EXIT_OK;
    log_event(LOG_LEVEL_INFO, "stopping", "signal=SIG%s grace_s=%lld", sigabbrev_np(number),
              (long long)s->worker.grace_s);
    end_threads(s, w.handover, w.executor, w.consumer);
    end_control(&w, status);
    subscriptions_free(w.queues);
    handover_free(w.handover);
    log_event(LOG_LEVEL_INFO, "stopped", "%s", "");
    return status;
}
