/* meterbeat.series: what one KairosDB series is, whose it is, and the meter it is summed into. */
#ifndef METERBEAT_BOOKS_SERIES_H
#define METERBEAT_BOOKS_SERIES_H

#include "base/attr.h"
#include "base/err.h"
#include "books/meter.h"
#include "books/pg.h"

/* Strings borrowed. */
struct series_claim {
    const char *tag_key; /* the identity in KairosDB */
    const char *tags;    /* the same as JSON */
    const char *source;  /* what the feed calls the meter in full */
    int64_t record_id;
    bool is_summable;
    double numerator, denominator; /* from the feed's uom to meter.energy_units */
    const char *time_zone;  /* of a new series' days and months; NULL: the configured one. A series
                               keeps the one its first day was booked by */
    struct meter_key meter; /* for a new series, and its codes */
};

enum series_owner {
    SERIES_OURS,  /* new, or known with this source */
    SERIES_TAKEN, /* another meter has these tags: they must be told apart */
};

/* One claim at a time of a building's series, until the caller's transaction ends. */
MUST_CHECK bool series_lock(struct pg *p, const char *building_id, struct err *e);
/* Inside the transaction of series_lock. A series whose unit is another than before (SEED's codes
 * instead of ESPI's, a heat content) has its meter's readings converted with it. *ret_id is set
 * when the series is ours. Errors: those of pg_query. */
MUST_CHECK bool series_claim(struct pg *p, const struct series_claim *claim,
                             enum series_owner *ret_owner, int64_t *ret_id, struct err *e);
/* What a series of accumulation 1 was found to hold; *ret_known false: nothing yet. */
MUST_CHECK bool series_register(struct pg *p, int64_t id, bool *ret_known, bool *ret_is_register,
                                struct err *e);
MUST_CHECK bool series_set_register(struct pg *p, int64_t id, bool is_register, struct err *e);
/* Inside the task's transaction: the last staged reading before to_s of each register, from which
 * the next window's first difference is taken. */
MUST_CHECK bool series_book_registers(struct pg *p, int64_t to_s, struct err *e);

#define SERIES_ZONE 64

struct series_facts {
    char tags[2800];             /* JSON */
    char time_zone[SERIES_ZONE]; /* "": the configured one */
};
/* False: ERR_RETRY "no_series": gone meanwhile. */
MUST_CHECK bool series_facts(struct pg *p, int64_t id, struct series_facts *ret_facts,
                             struct err *e);

#endif
