/* The resources of a feed and the hrefs between them, kept until every link can be followed. */
#ifndef METERBEAT_ESPI_GRAPH_H
#define METERBEAT_ESPI_GRAPH_H

#include "common/espi/grammar.h"
#include "common/espi/keep.h"

enum espi_rel { REL_SELF, REL_UP, REL_RELATED, REL_COUNT };

/* One link of an entry; the text is normalised and borrowed. */
struct espi_href {
    enum espi_rel rel;
    const char *text;
    size_t len;
};

/* Which of several numbers were given, a bit each, and which of them twice and not the same. */
struct espi_given {
    uint64_t once, twice;
};

/* A resource as it was read; texts in its slots are names (espi_names). */
struct espi_draft {
    enum espi_kind kind;
    struct espi_given given; /* by slot */
    int64_t slots[ESPI_SLOTS_MAX];
};

/* The same with the href as a name. */
struct espi_named_href {
    enum espi_rel rel;
    uint32_t name;
};

/* The Atom entry a resource stands in. number 0: none, a bare document. */
struct espi_context {
    uint64_t number;
    uint32_t title; /* a name */
    const struct espi_href *hrefs;
    size_t href_count;
    const struct espi_named_href *links; /* for espi_graph_add: each once */
    size_t link_count;
};

/* Each different link of the open entry once, in its order; reused from entry to entry. */
struct espi_entry_links {
    struct espi_array links; /* struct espi_named_href */
    struct espi_index index;
};

/* What a block says of its readings by itself, in its interval; numbers ESPI_ABSENT: not. */
#define ESPI_OWN_POINT 128
struct espi_own {
    uint32_t point; /* the service point's id, a name; 0: none */
    int64_t service_kind;
    int64_t uom;
    int64_t multiplier;
    int64_t step_s;
};

struct espi_resource {
    enum espi_kind kind;
    bool differs;            /* came again with other content; the first counts */
    bool differs_in_meaning; /* a ReadingType with another unit, multiplier, kind or flow direction
                              */
    uint32_t self;
    uint32_t title;
    uint32_t slots; /* index of the first one in values */
    uint64_t entry;
    uint64_t related_in; /* the last entry whose links it was given */
};

struct espi_relation {
    uint32_t resource;
    uint32_t href;
    uint32_t next; /* number + 1 of the next with the same rel and href, once indexed */
    enum espi_rel rel;
};

/* What the blocks of one group have in common. */
struct espi_group {
    uint32_t up;
    uint32_t self; /* of the first block */
    uint32_t related;
    uint32_t series;
    uint64_t entry; /* of the first block */
    uint64_t line;
    uint64_t blocks;
    uint64_t readings;
    uint64_t unplaced;
    int64_t duration_s; /* of its first reading that has one; each ESPI_ABSENT: none */
    int64_t step_s;     /* the least between two starts, one behind the other in a block */
    int64_t share_s;    /* of its first block of readings without times: its length for each */
    struct espi_own own;
    uint32_t own_name; /* all of it as one text; 0: the blocks say nothing by themselves */
    bool own_differs;  /* its blocks say different things */
    bool unreadable_values;
    bool unreadable_costs;
};

/* The names a group is found by, by rel, 0: none of that rel; and what its blocks say. */
struct espi_group_key {
    uint32_t names[REL_COUNT];
    uint32_t own_name;
};

struct espi_graph {
    struct espi_budget budget;
    struct espi_names names;
    struct espi_array resources;  /* struct espi_resource */
    struct espi_array relations;  /* struct espi_relation */
    struct espi_array values;     /* int64_t */
    struct espi_array groups;     /* struct espi_group */
    struct espi_array group_keys; /* struct espi_group_key, beside groups */
    struct espi_index by_self;    /* resources by kind and self */
    struct espi_index by_relation;
    struct espi_index by_key; /* groups by key */
};

/* Fills in->links: however many resources an entry has, its links are gone through once. `entry` is
 * the budget of what is kept as long as the entry. Free both parts of `l` in the end. */
MUST_CHECK bool espi_graph_links(struct espi_graph *g, struct espi_context *in,
                                 struct espi_entry_links *l, struct espi_budget *entry,
                                 struct err *e);
/* Keeps a resource, or merges it into the one with its kind and self. *ret_differs: its content was
 * another. */
MUST_CHECK bool espi_graph_add(struct espi_graph *g, const struct espi_draft *draft,
                               const struct espi_context *in, bool *ret_differs, struct err *e);
/* The group of the blocks of an entry that say the same by themselves (own NULL: nothing), from
 * those of its links that are known yet. */
MUST_CHECK bool espi_graph_group(struct espi_graph *g, const struct espi_context *in,
                                 const struct espi_own *own, uint64_t line, uint32_t *ret_group,
                                 struct err *e);
/* All that a block says as one name. */
MUST_CHECK bool espi_graph_own_name(struct espi_graph *g, const struct espi_own *own,
                                    uint32_t *ret_name, struct err *e);
/* Links that stood behind the blocks of the entry. */
MUST_CHECK bool espi_graph_group_again(struct espi_graph *g, uint32_t group,
                                       const struct espi_context *in, struct err *e);
struct espi_group *espi_graph_group_at(const struct espi_graph *g, uint32_t group);
struct espi_resource *espi_graph_resource(const struct espi_graph *g, size_t i);
const int64_t *espi_graph_slots(const struct espi_graph *g, const struct espi_resource *r);
void espi_graph_free(struct espi_graph *g);

#endif
