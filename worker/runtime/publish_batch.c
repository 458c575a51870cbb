/* Results and follow-up messages of one attempt: sent together, confirmed before its delivery is
 * acknowledged. */
#include "worker/runtime/publish_batch.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "worker/runtime/dead_letter.h"
#include "worker/runtime/task_result.h"

/* A queue that refuses this often is full for good; one that is missing may just have been made. */
#define RESULT_REFUSALS_MAX 3
#define CALLBACK_REFUSALS_MAX 5
#define NO_QUEUE_MAX 2

static void publish_batch_clear(struct publish_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        message_free(&batch->items[i].message);
    batch->count = batch->bytes = 0;
}

/* --- what the broker does not take --------------------------------------------------------- */

/* Whoever waits for its result is told that it will not come. */
static bool tell_client(struct attempt *a, const struct callback *f, const struct err *why)
{
    struct err e;
    struct message v;
    const struct task_message *m = &f->message;
    struct result_address to = {.task_id = m->id,
                                .reply_to = task_result_queue(m->reply_to),
                                .group_id = m->group_id,
                                .parent_id = m->parent_id};
    if (!to.reply_to || m->ignore_result)
        return true;
    struct result_exception x = result_exception_of(why, m->task);
    json_t *value = result_exception_value(&x);
    bool ok = value && result_encode(&to, RESULT_FAILURE, value, NULL,
                                     (size_t)a->executor->settings->worker.max_result_bytes,
                                     clock_wall_ms(), &v, &e);
    json_decref(value);
    struct publish_batch alone = {.attempt = a};
    return ok && publish_batch_add_result(&alone, &v, to.reply_to) && publish_batch_send(&alone);
}

static enum give_up dead_letter(struct attempt *a, const struct publish_batch_item *item,
                                const struct err *why)
{
    const struct callback *f = item->follow_up;
    struct err e;
    const char *queue = f->queue ? f->queue : item->route.routing_key;
    enum publish_status status = dead_letter_send(a, &item->message, why, 0, queue, &e);
    if (status == PUBLISH_SILENT)
        return GIVE_UP_NOT_YET;
    if (status != PUBLISH_CONFIRMED || !tell_client(a, f, why))
        return GIVE_UP_STOPPED;
    log_event(LOG_LEVEL_ERROR, "callback_dead", "callback=%s task=%s code=%s error=%s",
              f->message.id, f->message.task, why->code, why->text);
    return GIVE_UP;
}

/* How often one may fail in that way before it is given up; 0: for ever, the broker is away. */
static int refusals_max(const struct publish_batch_item *item, enum publish_failure failure)
{
    bool by_exchange = item->route.exchange && item->route.exchange[0];
    bool is_result = !item->follow_up;
    switch (failure) {
    case PUBLISH_FAILED_SILENT:
    case PUBLISH_FAILED_FOR_GOOD:
        return 1;
    case PUBLISH_FAILED_NO_QUEUE:
        return is_result ? RESULT_REFUSALS_MAX : NO_QUEUE_MAX;
    case PUBLISH_FAILED_REFUSED:
        return is_result ? RESULT_REFUSALS_MAX : CALLBACK_REFUSALS_MAX;
    case PUBLISH_FAILED_CHANNEL: /* closed by its exchange each time */
        return by_exchange ? CALLBACK_REFUSALS_MAX : 0;
    default:
        return 0;
    }
}

static enum give_up give_up(void *context, size_t index, const struct publication *failed)
{
    struct publish_batch *batch = context;
    struct publish_batch_item *item = &batch->items[index];
    int most = refusals_max(item, failed->failure);
    item->refusals += most > 0;
    if (most == 0 || item->refusals < most)
        return GIVE_UP_NOT_YET;
    if (item->follow_up)
        return dead_letter(batch->attempt, item, &failed->error);
    if (failed->failure == PUBLISH_FAILED_SILENT)
        unavailable_add(&batch->attempt->executor->unavailable, item->route.routing_key,
                        clock_mono_ms());
    log_error(LOG_LEVEL_WARNING, "result_refused", &failed->error);
    return GIVE_UP;
}

/* --- sending ------------------------------------------------------------------------------- */

bool publish_batch_send(struct publish_batch *batch)
{
    struct publication items[PUBLISH_BATCH_ITEMS];
    struct err e;
    for (size_t i = 0; i < batch->count; i++)
        items[i] = (struct publication){.route = batch->items[i].route,
                                        .message = &batch->items[i].message};
    bool sent =
        batch->count == 0 || publish_all(batch->attempt, items, batch->count, give_up, batch, &e);
    if (!sent)
        log_error(LOG_LEVEL_WARNING, "result_not_sent", &e);
    else
        failpoint("after_report");
    publish_batch_clear(batch);
    return sent;
}

static bool add(struct publish_batch *batch, const struct publish_batch_item *item)
{
    batch->items[batch->count++] = *item;
    batch->bytes += item->message.body_len;
    return (batch->count < PUBLISH_BATCH_ITEMS && batch->bytes < PUBLISH_BATCH_BYTES) ||
           publish_batch_send(batch);
}

/* Tasks of ours go to the queue that this one came from, others to that of the Python application,
 * unless said. */
static struct publish_route route_of(const struct attempt *a, const struct callback *f)
{
    const struct settings *s = a->executor->settings;
    bool is_ours = task_find(settings_task_name(s, f->message.task)) != NULL;
    const char *queue = is_ours ? a->delivery->queue : s->worker.foreign_queue;
    struct publish_route route = {.exchange = f->exchange, .transient = f->transient};
    if (f->exchange)
        route.routing_key = f->routing_key ? f->routing_key : "";
    else
        route.routing_key = f->queue ? f->queue : queue;
    return route;
}

static bool encode(const struct callback *f, struct message *v, struct err *e)
{
    int64_t now_ms = clock_wall_ms();
    if (task_message_encode(&f->message, f->serializer, now_ms, v, e))
        return true;
    /* msgpack is not nested as deep, for one: what a worker can read is better than nothing */
    return e->kind == ERR_REJECT && strcmp(f->serializer, "msgpack") == 0 &&
           task_message_encode(&f->message, "json", now_ms, v, e);
}

bool publish_batch_add_callback(struct publish_batch *batch, const struct callback *f)
{
    struct err e;
    struct publish_batch_item item = {.follow_up = f, .route = route_of(batch->attempt, f)};
    if (encode(f, &item.message, &e))
        return add(batch, &item);
    if (e.kind == ERR_REJECT) {
        log_error(LOG_LEVEL_ERROR, "callback_not_sent", &e);
        return tell_client(batch->attempt, f, &e);
    }
    publish_batch_clear(batch);
    return false;
}

bool publish_batch_add_result(struct publish_batch *batch, struct message *v, const char *to)
{
    if (unavailable_has(&batch->attempt->executor->unavailable, to, clock_mono_ms())) {
        log_event(LOG_LEVEL_WARNING, "result_refused", "error=\"its queue did not answer lately\"");
        message_free(v);
        return true;
    }
    struct publish_batch_item item = {
        .message = *v,
        .route = {.exchange = "", .routing_key = to, .optional = true, .transient = true}};
    *v = (struct message){.priority = -1};
    return add(batch, &item);
}
