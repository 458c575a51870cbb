/* What a series says about its readings: how long they are, and how far apart. */
#include "common/espi/feed_series.h"

const char *espi_link_name(enum espi_link link)
{
    static const char *const names[] = {"none", "exact", "entry", "up", "back", "prefix", "only"};
    return names[link];
}

struct espi_series espi_series_unknown(void)
{
    const int64_t absent = ESPI_ABSENT;
    return (struct espi_series){.service_kind = absent,
                                .commodity = absent,
                                .kind = absent,
                                .uom = absent,
                                .power_of_ten_multiplier = absent,
                                .flow_direction = absent,
                                .accumulation_behaviour = absent,
                                .interval_length = absent,
                                .currency = absent,
                                .default_quality = absent,
                                .phase = absent,
                                .data_qualifier = absent,
                                .time_attribute = absent,
                                .measuring_period = absent,
                                .tou = absent,
                                .cpp = absent,
                                .consumption_tier = absent,
                                .tz_offset_s = absent,
                                .dst_offset_s = absent};
}

int64_t espi_interval(const struct espi_series *s)
{
    return s->interval_unit || s->interval_length <= 0 ? ESPI_ABSENT : s->interval_length;
}

int64_t espi_length(int64_t seconds)
{
    return seconds > 0 && seconds < UINT32_MAX && seconds % 60 == 59 ? seconds + 1 : seconds;
}
