/* What the bodies' codecs promise: each kind of value both ways, and no input dearer than its
 * limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <bzlib.h>
#include <pthread.h>
#include <zlib.h>

#include "common/base/base64.h"
#include "common/celery/codec.h"
#include "common/celery/decompress.h"
#include "common/celery/task_message.h"
#include "common/celery/msgpack_scan.h"

static const struct codec_limits limits = {.max_depth = 64, .max_values = 10000};

static void assert_refused(const struct codec *codec, const void *bytes, size_t len,
                           const char *code, const char *place)
{
    struct err e = {0};
    json_t *value = NULL;
    assert_false(codec->decode(bytes, len, &limits, &value, &e));
    assert_null(value);
    assert_string_equal(e.code, code);
    assert_int_equal(e.kind, ERR_REJECT);
    if (!strstr(e.text, place))
        fail_msg("\"%s\" does not name \"%s\"", e.text, place);
}

/* A literal, NULs in it included. */
#define REFUSED(codec, bytes, code, place)                                                         \
    assert_refused(&(codec), bytes, sizeof(bytes) - 1, code, place)

static json_t *decode(const struct codec *codec, const void *bytes, size_t len)
{
    struct err e = {0};
    json_t *value = NULL;
    if (!codec->decode(bytes, len, &limits, &value, &e))
        fail_msg("%s: %s", e.code, e.text);
    return value;
}

static void assert_decodes_to(const struct codec *codec, const void *bytes, size_t len,
                              const char *json)
{
    json_t *value = decode(codec, bytes, len);
    json_t *expected = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_true(json_equal(value, expected));
    json_decref(value);
    json_decref(expected);
}

#define MSGPACK_IS(bytes, json) assert_decodes_to(&codec_msgpack, bytes, sizeof(bytes) - 1, json)

static void every_kind_of_msgpack_is_read(void **state)
{
    (void)state;
    MSGPACK_IS("\xc0", "null");
    MSGPACK_IS("\xc2", "false");
    MSGPACK_IS("\xc3", "true");
    MSGPACK_IS("\x7f", "127");
    MSGPACK_IS("\xe0", "-32");
    MSGPACK_IS("\xcc\xff", "255");
    MSGPACK_IS("\xcd\xff\xff", "65535");
    MSGPACK_IS("\xce\xff\xff\xff\xff", "4294967295");
    MSGPACK_IS("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", "9223372036854775807");
    MSGPACK_IS("\xd0\x80", "-128");
    MSGPACK_IS("\xd1\x80\x00", "-32768");
    MSGPACK_IS("\xd2\x80\x00\x00\x00", "-2147483648");
    MSGPACK_IS("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808");
    MSGPACK_IS("\xca\x3f\xc0\x00\x00", "1.5");
    MSGPACK_IS("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", "1.5");
    MSGPACK_IS("\xa0", "\"\"");
    MSGPACK_IS("\xa2\xc3\xa9", "\"\\u00e9\"");
    MSGPACK_IS("\xd9\x01x", "\"x\"");
    MSGPACK_IS("\xda\x00\x01x", "\"x\"");
    MSGPACK_IS("\xdb\x00\x00\x00\x01x", "\"x\"");
    MSGPACK_IS("\x90", "[]");
    MSGPACK_IS("\xdc\x00\x02\x01\x02", "[1, 2]");
    MSGPACK_IS("\xdd\x00\x00\x00\x01\x80", "[{}]");
    MSGPACK_IS("\x82\xa1k\x01\xa1l\x92\x02\x03", "{\"k\": 1, \"l\": [2, 3]}");
    MSGPACK_IS("\xde\x00\x01\xa1k\x01", "{\"k\": 1}");
    MSGPACK_IS("\xdf\x00\x00\x00\x01\xa1k\xc0", "{\"k\": null}");
    MSGPACK_IS("\xc4\x02\x00\xff", "{\"__type__\": \"base64\", \"__value__\": \"AP8=\"}");
    MSGPACK_IS("\xc5\x00\x00", "{\"__type__\": \"base64\", \"__value__\": \"\"}");
}

static void msgpack_that_json_cannot_hold_is_refused(void **state)
{
    (void)state;
    REFUSED(codec_msgpack, "\x92\x01\xcf\x80\x00\x00\x00\x00\x00\x00\x00", "bad_body", "offset 2");
    REFUSED(codec_msgpack, "\x91\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "bad_body", "NaN");
    REFUSED(codec_msgpack, "\x91\xca\xff\x80\x00\x00", "bad_body", "infinity at offset 1");
    REFUSED(codec_msgpack, "\xd4\x01\x01", "bad_body", "extension");
    REFUSED(codec_msgpack, "\xc7\x00\x01", "bad_body", "extension");
    REFUSED(codec_msgpack, "\xd6\xff\x00\x00\x00\x01", "bad_body", "extension");
    REFUSED(codec_msgpack, "\x91\xc1", "bad_body", "offset 1");
    REFUSED(codec_msgpack, "\x81\x01\x02", "bad_body", "key that is no string at offset 1");
    REFUSED(codec_msgpack, "\x82\xa1k\x90\xc4\x01k\x01", "bad_body", "key that is no string at");
    REFUSED(codec_msgpack, "\x91\xa1\xff", "bad_body", "UTF-8 at offset 2");
    REFUSED(codec_msgpack, "\x91\xa3x\x00y", "bad_body", "NUL");
    REFUSED(codec_msgpack, "\x81\xa1\xff\x01", "bad_body", "UTF-8 at offset 2");
}

static void msgpack_text_must_be_utf_8(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xc3(",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xe2\x82",
                                      "\xff\xbf\xbf\xbf\xbf\xbf"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char bytes[20];
        int len = snprintf(bytes, sizeof bytes, "%c%s", (int)(0xa0 + strlen(bad[i])), bad[i]);
        assert_refused(&codec_msgpack, bytes, (size_t)len, "bad_body", "UTF-8 at offset 1");
    }
    MSGPACK_IS("\xac\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf",
               "\"\\u0080\\u0800\\ud7ff\\udbff\\udfff\"");
}

static void msgpack_cut_short_or_with_a_tail_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "\x93\x82\xa1k\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xd9\x02xy\x91"
                                "\x01\xc4\x02zz\xcd\x01\x00";
    for (size_t len = 0; len < sizeof whole - 1; len++)
        assert_refused(&codec_msgpack, whole, len, "bad_body", "offset");
    REFUSED(codec_msgpack, "\x01\x01", "bad_body", "after the end at offset 1");
}

static void announced_lengths_are_not_believed(void **state)
{
    (void)state;
    REFUSED(codec_msgpack, "\xdd\xff\xff\xff\xff", "bad_body", "announced");
    REFUSED(codec_msgpack, "\xdf\xff\xff\xff\xff\xa0\x01", "bad_body", "announced");
    REFUSED(codec_msgpack, "\xdb\xff\xff\xff\xffx", "bad_body", "longer");
    REFUSED(codec_msgpack, "\xc6\x7f\xff\xff\xffx", "bad_body", "longer");
    REFUSED(codec_msgpack, "\xc9\xff\xff\xff\xff\x01", "bad_body", "extension");
    REFUSED(codec_msgpack, "\x92\xdd\x00\x00\x00\x03\x01\x02", "bad_body", "announced");
}

static char *repeat(char c, size_t n)
{
    char *bytes = malloc(n + 1);
    assert_non_null(bytes);
    memset(bytes, c, n);
    bytes[n] = '\0';
    return bytes;
}

static void depth_is_limited_exactly(void **state)
{
    (void)state;
    struct err e = {0};
    struct codec_limits three = {.max_depth = 3, .max_values = 100};
    json_t *value = NULL;
    assert_true(codec_json.decode("[[[1]]]", 7, &three, &value, &e));
    json_decref(value);
    assert_false(codec_json.decode("[[[{}]]]", 8, &three, &value, &e));
    assert_string_equal(e.code, "too_deep");
    assert_true(codec_msgpack.decode("\x91\x91\x91\x01", 4, &three, &value, &e));
    json_decref(value);
    assert_false(codec_msgpack.decode("\x91\x91\x91\x80", 4, &three, &value, &e));
    assert_string_equal(e.code, "too_deep");
    assert_true(codec_json.decode("[\"[[[[\\\"[[\"]", 12, &three, &value, &e));
    json_decref(value);
}

static void ten_thousand_levels_are_refused_on_a_small_stack(void **state)
{
    (void)state;
    char *json = repeat('[', 10000), *msgpack = repeat('\x91', 10000), *maps = repeat('{', 10000);
    assert_refused(&codec_json, json, 10000, "too_deep", "offset 64");
    assert_refused(&codec_json, maps, 10000, "too_deep", "offset 64");
    assert_refused(&codec_msgpack, msgpack, 10000, "too_deep", "offset 32");
    free(json);
    free(msgpack);
    free(maps);
}

static void the_number_of_values_is_limited(void **state)
{
    (void)state;
    char *msgpack = repeat('\x80', 20005), *json = repeat(',', 20000);
    memcpy(msgpack, "\xdd\x00\x00\x4e\x20", 5);
    json[0] = '[';
    assert_refused(&codec_msgpack, msgpack, 20005, "too_large", "10000 values");
    assert_refused(&codec_json, json, 20000, "too_large", "10000 values");
    free(msgpack);
    free(json);
}

/* The deepest tree that any limit lets through, on the smallest stack a thread here may have. */
static void *decode_deepest(void *unused)
{
    (void)unused;
    char *body = malloc(2000);
    struct message v CLEANUP(message_free) = {.priority = -1, .body = body, .body_len = 1029};
    struct task_message_limits most = {.max_bytes = 2000, .max_depth = 100000};
    struct task_message m CLEANUP(task_message_free) = {0};
    struct message again CLEANUP(message_free) = {0};
    struct err e = {0};
    memset(body, '[', 512);
    memset(body + 512, ']', 511);
    memcpy(body + 1023, ",{},0]", 6);
    v.content_type = strdup("application/json");
    v.headers = json_pack("{s:s, s:s}", "task", "t", "id", "i");
    body[1027] = 'n'; /* no JSON: the whole depth is parsed before that is noticed */
    bool refused = !task_message_decode(&v, &most, &m, &e);
    memcpy(body + 1023, ",{},[]]", 7);
    v.body_len = 1030;
    refused = refused && !task_message_decode(&v, &most, &m, &e);
    memcpy(body + 1023, ",{},{}]", 7);
    bool read = task_message_decode(&v, &most, &m, &e);
    bool written = read && task_message_encode(&m, "json", 0, &again, &e);
    return refused && read && written ? "ok" : NULL;
}

static void the_deepest_tree_fits_a_small_stack(void **state)
{
    (void)state;
    pthread_attr_t small;
    pthread_t thread;
    void *result = NULL;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 20); /* sanitizers' frames are some times larger */
    assert_int_equal(pthread_create(&thread, &small, decode_deepest, NULL), 0);
    pthread_join(thread, &result);
    pthread_attr_destroy(&small);
    assert_non_null(result);
}

/* --- extended types --------------------------------------------------------------------------- */

static void extended_types_of_celery_are_kept_in_their_form(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{\"__type__\": \"datetime\", \"__value__\": \"2026-11-23T17:09:15.804443+01:00\"}",
        "{\"__type__\": \"date\", \"__value__\": \"2026-11-23\"}",
        "{\"__type__\": \"time\", \"__value__\": \"17:09:15.5\"}",
        "{\"__type__\": \"decimal\", \"__value__\": \"-12.50E+3\"}",
        "{\"__type__\": \"decimal\", \"__value__\": \"NaN\"}",
        "{\"__type__\": \"uuid\", \"__value__\": {\"hex\": \"5f0c1b0e8a574ef193a61f1b0a4ba6f4\"}}",
        "{\"__type__\": \"bytes\", \"__value__\": \"text\"}",
        "{\"__type__\": \"base64\", \"__value__\": \"/w==\"}",
        "{\"__type__\": \"anything\", \"__value__\": 1, \"more\": 1}",
        "{\"__type__\": \"anything\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_decodes_to(&codec_json, good[i], strlen(good[i]), good[i]);
}

static void extended_types_that_celery_cannot_decode_are_refused_with_their_path(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"__type__\": \"moment\", \"__value__\": 1}",
        "{\"__type__\": 5, \"__value__\": 1}",
        "{\"__type__\": \"datetime\", \"__value__\": \"tomorrow\"}",
        "{\"__type__\": \"date\", \"__value__\": 5}",
        "{\"__type__\": \"time\", \"__value__\": \"25:00\"}",
        "{\"__type__\": \"decimal\", \"__value__\": \"1.2.3\"}",
        "{\"__type__\": \"decimal\", \"__value__\": \".\"}",
        "{\"__type__\": \"decimal\", \"__value__\": \"1e\"}",
        "{\"__type__\": \"uuid\", \"__value__\": \"5f0c1b0e8a574ef193a61f1b0a4ba6f4\"}",
        "{\"__type__\": \"uuid\", \"__value__\": {\"hex\": \"5f0c\"}}",
        "{\"__type__\": \"bytes\", \"__value__\": [1]}",
        "{\"__type__\": \"base64\", \"__value__\": \"a\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char body[200];
        snprintf(body, sizeof body, "[[1, {\"when\": %s}], {}, null]", bad[i]);
        assert_refused(&codec_json, body, strlen(body), "bad_body", "[0]: [1]: when: ");
    }
}

static void bytes_go_to_msgpack_as_bytes_and_come_back_as_base64(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf out CLEANUP(buf_free) = buf_make(100);
    json_t *bytes = json_pack("[{s:s, s:s}, {s:s, s:s}]", "__type__", "bytes", "__value__", "hi",
                              "__type__", "base64", "__value__", "AP8=");
    assert_true(codec_msgpack.encode(bytes, &out, &e));
    assert_int_equal(out.len, 9);
    assert_memory_equal(out.data, "\x92\xc4\x02hi\xc4\x02\x00\xff", 9);
    assert_decodes_to(&codec_msgpack, out.data, out.len,
                      "[{\"__type__\": \"base64\", \"__value__\": \"aGk=\"},"
                      " {\"__type__\": \"base64\", \"__value__\": \"AP8=\"}]");
    json_decref(bytes);
}

static void a_codec_writes_no_more_than_the_buffer_may_hold(void **state)
{
    (void)state;
    const struct codec *const codecs[] = {&codec_json, &codec_msgpack};
    json_t *value = json_pack("[s]", "a text of more than ten bytes");
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        struct err e = {0};
        struct buf out CLEANUP(buf_free) = buf_make(10);
        assert_false(codecs[i]->encode(value, &out, &e));
        assert_string_equal(e.code, "too_large");
    }
    json_decref(value);
}

static void base64_of_every_length_comes_back(void **state)
{
    (void)state;
    unsigned char bytes[64], back[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37 + 200);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        char *text = base64_encode(bytes, len);
        size_t size = 999;
        assert_true(base64_decoded_size(text, strlen(text), &size));
        assert_int_equal(size, len);
        base64_decode(text, strlen(text), back);
        assert_memory_equal(back, bytes, len);
        free(text);
    }
    size_t size;
    assert_false(base64_decoded_size("====", 4, &size));
    assert_false(base64_decoded_size("a===", 4, &size));
    assert_false(base64_decoded_size("aa=a", 4, &size));
    assert_false(base64_decoded_size("aa\n=", 4, &size));
}

/* --- compression ------------------------------------------------------------------------------ */

static size_t zip(const char *plain, size_t len, int window, char *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)plain,
                  .avail_in = (uInt)len,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static size_t bzip(const char *plain, size_t len, char *out, size_t room)
{
    unsigned size = (unsigned)room;
    assert_int_equal(BZ2_bzBuffToBuffCompress(out, &size, (char *)plain, (unsigned)len, 9, 0, 0),
                     BZ_OK);
    return size;
}

static void assert_plain(const char *compression, const char *bytes, size_t len, const char *plain)
{
    struct err e = {0};
    struct buf out CLEANUP(buf_free) = buf_make(1000);
    if (!decompress(compression, bytes, len, &out, &e))
        fail_msg("%s: %s", e.code, e.text);
    assert_string_equal(out.data, plain);
}

static void assert_not_plain(const char *compression, const char *bytes, size_t len, size_t max,
                             const char *code)
{
    struct err e = {0};
    struct buf out CLEANUP(buf_free) = buf_make(max);
    assert_false(decompress(compression, bytes, len, &out, &e));
    assert_string_equal(e.code, code);
}

static void compressed_bodies_are_read_under_every_name_of_celerys(void **state)
{
    (void)state;
    static const char plain[] = "[[], {}, null]";
    char bytes[200];
    size_t len = zip(plain, sizeof plain - 1, 15, bytes, sizeof bytes);
    assert_plain("application/x-gzip", bytes, len, plain);
    assert_plain("zlib", bytes, len, plain);
    len = zip(plain, sizeof plain - 1, 31, bytes, sizeof bytes);
    assert_plain("gzip", bytes, len, plain);
    len = bzip(plain, sizeof plain - 1, bytes, sizeof bytes);
    assert_plain("application/x-bz2", bytes, len, plain);
    assert_plain("bzip2", bytes, len, plain);
    assert_plain("bzip", bytes, len, plain);
}

static void damaged_or_unknown_compression_is_refused(void **state)
{
    (void)state;
    static const char plain[] = "[[\"some text\"], {}, null]";
    static const char *const names[] = {"gzip", "bzip2"};
    char bytes[200];
    for (size_t i = 0; i < 2; i++) {
        size_t len = i ? bzip(plain, sizeof plain - 1, bytes, sizeof bytes - 1)
                       : zip(plain, sizeof plain - 1, 15, bytes, sizeof bytes - 1);
        for (size_t cut = 0; cut < len; cut++)
            assert_not_plain(names[i], bytes, cut, 1000, "bad_compression");
        bytes[len] = 'x';
        assert_not_plain(names[i], bytes, len + 1, 1000, "bad_compression");
        bytes[len / 2] ^= 0x55;
        assert_not_plain(names[i], bytes, len, 1000, "bad_compression");
    }
    assert_not_plain("application/x-lzma", bytes, 10, 1000, "bad_compression");
    assert_not_plain("", bytes, 10, 1000, "bad_compression");
}

static void a_bomb_is_stopped_at_the_limit(void **state)
{
    (void)state;
    size_t plain_len = 64 << 20, room = 1 << 20;
    char *plain = repeat(' ', plain_len), *bytes = malloc(room);
    size_t len = zip(plain, plain_len, 15, bytes, room);
    assert_true(len < 100000);
    assert_not_plain("gzip", bytes, len, 1 << 20, "too_large");
    len = bzip(plain, plain_len, bytes, room);
    assert_true(len < 1000);
    assert_not_plain("bzip2", bytes, len, 1 << 20, "too_large");
    free(plain);
    free(bytes);
}

static void a_compressed_message_is_decoded(void **state)
{
    (void)state;
    static const char plain[] = "[[7], {}, null]";
    struct err e = {0};
    struct task_message m CLEANUP(task_message_free) = {0};
    struct task_message_limits most = {.max_bytes = 1000, .max_depth = 10};
    struct message v CLEANUP(message_free) = {.priority = -1, .body = malloc(200)};
    v.body_len = zip(plain, sizeof plain - 1, 15, v.body, 200);
    v.content_type = strdup("application/json");
    v.headers =
        json_pack("{s:s, s:s, s:s}", "task", "t", "id", "i", "compression", "application/x-gzip");
    assert_true(task_message_decode(&v, &most, &m, &e));
    assert_int_equal(json_integer_value(json_array_get(m.args, 0)), 7);
    json_object_set_new(v.headers, "compression", json_integer(1));
    assert_false(task_message_decode(&v, &most, &m, &e));
    assert_string_equal(e.code, "bad_compression");
}

/* --- memory ----------------------------------------------------------------------------------- */

static long allocations_left;

static void *failing_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static bool decode_and_encode(const struct message *v, struct err *e)
{
    struct task_message m CLEANUP(task_message_free) = {0};
    struct message json CLEANUP(message_free) = {0}, msgpack CLEANUP(message_free) = {0};
    struct task_message_limits most = {.max_bytes = 1000, .max_depth = 10};
    return task_message_decode(v, &most, &m, e) && task_message_encode(&m, "json", 0, &json, e) &&
           task_message_encode(&m, "msgpack", 0, &msgpack, e);
}

/* The tree's memory; msgpack-c's and the buffers' is not reached from here. */
static void assert_each_failing_allocation_is_told(const struct message *v)
{
    bool done = false;
    for (long n = 0; !done; n++) {
        struct err e = {0};
        assert_true(n < 1000);
        allocations_left = n;
        json_set_alloc_funcs(failing_malloc, free);
        done = decode_and_encode(v, &e);
        json_set_alloc_funcs(malloc, free);
        bool is_known = strstr(e.text, "not JSON at"); /* what jansson makes of it at times */
        if (!done && !is_known && (e.kind != ERR_RETRY || strcmp(e.code, "no_memory") != 0))
            fail_msg("allocation %ld: %s: %s", n, e.code, e.text);
    }
}

static void an_allocation_that_fails_makes_no_crash_no_leak_and_no_half_message(void **state)
{
    (void)state;
    static const char json[] = "[[7, \"text\", 1.5], {\"k\": [null, {}]}, {\"chain\": []}]";
    static const char msgpack[] = "\x93\x92\x07\xa4text\x81\xa1k\x92\xc4\x02xx\x80\xc0";
    struct message v CLEANUP(message_free) = {.priority = -1};
    v.headers = json_pack("{s:s, s:s, s:[i,n], s:s}", "task", "t", "id", "i", "timelimit", 3,
                          "custom", "c");
    v.content_type = strdup("application/json");
    v.body = strdup(json);
    v.body_len = sizeof json - 1;
    assert_each_failing_allocation_is_told(&v);
    free(v.content_type);
    free(v.body);
    v.content_type = strdup("application/x-msgpack");
    v.body = malloc(sizeof msgpack);
    memcpy(v.body, msgpack, sizeof msgpack);
    v.body_len = sizeof msgpack - 1;
    assert_each_failing_allocation_is_told(&v);
}

/* --- sizes ------------------------------------------------------------------------------------ */

static void a_body_of_16_megabytes_is_refused_unread(void **state)
{
    (void)state;
    size_t len = 16 << 20;
    struct err e = {0};
    struct task_message m = {0};
    struct task_message_limits most = {.max_bytes = len - 1, .max_depth = 10};
    struct message v CLEANUP(message_free) = {.body = repeat('[', len), .body_len = len};
    assert_false(task_message_decode(&v, &most, &m, &e));
    assert_string_equal(e.code, "too_large");
    most.max_bytes = len;
    v.content_type = strdup("application/json");
    v.headers = json_pack("{s:s, s:s}", "task", "t", "id", "i");
    assert_false(task_message_decode(&v, &most, &m, &e));
    assert_string_equal(e.code, "too_deep");
}

static void deep_headers_are_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct task_message m = {0};
    struct task_message_limits most = {.max_bytes = 100, .max_depth = 10};
    struct message v CLEANUP(message_free) = {.body = strdup("[[],{},null]"), .body_len = 12};
    v.content_type = strdup("application/json");
    json_t *deep = json_array();
    for (int i = 0; i < 1000; i++)
        deep = json_pack("[o]", deep);
    v.headers = json_pack("{s:s, s:s, s:o}", "task", "t", "id", "i", "x", deep);
    assert_false(task_message_decode(&v, &most, &m, &e));
    assert_string_equal(e.code, "too_deep");
    assert_non_null(strstr(e.text, "headers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_msgpack_is_read),
        cmocka_unit_test(msgpack_that_json_cannot_hold_is_refused),
        cmocka_unit_test(msgpack_text_must_be_utf_8),
        cmocka_unit_test(msgpack_cut_short_or_with_a_tail_is_refused),
        cmocka_unit_test(announced_lengths_are_not_believed),
        cmocka_unit_test(depth_is_limited_exactly),
        cmocka_unit_test(ten_thousand_levels_are_refused_on_a_small_stack),
        cmocka_unit_test(the_number_of_values_is_limited),
        cmocka_unit_test(the_deepest_tree_fits_a_small_stack),
        cmocka_unit_test(extended_types_of_celery_are_kept_in_their_form),
        cmocka_unit_test(extended_types_that_celery_cannot_decode_are_refused_with_their_path),
        cmocka_unit_test(bytes_go_to_msgpack_as_bytes_and_come_back_as_base64),
        cmocka_unit_test(a_codec_writes_no_more_than_the_buffer_may_hold),
        cmocka_unit_test(base64_of_every_length_comes_back),
        cmocka_unit_test(compressed_bodies_are_read_under_every_name_of_celerys),
        cmocka_unit_test(damaged_or_unknown_compression_is_refused),
        cmocka_unit_test(a_bomb_is_stopped_at_the_limit),
        cmocka_unit_test(a_compressed_message_is_decoded),
        cmocka_unit_test(an_allocation_that_fails_makes_no_crash_no_leak_and_no_half_message),
        cmocka_unit_test(a_body_of_16_megabytes_is_refused_unread),
        cmocka_unit_test(deep_headers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
