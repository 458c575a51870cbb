/* The documents of one answer: unpacked, read and staged in PostgreSQL, piece by piece. */
#include "worker/ingest/staged_feed.h"

#include <inttypes.h>
#include <stdio.h>

/* QualityOfReading: estimated by a reference day (8) or linearly (9), projected (12). */
#define ESTIMATED (1u << 8 | 1u << 9 | 1u << 12)

static bool flush_if_full(struct staged_feed *f, bool is_full, struct err *e)
{
    char progress[64];
    if (!is_full)
        return true;
    snprintf(progress, sizeof progress, "fetching: %" PRIu64 " readings",
             espi_reading_count(f->reader));
    return staging_flush(f->stage, e) && task_go_on(f->request->task, progress, e);
}

static bool add_reading(void *context, const struct espi_reading *r, struct err *e)
{
    struct staged_feed *f = context;
    const struct correction *c = &f->request->correction;
    int64_t most = f->request->task->settings->feed.max_groups;
    bool is_full = false;
    if (r->group >= most)
        return err_set(e, ERR_REJECT, "too_many_groups",
                       "readings of more than feed.max_groups (%" PRId64 ") different links", most);
    if (r->value == ESPI_ABSENT)
        return true; /* no value, no reading: the reader has counted it among the problems */
    const struct staging_reading row = {
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
        .is_estimated = r->qualities ? (r->qualities & ESTIMATED) != 0 : STAGING_ABSENT,
        .is_placed = r->placed};
    return plausible_note(&f->plausible, r, e) && staging_reading(f->stage, &row, &is_full, e) &&
           flush_if_full(f, is_full, e);
}

static bool add_entry(void *context, const struct espi_entry *entry, struct err *e)
{
    struct staged_feed *f = context;
    bool is_full = false;
    if (entry->updated_s == ESPI_ABSENT)
        return true;
    return staging_entry(f->stage, entry->entry, entry->updated_s, &is_full, e) &&
           flush_if_full(f, is_full, e);
}

static bool add_url(void *context, enum espi_url kind, const char *url, struct err *e)
{
    struct staged_feed *f = context;
    return f->urls.add(f->urls.context, kind, url, e);
}

bool staged_feed_open(const struct ingest_request *r, const struct staged_feed_urls *urls,
                      struct staged_feed *feed, struct err *e)
{
    const struct settings *s = r->task->settings;
    struct espi_limits limits = espi_limits_default();
    limits.depth = (size_t)s->feed.max_depth;
    limits.readings = (uint64_t)s->feed.max_readings;
    if (urls)
        limits.total_bytes = (uint64_t)s->feed.max_bytes; /* of all its documents together */
    const struct espi_sink sink = {
        .reading = add_reading, .entry = add_entry, .url = urls ? add_url : NULL, .context = feed};
    *feed = (struct staged_feed){.request = r, .stop = {.task = r->task}};
    if (urls)
        feed->urls = *urls;
    return staging_open(r->task->pg, &feed->stage, e) &&
           (feed->reader = espi_open(&limits, &sink, e));
}

bool staged_feed_bytes(void *context, const char *bytes, size_t len, struct err *e)
{
    struct staged_feed *f = context;
    return espi_write(f->reader, bytes, len, e);
}

bool staged_feed_next(void *context, struct err *e)
{
    struct staged_feed *f = context;
    return espi_next(f->reader, e);
}

void staged_feed_unread(void *context, const char *name)
{
    struct staged_feed *f = context;
    espi_tell_unread(f->reader, name);
}

static bool add_packed(void *context, const char *bytes, size_t len, struct err *e)
{
    struct staged_feed *f = context;
    const struct settings *s = f->request->task->settings;
    const struct unpack_limits limits = {.bytes = s->feed.max_bytes, .ratio = s->feed.max_ratio};
    const struct unpack_sink sink = {.bytes = staged_feed_bytes,
                                     .next = staged_feed_next,
                                     .unread = staged_feed_unread,
                                     .context = f};
    if (!f->unpack && !unpack_open(&limits, &sink, &f->unpack, e))
        return false;
    return unpack_write(f->unpack, bytes, len, e);
}

static bool should_stop(void *context)
{
    struct staged_feed *f = context;
    return task_stop_asked(&f->stop);
}

struct feed_sink staged_feed_sink(struct staged_feed *feed)
{
    return (struct feed_sink){.bytes = add_packed, .should_stop = should_stop, .context = feed};
}

bool staged_feed_packed_end(struct staged_feed *feed, struct err *e)
{
    bool ok = !feed->unpack || unpack_end(feed->unpack, e);
    unpack_freep(&feed->unpack);
    return ok;
}

bool staged_feed_finish(struct staged_feed *feed, struct err *e)
{
    return espi_finish(feed->reader, e) && espi_check_content(feed->reader, e);
}

void staged_feed_close_reader(struct staged_feed *feed)
{
    plausible_free(&feed->plausible);
    espi_free(feed->reader);
    feed->reader = NULL;
}

void staged_feed_free(struct staged_feed *feed)
{
    staged_feed_close_reader(feed);
    unpack_freep(&feed->unpack);
    staging_freep(&feed->stage);
}
