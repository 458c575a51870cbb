/* Imports a Green Button document that a person provides, in the steps of a parse. */
#ifndef METERBEAT_WORKER_INGEST_IMPORT_H
#define METERBEAT_WORKER_INGEST_IMPORT_H

#include "common/store/month.h"
#include "worker/ingest/diff.h"

/* Takes the document's bytes, unpacked; see unpack_sink. */
struct import_sink {
    bool (*bytes)(void *context, const char *bytes, size_t len, struct err *e);
    bool (*next)(void *context, struct err *e);
    void (*unread)(void *context, const char *name);
    void *context;
};

/* Strings borrowed. */
struct import {
    const char *building_id;
    const char *name;  /* of the file: what the ledger will say the readings came from */
    const char *scope; /* see struct ingest_request */
    const char *zone;  /* of new series' days: an IANA zone, or "feed"; NULL: as was decided about
                          the file's record, else the configured one */
    const struct record_option *given; /* go before what was decided about the file; or NULL */
    /* Passes the whole document on; false: its error, or the sink's. */
    bool (*read)(void *context, const struct import_sink *sink, struct err *e);
    void *context;
};

struct import_result {
    struct ingest_result ingested; /* its texts and counts */
    char corrected[INGEST_NOTE];   /* the corrections that were applied; "" */
    bool is_nothing;               /* there were readings, and none of them could be stored */
    struct month_bills bill;       /* of a preview */
};

/*
 * Reads it all, then writes and commits it as a parse does, in one transaction; days of the ledger
 * that it changed name the file's record (record.h). The task keeps no run. Everything that begins
 * before the end of the local day is taken. False: as a parse; nothing is committed then.
 */
MUST_CHECK bool import_perform(struct task_context *t, const struct import *i,
                               struct import_result *ret_result, struct err *e);
/* The same, but only compared with what is stored: nothing is written, but for temporary tables. */
MUST_CHECK bool import_preview(struct task_context *t, const struct import *i,
                               const struct diff_sink *sink, struct import_result *ret_result,
                               struct err *e);

#endif
