/* The service category of a series, and whether its values can be added up. Pure. */
#ifndef METERBEAT_ESPI_SERVICE_H
#define METERBEAT_ESPI_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/espi/feed_series.h"

/*
 * The service category. The reading type decides: its commodity, or, without one, its unit if that
 * is therms or Btu under electricity; otherwise the usage point's category. ESPI_ABSENT: nothing
 * says. *ret_conflict: category, commodity and unit contradict one another. Pure.
 */
int64_t series_service(const struct espi_series *s, bool *ret_conflict);
/* Whether a monthly sum is meaningful: for amounts of energy, volume and so on; not for power,
 * voltage, temperature, or a register's growing total. */
bool series_is_summable(const struct espi_series *s);

#endif
