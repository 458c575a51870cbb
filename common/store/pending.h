/* Asynchronous requests: windows that a custodian has accepted (202) and not answered yet, and the
 * validators of its last complete answer. */
#ifndef METERBEAT_STORE_PENDING_H
#define METERBEAT_STORE_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/store/pg.h"

/* Strings owned. */
struct pending {
    int64_t record_id;
    bool is_named; /* a window requested by name; else the record's next one */
    int64_t from_s, to_s;
    int64_t asked_s; /* when it was first requested, epoch seconds: windows are computed from it */
    int64_t next_poll_in_s; /* from now; 0 or less: due */
    int64_t deadline_in_s;  /* from now; with urls: when those are given up */
    int64_t polls;          /* polls so far */
    char *poll_url;         /* the URL to poll */
    char *urls;             /* JSON list from a BatchList that has arrived; NULL: none yet */
};

/* Errors of all functions here: as pg_query. In the caller's transaction if there is one. */

/* named: that window; else the one for the record's next window. *ret_found false: none. */
MUST_CHECK bool pending_get(struct pg *p, int64_t record_id, bool is_named, int64_t from_s,
                            int64_t to_s, struct pending *ret_pending, bool *ret_found,
                            struct err *e);
/* Inserts or replaces; the _in_s fields count from now. The deadline of the first 202 stays until
 * there are urls. */
MUST_CHECK bool pending_put(struct pg *p, const struct pending *pending, struct err *e);
MUST_CHECK bool pending_drop(struct pg *p, int64_t record_id, bool is_named, int64_t from_s,
                             int64_t to_s, struct err *e);
void pending_free(struct pending *pending); /* for CLEANUP too */
/* The delay before the next poll, in seconds: first, then doubled each time up to `most`; not less
 * than the custodian asked for, and not beyond the deadline. Pure. */
int64_t pending_pause(int64_t first_s, int64_t most_s, int64_t polls, int64_t retry_after_s,
                      int64_t deadline_in_s);

/* Strings owned by the caller. */
struct validator {
    const char *url, *etag, *last_modified;
    const char *last_date; /* the record's value once that answer is committed */
    int64_t last_ts;
};

#define VALIDATOR_TEXT 512
/* Both validators of the record's last complete answer, if it was for this URL and the record is
 * still where that answer left it; else "". */
MUST_CHECK bool validator_get(struct pg *p, int64_t record_id, const struct validator *wanted,
                              char etag[VALIDATOR_TEXT], char last_modified[VALIDATOR_TEXT],
                              struct err *e);
/* In the transaction that commits the answer. Without either validator the row is deleted. */
MUST_CHECK bool validator_put(struct pg *p, int64_t record_id, const struct validator *v,
                              struct err *e);

#endif
