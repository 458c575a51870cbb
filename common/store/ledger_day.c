/* meterbeat.day: what KairosDB showed for a local day of a series when it was last written. */
#include "common/store/ledger_day.h"

bool ledger_day_dirty_months(struct pg *p, int64_t *ret_months, struct err *e)
{
    return pg_do(
        p, e, ret_months,
        "INSERT INTO meterbeat.dirty_month AS m (series_id, month_start, month_end)"
        " SELECT DISTINCT d.series_id, to_timestamp(d.month_s), to_timestamp(d.month_end_s)"
        " FROM stage_day d JOIN meterbeat.series s ON s.id = d.series_id"
        " LEFT JOIN meterbeat.day b ON b.series_id = d.series_id"
        " AND b.day_start = to_timestamp(d.day_s)"
        " WHERE s.is_summable AND (b.readings, b.costs, b.total, b.cost_total)"
        " IS DISTINCT FROM (d.readings, d.costs, d.total, d.cost_total)"
        " ORDER BY 1, 2 ON CONFLICT (series_id, month_start) DO UPDATE"
        " SET generation = m.generation + 1, month_end = excluded.month_end, since = now()",
        PG_NO_ARGS);
}

bool ledger_day_refresh_months(struct pg *p, struct err *e)
{
    return pg_do(p, e, NULL,
                 "UPDATE meterbeat.dirty_month m SET since = now() FROM stage_day d"
                 " WHERE m.series_id = d.series_id AND m.month_start = to_timestamp(d.month_s)"
                 " AND m.since < now()",
                 PG_NO_ARGS);
}

/* What the books had of a day and what is to be booked, which did not come from the same place. */
#define DAY_CHANGED                                                                                \
    "(b.readings, b.costs, b.total, b.cost_total) IS DISTINCT FROM (excluded.readings,"            \
    " excluded.costs, excluded.total, excluded.cost_total)"

/* One that another record's readings only confirm stays of the corrections that it was written
 * with. */
#define DAY_GENERATION                                                                             \
    "generation = CASE WHEN NOT $2::boolean OR b.record_id = excluded.record_id OR " DAY_CHANGED   \
    " THEN excluded.generation ELSE b.generation END"

/* A day that is written as it was has nothing new that an audit of what was booked lately wants. */
#define DAY_BOOKED_AT "booked_at = CASE WHEN " DAY_CHANGED " THEN now() ELSE b.booked_at END"

/* Days of which another window wrote other readings: their ends and estimates are taken together.
 * is_manual: one that is as it was stays so, its coverage was told by whoever wrote all of it. */
static bool ledger_day_write_parts(struct pg *p, const char *record, const char *is_manual,
                                   const char *generation, struct err *e)
{
    return pg_do(
        p, e, NULL,
        "INSERT INTO meterbeat.day AS b (series_id, day_start, readings, costs, total, cost_total,"
        " record_id, covered_s, gaps, estimated, first_s, end_s, generation) SELECT series_id,"
        " to_timestamp(day_s), readings, costs, total, cost_total, $1, covered_s, gaps, estimated,"
        " first_s, end_s, $3::bigint FROM stage_day WHERE is_part ORDER BY series_id, day_s"
        " ON CONFLICT (series_id, day_start) DO UPDATE SET " DAY_BOOKED_AT ","
        " readings = excluded.readings,"
        " costs = excluded.costs, total = excluded.total, cost_total = excluded.cost_total,"
        " record_id = excluded.record_id, covered_s = excluded.covered_s, gaps = excluded.gaps,"
        " estimated = greatest(b.estimated, excluded.estimated),"
        " first_s = least(b.first_s, excluded.first_s), end_s = greatest(b.end_s, excluded.end_s),"
        " " DAY_GENERATION " WHERE NOT $2::boolean OR " DAY_CHANGED,
        PG_ARGS(record, is_manual, generation));
}

/* Of the months of staged days, from all their days: seconds once, holes between days and at the
 * month's ends with those within days. The three days before tell whether a hole is one. */
static bool day_cover(struct pg *p, struct err *e)
{
    return pg_do(
        p, e, NULL,
        "INSERT INTO meterbeat.coverage AS c (series_id, month_start, month_end, covered_s,"
        " expected_s, gaps, readings, estimated)"
        " SELECT series_id, to_timestamp(month_s), to_timestamp(month_end_s),"
        " CASE WHEN bool_and(covered_s IS NOT NULL) THEN least(sum(covered_s), month_end_s - "
        "month_s)"
        " END, month_end_s - month_s, CASE WHEN bool_and(covered_s IS NOT NULL) THEN"
        " sum(gaps + (first_s > greatest(before_s, month_s))::integer)"
        " + (max(end_s) < month_end_s)::integer END, sum(readings), coalesce(sum(estimated), 0)"
        " FROM (SELECT m.*, b.day_start, b.covered_s, b.gaps, b.first_s, b.end_s, b.readings,"
        "  b.estimated, max(b.end_s) OVER (PARTITION BY m.series_id, m.month_s ORDER BY b.day_start"
        "   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_s"
        "  FROM (SELECT DISTINCT series_id, month_s, month_end_s FROM stage_day) m"
        "  JOIN meterbeat.day b ON b.series_id = m.series_id"
        "  AND b.day_start >= to_timestamp(m.month_s - 259200)"
        "  AND b.day_start < to_timestamp(m.month_end_s)) d"
        " WHERE day_start >= to_timestamp(month_s) AND readings > 0"
        " GROUP BY series_id, month_s, month_end_s ORDER BY series_id, month_s"
        " ON CONFLICT (series_id, month_start) DO UPDATE SET month_end = excluded.month_end,"
        " covered_s = excluded.covered_s, expected_s = excluded.expected_s, gaps = excluded.gaps,"
        " readings = excluded.readings, estimated = excluded.estimated"
        " WHERE (c.month_end, c.covered_s, c.expected_s, c.gaps, c.readings, c.estimated)"
        " IS DISTINCT FROM (excluded.month_end, excluded.covered_s, excluded.expected_s,"
        " excluded.gaps, excluded.readings, excluded.estimated)",
        PG_NO_ARGS);
}

bool ledger_day_write(struct pg *p, const struct ledger_day_source *from, struct err *e)
{
    char record[PG_NUMBER], generation[PG_NUMBER];
    const char *hand = from->is_manual ? "t" : "f";
    return pg_do(p, e, NULL,
                 "INSERT INTO meterbeat.day AS b (series_id, day_start, readings, costs, total,"
                 " cost_total, record_id, covered_s, gaps, estimated, first_s, end_s, generation)"
                 " SELECT series_id, to_timestamp(day_s), readings, costs, total, cost_total, $1,"
                 " covered_s, gaps, estimated, first_s, end_s, $3::bigint FROM stage_day"
                 " WHERE NOT is_part"
                 " ORDER BY series_id, day_s"
                 " ON CONFLICT (series_id, day_start) DO UPDATE SET " DAY_BOOKED_AT ","
                 " readings = excluded.readings,"
                 " costs = excluded.costs, total = excluded.total,"
                 " cost_total = excluded.cost_total, record_id = CASE WHEN NOT $2::boolean"
                 " OR " DAY_CHANGED " THEN excluded.record_id ELSE b.record_id END,"
                 " covered_s = excluded.covered_s, gaps = excluded.gaps,"
                 " estimated = excluded.estimated, first_s = excluded.first_s,"
                 " end_s = excluded.end_s, " DAY_GENERATION,
                 PG_ARGS(pg_number(from->record_id, record), hand,
                         pg_number(from->generation, generation))) &&
           ledger_day_write_parts(p, record, hand, generation, e) && day_cover(p, e) &&
           pg_do(p, e, NULL,
                 "UPDATE meterbeat.series s SET has_cost = true WHERE NOT has_cost"
                 " AND EXISTS (SELECT FROM stage_day d WHERE d.series_id = s.id AND d.costs > 0)",
                 PG_NO_ARGS);
}

bool ledger_day_list(struct pg *p, int64_t series_id, int64_t from_s, int64_t to_s,
                     struct ledger_day_write *ret_days, size_t max, size_t *ret_count,
                     struct err *e)
{
    char id[PG_NUMBER], from[PG_NUMBER], to[PG_NUMBER], limit[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT extract(epoch FROM day_start)::bigint, readings, costs, record_id,"
                 " total, cost_total"
                 " FROM meterbeat.day WHERE series_id = $1 AND day_start >= to_timestamp($2)"
                 " AND day_start < to_timestamp($3) ORDER BY day_start LIMIT $4",
                 PG_ARGS(pg_number(series_id, id), pg_number(from_s, from), pg_number(to_s, to),
                         pg_number((int64_t)max, limit)));
    if (!r)
        return false;
    for (int i = 0; i < PQntuples(r); i++)
        ret_days[i] = (struct ledger_day_write){.day_s = pg_int(r, i, 0, 0),
                                                .readings = pg_int(r, i, 1, 0),
                                                .costs = pg_int(r, i, 2, 0),
                                                .record_id = pg_int(r, i, 3, 0),
                                                .total = pg_double(r, i, 4, 0),
                                                .cost_total = pg_double(r, i, 5, 0)};
    *ret_count = (size_t)PQntuples(r);
    return true;
}
