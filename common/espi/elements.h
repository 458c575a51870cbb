/* Interprets a feed's elements as they open and close: emits readings, keeps resources. */
#ifndef METERBEAT_ESPI_ELEMENTS_H
#define METERBEAT_ESPI_ELEMENTS_H

#include "common/base/buf.h"
#include "common/espi/reader.h"
#include "common/espi/graph.h"
#include "common/espi/lines.h"
#include "common/espi/problems.h"

#define ESPI_DEPTH_MAX 255
#define ESPI_PENDING_MAX 256 /* resources in one entry: "too_many_resources" */

/* The XML parser's position, for problems. */
struct espi_location {
    uint64_t line;
    uint64_t column;
};

/* One link of the open entry, as a part of `hrefs_text`. */
struct espi_stored_href {
    enum espi_rel rel;
    size_t offset;
    size_t len;
};

struct espi_elements {
    struct espi_limits limits;
    struct espi_sink sink;
    struct espi_graph graph;
    struct espi_problems problems;
    struct espi_location (*place)(void *context);
    void *place_context;

    /* position in the document: the grammar's rules that are open, and elements without meaning
     * below them */
    struct espi_seen seen[ESPI_RULES_MAX];
    uint8_t open[ESPI_DEPTH_MAX + 1];
    size_t depth; /* open[depth] is the innermost; 0 is the document */
    size_t skipped;
    const char *skipped_in; /* the outermost of them; the parser's */
    bool root_seen;
    bool name_space_told;
    bool wants_text;
    bool text_cut; /* the rest is omitted: the text is only displayed */
    char *text;    /* limits.text_bytes of room */
    size_t text_len;

    /* the open entry */
    uint64_t entries;
    /* entry number for what is outside any entry: a new one for each further document */
    uint64_t outside;
    bool in_entry;
    bool entry_has_readings;
    int64_t updated_s;
    struct buf title;
    struct buf hrefs_text;
    struct espi_array stored_hrefs; /* struct espi_stored_href */
    struct espi_array hrefs;        /* struct espi_href, built from them when needed */
    struct espi_entry_links entry_links;
    struct espi_budget entry_budget;
    struct espi_pending drafts[ESPI_PENDING_MAX];
    size_t draft_count;
    bool entry_has_group;
    uint32_t group;
    size_t group_hrefs; /* links that were known when the group was chosen */

    /* the open summary's lines */
    struct espi_lines lines;
    struct espi_given line_given; /* by NODE_LINE_... */
    /* the open block and reading */
    bool block_has_group;
    uint64_t block_line;
    struct espi_own own;
    char own_point[ESPI_OWN_POINT];
    size_t own_point_len;
    struct espi_given block_given; /* by NODE_BLOCK_... */
    int64_t block_start_s, block_duration_s;
    int64_t last_start_s; /* of the previous reading, if it has one of its own */
    uint32_t ordinal;
    uint32_t ordinal_unplaced;       /* the number of those without a start of their own */
    struct espi_given reading_given; /* by node */
    bool start_unreadable;           /* of the reading: given but not a number */
    bool start_elsewhere;            /* of the reading: given in the wrong place */
    uint64_t readings;
    uint64_t misplaced; /* IntervalReadings where none is expected */
    uint64_t list_urls, customer_elements;
    struct espi_reading reading;
};

MUST_CHECK bool espi_elements_make(struct espi_elements *d, struct err *e);
void espi_elements_free(struct espi_elements *d);
/* Begins another document of the same feed; everything read so far stays. */
void espi_elements_next(struct espi_elements *d);

/* Returns the rule of the element that opens, or -1 if it has no meaning. Errors: the limits', and
 * the sink's. name and uri must stay valid and unchanged until espi_elements_free. */
MUST_CHECK bool espi_elements_start(struct espi_elements *d, const char *name, const char *uri,
                                    int *ret_rule, struct err *e);
/* The attributes of a NODE_LINK. rel decides whether the href is of interest. */
MUST_CHECK bool espi_elements_link(struct espi_elements *d, const char *rel, size_t rel_len,
                                   const char *href, size_t href_len, struct err *e);
/* Whether text here has a meaning; otherwise espi_elements_text need not be called. */
static inline bool espi_elements_wants_text(const struct espi_elements *d)
{
    return d->wants_text && !d->skipped;
}
MUST_CHECK bool espi_elements_text(struct espi_elements *d, const char *text, size_t len,
                                   struct err *e);
MUST_CHECK bool espi_elements_end(struct espi_elements *d, struct err *e);

#endif
