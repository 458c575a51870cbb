/* The commands of remote control: answers as Celery's worker gives them, captured from 5.7.0. */
#include "control_test.h"

#include "worker/tasks.h"

#include <unistd.h>

#include "common/base/attr.h"
#include "worker/control/command_table.h"

static bool no_queue(struct control_context *p, const struct subscription *wanted, struct err *e)
{
    (void)p;
    return strcmp(wanted->queue, "refused") != 0 ||
           err_set(e, ERR_RETRY, "queue_mismatch", "of another make");
}

static int set_up(void **context)
{
    struct control_context *p = calloc(1, sizeof *p);
    struct state *st = state_new(&settings);
    struct handover *h = handover_new();
    *p = (struct control_context){.settings = &settings,
                                  .node = "worker@host",
                                  .state = st,
                                  .events = events_new(&settings, "worker@host", st, -1),
                                  .handover = h,
                                  .subscriptions = subscriptions_new(h, "meterbeat"),
                                  .make_queue = no_queue};
    *context = p;
    return p->events && p->subscriptions ? 0 : -1;
}

static int tear_down(void **context)
{
    struct control_context *p = *context;
    events_free(p->events);
    subscriptions_free(p->subscriptions);
    handover_free(p->handover);
    state_free(p->state);
    free(p->added);
    free(p);
    return 0;
}

static json_t *ask(struct control_context *p, const char *method, const char *arguments)
{
    json_t *given = json_of(arguments);
    json_t *answer = commands_answer(p, method, given);
    assert_non_null(answer);
    json_decref(given);
    return answer;
}

static void assert_answer(struct control_context *p, const char *method, const char *arguments,
                          const char *field, const char *text)
{
    json_t *answer = ask(p, method, arguments);
    const char *given = json_string_value(json_object_get(answer, field));
    if (!given || strcmp(given, text) != 0)
        fail_msg("%s %s: %s", method, arguments, json_text(answer));
    json_decref(answer);
}

static void what_is_said_is_what_celery_says(void **context)
{
    static const struct {
        const char *method, *arguments, *field, *text;
    } cases[] = {
        {"ping", "{}", "ok", "pong"},
        {"ping", "{'extra': 1}", "ok", "pong"},
        {"nope", "{}", "error", "KeyError('nope')"},
        {"revoke", "{}", "error",
         "TypeError(\"revoke() missing 1 required positional argument: 'task_id'\")"},
        {"rate_limit", "{}", "error",
         "TypeError(\"rate_limit() missing 2 required positional arguments: 'task_name' and "
         "'rate_limit'\")"},
        {"enable_events", "{'x': 1}", "error",
         "TypeError(\"enable_events() got an unexpected keyword argument 'x'\")"},
        {"report", "{'x': 1}", "error",
         "TypeError(\"report() got an unexpected keyword argument 'x'\")"},
        {"hello", "{}", "error",
         "TypeError(\"hello() missing 1 required positional argument: 'from_node'\")"},
        {"query_task", "{}", "error",
         "TypeError(\"query_task() missing 1 required positional argument: 'ids'\")"},
        {"revoke", "{'task_id': 'zz'}", "ok", "tasks {'zz'} flagged as revoked"},
        {"revoke", "{'task_id': []}", "ok", "tasks set() flagged as revoked"},
        {"revoke", "{'task_id': 'zz', 'terminate': true}", "ok", "terminate: tasks unknown"},
        {"terminate", "{'signal': 'KILL', 'task_id': 'q'}", "ok", "terminate: tasks unknown"},
        {"terminate", "{'signal': 'nope', 'task_id': 'q'}", "error",
         "AttributeError(\"module 'signal' has no attribute 'SIGNOPE'\")"},
        {"revoke_by_stamped_headers", "{'headers': {'a': ['b']}}", "ok",
         "headers {'a': ['b']} flagged as revoked, but not terminated"},
        {"revoke_by_stamped_headers", "{'headers': ['a=b'], 'terminate': true}", "ok",
         "headers {'a': 'b'} were not terminated"},
        {"rate_limit", "{'task_name': 'meterbeat.echo', 'rate_limit': 'x'}", "error",
         "Invalid rate limit string: ValueError(\"could not convert string to float: 'x'\")"},
        {"rate_limit", "{'task_name': 'meterbeat.echo', 'rate_limit': '10/x'}", "error",
         "KeyError('x')"},
        {"rate_limit", "{'task_name': 'nn', 'rate_limit': '10/s'}", "error", "unknown task"},
        {"rate_limit", "{'task_name': 'meterbeat.echo', 'rate_limit': '10/m'}", "ok",
         "new rate limit set successfully"},
        {"rate_limit", "{'task_name': 'meterbeat.echo', 'rate_limit': '0'}", "ok",
         "new rate limit set successfully"},
        {"rate_limit", "{'task_name': 'meterbeat.echo', 'rate_limit': 0}", "ok",
         "rate limit disabled successfully"},
        {"rate_limit", "{'task_name': 'meterbeat.echo', 'rate_limit': null}", "ok",
         "rate limit disabled successfully"},
        {"time_limit", "{'task_name': 'meterbeat.echo', 'soft': 10, 'hard': 20}", "ok",
         "time limits set successfully"},
        {"time_limit", "{'task_name': 'x'}", "error", "unknown task"},
        {"time_limit", "{}", "error", "unknown task"},
        {"enable_events", "{}", "ok", "task events enabled"},
        {"enable_events", "{}", "ok", "task events already enabled"},
        {"disable_events", "{}", "ok", "task events disabled"},
        {"disable_events", "{}", "ok", "task events already disabled"},
        {"pool_restart", "{}", "error", "ValueError('Pool restarts not enabled')"},
        {"autoscale", "{'max': 3}", "error", "ValueError('Autoscale not enabled')"},
        {"objgraph", "{}", "error", "ImportError('Requires the objgraph library')"},
        {"add_consumer", "{'queue': 'foo'}", "ok", "add consumer foo"},
        {"add_consumer", "{'queue': 'refused'}", "error", "queue_mismatch: of another make"},
        {"cancel_consumer", "{'queue': 'foo'}", "ok", "no longer consuming from foo"},
        {"cancel_consumer", "{'queue': 'never'}", "ok", "no longer consuming from never"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_answer(*context, cases[i].method, cases[i].arguments, cases[i].field, cases[i].text);
}

static void arguments_that_are_no_mapping_are_refused(void **context)
{
    assert_answer(*context, "ping", "[1]", "error",
                  "TypeError('the arguments of ping must be a mapping')");
}

static void hostile_arguments_are_answered_too(void **context)
{
    static const char *const values[] = {
        "null", "7", "'x'", "[]", "[null, {}, 7]", "{}", "{'a': 1}", "true", "1e308", "-1", "''"};
    static const struct {
        const char *method, *name;
    } cases[] = {
        {"revoke", "task_id"},        {"revoke_by_stamped_headers", "headers"},
        {"query_task", "ids"},        {"registered", "taskinfoitems"},
        {"hello", "revoked"},         {"hello", "from_node"},
        {"add_consumer", "queue"},    {"cancel_consumer", "queue"},
        {"active", "safe"},           {"conf", "with_defaults"},
        {"rate_limit", "rate_limit"}, {"time_limit", "soft"},
        {"terminate", "signal"},
    };
    char arguments[300];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t j = 0; j < ARRAY_LEN(values); j++) {
            snprintf(
                arguments, sizeof arguments,
                "{'task_name': 'meterbeat.echo', 'task_id': 'a', 'signal': 9, 'rate_limit': 1, "
                "'from_node': 'x', '%s': %s}",
                cases[i].name, values[j]);
            json_decref(ask(*context, cases[i].method, arguments));
        }
}

static struct delivery *running(struct control_context *p)
{
    struct delivery *d = delivery_of("meterbeat.echo", "id-1", "[1, 2]");
    state_arrived(p->state, d);
    state_started(p->state, d, task_find("meterbeat.echo"), "id-1", 1700000000250);
    return d;
}

static void end(struct control_context *p, struct delivery *d)
{
    state_gone(p->state, d);
    delivery_release(d);
}

static void the_running_task_is_described_as_celery_does(void **context)
{
    struct control_context *p = *context;
    struct delivery *d = running(p);
    char expected[600];
    snprintf(expected, sizeof expected,
             "[{'id': 'id-1', 'name': 'meterbeat.echo', 'args': [1, 2], 'kwargs': {}, 'type': "
             "'meterbeat.echo', 'hostname': 'worker@host', 'time_start': 1700000000.25, "
             "'acknowledged': false, 'delivery_info': {'exchange': '', 'routing_key': 'meterbeat', "
             "'priority': 0, 'redelivered': false}, 'worker_pid': %d}]",
             (int)getpid());
    assert_json(ask(p, "active", "{}"), expected);
    json_t *safe = ask(p, "active", "{'safe': true}");
    assert_string_equal(json_string_value(json_object_get(json_array_get(safe, 0), "args")),
                        "(shown)");
    json_decref(safe);
    assert_json(ask(p, "reserved", "{}"), "[]");
    assert_json(ask(p, "dump_schedule", "{}"), "[]");
    end(p, d);
    assert_json(ask(p, "active", "{}"), "[]");
}

static void tasks_are_found_by_id_with_where_they_are(void **context)
{
    struct control_context *p = *context;
    struct delivery *d = running(p), *waits = delivery_of("meterbeat.ping", "id-2", "[]"),
                    *later = delivery_of("meterbeat.ping", "id-3", "[]");
    json_object_set_new(later->message.headers, "eta", json_string("2099-01-01T00:00:00"));
    state_arrived(p->state, waits);
    state_arrived(p->state, later);
    json_t *found = ask(p, "query_task", "{'ids': ['id-1', 'id-2', 'id-3', 'id-4']}");
    assert_int_equal(json_object_size(found), 3);
    static const char *const stages[] = {"active", "reserved", "scheduled"};
    for (int i = 0; i < 3; i++) {
        char id[8];
        snprintf(id, sizeof id, "id-%d", i + 1);
        const json_t *one = json_object_get(found, id);
        assert_string_equal(json_string_value(json_array_get(one, 0)), stages[i]);
    }
    json_decref(found);
    json_t *scheduled = ask(p, "scheduled", "{}");
    const json_t *first = json_array_get(scheduled, 0);
    assert_string_equal(json_string_value(json_object_get(first, "eta")),
                        "2099-01-01T00:00:00+00:00");
    assert_int_equal(json_integer_value(json_object_get(first, "priority")), 6);
    assert_true(json_is_object(json_object_get(first, "request")));
    json_decref(scheduled);
    end(p, waits);
    end(p, later);
    end(p, d);
}

static void a_running_task_is_terminated_by_id_and_by_stamp(void **context)
{
    struct control_context *p = *context;
    struct delivery *d = running(p);
    assert_answer(p, "revoke", "{'task_id': ['id-1', 'x'], 'terminate': true, 'signal': 'SIGKILL'}",
                  "ok", "terminate: id-1");
    assert_true(state_terminated(p->state));
    assert_true(state_is_revoked(p->state, "x", NULL));
    end(p, d);
    d = running(p);
    json_object_set_new(d->message.headers, "stamps", json_of("{'by': ['me', 'you']}"));
    assert_false(state_terminated(p->state));
    assert_answer(p, "revoke_by_stamped_headers", "{'headers': {'by': 'me'}, 'terminate': true}",
                  "ok", "headers {'by': ['me']} revoked");
    assert_true(state_terminated(p->state));
    end(p, d);
}

static void workers_learn_from_each_other(void **context)
{
    struct control_context *p = *context;
    assert_answer(p, "revoke", "{'task_id': 'ours'}", "ok", "tasks {'ours'} flagged as revoked");
    assert_json(ask(p, "hello", "{'from_node': 'x@y', 'revoked': ['theirs']}"),
                "{'revoked': ['ours', 'theirs'], 'clock': 1}");
    /* as Celery before 5.6 sends it: with stamps of its own clock */
    json_decref(ask(p, "hello", "{'from_node': 'x@y', 'revoked': {'older': 17.5}}"));
    assert_json(ask(p, "revoked", "{}"), "['ours', 'theirs', 'older']");
    assert_json(ask(p, "hello", "{'from_node': 'worker@host'}"), "null");
}

static void the_registered_tasks_are_those_of_the_table_and_their_aliases(void **context)
{
    struct control_context *p = *context;
    json_decref(ask(p, "rate_limit", "{'task_name': 'doParser', 'rate_limit': '10/m'}"));
    assert_json(
        ask(p, "registered", "{}"),
        "['aggregate', 'audit', 'doParser [rate_limit=10/m]', 'meterbeat.echo', 'meterbeat.ping', "
        "'meterbeat.sleep', 'parse [rate_limit=10/m]']");
    json_t *list = ask(p, "registered", "{'taskinfoitems': ['rate_limit', 'max_retries', 'no']}");
    assert_string_equal(json_string_value(json_array_get(list, 0)), "aggregate [max_retries=2]");
    json_decref(list);
}

static void queues_come_and_go(void **context)
{
    struct control_context *p = *context;
    json_decref(ask(p, "add_consumer",
                    "{'queue': 'more', 'exchange': 'ex', 'exchange_type': "
                    "'topic', 'routing_key': 'a.*'}"));
    json_t *queues = ask(p, "active_queues", "{}");
    assert_int_equal(json_array_size(queues), 2);
    json_t *more = json_array_get(queues, 1);
    assert_int_equal(json_object_size(more), 18);
    assert_string_equal(json_string_value(json_object_get(more, "routing_key")), "a.*");
    assert_json(json_incref(json_object_get(more, "exchange")),
                "{'name': 'ex', 'type': 'topic', 'arguments': null, 'durable': true, 'passive': "
                "false, 'auto_delete': false, 'delivery_mode': null, 'no_declare': false}");
    json_decref(queues);
    json_decref(ask(p, "cancel_consumer", "{'queue': 'more'}"));
    queues = ask(p, "active_queues", "{}");
    assert_int_equal(json_array_size(queues), 1);
    json_decref(queues);
}

static void figures_are_in_the_shape_of_celerys(void **context)
{
    json_t *stats = ask(*context, "stats", "{}");
    static const char *const objects[] = {"total", "pool", "broker", "rusage"};
    for (size_t i = 0; i < ARRAY_LEN(objects); i++)
        assert_true(json_is_object(json_object_get(stats, objects[i])));
    assert_true(json_is_string(json_object_get(stats, "clock")));
    assert_int_equal(json_integer_value(json_object_get(stats, "prefetch_count")), 4);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(stats, "pool"), "max-concurrency")), 1);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(stats, "broker"), "hostname")),
        "127.0.0.1");
    assert_int_equal(json_object_size(json_object_get(stats, "rusage")), 16);
    json_decref(stats);
}

static void what_the_thread_is_to_do_is_asked_for_by_the_command(void **context)
{
    struct control_context *p = *context;
    assert_json(ask(p, "heartbeat", "{}"), "null");
    assert_true(p->heartbeat);
    assert_false(p->shutdown);
    assert_json(ask(p, "shutdown", "{}"), "null");
    assert_true(p->shutdown);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    tasks_register();
    const struct CMUnitTest tests[] = {
        TEST(what_is_said_is_what_celery_says),
        TEST(arguments_that_are_no_mapping_are_refused),
        TEST(hostile_arguments_are_answered_too),
        TEST(the_running_task_is_described_as_celery_does),
        TEST(tasks_are_found_by_id_with_where_they_are),
        TEST(a_running_task_is_terminated_by_id_and_by_stamp),
        TEST(workers_learn_from_each_other),
        TEST(the_registered_tasks_are_those_of_the_table_and_their_aliases),
        TEST(queues_come_and_go),
        TEST(figures_are_in_the_shape_of_celerys),
        TEST(what_the_thread_is_to_do_is_asked_for_by_the_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
