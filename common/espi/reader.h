/* Reads a Green Button (ESPI) feed as it arrives: readings are handed over at once, series at the
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
 * A feed may name the unit of its readings after them. So a reading carries a group, which stands
 * for the links of its block, numbered from 0. Stage (group, start, duration, value, ...), and join
 * with espi_series_of_group() once espi_finish() has returned true. Numbers that the feed does not
 * give are ESPI_ABSENT.
 */
struct espi_reading {
    uint32_t group;
    uint32_t ordinal; /* index in its block, from 0 */
    uint64_t
        /* the Atom entry that contained it, from 1 (see espi_sink.entry); 0 = outside any entry */
        entry;
    int64_t
        /* epoch seconds; without a time of its own: the block's start, ESPI_ABSENT if that has
         * none */
        start_s;
    int64_t duration_s; /* ESPI_ABSENT if the reading has no timePeriod */
    int64_t value; /* times 10^value_exponent, times 10^power_of_ten_multiplier of the series, in
                      its uom */
    int64_t cost;  /* times 10^cost_exponent, in 1e-5 of the series' currency */
    int32_t value_exponent; /* -ESPI_PLACES_MAX to 0: the number of decimals in the feed */
    int32_t cost_exponent;
    int64_t quality;    /* the first QualityOfReading code given */
    uint32_t qualities; /* code n < 31 sets bit n, any other code bit 31 */
    int64_t tou;
    int64_t consumption_tier;
    int64_t cpp;
    /* false: no timePeriod; espi_place_reading() computes the start once the series is known */
    bool placed;
};

/* Called at the end of an entry that held readings. updated_s: its atom:updated in epoch seconds,
 * or ESPI_ABSENT. */
struct espi_entry {
    uint64_t entry;
    int64_t updated_s;
};

/* A URL that has more of the answer. */
enum espi_url {
    ESPI_URL_NEXT,  /* the feed's next page; as written, perhaps relative */
    ESPI_URL_BATCH, /* an item of a BatchList, which contains nothing else */
};
#define ESPI_URL_MAX 4096

/* Called from within espi_write and espi_finish, on their thread; arguments are borrowed for the
 * call. False aborts with that error. entry and url may be NULL. */
struct espi_sink {
    bool (*reading)(void *context, const struct espi_reading *r, struct err *e);
    bool (*entry)(void *context, const struct espi_entry *entry, struct err *e);
    bool (*url)(void *context, enum espi_url kind, const char *url, struct err *e);
    void *context;
};

/* Exceeding a limit ends the feed with ERR_REJECT and the code of that limit; 0 = the default of
 * espi_limits_default(). */
struct espi_limits {
    uint64_t total_bytes; /* "feed_too_large"; default: none, the caller counts */
    uint64_t readings;    /* "too_many_readings" */
    size_t depth;         /* "too_deep": nesting of elements, at most 255 */
    /* "token_too_long": approximate length of one tag, comment or processing instruction */
    size_t token_bytes;
    size_t
        names_bytes; /* "too_many_names": distinct names of elements, attributes and name spaces */
    size_t text_bytes; /* "text_too_long": text of one element, or one href */
    size_t attributes; /* "too_many_attributes": per element */
    size_t
        kept_bytes; /* "too_much_kept": hrefs, resources, groups and problems held until the end */
    size_t
        series; /* "too_many_series": MeterReadings, and blocks without one, that have readings */
    size_t problems; /* not an error: further problems are only counted */
};

struct espi;

struct espi_limits espi_limits_default(void);
/* Makes a reader. limits NULL = defaults; both are copied. NULL: ERR_RETRY "no_memory". Free with
 * espi_free (NULL is fine). */
MUST_CHECK struct espi *espi_open(const struct espi_limits *limits, const struct espi_sink *sink,
                                  struct err *e);
/*
 * Reads the next piece, of any size. False, with line:column in the text, and again for every later
 * call: ERR_REJECT "not_well_formed", "bad_encoding", "doctype", "html", "not_xml", "not_a_feed"
 * (another root), "too_many_resources" (256 in one entry) or a limit's code; ERR_RETRY "no_memory";
 * or the sink's error.
 */
MUST_CHECK bool espi_write(struct espi *p, const char *bytes, size_t len, struct err *e);
/* Ends the feed and follows its links. False: as above, or ERR_REJECT "empty", ERR_RETRY
 * "feed_cut_off". */
MUST_CHECK bool espi_finish(struct espi *p, struct err *e);
/*
 * For a feed in several documents (pages, files of a batch): ends one, which is checked as by
 * espi_finish, and begins the next. Links work across all of them; call espi_finish after the last.
 * Same errors.
 */
MUST_CHECK bool espi_end(struct espi *p, struct err *e);
MUST_CHECK bool espi_next(struct espi *p, struct err *e);
void espi_free(struct espi *p);
void espi_freep(struct espi **p); /* for CLEANUP */

/* After espi_finish has returned true. All borrowed until espi_free. */
size_t espi_series_count(const struct espi *p);
const struct espi_series *espi_series_at(const struct espi *p, size_t i);
/* Bills, in the order of the feed; equal ones are returned once. */
size_t espi_bill_count(const struct espi *p);
const struct espi_bill *espi_bill_at(const struct espi *p, size_t i);
/* Every group that was handed to the sink has a series; espi_series.unresolved says whether it is
 * usable. */
size_t espi_series_of_group(const struct espi *p, uint32_t group);
/* Computes start and duration of a reading without a time from its series; false: it has no
 * time. */
MUST_CHECK bool espi_place_reading(const struct espi_series *s, struct espi_reading *r);

/*
 * After espi_finish, adds a problem found by looking at all readings of a series: a code of
 * problems.h (others are ignored), for the series whose first readings are those of this group;
 * figure: details, or "".
 */
void espi_tell(struct espi *p, const char *code, size_t series, uint32_t group, const char *figure);

/* Adds a problem for a file that came with the documents and is not one, with its name. */
void espi_tell_unread(struct espi *p, const char *name);

/* The graph of what has been read so far, for memory.h; borrowed. */
struct espi_graph;
const struct espi_graph *espi_graph_of(const struct espi *p);
/* At any time: the number of groups, entries and readings so far, and the problems. */
size_t espi_group_count(const struct espi *p);
uint64_t espi_reading_count(const struct espi *p);
size_t espi_problem_count(const struct espi *p); /* the ones that were kept */
const struct espi_problem *espi_problem_at(const struct espi *p, size_t i);
uint64_t espi_problems_not_kept(const struct espi *p);
/* The number of IntervalReadings in places where none is expected. */
uint64_t espi_misplaced_count(const struct espi *p);
/* The number of IntervalReadings that did not become a reading, as a text listing their problems
 * ("": none) and as a count, in which a reading with two defects counts twice. */
uint64_t espi_skipped(const struct espi *p, char *text, size_t room);
/*
 * After espi_finish: false if the feed contains nothing usable and is something other than meter
 * data: ERR_REJECT "customer_data" (names and addresses), "batch_list" (URLs that nobody fetches)
 * or "not_a_feed" (another ESPI document: ServiceStatus, ...).
 */
MUST_CHECK bool espi_check_content(const struct espi *p, struct err *e);

#endif
