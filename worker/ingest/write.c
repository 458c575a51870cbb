/* Third step of a parse: staged points into KairosDB, and each local day counted back until it is
 * there. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/store/series.h"
#include "worker/ingest/checkpoint.h"
#include "common/base/decimal.h"
#include "common/kairosdb/kairosdb.h"
#include "worker/task/local_zone.h"
#include "worker/ingest/parse.h"

/* Days of one series written between two counts: bounds memory and the answer. */
#define WRITE_DAYS 400
/* ... and points, if a day ends in between: what may have to be written once more. */
#define WRITE_STRETCH 20000
#define WRITE_POINTS 2000
#define WRITE_METRIC 256
#define WRITE_FIRST_PAUSE_MS 50
#define WRITE_LONGEST_PAUSE_MS 5000

/* What was written of one metric on one local day. */
struct written {
    int64_t count;
    double sum, size; /* size: the sum of absolute values, what a tolerance is relative to */
};

/* The metrics of a reading: its value, and what only some have. */
enum channel_of { VALUE, COST, QUALITY, TOU, TIER, CPP, CHANNELS };
static const char *const channel_suffix[CHANNELS] = {"",     ".cost", ".quality",
                                                     ".tou", ".tier", ".cpp"};

struct channel {
    char metric[WRITE_METRIC];
    struct kairosdb_point points[WRITE_POINTS];
    size_t count;
    struct kairosdb_bucket shown[WRITE_DAYS + 2]; /* of the days, when they were counted back */
    size_t shown_count;
};

struct written_day {
    int64_t start_s, end_s;
    struct written of[CHANNELS];
    int64_t covered_s; /* seconds, each once; by the day its reading begins in, as the sum is */
    int64_t gaps, estimated, first_s, covered_end_s;
};

struct writer {
    struct parse *parse;
    struct kairosdb *kairosdb;
    struct channel channels[CHANNELS];
    int64_t series_id;
    struct series_tags tags;
    const struct timezone_rules *zone; /* of the series */
    int64_t covered_end_s;             /* of the series, so far; 0: nothing */
    struct written_day days[WRITE_DAYS];
    size_t days_count;
    int64_t stretch_points;
    struct checkpoint checkpoint;
    int64_t booked_ms; /* monotonic: the last checkpoint, or the start */
    bool has_booked;   /* a checkpoint in this start */
};

static bool writer_go_on(struct writer *w, struct err *e)
{
    char progress[80];
    snprintf(progress, sizeof progress, "writing: %" PRId64 " of %" PRId64 " points",
             w->parse->points, w->parse->counts.points);
    return task_go_on(w->parse->task, progress, e);
}

/* --- counting back -------------------------------------------------------------------------- */

static struct kairosdb_bucket shown_of(const struct writer *w, enum channel_of of, int64_t day_s)
{
    const struct channel *c = &w->channels[of];
    return kairosdb_bucket_at(c->shown, c->shown_count, day_s);
}

/* More than was written is fine: another window wrote the rest of the day. */
static bool is_there(const struct writer *w, enum channel_of of, const struct written_day *day)
{
    const struct written *written = &day->of[of];
    struct kairosdb_bucket bucket = shown_of(w, of, day->start_s);
    if (bucket.count != written->count)
        return bucket.count > written->count;
    return kairosdb_same_sum(bucket.sum, written->sum, written->size);
}

/* Costs are asked for even if none were written: another window's are for the books. */
static bool writer_asks_for(const struct writer *w, enum channel_of of)
{
    bool any = of == VALUE || of == COST;
    for (size_t i = 0; i < w->days_count && !any; i++)
        any = w->days[i].of[of].count > 0;
    return any;
}

static bool writer_ask(struct writer *w, struct err *e)
{
    int64_t from_s = w->days[0].start_s, to_s = w->days[w->days_count - 1].end_s;
    for (enum channel_of of = VALUE; of < CHANNELS; of++) {
        struct channel *c = &w->channels[of];
        c->shown_count = 0;
        if (writer_asks_for(w, of) &&
            !kairosdb_sums(w->kairosdb, c->metric, &w->tags, KAIROSDB_DAYS, w->zone, from_s, to_s,
                           c->shown, ARRAY_LEN(c->shown), &c->shown_count, e))
            return false;
    }
    return true;
}

/* The first day that is not all there, and of which metric; NULL when every one is. */
static const struct written_day *writer_missing(const struct writer *w, enum channel_of *ret_of)
{
    for (size_t i = 0; i < w->days_count; i++)
        for (*ret_of = VALUE; *ret_of < CHANNELS; ++*ret_of)
            if (!is_there(w, *ret_of, &w->days[i]))
                return &w->days[i];
    return NULL;
}

static bool writer_lost(const struct writer *w, const struct written_day *day, enum channel_of of,
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

static bool writer_pause(struct writer *w, int64_t pause_ms, struct err *e)
{
    while (pause_ms > 0) {
        int64_t slice = pause_ms < 500 ? pause_ms : 500;
        struct timespec time = {.tv_sec = 0, .tv_nsec = slice * 1000000};
        nanosleep(&time, NULL);
        pause_ms -= slice;
        if (!writer_go_on(w, e))
            return false;
    }
    return true;
}

/* What KairosDB acknowledged it may not have stored, or (on Cassandra) not yet. */
static bool writer_count_back(struct writer *w, struct err *e)
{
    int64_t end_ms = clock_mono_ms() + w->parse->task->settings->kairosdb.verify_timeout_s * 1000;
    int64_t pause_ms = WRITE_FIRST_PAUSE_MS;
    for (;;) {
        enum channel_of of;
        if (!writer_ask(w, e))
            return false;
        const struct written_day *missing = writer_missing(w, &of);
        if (!missing)
            return true;
        if (clock_mono_ms() >= end_ms)
            return writer_lost(w, missing, of, e);
        if (!writer_pause(w, pause_ms, e))
            return false;
        pause_ms = pause_ms * 2 < WRITE_LONGEST_PAUSE_MS ? pause_ms * 2 : WRITE_LONGEST_PAUSE_MS;
    }
}

/* Of a day that another window wrote other readings of, coverage is what as many readings of this
 * length cover. */
static void writer_cover_part(const struct written_day *day, struct stage_day *d)
{
    int64_t length_s = day->end_s - day->start_s;
    if (d->covered_s != STAGE_ABSENT)
        d->covered_s =
            (int64_t)((double)d->covered_s * (double)d->readings / (double)day->of[VALUE].count);
    if (d->covered_s > length_s)
        d->covered_s = length_s;
    d->gaps = d->covered_s != STAGE_ABSENT && d->covered_s < length_s;
    d->is_part = true;
}

static bool writer_stage_days(struct writer *w, struct err *e)
{
    struct parse *p = w->parse;
    for (size_t i = 0; i < w->days_count; i++) {
        int64_t start_s = w->days[i].start_s;
        struct kairosdb_bucket value = shown_of(w, VALUE, start_s);
        struct kairosdb_bucket cost = shown_of(w, COST, start_s);
        const struct written_day *written = &w->days[i];
        struct stage_day day = {.series_id = w->series_id,
                                .day_s = start_s,
                                .month_s = timezone_month_start(w->zone, start_s, 0),
                                .month_end_s = timezone_month_start(w->zone, start_s, 1),
                                .readings = value.count,
                                .costs = cost.count,
                                .total = value.sum,
                                .cost_total = cost.sum,
                                .covered_s = written->covered_s ? written->covered_s : STAGE_ABSENT,
                                .gaps = written->gaps,
                                .estimated = written->estimated,
                                .first_s = written->first_s,
                                .end_s = written->covered_end_s};
        bool is_full = false;
        if (value.count > written->of[VALUE].count)
            writer_cover_part(written, &day);
        if (!stage_day(p->stage, &day, &is_full, e) || (is_full && !stage_flush(p->stage, e)))
            return false;
    }
    return true;
}

/* --- checkpoints ---------------------------------------------------------------------------- */

/* Each fiftieth of the time a task may take: little is lost, and a short parse makes none. */
static bool writer_checkpoint_is_due(const struct writer *w)
{
    const struct task_context *task = w->parse->task;
    int64_t every_ms = task->settings->worker.task_time_limit_s * 20;
    return task->run && clock_mono_ms() - w->booked_ms >= every_ms;
}

/* `next_s`: the local midnight that all points written so far of this series are before. */
static bool writer_checkpoint(struct writer *w, int64_t next_s, struct err *e)
{
    struct parse *p = w->parse;
    w->checkpoint.from = (struct stage_mark){.series_id = w->series_id, .from_s = next_s};
    w->checkpoint.covered_end_s = w->covered_end_s;
    w->checkpoint.points = p->points;
    w->checkpoint.costs = p->costs;
    if (!stage_flush(p->stage, e) || !checkpoint_book(p, &w->checkpoint, e))
        return false;
    w->booked_ms = clock_mono_ms();
    w->has_booked = true;
    return true;
}

/* What earlier starts of the run have written counts as written. */
static bool writer_take_up(struct writer *w, struct err *e)
{
    struct parse *p = w->parse;
    if (!checkpoint_load(p, &w->checkpoint, e))
        return false;
    p->points = w->checkpoint.points;
    p->costs = w->checkpoint.costs;
    p->months = w->checkpoint.months;
    w->booked_ms = clock_mono_ms();
    return true;
}

/* A start that came further than the one before it has not failed: the next goes on from there. */
static bool writer_out_of_time(const struct writer *w, struct err *e)
{
    if (!w->has_booked || strcmp(e->code, "time_limit") != 0)
        return false;
    (void)err_set(e, ERR_RETRY, TASK_NOT_NOW,
                  "%" PRId64 " of %" PRId64 " points are written and booked; the rest follows",
                  w->checkpoint.points, w->parse->counts.points);
    e->retry_after_s = 1;
    return false;
}

/* --- writing -------------------------------------------------------------------------------- */

static bool writer_send(struct writer *w, struct err *e)
{
    for (enum channel_of of = VALUE; of < CHANNELS; of++) {
        const struct channel *c = &w->channels[of];
        if (!kairosdb_write(w->kairosdb, c->metric, &w->tags, c->points, c->count, e))
            return false;
    }
    w->parse->points += (int64_t)w->channels[VALUE].count;
    w->parse->costs += (int64_t)w->channels[COST].count;
    for (enum channel_of of = VALUE; of < CHANNELS; of++)
        w->channels[of].count = 0;
    return writer_go_on(w, e);
}

/* Ends a stretch of days: sent, counted back, staged for the books. */
static bool writer_end_days(struct writer *w, struct err *e)
{
    if (!w->days_count)
        return true;
    if (!writer_send(w, e))
        return false;
    crashpoint("after_kairosdb_write");
    if (!writer_count_back(w, e) || !writer_stage_days(w, e))
        return false;
    int64_t next_s = w->days[w->days_count - 1].end_s;
    w->days_count = 0;
    w->stretch_points = 0;
    return !writer_checkpoint_is_due(w) || writer_checkpoint(w, next_s, e);
}

static bool writer_begin_series(struct writer *w, int64_t series_id, struct err *e)
{
    struct series_facts facts;
    if (!series_facts(w->parse->task->pg, series_id, &facts, e) ||
        !series_tags_read(facts.tags, &w->tags, e) ||
        !local_zone_named(w->parse->task->settings, facts.time_zone, &w->zone, e))
        return false;
    bool is_taken_up = series_id == w->checkpoint.from.series_id && !w->series_id;
    w->series_id = series_id;
    w->covered_end_s = is_taken_up ? w->checkpoint.covered_end_s : 0;
    return true;
}

/* The day of a point: the last one, or a new one. NULL: the stretch is full. */
static struct written_day *writer_day(struct writer *w, int64_t start_s)
{
    if (w->days_count && start_s < w->days[w->days_count - 1].end_s)
        return &w->days[w->days_count - 1];
    int64_t day_s = timezone_day_start(w->zone, start_s, 0);
    if (w->days_count == WRITE_DAYS || w->stretch_points >= WRITE_STRETCH ||
        (w->days_count && day_s - w->days[0].start_s >= WRITE_DAYS * INT64_C(86400)))
        return NULL;
    w->days[w->days_count] = (struct written_day){.start_s = day_s,
                                                  .end_s = timezone_day_start(w->zone, start_s, 1),
                                                  .first_s = start_s,
                                                  .covered_end_s = start_s};
    return &w->days[w->days_count++];
}

/* A second between two readings is how somebody writes their ends: it belongs to the first. */
static void writer_close_second(struct writer *w, struct written_day *day, int64_t start_s)
{
    struct written_day *last = day->of[VALUE].count || w->days_count < 2 ? day : day - 1;
    if (w->covered_end_s == 0 || start_s != w->covered_end_s + 1)
        return;
    last->covered_s += last->covered_s > 0;
    w->covered_end_s = start_s;
    if (last->covered_end_s == start_s - 1)
        last->covered_end_s = start_s;
}

/* Points come in order of their starts. What an earlier reading covers already counts once. */
static void writer_cover(struct writer *w, struct written_day *day, const struct stage_point *p)
{
    writer_close_second(w, day, p->start_s);
    int64_t end_s = p->start_s + p->length_s;
    int64_t from_s = p->start_s > w->covered_end_s ? p->start_s : w->covered_end_s;
    w->parse->overlapping += p->start_s < w->covered_end_s;
    day->gaps += day->of[VALUE].count > 0 && p->start_s > day->covered_end_s;
    day->estimated += p->is_estimated;
    if (end_s > from_s) {
        day->covered_s += end_s - from_s;
        w->covered_end_s = end_s;
    }
    if (w->covered_end_s > day->covered_end_s)
        day->covered_end_s = w->covered_end_s;
}

#define COST_EXPONENT (-5) /* ESPI's costs are in hundred-thousandths of the currency */

static void writer_note(struct writer *w, struct written_day *day, enum channel_of of,
                        struct kairosdb_point point)
{
    struct channel *c = &w->channels[of];
    struct written *written = &day->of[of];
    c->points[c->count++] = point;
    written->count++;
    written->sum += point.value;
    written->size += fabs(point.value);
}

/* A code has no unit; readings without one have no point of that metric. */
static void writer_note_code(struct writer *w, struct written_day *day, enum channel_of of,
                             int64_t start_s, int64_t code)
{
    struct kairosdb_point point = {.start_s = start_s};
    if (code != STAGE_ABSENT && w->parse->task->settings->kairosdb.keep_codes &&
        decimal_scale(code, 0, &point.value))
        writer_note(w, day, of, point);
}

static bool writer_add(struct writer *w, const struct stage_point *p, struct err *e)
{
    struct kairosdb_point point = {.start_s = p->start_s}, cost = point;
    struct written_day *day = writer_day(w, p->start_s);
    if (!day) {
        if (!writer_end_days(w, e))
            return false;
        day = writer_day(w, p->start_s);
    }
    if (!decimal_scale(p->value, p->exponent, &point.value))
        return err_set(e, ERR_REJECT, "bad_point", "a multiplier of 10^%" PRId64, p->exponent);
    writer_cover(w, day, p);
    writer_note(w, day, VALUE, point);
    if (p->cost != STAGE_ABSENT &&
        decimal_scale(p->cost, COST_EXPONENT + p->cost_exponent, &cost.value))
        writer_note(w, day, COST, cost);
    writer_note_code(w, day, QUALITY, p->start_s, p->quality);
    writer_note_code(w, day, TOU, p->start_s, p->tou);
    writer_note_code(w, day, TIER, p->start_s, p->tier);
    writer_note_code(w, day, CPP, p->start_s, p->cpp);
    w->stretch_points++;
    return w->channels[VALUE].count < WRITE_POINTS || writer_send(w, e);
}

static bool writer_points(struct writer *w, const struct stage_point *points, size_t count,
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

static bool writer_all(struct writer *w, struct stage_point *points, struct err *e)
{
    struct parse *p = w->parse;
    size_t count = 0;
    if (!writer_take_up(w, e))
        return false;
    const struct stage_mark *from = w->checkpoint.from.series_id ? &w->checkpoint.from : NULL;
    if (!stage_points_open(p->stage, &p->wanted, from, e))
        return false;
    do {
        if (!stage_points_next(p->stage, points, WRITE_POINTS, &count, e) ||
            !writer_points(w, points, count, e))
            return false;
    } while (count);
    return writer_end_days(w, e) && stage_flush(p->stage, e);
}

static void writer_freep(struct writer **w)
{
    if (*w)
        kairosdb_close((*w)->kairosdb);
    free(*w);
}

bool write_points(struct parse *p, struct err *e)
{
    crashpoint("after_stage");
    if (!p->counts.points)
        return true;
    const char *measurement = p->task->settings->kairosdb.measurement;
    struct writer *w CLEANUP(writer_freep) = calloc(1, sizeof *w);
    struct stage_point *points CLEANUP(free_at) = calloc(WRITE_POINTS, sizeof *points);
    if (!w || !points)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a batch of readings");
    w->parse = p;
    for (enum channel_of of = VALUE; of < CHANNELS; of++)
        snprintf(w->channels[of].metric, WRITE_METRIC, "%s%s", measurement, channel_suffix[of]);
    if (!kairosdb_open(p->task->settings, parse_should_stop, p, &w->kairosdb, e))
        return false;
    return writer_all(w, points, e) || parse_stopped(p, e) || writer_out_of_time(w, e);
}
