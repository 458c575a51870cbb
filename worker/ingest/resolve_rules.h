/* What resolving decides by what the feed and a person say, before and after the database is asked:
 * pure. */
#ifndef METERBEAT_WORKER_INGEST_RESOLVE_RULES_H
#define METERBEAT_WORKER_INGEST_RESOLVE_RULES_H

#include "common/espi/correction.h"
#include "common/espi/reader.h"
#include "common/kairosdb/series_tags.h"
#include "common/store/series.h"
#include "common/store/staging.h"

/* --- why series are not stored --- */

/* Reasons are few, series may be many: each reason once, with the number of its series. */
#define RESOLVE_REASONS 12
struct resolve_reasons {
    struct {
        char code[32];
        size_t series;
        uint64_t readings;
    } of[RESOLVE_REASONS];
    size_t count;
};
/* Beyond RESOLVE_REASONS different ones it is left out. */
void reasons_add(struct resolve_reasons *reasons, const char *code, uint64_t readings);
/* "no_meter: 2 series, 96 readings; ...", cut to fit. */
void reasons_text(const struct resolve_reasons *reasons, char *out, size_t size);

/* --- series and meters --- */

/* Why a series with tags has no values that can be stored: "bad_multiplier"; NULL: it has. */
const char *series_fault(const struct espi_series *s);
/* "GreenButton electricity forward Wh 900 s": SEED's prefix, and what sets it apart for people. */
#define METER_NAME (5 * SERIES_TAG_BYTES)
void meter_name(const struct series_tags *tags, char out[METER_NAME]);

/* What is done once the store has said whose the tags are that a feed's series comes to. */
enum claim_next {
    CLAIM_DONE,        /* it is ours, or cannot be told apart: nothing more to try */
    CLAIM_DISTINGUISH, /* another meter has these tags: again, with tags that tell this one apart */
    CLAIM_TAKE_OVER, /* the record that named the meter first is paused or gone, and this one has no
                          series of its own of it yet: it goes on with that one */
    CLAIM_APART,     /* a meter belongs to the record that named it first: another record's readings
                          under its name are kept apart, in a series of that record's own */
};
/* is_distinguished: that was tried. has_own: the record has a series of its own of that meter. */
enum claim_next claim_next(enum series_owner owner, bool is_distinguished, bool has_own);

/* --- registers --- */

/* bulkQuantity, and summation: a register that counts at some times only. */
bool is_register_kind(const struct espi_series *s);
/* What accumulation 1 or 9 holds, by what a person decided ("deltas", "differences", "") and then by
 * what it was found to hold before. False: neither says, its values have to. */
bool register_decided(const char *option, bool is_known, bool is_register,
                      enum stage_register *ret_is);

/* --- bills --- */

/* Why a bill cannot be stored: "bill_without_period", ...; NULL: it can. */
const char *bill_fault(const struct correction *c, const struct espi_bill *b);
/* Who is billed for what: a series without readings. A bill has a multiplier and a time of its own. */
struct espi_series bill_series(const struct correction *c, const struct espi_bill *b);
/* A bill's meter is one of its own: it never adds up with the intervals of the same usage point. */
void bill_tags(struct series_tags *tags);

/* --- what else was found --- */

/* Of problems that are not counted elsewhere: each code, how often, and the first location, in the
 * order of the first; `apart` meters that another record named first, at the end. Cut to fit. */
void told_text(const struct espi_problem *const *problems, size_t count, size_t apart, char *out,
               size_t size);

#endif
