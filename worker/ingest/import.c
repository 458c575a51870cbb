/* A Green Button document that a person gave: the steps of a parse, without a record of its own. */
#include "worker/ingest/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/month.h"
#include "common/store/series_preview.h"
#include "worker/task/local_zone.h"

static bool import_record(struct parse *p, const struct import *i, struct err *e)
{
    char **texts[] = {&p->record.url,
                      &p->record.sub_id,
                      &p->record.time_type,
                      &p->record.date_pattern,
                      &p->record.last_date,
                      &p->record.min_date_parameter,
                      &p->record.max_date_parameter};
    p->record.building_id = strdup(i->building_id);
    bool ok = p->record.building_id != NULL;
    for (size_t n = 0; n < ARRAY_LEN(texts); n++)
        ok = (*texts[n] = strdup("")) && ok;
    return ok || err_set(e, ERR_RETRY, "no_memory", "no memory for a record");
}

static bool import_begin(struct parse *p, const struct import *i, struct err *e)
{
    const struct settings *s = p->task->settings;
    const char *zone = i->zone && strcmp(i->zone, "feed") != 0 ? i->zone : "";
    if (!local_zone(s, &p->zone, e) || !local_zone_named(s, zone, &p->zone, e) ||
        !import_record(p, i, e))
        return false;
    p->by_hand = true;
    p->scope = i->scope;
    p->window = (struct window){.to_s = timezone_day_start(p->zone, p->task->now_ms / 1000, 1)};
    p->wanted = (struct stage_window){.to_s = p->window.to_s, .bill_s = s->feed.bill_days * 86400};
    return true;
}

/* The document is read whole before anything is known of it. */
static bool import_read(struct parse *p, const struct import *i, struct err *e)
{
    const struct import_sink sink = {
        .bytes = fetch_bytes, .next = fetch_next, .unread = fetch_unread, .context = p};
    return i->read(i->context, &sink, e) && espi_finish(p->espi, e) &&
           espi_check_content(p->espi, e) && stage_flush(p->stage, e);
}

/* What is given with the file goes before what was decided about it. */
static bool import_option(struct parse *p, const struct import *i, struct err *e)
{
    char *zone = p->option.of[OPTION_TIME_ZONE];
    if (!record_option_get(p->task->pg, p->record.id, &p->option, e))
        return false;
    for (int n = 0; i->given && n < RECORD_OPTIONS; n++)
        if (*i->given->of[n])
            memcpy(p->option.of[n], i->given->of[n], RECORD_OPTION_TEXT);
    if (i->zone)
        snprintf(zone, RECORD_OPTION_TEXT, "%s", i->zone);
    return parse_decide(p, e);
}

/* Starts and costs are corrected while they are read: what was decided about a file that is known
 * has to be there before. */
static bool import_known(struct parse *p, const struct import *i, struct err *e)
{
    return record_known_import(p->task->pg, i->building_id, i->name, &p->record.id, e) &&
           import_option(p, i, e);
}

static bool import_end(struct parse *p, bool ok, struct import_outcome *ret_outcome)
{
    if (!ok)
        pg_rollback(p->task->pg);
    ret_outcome->counts = p->counts;
    ret_outcome->series = p->series;
    memcpy(ret_outcome->unresolved, p->unresolved, sizeof ret_outcome->unresolved);
    memcpy(ret_outcome->told, p->told, sizeof ret_outcome->told);
    memcpy(ret_outcome->corrected, p->corrected, sizeof ret_outcome->corrected);
    ret_outcome->points = p->points;
    ret_outcome->costs = p->costs;
    ret_outcome->bills = p->bills;
    ret_outcome->months = p->months;
    ret_outcome->is_nothing = p->counts.readings + (int64_t)p->skipped_readings > 0 &&
                              p->counts.points + p->counts.bills == 0;
    memcpy(ret_outcome->skipped, p->skipped, sizeof ret_outcome->skipped);
    return ok;
}

bool import_perform(struct task_context *t, const struct import *i,
                    struct import_outcome *ret_outcome, struct err *e)
{
    struct parse p CLEANUP(parse_free) = {.task = t};
    *ret_outcome = (struct import_outcome){0};
    bool ok = import_begin(&p, i, e) && import_known(&p, i, e) && fetch_reader(&p, e) &&
              import_read(&p, i, e) &&
              record_of_import(t->pg, i->building_id, i->name, &p.record.id, e) &&
              resolve_series(&p, e) && write_points(&p, e) && book_parse(&p, e);
    return import_end(&p, ok, ret_outcome);
}

/* The temporary tables; from then on the server lets nothing else be written. */
static bool import_draft(struct parse *p, const struct import *i, struct err *e)
{
    struct pg *pg = p->task->pg;
    p->is_draft = true;
    return series_draft_only(pg, false, e) && series_draft_open(pg, e) && import_begin(p, i, e) &&
           fetch_reader(p, e) && series_draft_only(pg, true, e);
}

bool import_compare(struct task_context *t, const struct import *i, const struct compare_sink *sink,
                    struct import_outcome *ret_outcome, struct err *e)
{
    struct parse p CLEANUP(parse_free) = {.task = t};
    struct err later;
    *ret_outcome = (struct import_outcome){0};
    bool ok = import_draft(&p, i, e) && import_known(&p, i, e) && import_read(&p, i, e) &&
              resolve_series(&p, e) && compare_points(&p, sink, e) &&
              month_compare_bills(t->pg, p.wanted.to_s, p.wanted.bill_s, &ret_outcome->bill, e);
    import_end(&p, ok, ret_outcome);
    return series_draft_only(t->pg, false, ok ? e : &later) && ok;
}
