/* The temporary tables of stage.c and what is asked of them; private to common/books. */
#ifndef METERBEAT_BOOKS_STAGE_SQL_H
#define METERBEAT_BOOKS_STAGE_SQL_H

/* stage_placed: each reading with its series, start, length and age, as far as they are known. */
#define STAGE_TABLES                                                                               \
    "CREATE TEMPORARY TABLE stage_reading (seq bigint, group_id bigint, entry bigint,"             \
    " ordinal bigint, start_s bigint, duration_s bigint, value bigint, cost bigint,"               \
    " quality bigint, tou bigint, is_placed boolean, is_estimated boolean);"                       \
    "CREATE TEMPORARY TABLE stage_entry (entry bigint, updated_s bigint);"                         \
    "CREATE TEMPORARY TABLE stage_group (group_id bigint, feed_series bigint, series_id bigint,"   \
    " exponent bigint, interval_s bigint, is_estimated boolean, is_summable boolean,"              \
    " is_register boolean NOT NULL DEFAULT false);"                                                \
    "CREATE TEMPORARY TABLE stage_day (series_id bigint, day_s bigint, month_s bigint,"            \
    " month_end_s bigint, readings bigint, costs bigint, covered_s bigint, gaps bigint,"           \
    " estimated bigint, first_s bigint, end_s bigint, is_part boolean,"                            \
    " total double precision, cost_total double precision);"                                       \
    "CREATE TEMPORARY TABLE stage_bill (seq bigint, series_id bigint, start_s bigint,"             \
    " length_s bigint, value bigint, exponent bigint, cost bigint, updated_s bigint);"             \
    "CREATE TEMPORARY VIEW stage_placed AS SELECT r.seq, g.series_id, g.feed_series, g.exponent, " \
    "r.value,"                                                                                     \
    " r.cost, r.quality, r.tou, CASE WHEN r.is_placed THEN r.start_s"                              \
    " WHEN g.interval_s > 0 AND r.start_s BETWEEN -100000000000 AND 100000000000"                  \
    " AND g.interval_s <= 4294967295 THEN r.start_s + r.ordinal * g.interval_s END AS start_s,"    \
    " coalesce(nullif(r.duration_s, 0), g.interval_s, 0) AS length_s,"                             \
    " coalesce(n.updated_s, -9223372036854775807) AS updated_s,"                                   \
    " coalesce(r.is_estimated, g.is_estimated, false) AS is_estimated, g.is_register,"             \
    " g.is_summable"                                                                               \
    " FROM stage_reading r JOIN stage_group g USING (group_id)"                                    \
    " LEFT JOIN stage_entry n USING (entry)"

#define STAGE_TRUNCATE "TRUNCATE stage_reading, stage_entry, stage_group, stage_day, stage_bill"
#define STAGE_DELETE                                                                               \
    "DELETE FROM stage_reading; DELETE FROM stage_entry; DELETE FROM stage_group;"                 \
    "DELETE FROM stage_day; DELETE FROM stage_bill"

/* Readings with their series; a register's differences from one to the next instead, which begin
 * where its last window ended. A fallen register (reset, exchanged) has none there. */
#define STAGE_DIFFERENCES                                                                          \
    " (SELECT series_id, start_s, exponent, cost, quality, tou, is_estimated, is_register, "       \
    "is_summable, seq,"                                                                            \
    " updated_s,"                                                                                  \
    " CASE WHEN NOT is_register THEN value WHEN lead(exponent) OVER next = exponent"               \
    " THEN lead(value) OVER next - value END AS value,"                                            \
    " CASE WHEN is_register THEN lead(start_s) OVER next - start_s ELSE length_s END AS length_s"  \
    " FROM (SELECT DISTINCT ON (series_id, start_s) * FROM (SELECT series_id, start_s, value,"     \
    " exponent, cost, quality, tou, length_s, is_estimated, is_register, is_summable, seq, "       \
    "updated_s"                                                                                    \
    " FROM stage_placed"                                                                           \
    " WHERE series_id IS NOT NULL AND start_s >= 100000000 AND start_s < 10000000000"              \
    " UNION ALL SELECT s.id, s.register_s, s.register_value, s.register_exponent, NULL, NULL, "    \
    "NULL, 0, false,"                                                                              \
    " true, true, -1, -9223372036854775807 FROM meterbeat.series s WHERE s.register_s IS NOT NULL" \
    " AND s.id IN (SELECT series_id FROM stage_group WHERE is_register) AND s.register_s <"        \
    " (SELECT min(p.start_s) FROM stage_placed p WHERE p.series_id = s.id)) each_reading"          \
    " ORDER BY series_id, start_s, updated_s DESC, seq DESC) one_each"                             \
    " WINDOW next AS (PARTITION BY series_id ORDER BY start_s)) differences "

/* from, to, bill: SQL of epoch seconds, "$1" for instance. Times that no reading of a meter can
 * have are outside as well. What is no amount is no bill however long it lasts (the largest demand
 * of a month). */
#define STAGE_POINT(from, to, bill)                                                                \
    " series_id IS NOT NULL AND start_s >= 100000000"                                              \
    " AND start_s < least(" to "::bigint, 10000000000) AND CASE WHEN length_s < " bill "::bigint"  \
    " THEN start_s >= " from "::bigint ELSE NOT is_summable AND length_s <= 4294967295 END "
/* What lasts so long is taken whenever it comes: it is published long after its first day. */
#define STAGE_BILL(to, bill)                                                                       \
    " series_id IS NOT NULL AND start_s >= 100000000"                                              \
    " AND start_s < least(" to "::bigint, 10000000000)"                                            \
    " AND is_summable AND length_s >= " bill "::bigint AND length_s <= 4294967295 "

#endif
