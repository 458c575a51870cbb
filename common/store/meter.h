/* seed_meter: the row of a meter, made when it is first seen, and its link to the building. */
#ifndef METERBEAT_STORE_METER_H
#define METERBEAT_STORE_METER_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

/* Strings borrowed. */
struct meter_key {
    const char *building_id;     /* the record's; a number where SEED has the building */
    const char *name;            /* for display */
    const char *custom_meter_id; /* at most 100 bytes */
    int64_t energy_type;         /* SEED's code */
    int64_t energy_units;        /* SEED's code, or 1000 + ESPI's unit of measure */
    int64_t espi_type;           /* ESPI's service kind, which SEED's own tasks wrote */
    int64_t espi_units;          /* ESPI's unit of measure, likewise */
    double factor;               /* factor from ESPI's unit to energy_units */
    bool may_be_seeds;           /* a row that SEED made may be used (never for reverse flow) */
};

/*
 * In the caller's transaction. The row that SEED made for this meter and that no series uses yet,
 * converted to SEED's codes with its readings, or a new one; linked to the building if that exists.
 * Errors: those of pg_query.
 */
MUST_CHECK bool meter_claim(struct pg *p, const struct meter_key *key, int64_t *ret_meter_id,
                            struct err *e);
/* In the caller's transaction: sets the meter's codes to those of `key`, and multiplies each of its
 * readings in seed_timeseries by `factor`. */
MUST_CHECK bool meter_convert(struct pg *p, int64_t meter_id, const struct meter_key *key,
                              double factor, struct err *e);
/* In the caller's transaction, until its end: locks the meter's rows in seed_timeseries, which has
 * no unique key that would prevent duplicates. */
MUST_CHECK bool meter_hold(struct pg *p, int64_t meter_id, struct err *e);
/* Removes " (superseded)" (record_option.h) from its name. */
MUST_CHECK bool meter_counts_again(struct pg *p, int64_t meter_id, struct err *e);
/* Links it to its building if it is not yet; does nothing if SEED has no such building. */
MUST_CHECK bool meter_link(struct pg *p, int64_t meter_id, const char *building_id, struct err *e);

/* For people: the months of a building's meters, by meter and begin, at most `most`. NULL: as
 * pg_query. */
enum meter_month_column {
    MONTH_METER_ID,
    MONTH_NAME,
    MONTH_CUSTOM_METER_ID,
    MONTH_UNIT, /* SEED's code */
    MONTH_SERVICE,
    MONTH_FLOW,
    MONTH_BEGIN_S,
    MONTH_END_S,
    MONTH_READING,
    MONTH_COST,
    MONTH_CHANGED,     /* since it was summed */
    MONTH_ENERGY_TYPE, /* a code, also of a meter that only SEED wrote */
    MONTH_COVERED_S,   /* to MONTH_ESTIMATED: null where lengths of readings are not known */
    MONTH_EXPECTED_S,
    MONTH_GAPS,
    MONTH_READINGS,
    MONTH_ESTIMATED,
    MONTH_ZONE,
    MONTH_HAS_COVERAGE,
    MONTH_COUNTED_BY, /* the meter whose month is the same energy, and counts */
};
MUST_CHECK PGresult *meter_months(struct pg *p, const char *building_id, int64_t most,
                                  struct err *e);

#endif
