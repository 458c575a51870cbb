/* ESPI's codes as the words that SEED puts into tags. */
#ifndef METERBEAT_ESPI_SERIES_NAMES_H
#define METERBEAT_ESPI_SERIES_NAMES_H

#include <stdint.h>

/* Each: the word for a code, NULL for a code without one. */
const char *series_service_name(int64_t service_kind); /* "electricity", "gas", ... */
const char *series_flow_name(int64_t flow_direction);  /* "forward", "reverse", ... */
const char *series_kind_name(int64_t kind);            /* "energy", "volume", "power", ... */
const char *series_uom_name(int64_t uom);              /* "Wh", "therm", "m3", ... */

#endif
