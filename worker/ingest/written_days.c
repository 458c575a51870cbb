/* The local days of one series that were written but not counted back yet: counts, sums and
 * coverage. Pure. */
#include "worker/ingest/written_days.h"

#include <math.h>

void written_days_begin(struct written_days *w, const struct timezone_rules *zone,
                        int64_t covered_end_s)
{
    w->zone = zone;
    w->covered_end_s = covered_end_s;
    written_days_clear(w);
}

void written_days_clear(struct written_days *w)
{
    w->count = 0;
    w->points = 0;
}

struct written_day *written_days_at(struct written_days *w, int64_t start_s)
{
    if (w->count && start_s < w->days[w->count - 1].end_s)
        return &w->days[w->count - 1];
    int64_t day_s = timezone_day_start(w->zone, start_s, 0);
    if (w->count == WRITTEN_DAYS || w->points >= WRITTEN_POINTS ||
        (w->count && day_s - w->days[0].start_s >= WRITTEN_DAYS * INT64_C(86400)))
        return NULL;
    w->days[w->count] = (struct written_day){.start_s = day_s,
                                             .end_s = timezone_day_start(w->zone, start_s, 1),
                                             .first_s = start_s,
                                             .covered_end_s = start_s};
    return &w->days[w->count++];
}

/* A second between two readings is how somebody writes their ends: it belongs to the first. */
static void close_second(struct written_days *w, struct written_day *day, int64_t start_s)
{
    struct written_day *last = day->of[VALUE].count || w->count < 2 ? day : day - 1;
    if (w->covered_end_s == 0 || start_s != w->covered_end_s + 1)
        return;
    last->covered_s += last->covered_s > 0;
    w->covered_end_s = start_s;
    if (last->covered_end_s == start_s - 1)
        last->covered_end_s = start_s;
}

void written_days_cover(struct written_days *w, struct written_day *day,
                        const struct staging_point *p)
{
    close_second(w, day, p->start_s);
    int64_t end_s = p->start_s + p->length_s;
    int64_t from_s = p->start_s > w->covered_end_s ? p->start_s : w->covered_end_s;
    w->points++;
    w->overlapping += p->start_s < w->covered_end_s;
    day->gaps += day->of[VALUE].count > 0 && p->start_s > day->covered_end_s;
    day->estimated += p->is_estimated;
    if (end_s > from_s) {
        day->covered_s += end_s - from_s;
        w->covered_end_s = end_s;
    }
    if (w->covered_end_s > day->covered_end_s)
        day->covered_end_s = w->covered_end_s;
}

void written_add(struct written *written, double value)
{
    written->count++;
    written->sum += value;
    written->size += fabs(value);
}

bool written_is_shown(const struct written *written, const struct kairosdb_bucket *shown)
{
    if (shown->count != written->count)
        return shown->count > written->count;
    return kairosdb_same_sum(shown->sum, written->sum, written->size);
}

static void cover_part(const struct written_day *day, struct staging_day *row)
{
    int64_t length_s = day->end_s - day->start_s;
    if (row->covered_s != STAGING_ABSENT)
        row->covered_s = (int64_t)((double)row->covered_s * (double)row->readings /
                                   (double)day->of[VALUE].count);
    if (row->covered_s > length_s)
        row->covered_s = length_s;
    row->gaps = row->covered_s != STAGING_ABSENT && row->covered_s < length_s;
    row->is_part = true;
}

struct staging_day written_day_row(const struct written_day *day, const struct timezone_rules *zone,
                                   int64_t series_id, const struct kairosdb_bucket *value,
                                   const struct kairosdb_bucket *cost)
{
    struct staging_day row = {.series_id = series_id,
                              .day_s = day->start_s,
                              .month_s = timezone_month_start(zone, day->start_s, 0),
                              .month_end_s = timezone_month_start(zone, day->start_s, 1),
                              .readings = value->count,
                              .costs = cost->count,
                              .total = value->sum,
                              .cost_total = cost->sum,
                              .covered_s = day->covered_s ? day->covered_s : STAGING_ABSENT,
                              .gaps = day->gaps,
                              .estimated = day->estimated,
                              .first_s = day->first_s,
                              .end_s = day->covered_end_s};
    if (value->count > day->of[VALUE].count)
        cover_part(day, &row);
    return row;
}
