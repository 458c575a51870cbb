/* What the texts of a feed mean: numbers as they are really written, instants, hrefs made
 * comparable. */
#include "common/espi/element_text.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "common/espi/feed_series.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

const char *espi_text_trim(const char *text, size_t len, size_t *ret_len)
{
    while (len && is_space(text[0]))
        text++, len--;
    while (len && is_space(text[len - 1]))
        len--;
    *ret_len = len;
    return text;
}

/* --- numbers -------------------------------------------------------------------------------------
 */
/* A number on its way: negative x 10^exponent, since negative has room for one more. */
struct digits {
    int64_t negative;
    int64_t exponent;
    bool any;
};

/* Takes one digit in. Zeros wait in *zeros, with the digit itself, until another digit shows that
 * they count. */
static bool take_digit(struct digits *d, char c, int64_t *zeros)
{
    d->any = true;
    ++*zeros;
    if (c == '0')
        return true;
    for (; *zeros > 0 && d->negative; --*zeros)
        if (__builtin_mul_overflow(d->negative, 10, &d->negative))
            return false;
    *zeros = 0;
    return !__builtin_sub_overflow(d->negative, c - '0', &d->negative);
}

/* Digits with at most one point among them; zeros at the end are left to the exponent. */
static bool take_digits(const char **s, const char *end, struct digits *d)
{
    int64_t zeros = 0, places = 0;
    bool point = false;
    for (; *s < end && (is_digit(**s) || (**s == '.' && !point)); (*s)++) {
        if (**s == '.') {
            point = true;
            continue;
        }
        places += point;
        if (!take_digit(d, **s, &zeros))
            return false;
    }
    d->exponent = zeros - places;
    return d->any;
}

/* "e3", "E-12". A number with so large an exponent that it is cut here fits nowhere anyway. */
static bool take_exponent(const char **s, const char *end, struct digits *d)
{
    int64_t exponent = 0;
    if (*s == end)
        return true;
    if (**s != 'e' && **s != 'E')
        return false;
    ++*s;
    bool minus = *s < end && **s == '-';
    if (*s < end && (**s == '-' || **s == '+'))
        ++*s;
    if (*s == end)
        return false;
    for (; *s < end && is_digit(**s); ++*s)
        exponent = exponent < 100000 ? exponent * 10 + (**s - '0') : exponent;
    d->exponent += minus ? -exponent : exponent;
    return *s == end;
}

/* The exponent above 0 into the number. */
static bool settle_exponent(struct digits *d)
{
    if (d->negative == 0)
        d->exponent = 0;
    for (; d->exponent > 0; d->exponent--)
        if (__builtin_mul_overflow(d->negative, 10, &d->negative))
            return false;
    return d->negative != ESPI_ABSENT && d->exponent >= -ESPI_PLACES_MAX;
}

/* Nearly all numbers are a few digits and nothing else: too few to overflow. */
static bool read_plain(const char *text, size_t len, int64_t *ret_value)
{
    int64_t value = 0;
    if (!len || len > 18)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]))
            return false;
        value = value * 10 + (text[i] - '0');
    }
    *ret_value = value;
    return true;
}

enum espi_number espi_text_decimal(const char *text, size_t len, int64_t *ret_value,
                                   int32_t *ret_exponent)
{
    *ret_exponent = 0;
    if (read_plain(text, len, ret_value))
        return ESPI_NUMBER_OK;
    *ret_value = ESPI_ABSENT;
    const char *s = espi_text_trim(text, len, &len);
    const char *end = s + len;
    if (!len)
        return ESPI_NUMBER_EMPTY;
    struct digits d = {0};
    bool minus = *s == '-';
    if (minus || *s == '+')
        s++;
    if (!take_digits(&s, end, &d) || !take_exponent(&s, end, &d) || !settle_exponent(&d))
        return ESPI_NUMBER_BAD;
    *ret_value = minus ? d.negative : -d.negative;
    *ret_exponent = (int32_t)d.exponent;
    return ESPI_NUMBER_OK;
}

/* What is left of a number when all but so many digits behind its point are cut off. */
#define WHOLE_PLACES 6
static size_t cut_places(const char *text, size_t len)
{
    const char *point = len ? memchr(text, '.', len) : NULL;
    size_t cut = len, keep = point ? (size_t)(point - text) + 1 + WHOLE_PLACES : len;
    while (cut > keep && is_digit(text[cut - 1]))
        cut--;
    return cut == keep ? keep : len;
}

enum espi_number espi_text_number(const char *text, size_t len, int64_t *ret_value)
{
    int32_t exponent;
    if (read_plain(text, len, ret_value))
        return ESPI_NUMBER_OK;
    text = espi_text_trim(text, len, &len);
    len = cut_places(text, len);
    if (len && (memchr(text, 'e', len) || memchr(text, 'E', len))) {
        *ret_value = ESPI_ABSENT;
        return ESPI_NUMBER_BAD;
    }
    enum espi_number found = espi_text_decimal(text, len, ret_value, &exponent);
    if (found != ESPI_NUMBER_OK || exponent == 0)
        return found;
    bool below = *ret_value < 0;
    for (; exponent < 0; exponent++)
        *ret_value /= 10;
    *ret_value -= below;
    return ESPI_NUMBER_FRACTION;
}

/* Of any script: no number here is written in them, but whoever wrote one meant it. */
static bool is_number_sign(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);
    return type == G_UNICODE_DECIMAL_NUMBER || type == G_UNICODE_LETTER_NUMBER ||
           type == G_UNICODE_OTHER_NUMBER;
}

bool espi_text_has_digit(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (is_digit(text[i]) ||
            ((text[i] & 0xc0) == 0xc0 &&
             is_number_sign(g_utf8_get_char_validated(text + i, (gssize)(len - i)))))
            return true;
    return false;
}

/* --- instants ------------------------------------------------------------------------------------
 */
/* Days from 1970-01-01 in the proleptic Gregorian calendar; years begin in March, so that leap days
 * end them. */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Takes exactly `digits` digits and the separator behind them ('\0' = none) off the text. */
static bool take_field(const char **s, const char *end, int digits, char separator,
                       int64_t *ret_value)
{
    int64_t value = 0;
    for (; digits > 0; digits--, (*s)++) {
        if (*s == end || !is_digit(**s))
            return false;
        value = value * 10 + (**s - '0');
    }
    *ret_value = value;
    if (!separator)
        return true;
    return *s < end && *(*s)++ == separator;
}

static bool take_zone(const char *s, const char *end, int64_t *ret_offset_s)
{
    *ret_offset_s = 0;
    if (s == end || (*s == 'Z' && s + 1 == end))
        return true;
    int64_t sign = *s == '-' ? -1 : 1, hours, minutes;
    if (*s != '+' && *s != '-')
        return false;
    s++;
    if (!take_field(&s, end, 2, ':', &hours) || !take_field(&s, end, 2, '\0', &minutes) || s != end)
        return false;
    *ret_offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

int64_t espi_text_instant(const char *text, size_t len)
{
    int64_t year, month, day, hour, minute, second, offset_s;
    const char *s = espi_text_trim(text, len, &len);
    const char *end = s + len;
    if (!take_field(&s, end, 4, '-', &year) || !take_field(&s, end, 2, '-', &month) ||
        !take_field(&s, end, 2, 'T', &day) || !take_field(&s, end, 2, ':', &hour) ||
        !take_field(&s, end, 2, ':', &minute) || !take_field(&s, end, 2, '\0', &second))
        return ESPI_ABSENT;
    if (s < end && *s == '.')
        for (s++; s < end && is_digit(*s);)
            s++;
    bool right = month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 24 && minute <= 59;
    if (!right || second > 60 || !take_zone(s, end, &offset_s))
        return ESPI_ABSENT;
    return days_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset_s;
}

/* --- hrefs ---------------------------------------------------------------------------------------
 */
const char *espi_text_href(const char *text, size_t len, size_t *ret_len)
{
    const char *href = espi_text_trim(text, len, &len);
    const char *end = href + len;
    const char *colon = len ? memchr(href, ':', len) : NULL;
    if (colon && end - colon >= 3 && colon[1] == '/' && colon[2] == '/') {
        const char *host = colon + 3;
        const char *path = memchr(host, '/', (size_t)(end - host));
        href = path ? path : end;
    }
    while (href < end && *href == '/')
        href++;
    while (end > href && end[-1] == '/')
        end--;
    *ret_len = (size_t)(end - href);
    return href;
}

size_t espi_text_parent(const char *href, size_t len)
{
    while (len && href[len - 1] != '/')
        len--;
    while (len && href[len - 1] == '/')
        len--;
    return len;
}
