/* After a task the same results and follow-up messages go out as from Celery's own worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "message_json.h"
#include "common/celery/canvas.h"

#define NOW_MS INT64_C(1795453755804) /* capture_steps.py's NOW */
#define IDS_MAX 64

static const struct task_message_limits limits = {.max_bytes = 1 << 20, .max_depth = 64};

/* One captured task, and which of the ids that Celery made up stands for which of ours. */
struct step {
    const char *name;
    char *known; /* the message as text: ids in it must be the same */
    struct task_message message;
    json_t *expected;
    const char *theirs[IDS_MAX], *ours[IDS_MAX];
    size_t ids;
};

/* --- comparing -------------------------------------------------------------------------------- */

static bool looks_made_up(const struct step *s, const char *id)
{
    return strlen(id) == 36 && id[8] == '-' && id[23] == '-' && !strstr(s->known, id);
}

static bool same_id(struct step *s, const char *theirs, const char *ours)
{
    if (!looks_made_up(s, theirs) || !looks_made_up(s, ours))
        return false;
    for (size_t i = 0; i < s->ids; i++)
        if (strcmp(s->theirs[i], theirs) == 0 || strcmp(s->ours[i], ours) == 0)
            return strcmp(s->theirs[i], theirs) == 0 && strcmp(s->ours[i], ours) == 0;
    assert_true(s->ids < IDS_MAX);
    s->theirs[s->ids] = theirs;
    s->ours[s->ids++] = strdup(ours); /* a few bytes for the time of the test */
    return true;
}

static bool same(struct step *s, const json_t *theirs, const json_t *ours)
{
    const char *key;
    json_t *value;
    if (json_is_string(theirs) && json_is_string(ours))
        return json_equal(theirs, ours) ||
               same_id(s, json_string_value(theirs), json_string_value(ours));
    if (json_is_array(theirs) && json_is_array(ours)) {
        bool equal = json_array_size(theirs) == json_array_size(ours);
        for (size_t i = 0; equal && i < json_array_size(theirs); i++)
            equal = same(s, json_array_get(theirs, i), json_array_get(ours, i));
        return equal;
    }
    if (!json_is_object(theirs) || !json_is_object(ours))
        return json_equal(theirs, ours) ||
               (json_is_number(theirs) && json_number_value(theirs) == json_number_value(ours));
    if (json_object_size(theirs) != json_object_size(ours))
        return false;
    json_object_foreach((json_t *)theirs, key, value) {
        if (!same(s, value, json_object_get(ours, key)))
            return false;
    }
    return true;
}

static void assert_same(struct step *s, const char *what, const json_t *theirs, const json_t *ours)
{
    if ((json_is_null(theirs) && !ours) || same(s, theirs, ours))
        return;
    fail_msg("%s: %s is\n%s\nwhere Celery has\n%s", s->name, what,
             ours ? json_dumps(ours, JSON_ENCODE_ANY) : NULL, json_dumps(theirs, JSON_ENCODE_ANY));
}

static void assert_text(struct step *s, const char *what, const json_t *theirs, const char *ours)
{
    json_t *text = ours ? json_string(ours) : json_null();
    assert_same(s, what, theirs, text);
    json_decref(text);
}

/* --- follow-up messages ----------------------------------------------------------------------- */

/* Without what only the sending process decides; whether a task of Celery's own ignores its result
 * is the worker's to say. */
static json_t *comparable_headers(const json_t *from)
{
    static const char *const own[] = {"lang", "argsrepr", "kwargsrepr", "origin"};
    json_t *headers = json_copy((json_t *)from);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        json_object_del(headers, own[i]);
    if (json_is_false(json_object_get(headers, "ignore_result")))
        json_object_set_new(headers, "ignore_result", json_null());
    return headers;
}

static void assert_follow_up(struct step *s, const json_t *theirs, const struct callback *f)
{
    struct err e = {0};
    struct message v CLEANUP(message_free) = {.priority = -1};
    const char *queue = f->queue ? f->queue : "capture"; /* the default of Celery's worker */
    if (!task_message_encode(&f->message, f->serializer, NOW_MS, &v, &e))
        fail_msg("%s: %s: %s", s->name, e.code, e.text);
    json_t *body = json_loadb(v.body, v.body_len, 0, NULL);
    json_t *their_headers = comparable_headers(json_object_get(theirs, "headers"));
    json_t *our_headers = comparable_headers(v.headers);
    assert_same(s, "headers", their_headers, our_headers);
    assert_same(s, "body", json_object_get(theirs, "body"), body);
    assert_text(s, "queue", json_object_get(theirs, "queue"), queue);
    assert_text(s, "reply_to", json_object_get(theirs, "reply_to"), v.reply_to);
    assert_text(s, "expiration", json_object_get(theirs, "expiration"), v.expiration);
    assert_int_equal(json_integer_value(json_object_get(theirs, "priority")), v.priority);
    assert_false(f->transient);
    json_decref(their_headers);
    json_decref(our_headers);
    json_decref(body);
}

static void assert_follow_ups(struct step *s, const struct callbacks *f)
{
    const json_t *theirs = json_object_get(s->expected, "follow_ups");
    if (f->count != json_array_size(theirs))
        fail_msg("%s: %zu follow-up messages where Celery sends %zu", s->name, f->count,
                 json_array_size(theirs));
    for (size_t i = 0; i < f->count; i++)
        assert_follow_up(s, json_array_get(theirs, i), &f->items[i]);
}

/* --- results ---------------------------------------------------------------------------------- */

static enum result_state state_of(const json_t *result)
{
    static const char *const names[] = {"STARTED", "SUCCESS", "FAILURE", "RETRY", "REVOKED"};
    const char *name =
        json_string_value(json_object_get(json_object_get(result, "body"), "status"));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return (enum result_state)i;
    fail_msg("no state: %s", name);
    return RESULT_STARTED;
}

static void assert_result(struct step *s, const json_t *theirs, const struct result_address *to,
                          const json_t *value, const json_t *children)
{
    struct err e = {0};
    struct message v CLEANUP(message_free) = {.priority = -1};
    if (!result_encode(to, state_of(theirs), value, children, 1 << 20, NOW_MS, &v, &e))
        fail_msg("%s: %s: %s", s->name, e.code, e.text);
    json_t *body = json_loadb(v.body, v.body_len, 0, NULL);
    assert_same(s, "result", json_object_get(theirs, "body"), body);
    assert_text(s, "its queue", json_object_get(theirs, "queue"), to->reply_to);
    assert_text(s, "correlation_id", json_object_get(theirs, "correlation_id"), v.correlation_id);
    assert_text(s, "content_type", json_object_get(theirs, "content_type"), v.content_type);
    assert_text(s, "encoding", json_object_get(theirs, "content_encoding"), v.content_encoding);
    assert_int_equal(json_integer_value(json_object_get(theirs, "priority")), v.priority);
    json_decref(body);
}

static struct result_address own_address(const struct task_message *m)
{
    return (struct result_address){.task_id = m->id,
                                   .reply_to = m->reply_to,
                                   .group_id = m->group_id,
                                   .parent_id = m->parent_id};
}

/* The exceptions that Celery raises itself are made here too; those of a task are its own. */
static void assert_exception(struct step *s, const json_t *value)
{
    static const struct {
        const char *step;
        struct err why;
    } own[] = {
        {"revoked", {.code = "revoked", .text = "revoked"}},
        {"expired", {.code = "revoked", .text = "expired"}},
        {"terminated", {.code = "revoked", .text = "terminated"}},
        {"unknown task", {.code = "unknown_task", .text = "this worker has no task parse"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (strcmp(own[i].step, s->name) != 0)
            continue;
        struct result_exception x = result_exception_of(&own[i].why, s->message.task);
        json_t *ours = result_exception_value(&x);
        assert_same(s, "exception", value, ours);
        json_decref(ours);
    }
}

/* The task's own results, in whatever state they are; then those of tasks that will never run. */
static void assert_results(struct step *s, const struct callbacks *f)
{
    const json_t *results = json_object_get(s->expected, "results");
    struct result_address own = own_address(&s->message);
    size_t i, forsaken = 0;
    json_t *one;
    json_array_foreach(results, i, one) {
        const json_t *value = json_object_get(json_object_get(one, "body"), "result");
        const char *id =
            json_string_value(json_object_get(json_object_get(one, "body"), "task_id"));
        bool is_own = strcmp(id, s->message.id) == 0;
        assert_true(is_own || forsaken < f->forsaken_count);
        const json_t *children = state_of(one) == RESULT_SUCCESS ? f->children : NULL;
        assert_exception(s, value);
        assert_result(s, one, is_own ? &own : &f->forsaken[forsaken++], value, children);
    }
    assert_int_equal(forsaken, f->forsaken_count);
}

/* --- the cases -------------------------------------------------------------------------------- */

static bool ended_in(const struct step *s, enum result_state state)
{
    const json_t *results = json_object_get(s->expected, "results");
    for (size_t i = 0; i < json_array_size(results); i++)
        if (state_of(json_array_get(results, i)) == state)
            return true;
    return false;
}

static void check_step(struct step *s)
{
    struct err e = {0};
    struct callbacks f CLEANUP(callbacks_free) = {.items = NULL};
    json_t *result = json_pack("{s:i}", "sum", 3);
    bool ok = true;
    if (ended_in(s, RESULT_FAILURE))
        ok = signature_failed(&s->message, "test", NOW_MS, &f, &e);
    else if (!ended_in(s, RESULT_RETRY) && !ended_in(s, RESULT_REVOKED))
        ok = signature_succeeded(&s->message, result, "test", NOW_MS, &f, &e);
    if (!ok)
        fail_msg("%s: %s: %s", s->name, e.code, e.text);
    assert_follow_ups(s, &f);
    assert_results(s, &f);
    assert_false(f.has_chord);
    json_decref(result);
}

static void check_case(json_t *one)
{
    struct err e = {0};
    struct step s = {.name = json_string_value(json_object_get(one, "name")), .expected = one};
    struct message v CLEANUP(message_free) = message_of_json(json_object_get(one, "envelope"));
    char *headers = json_dumps(v.headers, 0);
    s.known = malloc(strlen(headers) + v.body_len + 1);
    memcpy(s.known, headers, strlen(headers));
    memcpy(s.known + strlen(headers), v.body, v.body_len);
    s.known[strlen(headers) + v.body_len] = '\0';
    free(headers);
    if (!task_message_decode(&v, &limits, &s.message, &e))
        fail_msg("%s: %s: %s", s.name, e.code, e.text);
    check_step(&s);
    for (size_t i = 0; i < s.ids; i++)
        free((char *)s.ours[i]);
    free(s.known);
    task_message_free(&s.message);
}

static void what_follows_a_task_is_what_celerys_worker_sends(void **state)
{
    (void)state;
    json_error_t error;
    size_t i;
    json_t *one,
        *cases = json_load_file(METERBEAT_TEST_DATA "/messages/steps-5.7.0.json", 0, &error);
    if (!cases)
        fail_msg("line %d: %s", error.line, error.text);
    assert_true(json_array_size(cases) >= 35);
    json_array_foreach(cases, i, one)
        check_case(one);
    json_decref(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_follows_a_task_is_what_celerys_worker_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
