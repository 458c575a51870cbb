/* Keeps N worker processes running: forks them, starts anew those that end, hands signals on. */
#include "worker/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/config/program.h"
#include "worker/worker.h"

#define PAUSE_FIRST_MS 500
#define PAUSE_MAX_MS 30000
/* A child that lived this long was a healthy one. */
#define HEALTHY_MS 60000

struct child {
    pid_t pid;    /* 0: not running */
    bool retired; /* remote control ended it: not to be started anew */
    int64_t started_ms, due_ms, pause_ms;
};

/* --- children ------------------------------------------------------------------------------ */

/* The child dies with its supervisor, even one that was killed. */
static void run_child(const struct settings *s, int index, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(WORKER_EXIT_OK);
    _exit(worker_run(s, index));
}

static void start_child(const struct settings *s, struct child *child, int index, int64_t now_ms)
{
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0)
        run_child(s, index, parent);
    child->started_ms = now_ms;
    if (child->pid < 0) {
        child->pid = 0;
        child->due_ms = now_ms + PAUSE_MAX_MS;
        log_event(LOG_LEVEL_ERROR, "cannot_fork", "error=%s", strerror(errno));
    }
}

static void start_due(const struct settings *s, struct child *children, size_t count,
                      int64_t now_ms)
{
    for (size_t i = 0; i < count; i++)
        if (children[i].pid == 0 && !children[i].retired && now_ms >= children[i].due_ms)
            start_child(s, &children[i], (int)i + 1, now_ms);
}

static struct child *find_child(struct child *children, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++)
        if (children[i].pid == pid)
            return &children[i];
    return NULL;
}

static void note_end(struct child *child, int status, int64_t now_ms)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_ASKED) {
        log_event(LOG_LEVEL_INFO, "worker_retired", "worker_pid=%d", (int)child->pid);
        child->pid = 0;
        child->retired = true;
        return;
    }
    bool healthy = now_ms - child->started_ms >= HEALTHY_MS;
    child->pause_ms = healthy || child->pause_ms == 0      ? PAUSE_FIRST_MS
                      : child->pause_ms * 2 < PAUSE_MAX_MS ? child->pause_ms * 2
                                                           : PAUSE_MAX_MS;
    child->due_ms = now_ms + child->pause_ms;
    log_event(LOG_LEVEL_WARNING, "worker_ended", "worker_pid=%d %s=%d restart_in_ms=%lld",
              (int)child->pid, WIFSIGNALED(status) ? "signal" : "exit",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
              (long long)child->pause_ms);
    child->pid = 0;
}

/* Returns the worst exit status of those that ended. */
static int reap(struct child *children, size_t count, int64_t now_ms)
{
    int status, worst = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *child = find_child(children, count, pid);
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : WORKER_EXIT_FATAL;
        code = code == WORKER_EXIT_ASKED ? WORKER_EXIT_OK : code;
        worst = code > worst ? code : worst;
        if (child)
            note_end(child, status, now_ms);
    }
    return worst;
}

static size_t signal_children(const struct child *children, size_t count, int number)
{
    size_t running = 0;
    for (size_t i = 0; i < count; i++) {
        if (children[i].pid == 0)
            continue;
        running++;
        if (number)
            kill(children[i].pid, number);
    }
    return running;
}

/* --- waiting ------------------------------------------------------------------------------- */

static int64_t next_due_in(const struct child *children, size_t count, int64_t now_ms)
{
    int64_t wait_ms = PAUSE_MAX_MS;
    for (size_t i = 0; i < count; i++)
        if (children[i].pid == 0 && !children[i].retired && children[i].due_ms - now_ms < wait_ms)
            wait_ms = children[i].due_ms - now_ms;
    return wait_ms < 0 ? 0 : wait_ms;
}

/* The signal that came, or 0 when the time is over. */
static int wait_for_signal(int64_t wait_ms)
{
    sigset_t set;
    program_stop_signals(&set);
    sigaddset(&set, SIGCHLD);
    struct timespec wait = clock_timespec(wait_ms);
    int number = sigtimedwait(&set, NULL, &wait);
    return number > 0 ? number : 0;
}

static void block_child_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Every further signal goes on to the children; their own limits see to it that they end. */
static int end_children(struct child *children, size_t count, int number)
{
    int worst = 0;
    signal_children(children, count, number);
    while (signal_children(children, count, 0) > 0) {
        number = wait_for_signal(PAUSE_MAX_MS);
        if (number && number != SIGCHLD)
            signal_children(children, count, number);
        int code = reap(children, count, clock_mono_ms());
        worst = code > worst ? code : worst;
    }
    return worst;
}

static bool all_retired(const struct child *children, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!children[i].retired)
            return false;
    return true;
}

int supervisor_run(const struct settings *s)
{
    size_t count = (size_t)s->worker.processes;
    struct child *children = calloc(count, sizeof *children);
    if (!children)
        return WORKER_EXIT_FATAL;
    block_child_signal();
    int number = 0;
    while (!number || number == SIGCHLD) {
        int64_t now_ms = clock_mono_ms();
        (void)reap(children, count, now_ms); /* why they ended is logged; they are started anew */
        if (all_retired(children, count))
            break;
        start_due(s, children, count, now_ms);
        number = wait_for_signal(next_due_in(children, count, now_ms));
    }
    log_event(LOG_LEVEL_INFO, "supervisor_stopping", "workers=%zu", count);
    int worst = end_children(children, count, number && number != SIGCHLD ? number : SIGTERM);
    free(children);
    return worst;
}
