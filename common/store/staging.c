/* Readings of one feed on their way into the books: temporary tables on the task's own connection.
 */
#include "common/store/staging.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/store/staging_sql.h"

#define STAGING_BUFFER_MAX (STAGING_CHUNK * 384)
/* How slowly a statement over all readings may go through them, beyond what any statement may take.
 */
#define STAGING_ROWS_PER_S 50000

/* Rows of one table that wait for the next COPY. */
struct staging_rows {
    const char *copy;
    struct buf text;
    size_t count;
};

struct stage {
    struct pg *pg;
    struct staging_rows readings, entries, groups, days, bills;
    uint64_t seq;      /* readings so far: later ones win */
    uint64_t bill_seq; /* the same of bills */
    bool has_registers;
};

/* --- tables --------------------------------------------------------------------------------- */

/* Bytes of readings up to which rows are deleted one by one: a TRUNCATE makes new files. */
#define STAGING_SMALL "1000000"

static bool staging_tables_exist(struct pg *p, bool *ret_exist, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT to_regclass('pg_temp.stage_placed') IS NOT NULL", PG_NO_ARGS);
    if (!r)
        return false;
    *ret_exist = pg_bool(r, 0, 0);
    return true;
}

static bool staging_empty(struct pg *p, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT pg_relation_size('pg_temp.stage_reading') < " STAGING_SMALL, PG_NO_ARGS);
    return r && pg_script(p, e, pg_bool(r, 0, 0) ? STAGING_DELETE : STAGING_TRUNCATE);
}

/* A task before this one on the connection may have left its rows, and its cursor, behind. */
static bool staging_tables(struct pg *p, struct err *e)
{
    bool exist = false;
    if (!pg_be_patient(p, 0, e) || !pg_do(p, e, NULL, "CLOSE ALL", PG_NO_ARGS) ||
        !staging_tables_exist(p, &exist, e))
        return false;
    return exist ? staging_empty(p, e) : pg_script(p, e, STAGING_TABLES);
}

static struct staging_rows staging_rows_make(const char *copy)
{
    return (struct staging_rows){.copy = copy, .text = buf_make(STAGING_BUFFER_MAX)};
}

bool staging_open(struct pg *p, struct stage **ret_stage, struct err *e)
{
    if (!staging_tables(p, e))
        return false;
    struct stage *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a stage");
    s->pg = p;
    s->readings = staging_rows_make("COPY stage_reading FROM STDIN");
    s->entries = staging_rows_make("COPY stage_entry FROM STDIN");
    s->groups = staging_rows_make("COPY stage_group (group_id, feed_series, series_id, exponent,"
                                  " interval_s, is_estimated, is_summable, has_costs) FROM STDIN");
    s->bills = staging_rows_make("COPY stage_bill FROM STDIN");
    s->days = staging_rows_make("COPY stage_day FROM STDIN");
    *ret_stage = s;
    return true;
}

void staging_freep(struct stage **s)
{
    if (!*s)
        return;
    buf_free(&(*s)->readings.text);
    buf_free(&(*s)->entries.text);
    buf_free(&(*s)->groups.text);
    buf_free(&(*s)->days.text);
    buf_free(&(*s)->bills.text);
    free(*s);
    *s = NULL;
}

/* --- rows in -------------------------------------------------------------------------------- */

static bool staging_number(struct buf *b, int64_t value, char end, struct err *e)
{
    char text[24];
    int n = value == STAGING_ABSENT ? snprintf(text, sizeof text, "\\N%c", end)
                                    : snprintf(text, sizeof text, "%" PRId64 "%c", value, end);
    return buf_append(b, text, (size_t)n, e);
}

/* \N, t or f. */
static bool staging_truth(struct buf *b, int64_t value, char end, struct err *e)
{
    char text[3] = {value == STAGING_ABSENT ? '\\'
                    : value                 ? 't'
                                            : 'f',
                    value == STAGING_ABSENT ? 'N' : end, end};
    return buf_append(b, text, value == STAGING_ABSENT ? 3 : 2, e);
}

static bool staging_row_done(struct staging_rows *rows, bool *ret_is_full)
{
    *ret_is_full = ++rows->count >= STAGING_CHUNK;
    return true;
}

static bool staging_numbers(struct staging_rows *rows, const int64_t *values, size_t count,
                            char end, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (!staging_number(&rows->text, values[i], i + 1 < count ? '\t' : end, e))
            return false;
    return true;
}

bool staging_reading(struct stage *s, const struct staging_reading *r, bool *ret_is_full,
                     struct err *e)
{
    const int64_t values[] = {(int64_t)s->seq++, r->group,        (int64_t)r->entry, r->ordinal,
                              r->start_s,        r->duration_s,   r->value,          r->cost,
                              r->quality,        r->tou,          r->tier,           r->cpp,
                              r->value_exponent, r->cost_exponent};
    return staging_numbers(&s->readings, values, ARRAY_LEN(values), '\t', e) &&
           staging_truth(&s->readings.text, r->is_placed, '\t', e) &&
           staging_truth(&s->readings.text, r->is_estimated, '\n', e) &&
           staging_row_done(&s->readings, ret_is_full);
}

bool staging_entry(struct stage *s, uint64_t entry, int64_t updated_s, bool *ret_is_full,
                   struct err *e)
{
    const int64_t values[] = {(int64_t)entry, updated_s};
    return staging_numbers(&s->entries, values, ARRAY_LEN(values), '\n', e) &&
           staging_row_done(&s->entries, ret_is_full);
}

/* A power of ten that no series is stored with: SQL adds the readings' own to it. */
#define STAGING_EXPONENT_MOST 1000

bool staging_group(struct stage *s, const struct staging_group *g, bool *ret_is_full, struct err *e)
{
    int64_t most = STAGING_EXPONENT_MOST, exponent = g->exponent < most ? g->exponent : most;
    const int64_t values[] = {g->group, (int64_t)g->feed_series,
                              g->series_id ? g->series_id : STAGING_ABSENT,
                              exponent > -most ? exponent : -most, g->interval_s};
    return staging_numbers(&s->groups, values, ARRAY_LEN(values), '\t', e) &&
           staging_truth(&s->groups.text, g->is_estimated, '\t', e) &&
           staging_truth(&s->groups.text, g->is_summable, '\t', e) &&
           staging_truth(&s->groups.text, !g->without_costs, '\n', e) &&
           staging_row_done(&s->groups, ret_is_full);
}

bool staging_bill(struct stage *s, const struct staging_bill *b, bool *ret_is_full, struct err *e)
{
    const int64_t values[] = {(int64_t)s->bill_seq++,
                              b->series_id,
                              b->start_s,
                              b->length_s,
                              b->value,
                              b->exponent,
                              b->cost,
                              b->updated_s};
    return staging_numbers(&s->bills, values, ARRAY_LEN(values), '\n', e) &&
           staging_row_done(&s->bills, ret_is_full);
}

bool staging_day(struct stage *s, const struct staging_day *d, bool *ret_is_full, struct err *e)
{
    const int64_t values[] = {d->series_id, d->day_s,   d->month_s,   d->month_end_s,
                              d->readings,  d->costs,   d->covered_s, d->gaps,
                              d->estimated, d->first_s, d->end_s};
    return staging_numbers(&s->days, values, ARRAY_LEN(values), '\t', e) &&
           staging_truth(&s->days.text, d->is_part, '\t', e) &&
           buf_printf(&s->days.text, e, "%.17g\t%.17g\n", d->total, d->cost_total) &&
           staging_row_done(&s->days, ret_is_full);
}

static bool staging_rows_flush(struct pg *p, struct staging_rows *rows, struct err *e)
{
    if (!rows->count)
        return true;
    if (!pg_copy_start(p, e, rows->copy) || !pg_copy_rows(p, e, rows->text.data, rows->text.len) ||
        !pg_copy_end(p, e, NULL))
        return false;
    buf_clear(&rows->text);
    rows->count = 0;
    return true;
}

bool staging_flush(struct stage *s, struct err *e)
{
    return staging_rows_flush(s->pg, &s->readings, e) &&
           staging_rows_flush(s->pg, &s->entries, e) && staging_rows_flush(s->pg, &s->groups, e) &&
           staging_rows_flush(s->pg, &s->days, e) && staging_rows_flush(s->pg, &s->bills, e);
}

/* --- what came ------------------------------------------------------------------------------ */

struct staging_bounds {
    char from[PG_NUMBER], to[PG_NUMBER], bill[PG_NUMBER];
};

static void staging_bounds(const struct staging_window *w, struct staging_bounds *b)
{
    pg_number(w->from_s, b->from);
    pg_number(w->to_s, b->to);
    pg_number(w->bill_s, b->bill);
}

/* Temporary tables are looked after by no autovacuum: without this, joins are planned for nothing.
 */
static bool staging_analyze(struct stage *s, struct err *e)
{
    return s->seq < STAGING_CHUNK ||
           (pg_be_patient(s->pg, (int64_t)(s->seq / STAGING_ROWS_PER_S), e) &&
            pg_do(s->pg, e, NULL, "ANALYZE stage_reading, stage_entry, stage_group", PG_NO_ARGS));
}

static bool staging_count_all(struct stage *s, const struct staging_bounds *b,
                              struct staging_counts *c, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(s->pg, e,
                 "SELECT count(*), count(*) FILTER (WHERE series_id IS NULL),"
                 " count(*) FILTER (WHERE series_id IS NOT NULL AND start_s IS NULL),"
                 " count(*) FILTER (WHERE" STAGING_POINT(
                     "$1", "$2",
                     "$3") "),"
                           " count(*) FILTER (WHERE" STAGING_BILL("$2", "$3") ")"
                                                                              " FROM stage_placed",
                 PG_ARGS(b->from, b->to, b->bill));
    if (!r)
        return false;
    c->readings = pg_int(r, 0, 0, 0);
    c->unresolved = pg_int(r, 0, 1, 0);
    c->unplaced = pg_int(r, 0, 2, 0);
    c->points = pg_int(r, 0, 3, 0);
    c->bills = pg_int(r, 0, 4, 0);
    c->outside = c->readings - c->unresolved - c->unplaced - c->points - c->bills;
    return true;
}

static bool staging_count_repeated(struct stage *s, const struct staging_bounds *b,
                                   struct staging_counts *c, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(s->pg, e,
                 "SELECT coalesce(sum(n - 1) FILTER (WHERE same), 0),"
                 " coalesce(sum(n - 1) FILTER (WHERE NOT same), 0) FROM (SELECT count(*) AS n,"
                 " min(value) = max(value) AND min(exponent) = max(exponent)"
                 " AND min(cost) IS NOT DISTINCT FROM max(cost)"
                 " AND min(cost_exponent) = max(cost_exponent) AS same"
                 " FROM stage_placed WHERE" STAGING_POINT(
                     "$1", "$2", "$3") "GROUP BY series_id, start_s HAVING count(*) > 1) d",
                 PG_ARGS(b->from, b->to, b->bill));
    if (!r)
        return false;
    c->repeated = pg_int(r, 0, 0, 0);
    c->contradicted = pg_int(r, 0, 1, 0);
    c->points -= c->repeated + c->contradicted;
    return true;
}

static bool staging_has_mixed(struct stage *s, bool *ret_has, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(s->pg, e,
                 "SELECT EXISTS (SELECT FROM stage_group WHERE series_id IS NOT NULL"
                 " GROUP BY series_id HAVING count(DISTINCT feed_series) > 1)",
                 PG_NO_ARGS);
    if (!r)
        return false;
    *ret_has = pg_bool(r, 0, 0);
    return true;
}

bool staging_refuse_mixed(struct stage *s, int64_t *ret_refused, struct err *e)
{
    bool has_mixed = false;
    *ret_refused = 0;
    if (!staging_analyze(s, e) || !staging_has_mixed(s, &has_mixed, e))
        return false;
    if (!has_mixed) /* the usual feed is spared the join */
        return true;
    PGresult *r CLEANUP(pg_clear) = pg_query(
        s->pg, e,
        "WITH refused AS (UPDATE stage_group SET series_id = NULL WHERE feed_series IN"
        " (SELECT b.feed_series FROM stage_placed a JOIN stage_placed b"
        " ON a.series_id = b.series_id AND a.start_s = b.start_s AND a.length_s = b.length_s"
        " AND a.feed_series < b.feed_series"
        " WHERE (a.value, a.exponent) <> (b.value, b.exponent)) RETURNING feed_series)"
        " SELECT count(DISTINCT feed_series) FROM refused",
        PG_NO_ARGS);
    if (!r)
        return false;
    *ret_refused = pg_int(r, 0, 0, 0);
    return true;
}

/* --- registers ------------------------------------------------------------------------------ */

/* Fewer readings that only rise may be amounts that happen to. */
#define STAGING_REGISTER_READINGS 5

/* Numerics: two readings may lie further apart than 64 bits reach. */
bool staging_judge_register(struct stage *s, int64_t series_id, enum staging_register *ret_register,
                            struct err *e)
{
    char id[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        s->pg, e,
        "SELECT count(*), count(*) FILTER (WHERE step < 0), count(*) FILTER (WHERE step > 0),"
        " coalesce(min(amount) = 0 AND max(amount) = 0, true),"
        " coalesce(min(amount) > max(amount) - min(amount), false) FROM (SELECT amount,"
        " amount - lag(amount) OVER (ORDER BY start_s) AS step FROM (SELECT DISTINCT ON (start_s)"
        " start_s, (value || 'e' || exponent)::numeric AS amount FROM stage_placed"
        " WHERE series_id = $1 AND start_s IS NOT NULL"
        " ORDER BY start_s, updated_s DESC, seq DESC) one_each) steps",
        PG_ARGS(pg_number(series_id, id)));
    if (!r)
        return false;
    bool is_nothing = pg_bool(r, 0, 3), is_far_above = pg_bool(r, 0, 4);
    int64_t fell = pg_int(r, 0, 1, 0), rose = pg_int(r, 0, 2, 0);
    if (fell || is_nothing)
        *ret_register = STAGING_DELTAS;
    else if (pg_int(r, 0, 0, 0) >= STAGING_REGISTER_READINGS && rose && is_far_above)
        *ret_register = STAGING_REGISTER;
    else
        *ret_register = STAGING_UNCLEAR;
    return true;
}

bool staging_set_register(struct stage *s, int64_t series_id, enum staging_register is,
                          struct err *e)
{
    char id[PG_NUMBER];
    s->has_registers |= is == STAGING_REGISTER;
    return pg_do(s->pg, e, NULL,
                 is == STAGING_REGISTER
                     ? "UPDATE stage_group SET is_register = true WHERE series_id = $1"
                     : "UPDATE stage_group SET series_id = NULL WHERE series_id = $1",
                 PG_ARGS(pg_number(series_id, id)));
}

static bool staging_count_fallen(struct stage *s, struct staging_counts *c, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        s->pg, e, "SELECT count(*) FROM" STAGING_DIFFERENCES "WHERE is_register AND value < 0",
        PG_NO_ARGS);
    if (!r)
        return false;
    c->fallen = pg_int(r, 0, 0, 0);
    return true;
}

bool staging_count(struct stage *s, const struct staging_window *w,
                   struct staging_counts *ret_counts, struct err *e)
{
    struct staging_bounds b;
    struct staging_counts c = {0};
    staging_bounds(w, &b);
    if (!staging_count_all(s, &b, &c, e) || !staging_count_repeated(s, &b, &c, e) ||
        (s->has_registers && !staging_count_fallen(s, &c, e)))
        return false;
    *ret_counts = c;
    return true;
}

/* --- points out ----------------------------------------------------------------------------- */

#define STAGING_POINTS_SQL 6144

/* A cursor takes no parameters: the numbers are formatted in, they are ours. */
static void staging_points_sql(const struct stage *s, const struct staging_window *w,
                               const struct staging_mark *mark, char sql[STAGING_POINTS_SQL])
{
    const char *of = s->has_registers ? STAGING_DIFFERENCES : "stage_placed";
    char from[2 * PG_NUMBER + 40] = "";
    if (mark)
        snprintf(from, sizeof from, " AND (series_id, start_s) >= (%" PRId64 ", %" PRId64 ")",
                 mark->series_id, mark->from_s);
    snprintf(sql, STAGING_POINTS_SQL,
             "SELECT DISTINCT ON (series_id, start_s) series_id, start_s, value, exponent, cost,"
             " length_s, is_estimated, quality, tou, tier, cpp, cost_exponent FROM %s WHERE "
             "series_id IS NOT NULL"
             " AND (start_s >= 100000000 OR (is_register AND seq < 0))"
             " AND start_s < least(%" PRId64 ", 10000000000)"
             " AND (start_s >= %" PRId64 " OR (is_register AND seq < 0)"
             " OR (length_s >= %" PRId64 " AND NOT is_summable))"
             " AND (length_s < %" PRId64 " OR is_register"
             " OR (NOT is_summable AND length_s <= 4294967295))"
             " AND (value >= 0 OR NOT is_register)"
             "%s ORDER BY series_id, start_s, updated_s DESC, seq DESC",
             of, w->to_s, w->from_s, w->bill_s, w->bill_s, from);
}

bool staging_fingerprint(struct stage *s, const struct staging_window *w,
                         char ret_text[STAGING_FINGERPRINT], struct err *e)
{
    char points[STAGING_POINTS_SQL], sql[STAGING_POINTS_SQL + 128];
    staging_points_sql(s, w, NULL, points);
    snprintf(sql, sizeof sql,
             "SELECT count(*) || ':' || coalesce(sum(hashtextextended(p::text, 0)), 0)"
             " FROM (%s) p",
             points);
    PGresult *r CLEANUP(pg_clear) = pg_query(s->pg, e, sql, PG_NO_ARGS);
    if (!r)
        return false;
    snprintf(ret_text, STAGING_FINGERPRINT, "%s", pg_text(r, 0, 0));
    return true;
}

bool staging_points_open(struct stage *s, const struct staging_window *w,
                         const struct staging_mark *mark, struct err *e)
{
    char points[STAGING_POINTS_SQL], sql[STAGING_POINTS_SQL + 128];
    staging_points_sql(s, w, mark, points);
    snprintf(sql, sizeof sql, "DECLARE stage_points NO SCROLL CURSOR WITH HOLD FOR %s", points);
    return pg_do(s->pg, e, NULL, sql, PG_NO_ARGS);
}

bool staging_points_next(struct stage *s, struct staging_point *ret_points, size_t max,
                         size_t *ret_count, struct err *e)
{
    char sql[64];
    snprintf(sql, sizeof sql, "FETCH FORWARD %zu FROM stage_points", max);
    PGresult *r CLEANUP(pg_clear) = pg_query(s->pg, e, sql, PG_NO_ARGS);
    if (!r)
        return false;
    size_t count = (size_t)PQntuples(r);
    for (size_t i = 0; i < count; i++)
        ret_points[i] = (struct staging_point){.series_id = pg_int(r, (int)i, 0, 0),
                                               .start_s = pg_int(r, (int)i, 1, 0),
                                               .value = pg_int(r, (int)i, 2, 0),
                                               .exponent = pg_int(r, (int)i, 3, 0),
                                               .cost = pg_int(r, (int)i, 4, STAGING_ABSENT),
                                               .length_s = pg_int(r, (int)i, 5, 0),
                                               .is_estimated = pg_bool(r, (int)i, 6),
                                               .quality = pg_int(r, (int)i, 7, STAGING_ABSENT),
                                               .tou = pg_int(r, (int)i, 8, STAGING_ABSENT),
                                               .tier = pg_int(r, (int)i, 9, STAGING_ABSENT),
                                               .cpp = pg_int(r, (int)i, 10, STAGING_ABSENT),
                                               .cost_exponent = pg_int(r, (int)i, 11, 0)};
    *ret_count = count;
    return true;
}

bool staging_forget_days(struct stage *s, struct err *e)
{
    return pg_do(s->pg, e, NULL, "DELETE FROM stage_day", PG_NO_ARGS);
}
