/* All documents of one window from a Data Custodian: pages, or the files of a BatchList. */
#ifndef METERBEAT_WORKER_INGEST_PAGES_H
#define METERBEAT_WORKER_INGEST_PAGES_H

#include "worker/ingest/custodian_exchange.h"
#include "worker/ingest/staged_feed.h"

/*
 * Opens the feed and reads them into it, then what the custodian said earlier and these refer to;
 * all links are followed at the end. feed->is_unchanged: nothing was new. False: as exchange_send;
 * ERR_NOT_NOW for what is pending; ERR_REJECT "too_many_documents", "feed_foreign_url".
 */
MUST_CHECK bool pages_fetch(const struct ingest_request *r, struct exchange *x,
                            struct staged_feed *feed, struct err *e);

#endif
