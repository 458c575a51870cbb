/* The parse task: one window of one record, from its feed into both databases; or one for each
 * record. */
#ifndef METERBEAT_WORKER_INGEST_PARSE_H
#define METERBEAT_WORKER_INGEST_PARSE_H

#include "common/base/buf.h"
#include "common/store/custodian.h"
#include "common/store/pending.h"
#include "common/store/record.h"
#include "common/store/record_option.h"
#include "common/store/run.h"
#include "common/store/staging.h"
#include "worker/task/arguments.h"
#include "common/espi/correction.h"
#include "common/espi/reader.h"
#include "common/greenbutton/feed.h"
#include "common/espi/plausible.h"
#include "common/espi/units.h"
#include "common/greenbutton/unpack.h"
#include "common/greenbutton/window.h"
#include "worker/task/task.h"

/* For the task table (task/task.h). Errors: those of each step, with the record before the text.
 */
MUST_CHECK bool parse_perform(struct task_context *t, json_t **ret_result, struct err *e);
void parse_about(const struct message *m, struct run_key *key);

#define PARSE_NOTE 400

/* One parse of one record, handed from step to step. */
struct parse {
    struct task_context *task;
    struct parse_arguments arguments;
    const struct timezone_rules *zone; /* borrowed */
    char *sent_bearer; /* the last access token that was sent; wiped by parse_free */
    bool by_hand;      /* a file that a person gave, of no record that could be asked again */
    bool is_draft;     /* nothing is to be written: series are looked up only */
    const char *scope; /* by_hand: the subscription whose meters these are; NULL: the known one's */
    struct record record;
    struct record_option option;
    struct units_heat heat; /* amount 0: none */
    struct correction correction;
    char told[PARSE_NOTE];      /* what else was odd about the feed; "" */
    size_t anothers;            /* series whose meter another record named first */
    char corrected[PARSE_NOTE]; /* the corrections that were applied, as a person
                                   wrote them; "" */
    bool has_custodian;         /* the three below count */
    struct custodian custodian;
    struct subscription subscription;
    struct pending pending; /* is_pending: what the custodian has accepted and not answered yet */
    bool is_pending;
    bool is_too_long;          /* the named window, for one question to its custodian */
    struct collect *collect;   /* while its documents are fetched */
    struct validator unbooked; /* of its whole answer; strings owned */
    struct feed_volume volume; /* of what its documents brought so far */
    struct window window;
    struct stage *stage;
    struct espi *espi;
    struct unpack *unpack;      /* of the document that is being fetched */
    struct plausible plausible; /* sums of what it read */
    struct err stopped;         /* why should_stop said yes */
    bool is_unchanged;          /* the custodian answered 304 */
    struct stage_window wanted; /* of what was staged */
    struct stage_counts counts;
    size_t series;               /* that can be stored */
    char unresolved[PARSE_NOTE]; /* those that cannot, and why; "" */
    char skipped[PARSE_NOTE];    /* readings that are none, and why; "" */
    uint64_t skipped_readings;   /* how many */
    bool has_registers;
    int64_t overlapping;   /* readings that begin before the one before them ends */
    int64_t points, costs; /* written to KairosDB and counted back */
    int64_t bills, months; /* rows changed, months made dirty */
    json_t *result;        /* what it returns, as it was booked */
};

void parse_free(struct parse *p); /* what the steps made; for CLEANUP */
/* What was decided about p->record; of record 0, nothing was. Errors: those of record_option_get,
 * and of parse_decide. */
MUST_CHECK bool parse_option(struct parse *p, struct err *e);
/* Makes of p->option what is applied. Errors: those of units_heat_read, correction_read. */
MUST_CHECK bool parse_decide(struct parse *p, struct err *e);
/* For libcurl's callbacks, at least every second: renews the lease, and says whether to stop. No
 * COPY is open while they run. context is the struct parse. */
bool parse_should_stop(void *context);
/* A request that was stopped failed for the reason of the stop. Returns false. */
bool parse_stopped(const struct parse *p, struct err *e);
/* The steps, each in the file of its name. */
MUST_CHECK bool fetch_window(struct parse *p, struct err *e); /* feed -> stage */
/* The window's URL in the seed's style, as feed_url_build. */
MUST_CHECK bool fetch_url(const struct parse *p, struct buf *ret_url, struct err *e);
/* The parts of it: the reader and the stage made; bytes of the feed into both, context is the
 * parse. */
MUST_CHECK bool fetch_reader(struct parse *p, struct err *e);
MUST_CHECK bool fetch_bytes(void *context, const char *bytes, size_t len, struct err *e);
MUST_CHECK bool fetch_next(void *context, struct err *e);
void fetch_unread(void *context, const char *name);
/* Bytes of an answer, which may be gzip or a ZIP archive without saying so; and its end, before
 * espi_end or espi_finish. */
MUST_CHECK bool fetch_packed(void *context, const char *bytes, size_t len, struct err *e);
MUST_CHECK bool fetch_packed_end(struct parse *p, struct err *e);
MUST_CHECK bool resolve_series(struct parse *p, struct err *e); /* groups -> series */
MUST_CHECK bool write_points(struct parse *p, struct err *e); /* stage -> KairosDB, counted back */
MUST_CHECK bool book_parse(struct parse *p, struct err *e);   /* all books in one transaction */
/* A part of that, in a transaction: the days staged so far, and the months they make dirty. */
MUST_CHECK bool book_days(struct parse *p, struct err *e);
/* Nothing was to be fetched: the run is done. */
MUST_CHECK bool book_nothing(struct parse *p, const char *why, struct err *e);
/* parse without a record: a child for each active record that has none. */
MUST_CHECK bool fan_out(struct task_context *t, const struct timezone_rules *zone,
                        json_t **ret_result, struct err *e);

/* What the task returns; new reference. */
json_t *parse_result(const struct parse *p);
/* How a record asks for windows. Borrows from both. */
struct window_source parse_window_source(const struct record *r, const struct settings *s);

#endif
