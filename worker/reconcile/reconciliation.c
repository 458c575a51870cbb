/* Whether KairosDB shows the local days of a series as the ledger has them. */
#include "worker/reconcile/reconciliation.h"

#include <math.h>
#include <stdlib.h>

const char *reconciliation_name(enum reconciliation how)
{
    static const char *const names[] = {[RECONCILED_SAME] = "same",
                                        [RECONCILED_MORE] = "more",
                                        [RECONCILED_OTHER] = "other",
                                        [RECONCILED_LESS] = "less"};
    return names[how];
}

enum reconciliation reconciliation_of(const struct kairosdb_bucket *shown, int64_t count,
                                      double sum, double size)
{
    if (shown->count != count)
        return shown->count < count ? RECONCILED_LESS : RECONCILED_MORE;
    return kairosdb_same_sum(shown->sum, sum, size) ? RECONCILED_SAME : RECONCILED_OTHER;
}

/* What the three of them have of one span, each in order. */
struct day_lists {
    struct ledger_day_write *books;
    struct kairosdb_bucket *values, *costs;
    size_t books_count, values_count, costs_count;
};

static void day_lists_free(struct day_lists *r)
{
    free(r->books);
    free(r->values);
    free(r->costs);
}

static bool day_lists_make(struct day_lists *r, size_t max, struct err *e)
{
    r->books = calloc(max, sizeof *r->books);
    r->values = calloc(max, sizeof *r->values);
    r->costs = calloc(max, sizeof *r->costs);
    return (r->books && r->values && r->costs) ||
           err_set(e, ERR_RETRY, "no_memory", "no memory for %zu days", max);
}

static bool day_lists_load(struct day_lists *r, const struct reconcile_source *s,
                           const struct reconcile_series *series, int64_t from_s, int64_t to_s,
                           size_t max, struct err *e)
{
    return ledger_day_list(s->pg, series->id, from_s, to_s, r->books, max, &r->books_count, e) &&
           kairosdb_sums(s->kairosdb, s->metric, series->tags, KAIROSDB_DAYS, s->zone, from_s, to_s,
                         r->values, max, &r->values_count, e) &&
           (!series->has_cost ||
            kairosdb_sums(s->kairosdb, s->cost_metric, series->tags, KAIROSDB_DAYS, s->zone, from_s,
                          to_s, r->costs, max, &r->costs_count, e));
}

static void reconcile_day(struct reconciled_day *d)
{
    enum reconciliation value =
        reconciliation_of(&d->value, d->book.readings, d->book.total, fabs(d->book.total));
    enum reconciliation cost =
        reconciliation_of(&d->cost, d->book.costs, d->book.cost_total, fabs(d->book.cost_total));
    d->how = value > cost ? value : cost;
}

/* How far each list has been gone through. */
struct day_cursor {
    size_t book, value, cost;
};

static int64_t earlier(int64_t day_s, const struct kairosdb_bucket *buckets, size_t count,
                       size_t at)
{
    return at < count && buckets[at].start_s < day_s ? buckets[at].start_s : day_s;
}

/* The earliest day that any of them has next; INT64_MAX: there is none. */
static int64_t day_lists_next(const struct day_lists *r, const struct day_cursor *at)
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

static struct reconciled_day day_lists_take(const struct day_lists *r, struct day_cursor *at,
                                            const struct reconcile_series *series, int64_t day_s)
{
    struct reconciled_day d = {.book = {.day_s = day_s, .record_id = series->record_id},
                               .value = take(day_s, r->values, r->values_count, &at->value),
                               .cost = take(day_s, r->costs, r->costs_count, &at->cost)};
    if (at->book < r->books_count && r->books[at->book].day_s == day_s)
        d.book = r->books[at->book++];
    reconcile_day(&d);
    return d;
}

static bool day_lists_merge(const struct day_lists *r, const struct reconcile_source *s,
                            const struct reconcile_series *series, struct reconciled_day *ret_days,
                            size_t max, size_t *ret_count, struct err *e)
{
    struct day_cursor at = {0};
    size_t count = 0;
    for (int64_t day_s; (day_s = day_lists_next(r, &at)) != INT64_MAX; count++) {
        if (count == max)
            return err_set(e, ERR_RETRY, "kairosdb_bad_answer",
                           "KairosDB's days are not those of the ledger in %s",
                           timezone_name(s->zone));
        ret_days[count] = day_lists_take(r, &at, series, day_s);
        ret_days[count].end_s = timezone_day_start(s->zone, day_s, 1);
    }
    *ret_count = count;
    return true;
}

bool reconcile_days(const struct reconcile_source *source, const struct reconcile_series *series,
                    int64_t from_s, int64_t to_s, struct reconciled_day *ret_days, size_t max,
                    size_t *ret_count, struct err *e)
{
    struct day_lists room CLEANUP(day_lists_free) = {0};
    return day_lists_make(&room, max, e) &&
           day_lists_load(&room, source, series, from_s, to_s, max, e) &&
           day_lists_merge(&room, source, series, ret_days, max, ret_count, e);
}
