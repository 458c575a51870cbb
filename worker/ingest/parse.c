/* The parse task: one window of one record, from its feed into both databases; or one for each
 * record. */
#include "worker/ingest/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/redact.h"
#include "common/store/secret.h"
#include "worker/ingest/async_request.h"
#include "worker/task/local_zone.h"

void parse_free(struct parse *p)
{
    espi_free(p->espi);
    unpack_freep(&p->unpack);
    plausible_free(&p->plausible);
    seal_free(p->sent_bearer);
    stage_freep(&p->stage);
    custody_free(p);
    record_free(&p->record);
    json_decref(p->result);
}

struct window_source parse_window_source(const struct record *r, const struct settings *s)
{
    return (struct window_source){
        .time_type = r->time_type,
        .date_pattern = r->date_pattern,
        .last_date = r->last_date,
        .last_ts = r->last_ts,
        .asks_for_dates = *r->min_date_parameter || *r->max_date_parameter ||
                          strstr(s->feed.url_template, "{min}") ||
                          strstr(s->feed.url_template, "{from}"),
        .window_days = s->feed.window_days,
        .overlap_days = s->feed.overlap_days,
        .history_days = s->feed.history_days,
    };
}

bool parse_should_stop(void *context)
{
    struct parse *p = context;
    return !task_go_on(p->task, NULL, &p->stopped);
}

bool parse_stopped(const struct parse *p, struct err *e)
{
    if (p->stopped.kind != ERR_NONE)
        *e = p->stopped;
    return false;
}

static bool parse_window(struct parse *p, struct err *e)
{
    const struct settings *s = p->task->settings;
    const struct parse_arguments *a = &p->arguments;
    struct window_source source = parse_window_source(&p->record, s);
    int64_t now_s = p->task->now_ms / 1000;
    if (p->has_custodian)
        return custody_window(p, &source, now_s, e);
    return a->has_window ? window_named(&source, p->zone, now_s, a->from_s, a->to_s, &p->window, e)
                         : window_next(&source, p->zone, now_s, &p->window, e);
}

static void parse_note_corrections(struct parse *p)
{
    size_t used = 0;
    p->corrected[0] = '\0';
    for (int i = OPTION_MULTIPLIER; i < RECORD_OPTIONS && used < PARSE_NOTE; i++)
        if (*p->option.of[i])
            used +=
                (size_t)snprintf(p->corrected + used, PARSE_NOTE - used, "%s%s=%s", used ? " " : "",
                                 record_option_name((enum record_option_name)i), p->option.of[i]);
}

bool parse_decide(struct parse *p, struct err *e)
{
    const struct record_option *o = &p->option;
    const struct correction_words words = {.multiplier = o->of[OPTION_MULTIPLIER],
                                           .cost_scale = o->of[OPTION_COST_SCALE],
                                           .shift = o->of[OPTION_SHIFT],
                                           .meter = o->of[OPTION_METER],
                                           .service = o->of[OPTION_SERVICE]};
    const char *heat = o->of[OPTION_HEAT_CONTENT];
    parse_note_corrections(p);
    return correction_read(&words, &p->correction, e) &&
           (!*heat || units_heat_read(heat, &p->heat, e));
}

bool parse_option(struct parse *p, struct err *e)
{
    return record_option_get(p->task->pg, p->record.id, &p->option, e) && parse_decide(p, e);
}

static bool parse_record(struct parse *p, struct err *e)
{
    const struct settings *s = p->task->settings;
    if (!record_get(p->task->pg, p->arguments.record_id, &p->record, e) || !parse_option(p, e) ||
        !custody_load(p, e) || !parse_window(p, e))
        return false;
    p->wanted = (struct stage_window){
        .from_s = p->window.from_s, .to_s = p->window.to_s, .bill_s = s->feed.bill_days * 86400};
    if (p->window.nothing)
        return book_nothing(p, "up to date", e);
    if (p->is_too_long)
        return custody_split(p, e);
    if (!fetch_window(p, e))
        return false;
    if (p->is_unchanged)
        return book_nothing(p, "unchanged (HTTP 304)", e);
    if (!resolve_series(p, e))
        return false;
    redact(p->unresolved, &(struct redact_secrets){.of = {p->sent_bearer}});
    return write_points(p, e) && book_parse(p, e);
}

json_t *parse_result(const struct parse *p)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "record", (json_int_t)p->arguments.record_id,
                     "readings", (json_int_t)p->counts.readings, "points", (json_int_t)p->points,
                     "bills", (json_int_t)p->bills, "months", (json_int_t)p->months);
}

/* The temporary tables went with a connection that was lost in between: the next attempt has new
 * ones. All else of that kind means that the schema is missing. */
static void parse_lost_stage(struct err *e)
{
    if (e->kind == ERR_FATAL && strstr(e->text, "stage_"))
        e->kind = ERR_RETRY;
}

/* Which record, and once that is known which days. */
static bool parse_wrap(const struct parse *p, struct err *e)
{
    char from[CLOCK_TEXT], to[CLOCK_TEXT];
    if (!p->window.to_s)
        return err_wrap(e, "record %" PRId64, p->arguments.record_id);
    clock_format_utc(p->window.from_s * 1000, from);
    clock_format_utc(p->window.to_s * 1000, to);
    return err_wrap(e, "record %" PRId64 ", %.10s to %.10s", p->arguments.record_id, from, to);
}

bool parse_perform(struct task_context *t, json_t **ret_result, struct err *e)
{
    struct parse p CLEANUP(parse_free) = {.task = t};
    if (!local_zone(t->settings, &p.zone, e) ||
        !parse_arguments(t->message, p.zone, &p.arguments, e))
        return false;
    if (!p.arguments.record_id)
        return fan_out(t, p.zone, ret_result, e);
    if (!parse_record(&p, e)) {
        pg_rollback(t->pg);
        parse_lost_stage(e);
        redact_err(e, &(struct redact_secrets){.of = {p.sent_bearer, p.custodian.client_secret}});
        return parse_wrap(&p, e);
    }
    *ret_result = p.result;
    p.result = NULL;
    return true;
}

void parse_about(const struct message *m, struct run_key *key)
{
    struct parse_arguments a;
    if (!parse_arguments(m, NULL, &a, NULL))
        return;
    key->record_id = a.record_id;
    key->only_one = a.record_id && !a.has_window;
}
