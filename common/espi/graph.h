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

/* Which of several numbers were given, one bit each, and which were given twice with different
 * values. */
struct espi_given {
    uint64_t once, twice;
};

/* A resource as it was read; texts in its slots are names (espi_names). */
struct espi_pending {
    enum espi_kind kind;
    struct espi_given given; /* by slot */
    int64_t slots[ESPI_SLOTS_MAX];
};

/* The same with the href as a name. */
struct espi_named_href {
    enum espi_rel rel;
    uint32_t name;
};

/* The Atom entry that contains a resource. number 0: none, a bare document. */
struct espi_context {
    uint64_t number;
    uint32_t title; /* a name */
    const struct espi_href *hrefs;
    size_t href_count;
    const struct espi_named_href *links; /* for espi_graph_add: each once */
    size_t link_count;
};

/* Each distinct link of the open entry, in order; reused for the next entry. */
struct espi_entry_links {
    struct espi_array links; /* struct espi_named_href */
    struct espi_index index;
};

/* What a block's interval says about its readings; ESPI_ABSENT: not given. */
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
    bool differs;            /* seen again with other content; the first counts */
    bool differs_in_meaning; /* a ReadingType with another unit, multiplier, kind or flow direction
                              */
    uint32_t self;
    uint32_t title;
    uint32_t slots; /* index of the first one in values */
    uint64_t entry;
    uint64_t related_in; /* the last entry whose links were added to it */
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
    int64_t step_s;     /* the shortest distance between two consecutive starts in a block */
    /* of its first block of readings without times: the block's duration per reading */
    int64_t share_s;
    struct espi_own own;
    uint32_t own_name; /* all of it as one text; 0: the blocks say nothing */
    bool own_differs;  /* its blocks contradict one another */
    bool unreadable_values;
    bool unreadable_costs;
};

/* The key of a group: a name per rel, 0: no link of that rel; and what its blocks say. */
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

/* Fills in->links. The links of an entry are processed once, however many resources it has. `entry`
 * is the budget for what is kept as long as the entry. Free both parts of `l` in the end. */
MUST_CHECK bool espi_graph_links(struct espi_graph *g, struct espi_context *in,
                                 struct espi_entry_links *l, struct espi_budget *entry,
                                 struct err *e);
/* Adds a resource, or merges it into the one with its kind and self. *ret_differs: its content
 * differs. */
MUST_CHECK bool espi_graph_add(struct espi_graph *g, const struct espi_pending *draft,
                               const struct espi_context *in, bool *ret_differs, struct err *e);
/* The group of those blocks of an entry whose intervals say the same (own NULL: nothing), by the
 * links known so far. */
MUST_CHECK bool espi_graph_group(struct espi_graph *g, const struct espi_context *in,
                                 const struct espi_own *own, uint64_t line, uint32_t *ret_group,
                                 struct err *e);
/* Everything that a block's interval says, as one name. */
MUST_CHECK bool espi_graph_own_name(struct espi_graph *g, const struct espi_own *own,
                                    uint32_t *ret_name, struct err *e);
/* Adds links that came after the blocks of the entry. */
MUST_CHECK bool espi_graph_group_again(struct espi_graph *g, uint32_t group,
                                       const struct espi_context *in, struct err *e);
struct espi_group *espi_graph_group_at(const struct espi_graph *g, uint32_t group);
struct espi_resource *espi_graph_resource(const struct espi_graph *g, size_t i);
const int64_t *espi_graph_slots(const struct espi_graph *g, const struct espi_resource *r);
void espi_graph_free(struct espi_graph *g);

#endif
