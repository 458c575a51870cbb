/* The audit task: compares recent days of the ledger with KairosDB. */
#include "worker/reconcile/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/store/series.h"
#include "worker/task/local_zone.h"
#include "worker/reconcile/missing_days.h"

/* Series read from the ledger at a time, and days queried from KairosDB at a time. */
#define AUDIT_SERIES 50
#define AUDIT_SPAN 366
#define AUDIT_DAYS 2
#define AUDIT_DAYS_MAX 366

struct audit {
    struct task_context *task;
    struct kairosdb *kairosdb;
    struct task_stop stop;
    char cost_metric[256];
    int64_t series, days, differing;
    struct backfill_tally backfills;
    struct series_ledger page[AUDIT_SERIES];
    struct reconciled_day found[AUDIT_SPAN + 2];
    enum backfill what[AUDIT_SPAN + 2];
};

static void audit_free(struct audit **audit)
{
    if (*audit)
        kairosdb_close((*audit)->kairosdb);
    free(*audit);
}

static bool audit_days(const struct task_message *m, int64_t *ret_days, struct err *e)
{
    const json_t *days = json_object_get(m->kwargs, "days");
    *ret_days = days ? json_integer_value(days) : AUDIT_DAYS;
    bool is_right =
        json_array_size(m->args) == 0 && json_object_size(m->kwargs) == (days ? 1U : 0U) &&
        (!days || json_is_integer(days)) && *ret_days >= 1 && *ret_days <= AUDIT_DAYS_MAX;
    return is_right ||
           err_set(e, ERR_REJECT, "bad_arguments",
                   "audit takes nothing but days, a number from 1 to %d", AUDIT_DAYS_MAX);
}

static bool audit_span(struct audit *a, const struct reconcile_source *source,
                       const struct reconcile_series *series, int64_t from_s, int64_t to_s,
                       struct err *e)
{
    size_t count = 0;
    const struct backfill_order order = {.task = a->task, .least = RECONCILED_OTHER};
    memset(a->what, 0, sizeof a->what);
    if (!reconcile_days(source, series, from_s, to_s, a->found, ARRAY_LEN(a->found), &count, e) ||
        !missing_days_enqueue(&order, a->found, count, a->what, &a->backfills, e))
        return false;
    a->days += (int64_t)count;
    for (size_t i = 0; i < count; i++)
        a->differing += a->found[i].how >= RECONCILED_OTHER;
    return true;
}

static bool audit_series(struct audit *a, const struct series_ledger *s, struct err *e)
{
    struct series_tags tags;
    struct reconcile_source source = {.pg = a->task->pg,
                                      .kairosdb = a->kairosdb,
                                      .metric = a->task->settings->kairosdb.measurement,
                                      .cost_metric = a->cost_metric};
    const struct reconcile_series series = {
        .id = s->id, .tags = &tags, .has_cost = s->has_cost, .record_id = s->record_id};
    char progress[80];
    snprintf(progress, sizeof progress, "%" PRId64 " days, %" PRId64 " differ", a->days,
             a->differing);
    if (!task_go_on(a->task, progress, e) || !series_tags_read(s->tags, &tags, e) ||
        !local_zone_named(a->task->settings, s->time_zone, &source.zone, e))
        return false;
    int64_t end_s = timezone_day_start(source.zone, s->last_day_s, 1);
    for (int64_t from_s = s->first_day_s, to_s; from_s < end_s; from_s = to_s) {
        to_s = timezone_day_start(source.zone, from_s, AUDIT_SPAN);
        to_s = to_s < end_s ? to_s : end_s;
        if (!audit_span(a, &source, &series, from_s, to_s, e))
            return err_wrap(e, "series %" PRId64, s->id);
    }
    a->series++;
    return true;
}

static bool audit_all(struct audit *a, int64_t days, struct err *e)
{
    int64_t after_id = 0;
    size_t count = 0;
    do {
        if (!series_ledger_page(a->task->pg, days * 86400, a->task->settings->kairosdb.settle_s,
                                after_id, a->page, AUDIT_SERIES, &count, e))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!audit_series(a, &a->page[i], e))
                return false;
            after_id = a->page[i].id;
        }
    } while (count > 0);
    return true;
}

static bool audit_done(struct audit *a, json_t **ret_result, struct err *e)
{
    char summary[200];
    snprintf(summary, sizeof summary,
             "%" PRId64 " days of %" PRId64 " series; %" PRId64 " differ from the ledger, %" PRId64
             " parses enqueued to fetch them again, %" PRId64 " days that cannot be fetched again",
             a->days, a->series, a->differing, a->backfills.enqueued, a->backfills.unreachable);
    if (a->differing)
        log_event(LOG_LEVEL_WARNING, "kairosdb_differs",
                  "days=%" PRId64 " enqueued=%" PRId64 " unreachable=%" PRId64, a->differing,
                  a->backfills.enqueued, a->backfills.unreachable);
    *ret_result = json_pack("{s:I,s:I,s:I,s:I}", "series", (json_int_t)a->series, "days",
                            (json_int_t)a->days, "differing", (json_int_t)a->differing, "repairs",
                            (json_int_t)a->backfills.enqueued);
    return task_begin(a->task, e) && task_done(a->task, summary, *ret_result, e) &&
           pg_commit(a->task->pg, e);
}

bool audit_perform(struct task_context *t, json_t **ret_result, struct err *e)
{
    struct audit *a CLEANUP(audit_free) = calloc(1, sizeof *a);
    int64_t days;
    if (!a)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for an audit");
    a->task = a->stop.task = t;
    snprintf(a->cost_metric, sizeof a->cost_metric, "%s.cost", t->settings->kairosdb.measurement);
    if (!audit_days(t->message, &days, e) ||
        !kairosdb_open(t->settings, task_stop_asked, &a->stop, &a->kairosdb, e))
        return false;
    if (audit_all(a, days, e) && audit_done(a, ret_result, e))
        return true;
    pg_rollback(t->pg);
    return task_stopped(&a->stop, e);
}
