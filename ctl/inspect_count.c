/* Exact counts and sums of readings: 128-bit integers, joined by series once the feed has named
 * them. */
#include "ctl/inspect_count.h"

#include <stdlib.h>
#include <string.h>

#include "common/espi/keep.h"

static struct inspect_count nothing_counted(void)
{
    return (struct inspect_count){.first_start = ESPI_ABSENT,
                                  .last_start = ESPI_ABSENT,
                                  .last_unplaced = {.start_s = ESPI_ABSENT}};
}

/* Times 10^places; false: more than 128 bits hold. */
static bool times_ten(inspect_sum *number, int64_t places)
{
    for (; places > 0 && *number; places--)
        if (__builtin_mul_overflow(*number, 10, number))
            return false;
    return true;
}

static void total_join(struct inspect_total *into, inspect_sum sum, int32_t exponent,
                       uint64_t count)
{
    int32_t least = exponent < into->exponent ? exponent : into->exponent;
    into->count += count;
    if (!times_ten(&sum, exponent - least) || !times_ten(&into->sum, into->exponent - least) ||
        __builtin_add_overflow(into->sum, sum, &into->sum))
        into->too_large = true;
    into->exponent = least;
}

void inspect_total_add(struct inspect_total *t, int64_t value, int32_t exponent)
{
    total_join(t, value, exponent, 1);
}

static bool counts_reach(struct inspect_counts *c, uint32_t group, struct err *e)
{
    const struct inspect_count fresh = nothing_counted();
    void *items = c->items;
    bool reaches = espi_items_reach(&items, &c->count, group, sizeof fresh, &fresh, e);
    c->items = items;
    return reaches;
}

static void widen(struct inspect_count *c, int64_t start_s)
{
    if (c->first_start == ESPI_ABSENT || start_s < c->first_start)
        c->first_start = start_s;
    if (c->last_start == ESPI_ABSENT || start_s > c->last_start)
        c->last_start = start_s;
}

/*
 * A reading without its own time counts with its block's start for the first one; the last one
 * follows from the last reading of the block that begins last, once the interval length is known.
 */
static void note_start(struct inspect_count *c, const struct espi_reading *r)
{
    if (r->start_s == ESPI_ABSENT)
        return;
    if (r->placed || r->ordinal == 0)
        widen(c, r->start_s);
    const struct espi_reading *last = &c->last_unplaced;
    if (!r->placed &&
        (r->start_s > last->start_s || (r->start_s == last->start_s && r->ordinal > last->ordinal)))
        c->last_unplaced = *r;
}

bool inspect_count_reading(void *context, const struct espi_reading *r, struct err *e)
{
    struct inspect_counts *counts = context;
    if (r->group >= counts->count && !counts_reach(counts, r->group, e))
        return false;
    struct inspect_count *c = &counts->items[r->group];
    c->readings++;
    if (r->value != ESPI_ABSENT)
        inspect_total_add(&c->values, r->value, r->value_exponent);
    if (r->cost != ESPI_ABSENT)
        inspect_total_add(&c->costs, r->cost, r->cost_exponent);
    inspect_starts_add(&counts->starts, r);
    note_start(c, r);
    return true;
}

static void join(struct inspect_count *into, const struct inspect_count *c,
                 const struct espi_series *s)
{
    into->readings += c->readings;
    total_join(&into->values, c->values.sum, c->values.exponent, c->values.count);
    total_join(&into->costs, c->costs.sum, c->costs.exponent, c->costs.count);
    into->values.too_large |= c->values.too_large;
    into->costs.too_large |= c->costs.too_large;
    if (c->first_start != ESPI_ABSENT)
        widen(into, c->first_start);
    if (c->last_start != ESPI_ABSENT)
        widen(into, c->last_start);
    struct espi_reading last = c->last_unplaced;
    if (last.start_s != ESPI_ABSENT && espi_place_reading(s, &last))
        widen(into, last.start_s);
}

static bool join_starts(struct inspect_counts *groups, const struct espi *feed,
                        struct inspect_count *joined)
{
    size_t count = espi_series_count(feed);
    struct inspect_overlap *found = calloc(count + 1, sizeof *found);
    if (!found)
        return false;
    inspect_starts_count(&groups->starts, feed, found);
    for (size_t i = 0; i < count; i++)
        joined[i].starts = found[i];
    free(found);
    return true;
}

struct inspect_count *inspect_count_join(struct inspect_counts *groups, const struct espi *feed)
{
    struct inspect_count *joined = calloc(espi_series_count(feed) + 1, sizeof *joined);
    if (!joined)
        return NULL;
    for (size_t i = 0; i < espi_series_count(feed); i++)
        joined[i] = nothing_counted();
    for (uint32_t group = 0; group < espi_group_count(feed) && group < groups->count; group++) {
        size_t i = espi_series_of_group(feed, group);
        join(&joined[i], &groups->items[group], espi_series_at(feed, i));
    }
    if (join_starts(groups, feed, joined))
        return joined;
    free(joined);
    return NULL;
}

void inspect_counts_free(struct inspect_counts *c)
{
    free(c->items);
    inspect_starts_free(&c->starts);
    *c = (struct inspect_counts){0};
}

const char *inspect_sum_text(inspect_sum sum, char text[INSPECT_SUM_TEXT])
{
    char *at = text + INSPECT_SUM_TEXT;
    bool minus = sum < 0;
    *--at = '\0';
    do {
        int digit = (int)(sum % 10);
        *--at = (char)('0' + (digit < 0 ? -digit : digit));
        sum /= 10;
    } while (sum);
    if (minus)
        *--at = '-';
    memmove(text, at, (size_t)(text + INSPECT_SUM_TEXT - at));
    return text;
}
