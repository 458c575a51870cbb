/* Readings of one feed on their way into the books: temporary tables on the task's own connection.
 */
#include "common/store/staging.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/store/staging_sql.h"

#define STAGE_BUFFER_MAX (STAGE_CHUNK * 384)
/* How slowly a statement over all readings may go through them, beyond what any statement may take.
 */
#define STAGE_ROWS_PER_S 50000

/* Rows of one table that wait for the next COPY. */
struct stage_rows {
    const char *copy;
    struct buf text;
    size_t count;
};

struct stage {
    struct pg *pg;
    struct stage_rows readings, entries, groups, days, bills;
    uint64_t seq;      /* readings so far: later ones win */
    uint64_t bill_seq; /* the same of bills */
    bool has_registers;
};

/* --- tables --------------------------------------------------------------------------------- */

/* Bytes of readings up to which rows are deleted one by one: a TRUNCATE makes new files. */
#define STAGE_SMALL "1000000"

static bool stage_tables_exist(struct pg *p, bool *ret_exist, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e, "SELECT to_regclass('pg_temp.stage_placed') IS NOT NULL", PG_NO_ARGS);
    if (!r)
        return false;
    *ret_exist = pg_bool(r, 0, 0);
    return true;
}

static bool stage_empty(struct pg *p, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e, "SELECT pg_relation_size('pg_temp.stage_reading') < " STAGE_SMALL, PG_NO_ARGS);
    return r && pg_script(p, e, pg_bool(r, 0, 0) ? STAGE_DELETE : STAGE_TRUNCATE);
}

/* A task before this one on the connection may have left its rows, and its cursor, behind. */
static bool stage_tables(struct pg *p, struct err *e)
{
    bool exist = false;
    if (!pg_be_patient(p, 0, e) || !pg_do(p, e, NULL, "CLOSE ALL", PG_NO_ARGS) ||
        !stage_tables_exist(p, &exist, e))
        return false;
    return exist ? stage_empty(p, e) : pg_script(p, e, STAGE_TABLES);
}

static struct stage_rows stage_rows_make(const char *copy)
{
    return (struct stage_rows){.copy = copy, .text = buf_make(STAGE_BUFFER_MAX)};
}

bool stage_open(struct pg *p, struct stage **ret_stage, struct err *e)
{
    if (!stage_tables(p, e))
        return false;
    struct stage *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a stage");
    s->pg = p;
    s->readings = stage_rows_make("COPY stage_reading FROM STDIN");
    s->entries = stage_rows_make("COPY stage_entry FROM STDIN");
    s->groups = stage_rows_make("COPY stage_group (group_id, feed_series, series_id, exponent,"
                                " interval_s, is_estimated, is_summable, has_costs) FROM STDIN");
    s->bills = stage_rows_make("COPY stage_bill FROM STDIN");
    s->days = stage_rows_make("COPY stage_day FROM STDIN");
    *ret_stage = s;
    return true;
}

void stage_freep(struct stage **s)
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

static bool stage_number(struct buf *b, int64_t value, char end, struct err *e)
{
    char text[24];
    int n = value == STAGE_ABSENT ? snprintf(text, sizeof text, "\\N%c", end)
                                  : snprintf(text, sizeof text, "%" PRId64 "%c", value, end);
    return buf_append(b, text, (size_t)n, e);
}

/* \N, t or f. */
static bool stage_truth(struct buf *b, int64_t value, char end, struct err *e)
{
    char text[3] = {value == STAGE_ABSENT ? '\\'
                    : value               ? 't'
                                          : 'f',
                    value == STAGE_ABSENT ? 'N' : end, end};
    return buf_append(b, text, value == STAGE_ABSENT ? 3 : 2, e);
}

static bool stage_row_done(struct stage_rows *rows, bool *ret_is_full)
{
    *ret_is_full = ++rows->count >= STAGE_CHUNK;
    return true;
}

static bool stage_numbers(struct stage_rows *rows, const int64_t *values, size_t count, char end,
                          struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (!stage_number(&rows->text, values[i], i + 1 < count ? '\t' : end, e))
            return false;
    return true;
}

bool stage_reading(struct stage *s, const struct stage_reading *r, bool *ret_is_full, struct err *e)
{
    const int64_t values[] = {(int64_t)s->seq++, r->group,        (int64_t)r->entry, r->ordinal,
                              r->start_s,        r->duration_s,   r->value,          r->cost,
                              r->quality,        r->tou,          r->tier,           r->cpp,
                              r->value_exponent, r->cost_exponent};
    return stage_numbers(&s->readings, values, ARRAY_LEN(values), '\t', e) &&
           stage_truth(&s->readings.text, r->is_placed, '\t', e) &&
           stage_truth(&s->readings.text, r->is_estimated, '\n', e) &&
           stage_row_done(&s->readings, ret_is_full);
}

bool stage_entry(struct stage *s, uint64_t entry, int64_t updated_s, bool *ret_is_full,
                 struct err *e)
{
    const int64_t values[] = {(int64_t)entry, updated_s};
    return stage_numbers(&s->entries, values, ARRAY_LEN(values), '\n', e) &&
           stage_row_done(&s->entries, ret_is_full);
}

/* A power of ten that no series is stored with: SQL adds the readings' own to it. */
#define STAGE_EXPONENT_MOST 1000

bool stage_group(struct stage *s, const struct stage_group *g, bool *ret_is_full, struct err *e)
{
    int64_t most = STAGE_EXPONENT_MOST, exponent = g->exponent < most ? g->exponent : most;
    const int64_t values[] = {g->group, (int64_t)g->feed_series,
                              g->series_id ? g->series_id : STAGE_ABSENT,
                              exponent > -most ? exponent : -most, g->interval_s};
    return stage_numbers(&s->groups, values, ARRAY_LEN(values), '\t', e) &&
           stage_truth(&s->groups.text, g->is_estimated, '\t', e) &&
           stage_truth(&s->groups.text, g->is_summable, '\t', e) &&
           stage_truth(&s->groups.text, !g->without_costs, '\n', e) &&
           stage_row_done(&s->groups, ret_is_full);
}

bool stage_bill(struct stage *s, const struct stage_bill *b, bool *ret_is_full, struct err *e)
{
    const int64_t values[] = {(int64_t)s->bill_seq++,
                              b->series_id,
                              b->start_s,
                              b->length_s,
                              b->value,
                              b->exponent,
                              b->cost,
                              b->updated_s};
    return stage_numbers(&s->bills, values, ARRAY_LEN(values), '\n', e) &&
           stage_row_done(&s->bills, ret_is_full);
}

bool stage_day(struct stage *s, const struct stage_day *d, bool *ret_is_full, struct err *e)
{
    const int64_t values[] = {d->series_id, d->day_s,   d->month_s,   d->month_end_s,
                              d->readings,  d->costs,   d->covered_s, d->gaps,
                              d->estimated, d->first_s, d->end_s};
    return stage_numbers(&s->days, values, ARRAY_LEN(values), '\t', e) &&
           stage_truth(&s->days.text, d->is_part, '\t', e) &&
           buf_printf(&s->days.text, e, "%.17g\t%.17g\n", d->total, d->cost_total) &&
           stage_row_done(&s->days, ret_is_full);
}

static bool stage_rows_flush(struct pg *p, struct stage_rows *rows, struct err *e)
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

bool stage_flush(struct stage *s, struct err *e)
{
    return stage_rows_flush(s->pg, &s->readings, e) && stage_rows_flush(s->pg, &s->entries, e) &&
           stage_rows_flush(s->pg, &s->groups, e) && stage_rows_flush(s->pg, &s->days, e) &&
           stage_rows_flush(s->pg, &s->bills, e);
}

/* --- what came ------------------------------------------------------------------------------ */

struct stage_bounds {
    char from[PG_NUMBER], to[PG_NUMBER], bill[PG_NUMBER];
};

static void stage_bounds(const struct stage_window *w, struct stage_bounds *b)
{
    pg_number(w->from_s, b->from);
    pg_number(w->to_s, b->to);
    pg_number(w->bill_s, b->bill);
}

/* Temporary tables are looked after by no autovacuum: without this, joins are planned for nothing.
 */
static bool stage_analyze(struct stage *s, struct err *e)
{
    return s->seq < STAGE_CHUNK ||
           (pg_be_patient(s->pg, (int64_t)(s->seq / STAGE_ROWS_PER_S), e) &&
            pg_do(s->pg, e, NULL, "ANALYZE stage_reading, stage_entry, stage_group", PG_NO_ARGS));
}

static bool stage_count_all(struct stage *s, const struct stage_bounds *b, struct stage_counts *c,
                            struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        s->pg, e,
        "SELECT count(*), count(*) FILTER (WHERE series_id IS NULL),"
        " count(*) FILTER (WHERE series_id IS NOT NULL AND start_s IS NULL),"
        " count(*) FILTER (WHERE" STAGE_POINT(
            "$1", "$2", "$3") "),"
                              " count(*) FILTER (WHERE" STAGE_BILL("$2", "$3") ")"
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

static bool stage_count_repeated(struct stage *s, const struct stage_bounds *b,
                                 struct stage_counts *c, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) =
        pg_query(s->pg, e,
                 "SELECT coalesce(sum(n - 1) FILTER (WHERE same), 0),"
                 " coalesce(sum(n - 1) FILTER (WHERE NOT same), 0) FROM (SELECT count(*) AS n,"
                 " min(value) = max(value) AND min(exponent) = max(exponent)"
                 " AND min(cost) IS NOT DISTINCT FROM max(cost)"
                 " AND min(cost_exponent) = max(cost_exponent) AS same"
                 " FROM stage_placed WHERE" STAGE_POINT(
                     "$1", "$2", "$3") "GROUP BY series_id, start_s HAVING count(*) > 1) d",
                 PG_ARGS(b->from, b->to, b->bill));
    if (!r)
        return false;
    c->repeated = pg_int(r, 0, 0, 0);
    c->contradicted = pg_int(r, 0, 1, 0);
    c->points -= c->repeated + c->contradicted;
    return true;
}

static bool stage_has_mixed(struct stage *s, bool *ret_has, struct err *e)
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

bool stage_refuse_mixed(struct stage *s, int64_t *ret_refused, struct err *e)
{
    bool has_mixed = false;
    *ret_refused = 0;
    if (!stage_analyze(s, e) || !stage_has_mixed(s, &has_mixed, e))
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
#define STAGE_REGISTER_READINGS 5

/* Numerics: two readings may lie further apart than 64 bits reach. */
bool stage_judge_register(struct stage *s, int64_t series_id, enum stage_register *ret_register,
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
        *ret_register = STAGE_DELTAS;
    else if (pg_int(r, 0, 0, 0) >= STAGE_REGISTER_READINGS && rose && is_far_above)
        *ret_register = STAGE_REGISTER;
    else
        *ret_register = STAGE_UNCLEAR;
    return true;
}

bool stage_set_register(struct stage *s, int64_t series_id, enum stage_register is, struct err *e)
{
    char id[PG_NUMBER];
    s->has_registers |= is == STAGE_REGISTER;
    return pg_do(s->pg, e, NULL,
                 is == STAGE_REGISTER
                     ? "UPDATE stage_group SET is_register = true WHERE series_id = $1"
                     : "UPDATE stage_group SET series_id = NULL WHERE series_id = $1",
                 PG_ARGS(pg_number(series_id, id)));
}

static bool stage_count_fallen(struct stage *s, struct stage_counts *c, struct err *e)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(
        s->pg, e, "SELECT count(*) FROM" STAGE_DIFFERENCES "WHERE is_register AND value < 0",
        PG_NO_ARGS);
    if (!r)
        return false;
    c->fallen = pg_int(r, 0, 0, 0);
    return true;
}

bool stage_count(struct stage *s, const struct stage_window *w, struct stage_counts *ret_counts,
                 struct err *e)
{
    struct stage_bounds b;
    struct stage_counts c = {0};
    stage_bounds(w, &b);
    if (!stage_count_all(s, &b, &c, e) || !stage_count_repeated(s, &b, &c, e) ||
        (s->has_registers && !stage_count_fallen(s, &c, e)))
        return false;
    *ret_counts = c;
    return true;
}

/* --- points out ----------------------------------------------------------------------------- */

#define STAGE_POINTS_SQL 6144

/* A cursor takes no parameters: the numbers are formatted in, they are ours. */
static void stage_points_sql(const struct stage *s, const struct stage_window *w,
                             const struct stage_mark *mark, char sql[STAGE_POINTS_SQL])
{
    const char *of = s->has_registers ? STAGE_DIFFERENCES : "stage_placed";
    char from[2 * PG_NUMBER + 40] = "";
    if (mark)
        snprintf(from, sizeof from, " AND (series_id, start_s) >= (%" PRId64 ", %" PRId64 ")",
                 mark->series_id, mark->from_s);
    snprintf(sql, STAGE_POINTS_SQL,
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

bool stage_fingerprint(struct stage *s, const struct stage_window *w,
                       char ret_text[STAGE_FINGERPRINT], struct err *e)
{
    char points[STAGE_POINTS_SQL], sql[STAGE_POINTS_SQL + 128];
    stage_points_sql(s, w, NULL, points);
    snprintf(sql, sizeof sql,
             "SELECT count(*) || ':' || coalesce(sum(hashtextextended(p::text, 0)), 0)"
             " FROM (%s) p",
             points);
    PGresult *r CLEANUP(pg_clear) = pg_query(s->pg, e, sql, PG_NO_ARGS);
    if (!r)
        return false;
    snprintf(ret_text, STAGE_FINGERPRINT, "%s", pg_text(r, 0, 0));
    return true;
}

bool stage_points_open(struct stage *s, const struct stage_window *w, const struct stage_mark *mark,
                       struct err *e)
{
    char points[STAGE_POINTS_SQL], sql[STAGE_POINTS_SQL + 128];
    stage_points_sql(s, w, mark, points);
    snprintf(sql, sizeof sql, "DECLARE stage_points NO SCROLL CURSOR WITH HOLD FOR %s", points);
    return pg_do(s->pg, e, NULL, sql, PG_NO_ARGS);
}

bool stage_points_next(struct stage *s, struct stage_point *ret_points, size_t max,
                       size_t *ret_count, struct err *e)
{
    char sql[64];
    snprintf(sql, sizeof sql, "FETCH FORWARD %zu FROM stage_points", max);
    PGresult *r CLEANUP(pg_clear) = pg_query(s->pg, e, sql, PG_NO_ARGS);
    if (!r)
        return false;
    size_t count = (size_t)PQntuples(r);
    for (size_t i = 0; i < count; i++)
        ret_points[i] = (struct stage_point){.series_id = pg_int(r, (int)i, 0, 0),
                                             .start_s = pg_int(r, (int)i, 1, 0),
                                             .value = pg_int(r, (int)i, 2, 0),
                                             .exponent = pg_int(r, (int)i, 3, 0),
                                             .cost = pg_int(r, (int)i, 4, STAGE_ABSENT),
                                             .length_s = pg_int(r, (int)i, 5, 0),
                                             .is_estimated = pg_bool(r, (int)i, 6),
                                             .quality = pg_int(r, (int)i, 7, STAGE_ABSENT),
                                             .tou = pg_int(r, (int)i, 8, STAGE_ABSENT),
                                             .tier = pg_int(r, (int)i, 9, STAGE_ABSENT),
                                             .cpp = pg_int(r, (int)i, 10, STAGE_ABSENT),
                                             .cost_exponent = pg_int(r, (int)i, 11, 0)};
    *ret_count = count;
    return true;
}

bool stage_forget_days(struct stage *s, struct err *e)
{
    return pg_do(s->pg, e, NULL, "DELETE FROM stage_day", PG_NO_ARGS);
}
