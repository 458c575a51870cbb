/* What one parse or import is to fetch: decided before the first byte is fetched, and constant for
 * every step from then on. */
#include "worker/ingest/request.h"

#include <stdio.h>

struct window_question request_window_question(const struct ingest_request *r)
{
    return (struct window_question){.settings = r->task->settings,
                                    .zone = r->zone,
                                    .record = &r->record,
                                    .source = &r->source,
                                    .is_named = r->arguments.has_window,
                                    .from_s = r->arguments.from_s,
                                    .to_s = r->arguments.to_s,
                                    .now_s = r->task->now_ms / 1000};
}

static void note_corrections(struct ingest_request *r)
{
    size_t used = 0;
    r->corrected[0] = '\0';
    for (int i = OPTION_MULTIPLIER; i < RECORD_OPTIONS && used < INGEST_NOTE; i++)
        if (*r->option.of[i])
            used += (size_t)snprintf(
                r->corrected + used, INGEST_NOTE - used, "%s%s=%s", used ? " " : "",
                record_option_name((enum record_option_name)i), r->option.of[i]);
}

bool request_apply_options(struct ingest_request *r, struct err *e)
{
    const struct record_option *o = &r->option;
    const struct correction_words words = {.multiplier = o->of[OPTION_MULTIPLIER],
                                           .cost_scale = o->of[OPTION_COST_SCALE],
                                           .shift = o->of[OPTION_SHIFT],
                                           .meter = o->of[OPTION_METER],
                                           .service = o->of[OPTION_SERVICE]};
    const char *heat = o->of[OPTION_HEAT_CONTENT];
    note_corrections(r);
    return correction_read(&words, &r->correction, e) &&
           (!*heat || units_heat_read(heat, &r->heat, e));
}

bool request_load(struct ingest_request *r, struct err *e)
{
    const struct settings *s = r->task->settings;
    struct pg *pg = r->task->pg;
    int64_t id = r->arguments.record_id;
    if (!record_get(pg, id, &r->record, e) || !record_option_get(pg, id, &r->option, e) ||
        !request_apply_options(r, e) ||
        !record_source_load(pg, s->credentials.key, id, &r->source, e))
        return false;
    const struct window_question q = request_window_question(r);
    if (!next_window_find(pg, &q, &r->next, e))
        return false;
    const struct window *w = &r->next.window;
    r->wanted = (struct staging_window){
        .from_s = w->from_s, .to_s = w->to_s, .bill_s = s->feed.bill_days * 86400};
    return !r->next.has_expired || pending_drop(pg, id, q.is_named, w->from_s, w->to_s, e);
}

void request_free(struct ingest_request *r)
{
    next_window_free(&r->next);
    record_source_free(&r->source);
    record_free(&r->record);
}
