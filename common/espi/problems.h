/* What was odd about a feed: a bounded list, a few of each kind, the rest counted. */
#ifndef METERBEAT_ESPI_PROBLEMS_H
#define METERBEAT_ESPI_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/espi/feed_series.h"

enum espi_odd {
    ODD_BAD_NUMBER,       /* a text that is no number where one belongs */
    ODD_NUMBER_NOT_WHOLE, /* a value or code with a fraction: not kept */
    ODD_START_NOT_WHOLE,  /* a fraction of a second: rounded down */
    ODD_NO_VALUE,         /* a reading without a value */
    ODD_NO_TIME, /* a reading without its own time in a block without a start, or a start that is no
                    number */
    ODD_NO_INTERVAL_LENGTH, /* readings without their own time, and no interval length in their type
                             */
    ODD_INTERVAL_UNIT,      /* an interval length in another unit than seconds */
    ODD_DURATION_UNIT,      /* durations in another unit than seconds */
    ODD_CONFLICTING_RESOURCE, /* one self href, different content: the first counts */
    ODD_AMBIGUOUS_LINK,       /* several resources fit: the first counts */
    ODD_NO_USAGE_POINT,       /* no rule finds the usage point of a meter reading */
    ODD_NO_METER_READING,     /* blocks that no rule links to a meter reading */
    ODD_NO_READING_TYPE,      /* no rule finds the type of a meter reading */
    ODD_NO_UNIT,              /* the type names no uom */
    ODD_BAD_MULTIPLIER,       /* the type's power of ten is no whole number */
    ODD_CONFLICTING_TYPES, /* the types that fit differ in unit, multiplier, kind or flow direction
                            */
    ODD_DST_CUT_OFF,       /* LocalTimeParameters: a rule of two bytes */
    ODD_DST_UNIX_TIME,     /* the instant of one year's change instead of a rule */
    ODD_DST_SECONDS,       /* a counter where a rule has its seconds */
    ODD_DST_UNREADABLE,    /* no rule at all */
    ODD_TZ_OFFSET_SIGN,    /* rules of North America east of Greenwich */
    ODD_TZ_OFFSET_UNIT,    /* hours, minutes or milliseconds where seconds belong */
    ODD_TZ_OFFSET_ODD,     /* no clock is so far from UTC, or none with these rules */
    ODD_DST_SWAPPED,       /* the rule of summer's end as that of its start */
    ODD_DST_MISSING,       /* one of the two rules */
    ODD_DST_EQUAL,         /* summer begins and ends on one day */
    ODD_DST_OFFSET,        /* dstOffset is what no summer time adds */
    ODD_DST_FOREIGN,       /* Europe's rules in America */
    ODD_SERVICE_CONFLICT,  /* service category, commodity and unit contradict one another */
    ODD_AMOUNT,            /* amounts that no building has */
    ODD_PRICE,             /* costs that no such amount has */
    ODD_POWER_DISAGREES,   /* watts times hours are not the watt-hours beside them */
    ODD_NOT_ESPI,          /* a resource of another name space than ESPI's: not read */
    ODD_NAME_SPACE,        /* elements in no name space, or in a wrong one: read as if right */
    ODD_MISPLACED_READING, /* an IntervalReading where none is read */
    ODD_MILLISECONDS,      /* a reading whose start is one in milliseconds */
    ODD_START_IMPOSSIBLE,  /* a reading that starts after the year 2286 */
    ODD_UNREADABLE_VALUES, /* values that were meant as numbers and cannot be read exactly */
    ODD_UNREADABLE_COSTS,
    ODD_UNREADABLE_TYPE, /* a code of the type that was given and is no code */
    ODD_BILL_LINES,      /* a bill without an amount, whose lines do not say what it is */
    ODD_BLOCKS_DIFFER,   /* what a block's interval says behind its readings is not what the one
                            before said */
    ODD_CUSTOMER_DATA,   /* about a customer: names and addresses, no readings */
    ODD_BATCH_LIST,      /* URLs of documents that are not fetched */
    ODD_UNREAD_FILE,     /* a file of an archive that is no XML */
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
/* The odd thing with that code; ODD_COUNT: none has it. */
enum espi_odd espi_odd_of_code(const char *code);
/* Those of one kind and place are one problem, with their number and the first one's line: of
 * everything that was skipped. Those of any other are one problem each, ten of a kind. */
bool espi_odd_is_counted(enum espi_odd odd);
/* Those of them that are IntervalReadings which became no reading. */
bool espi_odd_is_skipped(enum espi_odd odd);
/* where (may be NULL) is copied. Without memory the problem is only counted. */
void espi_problems_add(struct espi_problems *p, enum espi_odd odd, uint64_t line, uint64_t column,
                       const char *where, size_t len);

#endif
