/* A report for other programs: CSV and JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "ctl/cmd_report.h"

/* What spreadsheets take for a formula, also in the wide forms of East Asian keyboards. */
static bool begins_formula(const char *text)
{
    static const char *const signs[] = {"=", "+", "-", "@", "＝", "＋", "－", "＠"};
    text += strspn(text, " ");
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (strncmp(text, signs[i], strlen(signs[i])) == 0)
            return text[strlen(signs[i])]; /* alone it is none */
    return false;
}

/* In quotes always; a quote inside is doubled (RFC 4180). An apostrophe makes of a formula what it
 * should be, a text. */
static void csv_text(const char *text, const char *end, FILE *out)
{
    char *clean = strdup(text);
    fputc('"', out);
    if (clean && begins_formula(text_clean(clean)))
        fputc('\'', out);
    for (const char *at = clean; at && *at; at++) {
        if (*at == '"')
            fputc('"', out);
        fputc(*at, out);
    }
    text_print(out, "\"%s", end);
    free(clean);
}

static void csv_row(const struct report *r, const struct report_row *row, FILE *out)
{
    char begin[CLOCK_TEXT], end[CLOCK_TEXT];
    csv_text(r->building_id, ",", out);
    text_print(out, "%" PRId64 ",", row->meter_id);
    csv_text(row->custom_meter_id, ",", out);
    csv_text(row->name, ",", out);
    csv_text(row->service, ",", out);
    csv_text(row->flow, ",", out);
    csv_text(row->unit, ",", out);
    text_print(out, "%s,%s,%s,", row->is_month ? row->period : "",
               clock_format_utc(row->begin_s * 1000, begin),
               clock_format_utc(row->end_s * 1000, end));
    if (row->has_reading)
        text_print(out, "%.17g", row->reading);
    text_print(out, ",%s,%s", row->cost ? row->cost : "", row->changed ? "true" : "false");
    if (row->has_coverage)
        text_print(out, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, row->covered_s,
                   row->expected_s, row->gaps, row->readings, row->estimated);
    else
        fputs(",,,,,", out);
    if (row->counted_by > 0)
        text_print(out, ",%" PRId64 "\n", row->counted_by);
    else
        fputs(",\n", out);
}

void report_print_csv(const struct report *r, FILE *out)
{
    fputs("building,meter,custom_meter_id,name,service,flow,unit,month,begin,end,reading,"
          "cost,changed,covered_s,expected_s,gaps,readings,estimated,counted_by\n",
          out);
    for (int i = 0; i < r->count; i++) {
        struct report_row row = report_row(r, i);
        csv_row(r, &row, out);
    }
}

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
