/* The documents of one answer: unpacked, read and staged in PostgreSQL, piece by piece. */
#ifndef METERBEAT_WORKER_INGEST_STAGED_FEED_H
#define METERBEAT_WORKER_INGEST_STAGED_FEED_H

#include "common/espi/plausible.h"
#include "common/espi/reader.h"
#include "common/greenbutton/feed.h"
#include "common/greenbutton/unpack.h"
#include "worker/ingest/request.h"

/* Takes the URLs of further documents of the answer. */
struct staged_feed_urls {
    bool (*add)(void *context, enum espi_url kind, const char *url, struct err *e);
    void *context;
};

/* Do not move it once opened: the reader points into it. */
struct staged_feed {
    const struct ingest_request *request; /* borrowed */
    struct stage *stage;
    struct espi *reader;          /* until it is resolved */
    struct unpack *unpack;        /* of the document that is being fetched */
    struct plausible plausible;   /* sums of what was read */
    struct staged_feed_urls urls; /* add NULL: none */
    struct task_stop stop;        /* of the request under way */
    bool is_unchanged;            /* the answer was 304: nothing is staged */
};

/* Errors: those of staging_open, espi_open. Free with staged_feed_free, also after a failure. */
MUST_CHECK bool staged_feed_open(const struct ingest_request *r,
                                 const struct staged_feed_urls *urls, struct staged_feed *feed,
                                 struct err *e);
/* For feed_fetch: takes bytes that may be gzip or a ZIP archive without saying so; and their end.
 * Errors: those of unpack_write, unpack_end and the reader. If feed_fetch was stopped, task_stopped
 * (of feed->stop) says why. */
struct feed_sink staged_feed_sink(struct staged_feed *feed);
MUST_CHECK bool staged_feed_packed_end(struct staged_feed *feed, struct err *e);
/* For input that is unpacked already: bytes of a document, the start of the next one, and the name
 * of a file that is not one. context: the feed. Errors: the reader's. */
MUST_CHECK bool staged_feed_bytes(void *context, const char *bytes, size_t len, struct err *e);
MUST_CHECK bool staged_feed_next(void *context, struct err *e);
void staged_feed_unread(void *context, const char *name);
/* After the last document: follows the links, and checks that there is meter data. Errors: those of
 * espi_finish, espi_check_content. */
MUST_CHECK bool staged_feed_finish(struct staged_feed *feed, struct err *e);
/* Frees what the reader holds, which is not needed while KairosDB is written. */
void staged_feed_close_reader(struct staged_feed *feed);
void staged_feed_free(struct staged_feed *feed); /* for CLEANUP too */

#endif
