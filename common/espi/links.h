/* Finds which resource belongs to which, by the rules of espi_link, most trusted first. */
#ifndef METERBEAT_ESPI_LINKS_H
#define METERBEAT_ESPI_LINKS_H

#include "common/espi/graph.h"
#include "common/espi/feed_series.h"

struct espi_choice {
    uint32_t resource; /* number + 1; 0 = none */
    enum espi_link link;
    bool ambiguous; /* another one matches as well: the first counts */
    bool elsewhere; /* an href names another than the only one of the kind */
};

/* One choice for each resource (of the kind concerned) and each group. */
struct espi_links {
    struct espi_choice *usage_point;   /* of a MeterReading or a summary */
    struct espi_choice *reading_type;  /* of a MeterReading */
    struct espi_choice *local_time;    /* of a UsagePoint */
    struct espi_choice *meter_reading; /* of a group */
    /* the only one of its kind, where the feed has exactly one */
    struct espi_choice only[KIND_COUNT];
};

/* ERR_RETRY "no_memory", ERR_REJECT "too_much_kept". Free with espi_links_free either way. */
MUST_CHECK bool espi_links_find(struct espi_graph *g, struct espi_links *ret_links, struct err *e);
void espi_links_free(struct espi_links *l);
/* What the blocks of a group without a MeterReading have in common, as a name: `up`, or the path of
 * `self`. */
MUST_CHECK bool espi_links_orphan(struct espi_graph *g, uint32_t group, uint32_t *ret_name,
                                  struct err *e);

#endif
