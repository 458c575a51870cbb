/* The decisions of resolve that need no database: they depend only on the feed, on what a person
 * decided, and on what the store answered. Pure. */
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

/* What to do once the store has said whose series has the tags of a feed's series. */
enum claim_next {
    CLAIM_DONE,        /* it is ours, or it cannot be told apart: nothing more to try */
    CLAIM_DISTINGUISH, /* another meter has these tags: try again with tags that tell them apart */
    CLAIM_TAKE_OVER, /* the record that named the meter first is paused or gone, and this one has no
                          series of its own for it: it takes that series over */
    CLAIM_APART, /* a meter belongs to the record that named it first: readings of another record
                          go to a series of that record's own */
};
/* is_distinguished: CLAIM_DISTINGUISH was tried. has_own: the record has its own series of the
 * meter. */
enum claim_next claim_next(enum series_owner owner, bool is_distinguished, bool has_own);

/* --- registers --- */

/* bulkQuantity, and summation (a register that counts at some times only). */
bool is_register_kind(const struct espi_series *s);
/* Whether accumulation 1 or 9 is a register, by what a person decided ("deltas", "differences", or
 * ""), else by what was found before. False: neither says; its values decide. */
bool register_decided(const char *option, bool is_known, bool is_register,
                      enum staging_register *ret_is);

/* --- bills --- */

/* Why a bill cannot be stored: "bill_without_period", ...; NULL: it can. */
const char *bill_fault(const struct correction *c, const struct espi_bill *b);
/* The billed meter as a series without readings. Corrections of multiplier and time do not apply to
 * bills. */
struct espi_series bill_series(const struct correction *c, const struct espi_bill *b);
/* A bill has its own meter, so that it is never summed with the intervals of the usage point. */
void bill_tags(struct series_tags *tags);

/* --- what else was found --- */

/* Problems that are not counted elsewhere: each code with its number and first location, in order
 * of these; last, how many meters another record named first (`apart`). Cut to fit. */
void told_text(const struct espi_problem *const *problems, size_t count, size_t apart, char *out,
               size_t size);

#endif
