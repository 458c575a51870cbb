/* What a series meters: its service category, and whether its values add up. */
#include "common/espi/service.h"

#include <stddef.h>

#include "common/base/attr.h"

enum { ELECTRICITY = 0, GAS = 1, WATER = 2, HEAT = 4, SEWERAGE = 6, NONE = -1 };

/* The service categories that may stand beside a commodity; the first is what it is. */
static const struct commodity_services {
    int64_t commodity;
    int64_t services[3];
} commodity_services[] = {
    {1, {ELECTRICITY, NONE, NONE}},  /* secondary metered */
    {2, {ELECTRICITY, NONE, NONE}},  /* primary metered */
    {26, {ELECTRICITY, NONE, NONE}}, /* transmission metered */
    {7, {GAS, NONE, NONE}},          /* natural gas */
    {8, {GAS, HEAT, NONE}},          /* propane */
    {9, {WATER, SEWERAGE, NONE}},    /* potable water */
    {14, {WATER, SEWERAGE, NONE}},   /* non-potable water */
    {11, {SEWERAGE, WATER, NONE}},   /* waste water */
    {10, {HEAT, WATER, GAS}},        /* steam */
    {12, {HEAT, WATER, GAS}},        /* heating fluid */
    {13, {HEAT, WATER, ELECTRICITY}} /* cooling fluid */
};

static const struct commodity_services *services_of(int64_t commodity)
{
    for (size_t i = 0; i < ARRAY_LEN(commodity_services); i++)
        if (commodity_services[i].commodity == commodity)
            return &commodity_services[i];
    return NULL;
}

static bool is_one_of(int64_t code, const int64_t *codes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* Units that no meter of the service counts in. A gas meter may count Wh, a heat meter most. */
static bool unit_is_not_of(int64_t service, int64_t uom)
{
    static const int64_t volumes[] = {42, 119, 120, 128, 130, 134, 156, 157, 166, 167};
    static const int64_t fuel[] = {132, 169};                               /* Btu, therm */
    static const int64_t electric[] = {5, 29, 33, 61, 63, 65, 71, 73, 106}; /* A, V, Hz, VA, ... */
    static const int64_t energy[] = {31, 38, 72};                           /* J, W, Wh */
    if (service == ELECTRICITY)
        return is_one_of(uom, volumes, ARRAY_LEN(volumes)) || is_one_of(uom, fuel, ARRAY_LEN(fuel));
    if (is_one_of(uom, electric, ARRAY_LEN(electric)))
        return service == GAS || service == WATER || service == HEAT || service == SEWERAGE;
    return (service == WATER || service == SEWERAGE) &&
           (is_one_of(uom, fuel, ARRAY_LEN(fuel)) || is_one_of(uom, energy, ARRAY_LEN(energy)));
}

int64_t series_service(const struct espi_series *s, bool *ret_conflict)
{
    const struct commodity_services *type = services_of(s->commodity);
    int64_t category = s->service_kind;
    *ret_conflict = false;
    if (category == ESPI_ABSENT) {
        *ret_conflict = type && unit_is_not_of(type->services[0], s->uom);
        return type ? type->services[0] : ESPI_ABSENT;
    }
    if (type && !is_one_of(category, type->services, ARRAY_LEN(type->services))) {
        *ret_conflict = true;
        return type->services[0];
    }
    *ret_conflict = unit_is_not_of(category, s->uom);
    bool is_fuel = s->uom == 132 || s->uom == 169;
    return !type && category == ELECTRICITY && is_fuel ? GAS : category;
}

bool series_is_summable(const struct espi_series *s)
{
    static const int64_t amounts[] = {31,  42,  71,  72,  73,  106, 119, 120, 128,
                                      130, 132, 134, 156, 157, 166, 167, 169};
    int64_t accumulation = s->accumulation_behaviour, kind = s->kind;
    if (accumulation == 2 || accumulation == 3 || accumulation == 6 || accumulation == 12 ||
        accumulation == 13)
        return false;
    /* demand, power, power factor, temperature, voltage, flow; a largest or smallest value */
    if (kind == 8 || kind == 37 || kind == 38 || kind == 46 || kind == 54 || kind == 155 ||
        s->data_qualifier == 8 || s->data_qualifier == 9)
        return false;
    return is_one_of(s->uom, amounts, ARRAY_LEN(amounts));
}
