/* Integers with a power of ten made into doubles, correctly rounded, and doubles into JSON text. */
#ifndef METERBEAT_BASE_DECIMAL_H
#define METERBEAT_BASE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"

#define DECIMAL_TEXT 40
/* Exponents beyond this are no unit's: real feeds stay within -12..12. */
#define DECIMAL_MAX_EXPONENT 30
/* ... and of the decimals that a reading may have beside it. */
#define DECIMAL_MAX_PLACES 30

/* value x 10^exponent, rounded once. False when the exponent is out of range: above
 * DECIMAL_MAX_EXPONENT, or below what both have together. Pure. */
MUST_CHECK bool decimal_scale(int64_t value, int64_t exponent, double *ret_scaled);
/* Shortest-safe text of a finite double (17 digits), always with a dot: KairosDB reads a number
 * without one as an integer and drops its exponent. False when it is not finite. */
MUST_CHECK bool decimal_print(double value, char text[DECIMAL_TEXT]);

#endif
