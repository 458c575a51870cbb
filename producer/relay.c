/* From the outbox to RabbitMQ: publish, wait for the confirms, and only then forget. */
#include "producer/relay.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/store/outbox.h"
#include "common/amqp/topology.h"
#include "common/amqp/publish.h"

enum fate { FATE_WAITING, FATE_SENT, FATE_REFUSED };

/* Rows of one transaction. */
struct batch {
    struct broker *broker; /* that they go by */
    int64_t patience_ms;   /* without any confirm */
    struct outbox_row *rows;
    size_t count;
    enum fate *fates;
    uint64_t *numbers; /* under which each was published, growing */
    size_t published;  /* so many of them, from the first on */
    size_t answered;
    bool timed_out;
    struct relay_count *tally;
};

static void batch_clear(struct batch *b)
{
    if (b->rows)
        outbox_rows_free(b->rows, b->count);
    free(b->fates);
    free(b->numbers);
}

/* Which rows a transaction takes. */
struct pick {
    const char *owner;
    int64_t older_than_s;
    struct outbox_filter filter;
    size_t most;
};

static bool batch_take(struct connections *l, const struct pick *pick, struct batch *b,
                       struct err *e)
{
    int64_t expired;
    if (!outbox_expire(l->pg, pick->owner, &expired, e))
        return false;
    b->tally->expired += (size_t)expired;
    if (!outbox_take_filtered(l->pg, pick->owner, pick->older_than_s, &pick->filter, pick->most,
                              &b->rows, &b->count, e))
        return false;
    b->fates = calloc(b->count + 1, sizeof *b->fates);
    b->numbers = calloc(b->count + 1, sizeof *b->numbers);
    if (!b->fates || !b->numbers)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu messages", b->count);
    b->tally->taken += b->count;
    return true;
}

/* --- answers -------------------------------------------------------------------------------------
 */

static void settle(struct batch *b, size_t row, enum fate fate, const char *why)
{
    if (b->fates[row] != FATE_WAITING)
        return;
    b->fates[row] = fate;
    b->answered++;
    if (fate == FATE_SENT) {
        b->tally->sent++;
        return;
    }
    if (b->tally->refused++ == 0)
        snprintf(b->tally->refusal, sizeof b->tally->refusal, "queue %.200s: %.150s",
                 b->rows[row].queue, why);
}

/* Numbers grow with the rows: found by halves. */
static void settle_number(struct batch *b, uint64_t number, enum fate fate, const char *why)
{
    size_t low = 0, high = b->published;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < b->published && b->numbers[low] == number)
        settle(b, low, fate, why);
}

/* False when nothing more can be learned: the channel is a fresh one. */
static bool take_event(struct connections *l, struct batch *b, struct broker_event *event)
{
    bool go_on = event->kind != BROKER_EVENT_REOPENED;
    if (b->broker != l->broker && event->kind == BROKER_EVENT_BLOCKED)
        go_on = false; /* l->broker hears of it too, and says so */
    if (event->kind == BROKER_EVENT_CONFIRMED)
        settle_number(b, event->tag, FATE_SENT, "");
    else if (event->kind == BROKER_EVENT_REFUSED)
        settle_number(b, event->tag, FATE_REFUSED,
                      strcmp(event->text, "NO_ROUTE") == 0 ? "there is no such queue"
                                                           : event->text);
    if (b->broker == l->broker)
        connections_note_event(l, event);
    else
        broker_event_free(event);
    return go_on;
}

/* --- the way of a batch
 * ----------------------------------------------------------------------------- */

/* A message that can never be published (headers too long for a frame) is refused like one that the
 * broker does not want: it stays, and is said. */
static bool publish_all(struct batch *b, struct err *e)
{
    for (size_t i = 0; i < b->count && !broker_blocked(b->broker); i++) {
        struct err why = {0};
        struct publish_route route = publish_to_queue(b->rows[i].queue);
        bool sent = broker_publish(b->broker, &route, &b->rows[i].message, &b->numbers[i], &why);
        if (!sent && why.kind != ERR_REJECT) {
            *e = why;
            return false;
        }
        if (!sent)
            b->numbers[i] = i ? b->numbers[i - 1] : 0;
        b->published = i + 1;
        if (!sent)
            settle(b, i, FATE_REFUSED, why.text);
    }
    return true;
}

/* While another connection is waited for, this one has its heartbeats. */
static bool keep_alive(struct connections *l, struct err *e)
{
    struct broker_event event = {0};
    if (!broker_next(l->broker, 0, &event, e))
        return false;
    connections_note_event(l, &event);
    return true;
}

/* Each confirm renews the patience: what a slow broker takes one by one is no silence. */
static bool await_confirms(struct connections *l, struct batch *b, struct err *e)
{
    int64_t deadline_ms = clock_mono_ms() + b->patience_ms;
    size_t answered = b->answered;
    /* Ticks that fall due during an alarm must reach the outbox: what is unanswered stays there
     * too, and is sent once more when the alarm is over. */
    while (b->answered < b->published && !l->blocked) {
        struct broker_event event = {0};
        int64_t left_ms = deadline_ms - clock_mono_ms();
        b->timed_out = left_ms <= 0;
        if (b->timed_out)
            return true;
        if (!broker_next(b->broker, left_ms < 500 ? (int)left_ms : 500, &event, e) ||
            (b->broker != l->broker && !keep_alive(l, e)))
            return false;
        if (!take_event(l, b, &event))
            return true;
        if (b->answered > answered)
            deadline_ms = clock_mono_ms() + b->patience_ms;
        answered = b->answered;
    }
    return true;
}

/* Rows of that fate to the front, from `from` on; returns where they end. */
static size_t gather(struct batch *b, size_t from, enum fate fate)
{
    for (size_t i = from; i < b->count; i++) {
        if (b->fates[i] != fate)
            continue;
        struct outbox_row row = b->rows[from];
        b->rows[from] = b->rows[i];
        b->rows[i] = row;
        b->fates[i] = b->fates[from];
        b->fates[from++] = fate;
    }
    return from;
}

/* Deletes what is with the broker; what it refused stays, behind what it has not seen. */
static bool forget_sent(struct connections *l, struct batch *b, struct err *e)
{
    size_t sent = gather(b, 0, FATE_SENT);
    size_t refused = gather(b, sent, FATE_REFUSED) - sent;
    return outbox_sent(l->pg, b->rows, sent, e) &&
           outbox_refused(l->pg, b->rows + sent, refused, e);
}

/* --- queues that do not answer -------------------------------------------------------------- */

static void note_unresponsive(struct connections *l, const char *queue, int64_t patience_ms)
{
    if (unresponsive_confirm(&l->unresponsive, queue, clock_mono_ms()))
        log_event(
            LOG_LEVEL_ERROR, "queue_unresponsive",
            "queue=%s waited_ms=%lld do=\"its messages wait in the outbox, others are sent; if "
            "it has no leader: docs/queues.md\"",
            queue, (long long)patience_ms);
}

/* Whose channel was silent, or whose connection broke: one queue can hold up all that goes by the
 * same channel, or cost the connection. Of several nobody can tell which: each is tried alone.
 * After a loss that was the broker's, one message of each clears them. */
static void blame_unanswered(struct connections *l, const struct batch *b, struct err *e)
{
    const char *first = NULL;
    bool is_alone = true;
    for (size_t i = 0; i < b->published; i++) {
        if (b->fates[i] != FATE_WAITING)
            continue;
        first = first ? first : b->rows[i].queue;
        is_alone = is_alone && strcmp(first, b->rows[i].queue) == 0;
        unresponsive_suspect(&l->unresponsive, b->rows[i].queue, clock_mono_ms());
    }
    /* while l->broker lives, a loss of the other one is not the broker's */
    bool is_certain = b->timed_out || (b->broker != l->broker && keep_alive(l, e));
    if (first && is_alone && is_certain)
        note_unresponsive(l, first, b->patience_ms);
}

/* What was confirmed is forgotten also when the rest failed. */
static bool send_in_transaction(struct connections *l, struct batch *b, const struct pick *pick,
                                struct err *e)
{
    struct err database = {0}, ignored;
    if (!pg_begin(l->pg, e) || !batch_take(l, pick, b, e))
        return false;
    bool ok = publish_all(b, e) && await_confirms(l, b, e);
    b->tally->broker_failed = !ok;
    if (!ok || b->timed_out)
        blame_unanswered(l, b, &ignored);
    failpoint("after_outbox");
    if (forget_sent(l, b, &database) && pg_commit(l->pg, &database))
        return ok;
    if (ok)
        *e = database;
    return false;
}

/* All but the queues that do not answer. */
static bool send_batch(struct connections *l, const char *owner, int64_t older_than_s,
                       struct relay_count *tally, struct err *e)
{
    struct batch b CLEANUP(batch_clear) = {.tally = tally, .broker = l->broker};
    json_t *except = unresponsive_names(&l->unresponsive);
    const struct pick pick = {owner, older_than_s, {.except = except}, RELAY_BATCH};
    b.patience_ms = l->settings->broker.confirm_timeout_s * 1000;
    bool ok = send_in_transaction(l, &b, &pick, e);
    json_decref(except);
    if (ok && b.timed_out)
        connections_abandon_broker(l);
    tally->timed_out = b.timed_out;
    return ok;
}

/* One row, whoever's, of a queue that is due again; by a connection of its own, which may be held
 * up. */
static bool try_queue(struct connections *l, const struct unresponsive_queue *due,
                      struct relay_count *tally, struct err *e)
{
    struct batch b CLEANUP(batch_clear) = {.tally = tally};
    struct err ignored;
    char queue[BROKER_QUEUE_NAME];
    snprintf(queue, sizeof queue, "%s", due->queue);
    const struct pick pick = {NULL, 0, {.only = queue}, 1};
    b.patience_ms = unresponsive_patience_ms(due, l->settings->broker.confirm_timeout_s * 1000);
    tally->broker_failed = !broker_open(l->settings, l->name, &b.broker, e);
    if (tally->broker_failed)
        return false;
    bool ok = send_in_transaction(l, &b, &pick, e);
    if (ok && !b.timed_out)
        broker_close(b.broker);
    else
        broker_abandon(b.broker);
    if (ok && b.count == 0)
        unresponsive_idle(&l->unresponsive, queue, clock_mono_ms());
    if (b.answered && unresponsive_forget(&l->unresponsive, queue))
        log_event(LOG_LEVEL_INFO, "queue_answers", "queue=%s", queue);
    if (ok || !tally->broker_failed || !keep_alive(l, &ignored)) {
        tally->taken -= b.timed_out;
        return ok;
    }
    pg_rollback(l->pg);
    tally->broker_failed = false; /* it was the queue that cost the other connection */
    tally->taken--;
    return true;
}

bool relay_send(struct connections *l, const char *owner, int64_t older_than_s,
                struct relay_count *ret_count, struct err *e)
{
    *ret_count = (struct relay_count){0};
    if (!l->broker)
        return true;
    bool ok = send_batch(l, owner, older_than_s, ret_count, e);
    const struct unresponsive_queue *due =
        ok && l->broker && !l->blocked ? unresponsive_due(&l->unresponsive, clock_mono_ms()) : NULL;
    if (due)
        ok = try_queue(l, due, ret_count, e);
    if (!ok)
        pg_rollback(l->pg);
    if (ok && ret_count->expired)
        log_event(LOG_LEVEL_WARNING, "messages_expired",
                  "count=%zu reason=\"the next tick was due before the broker took them\"",
                  ret_count->expired);
    return ok;
}
