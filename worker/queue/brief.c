/* Brief tasks, performed where their delivery arrives: no thread has to wake for microseconds. */
#include "queue/brief.h"

#include "base/clock.h"
#include "queue/message.h"
#include "queue/task.h"

/* Decoding a longer one would keep the I/O thread from its heartbeats' side of the work. */
#define BRIEF_BODY_MAX 16384

static bool perform_now(const struct settings *s, const struct message *m, int64_t now_ms)
{
    struct err e;
    json_t *result = NULL;
    const struct task *task = task_find(settings_task_name(s, m->task));
    if (!task || !task->brief || m->eta_ms > now_ms || (m->expires_ms && m->expires_ms <= now_ms))
        return false;
    struct task_context context = {.settings = s, .message = m, .now_ms = now_ms};
    bool done = task->perform(&context, &result, &e);
    json_decref(result);
    return done;
}

bool brief_perform(const struct settings *s, const struct envelope *v)
{
    struct message m;
    struct err e;
    struct message_limits limits = {.max_bytes = BRIEF_BODY_MAX,
                                    .max_depth = (size_t)s->worker.max_message_depth};
    if (v->body_len > BRIEF_BODY_MAX || !message_decode(v, &limits, &m, &e))
        return false;
    bool done = perform_now(s, &m, clock_wall_ms());
    message_free(&m);
    return done;
}
