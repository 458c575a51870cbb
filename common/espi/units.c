/* SEED's codes for what a series measures, the exact factors to its units, and exact decimal text.
 */
#include "common/espi/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/espi/feed_series.h"
#include "common/espi/series_names.h"

#define EXPONENT_MAX 60

/* ESPI's codes that are used here */
enum { SERVICE_ELECTRICITY = 0, SERVICE_GAS = 1, SERVICE_WATER = 2, SERVICE_HEAT = 4 };
enum { UOM_JOULE = 31, UOM_WH = 72, UOM_BTU = 132, UOM_THERM = 169 };

struct type_of_commodity {
    int64_t commodity;
    int type;
};

int units_seed_type(int64_t service_kind, int64_t commodity)
{
    static const struct type_of_commodity types[] = {
        {1, SEED_ELECTRICITY},
        {2, SEED_ELECTRICITY},
        {7, SEED_NATURAL_GAS},
        {8, SEED_PROPANE},
        {9, SEED_WATER},
        {10, SEED_DISTRICT_STEAM},
        {12, SEED_DISTRICT_HOT_WATER},
        {13, SEED_DISTRICT_CHILLED_WATER},
        {14, SEED_WATER},
        {26, SEED_ELECTRICITY},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].commodity == commodity)
            return types[i].type;
    switch (service_kind) {
    case SERVICE_ELECTRICITY:
        return SEED_ELECTRICITY;
    case SERVICE_GAS:
        return SEED_NATURAL_GAS;
    case SERVICE_WATER:
        return SEED_WATER;
    case SERVICE_HEAT:
        return SEED_DISTRICT_HOT_WATER;
    default:
        return SEED_OTHER;
    }
}

struct units_seed units_seed_of(int64_t uom)
{
    switch (uom) {
    case UOM_WH:
        return (struct units_seed){SEED_WH, 1, 1, true};
    case UOM_JOULE: /* 1 Wh = 3600 J, by definition of the hour and the watt */
        return (struct units_seed){SEED_WH, 1, 3600, true};
    case UOM_THERM:
        return (struct units_seed){SEED_THERMS, 1, 1, true};
    case UOM_BTU: /* 1 therm = 100,000 Btu, both of the International Table (NIST SP 811, appendix
                     B.8) */
        return (struct units_seed){SEED_THERMS, 1, 100000, true};
    default:
        break;
    }
    int code = uom >= 0 && uom <= INT32_MAX - SEED_UNIT_OF_ESPI ? (int)uom : 0;
    return (struct units_seed){SEED_UNIT_OF_ESPI + code, 1, 1, false};
}

/* --- gas by volume ------------------------------------------------------------------------- */
/* 1 Btu = 1055.05585262 J, 1 therm = 100,000 of them; 1 ft = 0.3048 m, 1 US gal = 231 in3, 1 UK gal
 * = 4.54609 L: all exact (NIST SP 811, appendix B). */
#define JOULES_BTU 1055.05585262
#define JOULES_THERM 105505585.262
#define METRES_FT3 0.028316846592

struct named {
    const char *name;
    double value;
};

static double value_of(const struct named *list, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i].name) == len && !memcmp(list[i].name, name, len))
            return list[i].value;
    return 0;
}

bool units_heat_read(const char *text, struct units_heat *ret_heat, struct err *e)
{
    static const struct named heats[] = {
        {"Btu", JOULES_BTU}, {"therm", JOULES_THERM}, {"kWh", 3.6e6}, {"MJ", 1e6}, {"J", 1}};
    static const struct named volumes[] = {
        {"ft3", METRES_FT3}, {"CCF", 2.8316846592}, {"m3", 1}, {"L", 0.001}};
    char *end;
    double amount = strtod(text, &end);
    size_t blanks = strspn(end, " "), heat_len = strcspn(end + blanks, "/");
    const char *heat = end + blanks, *slash = heat + heat_len;
    if (end != text && isfinite(amount) && amount > 0 && amount < 1e12 && *slash) {
        *ret_heat = (struct units_heat){
            .amount = amount,
            .joules = value_of(heats, ARRAY_LEN(heats), heat, heat_len),
            .cubic_metre = value_of(volumes, ARRAY_LEN(volumes), slash + 1, strlen(slash + 1))};
        if (ret_heat->joules > 0 && ret_heat->cubic_metre > 0)
            return true;
    }
    return err_set(e, ERR_REJECT, "bad_heat_content",
                   "\"%.60s\" is no heat content such as 1037 Btu/ft3 or 38.3 MJ/m3", text);
}

double units_cubic_metres(int64_t uom)
{
    switch (uom) {
    case 42:
    case 166:
    case 167:
        return 1;
    case 119:
    case 120:
        return METRES_FT3;
    case 128:
        return 0.003785411784;
    case 130:
        return 0.00454609;
    case 134:
    case 156:
    case 157:
        return 0.001;
    default:
        return 0;
    }
}

struct units_seed units_seed_of_gas(int seed_type, int64_t uom, const struct units_heat *heat)
{
    double volume = units_cubic_metres(uom);
    if (!heat || volume <= 0 || (seed_type != SEED_NATURAL_GAS && seed_type != SEED_PROPANE))
        return units_seed_of(uom);
    struct units_seed seed = {SEED_THERMS, heat->amount, JOULES_THERM / heat->joules, true};
    if (heat->joules == JOULES_BTU)
        seed.denominator = 100000;
    if (volume != heat->cubic_metre) {
        seed.numerator *= volume;
        seed.denominator *= heat->cubic_metre;
    }
    return seed;
}

/* --- words --------------------------------------------------------------------------------- */
const char *units_seed_name(int64_t energy_units)
{
    switch (energy_units) {
    case SEED_KWH:
        return "kWh";
    case SEED_THERMS:
        return "therms";
    case SEED_WH:
        return "Wh";
    default:
        break;
    }
    return series_uom_name(energy_units >= SEED_UNIT_OF_ESPI ? energy_units - SEED_UNIT_OF_ESPI
                                                             : energy_units);
}

const char *units_seed_type_name(int64_t energy_type)
{
    static const char *const names[] = {
        [SEED_NATURAL_GAS] = "gas",      [SEED_ELECTRICITY] = "electricity",
        [SEED_DISTRICT_STEAM] = "steam", [SEED_DISTRICT_HOT_WATER] = "hot water",
        [SEED_PROPANE] = "propane",      [SEED_DISTRICT_CHILLED_WATER] = "chilled water",
        [SEED_OTHER] = "other",          [SEED_WATER] = "water"};
    return energy_type > 0 && energy_type < (int64_t)ARRAY_LEN(names) ? names[energy_type] : NULL;
}

/* --- exact decimal text ------------------------------------------------------------------ */
static bool put(char **at, const char *end, const char *digits, size_t count)
{
    if ((size_t)(end - *at) <= count)
        return false;
    memcpy(*at, digits, count);
    *at += count;
    **at = '\0';
    return true;
}

static bool put_zeros(char **at, const char *end, size_t count)
{
    static const char zeros[EXPONENT_MAX + 1] =
        "000000000000000000000000000000000000000000000000000000000000";
    return put(at, end, zeros, count);
}

/* The digits behind the point, without zeros at the end. */
static bool put_fraction(char **at, const char *end, const char *digits, size_t count, size_t zeros)
{
    while (count && digits[count - 1] == '0')
        count--;
    if (!count)
        return true;
    return put(at, end, ".", 1) && put_zeros(at, end, zeros) && put(at, end, digits, count);
}

bool units_scale_text(const char *digits, int64_t exponent, char *text, size_t room)
{
    char *at = text;
    const char *end = text + room;
    if (exponent < -EXPONENT_MAX || exponent > EXPONENT_MAX || !room)
        return false;
    if (*digits == '-' && !put(&at, end, digits++, 1))
        return false;
    size_t count = strlen(digits);
    if (exponent >= 0)
        return put(&at, end, digits, count) &&
               put_zeros(&at, end, strcmp(digits, "0") ? (size_t)exponent : 0);
    size_t behind = (size_t)-exponent;
    if (count <= behind)
        return put(&at, end, "0", 1) && put_fraction(&at, end, digits, count, behind - count);
    return put(&at, end, digits, count - behind) &&
           put_fraction(&at, end, digits + count - behind, behind, 0);
}
