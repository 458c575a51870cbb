/* How the starts of a feed's readings go together: kept while it is read, sorted at its end. */
#include "ctl/inspect_starts.h"

#include <stdlib.h>

/* Instants that readings of meters can begin at: 1973 to 2286, as in the stage of a parse. */
#define START_LEAST INT64_C(100000000)
#define START_MOST INT64_C(10000000000)

static bool has_room(struct inspect_starts *s)
{
    if (s->count < s->room)
        return true;
    size_t room = s->room ? s->room * 2 : 1024;
    struct inspect_start *items =
        s->room < INSPECT_STARTS_MAX ? realloc(s->items, room * sizeof *items) : NULL;
    if (!items) {
        inspect_starts_free(s);
        s->too_many = true;
        return false;
    }
    s->items = items;
    s->room = room;
    return true;
}

void inspect_starts_add(struct inspect_starts *s, const struct espi_reading *r)
{
    if (r->value == ESPI_ABSENT || s->too_many || !has_room(s))
        return;
    s->items[s->count++] = (struct inspect_start){.group = r->group,
                                                  .ordinal = r->ordinal,
                                                  .start_s = r->start_s,
                                                  .duration_s = r->duration_s,
                                                  .value = r->value,
                                                  .exponent = r->value_exponent,
                                                  .placed = r->placed};
}

/* From here on `group` is the series. */
static void place(struct inspect_start *i, const struct espi *feed)
{
    size_t series = espi_series_of_group(feed, i->group);
    const struct espi_series *s = espi_series_at(feed, series);
    struct espi_reading r = {.start_s = i->start_s,
                             .duration_s = i->duration_s,
                             .ordinal = i->ordinal,
                             .placed = i->placed};
    i->group = (uint32_t)series;
    i->placed = espi_place_reading(s, &r);
    i->start_s = r.start_s;
    i->duration_s = espi_length(r.duration_s > 0 ? r.duration_s : espi_interval(s));
}

static int by_series_and_start(const void *a, const void *b)
{
    const struct inspect_start *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->start_s > y->start_s) - (x->start_s < y->start_s);
}

/* Readings `from` to `to` begin at one time. */
static void count_alike(const struct inspect_start *items, size_t from, size_t to,
                        struct inspect_overlap *o)
{
    bool same = true;
    for (size_t i = from + 1; i < to; i++)
        same = same && items[i].value == items[from].value &&
               items[i].exponent == items[from].exponent;
    *(same ? &o->repeated : &o->contradicted) += to - from - 1;
}

static bool is_in_time(const struct inspect_start *i)
{
    return i->placed && i->start_s >= START_LEAST && i->start_s < START_MOST;
}

static void count_sorted(const struct inspect_start *items, size_t count,
                         struct inspect_overlap *ret)
{
    int64_t end_s = INT64_MIN;
    for (size_t i = 0, next; i < count; i = next) {
        struct inspect_overlap *o = &ret[items[i].group];
        next = i + 1;
        if (i == 0 || items[i].group != items[i - 1].group)
            end_s = INT64_MIN;
        if (!is_in_time(&items[i])) {
            *(items[i].placed ? &o->outside : &o->unplaced) += 1;
            continue;
        }
        while (next < count && items[next].group == items[i].group &&
               items[next].start_s == items[i].start_s && items[next].placed)
            next++;
        count_alike(items, i, next, o);
        o->overlapping += items[i].start_s < end_s;
        int64_t length_s = items[i].duration_s;
        if (length_s > 0 && length_s <= UINT32_MAX && items[i].start_s + length_s > end_s)
            end_s = items[i].start_s + length_s;
    }
}

void inspect_starts_count(struct inspect_starts *s, const struct espi *feed,
                          struct inspect_overlap *ret)
{
    for (size_t i = 0; i < s->count; i++)
        place(&s->items[i], feed);
    if (s->count)
        qsort(s->items, s->count, sizeof *s->items, by_series_and_start);
    count_sorted(s->items, s->count, ret);
}

void inspect_starts_free(struct inspect_starts *s)
{
    free(s->items);
    *s = (struct inspect_starts){0};
}
