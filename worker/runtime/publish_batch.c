/* Results and follow-up messages of one attempt: sent together, confirmed before its delivery is
 * acknowledged. */
#include "worker/runtime/publish_batch.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "worker/runtime/task_report.h"

/* A queue that refuses this often is full for good; one that is missing may just have been made. */
#define RESULT_REFUSALS_MAX 3
#define FOLLOW_UP_REFUSALS_MAX 5
#define NO_QUEUE_MAX 2

static void mailing_clear(struct mailing *m)
{
    for (size_t i = 0; i < m->count; i++)
        envelope_free(&m->items[i].envelope);
    m->count = m->bytes = 0;
}

/* --- what the broker does not take --------------------------------------------------------- */

/* Somebody may wait for it: he is told that it will not come. */
static bool tell_client(struct attempt *a, const struct follow_up *f, const struct err *why)
{
    struct err e;
    struct envelope v;
    const struct message *m = &f->message;
    struct result_address to = {.task_id = m->id,
                                .reply_to = report_reply_queue(m->reply_to),
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
    struct mailing alone = {.attempt = a};
    return ok && mailing_result(&alone, &v, to.reply_to) && mailing_send(&alone);
}

static enum give_up bury(struct attempt *a, const struct mailing_item *item, const struct err *why)
{
    const struct follow_up *f = item->follow_up;
    struct err e;
    const char *queue = f->queue ? f->queue : item->route.routing_key;
    if (!outcome_bury(a, &item->envelope, why, 0, queue, &e))
        return strcmp(e.code, PUBLISH_NO_CONFIRM) == 0 ? GIVE_UP_NOT_YET : GIVE_UP_STOPPED;
    if (!tell_client(a, f, why))
        return GIVE_UP_STOPPED;
    log_event(LOG_LEVEL_ERROR, "follow_up_dead", "follow_up=%s task=%s code=%s error=%s",
              f->message.id, f->message.task, why->code, why->text);
    return GIVE_UP;
}

static bool is_final(const struct mailing_item *item, const struct err *why)
{
    if (why->kind == ERR_REJECT)
        return true;
    if (!item->follow_up)
        return item->refusals >= RESULT_REFUSALS_MAX;
    if (strcmp(why->code, "no_queue") == 0)
        return item->refusals >= NO_QUEUE_MAX;
    return item->refusals >= FOLLOW_UP_REFUSALS_MAX;
}

/* Refused, or its exchange closes the channel each time: not a broker that is away. */
static bool is_refusal(const struct mailing_item *item, const struct err *why)
{
    bool by_exchange =
        item->route.exchange && item->route.exchange[0] && strcmp(why->code, "channel_closed") == 0;
    return by_exchange || why->kind == ERR_REJECT || strcmp(why->code, "no_queue") == 0 ||
           strcmp(why->code, "publish_refused") == 0;
}

static enum give_up give_up(void *context, size_t index, const struct err *why)
{
    struct mailing *m = context;
    struct mailing_item *item = &m->items[index];
    bool is_silent = strcmp(why->code, PUBLISH_NO_CONFIRM) == 0;
    item->refusals += is_refusal(item, why);
    if (!is_silent && (!is_refusal(item, why) || !is_final(item, why)))
        return GIVE_UP_NOT_YET;
    if (item->follow_up)
        return bury(m->attempt, item, why);
    if (is_silent)
        shunned_add(&m->attempt->executor->shunned, item->route.routing_key, clock_mono_ms());
    log_error(LOG_LEVEL_WARNING, "result_refused", why);
    return GIVE_UP;
}

/* --- sending ------------------------------------------------------------------------------- */

bool mailing_send(struct mailing *m)
{
    struct publication items[MAILING_ITEMS];
    struct err e;
    for (size_t i = 0; i < m->count; i++)
        items[i] =
            (struct publication){.route = m->items[i].route, .envelope = &m->items[i].envelope};
    bool sent = m->count == 0 || outcome_publish_some(m->attempt, items, m->count, give_up, m, &e);
    if (!sent)
        log_error(LOG_LEVEL_WARNING, "report_not_sent", &e);
    else
        crashpoint("after_report");
    mailing_clear(m);
    return sent;
}

static bool add(struct mailing *m, const struct mailing_item *item)
{
    m->items[m->count++] = *item;
    m->bytes += item->envelope.body_len;
    return (m->count < MAILING_ITEMS && m->bytes < MAILING_BYTES) || mailing_send(m);
}

/* Tasks of ours go to the queue that this one came from, others to that of the Python application,
 * unless said. */
static struct publish_route route_of(const struct attempt *a, const struct follow_up *f)
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

static bool encode(const struct follow_up *f, struct envelope *v, struct err *e)
{
    int64_t now_ms = clock_wall_ms();
    if (message_encode(&f->message, f->serializer, now_ms, v, e))
        return true;
    /* msgpack is not nested as deep, for one: what a worker can read is better than nothing */
    return e->kind == ERR_REJECT && strcmp(f->serializer, "msgpack") == 0 &&
           message_encode(&f->message, "json", now_ms, v, e);
}

bool mailing_follow_up(struct mailing *m, const struct follow_up *f)
{
    struct err e;
    struct mailing_item item = {.follow_up = f, .route = route_of(m->attempt, f)};
    if (encode(f, &item.envelope, &e))
        return add(m, &item);
    if (e.kind == ERR_REJECT) {
        log_error(LOG_LEVEL_ERROR, "follow_up_not_sent", &e);
        return tell_client(m->attempt, f, &e);
    }
    mailing_clear(m);
    return false;
}

bool mailing_result(struct mailing *m, struct envelope *v, const char *to)
{
    if (shunned_has(&m->attempt->executor->shunned, to, clock_mono_ms())) {
        log_event(LOG_LEVEL_WARNING, "result_refused", "error=\"its queue did not answer lately\"");
        envelope_free(v);
        return true;
    }
    struct mailing_item item = {
        .envelope = *v,
        .route = {.exchange = "", .routing_key = to, .optional = true, .transient = true}};
    *v = (struct envelope){.priority = -1};
    return add(m, &item);
}
