/* What the texts of a feed mean: numbers as they are really written, instants, hrefs made
 * comparable. */
#include "meter/espi_text.h"

#include <stdbool.h>
#include <string.h>

#include "meter/espi_series.h"

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
/* Digits up to the first other character as a negative number, which has room for one more than
 * positive. */
static bool read_digits(const char **text, const char *end, int64_t *ret_negative)
{
    const char *s = *text;
    int64_t negative = 0;
    for (; s < end && is_digit(*s); s++)
        if (__builtin_mul_overflow(negative, 10, &negative) ||
            __builtin_sub_overflow(negative, *s - '0', &negative))
            return false;
    bool any = s > *text;
    *text = s;
    *ret_negative = negative;
    return any;
}

/* ".000" is nothing, ".5" a fraction; anything else behind the digits makes no number. */
static enum espi_number read_fraction(const char *s, const char *end)
{
    if (s == end)
        return ESPI_NUMBER_OK;
    if (*s++ != '.')
        return ESPI_NUMBER_BAD;
    enum espi_number found = ESPI_NUMBER_OK;
    for (; s < end; s++) {
        if (!is_digit(*s))
            return ESPI_NUMBER_BAD;
        if (*s != '0')
            found = ESPI_NUMBER_FRACTION;
    }
    return found;
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

enum espi_number espi_text_number(const char *text, size_t len, int64_t *ret_value)
{
    if (read_plain(text, len, ret_value))
        return ESPI_NUMBER_OK;
    *ret_value = ESPI_ABSENT;
    const char *s = espi_text_trim(text, len, &len);
    const char *end = s + len;
    if (!len)
        return ESPI_NUMBER_EMPTY;
    bool minus = *s == '-';
    if (minus || *s == '+')
        s++;
    int64_t value;
    if (!read_digits(&s, end, &value))
        return ESPI_NUMBER_BAD;
    enum espi_number fraction = read_fraction(s, end);
    if (fraction == ESPI_NUMBER_BAD)
        return fraction;
    if (minus)
        value -= fraction == ESPI_NUMBER_FRACTION && value > ESPI_ABSENT;
    if (value == ESPI_ABSENT)
        return ESPI_NUMBER_BAD;
    *ret_value = minus ? value : -value;
    return fraction;
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
