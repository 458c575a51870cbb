/* parse without a record: a child parse for each active record that has none waiting or running. */
#include <inttypes.h>
#include <stdio.h>

#include "common/store/lost_run.h"
#include "worker/ingest/parse.h"
#include "worker/task/enqueue.h"

/* Records a transaction: bounds memory and how long rows stay locked. */
#define FAN_OUT_PAGE 200
/* A worker does not ask the broker how many messages it has (the producer does, and within
 * minutes): what was overtaken for so long is lost. */
#define FAN_OUT_LOST_S (15 * 60)

struct fan_out {
    struct task_context *task;
    const struct timezone_rules *zone;
    int64_t promised, up_to_date, renewed;
};

/* A record with yesterday in its books needs no message; one that cannot be read gets its child, so
 * that its run says what is wrong with it. */
static bool fan_out_has_all(const struct fan_out *f, const struct record *r)
{
    struct window_source source = parse_window_source(r, f->task->settings);
    struct window window;
    return window_next(&source, f->zone, f->task->now_ms / 1000, &window, NULL) && window.nothing;
}

static bool fan_out_one(struct fan_out *f, const struct record *r, struct err *e)
{
    char about[40], task_id[UUID_TEXT];
    bool is_new = false;
    if (fan_out_has_all(f, r)) {
        f->up_to_date++;
        return true;
    }
    snprintf(about, sizeof about, "record %" PRId64, r->id);
    run_child_id(f->task->message->id, about, task_id);
    const struct promise promise = {
        .task_id = task_id, .record_id = r->id, .building_id = r->building_id};
    if (!promise_parse(f->task, &promise, &is_new, e))
        return err_wrap(e, "record %" PRId64, r->id);
    f->promised += is_new;
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
    const struct lost_look look = {.queue = s->broker.queue,
                                   .default_queue = s->broker.queue,
                                   .serializer = s->producer.serializer,
                                   .owner = t->message->id,
                                   .held = LOST_UNKNOWN,
                                   .after_s = FAN_OUT_LOST_S,
                                   .now_ms = t->now_ms,
                                   .max = FAN_OUT_PAGE};
    if (!task_begin(t, e) || !lost_end_expired(t->pg, FAN_OUT_PAGE, &expired, e) ||
        !lost_look(t->pg, &look, &count, e))
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
        snprintf(progress, sizeof progress, "promised %" PRId64, f->promised);
        if (!task_go_on(f->task, progress, e) || !fan_out_page(f, &after_id, &count, e))
            return false;
    } while (count);
    return true;
}

bool fan_out(struct task_context *t, const struct timezone_rules *zone, json_t **ret_result,
             struct err *e)
{
    struct fan_out f = {.task = t, .zone = zone};
    char summary[160];
    bool ok = fan_out_renew(&f, e) && fan_out_all(&f, e);
    snprintf(summary, sizeof summary,
             "%" PRId64 " parses promised, %" PRId64 " records up to date, %" PRId64
             " lost messages promised anew",
             f.promised, f.up_to_date, f.renewed);
    *ret_result = json_pack("{s:I,s:I}", "promised", (json_int_t)f.promised, "up_to_date",
                            (json_int_t)f.up_to_date);
    ok = ok && task_begin(t, e) && task_done(t, summary, *ret_result, e) && pg_commit(t->pg, e);
    if (!ok) {
        pg_rollback(t->pg);
        return false;
    }
    return true;
}
