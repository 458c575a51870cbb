/* What a person says a feed gets wrong, applied to what is read of it. */
#include "common/espi/correction.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/espi/series_names.h"
#include "common/espi/service.h"

#define MULTIPLIER_MAX 12
#define SHIFT_MAX_S (366 * INT64_C(86400))
#define COST_EXPONENT (-5)
#define COST_EXPONENT_MIN (-10)

/* --- words ----------------------------------------------------------------------------------- */
static bool read_number(const char *text, int64_t most, int64_t *ret_number)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *ret_number = number;
    return end != text && !*end && !isspace((unsigned char)*text) && errno == 0 &&
           number >= -most && number <= most;
}

static bool read_multiplier(const char *word, struct correction *c, struct err *e)
{
    c->has_multiplier = *word != '\0';
    return !*word || read_number(word, MULTIPLIER_MAX, &c->multiplier) ||
           err_set(e, ERR_REJECT, "bad_option",
                   "multiplier: \"%.40s\" is no power of ten from -12 to 12 (ESPI's "
                   "powerOfTenMultiplier: 0 where values are in the unit itself, 3 in thousands)",
                   word);
}

/* "0.001" or "1/1000": its power of ten; false: neither. */
static bool read_power_of_ten(const char *word, int *ret_exponent)
{
    bool is_fraction = strncmp(word, "1/1", 3) == 0 && strspn(word + 3, "0") == strlen(word + 3);
    size_t zeros = strncmp(word, "0.", 2) == 0 ? strspn(word + 2, "0") : 0;
    bool is_decimal = strncmp(word, "0.", 2) == 0 && strcmp(word + 2 + zeros, "1") == 0;
    if (strcmp(word, "1") == 0)
        *ret_exponent = 0;
    else if (is_fraction && strlen(word) <= 13)
        *ret_exponent = -(int)(strlen(word) - 3);
    else if (is_decimal && zeros < 10)
        *ret_exponent = -(int)zeros - 1;
    else
        return false;
    return true;
}

static bool read_cost_scale(const char *word, struct correction *c, struct err *e)
{
    c->has_cost_scale = *word != '\0';
    c->cost_exponent = COST_EXPONENT;
    if (!*word || (read_power_of_ten(word, &c->cost_exponent) &&
                   c->cost_exponent >= COST_EXPONENT_MIN && c->cost_exponent <= 0))
        return true;
    return err_set(
        e, ERR_REJECT, "bad_option",
        "cost_scale: \"%.40s\" is not what a cost of 1 is worth in the currency: 1, 0.1, "
        "0.01, 0.001 or 1/1000, ... (ESPI's is 0.00001)",
        word);
}

static bool read_shift(const char *word, struct correction *c, struct err *e)
{
    c->is_milliseconds = strcmp(word, "milliseconds") == 0;
    return !*word || c->is_milliseconds || read_number(word, SHIFT_MAX_S, &c->shift_s) ||
           err_set(e, ERR_REJECT, "bad_option",
                   "shift: \"%.40s\" is neither a number of seconds, at most 366 days, nor "
                   "milliseconds",
                   word);
}

/* What is behind a slash would be its whole name in the tags. */
static bool read_meter(const char *word, struct correction *c, struct err *e)
{
    bool right = strlen(word) <= CORRECTION_METER;
    for (const char *at = word; *at; at++)
        right = right && (unsigned char)*at > ' ' && *at != 0x7f && *at != '/';
    c->meter = *word ? word : NULL;
    return right || err_set(e, ERR_REJECT, "bad_option",
                            "meter: a name of at most %d bytes without blanks and slashes",
                            CORRECTION_METER);
}

static bool read_service(const char *word, struct correction *c, struct err *e)
{
    const char *name;
    c->service = ESPI_ABSENT;
    for (int64_t code = 0; *word && (name = series_service_name(code)); code++)
        if (strcmp(name, word) == 0)
            c->service = code;
    return !*word || c->service != ESPI_ABSENT ||
           err_set(e, ERR_REJECT, "bad_option",
                   "service: \"%.40s\" is none of electricity, gas, water, heat, sewerage, ...",
                   word);
}

bool correction_read(const struct correction_words *w, struct correction *ret, struct err *e)
{
    struct correction c = {0};
    if (!read_multiplier(w->multiplier, &c, e) || !read_cost_scale(w->cost_scale, &c, e) ||
        !read_shift(w->shift, &c, e) || !read_meter(w->meter, &c, e) ||
        !read_service(w->service, &c, e))
        return false;
    *ret = c;
    return true;
}

/* --- readings -------------------------------------------------------------------------------- */
int64_t correction_start(const struct correction *c, int64_t start)
{
    int64_t shifted;
    if (start == ESPI_ABSENT)
        return start;
    if (c->is_milliseconds) /* down, before 1970 too */
        start = start / 1000 - (start % 1000 < 0);
    return __builtin_add_overflow(start, c->shift_s, &shifted) ? ESPI_ABSENT : shifted;
}

/* Of starts in milliseconds durations may be right: what is a whole part of a day as milliseconds,
 * and no two days long as that, is in milliseconds as well. */
int64_t correction_duration(const struct correction *c, int64_t duration)
{
    int64_t seconds = duration / 1000;
    bool is_thousand = duration > 2 * 86400 && duration % 1000 == 0;
    return c->is_milliseconds && is_thousand && seconds <= 86400 && 86400 % seconds == 0 ? seconds
                                                                                         : duration;
}

int correction_cost_exponent(const struct correction *c)
{
    return c->cost_exponent - COST_EXPONENT;
}

int64_t correction_cost(const struct correction *c, int64_t cost)
{
    if (cost == ESPI_ABSENT)
        return cost;
    for (int i = c->cost_exponent; i > COST_EXPONENT; i--)
        if (__builtin_mul_overflow(cost, 10, &cost))
            return ESPI_ABSENT;
    int64_t divisor = 1;
    for (int i = c->cost_exponent; i < COST_EXPONENT; i++)
        divisor *= 10;
    int64_t rest = cost % divisor, half = divisor / 2;
    return cost / divisor + (divisor > 1 && rest >= half) - (divisor > 1 && -rest >= half);
}

/* --- series ---------------------------------------------------------------------------------- */
static bool is_for(const struct espi_series *s, const char *why)
{
    bool has_type = s->reading_type_link != ESPI_LINK_NONE && s->uom != ESPI_ABSENT;
    return s->unresolved && strcmp(s->unresolved, why) == 0 && has_type;
}

struct espi_series correction_series(const struct correction *c, const struct espi_series *from)
{
    struct espi_series s = *from;
    bool conflict;
    if (c->has_multiplier) {
        s.power_of_ten_multiplier = c->multiplier;
        s.unresolved = is_for(&s, "bad_multiplier") ? NULL : s.unresolved;
    }
    if (c->meter && !s.usage_point) {
        s.usage_point = c->meter;
        s.unresolved = is_for(&s, "no_meter_reading") ? NULL : s.unresolved;
    }
    if (c->service != ESPI_ABSENT) {
        s.service_kind = c->service;
        (void)series_service(&s, &conflict);
        s.commodity = conflict ? ESPI_ABSENT : s.commodity;
    }
    s.shift_s = c->shift_s;
    return s;
}
