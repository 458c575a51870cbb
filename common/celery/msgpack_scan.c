/* Looks a msgpack value over before anything is built from it: every length is there, within
 * limits. */
#include "common/celery/msgpack_scan.h"

#include <stdint.h>
#include <string.h>

enum form { SCALAR, STR, BIN, ARRAY, MAP, UINT64, FLOAT32, FLOAT64, EXT, UNUSED };

/* One head: what it is, how many bytes tell its length or value, what is in the first byte itself.
 */
struct head {
    enum form form;
    size_t width;   /* bytes after the first: of the length, or of the scalar */
    uint64_t count; /* bytes of str and bin, children of array, pairs of map */
};

struct scan {
    const unsigned char *bytes;
    size_t len, at, values;
    const struct codec_limits *limits;
    size_t depth, max_depth;
    uint64_t left[MSGPACK_SCAN_MAX_DEPTH]; /* children still to come, level by level */
    bool is_map[MSGPACK_SCAN_MAX_DEPTH];
};

/* 0xc0 to 0xdf: form and width of each. */
static const struct {
    unsigned char form, width;
} heads[32] = {
    {SCALAR, 0}, {UNUSED, 0}, {SCALAR, 0}, {SCALAR, 0},  {BIN, 1},     {BIN, 2},    {BIN, 4},
    {EXT, 1},    {EXT, 2},    {EXT, 4},    {FLOAT32, 4}, {FLOAT64, 8}, {SCALAR, 1}, {SCALAR, 2},
    {SCALAR, 4}, {UINT64, 8}, {SCALAR, 1}, {SCALAR, 2},  {SCALAR, 4},  {SCALAR, 8}, {EXT, 1},
    {EXT, 2},    {EXT, 4},    {EXT, 8},    {EXT, 16},    {STR, 1},     {STR, 2},    {STR, 4},
    {ARRAY, 2},  {ARRAY, 4},  {MAP, 2},    {MAP, 4},
};

static uint64_t big_endian(const unsigned char *bytes, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

static struct head head_of(unsigned char first)
{
    if (first < 0x80 || first >= 0xe0)
        return (struct head){SCALAR, 0, 0};
    if (first < 0x90)
        return (struct head){MAP, 0, first & 15};
    if (first < 0xa0)
        return (struct head){ARRAY, 0, first & 15};
    if (first < 0xc0)
        return (struct head){STR, 0, first & 31};
    return (struct head){heads[first - 0xc0].form, heads[first - 0xc0].width, 0};
}

static bool refuse(const struct scan *s, const char *what, struct err *e)
{
    return err_set(e, ERR_REJECT, "bad_body", "not msgpack for a task: %s at offset %zu", what,
                   s->at);
}

static bool is_finite(const unsigned char *bytes, size_t width)
{
    uint64_t bits = big_endian(bytes, width);
    if (width == 4)
        return (bits >> 23 & 0xff) != 0xff;
    return (bits >> 52 & 0x7ff) != 0x7ff;
}

/* How many bytes follow the first of a character; -1 when no character begins so. */
static int more_bytes(unsigned char first)
{
    if (first < 0x80)
        return first ? 0 : -1;
    if (first < 0xc2 || first > 0xf4)
        return -1;
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

/* Bytes of the character at p, where `left` bytes are; 0 when it is none, or U+0000. */
static size_t character_len(const unsigned char *p, size_t left)
{
    int more = more_bytes(*p);
    if (more < 0 || (size_t)more >= left)
        return 0;
    for (int i = 1; i <= more; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
    bool is_beyond = (*p == 0xed && p[1] >= 0xa0) || (*p == 0xf4 && p[1] >= 0x90);
    return is_overlong || is_beyond ? 0 : 1 + (size_t)more;
}

/* What JSON and PostgreSQL call text. */
static bool check_text(struct scan *s, const struct head *h, struct err *e)
{
    size_t start = s->at + 1 + h->width, end = start + (size_t)h->count, len;
    for (size_t at = start; at < end; at += len) {
        len = character_len(s->bytes + at, end - at);
        if (len == 0) {
            s->at = at;
            return refuse(s, "text with a NUL or not UTF-8", e);
        }
    }
    return true;
}

static bool check_scalar(const struct scan *s, const struct head *h, struct err *e)
{
    const unsigned char *value = s->bytes + s->at + 1;
    switch (h->form) {
    case UNUSED:
        return refuse(s, "0xc1, which nothing is", e);
    case EXT:
        return refuse(s, "an extension type", e);
    case UINT64:
        return big_endian(value, 8) <= INT64_MAX || refuse(s, "an integer above 2^63-1", e);
    case FLOAT32:
    case FLOAT64:
        return is_finite(value, h->width) || refuse(s, "NaN or infinity", e);
    default:
        return true;
    }
}

static bool open_container(struct scan *s, const struct head *h, struct err *e)
{
    bool is_map = h->form == MAP;
    uint64_t children = is_map ? h->count * 2 : h->count; /* count < 2^32 */
    if (s->depth == s->max_depth)
        return err_set(e, ERR_REJECT, "too_deep", "nested deeper than %zu at offset %zu",
                       s->max_depth, s->at);
    if (children > s->len - s->at - 1 - h->width)
        return refuse(s, "more elements announced than bytes follow", e);
    s->left[s->depth] = children;
    s->is_map[s->depth] = is_map;
    s->depth++;
    return true;
}

/* Counts the value that is about to be read in its container; is it a key of a map? */
static bool enter_value(struct scan *s)
{
    if (s->depth == 0)
        return false;
    size_t top = s->depth - 1;
    bool is_key = s->is_map[top] && s->left[top] % 2 == 0;
    s->left[top]--;
    return is_key;
}

static bool is_container(const struct head *h)
{
    return h->form == ARRAY || h->form == MAP;
}

/* The head at s->at, whole, with the length that it announces. */
static bool read_head(const struct scan *s, struct head *h, struct err *e)
{
    if (s->at == s->len)
        return refuse(s, "the end comes too early", e);
    *h = head_of(s->bytes[s->at]);
    if (h->width > s->len - s->at - 1)
        return refuse(s, "the end comes too early", e);
    if (h->width && (is_container(h) || h->form == STR || h->form == BIN))
        h->count = big_endian(s->bytes + s->at + 1, h->width);
    return true;
}

/* A text, bytes, or a scalar: all that belongs to it is there and is right. */
static bool scan_leaf(struct scan *s, const struct head *h, struct err *e)
{
    if (h->count > s->len - s->at - 1 - h->width)
        return refuse(s, "a text longer than what follows", e);
    if (h->form == STR ? !check_text(s, h, e) : !check_scalar(s, h, e))
        return false;
    s->at += (size_t)h->count;
    return true;
}

static bool scan_value(struct scan *s, struct err *e)
{
    struct head h = {0};
    if (!read_head(s, &h, e))
        return false;
    if (++s->values > s->limits->max_values)
        return err_set(e, ERR_REJECT, "too_large", "more than %zu values at offset %zu",
                       s->limits->max_values, s->at);
    if (enter_value(s) && h.form != STR)
        return refuse(s, "a key that is no string", e);
    if (is_container(&h) ? !open_container(s, &h, e) : !scan_leaf(s, &h, e))
        return false;
    s->at += 1 + h.width;
    return true;
}

bool msgpack_scan(const char *bytes, size_t len, const struct codec_limits *limits, struct err *e)
{
    struct scan s = {.bytes = (const unsigned char *)bytes, .len = len, .limits = limits};
    s.max_depth =
        limits->max_depth < MSGPACK_SCAN_MAX_DEPTH ? limits->max_depth : MSGPACK_SCAN_MAX_DEPTH;
    do {
        if (!scan_value(&s, e))
            return false;
        while (s.depth && s.left[s.depth - 1] == 0)
            s.depth--;
    } while (s.depth);
    return s.at == len || refuse(&s, "bytes after the end", e);
}
