/* A report for people: a table a meter, with bars. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "ctl/cmd_report.h"
#include "ctl/table.h"

#define BAR_LEAST 10
#define BAR_MOST 60

/* Eighths of a character: "▏" to "█". */
static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

/* value of largest, at most width characters; UTF-8 of three bytes each. */
static void draw_bar(double value, double largest, size_t width, char out[BAR_MOST * 3 + 4])
{
    double share = largest > 0 && value > 0 ? value / largest : 0;
    if (!(share <= 1)) /* an infinite reading: SEED's column takes one */
        share = 1;
    size_t steps = (size_t)(share * (double)width * 8 + 0.5);
    size_t len = 0;
    for (size_t i = 0; i < steps / 8; i++, len += 3)
        memcpy(out + len, "█", 3);
    const char *rest = eighths[steps % 8];
    memcpy(out + len, rest, strlen(rest) + 1);
}

/* 1234567.5 -> "1,234,567.500"; decimals only where the meter's readings have any. */
static const char *group_digits(double value, int decimals, char out[64])
{
    char plain[64];
    snprintf(plain, sizeof plain, "%.*f", decimals, value);
    if (strlen(plain) > 40 || !isfinite(value)) {
        snprintf(out, 64, "%g", value);
        return out;
    }
    size_t digits = strcspn(plain, "."), n = 0;
    for (size_t i = 0; plain[i]; i++) {
        bool first = i == 0 || (i == 1 && plain[0] == '-');
        if (i < digits && !first && (digits - i) % 3 == 0)
            out[n++] = ',';
        out[n++] = plain[i];
    }
    out[n] = '\0';
    return out;
}

struct scale {
    double largest, total;
    int decimals;
    size_t period_width;
};

static struct scale scale_of(const struct report *r, int from, int to)
{
    struct scale s = {0};
    for (int i = from; i < to; i++) {
        struct report_row row = report_row(r, i);
        s.largest = fmax(s.largest, row.reading);
        s.total += row.reading;
        if (fabs(row.reading - round(row.reading)) > 0.0005)
            s.decimals = 3;
        if (strlen(row.period) > s.period_width)
            s.period_width = strlen(row.period);
    }
    return s;
}

/* Never 100 % unless it is: a month without its last hour shows 99.9. */
static void add_coverage(struct table *t, const struct report_row *row)
{
    if (!row->has_coverage || row->expected_s <= 0) {
        table_add(t, "-");
        return;
    }
    double share = floor(1000.0 * (double)row->covered_s / (double)row->expected_s) / 10;
    double estimated =
        row->readings > 0 ? 100.0 * (double)row->estimated / (double)row->readings : 0;
    char more[64] = "";
    if (row->estimated > 0)
        snprintf(more, sizeof more, ", %.3g %% est.", estimated);
    if (row->covered_s == row->expected_s)
        table_add(t, "100 %%%s", more);
    else
        table_add(t, "%.1f %%, %" PRId64 " gap%s%s", share, row->gaps, row->gaps == 1 ? "" : "s",
                  more);
}

static void add_row(struct table *t, const struct report_row *row, const struct scale *s,
                    size_t bar_width)
{
    char reading[64], bar[BAR_MOST * 3 + 4];
    draw_bar(row->reading, s->largest, bar_width, bar);
    if (row->counted_by > 0)
        table_add(t, "%s%s =%" PRId64, row->period, row->changed ? " *" : "", row->counted_by);
    else
        table_add(t, "%s%s", row->period, row->changed ? " *" : "");
    table_add(t, "%s", row->has_reading ? group_digits(row->reading, s->decimals, reading) : "-");
    table_add(t, "%s", row->cost ? row->cost : "-");
    add_coverage(t, row);
    table_add(t, "%s", bar);
}

static void print_heading(const struct report_row *first, FILE *out)
{
    text_print(out, "meter %" PRId64 ": %s, %s, in %s  (%s; %s)\n", first->meter_id, first->service,
               first->flow, first->unit, first->name, first->custom_meter_id);
}

static void print_meter(const struct report *r, int from, int to, size_t width, FILE *out)
{
    struct report_row first = report_row(r, from);
    struct scale s = scale_of(r, from, to);
    char title[80], total[64];
    snprintf(title, sizeof title, ">%.40s", first.unit);
    const char *const titles[] = {"month", title, ">cost", ">covered", ""};
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    size_t used = s.period_width + 54; /* the numbers and the gaps between */
    size_t bar = width > used + BAR_LEAST ? width - used : BAR_LEAST;
    for (int i = from; i < to; i++) {
        struct report_row row = report_row(r, i);
        add_row(&t, &row, &s, bar < BAR_MOST ? bar : BAR_MOST);
    }
    print_heading(&first, out);
    table_print(&t, out);
    text_print(out, "together %s %s\n", group_digits(s.total, s.decimals, total), first.unit);
}

void report_print_text(const struct report *r, size_t width, FILE *out)
{
    for (int i = 0, end; i < r->count; i = end) {
        end = report_meter_end(r, i);
        if (i > 0)
            fputc('\n', out);
        print_meter(r, i, end, width, out);
    }
}
