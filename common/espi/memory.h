/* Resources that one answer of a custodian gives and later ones only refer to, as texts that can be
 * kept. */
#ifndef METERBEAT_ESPI_MEMORY_H
#define METERBEAT_ESPI_MEMORY_H

#include "common/base/buf.h"
#include "common/espi/graph.h"

/* A resource with a self; hrefs without scheme, host and outer slashes, borrowed from the graph. */
struct espi_kept {
    const char *kind; /* "ReadingType", ... */
    const char *self;
    const char *up;    /* "" = none */
    const char *entry; /* XML: an Atom entry of it, with all that the reader understands */
};

/* The first 2000 that mean one thing, in the order of the feed. `keep` false ends it with that
 * error. Also ERR_RETRY "no_memory". */
MUST_CHECK bool espi_memory_each(const struct espi_graph *g,
                                 bool (*keep)(void *context, const struct espi_kept *kept,
                                              struct err *e),
                                 void *context, struct err *e);
/* The hrefs at which what the feed refers to would be found: of blocks without a MeterReading, of
 * MeterReadings without a type or usage point. May name one more than once. */
MUST_CHECK bool espi_memory_wanted(const struct espi_graph *g,
                                   bool (*want)(void *context, const char *href, size_t len,
                                                struct err *e),
                                   void *context, struct err *e);
/* Is it in the feed already? */
bool espi_memory_has(const struct espi_graph *g, const char *kind, const char *self);

#endif
