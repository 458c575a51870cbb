/* A record that a Data Custodian is asked for: its window, what is pending, and what is booked. */
#ifndef METERBEAT_WORKER_INGEST_ASYNC_REQUEST_H
#define METERBEAT_WORKER_INGEST_ASYNC_REQUEST_H

#include "worker/ingest/parse.h"

/* Sets p->has_custodian and what goes with it. Errors: those of subscription_get, custodian_get. */
MUST_CHECK bool custody_load(struct parse *p, struct err *e);
/*
 * The window, within the custodian's limits: the one that is pending, as it was asked for; else the
 * next one or the one named. ERR_RETRY TASK_NOT_NOW when what is pending is not to be asked for
 * yet; else as window_next.
 */
MUST_CHECK bool custody_window(struct parse *p, const struct window_source *record, int64_t now_s,
                               struct err *e);
/* Instead of a parse of a named window that is_too_long: promises one of each part of it, and ends
 * the run. Errors: ERR_REJECT "bad_window"; of promise_parse and the books. */
MUST_CHECK bool custody_split(struct parse *p, struct err *e);
/* 202: written down when to ask again (what location says, or url, "" : the same as before).
 * Returns false: ERR_RETRY TASK_NOT_NOW; ERR_REJECT "feed_never_ready" after the custodian's limit.
 */
bool custody_wait(struct parse *p, const char *poll_url, int32_t retry_after_s, struct err *e);
/* A BatchList has come: its URLs are kept, so that nobody asks for it again. */
MUST_CHECK bool custody_keep_urls(struct parse *p, const char *poll_url, const char *urls,
                                  struct err *e);
/* What was pending is of no use any more: the next parse asks anew. */
void custody_give_up(struct parse *p);
/* In the transaction that books the answer: nothing is pending any more, its validators count. */
MUST_CHECK bool custody_book(struct parse *p, bool moves, struct err *e);
void custody_free(struct parse *p);

#endif
