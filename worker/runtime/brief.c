/* Brief tasks, performed where their delivery arrives: no thread has to wake for microseconds. */
#include "worker/runtime/brief.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/celery/task_message.h"
#include "worker/runtime/task_result.h"
#include "common/celery/canvas.h"
#include "worker/task/task.h"

/* Decoding a longer one would keep the I/O thread from its heartbeats' side of the work. */
#define BRIEF_BODY_MAX 16384

static bool reply(const struct settings *s, const struct message *m, const struct envelope *v,
                  const json_t *result, struct brief_reply *ret_reply, int64_t now_ms)
{
    struct err e;
    struct result_address to = task_result_address(m, v);
    if (!to.reply_to)
        return true;
    if (!result_encode(&to, RESULT_SUCCESS, result, NULL, (size_t)s->worker.max_result_bytes,
                       now_ms, &ret_reply->result, &e))
        return false;
    ret_reply->to = strdup(to.reply_to);
    if (!ret_reply->to)
        envelope_free(&ret_reply->result);
    return ret_reply->to;
}

static bool perform_now(const struct settings *s, const struct message *m, const struct envelope *v,
                        struct brief_reply *ret_reply, int64_t now_ms)
{
    struct err e;
    json_t *result = NULL;
    const struct task *task = task_find(settings_task_name(s, m->task));
    if (!task || !task->brief || m->eta_ms > now_ms || s->worker.track_started ||
        (m->expires_ms && m->expires_ms <= now_ms) || signature_follows(m->embed))
        return false;
    struct task_context context = {.settings = s, .message = m, .now_ms = now_ms};
    bool done = task->perform(&context, &result, &e) && reply(s, m, v, result, ret_reply, now_ms);
    json_decref(result);
    return done;
}

bool brief_perform(const struct settings *s, const struct envelope *v,
                   struct brief_reply *ret_reply)
{
    struct message m;
    struct err e;
    struct message_limits limits = {.max_bytes = BRIEF_BODY_MAX,
                                    .max_depth = (size_t)s->worker.max_message_depth};
    *ret_reply = (struct brief_reply){.to = NULL};
    if (v->body_len > BRIEF_BODY_MAX || !message_decode(v, &limits, &m, &e))
        return false;
    bool done = perform_now(s, &m, v, ret_reply, clock_wall_ms());
    message_free(&m);
    return done;
}
