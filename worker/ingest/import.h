/* A Green Button document that a person gave: the steps of a parse, without a record of its own. */
#ifndef METERBEAT_WORKER_INGEST_IMPORT_H
#define METERBEAT_WORKER_INGEST_IMPORT_H

#include "common/store/month.h"
#include "worker/ingest/diff.h"
#include "worker/ingest/parse.h"

/* Where to pass the document's bytes on to, unpacked: see unpack_sink. */
struct import_sink {
    bool (*bytes)(void *context, const char *bytes, size_t len, struct err *e);
    bool (*next)(void *context, struct err *e);
    void (*unread)(void *context, const char *name);
    void *context;
};

/* Strings borrowed. */
struct import {
    const char *building_id;
    const char *name;  /* of the file: what the books will say the readings came from */
    const char *scope; /* see struct parse */
    const char *zone;  /* of new series' days: an IANA zone, or "feed"; NULL: as was decided about
                          the file's record, else the configured one */
    const struct record_option *given; /* go before what was decided about the file; or NULL */
    /* Passes the whole document on; false: its error, or the sink's. */
    bool (*read)(void *context, const struct import_sink *sink, struct err *e);
    void *context;
};

struct import_outcome {
    struct stage_counts counts;
    size_t series;               /* that can be stored */
    char unresolved[PARSE_NOTE]; /* those that cannot, and why; "" */
    char told[PARSE_NOTE];       /* what else was odd; "" */
    char corrected[PARSE_NOTE];  /* the corrections that were applied; "" */
    int64_t points, costs;       /* written to KairosDB and counted back */
    int64_t bills, months;       /* rows changed, months to sum */
    bool is_nothing;             /* there were readings, and none of them could be stored */
    char skipped[PARSE_NOTE];    /* readings that are none, and why; "" */
    struct month_bills bill;     /* of a comparison */
};

/*
 * Reads it all, then writes and books it as a parse does, in one transaction; days of the books
 * that it changed name the file's record (record.h). The task keeps no run. Everything that begins
 * before the end of the local day is taken. False: as a parse; nothing is booked then.
 */
MUST_CHECK bool import_perform(struct task_context *t, const struct import *i,
                               struct import_outcome *ret_outcome, struct err *e);
/* The same, but only compared with what is stored: nothing is written, but for temporary tables. */
MUST_CHECK bool import_compare(struct task_context *t, const struct import *i,
                               const struct compare_sink *sink, struct import_outcome *ret_outcome,
                               struct err *e);

#endif
