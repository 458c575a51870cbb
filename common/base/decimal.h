/* Converts integers with a power of ten to correctly rounded doubles, and doubles to JSON text. */
#ifndef METERBEAT_BASE_DECIMAL_H
#define METERBEAT_BASE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"

#define DECIMAL_TEXT 40
/* Limit of a unit's exponent: real feeds stay within -12..12. */
#define DECIMAL_MAX_EXPONENT 30
/* Limit of the additional decimals of a reading. */
#define DECIMAL_MAX_PLACES 30

/* value x 10^exponent, rounded once. False if the exponent is out of range: above
 * DECIMAL_MAX_EXPONENT, or below the sum of both limits. Pure. */
MUST_CHECK bool decimal_scale(int64_t value, int64_t exponent, double *ret_scaled);
/*
 * The text of a finite double, with 17 digits so that it reads back exactly, and always with a dot:
 * KairosDB reads a number without one as an integer and drops its exponent. False if it is not
 * finite.
 */
MUST_CHECK bool decimal_print(double value, char text[DECIMAL_TEXT]);

#endif
