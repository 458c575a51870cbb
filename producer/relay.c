/* From the outbox to RabbitMQ: publish, wait for the confirms, and only then forget. */
#include "producer/relay.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/store/outbox.h"

enum fate { FATE_WAITING, FATE_SENT, FATE_REFUSED };

/* Rows of one transaction. */
struct batch {
    struct outbox_row *rows;
    size_t count;
    enum fate *fates;
    uint64_t *numbers; /* under which each was published, growing */
    size_t published;  /* so many of them, from the first on */
    size_t answered;
    struct relay_count *tally;
};

static void batch_clear(struct batch *b)
{
    if (b->rows)
        outbox_rows_free(b->rows, b->count);
    free(b->fates);
    free(b->numbers);
}

static bool batch_take(struct links *l, const char *owner, int64_t older_than_s, struct batch *b,
                       struct err *e)
{
    int64_t expired;
    if (!outbox_expire(l->pg, owner, &expired, e))
        return false;
    b->tally->expired = (size_t)expired;
    if (!outbox_take(l->pg, owner, older_than_s, RELAY_BATCH, &b->rows, &b->count, e))
        return false;
    b->fates = calloc(b->count + 1, sizeof *b->fates);
    b->numbers = calloc(b->count + 1, sizeof *b->numbers);
    if (!b->fates || !b->numbers)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu messages", b->count);
    b->tally->taken = b->count;
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
static bool take_event(struct links *l, struct batch *b, struct broker_event *event)
{
    bool go_on = event->kind != BROKER_EVENT_REOPENED;
    if (event->kind == BROKER_EVENT_CONFIRMED)
        settle_number(b, event->tag, FATE_SENT, "");
    else if (event->kind == BROKER_EVENT_REFUSED)
        settle_number(b, event->tag, FATE_REFUSED,
                      strcmp(event->text, "NO_ROUTE") == 0 ? "there is no such queue"
                                                           : event->text);
    links_note_event(l, event);
    return go_on;
}

/* --- the way of a batch
 * ----------------------------------------------------------------------------- */

/* A message that can never be published (headers too long for a frame) is refused like one that the
 * broker does not want: it stays, and is said. */
static bool publish_all(struct links *l, struct batch *b, struct err *e)
{
    for (size_t i = 0; i < b->count && !broker_blocked(l->broker); i++) {
        struct err why = {0};
        struct publish_route route = publish_to_queue(b->rows[i].queue);
        bool sent = broker_publish(l->broker, &route, &b->rows[i].envelope, &b->numbers[i], &why);
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

static bool await_confirms(struct links *l, struct batch *b, struct err *e)
{
    int64_t deadline_ms = clock_mono_ms() + l->settings->broker.confirm_timeout_s * 1000;
    /* Ticks that fall due during an alarm must reach the outbox: what is unanswered stays there
     * too, and is sent once more when the alarm is over. */
    while (b->answered < b->published && !l->blocked) {
        struct broker_event event = {0};
        int64_t left_ms = deadline_ms - clock_mono_ms();
        if (left_ms <= 0)
            return err_set(e, ERR_RETRY, "publish_timeout",
                           "RabbitMQ: no confirm within broker.confirm_timeout_s");
        if (!broker_next(l->broker, left_ms < 500 ? (int)left_ms : 500, &event, e))
            return false;
        if (!take_event(l, b, &event))
            return true;
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
static bool forget_sent(struct links *l, struct batch *b, struct err *e)
{
    size_t sent = gather(b, 0, FATE_SENT);
    size_t refused = gather(b, sent, FATE_REFUSED) - sent;
    return outbox_sent(l->pg, b->rows, sent, e) &&
           outbox_refused(l->pg, b->rows + sent, refused, e);
}

static bool send_in_transaction(struct links *l, struct batch *b, const char *owner,
                                int64_t older_than_s, struct err *e)
{
    struct err database = {0};
    if (!pg_begin(l->pg, e) || !batch_take(l, owner, older_than_s, b, e))
        return false;
    bool ok = publish_all(l, b, e) && await_confirms(l, b, e);
    b->tally->broker_failed = !ok;
    crashpoint("after_outbox");
    if (forget_sent(l, b, &database) && pg_commit(l->pg, &database))
        return ok;
    if (ok)
        *e = database;
    return false;
}

bool relay_send(struct links *l, const char *owner, int64_t older_than_s,
                struct relay_count *ret_count, struct err *e)
{
    *ret_count = (struct relay_count){0};
    struct batch b CLEANUP(batch_clear) = {.tally = ret_count};
    bool ok = send_in_transaction(l, &b, owner, older_than_s, e);
    if (!ok)
        pg_rollback(l->pg);
    if (ok && ret_count->expired)
        log_event(LOG_LEVEL_WARNING, "messages_expired",
                  "count=%zu reason=\"the next tick was due before the broker took them\"",
                  ret_count->expired);
    return ok;
}
