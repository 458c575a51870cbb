/* A record's date_pattern: strftime's directives, or the words month, day and year. */
#ifndef METERBEAT_GREENBUTTON_DATE_PATTERN_H
#define METERBEAT_GREENBUTTON_DATE_PATTERN_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/timezone.h"

#define DATE_PATTERN_TOKENS 64
#define DATE_PATTERN_DEFAULT "%m/%d/%Y" /* the default of SEED's own tasks */

struct date_token {
    char kind;    /* a strftime letter, or 0: a literal */
    char literal; /* when kind is 0 */
    bool padded;  /* with leading zeros */
    bool exact;   /* adjacent to other digits: needs its leading zeros to be parsed */
};

/* A parsed pattern; plain data. */
struct date_pattern {
    struct date_token tokens[DATE_PATTERN_TOKENS];
    size_t count;
};

/*
 * With a '%': Python's strftime directives Y y m d b B j H M S F D and %%, where %-m, %-d, %-j, %e
 * write no leading zero. Without: the words year, month, day (unpadded numbers: 1/7/2026) and yyyy,
 * mm, dd (padded). "" is DATE_PATTERN_DEFAULT. False: ERR_REJECT "bad_date_pattern" for another
 * directive, a day that is not given exactly once, or a number without leading zeros before other
 * digits (with %Y-%-m%d, 2026-111 could be two days).
 */
MUST_CHECK bool date_pattern_compile(const char *text, struct date_pattern *ret_pattern,
                                     struct err *e);
/* Parses a text by the pattern; leading zeros are optional where no other digits are adjacent.
 * False: ERR_REJECT "bad_date" for another form, or a day that does not exist. */
MUST_CHECK bool date_pattern_read(const struct date_pattern *p, const char *text,
                                  struct civil *ret_day, struct err *e);
/*
 * Formats the day (and time of day) by the pattern. False: ERR_REJECT "bad_date_pattern" if the
 * text is longer than out, or date_pattern_read would not return that day (%y of a year beyond
 * 2068).
 */
MUST_CHECK bool date_pattern_write(const struct date_pattern *p, struct civil day, char *out,
                                   size_t size, struct err *e);

#endif
