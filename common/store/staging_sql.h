/* The SQL of staging.c: its temporary tables and queries; private to common/store. */
#ifndef METERBEAT_STORE_STAGING_SQL_H
#define METERBEAT_STORE_STAGING_SQL_H

/* espi_length() in SQL: the last second is often given in place of the end. */
#define STAGING_LENGTH(seconds)                                                                    \
    "CASE WHEN " seconds " BETWEEN 1 AND 4294967294 AND " seconds " % 60 = 59 THEN " seconds       \
    " + 1 ELSE " seconds " END"

/* stage_placed: each reading with its series, start, length and age, as far as known. */
/* clang-format off */
#define STAGING_TABLES                                                                             \
    "CREATE TEMPORARY TABLE stage_reading (seq bigint, group_id bigint, entry bigint,"             \
    " ordinal bigint, start_s bigint, duration_s bigint, value bigint, cost bigint,"               \
    " quality bigint, tou bigint, tier bigint, cpp bigint, value_exponent bigint,"                 \
    " cost_exponent bigint, is_placed boolean, is_estimated boolean);"                             \
    "CREATE TEMPORARY TABLE stage_entry (entry bigint, updated_s bigint);"                         \
    "CREATE TEMPORARY TABLE stage_group (group_id bigint, feed_series bigint, series_id bigint,"   \
    " exponent bigint, interval_s bigint, is_estimated boolean, is_summable boolean,"              \
    " has_costs boolean, is_register boolean NOT NULL DEFAULT false);"                             \
    "CREATE TEMPORARY TABLE stage_day (series_id bigint, day_s bigint, month_s bigint,"            \
    " month_end_s bigint, readings bigint, costs bigint, covered_s bigint, gaps bigint,"           \
    " estimated bigint, first_s bigint, end_s bigint, is_part boolean,"                            \
    " total double precision, cost_total double precision);"                                       \
    "CREATE TEMPORARY TABLE stage_bill (seq bigint, series_id bigint, start_s bigint,"             \
    " length_s bigint, value bigint, exponent bigint, cost bigint, updated_s bigint);"             \
    "CREATE TEMPORARY VIEW stage_placed AS SELECT r.seq, g.series_id, g.feed_series,"              \
    " g.exponent + r.value_exponent AS exponent, r.value, CASE WHEN g.has_costs THEN r.cost END"   \
    " AS cost, r.cost_exponent, r.quality, r.tou, r.tier, r.cpp,"                                  \
    " CASE WHEN r.is_placed THEN r.start_s"                                                        \
    " WHEN g.interval_s > 0 AND r.start_s BETWEEN -100000000000 AND 100000000000"                  \
    " AND g.interval_s <= 4294967295"                                                              \
    " THEN r.start_s + r.ordinal * " STAGING_LENGTH("g.interval_s") " END AS start_s,"             \
    " coalesce(" STAGING_LENGTH("nullif(r.duration_s, 0)") ","                                     \
    " " STAGING_LENGTH("g.interval_s") ", 0) AS length_s,"                                         \
    " coalesce(n.updated_s, -9223372036854775807) AS updated_s,"                                   \
    " coalesce(r.is_estimated, g.is_estimated, false) AS is_estimated, g.is_register,"             \
    " g.is_summable"                                                                               \
    " FROM stage_reading r JOIN stage_group g USING (group_id)"                                    \
    " LEFT JOIN stage_entry n USING (entry)"
/* clang-format on */

#define STAGING_TRUNCATE "TRUNCATE stage_reading, stage_entry, stage_group, stage_day, stage_bill"
#define STAGING_DELETE                                                                             \
    "DELETE FROM stage_reading; DELETE FROM stage_entry; DELETE FROM stage_group;"                 \
    "DELETE FROM stage_day; DELETE FROM stage_bill"

/* Two numbers of one reading's series, with a common exponent. */
#define STAGING_ALIGNED(value, exponent, other)                                                    \
    "(" value "::numeric * 10::numeric ^ (" exponent " - least(" exponent ", " other ")))"
/* An exact difference; one too large for a bigint becomes a value that no register can produce. */
#define STAGING_STEP_LARGEST "9223372036854775807"

/*
 * Readings with their series; for a register, the differences between consecutive ones, the first
 * from where its last window ended. A step down (reset, new meter) yields none, nor does one up by
 * more than 64 bits hold.
 */
/* clang-format off */
#define STAGING_DIFFERENCES                                                                        \
    " (SELECT series_id, start_s, cost, cost_exponent, quality, tou, tier, cpp, is_estimated,"     \
    " is_register, is_summable, seq, updated_s,"                                                   \
    " CASE WHEN NOT is_register THEN value"                                                        \
    " WHEN abs(step) <= " STAGING_STEP_LARGEST " THEN step::bigint"                                \
    " WHEN step IS NOT NULL THEN -1 END AS value,"                                                 \
    " CASE WHEN is_register THEN least(exponent, next_exponent) ELSE exponent END AS exponent,"    \
    " CASE WHEN is_register THEN next_s - start_s ELSE length_s END AS length_s"                   \
    " FROM (SELECT *, " STAGING_ALIGNED("next_value", "next_exponent", "exponent")                 \
    " - " STAGING_ALIGNED("value", "exponent", "next_exponent") " AS step"                         \
    " FROM (SELECT *, lead(value) OVER next AS next_value,"                                        \
    " lead(exponent) OVER next AS next_exponent, lead(start_s) OVER next AS next_s"                \
    " FROM (SELECT DISTINCT ON (series_id, start_s) *"                                             \
    " FROM (SELECT series_id, start_s, value, exponent, cost, cost_exponent, quality, tou, tier,"  \
    " cpp, length_s, is_estimated, is_register, is_summable, seq, updated_s"                       \
    " FROM stage_placed"                                                                           \
    " WHERE series_id IS NOT NULL AND start_s >= 100000000 AND start_s < 10000000000"              \
    " UNION ALL SELECT s.id, s.register_s, s.register_value, s.register_exponent, NULL, 0, NULL,"  \
    " NULL, NULL, NULL, 0, false, true, true, -1, -9223372036854775807"                            \
    " FROM meterbeat.series s WHERE s.register_s IS NOT NULL"                                      \
    " AND s.id IN (SELECT series_id FROM stage_group WHERE is_register)"                           \
    " AND s.register_s < (SELECT min(p.start_s) FROM stage_placed p WHERE p.series_id = s.id)"     \
    ") each_reading"                                                                               \
    " ORDER BY series_id, start_s, updated_s DESC, seq DESC) one_each"                             \
    " WINDOW next AS (PARTITION BY series_id ORDER BY start_s)) with_next) steps) differences "
/* clang-format on */

/*
 * from, to, bill: SQL of epoch seconds, for instance "$1". Times that no meter reading can have
 * count as outside. A value that is not an amount is not a bill, whatever its length (a month's
 * peak demand).
 */
#define STAGING_POINT(from, to, bill)                                                              \
    " series_id IS NOT NULL AND start_s >= 100000000"                                              \
    " AND start_s < least(" to "::bigint, 10000000000) AND CASE WHEN length_s < " bill "::bigint"  \
    " THEN start_s >= " from "::bigint ELSE NOT is_summable AND length_s <= 4294967295 END "
/* Bills are taken whenever they come: they are published long after their first day. */
#define STAGING_BILL(to, bill)                                                                     \
    " series_id IS NOT NULL AND start_s >= 100000000"                                              \
    " AND start_s < least(" to "::bigint, 10000000000)"                                            \
    " AND is_summable AND length_s >= " bill "::bigint AND length_s <= 4294967295 "

#endif
