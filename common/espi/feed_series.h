/* A feed's series, bills and problems: plain data. */
#ifndef METERBEAT_ESPI_FEED_SERIES_H
#define METERBEAT_ESPI_FEED_SERIES_H

#include <stdbool.h>
#include <stdint.h>

/* A number that the feed does not give; different from any value that a feed can give. */
#define ESPI_ABSENT INT64_MIN

/* A multiplier that the feed gives and that is unreadable; used within the reader only. */
#define ESPI_UNREADABLE (INT64_MIN + 1)

/* The rule that linked one resource to another, most trusted first. */
enum espi_link {
    ESPI_LINK_NONE,
    ESPI_LINK_EXACT,  /* a `related` href names the collection (the other's `up`) or the item (its
                         `self`) */
    ESPI_LINK_ENTRY,  /* both are in one entry, the only ones of their kind */
    ESPI_LINK_UP,     /* the child's `up` names its parent's `self` */
    ESPI_LINK_BACK,   /* the child's `related` names its parent */
    ESPI_LINK_PREFIX, /* the child's href lies under its parent's */
    ESPI_LINK_ONLY,   /* there is only one in the feed */
};

/* "exact", "up", ... */
const char *espi_link_name(enum espi_link link);

/*
 * The readings of one MeterReading (or of blocks that no MeterReading claims). Hrefs are without
 * scheme, host and outer slashes; texts and hrefs that the feed does not give are NULL, numbers
 * ESPI_ABSENT. Codes are ESPI's.
 */
struct espi_series {
    const char *usage_point;
    const char *meter_reading;
    const char *reading_type;
    const char *blocks_href; /* what the blocks without a MeterReading link to; NULL for others */
    const char *title;       /* of the MeterReading's entry */
    const char *unresolved;  /* NULL, or why these readings have no certain meaning:
                                "no_meter_reading",  "no_reading_type", "no_unit",
                                "bad_multiplier", "conflicting_types", "ambiguous_link",
                                "unreadable_type", "unreadable_values".  Never sum those. */
    int64_t service_kind;
    int64_t commodity;
    int64_t kind;
    int64_t uom;
    int64_t power_of_ten_multiplier; /* absent counts as 0 */
    int64_t flow_direction;
    int64_t accumulation_behaviour;
    int64_t interval_length; /* seconds */
    int64_t currency;
    int64_t default_quality;
    int64_t phase;
    int64_t data_qualifier;
    int64_t time_attribute;
    int64_t measuring_period;
    int64_t tou;
    int64_t cpp;
    int64_t consumption_tier;
    int64_t shift_s;     /* added to each start by a person's correction (correction.h); 0: none */
    int64_t tz_offset_s; /* LocalTimeParameters: standard time minus UTC */
    int64_t dst_offset_s;
    const char *dst_start_rule; /* as written: eight hex digits if the feed is correct */
    const char *dst_end_rule;
    enum espi_link usage_point_link;
    enum espi_link reading_type_link;
    enum espi_link blocks_link;
    enum espi_link local_time_link;
    uint64_t blocks;
    uint64_t readings;
    bool interval_unit;    /* interval_length is not in seconds: do not place readings by it */
    bool duration_unit;    /* the same for the durations of its readings */
    bool unreadable_costs; /* some of its costs are unreadable: never sum the others */
};

/* A series about which the feed says nothing: texts NULL, numbers ESPI_ABSENT. */
struct espi_series espi_series_unknown(void);

/* Seconds between two readings without a time of their own; ESPI_ABSENT if the type does not say,
 * or uses another unit. */
int64_t espi_interval(const struct espi_series *s);

/* Corrects the length of a reading in seconds: some writers give the last second instead of the
 * end, so that 3599 is an hour and 899 a quarter. Other lengths are returned unchanged. */
int64_t espi_length(int64_t seconds);

/*
 * The bill of a UsageSummary or ElectricPowerUsageSummary. Amounts are in 1e-5 of the currency; the
 * consumption has a unit and power of ten of its own.
 */
struct espi_bill {
    const char *resource; /* "UsageSummary" or "ElectricPowerUsageSummary" */
    const char *self;
    const char *usage_point; /* NULL: no rule finds it, or several match */
    enum espi_link usage_point_link;
    int64_t service_kind;
    int64_t start_s; /* of the billing period */
    int64_t duration_s;
    int64_t bill_last_period;
    int64_t amount; /* the bill's amount; if absent or 0, the sum of the charges in its lines */
    bool amount_from_lines; /* the latter */
    int64_t bill_to_date;
    int64_t cost_additional_last_period;
    int64_t currency;
    int64_t value; /* overallConsumptionLastPeriod */
    int64_t power_of_ten_multiplier;
    int64_t uom;
    int64_t current_value; /* currentBillingPeriodOverAllConsumption */
    int64_t current_multiplier;
    int64_t current_uom;
    int64_t quality;
    int64_t status_time_s;
    int64_t commodity;
    int64_t updated_s; /* of its entry */
};

/* A problem of the feed, with the line and column where known (else 0), and the href or text
 * concerned. */
struct espi_problem {
    const char *code; /* a stable word, static */
    uint64_t line;
    uint64_t column;
    uint64_t count;  /* occurrences: 1, except for skipped readings */
    char where[160]; /* truncated; "" = see line */
};

#endif
