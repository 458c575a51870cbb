/* The audit task: days booked lately, held against what KairosDB shows of them. */
#include "worker/reconcile/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/store/series.h"
#include "worker/task/local_zone.h"
#include "worker/reconcile/missing_days.h"

/* Series read from the books at a time, and days asked of KairosDB at a time. */
#define AUDIT_SERIES 50
#define AUDIT_SPAN 366
#define AUDIT_DAYS 2
#define AUDIT_DAYS_MAX 366

struct audit {
    struct task_context *task;
    struct kairosdb *kairosdb;
    struct err stopped; /* why should_stop said yes */
    char cost_metric[256];
    int64_t series, days, differing;
    struct shortfall_tally repairs;
    struct series_books page[AUDIT_SERIES];
    struct agreement_day found[AUDIT_SPAN + 2];
    enum repair what[AUDIT_SPAN + 2];
};

static void audit_free(struct audit **audit)
{
    if (*audit)
        kairosdb_close((*audit)->kairosdb);
    free(*audit);
}

/* For libcurl's callbacks: renews the lease, and says whether to stop. */
static bool audit_should_stop(void *context)
{
    struct audit *a = context;
    return !task_go_on(a->task, NULL, &a->stopped);
}

static bool audit_days(const struct message *m, int64_t *ret_days, struct err *e)
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

static bool audit_span(struct audit *a, const struct agreement_source *source,
                       const struct agreement_series *series, int64_t from_s, int64_t to_s,
                       struct err *e)
{
    size_t count = 0;
    const struct shortfall_order order = {.task = a->task, .least = AGREEMENT_OTHER};
    memset(a->what, 0, sizeof a->what);
    if (!agreement_days(source, series, from_s, to_s, a->found, ARRAY_LEN(a->found), &count, e) ||
        !shortfall_promise(&order, a->found, count, a->what, &a->repairs, e))
        return false;
    a->days += (int64_t)count;
    for (size_t i = 0; i < count; i++)
        a->differing += a->found[i].how >= AGREEMENT_OTHER;
    return true;
}

static bool audit_series(struct audit *a, const struct series_books *s, struct err *e)
{
    struct series_tags tags;
    struct agreement_source source = {.pg = a->task->pg,
                                      .kairosdb = a->kairosdb,
                                      .metric = a->task->settings->kairosdb.measurement,
                                      .cost_metric = a->cost_metric};
    const struct agreement_series series = {
        .id = s->id, .tags = &tags, .has_cost = s->has_cost, .record_id = s->record_id};
    char progress[80];
    (void)snprintf(progress, sizeof progress, "%" PRId64 " days, %" PRId64 " differ", a->days,
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
        if (!series_booked_page(a->task->pg, days * 86400, a->task->settings->kairosdb.settle_s,
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
    char summary[160];
    (void)snprintf(summary, sizeof summary,
                   "%" PRId64 " days of %" PRId64 " series; %" PRId64
                   " not as the books say, %" PRId64 " parses promised to mend them, %" PRId64
                   " days that nobody can be asked for",
                   a->days, a->series, a->differing, a->repairs.promised, a->repairs.hopeless);
    if (a->differing)
        log_event(LOG_LEVEL_WARNING, "kairosdb_differs",
                  "days=%" PRId64 " promised=%" PRId64 " hopeless=%" PRId64, a->differing,
                  a->repairs.promised, a->repairs.hopeless);
    *ret_result = json_pack("{s:I,s:I,s:I,s:I}", "series", (json_int_t)a->series, "days",
                            (json_int_t)a->days, "differing", (json_int_t)a->differing, "repairs",
                            (json_int_t)a->repairs.promised);
    return task_begin(a->task, e) && task_done(a->task, summary, *ret_result, e) &&
           pg_commit(a->task->pg, e);
}

bool audit_perform(struct task_context *t, json_t **ret_result, struct err *e)
{
    struct audit *a CLEANUP(audit_free) = calloc(1, sizeof *a);
    int64_t days;
    if (!a)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for an audit");
    a->task = t;
    (void)snprintf(a->cost_metric, sizeof a->cost_metric, "%s.cost",
                   t->settings->kairosdb.measurement);
    if (!audit_days(t->message, &days, e) ||
        !kairosdb_open(t->settings, audit_should_stop, a, &a->kairosdb, e))
        return false;
    if (audit_all(a, days, e) && audit_done(a, ret_result, e))
        return true;
    pg_rollback(t->pg);
    if (a->stopped.kind != ERR_NONE)
        *e = a->stopped;
    return false;
}
