/* SEED's codes for what a series measures, the exact factors to its units, and exact decimal text.
 */
#include "meter/units.h"

#include <string.h>

#include "meter/espi_series.h"

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
