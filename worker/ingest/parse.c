/* The parse task: one window of one record, from its feed into both databases; or one for each
 * record. */
#include "worker/ingest/parse.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "worker/ingest/async_request.h"
#include "worker/ingest/commit.h"
#include "worker/ingest/fan_out.h"
#include "worker/ingest/fetch.h"
#include "worker/ingest/resolve.h"
#include "worker/ingest/write.h"
#include "worker/task/local_zone.h"

/* The values of one parse. The request is constant once it is loaded; exchange NULL: the record has
 * no custodian. */
struct parse {
    struct ingest_request request;
    struct exchange *exchange;
    struct staged_feed feed;
    struct ingest_result result;
};

static void parse_free(struct parse *p)
{
    result_free(&p->result);
    staged_feed_free(&p->feed);
    exchange_freep(&p->exchange);
    request_free(&p->request);
}

static bool parse_record(struct parse *p, struct err *e)
{
    const struct ingest_request *r = &p->request;
    const struct next_window *next = &r->next;
    struct ingest_result *result = &p->result;
    if (!request_load(&p->request, e) ||
        (r->source.has_custodian && !exchange_open(r, &p->exchange, e)) ||
        !async_request_is_due(r, e))
        return false;
    if (next->window.nothing)
        return ingest_commit_nothing(r, "up to date", result, e);
    if (next->is_too_long)
        return fan_out_window(r, result, e);
    if (!ingest_fetch(r, p->exchange, &p->feed, e))
        return false;
    if (p->feed.is_unchanged)
        return ingest_commit_nothing(r, "unchanged (HTTP 304)", result, e);
    if (!ingest_resolve(r, &p->feed, result, e))
        return false;
    exchange_redact(p->exchange, result->unresolved);
    return ingest_write(r, &p->feed, result, e) && ingest_commit(r, p->exchange, result, e);
}

/* The temporary tables went with a connection that was lost in between: the next attempt has new
 * ones. All else of that kind means that the schema is missing. */
static void retry_lost_stage(struct err *e)
{
    if (e->kind == ERR_FATAL && strstr(e->text, "stage_"))
        e->kind = ERR_RETRY;
}

/* Which record, and once that is known which days. */
static bool wrap(const struct ingest_request *r, struct err *e)
{
    char from[CLOCK_TEXT], to[CLOCK_TEXT];
    const struct window *w = &r->next.window;
    if (!w->to_s)
        return err_wrap(e, "record %" PRId64, r->arguments.record_id);
    clock_format_utc(w->from_s * 1000, from);
    clock_format_utc(w->to_s * 1000, to);
    return err_wrap(e, "record %" PRId64 ", %.10s to %.10s", r->arguments.record_id, from, to);
}

bool parse_perform(struct task_context *t, json_t **ret_result, struct err *e)
{
    struct parse p CLEANUP(parse_free) = {.request = {.task = t}};
    struct ingest_request *r = &p.request;
    if (!local_zone(t->settings, &r->zone, e) ||
        !parse_arguments(t->message, r->zone, &r->arguments, e))
        return false;
    if (!r->arguments.record_id)
        return fan_out_records(t, r->zone, ret_result, e);
    if (!parse_record(&p, e)) {
        pg_rollback(t->pg);
        retry_lost_stage(e);
        exchange_redact_err(p.exchange, e);
        return wrap(r, e);
    }
    *ret_result = p.result.returned;
    p.result.returned = NULL;
    return true;
}

void parse_about(const struct task_message *m, struct run_key *key)
{
    struct parse_arguments a;
    if (!parse_arguments(m, NULL, &a, NULL))
        return;
    key->record_id = a.record_id;
    key->only_one = a.record_id && !a.has_window;
}
