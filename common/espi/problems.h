/* Problems of a feed: a bounded list with a few of each kind; the rest are counted. */
#ifndef METERBEAT_ESPI_PROBLEMS_H
#define METERBEAT_ESPI_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/espi/feed_series.h"

enum espi_odd {
    ODD_BAD_NUMBER,       /* a text that is not a number where one belongs */
    ODD_NUMBER_NOT_WHOLE, /* a value or code with a fraction: not stored */
    ODD_START_NOT_WHOLE,  /* a fraction of a second: rounded down */
    ODD_NO_VALUE,         /* a reading without a value */
    /* a reading without its own time in a block without a start, or a start that is not a number */
    ODD_NO_TIME,
    /* readings without their own time, and no interval length in their type */
    ODD_NO_INTERVAL_LENGTH,
    ODD_INTERVAL_UNIT,        /* an interval length in a unit other than seconds */
    ODD_DURATION_UNIT,        /* durations in a unit other than seconds */
    ODD_CONFLICTING_RESOURCE, /* the same self href with different content: the first counts */
    ODD_AMBIGUOUS_LINK,       /* several resources match: the first counts */
    ODD_NO_USAGE_POINT,       /* no rule finds the usage point of a meter reading */
    ODD_NO_METER_READING,     /* blocks that no rule links to a meter reading */
    ODD_NO_READING_TYPE,      /* no rule finds the type of a meter reading */
    ODD_NO_UNIT,              /* the type names no uom */
    ODD_BAD_MULTIPLIER,       /* the type's power of ten is not a whole number */
    /* the matching types differ in unit, multiplier, kind or flow direction */
    ODD_CONFLICTING_TYPES,
    ODD_DST_CUT_OFF,      /* LocalTimeParameters: a rule of two bytes */
    ODD_DST_UNIX_TIME,    /* the instant of one year's change instead of a rule */
    ODD_DST_SECONDS,      /* a counter in place of a rule's seconds */
    ODD_DST_UNREADABLE,   /* not a rule */
    ODD_TZ_OFFSET_SIGN,   /* North America's rules east of Greenwich */
    ODD_TZ_OFFSET_UNIT,   /* hours, minutes or milliseconds where seconds belong */
    ODD_TZ_OFFSET_ODD,    /* no zone is that far from UTC, or none with these rules */
    ODD_DST_SWAPPED,      /* start rule and end rule are exchanged */
    ODD_DST_MISSING,      /* only one of the two rules */
    ODD_DST_EQUAL,        /* daylight saving time begins and ends on one day */
    ODD_DST_OFFSET,       /* an implausible dstOffset */
    ODD_DST_FOREIGN,      /* Europe's rules in America */
    ODD_SERVICE_CONFLICT, /* service category, commodity and unit contradict one another */
    ODD_AMOUNT,           /* more than any building uses */
    ODD_PRICE,            /* implausible costs for such an amount */
    ODD_POWER_DISAGREES,  /* watts times hours are not the watt-hours beside them */
    ODD_NOT_ESPI,         /* a resource of a name space other than ESPI's: not read */
    ODD_NAME_SPACE, /* elements in no name space, or in a wrong one: read as if it were right */
    ODD_MISPLACED_READING, /* an IntervalReading where none is expected */
    ODD_MILLISECONDS,      /* a reading whose start is in milliseconds */
    ODD_START_IMPOSSIBLE,  /* a reading that starts after the year 2286 */
    ODD_UNREADABLE_VALUES, /* values that are meant as numbers and cannot be read exactly */
    ODD_UNREADABLE_COSTS,
    ODD_UNREADABLE_TYPE, /* a code of the type that is given but invalid */
    ODD_BILL_LINES,      /* a bill without an amount, whose lines do not determine one */
    /* a block's interval, given after its readings, contradicts the one before */
    ODD_BLOCKS_DIFFER,
    ODD_CUSTOMER_DATA, /* about a customer: names and addresses, no readings */
    ODD_BATCH_LIST,    /* URLs of documents that are not fetched */
    ODD_UNREAD_FILE,   /* a file of an archive that is not XML */
    ODD_COUNT,
};

struct espi_problems {
    struct espi_problem *kept;
    size_t count;
    size_t max;
    size_t of_kind[ODD_COUNT];
    uint64_t not_kept;
};

/* "bad_number", ... */
const char *espi_odd_code(enum espi_odd odd);
/* The problem with that code; ODD_COUNT: unknown code. */
enum espi_odd espi_odd_of_code(const char *code);
/* Skipped items of one kind and place are one problem, with their number and the line of the first.
 * All others are one problem each, at most ten of a kind. */
bool espi_odd_is_counted(enum espi_odd odd);
/* Whether a problem means that an IntervalReading did not become a reading. */
bool espi_odd_is_skipped(enum espi_odd odd);
/* where (may be NULL) is copied. Without memory, the problem is only counted. */
void espi_problems_add(struct espi_problems *p, enum espi_odd odd, uint64_t line, uint64_t column,
                       const char *where, size_t len);

#endif
