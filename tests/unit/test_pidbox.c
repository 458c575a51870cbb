/* Requests of Celery's remote control, whatever they look like, and replies to them. */
#include "control_test.h"

#include "common/base/attr.h"
#include "common/celery/pidbox.h"

#define NODE "worker@host/7"
#define NOW_MS 1700000000000

static struct message request(const char *body, const char *headers)
{
    struct message v = {.priority = 0};
    v.content_type = strdup("application/json");
    v.headers = json_of(headers);
    v.body = strdup(body);
    for (char *c = v.body; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    v.body_len = strlen(v.body);
    return v;
}

/* As kombu 5.7 sends it. */
#define FULL                                                                                       \
    "{'method': 'ping', 'arguments': {'a': 1}, 'destination': null, 'pattern': null, "             \
    "'matcher': null, 'ticket': 't-1', 'reply_to': {'exchange': 'reply.celery.pidbox', "           \
    "'routing_key': 'oid'}}"

static void a_request_is_read_as_kombu_sends_it(void **state)
{
    (void)state;
    struct message v = request(FULL, "{'clock': 17, 'expires': 1700000001.5}");
    struct pidbox_request r;
    struct err e;
    assert_true(pidbox_read(&v, NODE, NOW_MS, &r, &e));
    assert_string_equal(r.method, "ping");
    assert_int_equal(json_integer_value(json_object_get(r.arguments, "a")), 1);
    assert_string_equal(r.exchange, "reply.celery.pidbox");
    assert_string_equal(r.routing_key, "oid");
    assert_string_equal(r.ticket, "t-1");
    assert_int_equal(r.clock, 17);
    assert_true(r.is_for_us);
    pidbox_request_free(&r);
    message_free(&v);
}

static void the_reply_goes_back_in_the_same_encoding(void **state)
{
    (void)state;
    struct message v = request(FULL, "{}"), reply, packed = {.priority = 0};
    struct pidbox_request r;
    struct err e;
    assert_true(pidbox_read(&v, NODE, NOW_MS, &r, &e));
    assert_true(pidbox_reply(&r, NODE, json_of("{'ok': 'pong'}"), 5, &reply, &e));
    assert_string_equal(reply.content_type, "application/json");
    assert_json(json_loadb(reply.body, reply.body_len, 0, NULL),
                "{'worker@host/7': {'ok': 'pong'}}");
    assert_json(json_incref(reply.headers), "{'ticket': 't-1', 'clock': 5}");
    assert_true(pidbox_message(&codec_msgpack, json_incref(r.body), json_object(), &packed, &e));
    pidbox_request_free(&r);
    message_free(&reply);
    assert_true(pidbox_read(&packed, NODE, NOW_MS, &r, &e));
    assert_true(pidbox_reply(&r, NODE, json_null(), 5, &reply, &e));
    assert_string_equal(reply.content_type, "application/x-msgpack");
    pidbox_request_free(&r);
    message_free(&reply);
    message_free(&packed);
    message_free(&v);
}

static bool is_for_us(const char *body, const char *headers)
{
    struct message v = request(body, headers);
    struct pidbox_request r;
    struct err e;
    assert_true(pidbox_read(&v, NODE, NOW_MS, &r, &e));
    bool ours = r.is_for_us;
    pidbox_request_free(&r);
    message_free(&v);
    return ours;
}

static void it_is_for_us_when_nobody_is_named_or_we_are(void **state)
{
    (void)state;
    static const struct {
        const char *rest;
        bool ours;
    } cases[] = {
        {"", true},
        {", 'destination': []", true},
        {", 'destination': ['other@host', 'worker@host/7']", true},
        {", 'destination': ['other@host']", false},
        {", 'destination': ['worker@host']", false},
        {", 'destination': [7]", false},
        {", 'pattern': 'worker@*', 'matcher': 'glob'", true},
        {", 'pattern': 'worker@host/[0-9]', 'matcher': 'glob'", true},
        {", 'pattern': 'other*', 'matcher': 'glob'", false},
        {", 'pattern': 'work', 'matcher': 'glob'", false},
        {", 'pattern': 'work', 'matcher': 'pcre'", true},
        {", 'pattern': 'w.*@host/\\\\d$', 'matcher': 'pcre'", true},
        {", 'pattern': 'host', 'matcher': 'pcre'", false},
        {", 'pattern': '(', 'matcher': 'pcre'", false},
        {", 'pattern': 'worker@*', 'matcher': 'soundex'", false},
        {", 'pattern': 'other*', 'matcher': null", true},
        {", 'destination': ['worker@host/7'], 'pattern': 'other', 'matcher': 'glob'", true},
    };
    char body[300];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(body, sizeof body, "{'method': 'ping'%s}", cases[i].rest);
        if (is_for_us(body, "{}") != cases[i].ours)
            fail_msg("%s", cases[i].rest);
    }
}

static void what_expired_long_ago_is_for_nobody(void **state)
{
    (void)state;
    assert_true(is_for_us("{'method': 'ping'}", "{'expires': 0}"));
    assert_true(is_for_us("{'method': 'ping'}", "{'expires': 1699999999.0}"));
    assert_true(is_for_us("{'method': 'ping'}", "{'expires': 'soon'}"));
    assert_false(is_for_us("{'method': 'ping'}", "{'expires': 1699999000}"));
}

static void what_is_no_request_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *body, *code;
    } cases[] = {
        {"", "bad_body"},
        {"{", "bad_body"},
        {"[]", "not_control"},
        {"'ping'", "not_control"},
        {"{}", "not_control"},
        {"{'method': 7}", "not_control"},
        {"{'method': 'ping', 'reply_to': 'oid'}", "not_control"},
        {"{'method': 'ping', 'reply_to': {'exchange': 'x'}}", "not_control"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "too_deep"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct message v = request(cases[i].body, "{}");
        struct pidbox_request r;
        struct err e = {0};
        assert_false(pidbox_read(&v, NODE, NOW_MS, &r, &e));
        assert_string_equal(e.code, cases[i].code);
        message_free(&v);
    }
}

static void another_encoding_and_a_body_too_long_are_refused(void **state)
{
    (void)state;
    struct message v = request("{'method': 'ping'}", "{}");
    struct pidbox_request r;
    struct err e;
    strcpy(v.content_type, "application/yaml");
    assert_false(pidbox_read(&v, NODE, NOW_MS, &r, &e));
    assert_string_equal(e.code, "bad_content_type");
    free(v.content_type);
    v.content_type = NULL;
    assert_false(pidbox_read(&v, NODE, NOW_MS, &r, &e));
    v.body_len = PIDBOX_BODY_MAX + 1;
    assert_false(pidbox_read(&v, NODE, NOW_MS, &r, &e));
    assert_string_equal(e.code, "too_large");
    message_free(&v);
}

static void our_question_is_one_that_we_would_answer(void **state)
{
    (void)state;
    struct message v, reply;
    struct pidbox_request r;
    struct err e;
    int64_t clock = 0;
    assert_true(pidbox_ask("hello", json_of("{'from_node': 'me', 'revoked': []}"), "reply", "t", 3,
                           &v, &e));
    assert_true(pidbox_read(&v, NODE, NOW_MS, &r, &e));
    assert_true(r.is_for_us);
    assert_int_equal(r.clock, 3);
    assert_string_equal(r.routing_key, "t");
    assert_true(pidbox_reply(&r, NODE, json_of("{'revoked': ['a'], 'clock': 9}"), 10, &reply, &e));
    assert_null(pidbox_read_reply(&reply, "another", &clock));
    assert_json(pidbox_read_reply(&reply, "t", &clock),
                "{'worker@host/7': {'revoked': ['a'], 'clock': 9}}");
    assert_int_equal(clock, 10);
    pidbox_request_free(&r);
    message_free(&v);
    message_free(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_as_kombu_sends_it),
        cmocka_unit_test(the_reply_goes_back_in_the_same_encoding),
        cmocka_unit_test(it_is_for_us_when_nobody_is_named_or_we_are),
        cmocka_unit_test(what_expired_long_ago_is_for_nobody),
        cmocka_unit_test(what_is_no_request_is_refused_with_the_reason),
        cmocka_unit_test(another_encoding_and_a_body_too_long_are_refused),
        cmocka_unit_test(our_question_is_one_that_we_would_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
