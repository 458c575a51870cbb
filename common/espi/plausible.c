/* What a feed says that no building can be: amounts, prices, power beside energy. */
#include "common/espi/plausible.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/decimal.h"
#include "common/espi/keep.h"
#include "common/espi/service.h"
#include "common/espi/units.h"

#define HOUR_S 3600.0
/* Energy: a house draws up to 20 kW and hardly ever less than a few watts while it draws any. Who
 * says kilo of a whole number should not say more than a large house; what says nothing of the kind
 * may be a large building. */
#define WATTS_OF_KILO 1e5
#define WATTS_MOST 1e6
#define WATTS_LEAST 2.0
/* Of a day at least: a single reading may be of anything. */
#define LEAST_SECONDS 86400.0
/* Water: cubic metres an hour, likewise. */
#define FLOW_OF_KILO 10.0
#define FLOW_MOST 100.0
#define WH_OF_GAS 10550.0 /* about, in a cubic metre: only magnitudes are told */
#define WH_OF_THERM 29307.1
#define COST_UNIT 1e-5 /* ESPI's costs are in hundred-thousandths of the currency */

enum { ELECTRICITY = 0, GAS = 1, WATER = 2, HEAT = 4 };
enum { UOM_JOULE = 31, UOM_WATT = 38, UOM_WH = 72, UOM_BTU = 132, UOM_THERM = 169, REVERSE = 19 };

/* --- while it is read ------------------------------------------------------------------------ */
static bool sums_reach(struct plausible *p, size_t group, struct err *e)
{
    static const struct plausible_sums fresh;
    void *groups = p->groups;
    bool reaches = espi_items_reach(&groups, &p->count, group, sizeof fresh, &fresh, e);
    p->groups = groups;
    return reaches;
}

static void note_time(struct plausible_sums *s, const struct espi_reading *r, double value)
{
    bool timed = r->placed && r->duration_s != ESPI_ABSENT && r->duration_s > 0;
    s->untimed += !timed;
    s->unplaced += !r->placed;
    if (!timed) {
        s->amount_untimed += value;
        s->used_untimed += r->value != 0;
        return;
    }
    s->seconds += r->value != 0 ? (double)r->duration_s : 0;
    s->amount_seconds += value * (double)r->duration_s;
}

/* With its own decimals; the series' power of ten comes later. */
static double scaled(int64_t value, int32_t exponent)
{
    double number = 0;
    return decimal_scale(value, exponent, &number) ? number : 0;
}

bool plausible_note(struct plausible *p, const struct espi_reading *r, struct err *e)
{
    if (r->value == ESPI_ABSENT || r->group >= PLAUSIBLE_GROUPS)
        return true;
    if (r->group >= p->count && !sums_reach(p, r->group, e))
        return false;
    struct plausible_sums *s = &p->groups[r->group];
    double value = scaled(r->value, r->value_exponent);
    s->has_fallen |= s->readings && value < s->last_value;
    s->last_value = value;
    s->first_s = !s->readings || r->start_s < s->first_s ? r->start_s : s->first_s;
    s->last_s = !s->readings || r->start_s > s->last_s ? r->start_s : s->last_s;
    s->readings++;
    s->used += r->value != 0;
    s->amount += value;
    note_time(s, r, value);
    if (r->value > 0 && r->cost != ESPI_ABSENT && r->cost > 0) {
        s->priced += value;
        s->price += scaled(r->cost, r->cost_exponent);
    }
    return true;
}

void plausible_free(struct plausible *p)
{
    free(p->groups);
    *p = (struct plausible){0};
}

static void sums_join(struct plausible_sums *into, const struct plausible_sums *s)
{
    if (!s->readings)
        return;
    into->first_s = !into->readings || s->first_s < into->first_s ? s->first_s : into->first_s;
    into->last_s = !into->readings || s->last_s > into->last_s ? s->last_s : into->last_s;
    into->readings += s->readings;
    into->untimed += s->untimed;
    into->unplaced += s->unplaced;
    into->used += s->used;
    into->used_untimed += s->used_untimed;
    into->amount += s->amount;
    into->amount_untimed += s->amount_untimed;
    into->seconds += s->seconds;
    into->amount_seconds += s->amount_seconds;
    into->priced += s->priced;
    into->price += s->price;
    into->has_fallen |= s->has_fallen;
}

/* --- one series ------------------------------------------------------------------------------ */
static int64_t exponent_of(const struct espi_series *s)
{
    return s->power_of_ten_multiplier == ESPI_ABSENT ? 0 : s->power_of_ten_multiplier;
}

static int64_t service_of(const struct espi_series *s)
{
    bool conflict;
    return series_service(s, &conflict);
}

/* In one unit of the series: watt-hours, of gas about; 0: neither energy nor gas. */
static double watt_hours(const struct espi_series *s)
{
    switch (s->uom) {
    case UOM_WH:
        return 1;
    case UOM_JOULE:
        return 1 / HOUR_S;
    case UOM_THERM:
        return WH_OF_THERM;
    case UOM_BTU:
        return WH_OF_THERM / 1e5;
    default:
        return service_of(s) == GAS ? units_cubic_metres(s->uom) * WH_OF_GAS : 0;
    }
}

/* A register's readings are no amounts; what may be one shows by falling that it is none. */
static bool has_amounts(const struct espi_series *s, const struct plausible_sums *sums)
{
    bool may_be_register = s->accumulation_behaviour == 1 || s->accumulation_behaviour == 9;
    return !s->unresolved && series_is_summable(s) && (!may_be_register || sums->has_fallen);
}

static double seconds_of(const struct espi_series *s, const struct plausible_sums *sums)
{
    double length = espi_interval(s) == ESPI_ABSENT ? 0 : (double)espi_interval(s);
    bool is_placed = !sums->unplaced && sums->readings > 1;
    if (length <= 0 && is_placed) /* nothing says how long: as far as they lie apart */
        length = ((double)sums->last_s - (double)sums->first_s) / (double)(sums->readings - 1);
    return sums->seconds + (length > 0 ? length * (double)sums->used_untimed : 0);
}

bool plausible_amount(const struct espi_series *s, const struct plausible_sums *sums,
                      char figure[PLAUSIBLE_FIGURE])
{
    int64_t exponent = exponent_of(s);
    double seconds = seconds_of(s, sums);
    figure[0] = '\0';
    if (!has_amounts(s, sums) || seconds <= 0)
        return true;
    bool is_kilo = exponent > 0;
    double hourly = fabs(sums->amount) * pow(10, (double)exponent) * HOUR_S / seconds;
    double watts = hourly * watt_hours(s), flow = hourly * units_cubic_metres(s->uom);
    bool is_taken = service_of(s) == ELECTRICITY && s->flow_direction != REVERSE;
    bool too_little = is_taken && watts > 0 && watts < WATTS_LEAST && seconds >= LEAST_SECONDS;
    if (watts > (is_kilo ? WATTS_OF_KILO : WATTS_MOST))
        snprintf(figure, PLAUSIBLE_FIGURE, "%.4g kW on average", watts / 1000);
    else if (too_little)
        snprintf(figure, PLAUSIBLE_FIGURE, "%.2g W on average while it draws any", watts);
    else if (service_of(s) == WATER && flow > (is_kilo ? FLOW_OF_KILO : FLOW_MOST))
        snprintf(figure, PLAUSIBLE_FIGURE, "%.4g m3 an hour", flow);
    return figure[0] == '\0';
}

/* Currencies in which a kilowatt-hour costs cents: dollars, euros, pounds, francs. */
static bool is_known_currency(int64_t currency)
{
    static const int64_t known[] = {ESPI_ABSENT, 0, 36, 124, 554, 756, 826, 840, 978};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i] == currency)
            return true;
    return false;
}

/* What a unit of energy or volume may cost. */
struct price_range {
    double least, most;
};

/* What is judged of a service: the price of which unit, and how many of it the series' one is. */
struct price_unit {
    const char *name;
    double of_one;
    struct price_range range;
};

static struct price_unit price_unit_of(const struct espi_series *s)
{
    double wh = watt_hours(s);
    switch (service_of(s)) {
    case ELECTRICITY:
        return (struct price_unit){"kWh", wh / 1000, {0.02, 3}};
    case HEAT:
        return (struct price_unit){"kWh", wh / 1000, {0.01, 2}};
    case GAS:
        return (struct price_unit){"therm", wh / WH_OF_THERM, {0.2, 8}};
    case WATER:
        return (struct price_unit){"m3", units_cubic_metres(s->uom), {0.3, 25}};
    default:
        return (struct price_unit){"", 0, {0, 0}};
    }
}

bool plausible_price(const struct espi_series *s, const struct plausible_sums *sums,
                     char figure[PLAUSIBLE_FIGURE])
{
    const struct price_unit unit = price_unit_of(s);
    double amount = sums->priced * pow(10, (double)exponent_of(s)) * unit.of_one;
    double cost = sums->price * COST_UNIT;
    figure[0] = '\0';
    if (!has_amounts(s, sums) || !is_known_currency(s->currency) || amount <= 0 || cost <= 0)
        return true;
    if (cost / amount < unit.range.least || cost / amount > unit.range.most)
        snprintf(figure, PLAUSIBLE_FIGURE, "%.2g a %s", cost / amount, unit.name);
    return figure[0] == '\0';
}

/* --- power beside energy --------------------------------------------------------------------- */
/* So many of each are held beside one another. */
#define PAIRS_MAX 200
/* How far watts times hours may be from watt-hours: rounding, and 3,599 seconds for an hour. */
#define PAIR_TOLERANCE 0.02

struct judging {
    const struct plausible_decided *decided;
    struct espi *feed;
    struct plausible_sums *sums; /* by series */
    uint32_t *groups;            /* by series: its first group */
    size_t watts[PAIRS_MAX], energies[PAIRS_MAX];
    size_t watts_count, energies_count;
};

static void remember_pairable(struct judging *j, size_t i)
{
    const struct espi_series *s = espi_series_at(j->feed, i);
    bool is_extreme = s->data_qualifier == 8 || s->data_qualifier == 9;
    if (s->unresolved || !j->sums[i].readings || j->sums[i].untimed || is_extreme)
        return;
    if (s->uom == UOM_WATT && j->watts_count < PAIRS_MAX)
        j->watts[j->watts_count++] = i;
    if (s->uom == UOM_WH && has_amounts(s, &j->sums[i]) && j->energies_count < PAIRS_MAX)
        j->energies[j->energies_count++] = i;
}

/* Of one usage point; or of two, where the feed has no other series of either kind. */
static bool is_pair(const struct judging *j, size_t watt, size_t energy)
{
    const struct plausible_sums *w = &j->sums[watt], *e = &j->sums[energy];
    const char *of_w = espi_series_at(j->feed, watt)->usage_point;
    const char *of_e = espi_series_at(j->feed, energy)->usage_point;
    bool same_point = of_w && of_e && strcmp(of_w, of_e) == 0;
    bool alone = j->watts_count == 1 && j->energies_count == 1;
    return w->readings == e->readings && w->first_s == e->first_s && w->last_s == e->last_s &&
           (same_point || alone);
}

static bool pair_agrees(const struct judging *j, size_t watt, size_t energy)
{
    int64_t by_watt = exponent_of(espi_series_at(j->feed, watt));
    int64_t by_energy = exponent_of(espi_series_at(j->feed, energy));
    double want = j->sums[watt].amount_seconds / HOUR_S * pow(10, (double)(by_watt - by_energy));
    double have = j->sums[energy].amount;
    return fabs(have - want) <= PAIR_TOLERANCE * fmax(fabs(have), fabs(want));
}

/* --- all of a feed --------------------------------------------------------------------------- */
static void tell(struct judging *j, size_t series, const char *code, const char *figure)
{
    espi_tell(j->feed, code, series, j->groups[series], figure);
}

static void judge_pairs(struct judging *j)
{
    for (size_t e = 0; e < j->energies_count; e++)
        for (size_t w = 0; w < j->watts_count; w++)
            if (is_pair(j, j->watts[w], j->energies[e]) &&
                !pair_agrees(j, j->watts[w], j->energies[e])) {
                tell(j, j->energies[e], "power_disagrees", "");
                break;
            }
}

static void judge_all(struct judging *j)
{
    for (size_t i = 0; i < espi_series_count(j->feed); i++) {
        const struct espi_series *s = espi_series_at(j->feed, i);
        char figure[PLAUSIBLE_FIGURE];
        if (!j->decided->multiplier && !plausible_amount(s, &j->sums[i], figure))
            tell(j, i, "implausible_amount", figure);
        if (!j->decided->cost_scale && !plausible_price(s, &j->sums[i], figure))
            tell(j, i, "implausible_price", figure);
        remember_pairable(j, i);
    }
    if (!j->decided->multiplier)
        judge_pairs(j);
}

static void join_groups(struct judging *j, const struct plausible *p)
{
    for (size_t g = p->count; g-- > 0;) {
        if (!p->groups[g].readings)
            continue;
        size_t i = espi_series_of_group(j->feed, (uint32_t)g);
        sums_join(&j->sums[i], &p->groups[g]);
        j->groups[i] = (uint32_t)g;
    }
}

bool plausible_judge(const struct plausible *p, const struct plausible_decided *decided,
                     struct espi *feed, struct err *e)
{
    size_t count = espi_series_count(feed);
    struct judging *j CLEANUP(free_at) = calloc(1, sizeof *j);
    struct plausible_sums *sums CLEANUP(free_at) = calloc(count + 1, sizeof *sums);
    uint32_t *groups CLEANUP(free_at) = calloc(count + 1, sizeof *groups);
    if (!j || !sums || !groups)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to judge %zu series", count);
    j->decided = decided;
    j->feed = feed;
    j->sums = sums;
    j->groups = groups;
    join_groups(j, p);
    judge_all(j);
    return true;
}
