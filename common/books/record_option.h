/* meterbeat.record_option: what a person decides about a record's feed. */
#ifndef METERBEAT_BOOKS_RECORD_OPTION_H
#define METERBEAT_BOOKS_RECORD_OPTION_H

#include "base/attr.h"
#include "base/err.h"
#include "books/pg.h"

#define RECORD_OPTION_TEXT 64

/* Texts are "" where nothing was decided. */
struct record_option {
    char time_zone[RECORD_OPTION_TEXT];    /* "feed" or an IANA zone */
    char heat_content[RECORD_OPTION_TEXT]; /* as units_heat_read takes it */
    char registers[RECORD_OPTION_TEXT];    /* "deltas" or "differences" */
};

/* A record without a row has none. Errors: those of pg_query. */
MUST_CHECK bool record_option_get(struct pg *p, int64_t record_id, struct record_option *ret_option,
                                  struct err *e);
/* ERR_REJECT "no_record"; "zone_in_use": readings are booked by the days of another zone. */
MUST_CHECK bool record_option_set(struct pg *p, int64_t record_id,
                                  const struct record_option *option, struct err *e);

#endif
