/* Events: the fields Celery's monitors expect, in order, bounded. */
#include "control_test.h"

#include "worker/tasks.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/attr.h"
#include "worker/runtime/events.h"

struct fixture {
    struct state *state;
    struct events *events;
    int fd;
};

static int set_up(void **context)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->state = state_new(&settings);
    f->fd = eventfd(0, EFD_NONBLOCK);
    f->events = events_new(&settings, "worker@host", f->state, f->fd);
    events_turn(f->events, true);
    *context = f;
    return f->events ? 0 : -1;
}

static int tear_down(void **context)
{
    struct fixture *f = *context;
    events_free(f->events);
    state_free(f->state);
    close(f->fd);
    free(f);
    return 0;
}

/* The names of an event's fields as Celery's worker has them, in any order. */
static void assert_fields(const json_t *event, const char *expected)
{
    json_t *names = json_array(), *wanted = json_of(expected);
    const char *name;
    json_t *value;
    size_t i, j;
    json_object_foreach((json_t *)event, name, value) {
        bool found = false;
        json_t *one;
        json_array_foreach(wanted, j, one) {
            found |= strcmp(json_string_value(one), name) == 0;
        }
        if (!found)
            fail_msg("a field too many: %s", name);
        json_array_append_new(names, json_string(name));
    }
    json_array_foreach(wanted, i, value) {
        if (!json_object_get(event, json_string_value(value)))
            fail_msg("without the field %s", json_string_value(value));
    }
    json_decref(names);
    json_decref(wanted);
}

#define COMMON "'type', 'hostname', 'timestamp', 'utcoffset', 'pid', 'clock'"

static const char *text(const json_t *event, const char *name)
{
    return json_string_value(json_object_get(event, name));
}

/* Captured from Celery 5.7.0. */
static void each_event_has_celerys_fields(void **context)
{
    struct fixture *f = *context;
    struct task_message m = {
        .id = "a", .task = "meterbeat.echo", .retries = 1, .eta_ms = 1700000000500};
    m.args = json_of("[1, 'x']");
    m.kwargs = json_of("{}");
    events_task_received(f->events, &m);
    events_task_started(f->events, "a");
    events_task_succeeded(f->events, "a", "'pong'", 0.5);
    events_task_failed(f->events, "a", "ValueError('boom')");
    events_task_retried(f->events, "a", "ValueError('boom')");
    events_task_rejected(f->events, "a", false);
    events_task_revoked(f->events, "a", true, 15, false);
    json_t *all = events_take(f->events);
    static const char *const fields[] = {
        "[" COMMON ", 'uuid', 'name', 'args', 'kwargs', 'root_id', 'parent_id', 'retries', 'eta', "
        "'expires']",
        "[" COMMON ", 'uuid']",
        "[" COMMON ", 'uuid', 'result', 'runtime']",
        "[" COMMON ", 'uuid', 'exception', 'traceback']",
        "[" COMMON ", 'uuid', 'exception', 'traceback']",
        "[" COMMON ", 'uuid', 'requeue']",
        "[" COMMON ", 'uuid', 'terminated', 'signum', 'expired']",
    };
    assert_int_equal(json_array_size(all), ARRAY_LEN(fields));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const json_t *event = json_array_get(all, i);
        assert_fields(event, fields[i]);
        assert_string_equal(text(event, "uuid"), "a");
        assert_string_equal(text(event, "hostname"), "worker@host");
        assert_int_equal(json_integer_value(json_object_get(event, "clock")), i + 1);
    }
    const json_t *received = json_array_get(all, 0);
    assert_string_equal(text(received, "type"), "task-received");
    assert_string_equal(text(received, "args"), "[1, 'x']");
    assert_string_equal(text(received, "eta"), "2023-11-14T22:13:20.500000+00:00");
    assert_true(json_is_null(json_object_get(received, "expires")));
    assert_true(json_is_null(json_object_get(received, "parent_id")));
    json_decref(all);
    json_decref(m.args);
    json_decref(m.kwargs);
}

static void a_worker_says_that_it_is_there_in_celerys_fields(void **context)
{
    struct fixture *f = *context;
    json_t *event = events_worker(f->events, "worker-heartbeat");
    assert_fields(event, "[" COMMON ", 'freq', 'active', 'processed', 'loadavg', 'sw_ident', "
                         "'sw_ver', 'sw_sys']");
    assert_string_equal(text(event, "type"), "worker-heartbeat");
    assert_string_equal(text(event, "sw_ident"), "meterbeat");
    assert_int_equal(json_array_size(json_object_get(event, "loadavg")), 3);
    json_decref(event);
}

static void hours_are_counted_west_of_greenwich(void **context)
{
    struct fixture *f = *context;
    static const struct {
        const char *zone;
        double west;
    } cases[] = {{"UTC", 0}, {"XXX-5:30", -5.5}, {"XXX8", 8}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        setenv("TZ", cases[i].zone, 1);
        tzset();
        json_t *event = events_worker(f->events, "worker-online");
        assert_true(json_real_value(json_object_get(event, "utcoffset")) == cases[i].west);
        json_decref(event);
    }
    unsetenv("TZ");
    tzset();
}

static struct message arrival(const char *headers)
{
    return (struct message){.priority = -1, .headers = json_of(headers)};
}

static void headers_are_enough_where_a_message_arrives(void **context)
{
    struct fixture *f = *context;
    struct message v = arrival("{'task': 'meterbeat.echo', 'id': 'a', 'argsrepr': '(1,)', "
                               "'kwargsrepr': '{}', 'shadow': 'shown', 'retries': 2, "
                               "'eta': '2030-01-01T00:00:00', 'expires': null, 'root_id': 'r'}");
    assert_true(events_task_arrived(f->events, &v));
    json_t *all = events_take(f->events);
    const json_t *event = json_array_get(all, 0);
    assert_string_equal(text(event, "name"), "shown");
    assert_string_equal(text(event, "args"), "(1,)");
    assert_string_equal(text(event, "root_id"), "r");
    assert_string_equal(text(event, "eta"), "2030-01-01T00:00:00+00:00");
    json_decref(all);
    message_free(&v);
}

static void headers_that_do_not_say_enough_leave_it_for_later(void **context)
{
    struct fixture *f = *context;
    static const char *const headers[] = {
        "{}",
        "{'task': 'meterbeat.echo', 'id': 'a'}",
        "{'task': 'meterbeat.echo', 'id': 7, 'argsrepr': '', 'kwargsrepr': ''}",
        "{'task': 'meterbeat.echo', 'id': 'a', 'argsrepr': '', 'kwargsrepr': '', 'eta': 'soon'}",
        "{'task': 'meterbeat.echo', 'id': 'a', 'argsrepr': '', 'kwargsrepr': '', 'expires': 5}",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct message v = arrival(headers[i]);
        assert_false(events_task_arrived(f->events, &v));
        message_free(&v);
    }
    assert_null(events_take(f->events));
}

static void nothing_is_noted_while_they_are_off(void **context)
{
    struct fixture *f = *context;
    assert_true(events_turn(f->events, false));
    events_task_started(f->events, "a");
    events_task_started(NULL, "a");
    assert_null(events_take(f->events));
    assert_false(events_turn(f->events, true));
    events_task_started(f->events, "a");
    json_t *all = events_take(f->events);
    assert_int_equal(json_array_size(all), 1);
    json_decref(all);
}

static void what_does_not_fit_is_dropped_and_the_rest_stays_in_order(void **context)
{
    struct fixture *f = *context;
    char id[8];
    for (int i = 0; i < 25; i++) {
        snprintf(id, sizeof id, "%d", i);
        events_task_started(f->events, id);
    }
    json_t *all = events_take(f->events);
    assert_int_equal(json_array_size(all), settings.worker.max_events);
    for (int i = 0; i < settings.worker.max_events; i++) {
        snprintf(id, sizeof id, "%d", i);
        assert_string_equal(text(json_array_get(all, (size_t)i), "uuid"), id);
    }
    json_decref(all);
    events_task_started(f->events, "next");
    all = events_take(f->events);
    assert_int_equal(json_array_size(all), 1);
    json_decref(all);
}

static void whoever_sleeps_is_woken_once(void **context)
{
    struct fixture *f = *context;
    struct pollfd ready = {.fd = f->fd, .events = POLLIN};
    events_task_started(f->events, "a");
    assert_int_equal(poll(&ready, 1, 0), 0); /* nobody sleeps */
    assert_false(events_sleep(f->events));
    json_decref(events_take(f->events));
    assert_true(events_sleep(f->events));
    events_task_started(f->events, "b");
    events_task_started(f->events, "c");
    assert_int_equal(poll(&ready, 1, 0), 1);
    uint64_t count = 0;
    assert_int_equal(read(f->fd, &count, sizeof count), sizeof count);
    assert_int_equal(count, 1);
}

static void texts_are_cut_between_characters(void **context)
{
    struct fixture *f = *context;
    char *umlauts = calloc(1, 4001);
    for (int i = 0; i < 2000; i++)
        memcpy(umlauts + 2 * i, "\xc3\xa4", 2);
    events_task_failed(f->events, "a", umlauts);
    events_task_failed(f->events, "a", umlauts + 1);
    json_t *all = events_take(f->events);
    assert_int_equal(strlen(text(json_array_get(all, 0), "exception")), 1024);
    assert_string_equal(text(json_array_get(all, 1), "exception"), "(not UTF-8)");
    json_decref(all);
    free(umlauts);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    tasks_register();
    const struct CMUnitTest tests[] = {
        TEST(each_event_has_celerys_fields),
        TEST(a_worker_says_that_it_is_there_in_celerys_fields),
        TEST(hours_are_counted_west_of_greenwich),
        TEST(headers_are_enough_where_a_message_arrives),
        TEST(headers_that_do_not_say_enough_leave_it_for_later),
        TEST(nothing_is_noted_while_they_are_off),
        TEST(what_does_not_fit_is_dropped_and_the_rest_stays_in_order),
        TEST(whoever_sleeps_is_woken_once),
        TEST(texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
