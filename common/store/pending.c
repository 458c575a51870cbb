/* What a custodian has accepted and not answered yet, and what its last whole answer was. */
#include "common/store/pending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- pending ---------------------------------------------------------------------------------- */

bool pending_get(struct pg *p, int64_t record_id, bool is_named, int64_t from_s, int64_t to_s,
                 struct pending *ret_pending, bool *ret_found, struct err *e)
{
    char record[PG_NUMBER], from[PG_NUMBER], to[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT from_s, to_s, extract(epoch FROM asked_at)::bigint,"
        " ceil(extract(epoch FROM next_poll_at - clock_timestamp()))::bigint,"
        " floor(extract(epoch FROM deadline - clock_timestamp()))::bigint, polls, poll_url, urls"
        " FROM meterbeat.pending WHERE record_id = $1 AND is_named = $2"
        " AND (NOT is_named OR (from_s = $3 AND to_s = $4)) ORDER BY asked_at DESC LIMIT 1",
        PG_ARGS(pg_number(record_id, record), is_named ? "t" : "f", pg_number(from_s, from),
                pg_number(to_s, to)));
    if (!r)
        return false;
    *ret_found = PQntuples(r) == 1;
    if (!*ret_found)
        return true;
    const char *urls = pg_text(r, 0, 7);
    struct pending pending = {.record_id = record_id,
                              .is_named = is_named,
                              .from_s = pg_int(r, 0, 0, 0),
                              .to_s = pg_int(r, 0, 1, 0),
                              .asked_s = pg_int(r, 0, 2, 0),
                              .next_poll_in_s = pg_int(r, 0, 3, 0),
                              .deadline_in_s = pg_int(r, 0, 4, 0),
                              .polls = pg_int(r, 0, 5, 0),
                              .poll_url = strdup(pg_text(r, 0, 6)),
                              .urls = urls ? strdup(urls) : NULL};
    if (!pending.poll_url || (urls && !pending.urls)) {
        pending_free(&pending);
        return err_set(e, ERR_RETRY, "no_memory", "no memory for what is pending");
    }
    *ret_pending = pending;
    return true;
}

bool pending_put(struct pg *p, const struct pending *pending, struct err *e)
{
    char record[PG_NUMBER], from[PG_NUMBER], to[PG_NUMBER], asked[PG_NUMBER], polls[PG_NUMBER],
        next[PG_NUMBER], deadline[PG_NUMBER];
    return pg_do(
        p, e, NULL,
        "INSERT INTO meterbeat.pending (record_id, is_named, from_s, to_s, asked_at, polls,"
        " next_poll_at, deadline, poll_url, urls) VALUES ($1, $2, $3, $4,"
        " to_timestamp($5::double precision), $6, clock_timestamp() + $7 * interval '1 second',"
        " clock_timestamp() + $8 * interval '1 second', $9, $10)"
        " ON CONFLICT (record_id, is_named, from_s, to_s) DO UPDATE SET polls = excluded.polls,"
        " next_poll_at = excluded.next_poll_at, poll_url = excluded.poll_url, urls = excluded.urls,"
        " deadline = CASE WHEN excluded.urls IS NULL THEN meterbeat.pending.deadline"
        " ELSE excluded.deadline END",
        PG_ARGS(pg_number(pending->record_id, record), pending->is_named ? "t" : "f",
                pg_number(pending->from_s, from), pg_number(pending->to_s, to),
                pg_number(pending->asked_s, asked), pg_number(pending->polls, polls),
                pg_number(pending->next_poll_in_s, next),
                pg_number(pending->deadline_in_s, deadline), pending->poll_url, pending->urls));
}

/* Of the record's next window all: there is one at most that anybody still wants. */
bool pending_drop(struct pg *p, int64_t record_id, bool is_named, int64_t from_s, int64_t to_s,
                  struct err *e)
{
    char record[PG_NUMBER], from[PG_NUMBER], to[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "DELETE FROM meterbeat.pending WHERE record_id = $1 AND is_named = $2"
                 " AND (NOT is_named OR (from_s = $3 AND to_s = $4))",
                 PG_ARGS(pg_number(record_id, record), is_named ? "t" : "f",
                         pg_number(from_s, from), pg_number(to_s, to)));
}

void pending_free(struct pending *pending)
{
    free(pending->poll_url);
    free(pending->urls);
    *pending = (struct pending){0};
}

int64_t pending_pause(int64_t first_s, int64_t most_s, int64_t polls, int64_t retry_after_s,
                      int64_t deadline_in_s)
{
    int64_t pause_s = first_s;
    for (int64_t i = 1; i < polls && pause_s < most_s; i++)
        pause_s *= 2;
    pause_s = pause_s > most_s ? most_s : pause_s;
    pause_s = pause_s < retry_after_s ? retry_after_s : pause_s;
    pause_s = pause_s > deadline_in_s ? deadline_in_s : pause_s;
    return pause_s < 1 ? 1 : pause_s;
}

/* --- validators ------------------------------------------------------------------------------- */

bool validator_get(struct pg *p, int64_t record_id, const struct validator *wanted,
                   char etag[VALIDATOR_TEXT], char last_modified[VALIDATOR_TEXT], struct err *e)
{
    char record[PG_NUMBER], last_ts[PG_NUMBER];
    etag[0] = last_modified[0] = '\0';
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT etag, last_modified FROM meterbeat.validator WHERE record_id = $1 AND url = $2"
        " AND last_date = $3 AND last_ts = $4",
        PG_ARGS(pg_number(record_id, record), wanted->url, wanted->last_date,
                pg_number(wanted->last_ts, last_ts)));
    if (!r)
        return false;
    if (PQntuples(r) == 1) {
        snprintf(etag, VALIDATOR_TEXT, "%s", pg_text(r, 0, 0));
        snprintf(last_modified, VALIDATOR_TEXT, "%s", pg_text(r, 0, 1));
    }
    return true;
}

bool validator_put(struct pg *p, int64_t record_id, const struct validator *v, struct err *e)
{
    char record[PG_NUMBER], last_ts[PG_NUMBER];
    if (!*v->etag && !*v->last_modified)
        return pg_do(p, e, NULL, "DELETE FROM meterbeat.validator WHERE record_id = $1",
                     PG_ARGS(pg_number(record_id, record)));
    return pg_do(p, e, NULL,
                 "INSERT INTO meterbeat.validator (record_id, url, etag, last_modified, last_date,"
                 " last_ts) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (record_id) DO UPDATE SET"
                 " url = excluded.url, etag = excluded.etag,"
                 " last_modified = excluded.last_modified, last_date = excluded.last_date,"
                 " last_ts = excluded.last_ts, updated_at = now()",
                 PG_ARGS(pg_number(record_id, record), v->url, v->etag, v->last_modified,
                         v->last_date, pg_number(v->last_ts, last_ts)));
}
