/* Whether KairosDB shows the local days of a series as the books have them. */
#include "worker/reconcile/reconciliation.h"

#include <math.h>
#include <stdlib.h>

const char *agreement_name(enum agreement how)
{
    static const char *const names[] = {[AGREEMENT_SAME] = "same",
                                        [AGREEMENT_MORE] = "more",
                                        [AGREEMENT_OTHER] = "other",
                                        [AGREEMENT_LESS] = "less"};
    return names[how];
}

enum agreement agreement_of(const struct kairosdb_bucket *shown, int64_t count, double sum,
                            double size)
{
    if (shown->count != count)
        return shown->count < count ? AGREEMENT_LESS : AGREEMENT_MORE;
    return kairosdb_same_sum(shown->sum, sum, size) ? AGREEMENT_SAME : AGREEMENT_OTHER;
}

/* What the three of them have of one span, each in order. */
struct agreement_room {
    struct day_book *books;
    struct kairosdb_bucket *values, *costs;
    size_t books_count, values_count, costs_count;
};

static void room_free(struct agreement_room *r)
{
    free(r->books);
    free(r->values);
    free(r->costs);
}

static bool room_make(struct agreement_room *r, size_t max, struct err *e)
{
    r->books = calloc(max, sizeof *r->books);
    r->values = calloc(max, sizeof *r->values);
    r->costs = calloc(max, sizeof *r->costs);
    return (r->books && r->values && r->costs) ||
           err_set(e, ERR_RETRY, "no_memory", "no memory for %zu days", max);
}

static bool room_ask(struct agreement_room *r, const struct agreement_source *s,
                     const struct agreement_series *series, int64_t from_s, int64_t to_s,
                     size_t max, struct err *e)
{
    return day_list(s->pg, series->id, from_s, to_s, r->books, max, &r->books_count, e) &&
           kairosdb_sums(s->kairosdb, s->metric, series->tags, KAIROSDB_DAYS, s->zone, from_s, to_s,
                         r->values, max, &r->values_count, e) &&
           (!series->has_cost ||
            kairosdb_sums(s->kairosdb, s->cost_metric, series->tags, KAIROSDB_DAYS, s->zone, from_s,
                          to_s, r->costs, max, &r->costs_count, e));
}

static void agreement_compare(struct agreement_day *d)
{
    enum agreement value =
        agreement_of(&d->value, d->book.readings, d->book.total, fabs(d->book.total));
    enum agreement cost =
        agreement_of(&d->cost, d->book.costs, d->book.cost_total, fabs(d->book.cost_total));
    d->how = value > cost ? value : cost;
}

/* How far each list has been gone through. */
struct agreement_cursor {
    size_t book, value, cost;
};

static int64_t earlier(int64_t day_s, const struct kairosdb_bucket *buckets, size_t count,
                       size_t at)
{
    return at < count && buckets[at].start_s < day_s ? buckets[at].start_s : day_s;
}

/* The earliest day that any of them has next; INT64_MAX: there is none. */
static int64_t room_next(const struct agreement_room *r, const struct agreement_cursor *at)
{
    int64_t day_s = at->book < r->books_count ? r->books[at->book].day_s : INT64_MAX;
    day_s = earlier(day_s, r->values, r->values_count, at->value);
    return earlier(day_s, r->costs, r->costs_count, at->cost);
}

static struct kairosdb_bucket take(int64_t day_s, const struct kairosdb_bucket *buckets,
                                   size_t count, size_t *at)
{
    if (*at < count && buckets[*at].start_s == day_s)
        return buckets[(*at)++];
    return (struct kairosdb_bucket){.start_s = day_s};
}

static struct agreement_day room_take(const struct agreement_room *r, struct agreement_cursor *at,
                                      const struct agreement_series *series, int64_t day_s)
{
    struct agreement_day d = {.book = {.day_s = day_s, .record_id = series->record_id},
                              .value = take(day_s, r->values, r->values_count, &at->value),
                              .cost = take(day_s, r->costs, r->costs_count, &at->cost)};
    if (at->book < r->books_count && r->books[at->book].day_s == day_s)
        d.book = r->books[at->book++];
    agreement_compare(&d);
    return d;
}

static bool room_days(const struct agreement_room *r, const struct agreement_source *s,
                      const struct agreement_series *series, struct agreement_day *ret_days,
                      size_t max, size_t *ret_count, struct err *e)
{
    struct agreement_cursor at = {0};
    size_t count = 0;
    for (int64_t day_s; (day_s = room_next(r, &at)) != INT64_MAX; count++) {
        if (count == max)
            return err_set(e, ERR_RETRY, "kairosdb_bad_answer",
                           "KairosDB's days are not those of the books in %s",
                           timezone_name(s->zone));
        ret_days[count] = room_take(r, &at, series, day_s);
        ret_days[count].end_s = timezone_day_start(s->zone, day_s, 1);
    }
    *ret_count = count;
    return true;
}

bool agreement_days(const struct agreement_source *source, const struct agreement_series *series,
                    int64_t from_s, int64_t to_s, struct agreement_day *ret_days, size_t max,
                    size_t *ret_count, struct err *e)
{
    struct agreement_room room CLEANUP(room_free) = {0};
    return room_make(&room, max, e) && room_ask(&room, source, series, from_s, to_s, max, e) &&
           room_days(&room, source, series, ret_days, max, ret_count, e);
}
