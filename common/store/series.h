/* meterbeat.series: what a KairosDB series is, whose it is, and the meter that it is summed
 * into. */
#ifndef METERBEAT_STORE_SERIES_H
#define METERBEAT_STORE_SERIES_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/meter.h"
#include "common/store/pg.h"

/* Strings borrowed. */
struct series_claim {
    const char *tag_key; /* the identity in KairosDB */
    const char *tags;    /* the same as JSON */
    const char *source;  /* the meter's full name in the feed */
    int64_t record_id;
    bool is_summable;
    double numerator, denominator; /* factor from the feed's uom to meter.energy_units */
    /* for the days and months of a new series; NULL: the configured one. A series keeps the zone of
     * its first day */
    const char *time_zone;
    /* a series that another record feeds keeps that record, which can be fetched again, and its
     * decisions: unit and zone */
    bool is_manual;
    bool takes_over;          /* includes series that another record feeds */
    const char *energy_group; /* series of one group measure the same energy; NULL: no group */
    const char *energy_part;  /* "": the whole, else which part (a tariff's, a phase's) */
    int64_t energy_rank;      /* of a part, the lowest counts (series_energy_of) */
    struct meter_key meter;   /* for a new series, and its codes */
};

/*
 * Whether both sources are the same meter. A source ends with "@" and the scope within which its
 * meter's id is unique, or has no scope. One with nothing after the "@" was imported, from an
 * unknown subscription: the first subscription with the same meter is assumed to own it. Pure.
 */
bool series_is_adopted(const char *known, const char *claimed);
/* For a source with an empty scope: replaces it, in place, by that of the building's oldest series
 * with the same meter in any scope, if there is one. Errors: those of pg_query. */
MUST_CHECK bool series_find_source(struct pg *p, const char *building_id, char *source, size_t size,
                                   struct err *e);

/* Whether a series that record_id feeds keeps everything but its readings (is_manual). Pure. */
bool series_is_anothers(const struct series_claim *claim, int64_t record_id);

/* Whether a series with this identity exists. */
MUST_CHECK bool series_is_known(struct pg *p, const char *tag_key, bool *ret_known, struct err *e);

enum series_owner {
    SERIES_OURS,     /* new, or known with this source */
    SERIES_TAKEN,    /* another meter has these tags: they must be made different */
    SERIES_ANOTHERS, /* belongs to another record that is active, and requests something else */
    SERIES_LEFT,     /* belongs to another record that is paused or gone */
};

/* Until the end of the caller's transaction: one claim at a time for a building's series. */
MUST_CHECK bool series_lock(struct pg *p, const char *building_id, struct err *e);
/*
 * In the transaction of series_lock. If a series' unit has changed (SEED's codes instead of ESPI's,
 * a heat content), its meter's readings are converted. *ret_id is set if the series is ours.
 * Errors: those of pg_query.
 */
MUST_CHECK bool series_claim(struct pg *p, const struct series_claim *claim,
                             enum series_owner *ret_owner, int64_t *ret_id, struct err *e);
/* In the transaction of series_lock: updates seed_meter.name of the building's meters that measure
 * the same energy as another one, to say so. */
MUST_CHECK bool series_mark_same(struct pg *p, const char *building_id, struct err *e);
/* What a series of accumulation 1 was found to hold before; *ret_known false: nothing yet. */
MUST_CHECK bool series_register(struct pg *p, int64_t id, bool *ret_known, bool *ret_is_register,
                                struct err *e);
MUST_CHECK bool series_set_register(struct pg *p, int64_t id, bool is_register, struct err *e);
/* In the task's transaction: stores the last staged reading before to_s of each register, from
 * which the next window's first difference is computed. */
MUST_CHECK bool series_store_registers(struct pg *p, int64_t to_s, struct err *e);

#define SERIES_ZONE 64

struct series_facts {
    char tags[2800];             /* JSON */
    char time_zone[SERIES_ZONE]; /* "": the configured one */
};
/* False: ERR_RETRY "no_series" if it has been removed. */
MUST_CHECK bool series_facts(struct pg *p, int64_t id, struct series_facts *ret_facts,
                             struct err *e);

/* Series that have days in the ledger, and their span. */
#define SERIES_TAGS_TEXT 2800
struct series_ledger {
    int64_t id, meter_id;
    int64_t record_id; /* the record that last wrote it */
    bool has_cost, is_summable;
    int64_t first_day_s, last_day_s; /* of its ledger within the requested span */
    char time_zone[64];              /* of its days; "": the configured one */
    char tags[SERIES_TAGS_TEXT];     /* JSON text */
};
/* Which of them; building_id NULL, meter_id 0: all. Days that begin in [from_s, to_s). */
struct series_question {
    const char *building_id;
    int64_t meter_id, from_s, to_s, after_id;
};
/* At most `max` after after_id, by id: page by page, so that memory does not grow with their
 * number. Errors: those of pg_query. */
MUST_CHECK bool series_page(struct pg *p, const struct series_question *q,
                            struct series_ledger *ret_series, size_t max, size_t *ret_count,
                            struct err *e);
/* Their total number; after_id is ignored. */
MUST_CHECK bool series_count(struct pg *p, const struct series_question *q, int64_t *ret_count,
                             struct err *e);

/* Series after after_id, in order and at most `max`, with days that were stored within the last
 * within_s and longer than settle_s ago; first and last refer to these days alone. */
MUST_CHECK bool series_ledger_page(struct pg *p, int64_t within_s, int64_t settle_s,
                                   int64_t after_id, struct series_ledger *ret_series, size_t max,
                                   size_t *ret_count, struct err *e);

#endif
