/* SEED's codes for what a series measures, the exact factors to its units, and exact decimal text.
 * Pure. */
#ifndef METERBEAT_ESPI_UNITS_H
#define METERBEAT_ESPI_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* SEED's ENERGY_TYPES, for seed_meter.energy_type. Water has a code of SEED's that its list of
 * choices lacks. */
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
/* Units SEED has no code for are this plus ESPI's uom code, so that a row always tells its unit. */
#define SEED_UNIT_OF_ESPI 1000

/* An amount in the uom, times numerator over denominator, is the amount in the SEED unit: both are
 * exact (whole numbers, but for a heat content). */
struct units_seed {
    int unit; /* enum units_seed_unit, or SEED_UNIT_OF_ESPI + uom */
    double numerator;
    double denominator;
    bool energy; /* false: a volume, a power, a count...: it never enters a sum of energy */
};

/* What a volume of gas holds, in the units it was given in. */
struct units_heat {
    double amount;      /* above 0 */
    double joules;      /* in one unit of the heat */
    double cubic_metre; /* in one unit of the volume */
};

/* From ESPI's commodity where it says more, else the service kind; either may be ESPI_ABSENT. */
int units_seed_type(int64_t service_kind, int64_t commodity);
/* uom ESPI_ABSENT or beyond a 32-bit code: unit SEED_UNIT_OF_ESPI, not energy. */
struct units_seed units_seed_of(int64_t uom);
/*
 * "1037 Btu/ft3", "38.3 MJ/m3": a number above 0, one of Btu therm kWh MJ J, one of ft3 CCF m3 L.
 * False: ERR_REJECT "bad_heat_content".
 */
MUST_CHECK bool units_heat_read(const char *text, struct units_heat *ret_heat, struct err *e);
/* The same for gas (natural or propane) given by volume: therms. Another type or uom: as
 * units_seed_of. */
struct units_seed units_seed_of_gas(int seed_type, int64_t uom, const struct units_heat *heat);
/* In cubic metres: one of the uom; 0: no volume. */
double units_cubic_metres(int64_t uom);
/* The unit of a seed_meter row: "kWh", "therms", "Wh", the uom's word behind SEED_UNIT_OF_ESPI; a
 * code of ESPI's, as SEED's own tasks wrote, is its word too. NULL: a code without one. */
const char *units_seed_name(int64_t energy_units);
/* Likewise of seed_meter.energy_type, SEED's codes alone. */
const char *units_seed_type_name(int64_t energy_type);

/*
 * digits ("-123") times 10^exponent as plain decimal text without an exponent: "-0.123", "-123000".
 * False when it does not fit room, or the exponent is beyond +-60.
 */
MUST_CHECK bool units_scale_text(const char *digits, int64_t exponent, char *text, size_t room);

#endif
