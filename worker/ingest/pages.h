/* All documents of one window from a Data Custodian: pages, or the files of a BatchList. */
#ifndef METERBEAT_WORKER_INGEST_PAGES_H
#define METERBEAT_WORKER_INGEST_PAGES_H

#include "common/espi/reader.h"
#include "common/greenbutton/feed.h"
#include "worker/ingest/parse.h"

/*
 * Fetches them into p->espi and the stage, then what the custodian said earlier and these refer to;
 * all links are followed at the end. p->is_unchanged: nothing was new. False: as ask_custodian;
 * ERR_RETRY TASK_NOT_NOW for what is pending; ERR_REJECT "too_many_documents", "feed_foreign_url".
 */
MUST_CHECK bool collect_documents(struct parse *p, const struct feed_sink *sink, struct err *e);
/* For the reader: there is more at url. */
MUST_CHECK bool collect_add(struct collect *c, enum espi_url kind, const char *url, struct err *e);

#endif
