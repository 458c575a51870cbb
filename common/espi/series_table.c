/* The series of a feed: what a MeterReading, its usage point, its type and its blocks say together.
 */
#include "common/espi/series_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/decimal.h"
#include "common/espi/links.h"
#include "common/espi/local_time.h"
#include "common/espi/service.h"

/* All that drawing up the table needs. */
struct drawing {
    struct espi_graph *graph;
    struct espi_problems *problems;
    struct espi_links links;
    struct series_table *table;
    uint32_t *of_reading; /* by resource: its series */
    uint32_t *of_orphan;  /* by name of what orphans have in common: series + 1 */
};

static const char *text_of(const struct drawing *d, uint32_t name)
{
    return espi_names_text(&d->graph->names, name);
}

static void complain(const struct drawing *d, enum espi_problem_kind odd, const char *where)
{
    espi_problems_add(d->problems, odd, 0, 0, where, where ? strlen(where) : 0);
}

/* --- what the parts of a series say ------------------------------------------------------ */
static int64_t readable(int64_t number)
{
    return number == ESPI_UNREADABLE ? ESPI_ABSENT : number;
}

static void say_type(const struct drawing *d, struct espi_series *s, const struct espi_choice *c)
{
    if (!c->resource)
        return;
    const struct espi_resource *type = espi_graph_resource(d->graph, c->resource - 1);
    const int64_t *slots = espi_graph_slots(d->graph, type);
    s->reading_type = text_of(d, type->self);
    s->reading_type_link = c->link;
    s->accumulation_behaviour = readable(slots[RT_ACCUMULATION]);
    s->commodity = slots[RT_COMMODITY];
    s->consumption_tier = slots[RT_CONSUMPTION_TIER];
    s->cpp = slots[RT_CPP];
    s->currency = slots[RT_CURRENCY];
    s->data_qualifier = readable(slots[RT_DATA_QUALIFIER]);
    s->default_quality = slots[RT_DEFAULT_QUALITY];
    s->flow_direction = readable(slots[RT_FLOW_DIRECTION]);
    s->interval_length = slots[RT_INTERVAL_LENGTH];
    s->kind = readable(slots[RT_KIND]);
    s->measuring_period = slots[RT_MEASURING_PERIOD];
    s->power_of_ten_multiplier = readable(slots[RT_MULTIPLIER]);
    s->phase = slots[RT_PHASE];
    s->time_attribute = slots[RT_TIME_ATTRIBUTE];
    s->tou = slots[RT_TOU];
    s->uom = readable(slots[RT_UOM]);
}

static void say_local_time(const struct drawing *d, struct espi_series *s,
                           const struct espi_choice *c)
{
    if (!c->resource)
        return;
    const struct espi_resource *zone = espi_graph_resource(d->graph, c->resource - 1);
    const int64_t *slots = espi_graph_slots(d->graph, zone);
    s->local_time_link = c->link;
    s->tz_offset_s = slots[LTP_TZ_OFFSET];
    s->dst_offset_s = slots[LTP_DST_OFFSET];
    s->dst_start_rule = text_of(d, (uint32_t)slots[LTP_DST_START]);
    s->dst_end_rule = text_of(d, (uint32_t)slots[LTP_DST_END]);
}

static void judge_local_time(const struct drawing *d, const struct espi_resource *zone)
{
    const int64_t *slots = espi_graph_slots(d->graph, zone);
    struct local_time t = local_time_read(slots[LTP_TZ_OFFSET], slots[LTP_DST_OFFSET],
                                          text_of(d, (uint32_t)slots[LTP_DST_START]),
                                          text_of(d, (uint32_t)slots[LTP_DST_END]));
    if (t.odd)
        complain(d, espi_problem_of_code(t.odd), text_of(d, zone->self));
}

static void say_usage_point(const struct drawing *d, struct espi_series *s,
                            const struct espi_choice *c)
{
    if (!c->resource)
        return;
    const struct espi_resource *point = espi_graph_resource(d->graph, c->resource - 1);
    s->usage_point = text_of(d, point->self);
    s->usage_point_link = c->link;
    s->service_kind = espi_graph_slots(d->graph, point)[UP_SERVICE_KIND];
    say_local_time(d, s, &d->links.local_time[c->resource - 1]);
}

/* --- what keeps a series from being understood ------------------------------------------- */
static bool types_conflict(const struct drawing *d, const struct espi_choice *c)
{
    return c->ambiguous || espi_graph_resource(d->graph, c->resource - 1)->differs_in_meaning;
}

static const int64_t *slots_of(const struct drawing *d, const struct espi_choice *type)
{
    return espi_graph_slots(d->graph, espi_graph_resource(d->graph, type->resource - 1));
}

static bool multiplier_is_bad(int64_t multiplier)
{
    return multiplier == ESPI_UNREADABLE ||
           (multiplier != ESPI_ABSENT &&
            (multiplier < -DECIMAL_MAX_EXPONENT || multiplier > DECIMAL_MAX_EXPONENT));
}

/* Direction, kind or qualifier in words: whoever takes "reverse" for none adds what was fed in. */
static bool codes_are_bad(const int64_t *slots)
{
    return slots[RT_FLOW_DIRECTION] == ESPI_UNREADABLE || slots[RT_KIND] == ESPI_UNREADABLE ||
           slots[RT_ACCUMULATION] == ESPI_UNREADABLE || slots[RT_DATA_QUALIFIER] == ESPI_UNREADABLE;
}

static void judge_type(const struct drawing *d, struct espi_series *s, const struct espi_choice *c)
{
    enum espi_problem_kind odd = PROBLEM_COUNT;
    if (!c->resource)
        odd = PROBLEM_NO_READING_TYPE;
    else if (types_conflict(d, c))
        odd = PROBLEM_CONFLICTING_TYPES;
    else if (s->uom == ESPI_ABSENT)
        odd = PROBLEM_NO_UNIT;
    else if (codes_are_bad(slots_of(d, c)))
        odd = PROBLEM_UNREADABLE_TYPE;
    else if (multiplier_is_bad(slots_of(d, c)[RT_MULTIPLIER]))
        odd = PROBLEM_BAD_MULTIPLIER;
    if (odd == PROBLEM_COUNT)
        return;
    complain(d, odd, s->meter_reading ? s->meter_reading : s->blocks_href);
    /* a meter can be given a name (correction.h), but not another type */
    if (!s->unresolved || odd == PROBLEM_CONFLICTING_TYPES || odd == PROBLEM_BAD_MULTIPLIER ||
        odd == PROBLEM_UNREADABLE_TYPE)
        s->unresolved = espi_problem_code(odd);
}

/* Two that fit equally may be two customers': which one's readings these are must not be guessed.
 */
static void judge_usage_point(const struct drawing *d, struct espi_series *s,
                              const struct espi_choice *c)
{
    if (!c->resource)
        complain(d, PROBLEM_NO_USAGE_POINT, s->meter_reading);
    if (!c->ambiguous)
        return;
    complain(d, PROBLEM_AMBIGUOUS_LINK, s->meter_reading);
    s->unresolved = espi_problem_code(PROBLEM_AMBIGUOUS_LINK);
}

static void judge_service(const struct drawing *d, const struct espi_series *s)
{
    bool conflict;
    (void)series_service(s, &conflict);
    if (conflict)
        complain(d, PROBLEM_SERVICE_CONFLICT, s->meter_reading);
}

/* --- one series a MeterReading ----------------------------------------------------------- */
static void draw_reading(struct drawing *d, uint32_t resource)
{
    const struct espi_resource *r = espi_graph_resource(d->graph, resource);
    struct espi_series *s = &d->table->series[d->table->count];
    *s = espi_series_unknown();
    s->meter_reading = text_of(d, r->self);
    s->title = text_of(d, r->title);
    say_usage_point(d, s, &d->links.usage_point[resource]);
    say_type(d, s, &d->links.reading_type[resource]);
    judge_usage_point(d, s, &d->links.usage_point[resource]);
    judge_type(d, s, &d->links.reading_type[resource]);
    judge_service(d, s);
    d->of_reading[resource] = (uint32_t)d->table->count++;
}

/* --- one series for blocks without one --------------------------------------------------- */
/* What the blocks say by themselves goes before a type that nothing links them to. */
static void say_own(const struct drawing *d, struct espi_series *s, const struct espi_group *of)
{
    const struct espi_own *own = &of->own;
    s->usage_point = text_of(d, own->point);
    s->service_kind = own->service_kind;
    s->uom = own->uom;
    s->power_of_ten_multiplier = own->multiplier;
    s->interval_length = own->step_s;
    if (of->own_differs)
        s->unresolved = espi_problem_code(PROBLEM_CONFLICTING_TYPES);
    else if (own->uom == ESPI_ABSENT)
        s->unresolved = espi_problem_code(PROBLEM_NO_UNIT);
}

static bool differs_from(const struct espi_series *s, const struct espi_group *of)
{
    const struct espi_own *own = &of->own;
    return of->own_differs ||
           (of->own_name && (own->uom != s->uom || own->multiplier != s->power_of_ten_multiplier ||
                             own->service_kind != s->service_kind));
}

static void draw_unlinked(struct drawing *d, struct espi_series *s, const struct espi_group *of,
                          const char *href)
{
    *s = espi_series_unknown();
    s->blocks_href = href;
    if (of->own_name)
        say_own(d, s, of);
    else
        say_type(d, s, &d->links.only[KIND_READING_TYPE]);
    if (of->own.point)
        return;
    s->unresolved = espi_problem_code(PROBLEM_NO_METER_READING);
    espi_problems_add(d->problems, PROBLEM_NO_METER_READING, of->line, 0, s->blocks_href,
                      s->blocks_href ? strlen(s->blocks_href) : 0);
    if (!of->own_name)
        judge_type(d, s, &d->links.only[KIND_READING_TYPE]);
}

static bool draw_orphan(struct drawing *d, uint32_t group, struct err *e)
{
    uint32_t name;
    if (!espi_links_orphan(d->graph, group, &name, e))
        return false;
    struct espi_group *of = espi_graph_group_at(d->graph, group);
    uint32_t *known = &d->of_orphan[of->own.point ? of->own_name : name];
    if (*known) {
        struct espi_series *s = &d->table->series[*known - 1];
        of->series = *known - 1;
        if (differs_from(s, of))
            s->unresolved = espi_problem_code(PROBLEM_CONFLICTING_TYPES);
        return true;
    }
    struct espi_series *s = &d->table->series[d->table->count];
    draw_unlinked(d, s, of, text_of(d, name));
    of->series = (uint32_t)d->table->count++;
    *known = of->series + 1;
    return true;
}

/* --- groups ------------------------------------------------------------------------------ */
static void join_group(struct drawing *d, uint32_t group, const struct espi_choice *c)
{
    struct espi_group *of = espi_graph_group_at(d->graph, group);
    of->series = d->of_reading[c->resource - 1];
    struct espi_series *s = &d->table->series[of->series];
    if (c->link > s->blocks_link)
        s->blocks_link = c->link; /* the least trusted rule that was needed */
    if (!c->ambiguous)
        return;
    complain(d, PROBLEM_AMBIGUOUS_LINK, s->meter_reading);
    s->unresolved = espi_problem_code(PROBLEM_AMBIGUOUS_LINK);
}

/* Whoever drops only what cannot be read sums a month of the rest. */
static void judge_numbers(const struct drawing *d, struct espi_series *s,
                          const struct espi_group *of)
{
    const char *href = s->meter_reading ? s->meter_reading : s->blocks_href;
    if (of->unreadable_values && !s->unresolved) {
        s->unresolved = espi_problem_code(PROBLEM_UNREADABLE_VALUES);
        complain(d, PROBLEM_UNREADABLE_VALUES, href);
    }
    if (of->unreadable_costs && !s->unreadable_costs) {
        s->unreadable_costs = true;
        complain(d, PROBLEM_UNREADABLE_COSTS, href);
    }
}

/* Milliseconds, minutes, hours or days for seconds: `given` is so many times what it should be. */
static bool is_other_unit(int64_t given, int64_t seconds)
{
    static const double factors[] = {1000, 1.0 / 60, 1.0 / 3600, 1.0 / 86400};
    double ratio = (double)espi_length(given) / (double)espi_length(seconds);
    for (size_t i = 0; i < ARRAY_LEN(factors); i++)
        if (ratio > 0.9 * factors[i] && ratio < 1.1 * factors[i])
            return true;
    return false;
}

/* Minutes, a quarter and a half of an hour, an hour and a day, all in milliseconds: no meter is
 * read every ten days. */
static bool is_milliseconds(int64_t length)
{
    static const int64_t usual[] = {60000, 300000, 600000, 900000, 1800000, 3600000, 86400000};
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        if (length == usual[i])
            return true;
    return false;
}

/* What the readings show is held against what the type and they say: starts first, then durations
 * and the block's. */
static void judge_lengths(const struct drawing *d, struct espi_series *s,
                          const struct espi_group *of)
{
    const char *href = s->meter_reading ? s->meter_reading : s->blocks_href;
    int64_t shown_s = of->step_s != ESPI_ABSENT       ? of->step_s
                      : of->duration_s != ESPI_ABSENT ? of->duration_s
                                                      : of->share_s;
    bool is_known = shown_s != ESPI_ABSENT && shown_s > 0;
    if (s->interval_length > 0 && !s->interval_unit &&
        (is_known ? is_other_unit(s->interval_length, shown_s)
                  : is_milliseconds(s->interval_length) && of->readings)) {
        s->interval_unit = true;
        complain(d, PROBLEM_INTERVAL_UNIT, href);
    }
    if (of->step_s != ESPI_ABSENT && of->duration_s != ESPI_ABSENT && !s->duration_unit &&
        is_other_unit(of->duration_s, of->step_s)) {
        s->duration_unit = true;
        complain(d, PROBLEM_DURATION_UNIT, href);
    }
}

static void count_group(const struct drawing *d, uint32_t group)
{
    const struct espi_group *of = espi_graph_group_at(d->graph, group);
    struct espi_series *s = &d->table->series[of->series];
    s->blocks += of->blocks;
    s->readings += of->readings;
    judge_numbers(d, s, of);
    judge_lengths(d, s, of);
    if (of->unplaced && espi_interval(s) == ESPI_ABSENT)
        espi_problems_add(d->problems, PROBLEM_NO_INTERVAL_LENGTH, of->line, 0, s->meter_reading,
                          s->meter_reading ? strlen(s->meter_reading) : 0);
}

/* --- bills -------------------------------------------------------------------------------- */
/* None where its power of ten cannot be read. */
static int64_t consumption(const int64_t *slots, int value, int multiplier)
{
    return slots[multiplier] == ESPI_UNREADABLE ? ESPI_ABSENT : slots[value];
}

static int64_t with_places(int64_t multiplier, int64_t places)
{
    if (places == ESPI_ABSENT || multiplier == ESPI_UNREADABLE)
        return readable(multiplier);
    return multiplier == ESPI_ABSENT ? places
           : multiplier < INT32_MIN  ? INT32_MIN
                                     : multiplier + places;
}

/* Some bills give no amount, or 0, and their lines: never is such a one a bill of nothing. */
static void judge_amount(const struct drawing *d, struct espi_bill *b, const int64_t *slots)
{
    b->amount = slots[SUM_BILL_LAST];
    if ((b->amount != ESPI_ABSENT && b->amount != 0) || slots[SUM_HAS_LINES] == ESPI_ABSENT)
        return;
    b->amount = slots[SUM_LINE_AMOUNT];
    b->amount_from_lines = b->amount != ESPI_ABSENT;
    if (b->amount == ESPI_ABSENT)
        complain(d, PROBLEM_BILL_LINES, b->self);
}

static void draw_bill(struct drawing *d, uint32_t resource)
{
    const struct espi_resource *r = espi_graph_resource(d->graph, resource);
    const int64_t *slots = espi_graph_slots(d->graph, r);
    const struct espi_choice *up = &d->links.usage_point[resource];
    struct espi_bill *b = &d->table->bills[d->table->bill_count++];
    *b = (struct espi_bill){
        .resource = slots[SUM_IS_ELECTRIC] ? "ElectricPowerUsageSummary" : "UsageSummary",
        .self = text_of(d, r->self),
        .service_kind = ESPI_ABSENT,
        .start_s = slots[SUM_START],
        .duration_s = slots[SUM_DURATION],
        .bill_last_period = slots[SUM_BILL_LAST],
        .bill_to_date = slots[SUM_BILL_TO_DATE],
        .cost_additional_last_period = slots[SUM_COST_ADDITIONAL],
        .currency = slots[SUM_CURRENCY],
        .value = consumption(slots, SUM_OVERALL_VALUE, SUM_OVERALL_MULTIPLIER),
        .power_of_ten_multiplier =
            with_places(slots[SUM_OVERALL_MULTIPLIER], slots[SUM_OVERALL_PLACES]),
        .uom = slots[SUM_OVERALL_UOM],
        .current_value = consumption(slots, SUM_CURRENT_VALUE, SUM_CURRENT_MULTIPLIER),
        .current_multiplier = with_places(slots[SUM_CURRENT_MULTIPLIER], slots[SUM_CURRENT_PLACES]),
        .current_uom = slots[SUM_CURRENT_UOM],
        .quality = slots[SUM_QUALITY],
        .status_time_s = slots[SUM_STATUS_TIME],
        .commodity = slots[SUM_COMMODITY],
        .updated_s = slots[SUM_UPDATED]};
    judge_amount(d, b, slots);
    if (!up->resource) {
        complain(d, PROBLEM_NO_USAGE_POINT, b->self);
        return;
    }
    if (up->ambiguous) {
        complain(d, PROBLEM_AMBIGUOUS_LINK, b->self);
        return;
    }
    const struct espi_resource *point = espi_graph_resource(d->graph, up->resource - 1);
    b->usage_point = text_of(d, point->self);
    b->usage_point_link = up->link;
    b->service_kind = espi_graph_slots(d->graph, point)[UP_SERVICE_KIND];
}

static bool draw_all(struct drawing *d, struct err *e)
{
    struct espi_graph *g = d->graph;
    for (uint32_t i = 0; i < g->resources.count; i++)
        if (espi_graph_resource(g, i)->kind == KIND_SUMMARY)
            draw_bill(d, i);
        else if (espi_graph_resource(g, i)->kind == KIND_LOCAL_TIME)
            judge_local_time(d, espi_graph_resource(g, i));
    for (uint32_t i = 0; i < g->resources.count; i++)
        if (espi_graph_resource(g, i)->kind == KIND_METER_READING)
            draw_reading(d, i);
    for (uint32_t i = 0; i < g->groups.count; i++)
        if (d->links.meter_reading[i].resource)
            join_group(d, i, &d->links.meter_reading[i]);
        else if (!draw_orphan(d, i, e))
            return false;
    for (uint32_t i = 0; i < g->groups.count; i++)
        count_group(d, i);
    return true;
}

/* Names are still added for orphans while links are followed; their texts stand still only after
 * that. */
static bool name_orphans(struct espi_graph *g, struct err *e)
{
    uint32_t name;
    for (uint32_t i = 0; i < g->groups.count; i++)
        if (!espi_links_orphan(g, i, &name, e))
            return false;
    return true;
}

static size_t count_bills(const struct espi_graph *g)
{
    size_t count = 0;
    for (size_t i = 0; i < g->resources.count; i++)
        count += espi_graph_resource(g, i)->kind == KIND_SUMMARY;
    return count;
}

bool series_table_make(struct espi_graph *g, struct espi_problems *problems,
                       struct series_table *ret_table, struct err *e)
{
    struct drawing d = {.graph = g, .problems = problems, .table = ret_table};
    bool done = name_orphans(g, e) && espi_links_find(g, &d.links, e);
    if (done) {
        ret_table->bills = calloc(count_bills(g) + 1, sizeof *ret_table->bills);
        ret_table->series =
            calloc(g->resources.count + g->groups.count + 1, sizeof *ret_table->series);
        d.of_reading = calloc(g->resources.count + 1, sizeof *d.of_reading);
        d.of_orphan = calloc(espi_names_count(&g->names) + 1, sizeof *d.of_orphan);
        done = ret_table->bills && ret_table->series && d.of_reading && d.of_orphan;
        if (!done)
            err_set(e, ERR_RETRY, "no_memory", "no memory for the series of the feed");
    }
    done = done && draw_all(&d, e);
    espi_links_free(&d.links);
    free(d.of_reading);
    free(d.of_orphan);
    return done;
}

void series_table_free(struct series_table *t)
{
    free(t->series);
    free(t->bills);
    *t = (struct series_table){0};
}
