/* Words for what ESPI has codes for, as some writers put them into a block's interval. */
#include "common/espi/own.h"

#include <string.h>
#include <strings.h>

#include "common/base/attr.h"
#include "common/espi/feed_series.h"

int64_t espi_own_service(const char *word, size_t len)
{
    static const struct {
        const char *word;
        int64_t kind;
    } services[] = {{"ELECTRIC", 0},    {"ELECTRICITY", 0}, {"GAS", 1}, {"NATURAL GAS", 1},
                    {"NATURAL_GAS", 1}, {"WATER", 2},       {"HEAT", 4}};
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        if (strlen(services[i].word) == len && !strncasecmp(services[i].word, word, len))
            return services[i].kind;
    return ESPI_ABSENT;
}

void espi_own_unit(const char *word, size_t len, int64_t *ret_uom, int64_t *ret_multiplier)
{
    /* nobody writes mWh for a thousandth: the case of a letter means nothing here */
    static const struct {
        const char *word;
        int64_t uom, multiplier;
    } units[] = {{"Wh", 72, 0},     {"kWh", 72, 3},     {"MWh", 72, 6},     {"GWh", 72, 9},
                 {"therm", 169, 0}, {"therms", 169, 0}, {"dth", 169, 1},    {"dekatherm", 169, 1},
                 {"ft3", 119, 0},   {"cf", 119, 0},     {"ccf", 119, 2},    {"mcf", 119, 3},
                 {"m3", 42, 0},     {"gal", 128, 0},    {"gallon", 128, 0}, {"gallons", 128, 0},
                 {"kVAh", 71, 3},   {"kVArh", 73, 3},   {"kW", 38, 3},      {"W", 38, 0},
                 {"Btu", 132, 0},   {"MMBtu", 132, 6}};
    *ret_uom = *ret_multiplier = ESPI_ABSENT;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strlen(units[i].word) == len && !strncasecmp(units[i].word, word, len)) {
            *ret_uom = units[i].uom;
            *ret_multiplier = units[i].multiplier;
        }
}
