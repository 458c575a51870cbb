/* One parse that becomes several: a child for each record, or for each part of a long window. */
#include "worker/ingest/fan_out.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/store/lost_run.h"
#include "worker/task/enqueue.h"

/* Records a transaction: bounds memory and how long rows stay locked. */
#define FAN_OUT_PAGE 200
/* A worker does not ask the broker how many messages it has (the producer does, and within
 * minutes): what was overtaken for so long is lost. */
#define FAN_OUT_LOST_S (15 * 60)

/* Parses that a named window may be split into: over ten years of days. */
#define FAN_OUT_PARTS_MAX 4000

/* --- records ---------------------------------------------------------------------------------- */

struct fan_out {
    struct task_context *task;
    const struct timezone_rules *zone;
    int64_t enqueued, up_to_date, renewed;
};

/* A record whose days up to yesterday are stored needs no message; one that cannot be read gets its
 * child, so that its run says what is wrong with it. Its custodian's limits are the child's to look
 * up. */
static bool fan_out_has_all(const struct fan_out *f, const struct record *r)
{
    static const struct record_source own = {.has_custodian = false};
    const struct window_question q = {.settings = f->task->settings,
                                      .zone = f->zone,
                                      .record = r,
                                      .source = &own,
                                      .now_s = f->task->now_ms / 1000};
    struct next_window next;
    return next_window_decide(&q, NULL, &next, NULL) && next.window.nothing;
}

static bool fan_out_one(struct fan_out *f, const struct record *r, struct err *e)
{
    bool is_new = false;
    if (fan_out_has_all(f, r)) {
        f->up_to_date++;
        return true;
    }
    const struct child_parse child = {.record_id = r->id, .building_id = r->building_id};
    if (!enqueue_parse(f->task, &child, &is_new, e))
        return err_wrap(e, "record %" PRId64, r->id);
    f->enqueued += is_new;
    return true;
}

/* One page in one transaction; *after_id moves to its last record, *ret_count 0: there are no more.
 */
static bool fan_out_page(struct fan_out *f, int64_t *after_id, size_t *ret_count, struct err *e)
{
    struct pg *pg = f->task->pg;
    struct record *records = NULL;
    size_t count = 0;
    if (!task_begin(f->task, e) ||
        !record_idle_page(pg, "parse", *after_id, FAN_OUT_PAGE, &records, &count, e))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = fan_out_one(f, &records[i], e);
    if (count)
        *after_id = records[count - 1].id;
    *ret_count = count;
    records_free(records, count);
    return ok && pg_commit(pg, e);
}

/* A record whose open run has lost its message would wait for ever, where no producer looks. */
static bool fan_out_renew(struct fan_out *f, struct err *e)
{
    struct task_context *t = f->task;
    const struct settings *s = t->settings;
    int64_t expired;
    size_t count = 0;
    const struct lost_run_look look = {.queue = s->broker.queue,
                                       .default_queue = s->broker.queue,
                                       .serializer = s->producer.serializer,
                                       .owner = t->message->id,
                                       .held = LOST_UNKNOWN,
                                       .after_s = FAN_OUT_LOST_S,
                                       .now_ms = t->now_ms,
                                       .max = FAN_OUT_PAGE};
    if (!task_begin(t, e) || !lost_run_end_expired(t->pg, FAN_OUT_PAGE, &expired, e) ||
        !lost_run_look(t->pg, &look, &count, e))
        return false;
    f->renewed = (int64_t)count;
    return pg_commit(t->pg, e);
}

static bool fan_out_all(struct fan_out *f, struct err *e)
{
    int64_t after_id = 0;
    size_t count = 0;
    do {
        char progress[60];
        snprintf(progress, sizeof progress, "enqueued %" PRId64, f->enqueued);
        if (!task_go_on(f->task, progress, e) || !fan_out_page(f, &after_id, &count, e))
            return false;
    } while (count);
    return true;
}

bool fan_out_records(struct task_context *t, const struct timezone_rules *zone, json_t **ret_result,
                     struct err *e)
{
    struct fan_out f = {.task = t, .zone = zone};
    char summary[160];
    bool ok = fan_out_renew(&f, e) && fan_out_all(&f, e);
    snprintf(summary, sizeof summary,
             "%" PRId64 " parses enqueued, %" PRId64 " records up to date, %" PRId64
             " lost messages enqueued anew",
             f.enqueued, f.up_to_date, f.renewed);
    *ret_result = json_pack("{s:I,s:I}", "promised", (json_int_t)f.enqueued, "up_to_date",
                            (json_int_t)f.up_to_date);
    ok = ok && task_begin(t, e) && task_done(t, summary, *ret_result, e) && pg_commit(t->pg, e);
    if (!ok) {
        pg_rollback(t->pg);
        return false;
    }
    return true;
}

/* --- parts of a window ------------------------------------------------------------------------ */

static bool fan_out_parts(const struct ingest_request *r, int64_t *ret_parts, struct err *e)
{
    int days = (int)r->source.custodian.max_window_days;
    const struct window *w = &r->next.window;
    bool is_new;
    *ret_parts = 0;
    for (int64_t from_s = w->from_s, to_s; from_s < w->to_s; from_s = to_s) {
        to_s = timezone_day_start(r->zone, from_s, days);
        to_s = to_s < w->to_s ? to_s : w->to_s;
        if (++*ret_parts > FAN_OUT_PARTS_MAX)
            return err_set(e, ERR_REJECT, "bad_window",
                           "more than %d times the %d days that its custodian answers at once",
                           FAN_OUT_PARTS_MAX, days);
        const struct child_parse child = {.record_id = r->record.id,
                                          .building_id = r->record.building_id,
                                          .from_s = from_s,
                                          .to_s = to_s};
        if (!enqueue_parse(r->task, &child, &is_new, e))
            return false;
    }
    return true;
}

bool fan_out_window(const struct ingest_request *r, struct ingest_result *result, struct err *e)
{
    char summary[100];
    int64_t parts;
    if (!task_begin(r->task, e) || !fan_out_parts(r, &parts, e))
        return false;
    snprintf(summary, sizeof summary,
             "%" PRId64 " parses enqueued: its custodian answers %" PRId64 " days at once", parts,
             r->source.custodian.max_window_days);
    result->returned = result_json(r, result);
    return task_done(r->task, summary, result->returned, e) && pg_commit(r->task->pg, e);
}
