/* ESPI's codes as the words that SEED puts into tags. */
#include "common/espi/series_names.h"

#include <stddef.h>

#include "common/base/attr.h"

struct code_name {
    int64_t code;
    const char *name;
};

static const struct code_name service_names[] = {
    {0, "electricity"}, {1, "gas"},      {2, "water"}, {3, "time"},      {4, "heat"},
    {5, "refuse"},      {6, "sewerage"}, {7, "rates"}, {8, "tvLicence"}, {9, "internet"},
};

static const struct code_name flow_names[] = {
    {0, "none"}, {1, "forward"}, {4, "net"}, {19, "reverse"}, {20, "total"},
};

static const struct code_name kind_names[] = {
    {0, "none"},
    {3, "currency"},
    {4, "current"},
    {8, "demand"},
    {12, "energy"},
    {15, "frequency"},
    {37, "power"},
    {38, "powerFactor"},
    {46, "temperature"},
    {54, "voltage"},
    {58, "volume"},
    {64, "distortionPowerFactor"},
    {155, "volumetricFlow"},
};

static const struct code_name uom_names[] = {
    {0, "none"},
    {5, "A"},
    {6, "K"},
    {23, "degC"},
    {29, "V"},
    {31, "J"},
    {33, "Hz"},
    {38, "W"},
    {42, "m3"},
    {61, "VA"},
    {63, "VAr"},
    {65, "cosTheta"},
    {71, "VAh"},
    {72, "Wh"},
    {73, "VArh"},
    {80, "money"},
    {106, "Ah"},
    {111, "count"},
    {119, "ft3"},
    {120, "ft3compensated"},
    {128, "usGal"},
    {130, "imperialGal"},
    {132, "btu"},
    {134, "litre"},
    {156, "litreUncompensated"},
    {157, "litreCompensated"},
    {166, "m3uncompensated"},
    {167, "m3compensated"},
    {169, "therm"},
};

static const char *name_of(const struct code_name *names, size_t count, int64_t code)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].code == code)
            return names[i].name;
    return NULL;
}

const char *series_service_name(int64_t service_kind)
{
    return name_of(service_names, ARRAY_LEN(service_names), service_kind);
}

const char *series_flow_name(int64_t flow_direction)
{
    return name_of(flow_names, ARRAY_LEN(flow_names), flow_direction);
}

const char *series_kind_name(int64_t kind)
{
    return name_of(kind_names, ARRAY_LEN(kind_names), kind);
}

const char *series_uom_name(int64_t uom)
{
    return name_of(uom_names, ARRAY_LEN(uom_names), uom);
}
