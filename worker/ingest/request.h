/* What one parse or import is to fetch: decided before the first byte is fetched, and constant for
 * every step from then on. */
#ifndef METERBEAT_WORKER_INGEST_REQUEST_H
#define METERBEAT_WORKER_INGEST_REQUEST_H

#include "common/espi/correction.h"
#include "common/espi/units.h"
#include "common/store/record.h"
#include "common/store/record_option.h"
#include "common/store/staging.h"
#include "worker/ingest/next_window.h"
#include "worker/task/arguments.h"
#include "worker/task/task.h"

/* Room for what a summary says of one thing. */
#define INGEST_NOTE 400

struct ingest_request {
    struct task_context *task;
    const struct timezone_rules *zone; /* of windows; borrowed */
    struct parse_arguments arguments;
    struct record record; /* of a file: a building and nothing else; id 0 until it is known */
    struct record_source source;
    struct record_option option;
    struct units_heat heat;       /* amount 0: none */
    struct correction correction; /* borrows from option */
    char corrected[INGEST_NOTE];  /* the corrections, as a person wrote them; "" */
    struct next_window next;
    struct staging_window wanted; /* what of the readings and bills is taken */
    bool is_file;    /* of a document that a person provided: there is nothing to fetch again */
    bool is_preview; /* nothing is to be written: series are looked up only */
    const char
        *scope; /* of a file: the subscription whose meters these are; NULL: the known one's */
};

/* All of a record's parse. The task's arguments and zone are set already. What the custodian kept
 * ready for too long is dropped from the store. Errors: those of record_get, record_option_get,
 * record_source_load, next_window_find, request_apply_options. */
MUST_CHECK bool request_load(struct ingest_request *r, struct err *e);
/* Makes of r->option what is applied. Errors: those of units_heat_read, correction_read. */
MUST_CHECK bool request_apply_options(struct ingest_request *r, struct err *e);
/* The question whose answer r->next is; borrows from r. */
struct window_question request_window_question(const struct ingest_request *r);
void request_free(struct ingest_request *r); /* for CLEANUP too */

#endif
