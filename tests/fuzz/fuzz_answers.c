/* What servers answer beside feeds, and what people write into fields: refused with a reason, or
 * read into values that are sound. The first byte chooses the parser. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http/address.h"
#include "common/greenbutton/date_pattern.h"
#include "common/kairosdb/kairosdb_json.h"
#include "common/kairosdb/series_tags.h"
#include "common/greenbutton/oauth.h"
#include "common/espi/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void require_reason(const struct err *e)
{
    require(e->kind != ERR_NONE && e->code[0] && e->text[0],
            "a failure has a kind, a code and a text");
}

static void token(const char *body, size_t len)
{
    static const long statuses[] = {200, 201, 302, 400, 401, 429, 500};
    struct oauth_tokens pair CLEANUP(oauth_wipe_token) = {0};
    struct err e = {0};
    long status = len ? statuses[(unsigned char)body[0] % ARRAY_LEN(statuses)] : 200;
    if (!oauth_read_token(status, body + (len > 0), len - (len > 0), "https://c.example/token",
                          &pair, &e)) {
        require_reason(&e);
        return;
    }
    require(pair.access_token && strlen(pair.access_token) <= TOKEN_MAX && pair.expires_in_s > 0,
            "a pair has a token and a lifetime");
}

static void sums(const char *body, size_t len)
{
    static const struct kairosdb_cut cut = {.from_s = 1772341200,
                                            .to_s = 1772341200 + 20 * 86400,
                                            .length_s = 86400,
                                            .day_s = 1772341200};
    struct kairosdb_bucket buckets[20];
    struct err e = {0};
    size_t count = 0;
    if (!kairosdb_query_read(body, len, &cut, buckets, ARRAY_LEN(buckets), &count, &e)) {
        require_reason(&e);
        return;
    }
    require(count <= ARRAY_LEN(buckets), "no more buckets than there is room for");
    for (size_t i = 1; i < count; i++)
        require(buckets[i - 1].start_s < buckets[i].start_s, "buckets are in order, each once");
}

static void points(const char *body, size_t len)
{
    struct kairosdb_point found[8];
    struct err e = {0};
    size_t count = 0;
    int64_t next_s = 0;
    if (!kairosdb_points_read(body, len, 4000000000, found, ARRAY_LEN(found), &count, &next_s, &e))
        require_reason(&e);
    else
        require(count <= ARRAY_LEN(found), "no more points than there is room for");
}

static void first_error(const char *body, size_t len)
{
    char out[40];
    require(strlen(kairosdb_first_error(body, len, out, sizeof out)) < sizeof out, "it is cut");
}

/* A pattern, then a line with a date. */
static void date(const char *text, size_t len)
{
    struct date_pattern pattern;
    struct civil day, again;
    struct err e = {0};
    char line[256], written[256];
    snprintf(line, sizeof line, "%.*s", (int)(len < 255 ? len : 255), text);
    char *end = strchr(line, '\n');
    if (end)
        *end = '\0';
    if (!date_pattern_compile(line, &pattern, &e) ||
        !date_pattern_read(&pattern, end ? end + 1 : "", &day, &e) ||
        !date_pattern_write(&pattern, day, written, sizeof written, &e)) {
        require_reason(&e);
        return;
    }
    require(date_pattern_read(&pattern, written, &again, &e) && again.year == day.year &&
                again.month == day.month && again.day == day.day,
            "a day that is written is read as itself");
}

static void words(const char *text, size_t len)
{
    struct err e = {0};
    struct units_heat heat = {0};
    struct series_tags tags;
    char *copy CLEANUP(free_at) = strndup(text, len);
    if (!copy)
        return;
    if (!address_list_check(copy, &e))
        require_reason(&e);
    if (!units_heat_read(copy, &heat, &e))
        require_reason(&e);
    else
        require(heat.amount > 0 && heat.joules > 0 && heat.cubic_metre > 0, "a heat is one");
    if (!series_tags_read(copy, &tags, &e))
        require_reason(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(const char *, size_t) = {token,       sums, points,
                                                            first_error, date, words};
    if (size < 1)
        return 0;
    size_t len = size - 1;
    char *copy CLEANUP(free_at) = malloc(len ? len : 1); /* exactly: a byte too many is found */
    require(copy, "memory");
    memcpy(copy, data + 1, len);
    parsers[data[0] % ARRAY_LEN(parsers)](copy, len);
    return 0;
}
