/* What `inspect` found, for people: a heading a file, a line of columns a series, then the
 * problems. */
#include <inttypes.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "ctl/inspect_print.h"
#include "common/espi/series_names.h"
#include "common/espi/service.h"
#include "common/kairosdb/series_tags.h"
#include "common/espi/units.h"

#define SUM_COLUMN 140
#define COST_EXPONENT (-5) /* ESPI gives costs in hundred-thousandths of the currency */

static const char *instant(int64_t start_s, char text[CLOCK_TEXT])
{
    /* the years 1..9999, beyond which a date helps nobody */
    if (start_s < -62135596800 || start_s > 253402300799)
        return "-";
    return clock_format_utc(start_s * 1000, text);
}

static const char *number(int64_t value, char text[24])
{
    if (value == ESPI_ABSENT)
        return "-";
    snprintf(text, 24, "%" PRId64, value);
    return text;
}

static const char *word_or_code(const char *word, int64_t code, char text[24])
{
    return word ? word : number(code, text);
}

/* The sum in its unit: "34.81808 Wh". */
static const char *scaled_sum(const struct espi_series *s, const struct inspect_count *c,
                              char text[SUM_COLUMN])
{
    char digits[INSPECT_SUM_TEXT], scaled[SUM_COLUMN - 24], unit[24];
    int64_t exponent = s->power_of_ten_multiplier == ESPI_ABSENT ? 0 : s->power_of_ten_multiplier;
    if (!c->values.count || c->values.too_large ||
        __builtin_add_overflow(exponent, c->values.exponent, &exponent))
        return "-";
    inspect_sum_text(c->values.sum, digits);
    if (units_scale_text(digits, exponent, scaled, sizeof scaled))
        snprintf(text, SUM_COLUMN, "%s %s", scaled,
                 word_or_code(series_uom_name(s->uom), s->uom, unit));
    else
        snprintf(text, SUM_COLUMN, "%s e%" PRId64 " %s", digits, exponent,
                 word_or_code(series_uom_name(s->uom), s->uom, unit));
    return text;
}

static const char *scaled_cost(const struct inspect_count *c, char text[SUM_COLUMN])
{
    char digits[INSPECT_SUM_TEXT];
    if (!c->costs.count || c->costs.too_large)
        return "-";
    return units_scale_text(inspect_sum_text(c->costs.sum, digits),
                            COST_EXPONENT + c->costs.exponent, text, SUM_COLUMN)
               ? text
               : "-";
}

/* What a parse would leave out, or has to choose between. */
static void print_starts(const struct inspect_overlap *o, FILE *out)
{
    const struct {
        uint64_t count;
        const char *what;
    } found[] = {{o->repeated, "come twice"},
                 {o->contradicted, "come twice with another value"},
                 {o->overlapping, "begin before the one before them ends"},
                 {o->outside, "begin before 1973 or after 2286"},
                 {o->unplaced, "have no time"}};
    for (size_t i = 0; i < ARRAY_LEN(found); i++)
        if (found[i].count)
            text_print(out, "    %" PRIu64 " readings %s\n", found[i].count, found[i].what);
}

static void print_series(const struct espi_series *s, const struct inspect_count *c, FILE *out)
{
    char sum[SUM_COLUMN], cost[SUM_COLUMN], first[CLOCK_TEXT], last[CLOCK_TEXT];
    char flow[24], service[24];
    bool conflict;
    int64_t kind = series_service(s, &conflict);
    text_print(out, "  %-11s  %-7s  %8" PRIu64 "  %-20s  %-20s  %24s  %14s  %s",
               word_or_code(series_service_name(kind), kind, service),
               word_or_code(series_flow_name(s->flow_direction), s->flow_direction, flow),
               c->readings, instant(c->first_start, first), instant(c->last_start, last),
               scaled_sum(s, c, sum), scaled_cost(c, cost),
               s->meter_reading ? s->meter_reading
               : s->blocks_href ? s->blocks_href
                                : "-");
    if (s->unresolved)
        text_print(out, "  [%s]", s->unresolved);
    fputc('\n', out);
    print_starts(&c->starts, out);
}

static void print_bill(const struct espi_bill *b, FILE *out)
{
    char start[CLOCK_TEXT], sum[SUM_COLUMN], cost[SUM_COLUMN];
    const struct espi_series like = {.uom = b->uom,
                                     .power_of_ten_multiplier = b->power_of_ten_multiplier};
    const struct inspect_count count = {
        .values = {.count = b->value != ESPI_ABSENT, .sum = b->value},
        .costs = {.count = b->amount != ESPI_ABSENT, .sum = b->amount}};
    text_print(out, "  bill from %s, %" PRId64 " days: %s, amount %s%s, %s\n",
               instant(b->start_s, start), b->duration_s == ESPI_ABSENT ? 0 : b->duration_s / 86400,
               scaled_sum(&like, &count, sum), scaled_cost(&count, cost),
               b->amount_from_lines ? " (its lines)" : "", b->usage_point ? b->usage_point : "-");
}

static void print_problems(const struct inspect_file *f, FILE *out)
{
    size_t count = f->feed ? espi_problem_count(f->feed) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct espi_problem *p = espi_problem_at(f->feed, i);
        text_print(out, "  problem %s", p->code);
        if (p->count > 1)
            text_print(out, " %" PRIu64 " times, first", p->count);
        if (p->line)
            text_print(out, " at line %" PRIu64, p->line);
        text_print(out, "%s%s\n", *p->where ? ": " : "", p->where);
    }
    if (f->feed && espi_problems_not_kept(f->feed))
        text_print(out, "  and %" PRIu64 " more\n", espi_problems_not_kept(f->feed));
}

void inspect_print_text(const struct inspect_file *f, FILE *out)
{
    if (f->failure) {
        text_print(out, "%s: %s: %s\n", f->name, f->failure->code, f->failure->text);
        return;
    }
    size_t series = espi_series_count(f->feed);
    text_print(out, "%s: %zu series, %" PRIu64 " readings\n", f->name, series,
               espi_reading_count(f->feed));
    if (series)
        text_print(out, "  %-11s  %-7s  %8s  %-20s  %-20s  %24s  %14s  %s\n", "service", "flow",
                   "readings", "first start", "last start", "sum", "cost", "meter reading");
    for (size_t i = 0; i < series; i++)
        print_series(espi_series_at(f->feed, i), &f->counts[i], out);
    for (size_t i = 0; i < espi_bill_count(f->feed); i++)
        print_bill(espi_bill_at(f->feed, i), out);
    print_problems(f, out);
}
