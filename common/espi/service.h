/* What a series meters: its service category, and whether its values add up. Pure. */
#ifndef METERBEAT_ESPI_SERVICE_H
#define METERBEAT_ESPI_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/espi/feed_series.h"

/*
 * What is metered, as a service category. The reading type decides: its commodity, or its unit
 * where it has none and therms or Btu stand below electricity; else the usage point's category.
 * ESPI_ABSENT: nothing says. *ret_conflict: category, commodity and unit contradict one another.
 * Pure.
 */
int64_t series_service(const struct espi_series *s, bool *ret_conflict);
/* Whether a sum over a month means anything: amounts of energy, volume, ...; not power, voltage,
 * temperature, nor a register's growing total. */
bool series_is_summable(const struct espi_series *s);

#endif
