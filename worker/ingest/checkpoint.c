/* How far a parse has come whose points take longer to write than one task may: stored in its run.
 */
#include "worker/ingest/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "worker/ingest/commit.h"

bool checkpoint_read(const json_t *json, struct checkpoint *ret_checkpoint)
{
    struct checkpoint c = {0};
    const char *fingerprint;
    json_int_t series, from, covered, points, costs, months;
    if (json_unpack((json_t *)json, "{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "fingerprint", &fingerprint,
                    "series", &series, "from", &from, "covered_end", &covered, "points", &points,
                    "costs", &costs, "months", &months) != 0)
        return false;
    snprintf(c.fingerprint, sizeof c.fingerprint, "%s", fingerprint);
    c.from = (struct staging_mark){.series_id = series, .from_s = from};
    c.covered_end_s = covered;
    c.points = points;
    c.costs = costs;
    c.months = months;
    *ret_checkpoint = c;
    return true;
}

json_t *checkpoint_json(const struct checkpoint *c)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "fingerprint", c->fingerprint, "series",
                     (json_int_t)c->from.series_id, "from", (json_int_t)c->from.from_s,
                     "covered_end", (json_int_t)c->covered_end_s, "points", (json_int_t)c->points,
                     "costs", (json_int_t)c->costs, "months", (json_int_t)c->months);
}

/* *ret_found: what the run has; fingerprint "" when that is nothing. */
static bool checkpoint_find(const struct ingest_request *r, struct checkpoint *ret_found,
                            struct err *e)
{
    json_auto_t *json = NULL;
    *ret_found = (struct checkpoint){0};
    if (!r->task->run)
        return true;
    if (!run_checkpoint(r->task->pg, r->task->run, &json, e))
        return false;
    if (json && !checkpoint_read(json, ret_found))
        *ret_found = (struct checkpoint){0}; /* another version's: from the beginning */
    return true;
}

struct checkpoint checkpoint_take_up(const struct checkpoint *found, const char *fingerprint)
{
    struct checkpoint fresh = {0};
    snprintf(fresh.fingerprint, sizeof fresh.fingerprint, "%s", fingerprint);
    return strcmp(found->fingerprint, fingerprint) == 0 ? *found : fresh;
}

bool checkpoint_load(const struct ingest_request *r, struct staged_feed *feed,
                     struct checkpoint *ret_checkpoint, struct err *e)
{
    struct checkpoint found, fresh = {0};
    if (!checkpoint_find(r, &found, e))
        return false;
    *ret_checkpoint = fresh;
    if (!found.fingerprint[0])
        return true;
    if (!staging_fingerprint(feed->stage, &r->wanted, fresh.fingerprint, e))
        return false;
    *ret_checkpoint = checkpoint_take_up(&found, fresh.fingerprint);
    bool is_taken_up = ret_checkpoint->from.series_id != 0;
    log_event(LOG_LEVEL_INFO, is_taken_up ? "checkpoint_taken_up" : "checkpoint_void",
              "points=%" PRId64, found.points);
    return true;
}

static bool checkpoint_set(const struct ingest_request *r, const struct checkpoint *c,
                           struct err *e)
{
    json_auto_t *json = checkpoint_json(c);
    if (!json)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a checkpoint");
    return run_set_checkpoint(r->task->pg, r->task->run, json, e);
}

bool checkpoint_commit(const struct ingest_request *r, struct staged_feed *feed,
                       struct ingest_result *result, struct checkpoint *c, struct err *e)
{
    struct pg *pg = r->task->pg;
    if (!c->fingerprint[0] && !staging_fingerprint(feed->stage, &r->wanted, c->fingerprint, e))
        return false;
    if (!task_begin(r->task, e) || !ingest_commit_days(r, result, e) ||
        !staging_forget_days(feed->stage, e))
        return false;
    c->months = result->months;
    if (!checkpoint_set(r, c, e))
        return false;
    failpoint("before_checkpoint");
    if (!pg_commit(pg, e))
        return false;
    log_event(LOG_LEVEL_INFO, "checkpoint_committed", "points=%" PRId64, c->points);
    return true;
}
