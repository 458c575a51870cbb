/* Which elements have a meaning, where they occur and what their text fills. Pure data. */
#ifndef METERBEAT_ESPI_GRAMMAR_H
#define METERBEAT_ESPI_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An element with a meaning. The document itself comes first, as the parent of the root. */
enum espi_node {
    NODE_DOCUMENT,
    NODE_FEED,
    NODE_ENTRY,
    NODE_CONTENT,
    NODE_LINK,
    NODE_TITLE,
    NODE_UPDATED,
    NODE_RESOURCE, /* what the graph keeps: its kind is in the rule */
    NODE_PART,     /* an element of a resource that only contains others */
    NODE_FIELD,    /* fills slot `slot` of the resource with a number */
    NODE_WORD,     /* fills slot `slot` of the resource with a text */
    NODE_BLOCK,
    NODE_BLOCK_INTERVAL,
    NODE_BLOCK_START,
    NODE_BLOCK_DURATION,
    NODE_BLOCK_POINT, /* Duke Energy's: a self-describing block has these in its interval */
    NODE_BLOCK_SERVICE,
    NODE_BLOCK_UNIT,
    NODE_BLOCK_STEP,
    NODE_READING,
    NODE_READING_PERIOD,
    NODE_START,
    NODE_DURATION,
    NODE_VALUE,
    NODE_COST,
    NODE_QUALITIES,
    NODE_QUALITY,
    NODE_QUALITY_WORD, /* Duke Energy's: ACTUAL or ESTIMATED */
    NODE_TOU,
    NODE_TIER,
    NODE_CPP,
    NODE_LINE, /* of a bill */
    NODE_LINE_AMOUNT,
    NODE_LINE_KIND,
    NODE_LINE_NOTE,
    NODE_LIST,     /* a BatchList: URLs of the answer */
    NODE_LIST_URL, /* one of its URLs */
};

/* What the graph keeps of a feed. */
enum espi_kind {
    KIND_USAGE_POINT,
    KIND_METER_READING,
    KIND_READING_TYPE,
    KIND_LOCAL_TIME,
    KIND_SUMMARY, /* UsageSummary, ElectricPowerUsageSummary */
    KIND_COUNT,
};

/* The slots of each kind. */
enum { UP_SERVICE_KIND, UP_SLOTS };
enum {
    RT_ACCUMULATION,
    RT_COMMODITY,
    RT_CONSUMPTION_TIER,
    RT_CPP,
    RT_CURRENCY,
    RT_DATA_QUALIFIER,
    RT_DEFAULT_QUALITY,
    RT_FLOW_DIRECTION,
    RT_INTERVAL_LENGTH,
    RT_KIND,
    RT_MEASURING_PERIOD,
    RT_MULTIPLIER,
    RT_PHASE,
    RT_TIME_ATTRIBUTE,
    RT_TOU,
    RT_UOM,
    RT_SLOTS
};
enum { LTP_DST_END, LTP_DST_OFFSET, LTP_DST_START, LTP_TZ_OFFSET, LTP_SLOTS };
enum {
    SUM_IS_ELECTRIC, /* which of the two names the resource had */
    SUM_BILL_LAST,
    SUM_BILL_TO_DATE,
    SUM_COMMODITY,
    SUM_COST_ADDITIONAL,
    SUM_CURRENCY,
    SUM_CURRENT_MULTIPLIER,
    SUM_CURRENT_PLACES, /* exponent of the value as written; absent: 0 */
    SUM_CURRENT_UOM,
    SUM_CURRENT_VALUE,
    SUM_DURATION,
    SUM_LINE_AMOUNT, /* sum of the charges in its lines; absent: they do not determine one */
    SUM_HAS_LINES,
    SUM_OVERALL_MULTIPLIER,
    SUM_OVERALL_PLACES,
    SUM_OVERALL_UOM,
    SUM_OVERALL_VALUE,
    SUM_QUALITY,
    SUM_START,
    SUM_STATUS_TIME,
    SUM_SAID,               /* the content after it contradicts the feed's */
    SUM_UPDATED = SUM_SAID, /* of its entry */
    SUM_SLOTS
};
#define ESPI_SLOTS_MAX SUM_SLOTS

/* One rule of the grammar. Its number is on the reader's stack. */
struct espi_rule {
    const char *name;
    bool atom; /* in Atom's name space; else in ESPI's */
    bool text; /* its text is wanted */
    uint8_t node;
    uint8_t kind;
    uint8_t slot;
    uint8_t first_child; /* its children, a range of the grammar */
    uint8_t last_child;  /* one past the last */
};

#define ESPI_NS "http://naesb.org/espi"
#define ESPI_NS_ATOM "http://www.w3.org/2005/Atom"

extern const struct espi_rule espi_grammar[];
#define ESPI_RULES_MAX 128

/* By rule, the element that was last found to match it: XML parsers keep each name at one address.
 */
struct espi_seen {
    const char *name;
    const char *uri;
};

/*
 * The rule of element `name` in name space `uri` under rule `parent`; -1: no meaning. An element in
 * no name space, in the wrong one of Atom's and ESPI's, or in a commonly misspelt one is accepted:
 * *ret_is_misplaced, the first time. While `seen` is in use, an address must not be reused for
 * another name.
 */
int espi_grammar_match(int parent, const char *name, const char *uri,
                       struct espi_seen seen[ESPI_RULES_MAX], bool *ret_is_misplaced);
size_t espi_grammar_slots(enum espi_kind kind);
/* "UsagePoint", ... */
const char *espi_grammar_kind_name(enum espi_kind kind);

/* Whether an element that no rule under `parent` matches has the name of a known resource, in a
 * name space that is neither ESPI's nor below it (as the customer schema's is). */
bool espi_grammar_is_foreign(int parent, const char *name, const char *uri);
/* Whether an element belongs to NAESB's retail customer schema. */
bool espi_grammar_is_customer(const char *name, const char *uri);
/* Whether a document with that root is one of ESPI's, supported or not. */
bool espi_grammar_is_root(const char *name, const char *uri);
/* ESPI's name space, also if misspelt in a common way: https, a trailing slash. */
bool espi_grammar_is_espi(const char *uri);

#endif
