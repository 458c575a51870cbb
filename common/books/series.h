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
    struct meter_key meter; /* for a new series */
};

enum series_owner {
    SERIES_OURS,  /* new, or known with this source */
    SERIES_TAKEN, /* another meter has these tags: they must be told apart */
};

/* One claim at a time of a building's series, until the caller's transaction ends. */
MUST_CHECK bool series_lock(struct pg *p, const char *building_id, struct err *e);
/* Inside the transaction of series_lock. *ret_id is set when the series is ours. Errors: those of
 * pg_query. */
MUST_CHECK bool series_claim(struct pg *p, const struct series_claim *claim,
                             enum series_owner *ret_owner, int64_t *ret_id, struct err *e);
/* The series' tags as JSON text into out. False: ERR_RETRY "no_series": gone meanwhile. */
MUST_CHECK bool series_tags_text(struct pg *p, int64_t id, char *out, size_t size, struct err *e);

#endif
