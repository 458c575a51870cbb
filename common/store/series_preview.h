/* A feed's series, known or new, in a temporary table: for a dry run. */
#ifndef METERBEAT_STORE_SERIES_PREVIEW_H
#define METERBEAT_STORE_SERIES_PREVIEW_H

#include "common/store/series.h"

/* Empties the table, or makes it if this connection has none. */
MUST_CHECK bool series_preview_open(struct pg *p, struct err *e);
/* As series_claim, but stores nothing permanently: a new series gets an id below 0. */
MUST_CHECK bool series_preview_claim(struct pg *p, const struct series_claim *claim,
                                     enum series_owner *ret_owner, int64_t *ret_id, struct err *e);

struct series_preview {
    int64_t id;                    /* below 0: a new one */
    int64_t meter_id;              /* 0: a new one */
    int64_t unit;                  /* of its sums: seed_meter.energy_units */
    double numerator, denominator; /* factor from the unit of its readings to that */
    char time_zone[SERIES_ZONE];   /* of its days and months; "": the configured one */
    bool is_summable;
    char tags[SERIES_TAGS_TEXT]; /* JSON text */
};
/* False: ERR_RETRY "no_series". */
MUST_CHECK bool series_preview_get(struct pg *p, int64_t id, struct series_preview *ret_draft,
                                   struct err *e);
/* Between transactions. From now on (or no longer) the server rejects all writes on this connection
 * except to temporary tables: the database guarantees that a dry run changes nothing. */
MUST_CHECK bool series_preview_only(struct pg *p, bool only, struct err *e);

#endif
