/* The result of one parse or import: each step fills in its part. */
#include "worker/ingest/parse_result.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/clock.h"

json_t *result_json(const struct ingest_request *r, const struct ingest_result *result)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "record", (json_int_t)r->arguments.record_id,
                     "readings", (json_int_t)result->counts.readings, "points",
                     (json_int_t)result->points, "bills", (json_int_t)result->bills, "months",
                     (json_int_t)result->months);
}

void result_summary(const struct ingest_request *r, const struct ingest_result *result,
                    char out[RESULT_SUMMARY])
{
    char from[CLOCK_TEXT], to[CLOCK_TEXT];
    const struct staging_counts *c = &result->counts;
    const struct window *w = &r->next.window;
    snprintf(out, RESULT_SUMMARY,
             "%.10s to %.10s: %" PRId64 " readings of %zu series; %" PRId64 " to KairosDB, %" PRId64
             " costs, %" PRId64 " bills changed, %" PRId64 " months to sum; outside %" PRId64
             ", repeated %" PRId64 ", contradicted %" PRId64 ", overlapping %" PRId64
             ", without time %" PRId64 "%s%s%s%s%s%s%s%s",
             clock_format_utc(w->from_s * 1000, from), clock_format_utc(w->to_s * 1000, to),
             c->readings, result->series, result->points, result->costs, result->bills,
             result->months, c->outside, c->repeated, c->contradicted, result->overlapping,
             c->unplaced, result->unresolved[0] ? "; not stored: " : "", result->unresolved,
             result->skipped[0] ? "; not read: " : "", result->skipped,
             r->corrected[0] ? "; corrected: " : "", r->corrected,
             result->told[0] ? "; told: " : "", result->told);
}

void result_free(struct ingest_result *result)
{
    json_decref(result->returned);
    result->returned = NULL;
}
