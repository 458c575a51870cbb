/* Imports a Green Button document that a person provides, in the steps of a parse. */
#include "worker/ingest/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/series_preview.h"
#include "worker/ingest/commit.h"
#include "worker/ingest/resolve.h"
#include "worker/ingest/write.h"
#include "worker/task/local_zone.h"

/* The values of one import: those of a parse, without an exchange with a custodian. */
struct importing {
    struct ingest_request request;
    struct staged_feed feed;
};

static void importing_free(struct importing *i)
{
    staged_feed_free(&i->feed);
    request_free(&i->request);
}

/* --- the request ------------------------------------------------------------------------------ */

/* A record without a row: a building, and no feed. */
static bool empty_record(const char *building_id, struct record *ret_record, struct err *e)
{
    char **texts[] = {&ret_record->url,
                      &ret_record->sub_id,
                      &ret_record->time_type,
                      &ret_record->date_pattern,
                      &ret_record->last_date,
                      &ret_record->min_date_parameter,
                      &ret_record->max_date_parameter};
    ret_record->building_id = strdup(building_id);
    bool ok = ret_record->building_id != NULL;
    for (size_t n = 0; n < ARRAY_LEN(texts); n++)
        ok = (*texts[n] = strdup("")) && ok;
    return ok || err_set(e, ERR_RETRY, "no_memory", "no memory for a record");
}

/* Everything up to the end of today. */
static bool request_make(struct ingest_request *r, const struct import *i, struct err *e)
{
    const struct settings *s = r->task->settings;
    const char *zone = i->zone && strcmp(i->zone, "feed") != 0 ? i->zone : "";
    if (!local_zone_named(s, zone, &r->zone, e) || !empty_record(i->building_id, &r->record, e))
        return false;
    r->is_file = true;
    r->scope = i->scope;
    r->next.window.to_s = timezone_day_start(r->zone, r->task->now_ms / 1000, 1);
    r->wanted =
        (struct staging_window){.to_s = r->next.window.to_s, .bill_s = s->feed.bill_days * 86400};
    return true;
}

/* Starts and costs are corrected while they are read, so what was decided about a known file has to
 * be loaded first. What is given with this import has precedence. */
static bool request_options(struct ingest_request *r, const struct import *i, struct err *e)
{
    char *zone = r->option.of[OPTION_TIME_ZONE];
    if (!record_known_import(r->task->pg, i->building_id, i->name, &r->record.id, e) ||
        !record_option_get(r->task->pg, r->record.id, &r->option, e))
        return false;
    for (int n = 0; i->given && n < RECORD_OPTIONS; n++)
        if (*i->given->of[n])
            memcpy(r->option.of[n], i->given->of[n], RECORD_OPTION_TEXT);
    if (i->zone)
        snprintf(zone, RECORD_OPTION_TEXT, "%s", i->zone);
    return request_apply_options(r, e);
}

/* --- the steps -------------------------------------------------------------------------------- */

/* The whole document is read before anything is decided about it. */
static bool read_document(struct staged_feed *feed, const struct import *i, struct err *e)
{
    const struct import_sink sink = {.bytes = staged_feed_bytes,
                                     .next = staged_feed_next,
                                     .unread = staged_feed_unread,
                                     .context = feed};
    return i->read(i->context, &sink, e) && staged_feed_finish(feed, e) &&
           staging_flush(feed->stage, e);
}

static bool end(const struct ingest_request *r, bool ok, struct import_result *result)
{
    struct ingest_result *ingested = &result->ingested;
    const struct staging_counts *c = &ingested->counts;
    if (!ok)
        pg_rollback(r->task->pg);
    memcpy(result->corrected, r->corrected, sizeof result->corrected);
    result->is_nothing =
        c->readings + (int64_t)ingested->skipped_readings > 0 && c->points + c->bills == 0;
    result_free(ingested);
    return ok;
}

bool import_perform(struct task_context *t, const struct import *i,
                    struct import_result *ret_result, struct err *e)
{
    struct importing m CLEANUP(importing_free) = {.request = {.task = t}};
    struct ingest_request *r = &m.request;
    struct ingest_result *result = &ret_result->ingested;
    *ret_result = (struct import_result){0};
    bool ok = request_make(r, i, e) && request_options(r, i, e) &&
              staged_feed_open(r, NULL, &m.feed, e) && read_document(&m.feed, i, e) &&
              record_of_import(t->pg, i->building_id, i->name, &r->record.id, e) &&
              ingest_resolve(r, &m.feed, result, e) && ingest_write(r, &m.feed, result, e) &&
              ingest_commit(r, NULL, result, e);
    return end(r, ok, ret_result);
}

/* As soon as the temporary tables exist, the server refuses all other writes. */
bool import_preview(struct task_context *t, const struct import *i, const struct diff_sink *sink,
                    struct import_result *ret_result, struct err *e)
{
    struct importing m CLEANUP(importing_free) = {.request = {.task = t, .is_preview = true}};
    struct ingest_request *r = &m.request;
    struct ingest_result *result = &ret_result->ingested;
    struct err later;
    *ret_result = (struct import_result){0};
    bool ok = series_preview_only(t->pg, false, e) && series_preview_open(t->pg, e) &&
              request_make(r, i, e) && staged_feed_open(r, NULL, &m.feed, e) &&
              series_preview_only(t->pg, true, e) && request_options(r, i, e) &&
              read_document(&m.feed, i, e) && ingest_resolve(r, &m.feed, result, e) &&
              diff_points(r, &m.feed, result, sink, e) &&
              month_compare_bills(t->pg, r->wanted.to_s, r->wanted.bill_s, &ret_result->bill, e);
    end(r, ok, ret_result);
    return series_preview_only(t->pg, false, ok ? e : &later) && ok;
}
