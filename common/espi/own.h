/* Words for what ESPI has codes for, as some writers put them into a block's interval. Pure. */
#ifndef METERBEAT_ESPI_OWN_H
#define METERBEAT_ESPI_OWN_H

#include <stddef.h>
#include <stdint.h>

/* "ELECTRIC" -> 0, a ServiceKind; ESPI_ABSENT: another word. */
int64_t espi_own_service(const char *word, size_t len);
/* "kWH" -> 72 and 3: ESPI's unit and power of ten; both ESPI_ABSENT: another word. */
void espi_own_unit(const char *word, size_t len, int64_t *ret_uom, int64_t *ret_multiplier);

#endif
