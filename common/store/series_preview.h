/* Series as a feed would have them, known or new, in a temporary table: for a dry run. */
#ifndef METERBEAT_STORE_SERIES_PREVIEW_H
#define METERBEAT_STORE_SERIES_PREVIEW_H

#include "common/store/series.h"

/* Empties the table, makes it when this connection has none. */
MUST_CHECK bool series_draft_open(struct pg *p, struct err *e);
/* As series_claim, but nothing becomes known: a new series gets an id below 0. */
MUST_CHECK bool series_draft_claim(struct pg *p, const struct series_claim *claim,
                                   enum series_owner *ret_owner, int64_t *ret_id, struct err *e);

struct series_draft {
    int64_t id;                    /* below 0: a new one */
    int64_t meter_id;              /* 0: a new one */
    int64_t unit;                  /* of its sums, as seed_meter.energy_units */
    double numerator, denominator; /* from the unit of its readings to that one */
    char time_zone[SERIES_ZONE];   /* of its days and months; "": the configured one */
    bool is_summable;
    char tags[SERIES_TAGS_TEXT]; /* JSON text */
};
/* False: ERR_RETRY "no_series". */
MUST_CHECK bool series_draft_get(struct pg *p, int64_t id, struct series_draft *ret_draft,
                                 struct err *e);
/*
 * From now on (or no longer) the server refuses whatever is not on temporary tables, on this
 * connection: the promise of a dry run is the database's to keep. Between transactions.
 */
MUST_CHECK bool series_draft_only(struct pg *p, bool only, struct err *e);

#endif
