/* The series of a feed, made once its links are known. */
#ifndef METERBEAT_ESPI_SERIES_TABLE_H
#define METERBEAT_ESPI_SERIES_TABLE_H

#include "common/espi/graph.h"
#include "common/espi/problems.h"
#include "common/espi/feed_series.h"

struct series_table {
    struct espi_series *series;
    size_t count;
    struct espi_bill *bills;
    size_t bill_count;
};

/*
 * Makes one series per MeterReading, and one per set of blocks that have no MeterReading but a link
 * in common; sets each group's series. Texts belong to the graph. ERR_RETRY "no_memory", ERR_REJECT
 * "too_much_kept". Free with series_table_free.
 */
MUST_CHECK bool series_table_make(struct espi_graph *g, struct espi_problems *problems,
                                  struct series_table *ret_table, struct err *e);
void series_table_free(struct series_table *t);

#endif
