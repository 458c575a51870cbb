/* Which window of a record is requested next, from whom and at which URL. The worker and the
 * commands that show it use the same functions. */
#ifndef METERBEAT_WORKER_INGEST_NEXT_WINDOW_H
#define METERBEAT_WORKER_INGEST_NEXT_WINDOW_H

#include "common/base/buf.h"
#include "common/config/settings.h"
#include "common/greenbutton/window.h"
#include "common/store/custodian.h"
#include "common/store/pending.h"
#include "common/store/record.h"

/* Where a record's readings come from. */
struct record_source {
    bool has_custodian; /* false: the record's own URL; the two below are empty */
    struct custodian custodian;
    struct subscription subscription;
};

/* keys: settings.credentials.key; NULL: without the custodian's secrets. Errors: those of
 * subscription_get, custodian_get. */
MUST_CHECK bool record_source_load(struct pg *pg, const char *keys, int64_t record_id,
                                   struct record_source *ret_source, struct err *e);
void record_source_free(struct record_source *s); /* for CLEANUP too */

/* Borrowed. */
struct window_question {
    const struct settings *settings;
    const struct timezone_rules *zone;
    const struct record *record;
    const struct record_source *source;
    bool is_named; /* the message names [from_s, to_s); otherwise the record's next window */
    int64_t from_s, to_s;
    int64_t now_s; /* epoch seconds, by the database's clock */
};

struct next_window {
    struct window window; /* within the custodian's longest window and its ceiling */
    bool is_pending; /* the custodian accepted it and has not answered yet; then the window is that
                             of the first request */
    struct pending pending;
    bool has_expired; /* a BatchList's files were not fetched in time: what is stored as pending
                         does not count, and is to be dropped */
    bool is_too_long; /* a named window that the custodian does not answer in one request */
};

/* pending: what is stored for the record or the named window; NULL: nothing. ret_next borrows it.
 * Pure. Errors: those of window_next, window_named. */
MUST_CHECK bool next_window_decide(const struct window_question *q, const struct pending *pending,
                                   struct next_window *ret_next, struct err *e);
/* Loads what is pending, then the same. Writes nothing. Free with next_window_free. Errors also:
 * those of pending_get. */
MUST_CHECK bool next_window_find(struct pg *pg, const struct window_question *q,
                                 struct next_window *ret_next, struct err *e);
void next_window_free(struct next_window *next); /* for CLEANUP too */
/* The URL of the window. Pure. Caller frees with buf_free. Errors: those of record_url_build,
 * resource_url_build, resource_url_follow. */
MUST_CHECK bool next_window_url(const struct window_question *q, const struct window *window,
                                struct buf *ret_url, struct err *e);

#endif
