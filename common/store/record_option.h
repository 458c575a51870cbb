/* meterbeat.record_option: a person's decisions about a record's feed; meterbeat.record_change: who
 * decided what, and when. */
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
    OPTION_MULTIPLIER,   /* this and the following as correction_read takes them */
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
/* A record without a row has no options. Errors: those of pg_query. */
MUST_CHECK bool record_option_get(struct pg *p, int64_t record_id, struct record_option *ret_option,
                                  struct err *e);

/* The effect of a change on stored data. */
struct record_option_effect {
    bool is_changed;
    bool is_other_values; /* readings get other values, in the same series */
    bool is_other_meters; /* readings get other series: the existing ones are superseded */
};
/* In the caller's transaction. who: for the log of changes. ERR_REJECT "no_record"; "zone_in_use":
 * readings are stored by the days of another zone. */
MUST_CHECK bool record_option_set(struct pg *p, int64_t record_id,
                                  const struct record_option *option, const char *who,
                                  struct record_option_effect *ret_effect, struct err *e);
/* In the task's transaction: ERR_RETRY "record_changed" if the corrections are no longer those of
 * this generation, with which the task has read. */
MUST_CHECK bool record_option_hold(struct pg *p, int64_t record_id, int64_t generation,
                                   struct err *e);

/* After the groups are staged: another record that feeds one of their series and has other
 * corrections. *ret_record_id 0: none. */
MUST_CHECK bool record_option_other(struct pg *p, const struct record_option *option,
                                    int64_t *ret_record_id, struct err *e);

/* The number of days in the ledger whose values were written with other corrections and not again
 * since. */
struct record_option_stale {
    int64_t days, first_s, last_s;
};
MUST_CHECK bool record_option_stale(struct pg *p, int64_t record_id,
                                    struct record_option_stale *ret_stale, struct err *e);

/* For people: rows of option, value before, value after, when (UTC) and by whom; at most `most`, the
 * last one first. NULL: as pg_query. */
MUST_CHECK PGresult *record_option_changes(struct pg *p, int64_t record_id, int64_t most,
                                           struct err *e);

#endif
