/* What `inspect` found, for people: a heading a file, a line of columns a series, then the problems. */
#include <inttypes.h>

#include "base/clock.h"
#include "meter/inspect_print.h"

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

static void print_series(const struct espi_series *s, const struct inspect_count *c, FILE *out)
{
    char sum[INSPECT_SUM_TEXT], cost[INSPECT_SUM_TEXT], first[CLOCK_TEXT], last[CLOCK_TEXT];
    char uom[24], multiplier[24], flow[24], service[24];
    fprintf(out, "  %-7s %-4s %-4s %-4s %8" PRIu64 "  %-20s  %-20s  %16s  %14s  %s%s%s%s\n",
            number(s->service_kind, service), number(s->uom, uom),
            number(s->power_of_ten_multiplier, multiplier), number(s->flow_direction, flow), c->readings,
            instant(c->first_start, first), instant(c->last_start, last),
            c->values ? inspect_sum_text(c->sum, sum) : "-",
            c->costs ? inspect_sum_text(c->sum_cost, cost) : "-",
            s->meter_reading ? s->meter_reading : s->blocks_href ? s->blocks_href : "-",
            s->unresolved ? "  [" : "", s->unresolved ? s->unresolved : "", s->unresolved ? "]" : "");
}

static void print_problems(const struct inspect_file *f, FILE *out)
{
    size_t count = f->feed ? espi_problem_count(f->feed) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct espi_problem *p = espi_problem_at(f->feed, i);
        fprintf(out, "  problem %s", p->code);
        if (p->line)
            fprintf(out, " at line %" PRIu64, p->line);
        fprintf(out, "%s%s\n", *p->where ? ": " : "", p->where);
    }
    if (f->feed && espi_problems_not_kept(f->feed))
        fprintf(out, "  and %" PRIu64 " more\n", espi_problems_not_kept(f->feed));
}

void inspect_print_text(const struct inspect_file *f, FILE *out)
{
    if (f->failure) {
        fprintf(out, "%s: %s: %s\n", f->name, f->failure->code, f->failure->text);
        return;
    }
    size_t series = espi_series_count(f->feed);
    fprintf(out, "%s: %zu series, %" PRIu64 " readings\n", f->name, series, espi_reading_count(f->feed));
    if (series)
        fprintf(out, "  %-7s %-4s %-4s %-4s %8s  %-20s  %-20s  %16s  %14s  %s\n", "service", "uom", "10^", "flow",
                "readings", "first start", "last start", "sum", "cost", "meter reading");
    for (size_t i = 0; i < series; i++)
        print_series(espi_series_at(f->feed, i), &f->counts[i], out);
    print_problems(f, out);
}
