/* Months: which are to be summed (meterbeat.dirty_month), and their sums in seed_timeseries. */
#include "common/store/month.h"

#include <math.h>
#include <stdio.h>

#include "common/store/meter.h"
#include "common/store/staging_sql.h"

/* seed_timeseries.cost is numeric(11,4): a larger one is no month of a building. */
#define MONTH_MAX_COST 9999999.0

bool month_dirty(struct pg *p, const struct month_question *q, struct month *ret_months, size_t max,
                 size_t *ret_count, struct err *e)
{
    char by[PG_NUMBER], series[PG_NUMBER], start[PG_NUMBER], limit[PG_NUMBER], settle[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        "SELECT m.series_id, s.meter_id, extract(epoch FROM m.month_start)::bigint,"
        " extract(epoch FROM m.month_end)::bigint, m.generation, coalesce(sum(d.readings), 0),"
        " coalesce(sum(d.costs), 0), s.has_cost, coalesce(sum(d.total), 0),"
        " coalesce(sum(abs(d.total)), 0), coalesce(sum(d.cost_total), 0),"
        " coalesce(sum(abs(d.cost_total)), 0), m.since <= now() - make_interval(secs => $6),"
        " coalesce(s.time_zone, ''), s.numerator, s.denominator"
        " FROM meterbeat.dirty_month m JOIN meterbeat.series s ON s.id = m.series_id"
        " LEFT JOIN meterbeat.day d ON d.series_id = m.series_id AND d.day_start >= m.month_start"
        " AND d.day_start < m.month_end"
        " WHERE (m.series_id, m.month_start) > ($3::bigint, to_timestamp($4))"
        " AND CASE WHEN $1::text IS NULL THEN m.month_end <= to_timestamp($2)"
        " ELSE s.tags->>'canonical_id' = $1 END"
        " GROUP BY m.series_id, m.month_start, s.id ORDER BY m.series_id, m.month_start LIMIT $5",
        PG_ARGS(q->building_id, pg_number(q->ended_by_s, by), pg_number(q->after_series, series),
                pg_number(q->after_start_s, start), pg_number((int64_t)max, limit),
                pg_number(q->settle_s, settle)));
    if (!r)
        return false;
    for (int i = 0; i < PQntuples(r); i++) {
        ret_months[i] = (struct month){.series_id = pg_int(r, i, 0, 0),
                                       .meter_id = pg_int(r, i, 1, 0),
                                       .start_s = pg_int(r, i, 2, 0),
                                       .end_s = pg_int(r, i, 3, 0),
                                       .generation = pg_int(r, i, 4, 0),
                                       .readings = pg_int(r, i, 5, 0),
                                       .costs = pg_int(r, i, 6, 0),
                                       .has_cost = pg_bool(r, i, 7),
                                       .total = pg_double(r, i, 8, 0),
                                       .size = pg_double(r, i, 9, 0),
                                       .cost_total = pg_double(r, i, 10, 0),
                                       .cost_size = pg_double(r, i, 11, 0),
                                       .is_settled = pg_bool(r, i, 12),
                                       .numerator = pg_double(r, i, 14, 1),
                                       .denominator = pg_double(r, i, 15, 1)};
        snprintf(ret_months[i].time_zone, sizeof ret_months[i].time_zone, "%s", pg_text(r, i, 13));
    }
    *ret_count = (size_t)PQntuples(r);
    return true;
}

struct month_texts {
    char meter[PG_NUMBER], start[PG_NUMBER], end[PG_NUMBER], reading[40], cost[40];
};

static void month_texts(const struct month *m, const struct month_sum *sum, struct month_texts *t)
{
    pg_number(m->meter_id, t->meter);
    pg_number(m->start_s, t->start);
    pg_number(m->end_s, t->end);
    snprintf(t->reading, sizeof t->reading, "%.17g", sum->reading);
    snprintf(t->cost, sizeof t->cost, "%.17g", sum->cost);
}

/* SEED's own rows of a month end one second (or, by its leap-year slip, a day) early, at :59. */
#define MONTH_ROW                                                                                  \
    " meter_id = $1::integer AND begin_time = to_timestamp($2) AND (end_time = to_timestamp($3)"   \
    " OR (end_time BETWEEN to_timestamp($3) - interval '4 days' AND to_timestamp($3)"              \
    " AND extract(second FROM end_time) >= 59)) "

bool month_hold(struct pg *p, const struct month *m, bool *ret_held, struct err *e)
{
    char series[PG_NUMBER], start[PG_NUMBER], generation[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT FROM meterbeat.dirty_month WHERE series_id = $1"
                 " AND month_start = to_timestamp($2) AND generation = $3 FOR UPDATE",
                 PG_ARGS(pg_number(m->series_id, series), pg_number(m->start_s, start),
                         pg_number(m->generation, generation)));
    if (!r)
        return false;
    *ret_held = PQntuples(r) == 1;
    return true;
}

bool month_write(struct pg *p, const struct month *m, const struct month_sum *sum, struct err *e)
{
    struct month_texts t;
    int64_t rows = 0;
    month_texts(m, sum, &t);
    bool has_cost = sum->has_cost && fabs(sum->cost) < MONTH_MAX_COST;
    const char *cost = has_cost ? t.cost : NULL;
    if (!meter_hold(p, m->meter_id, e) ||
        !pg_do(p, e, NULL,
               "DELETE FROM seed_timeseries WHERE" MONTH_ROW "AND id > (SELECT min(id)"
               " FROM seed_timeseries WHERE" MONTH_ROW ")",
               PG_ARGS(t.meter, t.start, t.end)) ||
        !pg_do(p, e, &rows,
               "UPDATE seed_timeseries SET end_time = to_timestamp($3), reading = $4::float8,"
               " cost = $5::float8::numeric(11, 4) WHERE" MONTH_ROW,
               PG_ARGS(t.meter, t.start, t.end, t.reading, cost)))
        return false;
    return rows > 0 || pg_do(p, e, NULL,
                             "INSERT INTO seed_timeseries (meter_id, begin_time, end_time, reading,"
                             " cost) VALUES ($1::integer, to_timestamp($2), to_timestamp($3),"
                             " $4::float8, $5::float8::numeric(11, 4))",
                             PG_ARGS(t.meter, t.start, t.end, t.reading, cost));
}

bool month_clean(struct pg *p, const struct month *m, struct err *e)
{
    char series[PG_NUMBER], start[PG_NUMBER], generation[PG_NUMBER];
    return pg_do(p, e, NULL,
                 "DELETE FROM meterbeat.dirty_month WHERE series_id = $1"
                 " AND month_start = to_timestamp($2) AND generation = $3",
                 PG_ARGS(pg_number(m->series_id, series), pg_number(m->start_s, start),
                         pg_number(m->generation, generation)));
}

/* One row a (meter, start, end): the newest of the bills staged for it. Text with an exponent is
 * read as the nearest double, as the points are. series: the table that the ids are of; whose: what
 * the series of a bill is told by. */
#define MONTH_BILLS_OF(series, whose)                                                              \
    "WITH bill AS (SELECT DISTINCT ON (" whose ", r.start_s, r.length_s) s.meter_id,"              \
    " to_timestamp(r.start_s) AS begin_time, to_timestamp(r.start_s + r.length_s) AS end_time,"    \
    " (r.value::text || 'e' || r.exponent::text)::float8 * s.numerator / s.denominator AS "        \
    "reading,"                                                                                     \
    " CASE WHEN abs(r.money) < 9999999 THEN round(r.money, 4) END AS cost"                         \
    " FROM (SELECT series_id, start_s, length_s, value, exponent,"                                 \
    " (cost || 'e' || cost_exponent - 5)::numeric AS money, updated_s, seq"                        \
    "  FROM stage_placed WHERE" STAGING_BILL(                                                      \
        "$1", "$2") " AND NOT is_register UNION ALL SELECT series_id, start_s, length_s, value,"   \
                    " exponent, cost / 100000.0, coalesce(updated_s, -9223372036854775807), seq"   \
                    " FROM stage_bill) r JOIN " series " s ON s.id = r.series_id"                  \
                    " ORDER BY " whose ", r.start_s, r.length_s, r.updated_s DESC, r.seq DESC) "
#define MONTH_BILLS MONTH_BILLS_OF("meterbeat.series", "s.meter_id")

bool month_store_bills(struct pg *p, int64_t to_s, int64_t bill_s, int64_t *ret_bills,
                       struct err *e)
{
    char to[PG_NUMBER], bill[PG_NUMBER];
    int64_t changed = 0, added = 0;
    pg_number(to_s, to);
    pg_number(bill_s, bill);
    /* Their meters first, in one order for all: the statements after it see what another wrote. */
    if (!pg_do(p, e, NULL,
               MONTH_BILLS "SELECT FROM seed_meter m WHERE id IN (SELECT meter_id FROM bill)"
                           " ORDER BY id FOR NO KEY UPDATE",
               PG_ARGS(to, bill)) ||
        !pg_do(p, e, &changed,
               MONTH_BILLS "UPDATE seed_timeseries t SET reading = b.reading, cost = b.cost"
                           " FROM bill b WHERE t.meter_id = b.meter_id"
                           " AND t.begin_time = b.begin_time AND t.end_time = b.end_time"
                           " AND (t.reading, t.cost) IS DISTINCT FROM (b.reading, b.cost)",
               PG_ARGS(to, bill)) ||
        !pg_do(p, e, &added,
               MONTH_BILLS "INSERT INTO seed_timeseries (meter_id, begin_time, end_time, reading,"
                           " cost) SELECT meter_id, begin_time, end_time, reading, cost FROM bill b"
                           " WHERE NOT EXISTS (SELECT FROM seed_timeseries t"
                           " WHERE t.meter_id = b.meter_id AND t.begin_time = b.begin_time"
                           " AND t.end_time = b.end_time) ORDER BY meter_id, begin_time",
               PG_ARGS(to, bill)))
        return false;
    *ret_bills = changed + added;
    return true;
}

bool month_compare_bills(struct pg *p, int64_t to_s, int64_t bill_s, struct month_bills *ret_bills,
                         struct err *e)
{
    char to[PG_NUMBER], bill[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        p, e,
        MONTH_BILLS_OF(
            "series_draft",
            "s.id") "SELECT count(*) FILTER (WHERE t.id IS NULL), count(*) FILTER (WHERE t.id IS "
                    "NOT NULL"
                    " AND (t.reading, t.cost) IS NOT DISTINCT FROM (b.reading, b.cost)),"
                    " count(*) FILTER (WHERE t.id IS NOT NULL"
                    " AND (t.reading, t.cost) IS DISTINCT FROM (b.reading, b.cost)) FROM bill b"
                    " LEFT JOIN seed_timeseries t ON t.meter_id = b.meter_id"
                    " AND t.begin_time = b.begin_time AND t.end_time = b.end_time",
        PG_ARGS(pg_number(to_s, to), pg_number(bill_s, bill)));
    if (!r)
        return false;
    *ret_bills = (struct month_bills){
        .added = pg_int(r, 0, 0, 0), .equal = pg_int(r, 0, 1, 0), .corrected = pg_int(r, 0, 2, 0)};
    return true;
}
