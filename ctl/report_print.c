/* A report as a table a meter with bars, as CSV, or as JSON. */
#include "ctl/report_print.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "ctl/table.h"

/* --- for people ------------------------------------------------------------------------------ */

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
static const char *coverage_text(const struct report_row *row, char out[128])
{
    if (!row->has_coverage || row->expected_s <= 0)
        return "-";
    double share = floor(1000.0 * (double)row->covered_s / (double)row->expected_s) / 10;
    double estimated =
        row->readings > 0 ? 100.0 * (double)row->estimated / (double)row->readings : 0;
    char more[64] = "";
    if (row->estimated > 0)
        snprintf(more, sizeof more, ", %.3g %% est.", estimated);
    if (row->covered_s == row->expected_s)
        snprintf(out, 128, "100 %%%s", more);
    else
        snprintf(out, 128, "%.1f %%, %" PRId64 " gap%s%s", share, row->gaps,
                 row->gaps == 1 ? "" : "s", more);
    return out;
}

static void add_row(struct table *t, const struct report_row *row, const struct scale *s,
                    size_t bar_width)
{
    char reading[64], bar[BAR_MOST * 3 + 4], covered[128], counted[32] = "";
    draw_bar(row->reading, s->largest, bar_width, bar);
    if (row->counted_by > 0)
        snprintf(counted, sizeof counted, " =%" PRId64, row->counted_by);
    table_row(t, "%s%s%s\t%s\t%s\t%s\t%s", row->period, row->changed ? " *" : "", counted,
              row->has_reading ? group_digits(row->reading, s->decimals, reading) : "-",
              row->cost ? row->cost : "-", coverage_text(row, covered), bar);
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
    text_print(out, "meter %" PRId64 ": %s, %s, in %s  (%s; %s)\n", first.meter_id, first.service,
               first.flow, first.unit, first.name, first.custom_meter_id);
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

/* --- CSV ------------------------------------------------------------------------------------- */

static const char *whole(int64_t number, bool is_known, char out[24])
{
    snprintf(out, 24, "%" PRId64, number);
    return is_known ? out : "";
}

static void csv_row(const struct table *t, const struct report *r, const struct report_row *row,
                    FILE *out)
{
    char begin[CLOCK_TEXT], end[CLOCK_TEXT], reading[40] = "", n[6][24];
    bool covers = row->has_coverage;
    if (row->has_reading)
        snprintf(reading, sizeof reading, "%.17g", row->reading);
    table_csv_row(
        t, out,
        "%s\t%" PRId64 "\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s",
        r->building_id, row->meter_id, row->custom_meter_id, row->name, row->service, row->flow,
        row->unit, row->is_month ? row->period : "", clock_format_utc(row->begin_s * 1000, begin),
        clock_format_utc(row->end_s * 1000, end), reading, row->cost ? row->cost : "",
        row->changed ? "true" : "false", whole(row->covered_s, covers, n[0]),
        whole(row->expected_s, covers, n[1]), whole(row->gaps, covers, n[2]),
        whole(row->readings, covers, n[3]), whole(row->estimated, covers, n[4]),
        whole(row->counted_by, row->counted_by > 0, n[5]));
}

void report_print_csv(const struct report *r, FILE *out)
{
    static const char *const titles[] = {"\"building", "meter",     "\"custom_meter_id",
                                         "\"name",     "\"service", "\"flow",
                                         "\"unit",     "month",     "begin",
                                         "end",        "reading",   "cost",
                                         "changed",    "covered_s", "expected_s",
                                         "gaps",       "readings",  "estimated",
                                         "counted_by"};
    const struct table t = table_make(titles, ARRAY_LEN(titles));
    table_csv_titles(&t, out);
    for (int i = 0; i < r->count; i++) {
        struct report_row row = report_row(r, i);
        csv_row(&t, r, &row, out);
    }
}

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *coverage_json(const struct report_row *row)
{
    if (!row->has_coverage)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "covered_s", (json_int_t)row->covered_s,
                     "expected_s", (json_int_t)row->expected_s, "gaps", (json_int_t)row->gaps,
                     "readings", (json_int_t)row->readings, "estimated",
                     (json_int_t)row->estimated);
}

static json_t *row_json(const struct report_row *row)
{
    char begin[CLOCK_TEXT], end[CLOCK_TEXT];
    bool finite = row->has_reading && isfinite(row->reading);
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:b, s:o, s:o}", "month",
                     row->is_month ? json_string(row->period) : json_null(), "begin",
                     clock_format_utc(row->begin_s * 1000, begin), "end",
                     clock_format_utc(row->end_s * 1000, end), "reading",
                     finite ? json_real(row->reading) : json_null(), "cost",
                     row->cost ? json_real(strtod(row->cost, NULL)) : json_null(), "changed",
                     row->changed, "coverage", coverage_json(row), "counted_by",
                     row->counted_by > 0 ? json_integer(row->counted_by) : json_null());
}

static json_t *meter_json(const struct report *r, int from, int to)
{
    struct report_row first = report_row(r, from);
    json_t *months = json_array();
    for (int i = from; i < to; i++) {
        struct report_row row = report_row(r, i);
        if (json_array_append_new(months, row_json(&row)) != 0) {
            json_decref(months);
            return NULL;
        }
    }
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:o}", "meter", (json_int_t)first.meter_id,
                     "custom_meter_id", first.custom_meter_id, "name", first.name, "service",
                     first.service, "flow", first.flow, "unit", first.unit, "months", months);
}

bool report_print_json(const struct report *r, FILE *out, struct err *e)
{
    json_t *meters = json_array();
    bool ok = meters;
    for (int i = 0, end; ok && i < r->count; i = end) {
        end = report_meter_end(r, i);
        ok = json_array_append_new(meters, meter_json(r, i, end)) == 0;
    }
    json_t *report = json_pack("{s:s, s:s, s:o}", "building", r->building_id, "timezone",
                               timezone_name(r->zone), "meters", meters);
    ok = ok && report &&
         json_dump_callback(report, text_put_json, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0;
    json_decref(report);
    if (!ok)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a report");
    fputc('\n', out);
    return true;
}
