/* Maps words that some writers put into a block's interval to ESPI's codes. Pure. */
#ifndef METERBEAT_ESPI_OWN_H
#define METERBEAT_ESPI_OWN_H

#include <stddef.h>
#include <stdint.h>

/* "ELECTRIC" -> 0, a ServiceKind; ESPI_ABSENT: unknown word. */
int64_t espi_own_service(const char *word, size_t len);
/* "kWH" -> 72 and 3: ESPI's uom and power of ten; both ESPI_ABSENT: unknown word. */
void espi_own_unit(const char *word, size_t len, int64_t *ret_uom, int64_t *ret_multiplier);

#endif
