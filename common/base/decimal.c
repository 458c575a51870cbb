/* Integers with a power of ten made into doubles, correctly rounded, and doubles into JSON text. */
#include "common/base/decimal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both operands exact: one IEEE operation rounds correctly, as the long way round by strtod does.
 */
static bool decimal_scale_exact(int64_t value, int64_t exponent, double *ret_scaled)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                    1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    const int64_t exact = INT64_C(1) << 53;
    if (value > exact || value < -exact || exponent < -12 || exponent > 12)
        return false;
    *ret_scaled =
        exponent < 0 ? (double)value / powers[-exponent] : (double)value * powers[exponent];
    return true;
}

bool decimal_scale(int64_t value, int64_t exponent, double *ret_scaled)
{
    if (exponent < -DECIMAL_MAX_EXPONENT - DECIMAL_MAX_PLACES || exponent > DECIMAL_MAX_EXPONENT)
        return false;
    if (decimal_scale_exact(value, exponent, ret_scaled))
        return true;
    char text[48];
    snprintf(text, sizeof text, "%" PRId64 "e%" PRId64, value, exponent);
    *ret_scaled = strtod(text, NULL);
    return true;
}

bool decimal_print(double value, char text[DECIMAL_TEXT])
{
    if (!isfinite(value))
        return false;
    char plain[DECIMAL_TEXT - 4];
    snprintf(plain, sizeof plain, "%.17g", value);
    if (strchr(plain, '.')) {
        memcpy(text, plain, strlen(plain) + 1);
        return true;
    }
    const char *exponent = strchr(plain, 'e');
    int digits = exponent ? (int)(exponent - plain) : (int)strlen(plain);
    snprintf(text, DECIMAL_TEXT, "%.*s.0%s", digits, plain, exponent ? exponent : "");
    return true;
}
