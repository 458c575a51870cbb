/* The outbox of a run that is done: its messages sent before the delivery is acknowledged. */
#include "worker/runtime/run_outbox.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/outbox.h"
#include "worker/runtime/run_lease.h"

#define OUTBOX_AT_ONCE 100
/* A queue that refused twice, half a second apart, is full for longer. */
#define OUTBOX_REFUSALS_MAX 2

/* Rows of one transaction on their way. */
struct outbox_batch {
    struct executor_context *executor;
    struct outbox_row *rows;
    size_t count;
    struct publication items[OUTBOX_AT_ONCE];
    size_t row_of[OUTBOX_AT_ONCE]; /* of an item */
    int refusals[OUTBOX_AT_ONCE];
    bool is_left[OUTBOX_AT_ONCE]; /* rows that the broker did not take */
    size_t left_count;
    struct err why;
};

static void outbox_batch_clear(struct outbox_batch *b)
{
    outbox_rows_free(b->rows, b->count);
    b->rows = NULL;
    b->count = 0;
}

static void leave(struct outbox_batch *b, size_t row)
{
    b->is_left[row] = true;
    b->left_count++;
}

/* A queue that is full may be full because of us: we are the ones who empty it. So what it does not
 * take stays in the outbox, for the producer to offer again and again. */
static enum give_up leave_in_outbox(void *context, size_t index, const struct publication *failed)
{
    struct outbox_batch *b = context;
    switch (failed->failure) {
    case PUBLISH_FAILED_SILENT:
        unavailable_add(&b->executor->unavailable, failed->route.routing_key, clock_mono_ms());
        break;
    case PUBLISH_FAILED_FOR_GOOD:
        break;
    case PUBLISH_FAILED_REFUSED:
    case PUBLISH_FAILED_NO_QUEUE:
        if (++b->refusals[index] < OUTBOX_REFUSALS_MAX)
            return GIVE_UP_NOT_YET;
        break;
    default:
        return GIVE_UP_NOT_YET;
    }
    leave(b, b->row_of[index]);
    b->why = failed->error;
    return GIVE_UP;
}

static bool publish_rows(struct attempt *a, struct outbox_batch *b, struct err *e)
{
    size_t n = 0;
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < b->count; i++) {
        if (b->rows[i].expires_ms && b->rows[i].expires_ms <= now_ms)
            continue;
        if (unavailable_has(&b->executor->unavailable, b->rows[i].queue, clock_mono_ms())) {
            (void)err_set(&b->why, ERR_RETRY, "no_confirm", "queue %.200s did not answer lately",
                          b->rows[i].queue);
            leave(b, i);
            continue;
        }
        b->row_of[n] = i;
        b->items[n++] = (struct publication){.route = publish_to_queue(b->rows[i].queue),
                                             .message = &b->rows[i].message};
    }
    return n == 0 || publish_all(a, b->items, n, leave_in_outbox, b, e);
}

/* Those that were left go behind the others. */
static bool forget_sent(struct pg *pg, struct outbox_batch *b, struct err *e)
{
    size_t sent = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->is_left[i])
            continue;
        struct outbox_row row = b->rows[sent];
        b->rows[sent++] = b->rows[i];
        b->rows[i] = row;
        b->is_left[i] = b->is_left[sent - 1];
        b->is_left[sent - 1] = false;
    }
    return outbox_sent(pg, b->rows, sent, e) &&
           outbox_refused(pg, b->rows + sent, b->count - sent, e);
}

struct outbox_tally {
    size_t taken, left;
};

/* Rows are locked while they are published, so that the producer's relay does not send them too. */
static bool send_some(struct attempt *a, void *context, struct err *e)
{
    struct pg *pg = a->executor->pg;
    struct outbox_tally *tally = context;
    struct outbox_batch b CLEANUP(outbox_batch_clear) = {.executor = a->executor};
    if (!pg_begin(pg, e) ||
        !outbox_take(pg, a->message.id, 0, OUTBOX_AT_ONCE, &b.rows, &b.count, e) ||
        !publish_rows(a, &b, e) || !forget_sent(pg, &b, e) || !pg_commit(pg, e))
        return false;
    *tally = (struct outbox_tally){b.count, b.left_count};
    if (b.left_count) {
        log_event(LOG_LEVEL_WARNING, "left_in_outbox", "count=%zu code=%s error=%s", b.left_count,
                  b.why.code, b.why.text);
    }
    return true;
}

/* What follows the first refusal is not tried: the producer will. */
bool run_outbox_send(struct attempt *a)
{
    struct err e;
    struct outbox_tally tally;
    do {
        if (!run_lease_write(a, send_some, &tally, &e)) {
            log_error(LOG_LEVEL_WARNING, "outbox_not_sent", &e);
            return false;
        }
    } while (tally.taken == OUTBOX_AT_ONCE && tally.left == 0);
    return true;
}
