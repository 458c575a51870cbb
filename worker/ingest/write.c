/* Third step of a parse: staged points into KairosDB, and each local day counted back until it is
 * there. */
#include "worker/ingest/write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/failpoint.h"
#include "common/kairosdb/kairosdb.h"
#include "common/store/series.h"
#include "worker/ingest/checkpoint.h"
#include "worker/ingest/written_days.h"
#include "worker/task/local_zone.h"

#define WRITE_POINTS 2000
#define WRITE_METRIC 256
#define WRITE_FIRST_PAUSE_MS 50
#define WRITE_LONGEST_PAUSE_MS 5000

static const char *const metric_suffix[METRICS] = {"",     ".cost", ".quality",
                                                   ".tou", ".tier", ".cpp"};

struct channel {
    char metric[WRITE_METRIC];
    struct kairosdb_point points[WRITE_POINTS];
    size_t count;
    struct kairosdb_bucket shown[WRITTEN_DAYS + 2]; /* of the days, when they were counted back */
    size_t shown_count;
};

struct writer {
    const struct ingest_request *request;
    struct staged_feed *feed;
    struct ingest_result *result;
    struct task_stop stop;
    struct kairosdb *kairosdb;
    struct channel channels[METRICS];
    int64_t series_id;
    struct series_tags tags;
    struct written_days written;
    struct checkpoint checkpoint;
    int64_t committed_ms; /* monotonic: the last checkpoint, or the start */
    bool has_committed;   /* a checkpoint in this start */
};

static const char *writer_progress(const struct writer *w, char out[80])
{
    snprintf(out, 80, "writing: %" PRId64 " of %" PRId64 " points", w->result->points,
             w->result->counts.points);
    return out;
}

static bool writer_go_on(struct writer *w, struct err *e)
{
    char progress[80];
    return task_go_on(w->request->task, writer_progress(w, progress), e);
}

/* --- counting back -------------------------------------------------------------------------- */

static struct kairosdb_bucket shown_of(const struct writer *w, enum metric_of of, int64_t day_s)
{
    const struct channel *c = &w->channels[of];
    return kairosdb_bucket_at(c->shown, c->shown_count, day_s);
}

/* Costs are queried even if none were written: the ledger needs those of another window. */
static bool writer_asks_for(const struct writer *w, enum metric_of of)
{
    bool any = of == VALUE || of == COST;
    for (size_t i = 0; i < w->written.count && !any; i++)
        any = w->written.days[i].of[of].count > 0;
    return any;
}

static bool writer_ask(struct writer *w, struct err *e)
{
    int64_t from_s = w->written.days[0].start_s, to_s = w->written.days[w->written.count - 1].end_s;
    for (enum metric_of of = VALUE; of < METRICS; of++) {
        struct channel *c = &w->channels[of];
        c->shown_count = 0;
        if (writer_asks_for(w, of) &&
            !kairosdb_sums(w->kairosdb, c->metric, &w->tags, KAIROSDB_DAYS, w->written.zone, from_s,
                           to_s, c->shown, ARRAY_LEN(c->shown), &c->shown_count, e))
            return false;
    }
    return true;
}

/* The first day that is not all there, and of which metric; NULL when every one is. */
static const struct written_day *writer_missing(const struct writer *w, enum metric_of *ret_of)
{
    for (size_t i = 0; i < w->written.count; i++)
        for (*ret_of = VALUE; *ret_of < METRICS; ++*ret_of) {
            const struct written_day *day = &w->written.days[i];
            struct kairosdb_bucket shown = shown_of(w, *ret_of, day->start_s);
            if (!written_is_shown(&day->of[*ret_of], &shown))
                return day;
        }
    return NULL;
}

static bool writer_lost(const struct writer *w, const struct written_day *day, enum metric_of of,
                        struct err *e)
{
    char text[CLOCK_TEXT];
    struct kairosdb_bucket bucket = shown_of(w, of, day->start_s);
    return err_set(e, ERR_RETRY, "kairosdb_lost",
                   "KairosDB took the readings of series %" PRId64 " for the day from %s and shows "
                   "%" PRId64 " of %" PRId64 ", their sum %.17g for %.17g, of %.100s",
                   w->series_id, clock_format_utc(day->start_s * 1000, text), bucket.count,
                   day->of[of].count, bucket.sum, day->of[of].sum, w->channels[of].metric);
}

/* What KairosDB acknowledged it may not have stored, or (on Cassandra) not yet. */
static bool writer_count_back(struct writer *w, struct err *e)
{
    int64_t end_ms = clock_mono_ms() + w->request->task->settings->kairosdb.verify_timeout_s * 1000;
    int64_t pause_ms = WRITE_FIRST_PAUSE_MS;
    char progress[80];
    for (;;) {
        enum metric_of of;
        if (!writer_ask(w, e))
            return false;
        const struct written_day *missing = writer_missing(w, &of);
        if (!missing)
            return true;
        if (clock_mono_ms() >= end_ms)
            return writer_lost(w, missing, of, e);
        if (!task_sleep(w->request->task, pause_ms, writer_progress(w, progress), e))
            return false;
        pause_ms = pause_ms * 2 < WRITE_LONGEST_PAUSE_MS ? pause_ms * 2 : WRITE_LONGEST_PAUSE_MS;
    }
}

static bool writer_stage_days(struct writer *w, struct err *e)
{
    struct stage *stage = w->feed->stage;
    for (size_t i = 0; i < w->written.count; i++) {
        const struct written_day *day = &w->written.days[i];
        struct kairosdb_bucket value = shown_of(w, VALUE, day->start_s);
        struct kairosdb_bucket cost = shown_of(w, COST, day->start_s);
        struct staging_day row = written_day_row(day, w->written.zone, w->series_id, &value, &cost);
        bool is_full = false;
        if (!staging_day(stage, &row, &is_full, e) || (is_full && !staging_flush(stage, e)))
            return false;
    }
    return true;
}

/* --- checkpoints ---------------------------------------------------------------------------- */

/* Each fiftieth of the time a task may take: little is lost, and a short parse makes none. */
static bool writer_checkpoint_is_due(const struct writer *w)
{
    const struct task_context *task = w->request->task;
    int64_t every_ms = task->settings->worker.task_time_limit_s * 20;
    return task->run && clock_mono_ms() - w->committed_ms >= every_ms;
}

/* `next_s`: the local midnight that all points written so far of this series are before. */
static bool writer_checkpoint(struct writer *w, int64_t next_s, struct err *e)
{
    struct checkpoint *c = &w->checkpoint;
    c->from = (struct staging_mark){.series_id = w->series_id, .from_s = next_s};
    c->covered_end_s = w->written.covered_end_s;
    c->points = w->result->points;
    c->costs = w->result->costs;
    if (!staging_flush(w->feed->stage, e) ||
        !checkpoint_commit(w->request, w->feed, w->result, c, e))
        return false;
    w->committed_ms = clock_mono_ms();
    w->has_committed = true;
    return true;
}

/* What earlier starts of the run have written counts as written. */
static bool writer_take_up(struct writer *w, struct err *e)
{
    if (!checkpoint_load(w->request, w->feed, &w->checkpoint, e))
        return false;
    w->result->points = w->checkpoint.points;
    w->result->costs = w->checkpoint.costs;
    w->result->months = w->checkpoint.months;
    w->committed_ms = clock_mono_ms();
    return true;
}

/* A start that came further than the one before it has not failed: the next goes on from there. */
static bool writer_out_of_time(const struct writer *w, struct err *e)
{
    if (!w->has_committed || strcmp(e->code, "time_limit") != 0)
        return false;
    (void)err_set(e, ERR_NOT_NOW, "not_now",
                  "%" PRId64 " of %" PRId64 " points are written and committed; the rest follows",
                  w->checkpoint.points, w->result->counts.points);
    e->retry_after_s = 1;
    return false;
}

/* --- writing -------------------------------------------------------------------------------- */

static bool writer_send(struct writer *w, struct err *e)
{
    for (enum metric_of of = VALUE; of < METRICS; of++) {
        const struct channel *c = &w->channels[of];
        if (!kairosdb_write(w->kairosdb, c->metric, &w->tags, c->points, c->count, e))
            return false;
    }
    w->result->points += (int64_t)w->channels[VALUE].count;
    w->result->costs += (int64_t)w->channels[COST].count;
    for (enum metric_of of = VALUE; of < METRICS; of++)
        w->channels[of].count = 0;
    return writer_go_on(w, e);
}

/* Ends a stretch of days: sent, counted back, staged for the ledger. */
static bool writer_end_days(struct writer *w, struct err *e)
{
    if (!w->written.count)
        return true;
    if (!writer_send(w, e))
        return false;
    failpoint("after_kairosdb_write");
    if (!writer_count_back(w, e) || !writer_stage_days(w, e))
        return false;
    int64_t next_s = w->written.days[w->written.count - 1].end_s;
    written_days_clear(&w->written);
    return !writer_checkpoint_is_due(w) || writer_checkpoint(w, next_s, e);
}

static bool writer_begin_series(struct writer *w, int64_t series_id, struct err *e)
{
    struct series_facts facts;
    const struct timezone_rules *zone;
    const struct task_context *task = w->request->task;
    if (!series_facts(task->pg, series_id, &facts, e) ||
        !series_tags_read(facts.tags, &w->tags, e) ||
        !local_zone_named(task->settings, facts.time_zone, &zone, e))
        return false;
    bool is_taken_up = series_id == w->checkpoint.from.series_id && !w->series_id;
    w->series_id = series_id;
    written_days_begin(&w->written, zone, is_taken_up ? w->checkpoint.covered_end_s : 0);
    return true;
}

#define COST_EXPONENT (-5) /* ESPI's costs are in hundred-thousandths of the currency */

static void writer_note(struct writer *w, struct written_day *day, enum metric_of of,
                        struct kairosdb_point point)
{
    struct channel *c = &w->channels[of];
    c->points[c->count++] = point;
    written_add(&day->of[of], point.value);
}

/* A code has no unit; readings without one have no point of that metric. */
static void writer_note_code(struct writer *w, struct written_day *day, enum metric_of of,
                             int64_t start_s, int64_t code)
{
    struct kairosdb_point point = {.start_s = start_s};
    if (code != STAGING_ABSENT && w->request->task->settings->kairosdb.keep_codes &&
        decimal_scale(code, 0, &point.value))
        writer_note(w, day, of, point);
}

static bool writer_add(struct writer *w, const struct staging_point *p, struct err *e)
{
    struct kairosdb_point point = {.start_s = p->start_s}, cost = point;
    struct written_day *day = written_days_at(&w->written, p->start_s);
    if (!day) {
        if (!writer_end_days(w, e))
            return false;
        day = written_days_at(&w->written, p->start_s);
    }
    if (!decimal_scale(p->value, p->exponent, &point.value))
        return err_set(e, ERR_REJECT, "bad_point", "a multiplier of 10^%" PRId64, p->exponent);
    written_days_cover(&w->written, day, p);
    writer_note(w, day, VALUE, point);
    if (p->cost != STAGING_ABSENT &&
        decimal_scale(p->cost, COST_EXPONENT + p->cost_exponent, &cost.value))
        writer_note(w, day, COST, cost);
    writer_note_code(w, day, QUALITY, p->start_s, p->quality);
    writer_note_code(w, day, TOU, p->start_s, p->tou);
    writer_note_code(w, day, TIER, p->start_s, p->tier);
    writer_note_code(w, day, CPP, p->start_s, p->cpp);
    return w->channels[VALUE].count < WRITE_POINTS || writer_send(w, e);
}

static bool writer_points(struct writer *w, const struct staging_point *points, size_t count,
                          struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        if (points[i].series_id != w->series_id &&
            (!writer_end_days(w, e) || !writer_begin_series(w, points[i].series_id, e)))
            return false;
        if (!writer_add(w, &points[i], e))
            return false;
    }
    return true;
}

static bool writer_all(struct writer *w, struct staging_point *points, struct err *e)
{
    struct stage *stage = w->feed->stage;
    size_t count = 0;
    if (!writer_take_up(w, e))
        return false;
    const struct staging_mark *from = w->checkpoint.from.series_id ? &w->checkpoint.from : NULL;
    if (!staging_points_open(stage, &w->request->wanted, from, e))
        return false;
    do {
        if (!staging_points_next(stage, points, WRITE_POINTS, &count, e) ||
            !writer_points(w, points, count, e))
            return false;
    } while (count);
    w->result->overlapping = w->written.overlapping;
    return writer_end_days(w, e) && staging_flush(stage, e);
}

static void writer_freep(struct writer **w)
{
    if (*w)
        kairosdb_close((*w)->kairosdb);
    free(*w);
}

bool ingest_write(const struct ingest_request *r, struct staged_feed *feed,
                  struct ingest_result *result, struct err *e)
{
    failpoint("after_stage");
    if (!result->counts.points)
        return true;
    const struct settings *s = r->task->settings;
    struct writer *w CLEANUP(writer_freep) = calloc(1, sizeof *w);
    struct staging_point *points CLEANUP(free_at) = calloc(WRITE_POINTS, sizeof *points);
    if (!w || !points)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a batch of readings");
    w->request = r;
    w->feed = feed;
    w->result = result;
    w->stop.task = r->task;
    for (enum metric_of of = VALUE; of < METRICS; of++)
        snprintf(w->channels[of].metric, WRITE_METRIC, "%s%s", s->kairosdb.measurement,
                 metric_suffix[of]);
    if (!kairosdb_open(s, task_stop_asked, &w->stop, &w->kairosdb, e))
        return false;
    return writer_all(w, points, e) || task_stopped(&w->stop, e) || writer_out_of_time(w, e);
}
