/* Which window of a record is asked for next, of whom and at which URL: one answer for the worker and
 * for whoever shows it. */
#ifndef METERBEAT_WORKER_INGEST_NEXT_WINDOW_H
#define METERBEAT_WORKER_INGEST_NEXT_WINDOW_H

#include "common/base/buf.h"
#include "common/config/settings.h"
#include "common/greenbutton/window.h"
#include "common/store/custodian.h"
#include "common/store/pending.h"
#include "common/store/record.h"

/* Whom a record's readings are asked of. */
struct record_source {
    bool has_custodian; /* false: the record's own URL, and the two below do not count */
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
    bool is_named; /* a window asked for by name, [from_s, to_s); else the record's next one */
    int64_t from_s, to_s;
    int64_t now_s; /* epoch seconds, by the database's clock */
};

struct next_window {
    struct window window; /* within the custodian's limits: its longest window and its ceiling */
    bool
        is_pending; /* the custodian has accepted it and not answered yet; of what was asked then */
    struct pending pending;
    bool has_expired; /* a BatchList's files could not be had in time: what is pending counts as
                         none, and its row is to be dropped */
    bool is_too_long; /* a named window, for one request to its custodian */
};

/* pending: what is stored for that record or window; NULL: nothing. ret_next borrows it. Pure.
 * Errors: those of window_next, window_named. */
MUST_CHECK bool next_window_decide(const struct window_question *q, const struct pending *pending,
                                   struct next_window *ret_next, struct err *e);
/* The same with what is stored; nothing is written. Free with next_window_free. Errors also: those
 * of pending_get. */
MUST_CHECK bool next_window_find(struct pg *pg, const struct window_question *q,
                                 struct next_window *ret_next, struct err *e);
void next_window_free(struct next_window *next); /* for CLEANUP too */
/* Where the window is asked for. Pure. Caller frees with buf_free. Errors: those of feed_url_build,
 * rest_url_build, rest_url_follow. */
MUST_CHECK bool next_window_url(const struct window_question *q, const struct window *window,
                                struct buf *ret_url, struct err *e);

#endif
