/* A parse promised in the caller's transaction: its run, and its message in the outbox. */
#include "worker/task/enqueue.h"

#include <stdlib.h>

#include "common/store/outbox.h"
#include "common/store/run.h"

static json_t *promise_kwargs(const struct promise *promise)
{
    if (!promise->to_s)
        return json_object();
    return json_pack("{s:I,s:I}", "from", (json_int_t)promise->from_s, "to",
                     (json_int_t)promise->to_s);
}

bool promise_parse(struct task_context *t, const struct promise *promise, bool *ret_new,
                   struct err *e)
{
    const struct message *parent = t->message;
    json_auto_t *args = json_pack("[I]", (json_int_t)promise->record_id);
    json_auto_t *kwargs = promise_kwargs(promise);
    json_auto_t *both = json_pack("[O,O]", args, kwargs);
    char *arguments CLEANUP(free_at) = both ? json_dumps(both, JSON_COMPACT) : NULL;
    if (!arguments)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
    struct run_key key = {.task_id = promise->task_id,
                          .task = "parse",
                          .record_id = promise->record_id,
                          .building_id = promise->building_id,
                          .arguments = arguments,
                          .parent_id = parent->id,
                          .root_id = parent->root_id ? parent->root_id : parent->id,
                          .queue = t->settings->broker.queue,
                          .only_one = !promise->to_s};
    struct message m = {.id = (char *)promise->task_id,
                        .task = (char *)"parse",
                        .root_id = (char *)key.root_id,
                        .parent_id = parent->id,
                        .args = args,
                        .kwargs = kwargs,
                        .priority = -1,
                        .protocol = 2};
    *ret_new = false;
    if (!run_expect(t->pg, &key, ret_new, e))
        return false;
    return !*ret_new || outbox_add(t->pg, parent->id, t->settings->broker.queue, &m,
                                   t->settings->producer.serializer, t->now_ms, e);
}
