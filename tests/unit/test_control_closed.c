/* What remote control does not do, however it is asked: worker.remote_control, and what is
 * reserved. */
#include "control_test.h"

#include "common/base/attr.h"
#include "worker/control/command_table.h"
#include "worker/tasks.h"

static size_t made;

static bool make_queue(struct control_context *p, const struct subscription *wanted, struct err *e)
{
    (void)p;
    (void)wanted;
    (void)e;
    made++;
    return true;
}

struct fixture {
    struct settings settings;
    struct control_context panel;
};

static int set_up(void **context)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->settings = settings;
    f->settings.worker.max_added_queues = 4;
    struct state *st = state_new(&f->settings);
    struct handover *h = handover_new();
    f->panel = (struct control_context){.settings = &f->settings,
                                        .node = "worker@host",
                                        .state = st,
                                        .events = events_new(&f->settings, "worker@host", st, -1),
                                        .handover = h,
                                        .subscriptions = subscriptions_new(h, "meterbeat"),
                                        .make_queue = make_queue};
    made = 0;
    *context = f;
    return f->panel.events && f->panel.subscriptions ? 0 : -1;
}

static int tear_down(void **context)
{
    struct fixture *f = *context;
    free(f->panel.added);
    events_free(f->panel.events);
    subscriptions_free(f->panel.subscriptions);
    handover_free(f->panel.handover);
    state_free(f->panel.state);
    free(f);
    return 0;
}

/* The answer's error, or "" when there is none; the caller frees. */
static char *error_of(struct fixture *f, const char *method, const char *arguments)
{
    json_t *given = json_of(arguments);
    json_t *answer = commands_answer(&f->panel, method, given);
    const char *error = json_string_value(json_object_get(answer, "error"));
    char *text = strdup(error ? error : "");
    json_decref(answer);
    json_decref(given);
    return text;
}

static void assert_error(struct fixture *f, const char *method, const char *arguments,
                         const char *part)
{
    char *error = error_of(f, method, arguments);
    if (*part ? strstr(error, part) == NULL : *error)
        fail_msg("%s %s: \"%s\"", method, arguments, error);
    free(error);
}

static void what_asks_is_answered_and_what_changes_is_closed(void **context)
{
    struct fixture *f = *context;
    f->settings.worker.remote_control = "inspect";
    static const char *const asks[] = {"ping",   "clock",      "stats",   "active",
                                       "report", "registered", "revoked", "active_queues"};
    for (size_t i = 0; i < ARRAY_LEN(asks); i++)
        assert_error(f, asks[i], "{}", "");
    static const struct {
        const char *method, *arguments;
    } changes[] = {
        {"shutdown", "{}"},
        {"revoke", "{'task_id': 'a'}"},
        {"terminate", "{'task_id': 'a', 'signal': 'KILL'}"},
        {"revoke_by_stamped_headers", "{'headers': {'a': 'b'}}"},
        {"rate_limit", "{'task_name': 'meterbeat.ping', 'rate_limit': '1/h'}"},
        {"time_limit", "{'task_name': 'meterbeat.ping', 'hard': 1}"},
        {"add_consumer", "{'queue': 'more'}"},
        {"cancel_consumer", "{'queue': 'meterbeat'}"},
        {"enable_events", "{}"},
        {"disable_events", "{}"},
        {"pool_restart", "{}"},
        {"pool_grow", "{'n': 1}"},
        {"pool_shrink", "{'n': 1}"},
        {"autoscale", "{'max': 1}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        assert_error(f, changes[i].method, changes[i].arguments,
                     "is closed here: worker.remote_control is \"inspect\"");
    assert_false(f->panel.shutdown);
    assert_int_equal(made, 0);
}

static void who_may_not_revoke_is_not_believed_as_a_worker_that_knows_of_it(void **context)
{
    struct fixture *f = *context;
    f->settings.worker.remote_control = "inspect";
    assert_error(f, "hello", "{'from_node': 'x@y', 'revoked': {'id': 1}}", "");
    json_t *revoked = state_revoked(f->panel.state);
    assert_int_equal(json_object_size(revoked) + json_array_size(revoked), 0);
    json_decref(revoked);
    f->settings.worker.remote_control = "all";
    assert_error(f, "hello", "{'from_node': 'x@y', 'revoked': {'id': 1}}", "");
    revoked = state_revoked(f->panel.state);
    assert_int_equal(json_object_size(revoked) + json_array_size(revoked), 1);
    json_decref(revoked);
}

static void a_queue_behind_a_work_queue_is_not_added(void **context)
{
    struct fixture *f = *context;
    static const char *const names[] = {
        "meterbeat.dead",   "other.dead",        "meterbeat.retry.60", "other.retry.604800",
        "celery_delayed_3", "x@y.celery.pidbox", "celeryev.1234",      "reply.celery.pidbox"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char arguments[100];
        (void)snprintf(arguments, sizeof arguments, "{'queue': '%s'}", names[i]);
        assert_error(f, "add_consumer", arguments, "reserved_queue");
    }
    static const char *const exchanges[] = {"celery.pidbox", "reply.celery.pidbox", "celeryev",
                                            "amq.rabbitmq.trace"};
    for (size_t i = 0; i < ARRAY_LEN(exchanges); i++) {
        char arguments[100];
        (void)snprintf(arguments, sizeof arguments, "{'queue': 'more', 'exchange': '%s'}",
                       exchanges[i]);
        assert_error(f, "add_consumer", arguments, "reserved_exchange");
    }
    assert_int_equal(made, 0);
    assert_error(f, "add_consumer", "{'queue': 'deadlines'}", "");
    assert_error(f, "add_consumer", "{'queue': 'retry'}", "");
}

static void junk_queues_come_to_an_end_also_when_they_are_cancelled(void **context)
{
    struct fixture *f = *context;
    char arguments[120];
    for (int i = 0; i < 10; i++) {
        (void)snprintf(arguments, sizeof arguments, "{'queue': 'junk%d'}", i);
        assert_error(f, "add_consumer", arguments, i < 4 ? "" : "too_many_added");
        assert_error(f, "cancel_consumer", arguments, "");
    }
    for (int i = 0; i < 10; i++) {
        (void)snprintf(arguments, sizeof arguments, "{'queue': 'junk1', 'exchange': 'e%d'}", i);
        assert_error(f, "add_consumer", arguments, "too_many_added");
    }
    assert_int_equal(made, 4);
    assert_error(f, "add_consumer", "{'queue': 'junk1'}", ""); /* one of them is made again */
}

int main(void)
{
    tasks_register();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_asks_is_answered_and_what_changes_is_closed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            who_may_not_revoke_is_not_believed_as_a_worker_that_knows_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_queue_behind_a_work_queue_is_not_added, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(junk_queues_come_to_an_end_also_when_they_are_cancelled,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
