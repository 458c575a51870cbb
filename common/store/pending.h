/* What a custodian has accepted and not answered yet, and what its last whole answer was. */
#ifndef METERBEAT_STORE_PENDING_H
#define METERBEAT_STORE_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/store/pg.h"

/* Strings owned. */
struct pending {
    int64_t record_id;
    bool is_named; /* a window asked for by name; else the record's next one */
    int64_t from_s, to_s;
    int64_t asked_s; /* when it was asked first, epoch seconds: windows are worked out by it */
    int64_t next_poll_in_s; /* from now; not above 0: due */
    int64_t deadline_in_s;  /* from now; with urls: when they are given up */
    int64_t polls;          /* so far */
    char *poll_url;         /* what is to be asked again */
    char *urls;             /* JSON list of a BatchList that has come; NULL: none yet */
};

/* Errors of all: as pg_query. In the caller's transaction when there is one. */

/* named: that window; else the one for the record's next window. *ret_found false: none. */
MUST_CHECK bool pending_get(struct pg *p, int64_t record_id, bool is_named, int64_t from_s,
                            int64_t to_s, struct pending *ret_pending, bool *ret_found,
                            struct err *e);
/* Writes or replaces; the _in_s fields count from now. The deadline of the first 202 stays, until
 * there are urls. */
MUST_CHECK bool pending_put(struct pg *p, const struct pending *pending, struct err *e);
MUST_CHECK bool pending_drop(struct pg *p, int64_t record_id, bool is_named, int64_t from_s,
                             int64_t to_s, struct err *e);
void pending_free(struct pending *pending); /* for CLEANUP too */
/* The pause before the next poll, in seconds: first, then twice as long each time, at most `most`;
 * not below what the custodian asked for, not beyond the deadline. Pure. */
int64_t pending_pause(int64_t first_s, int64_t most_s, int64_t polls, int64_t retry_after_s,
                      int64_t deadline_in_s);

/* Strings owned by the caller. */
struct validator {
    const char *url, *etag, *last_modified;
    const char *last_date; /* the record's, once that answer was booked */
    int64_t last_ts;
};

#define VALIDATOR_TEXT 512
/* The two validators of the record's last whole answer, if it was of this URL and the record still
 * stands where that left it; else "". */
MUST_CHECK bool validator_get(struct pg *p, int64_t record_id, const struct validator *wanted,
                              char etag[VALIDATOR_TEXT], char last_modified[VALIDATOR_TEXT],
                              struct err *e);
/* In the transaction that books the answer. Without either validator it is forgotten. */
MUST_CHECK bool validator_put(struct pg *p, int64_t record_id, const struct validator *v,
                              struct err *e);

#endif
