/* Reads a Green Button (ESPI) feed as it arrives: bytes in, readings out at once, series at the
 * end. */
#ifndef METERBEAT_ESPI_READER_H
#define METERBEAT_ESPI_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/espi/feed_series.h"

/*
 * A feed may name the unit of its readings after them, so a reading carries a group: what its block
 * links to, numbered from 0. Stage (group, start, duration, value, ...), and join with
 * espi_series_of_group() once espi_finish() has said true. Numbers the feed does not give are
 * ESPI_ABSENT.
 */
struct espi_reading {
    uint32_t group;
    uint32_t ordinal; /* place in its block, from 0 */
    uint64_t
        entry; /* the Atom entry it came in, from 1 (see espi_sink.entry); 0 = outside any entry */
    int64_t
        start_s; /* epoch seconds; without own time: the block's start, absent when that has none */
    int64_t duration_s; /* absent when the reading has no timePeriod of its own */
    int64_t value; /* times 10^value_exponent, times 10^power_of_ten_multiplier of the series, in
                      its uom */
    int64_t cost;  /* times 10^cost_exponent, in 1e-5 of the series' currency */
    int32_t value_exponent; /* -ESPI_PLACES_MAX to 0: the decimals that the feed writes */
    int32_t cost_exponent;
    int64_t quality;    /* the first QualityOfReading code given */
    uint32_t qualities; /* each code n < 31 given sets bit n, any other bit 31 */
    int64_t tou;
    int64_t consumption_tier;
    int64_t cpp;
    bool placed; /* false: no timePeriod; espi_place_reading() finds the start once the series is
                    known */
};

/* The end of an entry that held readings. updated_s: epoch seconds of its atom:updated, or
 * ESPI_ABSENT. */
struct espi_entry {
    uint64_t entry;
    int64_t updated_s;
};

/* A URL at which there is more of the answer. */
enum espi_url {
    ESPI_URL_NEXT,  /* the feed's next page; as it is written, perhaps relative */
    ESPI_URL_BATCH, /* of a BatchList, which holds nothing but these */
};
#define ESPI_URL_MAX 4096

/*
 * Called from within espi_write and espi_finish, on their thread; what they are handed is borrowed
 * for the call. False ends the reading with that error. entry and url may be NULL.
 */
struct espi_sink {
    bool (*reading)(void *context, const struct espi_reading *r, struct err *e);
    bool (*entry)(void *context, const struct espi_entry *entry, struct err *e);
    bool (*url)(void *context, enum espi_url kind, const char *url, struct err *e);
    void *context;
};

/* Each maximum ends the feed with ERR_REJECT and its own code; 0 = the default, in
 * espi_limits_default(). */
struct espi_limits {
    uint64_t total_bytes; /* "feed_too_large"; default: none, the caller counts */
    uint64_t readings;    /* "too_many_readings" */
    size_t depth;         /* "too_deep": elements within elements, at most 255 */
    size_t token_bytes;   /* "token_too_long": one tag, comment or processing instruction, about */
    size_t
        names_bytes; /* "too_many_names": distinct names of elements, attributes and name spaces */
    size_t text_bytes; /* "text_too_long": one element's text or one href */
    size_t attributes; /* "too_many_attributes": of one element */
    size_t
        kept_bytes; /* "too_much_kept": hrefs, resources, groups and problems held until the end */
    size_t
        series; /* "too_many_series": MeterReadings, and blocks without one, that have readings */
    size_t problems; /* not an error: further problems are counted, not kept */
};

struct espi;

struct espi_limits espi_limits_default(void);
/* limits NULL = defaults; copies both. NULL: ERR_RETRY "no_memory". Free with espi_free (NULL is
 * fine). */
MUST_CHECK struct espi *espi_open(const struct espi_limits *limits, const struct espi_sink *sink,
                                  struct err *e);
/*
 * The next piece, of any size. False, each with line:column in its text, and every later call says
 * the same: ERR_REJECT "not_well_formed", "bad_encoding", "doctype", "html", "not_xml",
 * "not_a_feed" (another root), "too_many_resources" (256 in one entry) or a limit's code; ERR_RETRY
 * "no_memory"; or what the sink said.
 */
MUST_CHECK bool espi_write(struct espi *p, const char *bytes, size_t len, struct err *e);
/* The end, and the links. False as above, or ERR_REJECT "empty", ERR_RETRY "feed_cut_off". */
MUST_CHECK bool espi_finish(struct espi *p, struct err *e);
/*
 * For a feed in several documents (pages, files of a batch): the end of one, which is then checked
 * as espi_finish does, and the beginning of the next. Links hold across all of them; espi_finish
 * follows the last. Errors as there.
 */
MUST_CHECK bool espi_end(struct espi *p, struct err *e);
MUST_CHECK bool espi_next(struct espi *p, struct err *e);
void espi_free(struct espi *p);
void espi_freep(struct espi **p); /* for CLEANUP */

/* After espi_finish said true. All borrowed until espi_free. */
size_t espi_series_count(const struct espi *p);
const struct espi_series *espi_series_at(const struct espi *p, size_t i);
/* Bills, in the order of the feed; those that say the same are one. */
size_t espi_bill_count(const struct espi *p);
const struct espi_bill *espi_bill_at(const struct espi *p, size_t i);
/* Every group handed to the sink has a series; whether that can be used, espi_series.unresolved
 * says. */
size_t espi_series_of_group(const struct espi *p, uint32_t group);
/* Gives an unplaced reading its start and duration from its series; false: it has no place in time.
 */
MUST_CHECK bool espi_place_reading(const struct espi_series *s, struct espi_reading *r);

/* Adds to the problems, after espi_finish, what its readings together are found to be: a code of
 * theirs (espi_problems.h; another one is not kept), of this series, whose first readings are those
 * of this group; figure "" or what of them. */
void espi_tell(struct espi *p, const char *code, size_t series, uint32_t group, const char *figure);

/* Adds a file that came with the documents and is none, by its name, to the problems. */
void espi_tell_unread(struct espi *p, const char *name);

/* Seconds from one reading without a time to the next; ESPI_ABSENT: the type does not say, or in
 * another unit. */
int64_t espi_interval(const struct espi_series *s);

/* The seconds that a reading said to last `seconds` lasts: some writers name the last second
 * instead of the end, so that 3599 are an hour and 899 a quarter. Others come back unchanged. */
int64_t espi_length(int64_t seconds);

/* What was read so far, for espi_memory.h; borrowed. */
struct espi_graph;
const struct espi_graph *espi_graph_of(const struct espi *p);
/* At any time: how many groups, entries and readings so far, and what was odd. */
size_t espi_group_count(const struct espi *p);
uint64_t espi_reading_count(const struct espi *p);
size_t espi_problem_count(const struct espi *p); /* those kept */
const struct espi_problem *espi_problem_at(const struct espi *p, size_t i);
uint64_t espi_problems_not_kept(const struct espi *p);
/* IntervalReadings that stood where none is read. */
uint64_t espi_misplaced_count(const struct espi *p);
/* How many IntervalReadings became no reading, as a text of their problems ("": none) and their
 * number, which counts one twice that lacks two things. */
uint64_t espi_skipped(const struct espi *p, char *text, size_t room);
/* After espi_finish: false where the feed holds nothing to use and is something else than meter
 * data: ERR_REJECT "customer_data" (names and addresses), "batch_list" (URLs that nobody
 * fetches) or "not_a_feed" (another document of ESPI: ServiceStatus, ...). */
MUST_CHECK bool espi_check_content(const struct espi *p, struct err *e);

#endif
