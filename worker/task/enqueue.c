/* A parse enqueued in the caller's transaction: its run, and its message in the outbox. */
#include "worker/task/enqueue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/uuid.h"
#include "common/store/outbox.h"
#include "common/store/run.h"

static void child_id(const char *parent_id, const struct child_parse *c, char out[UUID_TEXT])
{
    char about[100];
    if (c->to_s)
        snprintf(about, sizeof about, "record %" PRId64 " %" PRId64 " to %" PRId64, c->record_id,
                 c->from_s, c->to_s);
    else if (c->after_s)
        snprintf(about, sizeof about, "record %" PRId64 " from %" PRId64, c->record_id, c->after_s);
    else
        snprintf(about, sizeof about, "record %" PRId64, c->record_id);
    run_child_id(parent_id, about, out);
}

bool enqueue_parse(struct task_context *t, const struct child_parse *child, bool *ret_new,
                   struct err *e)
{
    const struct task_message *parent = t->message;
    char task_id[UUID_TEXT];
    child_id(parent->id, child, task_id);
    json_auto_t *args = json_pack("[I]", (json_int_t)child->record_id);
    json_auto_t *kwargs = child->to_s ? json_pack("{s:I,s:I}", "from", (json_int_t)child->from_s,
                                                  "to", (json_int_t)child->to_s)
                                      : json_object();
    json_auto_t *both = json_pack("[O,O]", args, kwargs);
    char *arguments CLEANUP(free_at) = both ? json_dumps(both, JSON_COMPACT) : NULL;
    if (!arguments)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
    struct run_key key = {.task_id = task_id,
                          .task = "parse",
                          .record_id = child->record_id,
                          .building_id = child->building_id,
                          .arguments = arguments,
                          .parent_id = parent->id,
                          .root_id = parent->root_id ? parent->root_id : parent->id,
                          .queue = t->settings->broker.queue,
                          .only_one = !child->to_s};
    struct task_message m = {.id = task_id,
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
