/* What `inspect` found as JSON lines, printed by hand because JSON libraries end at 64-bit
 * integers. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "ctl/inspect_print.h"
#include "common/espi/local_time.h"
#include "common/espi/series_names.h"
#include "common/espi/service.h"
#include "common/kairosdb/series_tags.h"
#include "common/espi/units.h"

/* --- values --------------------------------------------------------------------------------------
 */
/* A file name may hold any bytes: what is no UTF-8 is shown as '?'. */
static json_t *string_of(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char *copy = strdup(text);
    for (char *s = copy; s && *s; s++)
        if ((unsigned char)*s >= 0x80)
            *s = '?';
    string = json_string(copy ? copy : "");
    free(copy);
    return string;
}

static void put_string(FILE *out, const char *text)
{
    json_t *string = text ? string_of(text) : json_null();
    json_dump_callback(string, text_put_json, out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    json_decref(string);
}

static void put_text(FILE *out, const char *key, const char *text)
{
    text_print(out, ", \"%s\": ", key);
    put_string(out, text);
}

static void put_number(FILE *out, const char *key, int64_t number)
{
    if (number == ESPI_ABSENT)
        text_print(out, ", \"%s\": null", key);
    else
        text_print(out, ", \"%s\": %" PRId64, key, number);
}

/* An integer, or a number with its decimals. */
static void put_sum(FILE *out, const char *key, const struct inspect_total *t)
{
    char text[INSPECT_SUM_TEXT], scaled[2 * INSPECT_SUM_TEXT];
    inspect_sum_text(t->sum, text);
    if (!t->count || t->too_large || !units_scale_text(text, t->exponent, scaled, sizeof scaled))
        text_print(out, ", \"%s\": null", key);
    else
        text_print(out, ", \"%s\": %s", key, scaled);
}

static void put_count(FILE *out, const char *key, uint64_t count, bool is_known)
{
    if (is_known)
        text_print(out, ", \"%s\": %" PRIu64, key, count);
    else
        text_print(out, ", \"%s\": null", key);
}

/* --- a series ------------------------------------------------------------------------------------
 */
static void put_meaning(FILE *out, const struct espi_series *s)
{
    bool conflict;
    put_text(out, "usage_point", s->usage_point);
    put_number(out, "service_kind", s->service_kind);
    put_text(out, "service", series_service_name(series_service(s, &conflict)));
    put_text(out, "meter_reading", s->meter_reading);
    put_text(out, "reading_type", s->reading_type);
    put_number(out, "commodity", s->commodity);
    put_number(out, "kind", s->kind);
    put_number(out, "uom", s->uom);
    put_number(out, "power_of_ten_multiplier", s->power_of_ten_multiplier);
    put_number(out, "flow_direction", s->flow_direction);
    put_number(out, "accumulation_behaviour", s->accumulation_behaviour);
    put_number(out, "interval_length", s->interval_length);
    put_number(out, "currency", s->currency);
}

static void put_counts(FILE *out, const struct inspect_count *c)
{
    text_print(out, ", \"readings\": %" PRIu64, c->readings);
    put_number(out, "first_start", c->first_start);
    put_number(out, "last_start", c->last_start);
    put_sum(out, "sum_raw", &c->values);
    put_sum(out, "sum_cost_raw", &c->costs);
}

/* Null where there are too many readings to hold them against one another. */
static void put_starts(FILE *out, const struct inspect_overlap *o, bool is_known)
{
    put_count(out, "repeated", o->repeated, is_known);
    put_count(out, "contradicted", o->contradicted, is_known);
    put_count(out, "overlapping", o->overlapping, is_known);
    put_count(out, "outside", o->outside, is_known);
    put_count(out, "unplaced", o->unplaced, is_known);
}

static void put_links(FILE *out, const struct espi_series *s)
{
    put_text(out, "blocks_href", s->blocks_href);
    text_print(
        out, ", \"links\": {\"usage_point\": \"%s\", \"reading_type\": \"%s\", \"blocks\": \"%s\"",
        espi_link_name(s->usage_point_link), espi_link_name(s->reading_type_link),
        espi_link_name(s->blocks_link));
    text_print(out, ", \"local_time\": \"%s\"}", espi_link_name(s->local_time_link));
    put_text(out, "unresolved", s->unresolved);
}

/* What the feed says of local time, and the zone that keeps it. */
static void put_local_time(FILE *out, const struct espi_series *s, struct zones *zones)
{
    struct local_time t =
        local_time_read(s->tz_offset_s, s->dst_offset_s, s->dst_start_rule, s->dst_end_rule);
    put_text(out, "time_zone", s->local_time_link ? local_time_zone(&t, zones) : NULL);
    put_number(out, "tz_offset", s->tz_offset_s);
    put_number(out, "dst_offset", s->dst_offset_s);
    put_text(out, "dst_start_rule", s->dst_start_rule);
    put_text(out, "dst_end_rule", s->dst_end_rule);
}

static void put_series(FILE *out, const struct inspect_file *f, size_t i)
{
    const struct espi_series *s = espi_series_at(f->feed, i);
    fputs("{\"file\": ", out);
    put_string(out, f->name);
    put_meaning(out, s);
    put_counts(out, &f->counts[i]);
    put_starts(out, &f->counts[i].starts, f->are_starts_known);
    put_links(out, s);
    put_local_time(out, s, f->zones);
    fputs("}\n", out);
}

/* --- the file ------------------------------------------------------------------------------------
 */
static void put_problem(FILE *out, const char *code, const char *place, uint64_t count, bool first)
{
    text_print(out, "%s{\"code\": ", first ? "" : ", ");
    put_string(out, code);
    put_text(out, "place", place);
    text_print(out, ", \"count\": %" PRIu64 "}", count);
}

static void put_problem_at(FILE *out, const struct espi_problem *p, bool first)
{
    char place[sizeof p->where + 64];
    if (p->line && p->column)
        snprintf(place, sizeof place, "line %" PRIu64 ":%" PRIu64 "%s%s", p->line, p->column,
                 *p->where ? ": " : "", p->where);
    else if (p->line)
        snprintf(place, sizeof place, "line %" PRIu64 "%s%s", p->line, *p->where ? ": " : "",
                 p->where);
    else
        snprintf(place, sizeof place, "%s", p->where);
    put_problem(out, p->code, place, p->count, first);
}

static void put_problems(FILE *out, const struct inspect_file *f)
{
    size_t count = f->feed ? espi_problem_count(f->feed) : 0;
    fputs(", \"problems\": [", out);
    if (f->failure)
        put_problem(out, f->failure->code, f->failure->text, 1, true);
    for (size_t i = 0; i < count; i++)
        put_problem_at(out, espi_problem_at(f->feed, i), i == 0 && !f->failure);
    fputs("]", out);
}

static void put_bill(FILE *out, const struct espi_bill *b, bool first)
{
    text_print(out, "%s{\"resource\": \"%s\"", first ? "" : ", ", b->resource);
    put_text(out, "self", b->self);
    put_text(out, "usage_point", b->usage_point);
    put_text(out, "usage_point_link", espi_link_name(b->usage_point_link));
    put_number(out, "service_kind", b->service_kind);
    put_number(out, "period_start", b->start_s);
    put_number(out, "period_duration", b->duration_s);
    put_number(out, "bill_last_period", b->bill_last_period);
    put_number(out, "amount", b->amount);
    text_print(out, ", \"amount_from_lines\": %s", b->amount_from_lines ? "true" : "false");
    put_number(out, "bill_to_date", b->bill_to_date);
    put_number(out, "cost_additional_last_period", b->cost_additional_last_period);
    put_number(out, "currency", b->currency);
    put_number(out, "consumption", b->value);
    put_number(out, "consumption_power_of_ten_multiplier", b->power_of_ten_multiplier);
    put_number(out, "consumption_uom", b->uom);
    put_number(out, "current_consumption", b->current_value);
    put_number(out, "current_consumption_power_of_ten_multiplier", b->current_multiplier);
    put_number(out, "current_consumption_uom", b->current_uom);
    put_number(out, "quality", b->quality);
    put_number(out, "status_time", b->status_time_s);
    put_number(out, "commodity", b->commodity);
    fputs("}", out);
}

static void put_bills(FILE *out, const struct inspect_file *f)
{
    size_t count = f->failure ? 0 : espi_bill_count(f->feed);
    fputs(", \"summaries\": [", out);
    for (size_t i = 0; i < count; i++)
        put_bill(out, espi_bill_at(f->feed, i), i == 0);
    fputs("]", out);
}

void inspect_print_json(const struct inspect_file *f, FILE *out)
{
    size_t series = f->failure ? 0 : espi_series_count(f->feed);
    for (size_t i = 0; i < series; i++)
        put_series(out, f, i);
    fputs("{\"file\": ", out);
    put_string(out, f->name);
    text_print(out, ", \"series\": %zu, \"readings\": %" PRIu64 ", \"misplaced\": %" PRIu64, series,
               f->failure ? 0 : espi_reading_count(f->feed),
               f->feed ? espi_misplaced_count(f->feed) : 0);
    put_problems(out, f);
    put_bills(out, f);
    text_print(out, ", \"problems_not_kept\": %" PRIu64 ", \"well_formed\": %s}\n",
               f->feed ? espi_problems_not_kept(f->feed) : 0, f->failure ? "false" : "true");
}
