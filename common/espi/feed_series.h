/* What a feed says about its series of readings, and what was odd about the feed: plain data. */
#ifndef METERBEAT_ESPI_FEED_SERIES_H
#define METERBEAT_ESPI_FEED_SERIES_H

#include <stdbool.h>
#include <stdint.h>

/* A number the feed does not give; no value a feed can give is equal to it. */
#define ESPI_ABSENT INT64_MIN

/* A multiplier that the feed gives and nobody can read; within the reader only. */
#define ESPI_UNREADABLE (INT64_MIN + 1)

/* The rule that found one resource from another, most trusted first. */
enum espi_link {
    ESPI_LINK_NONE,
    ESPI_LINK_EXACT,  /* a `related` href names the collection (the other's `up`) or the item (its
                         `self`) */
    ESPI_LINK_ENTRY,  /* both stand in one entry, alone of their kind */
    ESPI_LINK_UP,     /* the child's `up` names its parent's `self` */
    ESPI_LINK_BACK,   /* the child's `related` names its parent */
    ESPI_LINK_PREFIX, /* the child's href lies under its parent's */
    ESPI_LINK_ONLY,   /* there is only one in the feed */
};

/* "exact", "up", ... */
const char *espi_link_name(enum espi_link link);

/*
 * The readings of one MeterReading (or of blocks no MeterReading claims). Hrefs are without scheme,
 * host and outer slashes; texts and hrefs the feed does not give are NULL, numbers ESPI_ABSENT.
 * Codes are ESPI's.
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
    int64_t shift_s;     /* what a person added to each start (correction.h): 0 as it is read */
    int64_t tz_offset_s; /* LocalTimeParameters: standard time minus UTC */
    int64_t dst_offset_s;
    const char *dst_start_rule; /* as written: eight hex digits where the feed is right */
    const char *dst_end_rule;
    enum espi_link usage_point_link;
    enum espi_link reading_type_link;
    enum espi_link blocks_link;
    enum espi_link local_time_link;
    uint64_t blocks;
    uint64_t readings;
    bool interval_unit; /* interval_length is in another unit than seconds: place nothing by it */
    bool duration_unit; /* its readings' durations are */
    bool unreadable_costs; /* some of its costs cannot be read: never sum the others */
};

/* A series of which the feed says nothing: texts NULL, numbers ESPI_ABSENT. */
struct espi_series espi_series_unknown(void);

/*
 * The bill of a UsageSummary or ElectricPowerUsageSummary. Amounts are in 1e-5 of the currency; the
 * consumption has a unit and power of ten of its own.
 */
struct espi_bill {
    const char *resource; /* "UsageSummary" or "ElectricPowerUsageSummary" */
    const char *self;
    const char *usage_point; /* NULL: no rule finds it, or not it alone */
    enum espi_link usage_point_link;
    int64_t service_kind;
    int64_t start_s; /* of the billing period */
    int64_t duration_s;
    int64_t bill_last_period;
    int64_t amount;         /* of the bill: that, or where it is none or 0 what its lines charge */
    bool amount_from_lines; /* which of the two */
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

/* Something odd: the place is a line and column of the feed where known (else 0), and the href or
 * text at fault. */
struct espi_problem {
    const char *code; /* one stable word, never freed */
    uint64_t line;
    uint64_t column;
    uint64_t count;  /* how often: 1, but for what was skipped */
    char where[160]; /* cut to fit; "" = see line */
};

#endif
