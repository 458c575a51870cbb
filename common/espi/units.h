/* SEED's codes for what a series measures, exact conversion factors, and exact decimal text.
 * Pure. */
#ifndef METERBEAT_ESPI_UNITS_H
#define METERBEAT_ESPI_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* SEED's ENERGY_TYPES, for seed_meter.energy_type. SEED has a code for water that is missing from
 * its list of choices. */
enum units_seed_type {
    SEED_NATURAL_GAS = 1,
    SEED_ELECTRICITY = 2,
    SEED_DISTRICT_STEAM = 8,
    SEED_DISTRICT_HOT_WATER = 9,
    SEED_DISTRICT_CHILLED_WATER = 10,
    SEED_PROPANE = 11,
    SEED_OTHER = 20,
    SEED_WATER = 21,
};

/* SEED's ENERGY_UNITS, for seed_meter.energy_units. */
enum units_seed_unit { SEED_KWH = 1, SEED_THERMS = 2, SEED_WH = 3 };
/* For units without a code in SEED, this is added to ESPI's uom code, so that every row names its
 * unit. */
#define SEED_UNIT_OF_ESPI 1000

/* An amount in the uom times numerator / denominator is the amount in the SEED unit. Both are exact
 * (whole numbers, except for a heat content). */
struct units_seed {
    int unit; /* enum units_seed_unit, or SEED_UNIT_OF_ESPI + uom */
    double numerator;
    double denominator;
    bool energy; /* false: a volume, a power, a count...: never part of a sum of energy */
};

/* The heat content of a volume of gas, in the units in which it was given. */
struct units_heat {
    double amount;      /* above 0 */
    double joules;      /* in joules per unit of the heat */
    double cubic_metre; /* in cubic metres per unit of the volume */
};

/* From ESPI's commodity where it is more specific, else from the service kind; either may be
 * ESPI_ABSENT. */
int units_seed_type(int64_t service_kind, int64_t commodity);
/* If uom is ESPI_ABSENT or beyond a 32-bit code: unit SEED_UNIT_OF_ESPI, not energy. */
struct units_seed units_seed_of(int64_t uom);
/* Parses "1037 Btu/ft3" or "38.3 MJ/m3": a number above 0, one of Btu therm kWh MJ J, one of ft3
 * CCF m3 L. False: ERR_REJECT "bad_heat_content". */
MUST_CHECK bool units_heat_read(const char *text, struct units_heat *ret_heat, struct err *e);
/* The same for gas (natural or propane) measured by volume: therms. For another type or uom: as
 * units_seed_of. */
struct units_seed units_seed_of_gas(int seed_type, int64_t uom, const struct units_heat *heat);
/* One uom in cubic metres; 0: not a volume. */
double units_cubic_metres(int64_t uom);
/* The name of a seed_meter row's unit: "kWh", "therms", "Wh", or the uom's name for codes above
 * SEED_UNIT_OF_ESPI and for ESPI's own codes, which SEED's tasks wrote. NULL: unknown code. */
const char *units_seed_name(int64_t energy_units);
/* Likewise for seed_meter.energy_type; SEED's codes only. */
const char *units_seed_type_name(int64_t energy_type);

/* Writes digits ("-123") times 10^exponent as plain decimal text without an exponent: "-0.123",
 * "-123000". False if it does not fit room, or the exponent is beyond +-60. */
MUST_CHECK bool units_scale_text(const char *digits, int64_t exponent, char *text, size_t room);

#endif
