/* What the task message promises: Celery's messages in, messages for Celery out, the rest refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/celery/task_message.h"

#define ID "5f0c1b0e-8a57-4ef1-93a6-1f1b0a4ba6f4"
#define NO_EMBED "{\"callbacks\": null, \"errbacks\": null, \"chain\": null, \"chord\": null}"

static const struct task_message_limits limits = {.max_bytes = 1 << 20, .max_depth = 64};

static char *bytes_of(const void *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

/* An AMQP message as the broker would hand it over; headers are JSON, NULL for none. */
static struct message make_message(const char *content_type, const char *headers, const void *body,
                                   size_t len)
{
    struct message v = {.priority = -1, .body = bytes_of(body, len), .body_len = len};
    v.content_type = content_type ? strdup(content_type) : NULL;
    v.headers = headers ? json_loads(headers, JSON_DECODE_ANY, NULL) : NULL;
    assert_true(!headers || v.headers);
    return v;
}

static void decode_json(const char *headers, const char *body, struct task_message *m)
{
    struct err e = {0};
    struct message v CLEANUP(message_free) =
        make_message("application/json", headers, body, strlen(body));
    if (!task_message_decode(&v, &limits, m, &e))
        fail_msg("%s: %s", e.code, e.text);
}

/* Decoding fails for good with this code, and the text names this place. */
static void assert_refused(const struct message *v, const char *code, const char *place)
{
    struct err e = {0};
    struct task_message m = {.priority = 77};
    assert_false(task_message_decode(v, &limits, &m, &e));
    assert_string_equal(e.code, code);
    assert_int_equal(e.kind, ERR_REJECT);
    if (!strstr(e.text, place))
        fail_msg("\"%s\" does not name \"%s\"", e.text, place);
    assert_int_equal(m.priority, 77);
    assert_null(m.id);
}

static void assert_json_refused(const char *headers, const char *body, const char *code,
                                const char *place)
{
    struct message v CLEANUP(message_free) =
        make_message("application/json", headers, body, strlen(body));
    assert_refused(&v, code, place);
}

#define HEADERS "{\"task\": \"parse\", \"id\": \"" ID "\"}"
#define HEADERS_AND(more) "{\"task\": \"parse\", \"id\": \"" ID "\", " more "}"

static void the_smallest_protocol_2_message_is_read(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = {0};
    decode_json("{\"lang\": \"py\", \"task\": \"parse\", \"id\": \"" ID "\"}",
                "[[7], {\"force\": true}, null]", &m);
    assert_int_equal(m.protocol, 2);
    assert_string_equal(m.task, "parse");
    assert_string_equal(m.id, ID);
    assert_int_equal(json_integer_value(json_array_get(m.args, 0)), 7);
    assert_true(json_is_true(json_object_get(m.kwargs, "force")));
    assert_null(m.embed);
    assert_null(m.root_id);
    assert_int_equal(m.priority, -1);
    assert_false(m.ignore_result);
}

static void every_header_of_protocol_2_arrives_in_its_field(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = {0};
    decode_json(
        HEADERS_AND("\"root_id\": \"r\", \"parent_id\": \"p\", \"group\": \"g\", "
                    "\"origin\": \"gen1@host\", \"retries\": 3, \"ignore_result\": true, "
                    "\"eta\": \"2026-11-23T17:09:15.804443+00:00\", "
                    "\"expires\": \"2026-11-23T18:09:15+01:00\", \"timelimit\": [30, 20.5], "
                    "\"my-header\": {\"a\": 1}"),
        "[[], {}, " NO_EMBED "]", &m);
    assert_string_equal(m.root_id, "r");
    assert_string_equal(m.parent_id, "p");
    assert_string_equal(m.group_id, "g");
    assert_string_equal(m.origin, "gen1@host");
    assert_int_equal(m.retries, 3);
    assert_true(m.ignore_result);
    assert_int_equal(m.eta_ms, INT64_C(1795453755804));
    assert_int_equal(m.expires_ms, INT64_C(1795453755000));
    assert_int_equal(m.hard_limit_ms, 30000);
    assert_int_equal(m.soft_limit_ms, 20500);
    assert_non_null(json_object_get(m.headers, "my-header"));
    assert_int_equal(json_object_size(m.embed), 4);
}

static void protocol_1_is_read_from_the_body(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = {0};
    decode_json("{}",
                "{\"task\": \"parse\", \"id\": \"" ID "\", \"args\": [1], \"kwargs\": {\"k\": 2}, "
                "\"retries\": 1, \"eta\": \"2026-11-23T17:09:15\", \"utc\": true, "
                "\"callbacks\": [{\"task\": \"x\"}], \"taskset\": \"g\", \"timelimit\": [9, null]}",
                &m);
    assert_int_equal(m.protocol, 1);
    assert_string_equal(m.id, ID);
    assert_int_equal(m.retries, 1);
    assert_int_equal(m.eta_ms, INT64_C(1795453755000));
    assert_string_equal(m.group_id, "g");
    assert_int_equal(m.hard_limit_ms, 9000);
    assert_int_equal(m.soft_limit_ms, 0);
    assert_int_equal(json_array_size(json_object_get(m.embed, "callbacks")), 1);
}

static void protocol_1_without_headers_or_arguments_has_empty_ones(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = {0};
    decode_json(NULL, "{\"task\": \"parse\", \"id\": \"" ID "\"}", &m);
    assert_int_equal(json_array_size(m.args), 0);
    assert_true(json_is_array(m.args) && json_is_object(m.kwargs));
    assert_null(m.headers);
}

static void headers_of_a_hybrid_win_over_its_body(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = {0};
    decode_json(HEADERS_AND("\"retries\": 5"),
                "{\"task\": \"other\", \"id\": \"other\", \"args\": [], \"kwargs\": {}, "
                "\"retries\": 1, \"expires\": \"2030-01-01\"}",
                &m);
    assert_int_equal(m.protocol, 2);
    assert_string_equal(m.task, "parse");
    assert_int_equal(m.retries, 5);
    assert_int_equal(m.expires_ms, INT64_C(1893456000000));
}

static void what_celery_runs_in_spite_of_odd_headers_is_run(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = {0};
    decode_json(HEADERS_AND("\"retries\": \"x\", \"timelimit\": [null, 1.0001], \"group\": 4, "
                            "\"eta\": null, \"expires\": \"1970-01-01T00:00:00Z\""),
                "[[], {}, null]", &m);
    assert_int_equal(m.retries, 0);
    assert_int_equal(m.soft_limit_ms, 1001);
    assert_null(m.group_id);
    assert_int_equal(m.eta_ms, 0);
    assert_int_equal(m.expires_ms, 1);
}

static void a_body_that_is_no_task_is_no_celery_message(void **state)
{
    (void)state;
    assert_json_refused(NULL, "{\"hello\": 1}", "not_celery", "task");
    assert_json_refused("{}", "[[], {}, null]", "not_celery", "task");
    assert_json_refused("{}", "\"text\"", "not_celery", "task");
    assert_json_refused("[]", "[[], {}, null]", "not_celery", "headers");
    assert_json_refused("{\"task\": null, \"id\": \"x\"}", "[[], {}, null]", "not_celery", "task");
    assert_json_refused("{\"task\": \"\", \"id\": \"x\"}", "[[], {}, null]", "not_celery", "task");
    assert_json_refused("{\"task\": \"a\\nb\", \"id\": \"x\"}", "[[], {}, null]", "not_celery",
                        "task");
}

static void an_id_must_be_there_and_be_a_short_text(void **state)
{
    (void)state;
    char headers[400];
    assert_json_refused("{\"task\": \"parse\"}", "[[], {}, null]", "bad_id", "id: missing");
    assert_json_refused("{\"task\": \"parse\", \"id\": 5}", "[[], {}, null]", "bad_id", "id: no");
    assert_json_refused("{\"task\": \"parse\", \"id\": null}", "[[], {}, null]", "bad_id", "id");
    snprintf(headers, sizeof headers, "{\"task\": \"parse\", \"id\": \"%0256d\"}", 0);
    assert_json_refused(headers, "[[], {}, null]", "bad_id", "id");
}

static void a_body_of_another_shape_is_refused(void **state)
{
    (void)state;
    assert_json_refused(HEADERS, "[[], {}]", "bad_body", "2 elements");
    assert_json_refused(HEADERS, "[[], {}, null, null]", "bad_body", "4 elements");
    assert_json_refused(HEADERS, "[[], {}, 5]", "bad_body", "embed");
    assert_json_refused(HEADERS, "{\"kwargs\": {}}", "bad_body", "args");
    assert_json_refused(HEADERS, "5", "bad_body", "body");
    assert_json_refused(HEADERS, "[null, {}, null]", "bad_arguments", "args");
    assert_json_refused(HEADERS, "[[], null, null]", "bad_arguments", "kwargs");
    assert_json_refused(HEADERS, "[[], [], null]", "bad_arguments", "kwargs");
}

static void broken_json_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_json_refused(HEADERS, "[[1,, 2], {}, null]", "bad_body", "after 5 bytes");
    assert_json_refused(HEADERS, "[[], {}, null", "bad_body", "line 1");
    assert_json_refused(HEADERS, "[[], {}, null] x", "bad_body", "line 1");
    assert_json_refused(HEADERS, "", "bad_body", "line 1");
    assert_json_refused(HEADERS, "[[\"\xff\"], {}, null]", "bad_body", "line 1");
    assert_json_refused(HEADERS, "[[NaN], {}, null]", "bad_body", "line 1");
    assert_json_refused(HEADERS, "[[99999999999999999999], {}, null]", "bad_body", "line 1");
    assert_json_refused(HEADERS, "[[\"a\\u0000b\"], {}, null]", "bad_body", "line 1");
}

static void an_error_text_does_not_repeat_the_body(void **state)
{
    (void)state;
    struct err e = {0};
    struct task_message m = {0};
    const char body[] = "[[\"token\" secret-of-a-feed], {}, null]";
    struct message v CLEANUP(message_free) =
        make_message("application/json", HEADERS, body, sizeof body - 1);
    assert_false(task_message_decode(&v, &limits, &m, &e));
    assert_null(strstr(e.text, "secret"));
}

static void times_that_are_none_are_refused(void **state)
{
    (void)state;
    assert_json_refused(HEADERS_AND("\"eta\": \"tomorrow\""), "[[], {}, null]", "bad_eta",
                        "tomorrow");
    assert_json_refused(HEADERS_AND("\"eta\": 1795453755"), "[[], {}, null]", "bad_eta", "eta");
    assert_json_refused(HEADERS_AND("\"eta\": \"\""), "[[], {}, null]", "bad_eta", "eta");
    assert_json_refused(HEADERS_AND("\"expires\": \"2026-02-30T00:00:00\""), "[[], {}, null]",
                        "bad_expires", "2026-02-30");
}

static void time_limits_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"5",       "[1]",        "[1, 2, 3]", "[\"1\", 2]",
                                      "[1, -2]", "[1e300, 2]", "[true, 1]", "{}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char headers[200];
        snprintf(headers, sizeof headers, HEADERS_AND("\"timelimit\": %s"), bad[i]);
        assert_json_refused(headers, "[[], {}, null]", "bad_timelimit", "timelimit");
    }
}

static void content_that_is_not_ours_is_refused(void **state)
{
    (void)state;
    static const char *const types[] = {NULL, "application/JSON", "application/x-python-serialize",
                                        "", "text/plain\n"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct message v CLEANUP(message_free) =
            make_message(types[i], HEADERS, "[[], {}, null]", 14);
        assert_refused(&v, "bad_content_type", "content_type");
    }
    struct message v CLEANUP(message_free) =
        make_message("application/json", HEADERS, "[[], {}, null]", 14);
    v.content_encoding = strdup("utf-16");
    assert_refused(&v, "bad_content_type", "content_encoding \"utf-16\"");
}

/* --- encoding --------------------------------------------------------------------------------- */

static struct task_message make_task_message(void)
{
    struct task_message m = {.priority = -1};
    m.id = strdup(ID);
    m.task = strdup("parse");
    m.origin = strdup("gen42@host");
    m.args = json_pack("[i, s]", 7, "it's");
    m.kwargs = json_pack("{s:f, s:n}", "rate", 0.25, "none");
    return m;
}

static void encode(const struct task_message *m, const char *serializer, int64_t now_ms,
                   struct message *v)
{
    struct err e = {0};
    if (!task_message_encode(m, serializer, now_ms, v, &e))
        fail_msg("%s: %s", e.code, e.text);
}

static void assert_text_is(const json_t *object, const char *name, const char *text)
{
    assert_string_equal(json_string_value(json_object_get(object, name)), text);
}

static void a_json_message_has_the_headers_of_celery_in_its_order(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = make_task_message();
    struct message v CLEANUP(message_free) = {0};
    encode(&m, "json", 0, &v);
    char *names = NULL;
    const char *name;
    json_t *value;
    size_t len = 0;
    FILE *out = open_memstream(&names, &len);
    json_object_foreach(v.headers, name, value)
        fprintf(out, "%s ", name);
    fclose(out);
    assert_string_equal(names,
                        "lang task id shadow eta expires group group_index retries timelimit "
                        "root_id parent_id argsrepr kwargsrepr origin ignore_result "
                        "replaced_task_nesting stamped_headers stamps ");
    free(names);
    assert_text_is(v.headers, "argsrepr", "[7, \"it's\"]");
    assert_text_is(v.headers, "kwargsrepr", "{'rate': 0.25, 'none': None}");
    assert_text_is(v.headers, "root_id", ID);
    assert_true(json_is_null(json_object_get(v.headers, "eta")));
    assert_string_equal(v.content_type, "application/json");
    assert_string_equal(v.content_encoding, "utf-8");
    assert_string_equal(v.correlation_id, ID);
    assert_null(v.expiration);
    assert_int_equal(v.priority, 0);
    static const char body[] = "[[7, \"it's\"], {\"rate\": 0.25, \"none\": null}, " NO_EMBED "]";
    assert_int_equal(v.body_len, sizeof body - 1);
    assert_memory_equal(v.body, body, sizeof body - 1);
}

static void a_msgpack_body_has_the_bytes_of_celerys(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = make_task_message();
    struct message v CLEANUP(message_free) = {0};
    json_decref(m.args);
    json_decref(m.kwargs);
    m.args = json_pack("[i, {s:s, s:s}]", 2, "__type__", "base64", "__value__", "/w==");
    m.kwargs = NULL;
    encode(&m, "msgpack", 0, &v);
    static const char body[] = "\x93\x92\x02\xc4\x01\xff\x80\x84\xa9"
                               "callbacks\xc0\xa8"
                               "errbacks\xc0\xa5"
                               "chain\xc0\xa5"
                               "chord\xc0";
    assert_int_equal(v.body_len, sizeof body - 1);
    assert_memory_equal(v.body, body, sizeof body - 1);
    assert_string_equal(v.content_type, "application/x-msgpack");
    assert_string_equal(v.content_encoding, "binary");
}

static void times_limits_and_ids_are_written_as_celery_writes_them(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = make_task_message();
    struct message v CLEANUP(message_free) = {0};
    m.eta_ms = INT64_C(1795453755804);
    m.expires_ms = INT64_C(1795453756000);
    m.hard_limit_ms = 30000;
    m.soft_limit_ms = 20500;
    m.parent_id = strdup("p");
    m.reply_to = strdup("q");
    m.priority = 3;
    encode(&m, "json", m.expires_ms - 1500, &v);
    assert_text_is(v.headers, "eta", "2026-11-23T17:09:15.804000+00:00");
    assert_text_is(v.headers, "expires", "2026-11-23T17:09:16+00:00");
    assert_string_equal(v.expiration, "1500");
    json_t *pair = json_object_get(v.headers, "timelimit");
    assert_int_equal(json_integer_value(json_array_get(pair, 0)), 30);
    assert_true(json_real_value(json_array_get(pair, 1)) == 20.5);
    assert_text_is(v.headers, "parent_id", "p");
    assert_string_equal(v.reply_to, "q");
    assert_int_equal(v.priority, 3);
}

static void an_expiry_in_the_past_is_zero_and_a_far_one_is_left_to_the_header(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = make_task_message();
    struct message past CLEANUP(message_free) = {0}, far CLEANUP(message_free) = {0};
    m.expires_ms = 1000;
    encode(&m, "json", 5000, &past);
    assert_string_equal(past.expiration, "0");
    m.expires_ms = INT64_C(5000000000);
    encode(&m, "json", 0, &far);
    assert_null(far.expiration);
    assert_text_is(far.headers, "expires", "1970-02-27T20:53:20+00:00");
}

static void what_was_decoded_can_be_sent_again(void **state)
{
    (void)state;
    static const char *const serializers[] = {"json", "msgpack"};
    for (size_t i = 0; i < ARRAY_LEN(serializers); i++) {
        struct task_message m CLEANUP(task_message_free) = {0},
                              again CLEANUP(task_message_free) = {0};
        struct message v CLEANUP(message_free) = {0};
        struct err e = {0};
        decode_json(
            HEADERS_AND("\"shadow\": \"s\", \"stamps\": {\"a\": 1}, \"stamped_headers\": [\"a\"], "
                        "\"group_index\": 2, \"argsrepr\": \"<hidden>\", \"mine\": [1, null], "
                        "\"x-death\": [{\"count\": 1}], \"CC\": [\"q\"], \"retries\": 1, "
                        "\"eta\": \"2026-11-23T17:09:15.804Z\", \"compression\": null"),
            "[[1.5, \"\\u00e9\", -3, 9223372036854775807], {\"a\": {\"b\": [true, false]}}, "
            "{\"chain\": [{\"task\": \"x\"}]}]",
            &m);
        m.retries++;
        encode(&m, serializers[i], 0, &v);
        if (!task_message_decode(&v, &limits, &again, &e))
            fail_msg("%s: %s", e.code, e.text);
        assert_true(json_equal(m.args, again.args));
        assert_true(json_equal(m.kwargs, again.kwargs));
        assert_true(json_equal(m.embed, again.embed));
        assert_int_equal(again.retries, 2);
        assert_int_equal(again.eta_ms, m.eta_ms);
        assert_text_is(again.headers, "shadow", "s");
        assert_text_is(again.headers, "argsrepr", "<hidden>");
        assert_int_equal(json_array_size(json_object_get(again.headers, "mine")), 2);
        assert_int_equal(json_integer_value(json_object_get(again.headers, "group_index")), 2);
        assert_null(json_object_get(again.headers, "x-death"));
        assert_null(json_object_get(again.headers, "CC"));
        assert_null(json_object_get(again.headers, "compression"));
    }
}

static void assert_not_encoded(const struct task_message *m, const char *serializer,
                               const char *code)
{
    struct err e = {0};
    struct message v = {0};
    assert_false(task_message_encode(m, serializer, 0, &v, &e));
    assert_string_equal(e.code, code);
    assert_null(v.body);
}

static void what_no_worker_could_take_is_not_encoded(void **state)
{
    (void)state;
    struct task_message m CLEANUP(task_message_free) = make_task_message();
    assert_not_encoded(&m, "pickle", "bad_serializer");
    assert_not_encoded(&m, NULL, "bad_serializer");
    json_array_append_new(m.args, json_pack("{s:s, s:i}", "__type__", "moment", "__value__", 1));
    assert_not_encoded(&m, "json", "bad_body");
    json_array_clear(m.args);
    json_t *args = m.args;
    m.args = m.kwargs;
    assert_not_encoded(&m, "json", "bad_arguments");
    m.args = args;
    m.task[0] = '\0';
    assert_not_encoded(&m, "json", "not_celery");
    m.task[0] = '\xff';
    assert_not_encoded(&m, "json", "bad_body");
    m.id[0] = '\0';
    m.task[0] = 'p';
    assert_not_encoded(&m, "json", "bad_id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_protocol_2_message_is_read),
        cmocka_unit_test(every_header_of_protocol_2_arrives_in_its_field),
        cmocka_unit_test(protocol_1_is_read_from_the_body),
        cmocka_unit_test(protocol_1_without_headers_or_arguments_has_empty_ones),
        cmocka_unit_test(headers_of_a_hybrid_win_over_its_body),
        cmocka_unit_test(what_celery_runs_in_spite_of_odd_headers_is_run),
        cmocka_unit_test(a_body_that_is_no_task_is_no_celery_message),
        cmocka_unit_test(an_id_must_be_there_and_be_a_short_text),
        cmocka_unit_test(a_body_of_another_shape_is_refused),
        cmocka_unit_test(broken_json_is_refused_with_its_place),
        cmocka_unit_test(an_error_text_does_not_repeat_the_body),
        cmocka_unit_test(times_that_are_none_are_refused),
        cmocka_unit_test(time_limits_that_are_none_are_refused),
        cmocka_unit_test(content_that_is_not_ours_is_refused),
        cmocka_unit_test(a_json_message_has_the_headers_of_celery_in_its_order),
        cmocka_unit_test(a_msgpack_body_has_the_bytes_of_celerys),
        cmocka_unit_test(times_limits_and_ids_are_written_as_celery_writes_them),
        cmocka_unit_test(an_expiry_in_the_past_is_zero_and_a_far_one_is_left_to_the_header),
        cmocka_unit_test(what_was_decoded_can_be_sent_again),
        cmocka_unit_test(what_no_worker_could_take_is_not_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
