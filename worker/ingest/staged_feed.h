/* The documents of one answer on their way in: unpacked, read, and staged in PostgreSQL, nothing kept
 * in memory. */
#ifndef METERBEAT_WORKER_INGEST_STAGED_FEED_H
#define METERBEAT_WORKER_INGEST_STAGED_FEED_H

#include "common/espi/plausible.h"
#include "common/espi/reader.h"
#include "common/greenbutton/feed.h"
#include "common/greenbutton/unpack.h"
#include "worker/ingest/request.h"

/* Whom the reader tells where more of the answer is; NULL: nobody fetches it. */
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

/* Errors: those of stage_open, espi_open. Free with staged_feed_free, also after a failure. */
MUST_CHECK bool staged_feed_open(const struct ingest_request *r,
                                 const struct staged_feed_urls *urls, struct staged_feed *feed,
                                 struct err *e);
/* Where feed_fetch takes its bytes, which may be gzip or a ZIP archive without saying so; and the end
 * of them. Errors: those of unpack_write, unpack_end and the reader; when the fetch failed because
 * feed->stop was asked, task_stopped says why. */
struct feed_sink staged_feed_sink(struct staged_feed *feed);
MUST_CHECK bool staged_feed_packed_end(struct staged_feed *feed, struct err *e);
/* What is unpacked already: bytes of a document, the next document, and the name of what is none.
 * context: the feed. Errors: the reader's. */
MUST_CHECK bool staged_feed_bytes(void *context, const char *bytes, size_t len, struct err *e);
MUST_CHECK bool staged_feed_next(void *context, struct err *e);
void staged_feed_unread(void *context, const char *name);
/* It was the last document: links are followed, and it has to hold meter data. Errors: those of
 * espi_finish, espi_check_content. */
MUST_CHECK bool staged_feed_finish(struct staged_feed *feed, struct err *e);
/* What the reader kept is not needed while KairosDB is written. */
void staged_feed_close_reader(struct staged_feed *feed);
void staged_feed_free(struct staged_feed *feed); /* for CLEANUP too */

#endif
