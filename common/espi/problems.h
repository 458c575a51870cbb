/* Problems of a feed: a bounded list with a few of each kind; the rest are counted. */
#ifndef METERBEAT_ESPI_PROBLEMS_H
#define METERBEAT_ESPI_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/espi/feed_series.h"

enum espi_problem_kind {
    PROBLEM_BAD_NUMBER,       /* a text that is not a number where one belongs */
    PROBLEM_NUMBER_NOT_WHOLE, /* a value or code with a fraction: not stored */
    PROBLEM_START_NOT_WHOLE,  /* a fraction of a second: rounded down */
    PROBLEM_NO_VALUE,         /* a reading without a value */
    /* a reading without its own time in a block without a start, or a start that is not a number */
    PROBLEM_NO_TIME,
    /* readings without their own time, and no interval length in their type */
    PROBLEM_NO_INTERVAL_LENGTH,
    PROBLEM_INTERVAL_UNIT,        /* an interval length in a unit other than seconds */
    PROBLEM_DURATION_UNIT,        /* durations in a unit other than seconds */
    PROBLEM_CONFLICTING_RESOURCE, /* the same self href with different content: the first counts */
    PROBLEM_AMBIGUOUS_LINK,       /* several resources match: the first counts */
    PROBLEM_NO_USAGE_POINT,       /* no rule finds the usage point of a meter reading */
    PROBLEM_NO_METER_READING,     /* blocks that no rule links to a meter reading */
    PROBLEM_NO_READING_TYPE,      /* no rule finds the type of a meter reading */
    PROBLEM_NO_UNIT,              /* the type names no uom */
    PROBLEM_BAD_MULTIPLIER,       /* the type's power of ten is not a whole number */
    /* the matching types differ in unit, multiplier, kind or flow direction */
    PROBLEM_CONFLICTING_TYPES,
    PROBLEM_DST_CUT_OFF,      /* LocalTimeParameters: a rule of two bytes */
    PROBLEM_DST_UNIX_TIME,    /* the instant of one year's change instead of a rule */
    PROBLEM_DST_SECONDS,      /* a counter in place of a rule's seconds */
    PROBLEM_DST_UNREADABLE,   /* not a rule */
    PROBLEM_TZ_OFFSET_SIGN,   /* North America's rules east of Greenwich */
    PROBLEM_TZ_OFFSET_UNIT,   /* hours, minutes or milliseconds where seconds belong */
    PROBLEM_TZ_OFFSET_ODD,    /* no zone is that far from UTC, or none with these rules */
    PROBLEM_DST_SWAPPED,      /* start rule and end rule are exchanged */
    PROBLEM_DST_MISSING,      /* only one of the two rules */
    PROBLEM_DST_EQUAL,        /* daylight saving time begins and ends on one day */
    PROBLEM_DST_OFFSET,       /* an implausible dstOffset */
    PROBLEM_DST_FOREIGN,      /* Europe's rules in America */
    PROBLEM_SERVICE_CONFLICT, /* service category, commodity and unit contradict one another */
    PROBLEM_AMOUNT,           /* more than any building uses */
    PROBLEM_PRICE,            /* implausible costs for such an amount */
    PROBLEM_POWER_DISAGREES,  /* watts times hours are not the watt-hours beside them */
    PROBLEM_NOT_ESPI,         /* a resource of a name space other than ESPI's: not read */
    PROBLEM_NAME_SPACE, /* elements in no name space, or in a wrong one: read as if it were right */
    PROBLEM_MISPLACED_READING, /* an IntervalReading where none is expected */
    PROBLEM_MILLISECONDS,      /* a reading whose start is in milliseconds */
    PROBLEM_START_IMPOSSIBLE,  /* a reading that starts after the year 2286 */
    PROBLEM_UNREADABLE_VALUES, /* values that are meant as numbers and cannot be read exactly */
    PROBLEM_UNREADABLE_COSTS,
    PROBLEM_UNREADABLE_TYPE, /* a code of the type that is given but invalid */
    PROBLEM_BILL_LINES,      /* a bill without an amount, whose lines do not determine one */
    /* a block's interval, given after its readings, contradicts the one before */
    PROBLEM_BLOCKS_DIFFER,
    PROBLEM_CUSTOMER_DATA, /* about a customer: names and addresses, no readings */
    PROBLEM_BATCH_LIST,    /* URLs of documents that are not fetched */
    PROBLEM_UNREAD_FILE,   /* a file of an archive that is not XML */
    PROBLEM_COUNT,
};

struct espi_problems {
    struct espi_problem *kept;
    size_t count;
    size_t max;
    size_t of_kind[PROBLEM_COUNT];
    uint64_t not_kept;
};

/* "bad_number", ... */
const char *espi_problem_code(enum espi_problem_kind odd);
/* The problem with that code; PROBLEM_COUNT: unknown code. */
enum espi_problem_kind espi_problem_of_code(const char *code);
/* Skipped items of one kind and place are one problem, with their number and the line of the first.
 * All others are one problem each, at most ten of a kind. */
bool espi_problem_is_counted(enum espi_problem_kind odd);
/* Whether a problem means that an IntervalReading did not become a reading. */
bool espi_problem_is_skipped(enum espi_problem_kind odd);
/* where (may be NULL) is copied. Without memory, the problem is only counted. */
void espi_problems_add(struct espi_problems *p, enum espi_problem_kind odd, uint64_t line,
                       uint64_t column, const char *where, size_t len);

#endif
