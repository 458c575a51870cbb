/* The resource cache's content: resources that one answer of a custodian contains and later ones
 * only refer to, as texts that can be stored. */
#ifndef METERBEAT_ESPI_MEMORY_H
#define METERBEAT_ESPI_MEMORY_H

#include "common/base/buf.h"
#include "common/espi/graph.h"

/* A resource with a self link; hrefs without scheme, host and outer slashes, borrowed from the
 * graph. */
struct espi_kept {
    const char *kind; /* "ReadingType", ... */
    const char *self;
    const char *up;    /* "" = none */
    const char *entry; /* XML: an Atom entry with everything that the reader understands of it */
};

/* Calls keep for the first 2000 unambiguous resources, in the order of the feed. `keep` returning
 * false aborts with that error. Also ERR_RETRY "no_memory". */
MUST_CHECK bool espi_memory_each(const struct espi_graph *g,
                                 bool (*keep)(void *context, const struct espi_kept *kept,
                                              struct err *e),
                                 void *context, struct err *e);
/* The hrefs of resources that the feed refers to and lacks: for blocks without a MeterReading, and
 * MeterReadings without a type or usage point. May return one more than once. */
MUST_CHECK bool espi_memory_wanted(const struct espi_graph *g,
                                   bool (*want)(void *context, const char *href, size_t len,
                                                struct err *e),
                                   void *context, struct err *e);
/* Whether the feed contains it. */
bool espi_memory_has(const struct espi_graph *g, const char *kind, const char *self);

#endif
