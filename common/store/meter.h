/* seed_meter: the row of a meter, made when it is first seen, and its link to the building. */
#ifndef METERBEAT_STORE_METER_H
#define METERBEAT_STORE_METER_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

/* Strings borrowed. */
struct meter_key {
    const char *building_id;     /* the record's; a number where SEED has the building */
    const char *name;            /* for people */
    const char *custom_meter_id; /* at most 100 bytes */
    int64_t energy_type;         /* SEED's code */
    int64_t energy_units;        /* SEED's code, or 1000 + ESPI's unit of measure */
    int64_t espi_type;           /* ESPI's service kind: what SEED's own tasks wrote */
    int64_t espi_units;          /* ESPI's unit of measure, likewise */
    double factor;               /* a reading in ESPI's unit times this is one in energy_units */
    bool may_be_seeds;           /* a row that SEED made may be this one (never for reverse flow) */
};

/* Inside the caller's transaction. The meter that SEED made for it and no series has yet, now in
 * SEED's codes and with its readings in their unit, or a new one; linked to the building where
 * there is one. Errors: those of pg_query. */
MUST_CHECK bool meter_claim(struct pg *p, const struct meter_key *key, int64_t *ret_meter_id,
                            struct err *e);
/* Inside the caller's transaction: the meter's codes are those of `key` from now on, and each of
 * its readings in seed_timeseries is multiplied by `factor`. */
MUST_CHECK bool meter_convert(struct pg *p, int64_t meter_id, const struct meter_key *key,
                              double factor, struct err *e);
/* Inside the caller's transaction: until its end nobody else adds or changes rows of the meter in
 * seed_timeseries, which has no unique key that would keep a row from being added twice. */
MUST_CHECK bool meter_hold(struct pg *p, int64_t meter_id, struct err *e);
/* Takes " (superseded)" (record_option.h) off its name. */
MUST_CHECK bool meter_counts_again(struct pg *p, int64_t meter_id, struct err *e);
/* Links it to its building unless it is; does nothing when SEED has no such building. */
MUST_CHECK bool meter_link(struct pg *p, int64_t meter_id, const char *building_id, struct err *e);

#endif
