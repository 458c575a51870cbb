/* First step of a parse: the feed's bytes through the reader into the stage, nothing kept in
 * memory. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/greenbutton/feed.h"
#include "worker/ingest/pages.h"
#include "common/greenbutton/record_url.h"
#include "worker/ingest/parse.h"

static bool fetch_flush(struct parse *p, struct err *e)
{
    char progress[64];
    snprintf(progress, sizeof progress, "fetching: %" PRIu64 " readings",
             espi_reading_count(p->espi));
    return stage_flush(p->stage, e) && task_go_on(p->task, progress, e);
}

/* QualityOfReading: estimated by a reference day (8) or linearly (9), projected (12). */
#define ESTIMATED (1u << 8 | 1u << 9 | 1u << 12)

static bool fetch_reading(void *context, const struct espi_reading *r, struct err *e)
{
    struct parse *p = context;
    bool is_full = false;
    if (r->group >= p->task->settings->feed.max_groups)
        return err_set(e, ERR_REJECT, "too_many_groups",
                       "readings of more than feed.max_groups (%" PRId64 ") different links",
                       p->task->settings->feed.max_groups);
    const struct correction *c = &p->correction;
    const struct stage_reading row = {
        .group = r->group,
        .entry = r->entry,
        .ordinal = r->ordinal,
        .start_s = correction_start(c, r->start_s),
        .duration_s = correction_duration(c, r->duration_s),
        .value = r->value,
        .cost = r->cost,
        .value_exponent = r->value_exponent,
        .cost_exponent = r->cost_exponent + correction_cost_exponent(c),
        .quality = r->quality,
        .tou = r->tou,
        .tier = r->consumption_tier,
        .cpp = r->cpp,
        .is_estimated = r->qualities ? (r->qualities & ESTIMATED) != 0 : STAGE_ABSENT,
        .is_placed = r->placed};
    if (r->value == ESPI_ABSENT)
        return true; /* no value, no reading: the reader has counted it among the problems */
    return plausible_note(&p->plausible, r, e) && stage_reading(p->stage, &row, &is_full, e) &&
           (!is_full || fetch_flush(p, e));
}

static bool fetch_entry(void *context, const struct espi_entry *entry, struct err *e)
{
    struct parse *p = context;
    bool is_full = false;
    if (entry->updated_s == ESPI_ABSENT)
        return true;
    return stage_entry(p->stage, entry->entry, entry->updated_s, &is_full, e) &&
           (!is_full || fetch_flush(p, e));
}

static bool fetch_more(void *context, enum espi_url kind, const char *url, struct err *e)
{
    struct parse *p = context;
    return collect_add(p->collect, kind, url, e);
}

bool fetch_bytes(void *context, const char *bytes, size_t len, struct err *e)
{
    struct parse *p = context;
    return espi_write(p->espi, bytes, len, e);
}

bool fetch_next(void *context, struct err *e)
{
    struct parse *p = context;
    return espi_next(p->espi, e);
}

void fetch_unread(void *context, const char *name)
{
    struct parse *p = context;
    espi_tell_unread(p->espi, name);
}

bool fetch_packed(void *context, const char *bytes, size_t len, struct err *e)
{
    struct parse *p = context;
    const struct settings *s = p->task->settings;
    const struct unpack_limits limits = {.bytes = s->feed.max_bytes, .ratio = s->feed.max_ratio};
    const struct unpack_sink sink = {
        .bytes = fetch_bytes, .next = fetch_next, .unread = fetch_unread, .context = p};
    if (!p->unpack && !unpack_open(&limits, &sink, &p->unpack, e))
        return false;
    return unpack_write(p->unpack, bytes, len, e);
}

bool fetch_packed_end(struct parse *p, struct err *e)
{
    bool ok = !p->unpack || unpack_end(p->unpack, e);
    unpack_freep(&p->unpack);
    return ok;
}

bool fetch_reader(struct parse *p, struct err *e)
{
    const struct settings *s = p->task->settings;
    struct espi_limits limits = espi_limits_default();
    limits.depth = (size_t)s->feed.max_depth;
    limits.readings = (uint64_t)s->feed.max_readings;
    const struct espi_sink sink = {.reading = fetch_reading,
                                   .entry = fetch_entry,
                                   .url = p->has_custodian ? fetch_more : NULL,
                                   .context = p};
    if (p->has_custodian)
        limits.total_bytes = (uint64_t)s->feed.max_bytes; /* of all its documents together */
    return stage_open(p->task->pg, &p->stage, e) && (p->espi = espi_open(&limits, &sink, e));
}

bool fetch_url(const struct parse *p, struct buf *ret_url, struct err *e)
{
    const struct record *r = &p->record;
    const struct feed_url parts = {.template = p->task->settings->feed.url_template,
                                   .url = r->url,
                                   .path = p->task->settings->feed.path,
                                   .sub_id = r->sub_id,
                                   .min_name = r->min_date_parameter,
                                   .max_name = r->max_date_parameter,
                                   .min = p->window.min,
                                   .max = p->window.max,
                                   .from_s = p->window.from_s,
                                   .to_s = p->window.to_s};
    return feed_url_build(&parts, ret_url, e);
}

/* The seed's own way: one URL, one answer, no token. */
static bool fetch_plain(struct parse *p, const struct feed_sink *sink, struct err *e)
{
    const struct settings *s = p->task->settings;
    struct buf url CLEANUP(buf_free) = buf_make(0);
    char shown[FEED_URL_SHOWN];
    struct feed_answer answer = {0};
    if (!fetch_url(p, &url, e))
        return false;
    feed_url_show(url.data, p->record.sub_id, shown);
    const struct feed_request request = {
        .peer = {.url = url.data, .shown = shown, .scope = http_record_scope(s)}};
    if (!feed_fetch(s, &request, sink, &answer, e))
        return parse_stopped(p, e);
    p->is_unchanged = answer.is_unchanged;
    return p->is_unchanged ||
           (fetch_packed_end(p, e) && espi_finish(p->espi, e) && espi_check_content(p->espi, e)) ||
           err_wrap(e, "%s", shown);
}

bool fetch_window(struct parse *p, struct err *e)
{
    const struct feed_sink sink = {
        .bytes = fetch_packed, .should_stop = parse_should_stop, .context = p};
    if (!fetch_reader(p, e) || !task_go_on(p->task, "fetching", e) ||
        !(p->has_custodian ? collect_documents(p, &sink, e) : fetch_plain(p, &sink, e)))
        return false;
    return p->is_unchanged || stage_flush(p->stage, e);
}
