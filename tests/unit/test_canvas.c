/* Signatures that Celery's clients do not make: refused before anything runs, or told to whom it
 * concerns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/celery/canvas.h"

#define NOW_MS INT64_C(1795453755804)

static json_t *parsed(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);
    if (!value)
        fail_msg("%s: %s", text, error.text);
    return value;
}

static struct task_message parent_of(const char *embed)
{
    return (struct task_message){
        .id = (char *)"parent", .task = (char *)"parse", .embed = parsed(embed), .priority = -1};
}

static struct callbacks succeeded(const struct task_message *m)
{
    struct err e = {0};
    struct callbacks f;
    json_t *result = json_integer(42);
    assert_true(signature_check(m->embed, &e));
    if (!signature_succeeded(m, result, "test", NOW_MS, &f, &e))
        fail_msg("%s: %s", e.code, e.text);
    json_decref(result);
    return f;
}

/* --- refused ---------------------------------------------------------------------------------- */

static void assert_refused(const char *embed, const char *code, const char *text)
{
    struct err e = {0};
    json_t *value = parsed(embed);
    if (signature_check(value, &e))
        fail_msg("%s: not refused", embed);
    json_decref(value);
    assert_int_equal(e.kind, ERR_REJECT);
    assert_string_equal(e.code, code);
    if (!strstr(e.text, text))
        fail_msg("%s: \"%s\" says nothing of \"%s\"", embed, e.text, text);
}

static void what_is_no_signature_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {"{\"callbacks\": 1}", "callbacks: no list"},
        {"{\"callbacks\": {\"task\": \"a\"}}", "callbacks: no list"},
        {"{\"callbacks\": [null]}", "body: callbacks[0]: no map"},
        {"{\"errbacks\": [{\"task\": \"a\"}, {}]}", "errbacks[1]: task: no name"},
        {"{\"chain\": [{\"task\": \"a\", \"args\": {}}]}", "chain[0]: args: no list"},
        {"{\"chain\": [{\"task\": \"a\", \"kwargs\": []}]}", "chain[0]: kwargs: no map"},
        {"{\"chain\": [{\"task\": \"a\", \"options\": 3}]}", "chain[0]: options: no map"},
        {"{\"chain\": [{\"task\": \"a\", \"immutable\": 1}]}", "immutable: neither"},
        {"{\"chain\": [{\"task\": \"a\", \"subtask_type\": \"x\"}]}", "subtask_type: no type"},
        {"{\"chain\": [{\"task\": \"a\", \"subtask_type\": \"group\"}]}", "tasks: no list"},
        {"{\"chain\": [{\"task\": \"a\\nb\"}]}", "task: no name"},
        {"{\"chord\": []}", "chord: no map"},
        {"{\"callbacks\": [{\"task\": \"a\", \"options\": {\"link\": [{\"task\": \"b\", "
         "\"options\":"
         " {\"eta\": \"soon\"}}]}}]}",
         "callbacks[0]: link[0]: eta: no ISO 8601 time"},
        {"{\"callbacks\": [{\"task\": \"g\", \"subtask_type\": \"group\", \"kwargs\": {\"tasks\":"
         " [{\"task\": \"b\", \"options\": {\"priority\": 256}}]}}]}",
         "tasks[0]: priority: no number"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_refused(refused[i][0], "bad_signature", refused[i][1]);
}

static void every_option_that_could_not_be_sent_is_refused(void **state)
{
    (void)state;
    static const char *const options[] = {
        "\"task_id\": \"\"",
        "\"task_id\": 1",
        "\"reply_to\": []",
        "\"reply_to\": \"amq.rabbitmq.reply-to\"",
        "\"queue\": {}",
        "\"exchange\": 5",
        "\"routing_key\": 5",
        "\"priority\": -1",
        "\"priority\": 1.5",
        "\"countdown\": \"60\"",
        "\"countdown\": 1e30",
        "\"eta\": 5",
        "\"expires\": \"never\"",
        "\"expires\": []",
        "\"retries\": -1",
        "\"time_limit\": -1",
        "\"soft_time_limit\": \"x\"",
        "\"ignore_result\": 1",
        "\"serializer\": \"pickle\"",
        "\"delivery_mode\": 3",
        "\"headers\": []",
        "\"stamped_headers\": {}",
        "\"stamped_headers\": [1]",
        "\"group_index\": \"one\"",
        "\"link\": 1",
        "\"chain\": \"x\"",
        "\"chord\": [1]",
        "\"queue\": \"a\\u0007\"",
        "\"eta\": {\"__type__\": \"date\", \"__value__\": \"2030-01-01\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        char embed[256];
        snprintf(embed, sizeof embed, "{\"callbacks\": [{\"task\": \"a\", \"options\": {%s}}]}",
                 options[i]);
        assert_refused(embed, "bad_signature", "callbacks[0]");
    }
}

static json_t *nested(size_t depth)
{
    json_t *sig = parsed("{\"task\": \"a\"}");
    while (depth-- > 1)
        sig = json_pack("{s:s, s:{s:o}}", "task", "a", "options", "link", sig);
    return json_pack("{s:[o]}", "callbacks", sig);
}

static void depth_and_number_are_limited(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *deep = nested(SIGNATURE_MAX_DEPTH), *deeper = nested(SIGNATURE_MAX_DEPTH + 1);
    assert_true(signature_check(deep, &e));
    assert_false(signature_check(deeper, &e));
    assert_string_equal(e.code, "too_deep");
    json_t *many = json_array();
    for (size_t i = 0; i < SIGNATURE_MAX_COUNT; i++)
        json_array_append_new(many, parsed("{\"task\": \"a\"}"));
    json_t *embed = json_pack("{s:O}", "chain", many);
    assert_true(signature_check(embed, &e));
    json_array_append_new(many, parsed("{\"task\": \"a\"}"));
    assert_false(signature_check(embed, &e));
    assert_string_equal(e.code, "too_large");
    json_decref(deep);
    json_decref(deeper);
    json_decref(many);
    json_decref(embed);
}

/* --- taken ------------------------------------------------------------------------------------ */

static void missing_and_empty_steps_are_no_steps(void **state)
{
    (void)state;
    static const char *const embeds[] = {
        "null", "{}", "{\"callbacks\": [], \"errbacks\": null, \"chain\": [], \"chord\": null}",
        "{\"callbacks\": [{\"task\": \"g\", \"subtask_type\": \"group\","
        " \"kwargs\": {\"tasks\": []}}]}",
        "{\"callbacks\": [{\"task\": \"c\", \"subtask_type\": \"chain\","
        " \"kwargs\": {\"tasks\": []}}]}"};
    for (size_t i = 0; i < ARRAY_LEN(embeds); i++) {
        struct task_message m = parent_of(embeds[i]);
        struct callbacks f = succeeded(&m);
        assert_int_equal(f.count, 0);
        assert_int_equal(json_array_size(f.children), 0);
        callbacks_free(&f);
        json_decref(m.embed);
    }
}

static void the_same_parent_makes_the_same_ids(void **state)
{
    (void)state;
    const char *embed = "{\"callbacks\": [{\"task\": \"a\"}, {\"task\": \"b\"}], \"chain\":"
                        " [{\"task\": \"c\"}]}";
    struct task_message m = parent_of(embed), other = parent_of(embed);
    other.id = (char *)"other parent";
    struct callbacks once = succeeded(&m), again = succeeded(&m), else_where = succeeded(&other);
    assert_int_equal(once.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(once.items[i].message.id, again.items[i].message.id);
        assert_string_not_equal(once.items[i].message.id, else_where.items[i].message.id);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(once.items[i].message.id, once.items[j].message.id);
    }
    callbacks_free(&once);
    callbacks_free(&again);
    callbacks_free(&else_where);
    json_decref(m.embed);
    json_decref(other.embed);
}

static void a_route_is_taken_from_the_options(void **state)
{
    (void)state;
    struct task_message m = parent_of(
        "{\"callbacks\": [{\"task\": \"a\", \"options\": {\"exchange\": \"x\", \"routing_key\":"
        " \"k\", \"delivery_mode\": \"transient\", \"serializer\": \"msgpack\"}}]}");
    struct callbacks f = succeeded(&m);
    assert_string_equal(f.items[0].exchange, "x");
    assert_string_equal(f.items[0].routing_key, "k");
    assert_string_equal(f.items[0].serializer, "msgpack");
    assert_true(f.items[0].transient);
    assert_null(f.items[0].queue);
    callbacks_free(&f);
    json_decref(m.embed);
}

/* --- chords, and what is never sent ----------------------------------------------------------- */

#define WAITED(id)                                                                                 \
    "{\"task\": \"a\", \"options\": {\"task_id\": \"" id "\", \"reply_to\": \"client\"}}"

static bool is_forsaken(const struct callbacks *f, const char *id)
{
    for (size_t i = 0; i < f->forsaken_count; i++)
        if (strcmp(f->forsaken[i].task_id, id) == 0)
            return strcmp(f->forsaken[i].reply_to, "client") == 0;
    return false;
}

static void nobody_waits_for_a_chord_that_cannot_be(void **state)
{
    (void)state;
    static const char *const embeds[] = {
        /* as a callback, and as the next of a chain */
        "{\"callbacks\": [{\"task\": \"celery.chord\", \"subtask_type\": \"chord\", \"kwargs\":"
        " {\"header\": [" WAITED("head") "], \"body\": " WAITED("body") "}}]}",
        "{\"chain\": [" WAITED("last") ", {\"task\": \"celery.chord\", \"subtask_type\": \"chord\","
                                       " \"kwargs\": {\"header\": {\"task\": \"g\", "
                                       "\"subtask_type\": \"group\", \"kwargs\":"
                                       " {\"tasks\": [" WAITED("head") "]}}, \"body\": " WAITED(
                                           "body") "}}]}",
        /* a group that something follows is one */
        "{\"callbacks\": [{\"task\": \"c\", \"subtask_type\": \"chain\", \"kwargs\": {\"tasks\":"
        " [{\"task\": \"g\", \"subtask_type\": \"group\", \"kwargs\": {\"tasks\":"
        " [" WAITED("head") ", {\"task\": \"b\"}]}}, " WAITED("body") "]}}]}"};
    for (size_t i = 0; i < ARRAY_LEN(embeds); i++) {
        struct task_message m = parent_of(embeds[i]);
        struct callbacks f = succeeded(&m);
        assert_true(f.has_chord);
        assert_int_equal(f.count, 0);
        assert_true(is_forsaken(&f, "head"));
        assert_true(is_forsaken(&f, "body"));
        assert_int_equal(is_forsaken(&f, "last"), i == 1);
        callbacks_free(&f);
        json_decref(m.embed);
    }
}

static void a_chord_further_on_in_a_chain_is_passed_on(void **state)
{
    (void)state;
    struct task_message m = parent_of(
        "{\"callbacks\": [{\"task\": \"c\", \"subtask_type\": \"chain\", \"kwargs\": {\"tasks\":"
        " [{\"task\": \"first\"}, {\"task\": \"g\", \"subtask_type\": \"group\", \"kwargs\":"
        " {\"tasks\": [{\"task\": \"x\"}, {\"task\": \"y\"}]}}, {\"task\": \"body\"}]}}]}");
    struct callbacks f = succeeded(&m);
    assert_false(f.has_chord);
    assert_int_equal(f.count, 1);
    const json_t *chain = json_object_get(f.items[0].message.embed, "chain");
    assert_int_equal(json_array_size(chain), 1);
    const json_t *chord = json_array_get(chain, 0);
    assert_string_equal(json_string_value(json_object_get(chord, "task")), "celery.chord");
    assert_int_equal(json_array_size(json_object_get(json_object_get(chord, "kwargs"), "header")),
                     2);
    callbacks_free(&f);
    json_decref(m.embed);
}

static void after_a_revocation_the_rest_of_the_chain_is_told(void **state)
{
    (void)state;
    struct err e = {0};
    struct callbacks f;
    struct task_message m =
        parent_of("{\"chain\": [" WAITED("last") ", {\"task\": \"a\"}],"
                                                 " \"errbacks\": [{\"task\": \"e\"}]}");
    assert_true(signature_revoked(&m, &f, &e));
    assert_int_equal(f.count, 0);
    assert_int_equal(f.forsaken_count, 1);
    assert_true(is_forsaken(&f, "last"));
    callbacks_free(&f);
    json_decref(m.embed);
}

static void who_ignores_results_is_told_nothing(void **state)
{
    (void)state;
    struct err e = {0};
    struct callbacks f;
    struct task_message m = parent_of(
        "{\"chain\": [{\"task\": \"a\", \"options\": {\"task_id\": \"x\", \"reply_to\": \"client\","
        " \"ignore_result\": true}}, {\"task\": \"a\", \"options\": {\"task_id\": \"y\"}}]}");
    assert_true(signature_failed(&m, "test", NOW_MS, &f, &e));
    assert_int_equal(f.forsaken_count, 0);
    callbacks_free(&f);
    json_decref(m.embed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_signature_is_refused_with_its_place),
        cmocka_unit_test(every_option_that_could_not_be_sent_is_refused),
        cmocka_unit_test(depth_and_number_are_limited),
        cmocka_unit_test(missing_and_empty_steps_are_no_steps),
        cmocka_unit_test(the_same_parent_makes_the_same_ids),
        cmocka_unit_test(a_route_is_taken_from_the_options),
        cmocka_unit_test(nobody_waits_for_a_chord_that_cannot_be),
        cmocka_unit_test(a_chord_further_on_in_a_chain_is_passed_on),
        cmocka_unit_test(after_a_revocation_the_rest_of_the_chain_is_told),
        cmocka_unit_test(who_ignores_results_is_told_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
