/* meterbeat.record_option: what a person decides about a record's feed, and
 * meterbeat.record_change: who did, and when. */
#ifndef METERBEAT_STORE_RECORD_OPTION_H
#define METERBEAT_STORE_RECORD_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"

#define RECORD_OPTION_TEXT 72

/* In the order of record_option_names. */
enum record_option_name {
    OPTION_TIME_ZONE,    /* "feed" or an IANA zone */
    OPTION_HEAT_CONTENT, /* as units_heat_read takes it */
    OPTION_REGISTERS,    /* "deltas" or "differences" */
    OPTION_MULTIPLIER,   /* this and those below as correction_read takes them */
    OPTION_COST_SCALE,
    OPTION_SHIFT,
    OPTION_METER,
    OPTION_SERVICE,
    RECORD_OPTIONS
};

/* Texts are "" where nothing was decided. */
struct record_option {
    char of[RECORD_OPTIONS][RECORD_OPTION_TEXT];
    int64_t generation; /* of the corrections: multiplier to service */
};

/* "time_zone", ... */
const char *record_option_name(enum record_option_name name);
/* A record without a row has none. Errors: those of pg_query. */
MUST_CHECK bool record_option_get(struct pg *p, int64_t record_id, struct record_option *ret_option,
                                  struct err *e);

/* What a change made of what is stored already. */
struct record_option_effect {
    bool is_changed;
    bool is_other_values; /* readings come to other values, in the series they have */
    bool is_other_meters; /* readings come to other series: those they have are superseded */
};
/*
 * Inside the caller's transaction. who: for the log of changes. ERR_REJECT "no_record";
 * "zone_in_use": readings are booked by the days of another zone.
 */
MUST_CHECK bool record_option_set(struct pg *p, int64_t record_id,
                                  const struct record_option *option, const char *who,
                                  struct record_option_effect *ret_effect, struct err *e);
/* Inside a task's transaction: ERR_RETRY "record_changed" when the corrections are other ones than
 * those of this generation, with which the task has read. */
MUST_CHECK bool record_option_hold(struct pg *p, int64_t record_id, int64_t generation,
                                   struct err *e);

/* After the groups are staged: a record other than the one whose series they are staged for would
 * read them with other corrections than these. *ret_record_id 0: none. */
MUST_CHECK bool record_option_other(struct pg *p, const struct record_option *option,
                                    int64_t *ret_record_id, struct err *e);

/* Days of the books whose values were written with other corrections and not yet again. */
struct record_option_stale {
    int64_t days, first_s, last_s;
};
MUST_CHECK bool record_option_stale(struct pg *p, int64_t record_id,
                                    struct record_option_stale *ret_stale, struct err *e);

#endif
