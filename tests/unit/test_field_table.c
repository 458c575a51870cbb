/* Message headers between AMQP's tables and JSON, both ways and within limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/amqp/field_table.h"

static json_t *there_and_back(const char *text, size_t depth, bool *cut)
{
    amqp_pool_t pool;
    amqp_table_t table;
    struct err e;
    init_amqp_pool(&pool, 4096);
    json_t *object = json_loads(text, JSON_ALLOW_NUL, NULL);
    assert_non_null(object);
    assert_true(field_table_from_json(object, &pool, 100000, &table, &e));
    *cut = false;
    json_t *back = field_table_to_json(&table, depth, cut);
    json_decref(object);
    empty_amqp_pool(&pool);
    return back;
}

static void celery_headers_come_back_as_they_were(void **state)
{
    (void)state;
    const char *text =
        "{\"lang\": \"py\", \"eta\": null, \"retries\": 0, \"timelimit\": [30, 20.5],"
        "\"ignore_result\": false, \"stamps\": {}, \"stamped_headers\": [],"
        "\"big\": -9223372036854775807, \"name\": \"\\u00e9\\u0000x\"}";
    bool cut;
    json_t *back = there_and_back(text, 8, &cut);
    json_t *wanted = json_loads(text, JSON_ALLOW_NUL, NULL);
    assert_false(cut);
    assert_string_equal(json_string_value(json_object_get(back, "lang")), "py");
    assert_true(json_is_null(json_object_get(back, "eta")));
    assert_true(json_is_false(json_object_get(back, "ignore_result")));
    assert_true(
        json_equal(json_object_get(back, "timelimit"), json_object_get(wanted, "timelimit")));
    assert_int_equal(json_integer_value(json_object_get(back, "big")), -INT64_MAX);
    json_decref(wanted);
    json_decref(back);
}

static void what_is_nested_too_deep_is_cut_and_said(void **state)
{
    (void)state;
    bool cut;
    json_t *back = there_and_back("{\"a\": {\"b\": {\"c\": [1]}}, \"id\": \"x\"}", 2, &cut);
    assert_true(cut);
    json_t *b = json_object_get(json_object_get(back, "a"), "b");
    assert_string_equal(json_string_value(json_object_get(b, "c")), "(too deep)");
    assert_string_equal(json_string_value(json_object_get(back, "id")), "x");
    json_decref(back);
}

/* Properties of a message whose headers are these bytes, read as librabbitmq reads a frame. */
static int read_properties(const unsigned char *table, size_t len, amqp_pool_t *pool,
                           amqp_basic_properties_t **ret_properties)
{
    amqp_bytes_t frame;
    amqp_pool_alloc_bytes(pool, 2 + 4 + len, &frame); /* what is decoded points into it */
    unsigned char *raw = frame.bytes;
    memcpy(raw, "\x20\x00", 2); /* headers, and nothing else */
    for (int i = 0; i < 4; i++)
        raw[2 + i] = (unsigned char)(len >> (24 - 8 * i));
    memcpy(raw + 6, table, len);
    void *decoded = NULL;
    int status = amqp_decode_properties(AMQP_BASIC_CLASS, pool, frame, &decoded);
    *ret_properties = decoded;
    return status;
}

/* {"id": "x", "h": {"k": {"k": ...}}, "n": 7} */
static size_t nested_bytes(unsigned char *out, size_t levels)
{
    size_t n = 0, inner = levels * 7;
    memcpy(out, "\x02idS\0\0\0\x01x", 9);
    n += 9;
    for (size_t i = 0; i <= levels; i++, inner -= 7) {
        memcpy(out + n, i ? "\x01kF" : "\x01hF", 3);
        for (int b = 0; b < 4; b++)
            out[n + 3 + (size_t)b] = (unsigned char)(inner >> (24 - 8 * b));
        n += 7;
    }
    memcpy(out + n, "\x01nI\0\0\0\x07", 7);
    return n + 7;
}

/* Whichever release of librabbitmq is linked, and it must call us by name for it. */
static void headers_of_any_depth_that_a_frame_holds_are_read_but_for_what_is_nested(void **state)
{
    (void)state;
    static unsigned char table[131072];
    static const size_t levels[] = {0, 5, 99, 100, 101, 120, 1000, 18000};
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        amqp_pool_t pool;
        amqp_basic_properties_t *p;
        bool cut = false;
        init_amqp_pool(&pool, 4096);
        int status = read_properties(table, nested_bytes(table, levels[i]), &pool, &p);
        if (status != AMQP_STATUS_OK)
            fail_msg("%zu levels: %s", levels[i], amqp_error_string2(status));
        json_t *headers = field_table_to_json(&p->headers, 64, &cut);
        assert_string_equal(json_string_value(json_object_get(headers, "id")), "x");
        assert_int_equal(json_integer_value(json_object_get(headers, "n")), 7);
        assert_int_equal(cut, levels[i] >= 64);
        assert_true(cut || json_is_object(json_object_get(headers, "h")));
        json_decref(headers);
        empty_amqp_pool(&pool);
    }
}

static void bytes_that_are_no_table_stay_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } tables[] = {{"\x02idS\0\0\0\x09x", 9},
                  {"\x02id?x", 5},
                  {"\x09id", 3},
                  {"\x01hF\0\0\0\x09\x01kF", 10},
                  {"\x01hF\xff\xff\xff\xff", 7},
                  {"\x01", 1},
                  {"\x01hA\0\0", 5}};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        amqp_pool_t pool;
        amqp_basic_properties_t *p;
        init_amqp_pool(&pool, 4096);
        assert_true(
            read_properties((const unsigned char *)tables[i].bytes, tables[i].len, &pool, &p) < 0);
        empty_amqp_pool(&pool);
    }
}

/* The mark is ours: a message that contains its text says nothing. */
static void a_header_named_as_the_mark_is_a_header(void **state)
{
    (void)state;
    bool cut;
    json_t *back = there_and_back("{\"(too deep)\": null}", 8, &cut);
    assert_false(cut);
    assert_true(json_is_null(json_object_get(back, "(too deep)")));
    json_decref(back);
}

static void headers_longer_than_a_frame_are_refused(void **state)
{
    (void)state;
    amqp_pool_t pool;
    amqp_table_t table;
    struct err e;
    init_amqp_pool(&pool, 4096);
    json_t *object = json_pack("{s:s}", "key", "0123456789");
    assert_false(field_table_from_json(object, &pool, 22, &table, &e));
    assert_string_equal(e.code, "too_large");
    assert_true(field_table_from_json(object, &pool, 23, &table, &e)); /* 4 + 1 + 3 + 5 + 10 */
    json_decref(object);
    empty_amqp_pool(&pool);
}

static void a_header_name_over_255_bytes_is_refused(void **state)
{
    (void)state;
    amqp_pool_t pool;
    amqp_table_t table;
    struct err e;
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    init_amqp_pool(&pool, 4096);
    json_t *object = json_pack("{s:i}", name, 1);
    assert_false(field_table_from_json(object, &pool, 100000, &table, &e));
    assert_int_equal(e.kind, ERR_REJECT);
    json_decref(object);
    empty_amqp_pool(&pool);
}

static void bytes_that_are_no_utf8_become_latin_1(void **state)
{
    (void)state;
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes("k")};
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes("a\xe9");
    amqp_table_t table = {1, &entry};
    bool cut = false;
    json_t *back = field_table_to_json(&table, 4, &cut);
    assert_string_equal(json_string_value(json_object_get(back, "k")), "a\xc3\xa9");
    json_decref(back);
}

static void every_kind_of_field_becomes_a_value(void **state)
{
    (void)state;
    static const char kinds[] = "tbBsuIilLfdDSTVx";
    for (const char *kind = kinds; *kind; kind++) {
        amqp_table_entry_t entry = {.key = amqp_cstring_bytes("k")};
        entry.value.kind = (uint8_t)*kind;
        amqp_table_t table = {1, &entry};
        bool cut = false;
        json_t *back = field_table_to_json(&table, 4, &cut);
        assert_non_null(json_object_get(back, "k"));
        json_decref(back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(celery_headers_come_back_as_they_were),
        cmocka_unit_test(what_is_nested_too_deep_is_cut_and_said),
        cmocka_unit_test(headers_of_any_depth_that_a_frame_holds_are_read_but_for_what_is_nested),
        cmocka_unit_test(bytes_that_are_no_table_stay_refused),
        cmocka_unit_test(a_header_named_as_the_mark_is_a_header),
        cmocka_unit_test(headers_longer_than_a_frame_are_refused),
        cmocka_unit_test(a_header_name_over_255_bytes_is_refused),
        cmocka_unit_test(bytes_that_are_no_utf8_become_latin_1),
        cmocka_unit_test(every_kind_of_field_becomes_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
