/* The book-keeping of one task id: who runs it, for which attempt, and what became of it. */
#include "common/store/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error_codes.h"

/* Invariant 3: whoever does not hold the latest token changes no row. */
#define RUN_HOLDER " WHERE task_id = $1 AND token = $2 AND state = 'running'"
#define RUN_OPEN " state IN ('waiting', 'running', 'retrying')"

/* NULL: never. What no timestamp holds does not expire either. */
static const char *run_expiry(const struct run_key *key, char out[PG_NUMBER])
{
    const int64_t most_ms = INT64_C(253402300800000); /* the year 10000 */
    return key->expires_ms > 0 && key->expires_ms < most_ms ? pg_number(key->expires_ms, out)
                                                            : NULL;
}

/* --- making ----------------------------------------------------------------------------------- */

/* One row in `state` unless the task id exists or an only_one run meets another open one. */
static bool run_insert(struct pg *p, const struct run_key *key, const char *state,
                       const char *progress, bool is_promised, bool *ret_new, struct err *e)
{
    char record[PG_NUMBER], expires[PG_NUMBER];
    int64_t rows;
    if (!pg_do(p, e, &rows,
               "INSERT INTO meterbeat.run (task_id, task, record_id, building_id, arguments,"
               " parent_id, root_id, only_one, state, progress, queue, expires_at, lease_until,"
               " finished_at, enqueued_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
               " to_timestamp($12::bigint / 1000.0), now(), CASE $9 WHEN 'done' THEN now() END,"
               " CASE WHEN $13 THEN now() END)"
               " ON CONFLICT DO NOTHING",
               PG_ARGS(key->task_id, key->task,
                       key->record_id ? pg_number(key->record_id, record) : NULL, key->building_id,
                       key->arguments, key->parent_id, key->root_id, key->only_one ? "t" : "f",
                       state, progress, key->queue, run_expiry(key, expires),
                       is_promised ? "t" : "f")))
        return false;
    *ret_new = rows == 1;
    return true;
}

/* Closes the record's open run whose worker let its lease run out: only a valid lease keeps the
 * record from another. Its message, should it come, finds it done. */
static bool run_close_lapsed(struct pg *p, const struct run_key *key, bool *ret_closed,
                             struct err *e)
{
    char record[PG_NUMBER];
    int64_t rows;
    if (!pg_do(p, e, &rows,
               "UPDATE meterbeat.run SET state = 'done', finished_at = now(), lease_until = NULL,"
               " progress = 'given up by ' || coalesce(worker, '?') || ', overtaken by ' || $3"
               " WHERE task = $1 AND record_id = $2 AND only_one AND state = 'running'"
               " AND lease_until <= now()"
               " AND NOT EXISTS (SELECT FROM meterbeat.run WHERE task_id = $3)",
               PG_ARGS(key->task, pg_number(key->record_id, record), key->task_id)))
        return false;
    *ret_closed = rows > 0;
    return true;
}

bool run_expect(struct pg *p, const struct run_key *key, bool *ret_new, struct err *e)
{
    bool is_closed = false;
    if (!run_insert(p, key, "waiting", NULL, true, ret_new, e))
        return false;
    if (*ret_new || !key->only_one || !key->record_id)
        return true;
    return run_close_lapsed(p, key, &is_closed, e) &&
           (!is_closed || run_insert(p, key, "waiting", NULL, true, ret_new, e));
}

void run_child_id(const char *parent_id, const char *about, char text[UUID_TEXT])
{
    /* Each part by itself first, so that no length and no separator makes two names one. */
    char parent[UUID_TEXT], subject[UUID_TEXT], name[2 * UUID_TEXT + 8];
    uuid5_of_name(parent_id, parent);
    uuid5_of_name(about, subject);
    snprintf(name, sizeof name, "child/%s/%s", parent, subject);
    uuid5_of_name(name, text);
}

/* --- taking ----------------------------------------------------------------------------------- */

/* Closes the record's other open run unless somebody is at it; *ret_closed: the place is free. */
static bool run_overtake(struct pg *p, const struct run_key *key, bool *ret_closed, struct err *e)
{
    char record[PG_NUMBER];
    int64_t rows;
    if (!pg_do(p, e, &rows,
               "UPDATE meterbeat.run SET state = 'done', finished_at = now(), lease_until = NULL,"
               " progress = 'overtaken by ' || $3"
               " WHERE task = $1 AND record_id = $2 AND only_one AND" RUN_OPEN
               " AND NOT (state = 'running' AND lease_until > now())",
               PG_ARGS(key->task, pg_number(key->record_id, record), key->task_id)))
        return false;
    *ret_closed = rows > 0;
    return true;
}

/* Sees to it that the run has a row, in whatever state. */
static bool run_make(struct pg *p, const struct run_key *key, struct err *e)
{
    bool is_new;
    if (!run_insert(p, key, "waiting", NULL, false, &is_new, e))
        return false;
    if (is_new || !key->only_one || !key->record_id)
        return true;
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT FROM meterbeat.run WHERE task_id = $1", PG_ARGS(key->task_id));
    if (!r || PQntuples(r) == 1)
        return r != NULL;
    bool closed;
    if (!run_overtake(p, key, &closed, e))
        return false;
    return closed ? run_insert(p, key, "waiting", NULL, false, &is_new, e)
                  : run_insert(p, key, "done", "another run is at its record", false, &is_new, e);
}

/* own_token: of a start of ours whose end is this one's beginning (run_take); 0: there is none. */
static bool run_start(struct pg *p, const struct run_key *key, const char *worker, int64_t lease_s,
                      int64_t own_token, struct run *ret_run, struct err *e)
{
    char lease[PG_NUMBER], own[PG_NUMBER], expires[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "UPDATE meterbeat.run SET state = 'running', token = token + 1, worker = $2,"
        " ended = ended + (state = 'running' AND token = $4::bigint)::integer,"
        " lease_until = now() + $3 * interval '1 second', started_at = now(), retry_at = NULL,"
        " queue = coalesce($5, queue), expires_at = to_timestamp($6::bigint / 1000.0),"
        " missed_at = NULL, renewals = 0 WHERE task_id = $1 RETURNING token, failed,"
        " token - 1 - ended, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,"
        " pg_backend_pid()",
        PG_ARGS(key->task_id, worker, pg_number(lease_s, lease), pg_number(own_token, own),
                key->queue, run_expiry(key, expires)));
    if (!r || !pg_same_process(p, pg_int(r, 0, 4, 0), e))
        return false;
    struct run run = {.token = pg_int(r, 0, 0, 0),
                      .failed = pg_int(r, 0, 1, 0),
                      .vanished = pg_int(r, 0, 2, 0),
                      .now_ms = pg_int(r, 0, 3, 0)};
    snprintf(run.task_id, sizeof run.task_id, "%s", key->task_id);
    *ret_run = run;
    return true;
}

/* state, result, error_code, error of a run that ended. */
static void run_read_ended(const PGresult *r, struct run_ended *ended)
{
    const char *result = pg_text(r, 0, 1);
    ended->result =
        result && *result ? json_loads(result, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    const char *code = pg_text(r, 0, 2), *text = pg_text(r, 0, 3);
    const struct error_code *row = code ? error_code_find(code) : NULL;
    if (code)
        (void)err_set(&ended->why, row && row->kind == ERR_REVOKED ? ERR_REVOKED : ERR_REJECT, code,
                      "%s", text ? text : "");
}

static bool run_take_locked(struct pg *p, const struct run_key *key, const char *worker,
                            int64_t lease_s, enum run_state *ret_state, struct run *run,
                            struct run_ended *ret_ended, struct err *e)
{
    char own[PG_NUMBER];
    if (!run_make(p, key, e))
        return false;
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT state, result, error_code, error, CASE WHEN state = 'running'"
                 " AND token <> $2::bigint"
                 " THEN ceil(extract(epoch FROM lease_until - clock_timestamp()))::bigint END"
                 " FROM meterbeat.run WHERE task_id = $1 FOR UPDATE",
                 PG_ARGS(key->task_id, pg_number(run->token, own)));
    if (!r)
        return false;
    if (PQntuples(r) == 0)
        return err_set(e, ERR_RETRY, "database_conflict",
                       "another run of record %" PRId64 " came in between", key->record_id);
    const char *state = pg_text(r, 0, 0);
    *ret_state = strcmp(state, "done") == 0   ? RUN_DONE_BEFORE
                 : strcmp(state, "dead") == 0 ? RUN_DEAD_BEFORE
                                              : RUN_TAKEN;
    ret_ended->held_s = key->is_redelivered ? 0 : pg_int(r, 0, 4, 0);
    if (*ret_state == RUN_TAKEN && ret_ended->held_s > 0)
        *ret_state = RUN_HELD;
    if (*ret_state == RUN_TAKEN)
        return run_start(p, key, worker, lease_s, run->token, run, e);
    run_read_ended(r, ret_ended);
    return true;
}

bool run_take(struct pg *p, const struct run_key *key, const char *worker, int64_t lease_s,
              enum run_state *ret_state, struct run *run, struct run_ended *ret_ended,
              struct err *e)
{
    if (strlen(key->task_id) >= sizeof run->task_id)
        return err_set(e, ERR_REJECT, "bad_id", "a task id of more than %zu bytes",
                       sizeof run->task_id - 1);
    enum run_state state = RUN_TAKEN;
    struct run taken = *run;
    struct run_ended ended = {.result = NULL};
    if (!pg_begin(p, e))
        return false;
    bool ok = run_take_locked(p, key, worker, lease_s, &state, &taken, &ended, e);
    bool is_committed = ok && pg_commit(p, e);
    if (ok) /* also when it is not known: should it have happened, that start is this one */
        *run = taken;
    if (!is_committed) {
        json_decref(ended.result);
        pg_rollback(p);
        return false;
    }
    *ret_state = state;
    *ret_ended = ended;
    return true;
}

/* --- holding and ending ----------------------------------------------------------------------- */

static bool run_lost(const struct run *r, struct err *e)
{
    return err_set(e, ERR_LEASE_LOST, "lease_lost",
                   "start %" PRId64 " of the run is not the latest any more", r->token);
}

/* A write that only the holder of the lease may do; the first two values are its id and token. */
static bool run_write(struct pg *p, const struct run *r, struct err *e, const char *sql, int count,
                      const char *const *values)
{
    int64_t rows;
    if (!pg_do(p, e, &rows, sql, count, values))
        return false;
    return rows == 1 || run_lost(r, e);
}

bool run_fence(struct pg *p, const struct run *r, struct err *e)
{
    char token[PG_NUMBER];
    PGresult *held CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT FROM meterbeat.run" RUN_HOLDER " FOR NO KEY UPDATE",
                 PG_ARGS(r->task_id, pg_number(r->token, token)));
    return held && (PQntuples(held) == 1 || run_lost(r, e));
}

/*
 * The end of a start, as `state` and (NULL: any) error code. No row changed: the answer to an
 * earlier try may have been lost, and nobody else writes that state with this token.
 */
static bool run_end(struct pg *p, const struct run *r, const char *state, const char *code,
                    struct err *e, const char *sql, int count, const char *const *values)
{
    char token[PG_NUMBER];
    int64_t rows;
    if (!pg_do(p, e, &rows, sql, count, values))
        return false;
    if (rows == 1)
        return true;
    PGresult *same CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT FROM meterbeat.run WHERE task_id = $1 AND token = $2::bigint"
                 " AND state = $3 AND ($4::text IS NULL OR error_code = $4)",
                 PG_ARGS(r->task_id, pg_number(r->token, token), state, code));
    return same && (PQntuples(same) == 1 || run_lost(r, e));
}

bool run_renew(struct pg *p, const struct run *r, int64_t lease_s, const char *progress,
               struct err *e)
{
    char token[PG_NUMBER], lease[PG_NUMBER];
    return run_write(
        p, r, e,
        "UPDATE meterbeat.run SET lease_until = now() + $3 * interval '1 second',"
        " progress = coalesce($4, progress)" RUN_HOLDER,
        PG_ARGS(r->task_id, pg_number(r->token, token), pg_number(lease_s, lease), progress));
}

/* *ret_text: caller frees; NULL for nothing. */
static bool run_result_text(const json_t *result, char **ret_text, struct err *e)
{
    *ret_text = NULL;
    if (!result || json_is_null(result))
        return true;
    char *text = json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    if (!text)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a result");
    if (strlen(text) > RUN_RESULT_BYTES) {
        free(text);
        return err_set(e, ERR_REJECT, "result_too_large", "a result of more than %d bytes",
                       RUN_RESULT_BYTES);
    }
    *ret_text = text;
    return true;
}

bool run_done(struct pg *p, const struct run *r, const char *summary, const json_t *result,
              struct err *e)
{
    char token[PG_NUMBER], *text;
    if (!run_result_text(result, &text, e))
        return false;
    bool ok = run_write(
        p, r, e,
        "UPDATE meterbeat.run SET state = 'done', ended = ended + 1,"
        " finished_at = now(), lease_until = NULL, progress = $3, result = $4,"
        " checkpoint = NULL, error_kind = NULL, error_code = NULL, error = NULL" RUN_HOLDER,
        PG_ARGS(r->task_id, pg_number(r->token, token), summary, text));
    free(text);
    return ok;
}

bool run_set_checkpoint(struct pg *p, const struct run *r, const json_t *checkpoint, struct err *e)
{
    char token[PG_NUMBER], *text;
    if (!run_result_text(checkpoint, &text, e))
        return false;
    bool ok = run_write(p, r, e, "UPDATE meterbeat.run SET checkpoint = $3" RUN_HOLDER,
                        PG_ARGS(r->task_id, pg_number(r->token, token), text));
    free(text);
    return ok;
}

bool run_checkpoint(struct pg *p, const struct run *r, json_t **ret_checkpoint, struct err *e)
{
    *ret_checkpoint = NULL;
    PGresult *rows CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT checkpoint FROM meterbeat.run WHERE task_id = $1", PG_ARGS(r->task_id));
    if (!rows)
        return false;
    const char *text = pg_text(rows, 0, 0);
    if (text)
        *ret_checkpoint = json_loads(text, 0, NULL);
    return true;
}

bool run_retry(struct pg *p, const struct run *r, int64_t delay_s, const struct err *why,
               struct err *e)
{
    char token[PG_NUMBER], delay[PG_NUMBER];
    struct err clean = *why; /* its text may have been cut inside a character */
    return run_end(p, r, "retrying", pg_clean(clean.code), e,
                   "UPDATE meterbeat.run SET state = 'retrying', ended = ended + 1,"
                   " failed = failed + 1, retry_at = now() + $3 * interval '1 second',"
                   " enqueued_at = now() + $3 * interval '1 second',"
                   " lease_until = now() + $3 * interval '1 second', error_kind = $4,"
                   " error_code = $5, error = $6" RUN_HOLDER,
                   PG_ARGS(r->task_id, pg_number(r->token, token), pg_number(delay_s, delay),
                           err_kind_name(why->kind), pg_clean(clean.code), pg_clean(clean.text)));
}

bool run_dead(struct pg *p, const struct run *r, const struct err *why, struct err *e)
{
    char token[PG_NUMBER];
    struct err clean = *why;
    /* also one that was to be tried again and cannot be sent to the ladder: its end is counted */
    return run_end(p, r, "dead", pg_clean(clean.code), e,
                   "UPDATE meterbeat.run SET state = 'dead',"
                   " ended = ended + (state = 'running')::integer,"
                   " finished_at = now(), lease_until = NULL, error_kind = $3, error_code = $4,"
                   " error = $5 WHERE task_id = $1 AND token = $2"
                   " AND state IN ('running', 'retrying')",
                   PG_ARGS(r->task_id, pg_number(r->token, token), err_kind_name(why->kind),
                           pg_clean(clean.code), pg_clean(clean.text)));
}

bool run_expire(struct pg *p, const char *task_id, bool is_orphan, struct err *e)
{
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.run SET state = 'done', finished_at = now(), lease_until = NULL,"
                 " progress = 'expired before it was done' WHERE task_id = $1"
                 " AND (state IN ('waiting', 'retrying')"
                 " OR (state = 'running' AND ($2::boolean OR lease_until < now())))",
                 PG_ARGS(task_id, is_orphan ? "t" : "f"));
}

bool run_revoke(struct pg *p, const char *task_id, const char *how, bool is_orphan, struct err *e)
{
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.run SET state = 'dead', finished_at = now(), lease_until = NULL,"
                 " error_kind = 'reject', error_code = 'revoked', error = $3 WHERE task_id = $1"
                 " AND (state IN ('waiting', 'retrying')"
                 " OR (state = 'running' AND ($2::boolean OR lease_until < now())))",
                 PG_ARGS(task_id, is_orphan ? "t" : "f", how));
}

bool run_release(struct pg *p, const struct run *r, struct err *e)
{
    char token[PG_NUMBER];
    return run_end(p, r, "waiting", NULL, e,
                   "UPDATE meterbeat.run SET state = 'waiting', ended = ended + 1,"
                   " lease_until = now()" RUN_HOLDER,
                   PG_ARGS(r->task_id, pg_number(r->token, token)));
}

bool run_wait(struct pg *p, const struct run *r, int64_t delay_s, const char *why, struct err *e)
{
    char token[PG_NUMBER], delay[PG_NUMBER], text[512];
    snprintf(text, sizeof text, "%s", why);
    return run_end(
        p, r, "waiting", NULL, e,
        "UPDATE meterbeat.run SET state = 'waiting', ended = ended + 1,"
        " lease_until = now() + $3 * interval '1 second', progress = $4,"
        " enqueued_at = now() + $3 * interval '1 second'" RUN_HOLDER,
        PG_ARGS(r->task_id, pg_number(r->token, token), pg_number(delay_s, delay), pg_clean(text)));
}

bool run_reopen(struct pg *p, const char *task_id, bool *ret_reopened, struct err *e)
{
    int64_t rows;
    /* Not the only one any more: its record may have a new open run by now. */
    if (!pg_do(p, e, &rows,
               "UPDATE meterbeat.run SET state = 'waiting', only_one = false, failed = 0,"
               " ended = token, lease_until = now(), finished_at = NULL, enqueued_at = now(),"
               " missed_at = NULL, renewals = 0, expires_at = NULL"
               " WHERE task_id = $1 AND state = 'dead'",
               PG_ARGS(task_id)))
        return false;
    *ret_reopened = rows == 1;
    return true;
}

PGresult *run_latest(struct pg *p, int64_t record_id, int64_t most, struct err *e)
{
    char id[PG_NUMBER], number[PG_NUMBER];
    return pg_query(
        p, e,
        "SELECT task_id, state, token, to_char(created_at AT TIME ZONE 'UTC',"
        " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), coalesce(error_code || ': ' || error, progress, '')"
        " FROM meterbeat.run WHERE record_id = $1 ORDER BY created_at DESC LIMIT $2",
        PG_ARGS(pg_number(record_id, id), pg_number(most, number)));
}
