/* `import`: what came of each file, for people and as one JSON object a line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "ctl/command.h"
#include "ctl/cmd_import.h"
#include "common/espi/units.h"
#include "ctl/table.h"

static void month_text(const struct diff_series *s, int64_t start_s, char out[32])
{
    struct civil t = timezone_civil(s->zone, start_s);
    snprintf(out, 32, "%04d-%02d", t.year, t.month);
}

/* --- a series of a dry run
 * ---------------------------------------------------------------------- */

static void months_table(const struct diff_series *s)
{
    static const char *const titles[] = {"  month", ">new",      ">corrected", ">sum now",
                                         ">after",  ">cost now", ">after"};
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    char month[32];
    for (size_t i = 0; i < s->months_count; i++) {
        const struct diff_month *m = &s->months[i];
        month_text(s, m->start_s, month);
        table_row(&t, "  %s\t%" PRId64 "\t%" PRId64 "\t%.12g\t%.12g\t%.12g\t%.12g", month, m->added,
                  m->corrected, m->before, m->after, m->cost_before, m->cost_after);
    }
    if (t.count > 0)
        table_print(&t, stdout);
}

static const char *sum_unit(const struct diff_series *s)
{
    const char *name = units_seed_name(s->draft->unit);
    return name ? name : "?";
}

static void series_text(const struct diff_series *s)
{
    char meter[40] = "a new meter";
    if (s->draft->meter_id > 0)
        snprintf(meter, sizeof meter, "meter %" PRId64, s->draft->meter_id);
    text_print(stdout, "%s: %s, %s, in %s, every %s s  (%s)\n", meter,
               s->tags->values[TAG_ENERGY_TYPE], s->tags->values[TAG_FLOW],
               s->tags->values[TAG_UOM], s->tags->values[TAG_INTERVAL],
               s->tags->values[TAG_CUSTOM_METER_ID]);
    text_print(stdout,
               "  %" PRId64 " new, %" PRId64 " equal, %" PRId64 " corrected, %" PRId64
               " missing; %s%s%s%s\n",
               s->counts.added, s->counts.equal, s->counts.corrected, s->counts.missing,
               s->draft->is_summable ? "summed in " : "not summed",
               s->draft->is_summable ? sum_unit(s) : "",
               s->draft->is_summable ? ", months of " : "",
               s->draft->is_summable ? timezone_name(s->zone) : "");
    months_table(s);
}

static json_t *month_json(const struct diff_series *s, const struct diff_month *m)
{
    char month[32];
    month_text(s, m->start_s, month);
    return json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:f}", "month", month, "new",
                     (json_int_t)m->added, "corrected", (json_int_t)m->corrected, "sum", m->before,
                     "sum_after", m->after, "cost", m->cost_before, "cost_after", m->cost_after);
}

static json_t *series_json(const struct import_print *p, const struct diff_series *s)
{
    json_t *months = json_array();
    for (size_t i = 0; i < s->months_count; i++)
        if (json_array_append_new(months, month_json(s, &s->months[i])) != 0) {
            json_decref(months);
            return NULL;
        }
    char *file = strdup(p->file);
    json_t *j = json_pack(
        "{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "file",
        file ? pg_clean(file) : "", "meter",
        s->draft->meter_id > 0 ? json_integer(s->draft->meter_id) : json_null(), "custom_meter_id",
        s->tags->values[TAG_CUSTOM_METER_ID], "service", s->tags->values[TAG_ENERGY_TYPE], "flow",
        s->tags->values[TAG_FLOW], "unit", s->tags->values[TAG_UOM], "interval",
        s->tags->values[TAG_INTERVAL], "summed", s->draft->is_summable, "sum_unit", sum_unit(s),
        "zone", timezone_name(s->zone), "new", (json_int_t)s->counts.added, "equal",
        (json_int_t)s->counts.equal, "corrected", (json_int_t)s->counts.corrected, "missing",
        (json_int_t)s->counts.missing, "months", months);
    free(file);
    return j;
}

bool import_print_series(void *context, const struct diff_series *series, struct err *e)
{
    struct import_print *p = context;
    bool ok = true;
    progress_clear(p->progress);
    if (p->json)
        ok = ctl_print_json(series_json(p, series), e);
    else
        series_text(series);
    return ok;
}

/* --- a file
 * --------------------------------------------------------------------------------------- */

static json_t *result_fields(const struct import_print *p, const struct import_result *o)
{
    const struct staging_counts *c = &o->ingested.counts;
    json_t *j =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s}", "series",
                  (json_int_t)o->ingested.series, "readings", (json_int_t)c->readings, "outside",
                  (json_int_t)c->outside, "repeated", (json_int_t)c->repeated, "contradicted",
                  (json_int_t)c->contradicted, "without_time", (json_int_t)c->unplaced, "fallen",
                  (json_int_t)c->fallen, "not_stored", o->ingested.unresolved, "not_read",
                  o->ingested.skipped, "corrected", o->corrected, "told", o->ingested.told);
    json_t *more =
        p->dry_run
            ? json_pack("{s:I, s:I, s:I}", "bills_new", (json_int_t)o->bill.added, "bills_equal",
                        (json_int_t)o->bill.equal, "bills_corrected", (json_int_t)o->bill.corrected)
            : json_pack("{s:I, s:I, s:I, s:I}", "points", (json_int_t)o->ingested.points, "costs",
                        (json_int_t)o->ingested.costs, "bills_changed",
                        (json_int_t)o->ingested.bills, "months", (json_int_t)o->ingested.months);
    (void)json_object_update(j, more);
    json_decref(more);
    return j;
}

static bool file_json(const struct import_print *p, const char *name, const struct import_result *o,
                      const struct err *why, struct err *e)
{
    struct err shown = why ? *why : (struct err){0}; /* its text may be cut in a character */
    json_t *j = why ? json_pack("{s:s, s:s}", "code", shown.code, "error", pg_clean(shown.text))
                    : result_fields(p, o);
    char *clean = strdup(name);
    (void)json_object_set_new(j, "file", json_string(clean ? pg_clean(clean) : ""));
    (void)json_object_set_new(j, "ok", json_boolean(!why));
    free(clean);
    return ctl_print_json(j, e);
}

static void file_text(const struct import_print *p, const char *name, const struct import_result *o)
{
    const struct staging_counts *c = &o->ingested.counts;
    text_print(stdout, "%s: %" PRId64 " readings of %zu series; ", name, c->readings,
               o->ingested.series);
    if (p->dry_run)
        text_print(stdout, "bills: %" PRId64 " new, %" PRId64 " equal, %" PRId64 " corrected",
                   o->bill.added, o->bill.equal, o->bill.corrected);
    else
        text_print(stdout,
                   "%" PRId64 " to KairosDB, %" PRId64 " costs, %" PRId64 " bills changed, %" PRId64
                   " months to sum",
                   o->ingested.points, o->ingested.costs, o->ingested.bills, o->ingested.months);
    if (c->outside + c->repeated + c->contradicted + c->unplaced > 0)
        text_print(stdout,
                   "; outside %" PRId64 ", repeated %" PRId64 ", contradicted %" PRId64
                   ", without time %" PRId64,
                   c->outside, c->repeated, c->contradicted, c->unplaced);
    if (c->fallen > 0)
        text_print(stdout, "; registers fell %" PRId64 " times", c->fallen);
    text_print(stdout, "%s%s%s%s%s%s%s%s\n", o->ingested.unresolved[0] ? "; not stored: " : "",
               o->ingested.unresolved, o->ingested.skipped[0] ? "; not read: " : "",
               o->ingested.skipped, o->corrected[0] ? "; corrected: " : "", o->corrected,
               o->ingested.told[0] ? "; told: " : "", o->ingested.told);
}

bool import_print_file(struct import_print *p, const char *name, const struct import_result *result,
                       const struct err *why, struct err *e)
{
    progress_clear(p->progress);
    if (why)
        (void)ctl_fail(why);
    if (p->json)
        return file_json(p, name, result, why, e);
    if (!why)
        file_text(p, name, result);
    return true;
}

bool import_print_sums(struct import_print *p, const char *building_id, const json_t *sums,
                       struct err *e)
{
    progress_clear(p->progress);
    if (p->json)
        return ctl_print_json(json_pack("{s:s, s:O}", "building", building_id, "summed", sums), e);
    text_print(stdout, "building %s: %lld months summed", building_id,
               (long long)json_integer_value(json_object_get(sums, "months")));
    if (json_integer_value(json_object_get(sums, "short")) > 0)
        text_print(stdout,
                   ", %lld not: KairosDB shows less than the books say (meterbeatctl audit)",
                   (long long)json_integer_value(json_object_get(sums, "short")));
    text_print(stdout, "\n");
    return true;
}
