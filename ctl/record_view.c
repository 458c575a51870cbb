/* `record list` and `show`. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/store/record_option.h"
#include "common/store/run.h"
#include "ctl/record_custodian.h"
#include "ctl/record_window.h"
#include "ctl/table.h"

#define PAGE 500
#define RUNS_SHOWN 5
#define CHANGES_SHOWN 20

/* A local day as people write it; the end of a window is the day before to_s. */
static void day_text(const struct timezone_rules *zone, int64_t utc_s, char out[32])
{
    struct civil t = timezone_civil(zone, utc_s);
    snprintf(out, 32, "%04d-%02d-%02d", t.year, t.month, t.day);
}

static const char *value_or_dash(const char *value)
{
    return value[0] ? value : "-";
}

static void url_text(const struct record *record, char out[RECORD_URL_SHOWN])
{
    if (record_is_import(record))
        snprintf(out, RECORD_URL_SHOWN, "%s", record->url);
    else
        record_url_show(record->url, record->sub_id, out);
}

/* What is next for the record, in a few words. */
static void next_text(const struct request *r, const struct record *record, char out[160])
{
    struct record_window next;
    struct err e;
    char from[32], to[32];
    int64_t now_s = clock_wall_ms() / 1000;
    if (record_is_import(record)) {
        snprintf(out, 160, "nothing: a file that was read by hand");
        return;
    }
    if (!record_window(r->session->pg, &r->ctl->settings, r->zone, record, now_s, &next, &e)) {
        snprintf(out, 160, "cannot be parsed: %.120s", e.text);
        return;
    }
    if (next.window.nothing) {
        snprintf(out, 160, "all there up to yesterday");
        return;
    }
    day_text(r->zone, next.window.from_s, from);
    day_text(r->zone, next.window.to_s - 1, to);
    snprintf(out, 160, "%s to %s%s%s", from, to,
             next.is_pending ? ", requested and not answered yet" : "",
             next.window.behind ? ", then more" : "");
}

static json_t *record_json(const struct request *r, const struct record *record)
{
    char url[RECORD_URL_SHOWN], next[160];
    url_text(record, url);
    next_text(r, record, next);
    return json_pack("{s:I, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "id",
                     (json_int_t)record->id, "active", record->active, "building_id",
                     record->building_id, "url", url, "sub_id", record->sub_id, "time_type",
                     record->time_type, "date_pattern", record->date_pattern, "min_date_parameter",
                     record->min_date_parameter, "max_date_parameter", record->max_date_parameter,
                     "last_date", record->last_date, "last_ts", (json_int_t)record->last_ts, "next",
                     next);
}

static int print_json(json_t *value)
{
    struct err e;
    if (!value)
        return ctl_misused("a record that is no UTF-8 cannot be shown as JSON");
    return ctl_print_json(value, &e) ? CTL_OK : ctl_fail(&e);
}

/* --- list
 * --------------------------------------------------------------------------------------------- */

static void list_row(const struct request *r, struct table *t, const struct record *record)
{
    char url[RECORD_URL_SHOWN], next[160];
    url_text(record, url);
    next_text(r, record, next);
    table_row(t, "%" PRId64 "\t%s\t%s\t%s\t%s\t%s", record->id, record->building_id,
              record->active ? "yes" : "paused", value_or_dash(record->last_date), next, url);
}

static bool list_page(const struct request *r, struct table *t, int64_t *after, size_t *ret_count,
                      struct err *e)
{
    struct record *records = NULL;
    if (!record_page(r->session->pg, *after, PAGE, false, &records, ret_count, e))
        return false;
    for (size_t i = 0; i < *ret_count; i++) {
        *after = records[i].id;
        if (r->json)
            (void)print_json(record_json(r, &records[i])); /* what is wrong it has said */
        else
            list_row(r, t, &records[i]);
    }
    records_free(records, *ret_count);
    return true;
}

/* Page by page, each a table of its own: memory does not grow with the number of records. */
int record_list_run(struct request *r)
{
    static const char *const titles[] = {">id",           "building", "active",
                                         "fetched up to", "next",     "url"};
    int64_t after = 0;
    size_t count = PAGE, total = 0;
    struct err e;
    while (count == PAGE) {
        CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
        if (!list_page(r, &t, &after, &count, &e))
            return ctl_fail(&e);
        if (t.count > 0)
            table_print(&t, stdout);
        total += count;
    }
    if (total == 0)
        text_print(stderr, "meterbeatctl: no records yet: meterbeatctl record add --help\n");
    return CTL_OK;
}

/* --- show
 * --------------------------------------------------------------------------------------------- */

static void line(const char *name, const char *value)
{
    text_print(stdout, "%-20s %s\n", name, value);
}

static void show_next(const struct request *r, const struct record *record)
{
    struct record_window next = {0};
    struct err e;
    char text[160];
    next_text(r, record, text);
    line("next", text);
    if (record_window(r->session->pg, &r->ctl->settings, r->zone, record, clock_wall_ms() / 1000,
                      &next, &e) &&
        next.url[0])
        line("", next.url);
}

static void show_fields(const struct request *r, const struct record *record)
{
    char url[RECORD_URL_SHOWN], ts[32];
    url_text(record, url);
    snprintf(ts, sizeof ts, "%" PRId64, record->last_ts);
    text_print(stdout, "%-20s %" PRId64 "\n", "id", record->id);
    line("active", record->active ? "yes" : "paused");
    line("building_id", record->building_id);
    line("url", url);
    line("sub_id", record->sub_id);
    line("time_type", record->time_type);
    line("date_pattern", record->date_pattern);
    line("min_date_parameter", record->min_date_parameter);
    line("max_date_parameter", record->max_date_parameter);
    line("last_date", record->last_date);
    line("last_ts", ts);
    show_next(r, record);
}

static bool show_runs(const struct request *r, struct err *e)
{
    static const char *const titles[] = {"run", "state", ">starts", "began", "said"};
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    PGresult *runs CLEANUP(pg_clear) = run_latest(r->session->pg, r->id, RUNS_SHOWN, e);
    if (!runs)
        return false;
    for (int i = 0; i < PQntuples(runs); i++)
        table_row(&t, "%s\t%s\t%s\t%s\t%s", PQgetvalue(runs, i, 0), PQgetvalue(runs, i, 1),
                  PQgetvalue(runs, i, 2), PQgetvalue(runs, i, 3), PQgetvalue(runs, i, 4));
    if (t.count > 0) {
        text_print(stdout, "\n");
        table_print(&t, stdout);
    }
    return true;
}

/* What was decided, by whom and when; and what is not read again yet. */
static bool show_decisions(const struct request *r, struct err *e)
{
    static const char *const titles[] = {"decided", "was", "is", "when", "by"};
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    char days[80];
    struct record_option_stale stale;
    PGresult *changes CLEANUP(pg_clear) =
        record_option_changes(r->session->pg, r->id, CHANGES_SHOWN, e);
    if (!changes || !record_option_stale(r->session->pg, r->id, &stale, e))
        return false;
    snprintf(days, sizeof days, "%" PRId64 " days, stored as they were read before", stale.days);
    if (stale.days > 0)
        line("to be read again", days);
    for (int i = 0; i < PQntuples(changes); i++)
        table_row(&t, "%s\t%s\t%s\t%s\t%s", PQgetvalue(changes, i, 0),
                  value_or_dash(PQgetvalue(changes, i, 1)),
                  value_or_dash(PQgetvalue(changes, i, 2)), PQgetvalue(changes, i, 3),
                  PQgetvalue(changes, i, 4));
    if (t.count > 0) {
        text_print(stdout, "\n");
        table_print(&t, stdout);
    }
    return true;
}

static bool show_options(const struct request *r, struct err *e)
{
    struct record_option option;
    if (!record_option_get(r->session->pg, r->id, &option, e))
        return false;
    for (int i = 0; i < RECORD_OPTIONS; i++)
        if (option.of[i][0])
            line(record_option_name((enum record_option_name)i), option.of[i]);
    return true;
}

static json_t *decisions_json(const struct request *r, struct err *e)
{
    struct record_option option;
    struct record_option_stale stale;
    if (!record_option_get(r->session->pg, r->id, &option, e) ||
        !record_option_stale(r->session->pg, r->id, &stale, e))
        return NULL;
    json_t *decided = json_object();
    for (int i = 0; i < RECORD_OPTIONS; i++)
        if (option.of[i][0])
            (void)json_object_set_new(decided, record_option_name((enum record_option_name)i),
                                      json_string(option.of[i]));
    return json_pack("{s:o, s:I}", "decided", decided, "days_to_read_again",
                     (json_int_t)stale.days);
}

static int show_json(const struct request *r, const struct record *record)
{
    struct err e;
    json_t *all = record_json(r, record), *decisions = decisions_json(r, &e);
    if (!decisions) {
        json_decref(all);
        return ctl_fail(&e);
    }
    (void)json_object_update(all, decisions);
    json_decref(decisions);
    return print_json(all);
}

int record_show_run(struct request *r)
{
    struct record record;
    struct err e;
    if (!record_get(r->session->pg, r->id, &record, &e))
        return ctl_fail(&e);
    int status = CTL_OK;
    if (r->json) {
        status = show_json(r, &record);
    } else {
        show_fields(r, &record);
        if (!show_options(r, &e) || !record_custodian_show(r, &e) || !show_decisions(r, &e) ||
            !show_runs(r, &e))
            status = ctl_fail(&e);
    }
    record_free(&record);
    return status;
}
