/* What becomes of a delivery, whatever the broker and the database answer: each test tells the whole
 * trace of what the executor asked of them, and how the delivery is settled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/iso8601.h"
#include "common/store/outbox.h"
#include "worker/runtime/execute.h"
#include "worker/runtime/pending_result.h"
#include "worker/runtime/state.h"

static const struct settings settings = {
    .broker = {.queue = "meterbeat", .connect_timeout_s = 1, .confirm_timeout_s = 1},
    .worker = {.prefetch = 4,
               .max_message_bytes = 65536,
               .max_message_depth = 64,
               .max_result_bytes = 65536,
               .max_revoked = 10,
               .revoked_s = 60,
               .max_starts = 3,
               .lease_s = 60,
               .task_time_limit_s = 60,
               .foreign_queue = "celery",
               .retry_delays_s = {10, 60},
               .retry_delays = 2},
};

/* --- the trace ----------------------------------------------------------------------------- */

static char trace[4096];

static void note(const char *format, ...) PRINTF_LIKE(1, 2);
static void note(const char *format, ...)
{
    size_t used = strlen(trace);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(trace + used, sizeof trace - used, format, arguments);
    va_end(arguments);
}

/* --- the broker: answers by queue, one letter a publish, of which the last one stays -------- */

static struct {
    const char *queue, *answers;
} broker[8];
static struct handover *handover;
static int stop_after;       /* so many pauses: STOP_NOW */
static bool lose_deliveries; /* with the next publish the channel is another one */

static char answer_for(const char *queue)
{
    for (size_t i = 0; i < ARRAY_LEN(broker); i++)
        if (broker[i].queue && strcmp(broker[i].queue, queue) == 0)
            return broker[i].answers[1] ? *broker[i].answers++ : *broker[i].answers;
    return 'C';
}

static void fail_with(struct publication *p, enum publish_failure failure, const char *code)
{
    p->state = PUBLICATION_FAILED;
    p->failure = failure;
    (void)err_set(&p->error, ERR_RETRY, code, "queue %s", p->route.routing_key);
}

static void answer(struct publication *p)
{
    const char *reason =
        json_string_value(json_object_get(p->message->headers, "x-meterbeat-reason"));
    char letter = answer_for(p->route.routing_key);
    note("%s%s%s=%c ", p->route.routing_key, reason ? ":" : "", reason ? reason : "", letter);
    switch (letter) {
    case 'C':
        p->state = PUBLICATION_CONFIRMED;
        return;
    case 'R':
        fail_with(p, PUBLISH_FAILED_REFUSED, "publish_refused");
        return;
    case 'N':
        fail_with(p, PUBLISH_FAILED_NO_QUEUE, "no_queue");
        return;
    case 'S':
        fail_with(p, PUBLISH_FAILED_SILENT, "no_confirm");
        return;
    case 'B': /* it can never be sent as it is */
        fail_with(p, PUBLISH_FAILED_FOR_GOOD, "too_large");
        return;
    default:
        fail_with(p, PUBLISH_FAILED_AWAY, "broker_lost");
    }
}

static bool play_publish(void *context, struct publication *items, size_t count,
                         int64_t deadline_ms, struct err *e)
{
    (void)context, (void)deadline_ms;
    struct publication *failed = NULL;
    if (lose_deliveries)
        (void)handover_next_epoch(handover);
    for (size_t i = 0; i < count; i++) {
        if (items[i].state == PUBLICATION_WAITING && handover_stopping(handover) == STOP_NOW)
            fail_with(&items[i], PUBLISH_FAILED_AWAY, "stopping");
        else if (items[i].state == PUBLICATION_WAITING)
            answer(&items[i]);
        if (!failed && items[i].state != PUBLICATION_CONFIRMED)
            failed = &items[i];
    }
    if (failed)
        *e = failed->error;
    return !failed;
}

static void play_pause(void *context, int64_t ms, enum stop beyond)
{
    (void)context, (void)beyond;
    note("pause%lld ", (long long)ms);
    if (stop_after && --stop_after == 0)
        handover_stop(handover, STOP_NOW);
}

/* Without jitter. */
ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned flags)
{
    (void)flags;
    memset(buffer, 0, size);
    *(unsigned char *)buffer = 1;
    return (ssize_t)size;
}

/* --- the database: the runs of one task ---------------------------------------------------- */

static struct {
    enum run_state states[4]; /* of a take, in turn */
    size_t takes;
    int64_t vanished, failed, held_s;
    struct err ended; /* of a dead one */
    int away;         /* so many times it cannot be reached */
    const char *lost; /* the call that finds the lease lost */
    size_t rows;      /* in the outbox */
} store;
static struct outbox_row rows[8];

static bool is_lost(const char *call, struct err *e)
{
    if (!store.lost || strcmp(store.lost, call) != 0)
        return false;
    note("=lost ");
    (void)err_set(e, ERR_LEASE_LOST, "lease_lost", "another worker has it");
    return true;
}

bool __wrap_pg_ready(struct pg *p, struct err *e);
bool __wrap_pg_ready(struct pg *p, struct err *e)
{
    (void)p;
    return store.away-- <= 0 || err_set(e, ERR_RETRY, "database_unreachable", "away");
}

void __wrap_pg_rollback(struct pg *p);
void __wrap_pg_rollback(struct pg *p)
{
    (void)p;
}

bool __wrap_pg_begin(struct pg *p, struct err *e);
bool __wrap_pg_begin(struct pg *p, struct err *e)
{
    (void)p, (void)e;
    return true;
}

bool __wrap_pg_commit(struct pg *p, struct err *e);
bool __wrap_pg_commit(struct pg *p, struct err *e)
{
    (void)p, (void)e;
    return true;
}

bool __wrap_run_take(struct pg *p, const struct run_key *key, const char *worker, int64_t lease_s,
                     enum run_state *ret_state, struct run *run, struct run_ended *ret_ended,
                     struct err *e);
bool __wrap_run_take(struct pg *p, const struct run_key *key, const char *worker, int64_t lease_s,
                     enum run_state *ret_state, struct run *run, struct run_ended *ret_ended,
                     struct err *e)
{
    (void)p, (void)worker, (void)lease_s, (void)e;
    assert_string_equal(key->arguments, "[[],{}]");
    note("take ");
    *ret_state = store.states[store.takes++];
    run->failed = store.failed;
    run->vanished = store.vanished;
    run->now_ms = clock_wall_ms();
    *ret_ended = (struct run_ended){.why = store.ended, .held_s = store.held_s};
    return true;
}

bool __wrap_run_done(struct pg *p, const struct run *r, const char *summary, const json_t *result,
                     struct err *e);
bool __wrap_run_done(struct pg *p, const struct run *r, const char *summary, const json_t *result,
                     struct err *e)
{
    (void)p, (void)r, (void)summary, (void)result;
    note("done ");
    return !is_lost("done", e);
}

bool __wrap_run_retry(struct pg *p, const struct run *r, int64_t delay_s, const struct err *why,
                      struct err *e);
bool __wrap_run_retry(struct pg *p, const struct run *r, int64_t delay_s, const struct err *why,
                      struct err *e)
{
    (void)p, (void)r;
    note("retry(%lld,%s) ", (long long)delay_s, why->code);
    return !is_lost("retry", e);
}

bool __wrap_run_dead(struct pg *p, const struct run *r, const struct err *why, struct err *e);
bool __wrap_run_dead(struct pg *p, const struct run *r, const struct err *why, struct err *e)
{
    (void)p, (void)r;
    note("dead(%s,%s) ", why->code, why->text);
    return !is_lost("dead", e);
}

bool __wrap_run_wait(struct pg *p, const struct run *r, int64_t delay_s, const char *why,
                     struct err *e);
bool __wrap_run_wait(struct pg *p, const struct run *r, int64_t delay_s, const char *why,
                     struct err *e)
{
    (void)p, (void)r, (void)why;
    note("wait(%lld) ", (long long)delay_s);
    return !is_lost("wait", e);
}

bool __wrap_run_release(struct pg *p, const struct run *r, struct err *e);
bool __wrap_run_release(struct pg *p, const struct run *r, struct err *e)
{
    (void)p, (void)r, (void)e;
    note("release ");
    return true;
}

bool __wrap_run_revoke(struct pg *p, const char *task_id, const char *how, bool is_orphan,
                       struct err *e);
bool __wrap_run_revoke(struct pg *p, const char *task_id, const char *how, bool is_orphan,
                       struct err *e)
{
    (void)p, (void)task_id, (void)is_orphan, (void)e;
    note("revoke(%s) ", how);
    return true;
}

bool __wrap_run_expire(struct pg *p, const char *task_id, bool is_orphan, struct err *e);
bool __wrap_run_expire(struct pg *p, const char *task_id, bool is_orphan, struct err *e)
{
    (void)p, (void)task_id, (void)is_orphan, (void)e;
    note("expire ");
    return true;
}

bool __wrap_outbox_take(struct pg *p, const char *owner, int64_t older_than_s, size_t max,
                        struct outbox_row **ret_rows, size_t *ret_count, struct err *e);
bool __wrap_outbox_take(struct pg *p, const char *owner, int64_t older_than_s, size_t max,
                        struct outbox_row **ret_rows, size_t *ret_count, struct err *e)
{
    (void)p, (void)owner, (void)older_than_s, (void)max, (void)e;
    *ret_rows = rows;
    *ret_count = store.rows;
    return true;
}

static void note_rows(const char *what, const struct outbox_row *some, size_t count)
{
    for (size_t i = 0; i < count; i++)
        note("%s(%s) ", what, some[i].queue);
}

bool __wrap_outbox_sent(struct pg *p, const struct outbox_row *some, size_t count, struct err *e);
bool __wrap_outbox_sent(struct pg *p, const struct outbox_row *some, size_t count, struct err *e)
{
    (void)p, (void)e;
    note_rows("sent", some, count);
    return true;
}

bool __wrap_outbox_refused(struct pg *p, const struct outbox_row *some, size_t count,
                           struct err *e);
bool __wrap_outbox_refused(struct pg *p, const struct outbox_row *some, size_t count, struct err *e)
{
    (void)p, (void)e;
    note_rows("kept", some, count);
    return true;
}

void __wrap_outbox_rows_free(struct outbox_row *some, size_t count);
void __wrap_outbox_rows_free(struct outbox_row *some, size_t count)
{
    (void)some, (void)count;
}

/* --- the tasks ----------------------------------------------------------------------------- */

static struct err task_fails; /* kind ERR_NONE: it does not */
static int task_stops;        /* what comes while it runs: 's' the stop, 't' its termination */
static struct state *state;

static bool perform(struct task_context *t, json_t **ret_result, struct err *e)
{
    note("perform ");
    if (task_stops == 's')
        handover_stop(handover, STOP_NOW);
    if (task_stops == 't')
        (void)state_terminate(state, "id-1");
    if (task_stops && !task_go_on(t, "on its way", e))
        return false;
    if (task_fails.kind != ERR_NONE) {
        *e = task_fails;
        task_fails.kind = ERR_NONE;
        return false;
    }
    *ret_result = json_string("pong");
    return true;
}

static const struct task tasks[] = {
    {.name = "test.plain", .perform = perform},
    {.name = "test.kept", .perform = perform, .keeps_run = true},
};

/* --- one delivery -------------------------------------------------------------------------- */

static struct executor_context executor;
static struct delivery *delivery;

static int start(void **ignored)
{
    (void)ignored;
    trace[0] = '\0';
    memset(broker, 0, sizeof broker);
    memset(&store, 0, sizeof store);
    stop_after = task_stops = 0;
    lose_deliveries = false;
    task_fails = (struct err){.kind = ERR_NONE};
    task_register(tasks, ARRAY_LEN(tasks));
    handover = handover_new();
    state = state_new(&settings);
    executor = (struct executor_context){.settings = &settings,
                                         .name = "worker@test",
                                         .handover = handover,
                                         .port = {.publish = play_publish, .pause = play_pause},
                                         .state = state,
                                         .pg = (struct pg *)&store};
    executor.heartbeat = heartbeat_make(&settings, "worker@test");
    executor.heartbeat.next_ms = INT64_MAX;
    return handover && state ? 0 : -1;
}

static int end(void **ignored)
{
    (void)ignored;
    state_gone(state, delivery);
    delivery_release(delivery);
    delivery = NULL;
    state_free(state);
    handover_free(handover);
    return 0;
}

/* A message of the task as Celery sends it, with more headers. */
static void arrives(const char *task, const char *more)
{
    char *headers = NULL;
    assert_true(asprintf(&headers, "{\"lang\": \"py\", \"task\": \"%s\", \"id\": \"id-1\"%s}", task,
                         more) > 0);
    delivery = delivery_new();
    assert_non_null(delivery);
    delivery->tag = 1;
    delivery->epoch = handover_epoch(handover);
    snprintf(delivery->queue, sizeof delivery->queue, "meterbeat");
    delivery->message = (struct message){.priority = -1,
                                         .content_type = strdup("application/json"),
                                         .content_encoding = strdup("utf-8"),
                                         .correlation_id = strdup("id-1"),
                                         .reply_to = strdup("replies"),
                                         .headers = json_loads(headers, 0, NULL),
                                         .body = strdup("[[], {}, {}]"),
                                         .body_len = strlen("[[], {}, {}]")};
    free(headers);
    assert_non_null(delivery->message.headers);
    state_arrived(state, delivery);
}

static void the_broker_answers(const char *queue, const char *answers)
{
    size_t i = 0;
    while (broker[i].queue)
        i++;
    broker[i].queue = queue;
    broker[i].answers = answers;
}

static void the_task_fails(enum err_kind kind, const char *code)
{
    (void)err_set(&task_fails, kind, code, "because");
}

#define QUIET ", \"ignore_result\": true"

/* The whole trace, and the settlement at its end: ack, requeue, leave, held. */
static void is_settled(const char *expected)
{
    static const char *const names[] = {
        [SETTLE_ACK] = "ack", [SETTLE_REQUEUE] = "requeue", [SETTLE_LEAVE] = "leave"};
    struct attempt a = {.executor = &executor, .delivery = delivery};
    int64_t wait_ms;
    enum settlement settlement = execute(&a, &wait_ms);
    attempt_free(&a);
    if (delivery->result) /* the I/O thread acknowledges once the broker has it */
        note("result(%s) ", delivery->result->queue);
    note("%s", wait_ms > 0 ? "held" : names[settlement]);
    assert_string_equal(trace, expected);
}

/* --- done ---------------------------------------------------------------------------------- */

static void a_task_without_a_waiting_client_is_acknowledged(void **ignored)
{
    (void)ignored;
    arrives("test.plain", QUIET);
    is_settled("perform ack");
    assert_int_equal(handover_done(handover), 1);
}

static void a_result_goes_with_its_delivery(void **ignored)
{
    (void)ignored;
    arrives("test.plain", "");
    is_settled("perform result(replies) ack");
}

static void a_run_is_taken_first_and_its_outbox_sent_before_the_result(void **ignored)
{
    (void)ignored;
    store.rows = 1;
    rows[0] = (struct outbox_row){.id = 1, .queue = (char *)"next"};
    arrives("test.kept", "");
    is_settled("take perform next=C sent(next) result(replies) ack");
}

static void a_result_that_nobody_confirms_is_dropped(void **ignored)
{
    (void)ignored;
    the_broker_answers("replies", "S");
    the_task_fails(ERR_REJECT, "feed_not_found");
    arrives("test.plain", "");
    is_settled("perform meterbeat.dead:feed_not_found=C replies=S ack");
}

static void a_result_is_refused_three_times_before_it_is_dropped(void **ignored)
{
    (void)ignored;
    the_broker_answers("replies", "R");
    the_task_fails(ERR_REJECT, "feed_not_found");
    arrives("test.plain", "");
    is_settled("perform meterbeat.dead:feed_not_found=C replies=R pause500 replies=R pause1000 "
               "replies=R ack");
}

static void a_lost_confirm_is_published_again(void **ignored)
{
    (void)ignored;
    the_broker_answers("replies", "LLC");
    the_task_fails(ERR_REJECT, "feed_not_found");
    arrives("test.plain", "");
    is_settled("perform meterbeat.dead:feed_not_found=C replies=L pause500 replies=L pause1000 "
               "replies=C ack");
}

static void a_stop_ends_the_wait_for_a_confirm_and_leaves_the_delivery(void **ignored)
{
    (void)ignored;
    stop_after = 2;
    the_broker_answers("replies", "L");
    the_task_fails(ERR_REJECT, "feed_not_found");
    arrives("test.plain", "");
    is_settled(
        "perform meterbeat.dead:feed_not_found=C replies=L pause500 replies=L pause1000 leave");
}

static void a_delivery_whose_channel_is_gone_is_left_to_whoever_has_it_now(void **ignored)
{
    (void)ignored;
    lose_deliveries = true;
    the_broker_answers("meterbeat.dead", "L");
    the_task_fails(ERR_REJECT, "feed_not_found");
    arrives("test.plain", "");
    is_settled("perform meterbeat.dead:feed_not_found=L leave");
}

/* --- failed -------------------------------------------------------------------------------- */

static void a_failed_attempt_goes_to_the_retry_queue_after_its_run(void **ignored)
{
    (void)ignored;
    the_task_fails(ERR_RETRY, "feed_unreachable");
    arrives("test.kept", QUIET);
    is_settled("take perform retry(10,feed_unreachable) meterbeat.retry.10=C ack");
}

static void its_client_is_told_before_it_waits(void **ignored)
{
    (void)ignored;
    the_task_fails(ERR_RETRY, "feed_unreachable");
    arrives("test.plain", "");
    is_settled("perform replies=C meterbeat.retry.10=C ack");
}

static void a_retry_after_is_respected(void **ignored)
{
    (void)ignored;
    the_task_fails(ERR_RETRY, "http_status");
    task_fails.retry_after_s = 30;
    arrives("test.plain", QUIET);
    is_settled("perform meterbeat.retry.60=C ack");
}

static void after_the_last_delay_it_is_dead(void **ignored)
{
    (void)ignored;
    store.failed = 2;
    the_task_fails(ERR_RETRY, "feed_unreachable");
    arrives("test.kept", QUIET);
    is_settled("take perform meterbeat.dead:feed_unreachable=C dead(feed_unreachable,because) ack");
}

static void a_plain_task_counts_its_attempts_in_the_message(void **ignored)
{
    (void)ignored;
    the_task_fails(ERR_RETRY, "no_memory");
    arrives("test.plain", QUIET ", \"x-meterbeat-attempt\": 1");
    is_settled("perform meterbeat.retry.60=C ack");
}

static void a_full_retry_queue_is_passed_over_for_another(void **ignored)
{
    (void)ignored;
    the_broker_answers("meterbeat.retry.10", "R");
    the_task_fails(ERR_RETRY, "feed_unreachable");
    arrives("test.plain", QUIET);
    is_settled("perform meterbeat.retry.10=R pause500 meterbeat.retry.10=R pause1000 "
               "meterbeat.retry.10=R pause2000 meterbeat.retry.10=R pause4000 "
               "meterbeat.retry.10=R pause8000 meterbeat.retry.10=R meterbeat.retry.60=C ack");
}

static void where_no_retry_queue_takes_it_it_is_dead(void **ignored)
{
    (void)ignored;
    the_broker_answers("meterbeat.retry.10", "B");
    the_broker_answers("meterbeat.retry.60", "B");
    the_task_fails(ERR_RETRY, "feed_unreachable");
    arrives("test.kept", QUIET);
    is_settled("take perform retry(10,feed_unreachable) meterbeat.retry.10=B "
               "meterbeat.dead:too_large=C dead(too_large,queue meterbeat.retry.10) ack");
}

static void a_missing_retry_queue_is_made_again_and_then_given_up(void **ignored)
{
    (void)ignored;
    the_broker_answers("meterbeat.retry.10", "N");
    the_task_fails(ERR_RETRY, "feed_unreachable");
    arrives("test.plain", QUIET);
    is_settled("perform meterbeat.retry.10=N pause500 meterbeat.retry.10=N pause1000 "
               "meterbeat.retry.10=N meterbeat.dead:no_queue=C ack");
}

static void a_silent_retry_queue_is_passed_over_at_once_and_for_a_while(void **ignored)
{
    (void)ignored;
    the_broker_answers("meterbeat.retry.10", "S");
    the_task_fails(ERR_RETRY, "feed_unreachable");
    arrives("test.plain", QUIET);
    is_settled("perform meterbeat.retry.10=S meterbeat.retry.60=C ack");
    trace[0] = '\0';
    the_task_fails(ERR_RETRY, "feed_unreachable");
    is_settled("perform meterbeat.retry.60=C ack");
}

static void where_all_retry_queues_are_silent_it_goes_back(void **ignored)
{
    (void)ignored;
    the_broker_answers("meterbeat.retry.10", "S");
    the_broker_answers("meterbeat.retry.60", "S");
    the_task_fails(ERR_RETRY, "feed_unreachable");
    arrives("test.plain", QUIET);
    is_settled("perform meterbeat.retry.10=S meterbeat.retry.60=S requeue");
}

/* --- dead ---------------------------------------------------------------------------------- */

static void a_rejected_message_is_dead_lettered_before_its_run_ends(void **ignored)
{
    (void)ignored;
    the_task_fails(ERR_REJECT, "feed_not_found");
    arrives("test.kept", "");
    is_settled("take perform meterbeat.dead:feed_not_found=C dead(feed_not_found,because) "
               "replies=C ack");
}

static void a_refused_dead_letter_is_published_again_until_it_is_taken(void **ignored)
{
    (void)ignored;
    the_broker_answers("meterbeat.dead", "RRNLC");
    the_task_fails(ERR_REJECT, "feed_not_found");
    arrives("test.plain", QUIET);
    is_settled("perform meterbeat.dead:feed_not_found=R pause500 meterbeat.dead:feed_not_found=R "
               "pause1000 meterbeat.dead:feed_not_found=N pause2000 "
               "meterbeat.dead:feed_not_found=L pause4000 meterbeat.dead:feed_not_found=C ack");
}

static void a_silent_dead_letter_queue_is_tried_later_without_counting(void **ignored)
{
    (void)ignored;
    the_broker_answers("meterbeat.dead", "S");
    the_task_fails(ERR_REJECT, "feed_not_found");
    arrives("test.kept", QUIET);
    is_settled("take perform meterbeat.dead:feed_not_found=S wait(60) meterbeat.retry.60=C ack");
}

static void a_dead_letter_that_is_too_large_goes_without_its_headers(void **ignored)
{
    (void)ignored;
    the_broker_answers("meterbeat.dead", "BC");
    the_task_fails(ERR_REJECT, "feed_not_found");
    arrives("test.plain", QUIET);
    is_settled("perform meterbeat.dead:feed_not_found=B meterbeat.dead:feed_not_found=C ack");
}

static void an_unknown_task_is_dead_lettered(void **ignored)
{
    (void)ignored;
    arrives("test.unknown", QUIET);
    is_settled("meterbeat.dead:unknown_task=C ack");
}

static void a_run_that_started_too_often_is_dead_without_being_performed(void **ignored)
{
    (void)ignored;
    store.vanished = 4;
    arrives("test.kept", QUIET);
    is_settled("take meterbeat.dead:poison=C dead(poison,started 4 times without saying how it "
               "ended) ack");
}

static void a_task_that_keeps_a_run_needs_a_database(void **ignored)
{
    (void)ignored;
    executor.pg = NULL;
    arrives("test.kept", QUIET);
    is_settled("meterbeat.dead:no_database=C ack");
}

/* --- the run ------------------------------------------------------------------------------- */

static void a_run_that_was_taken_over_is_acknowledged_and_left_alone(void **ignored)
{
    (void)ignored;
    the_task_fails(ERR_LEASE_LOST, "lease_lost");
    arrives("test.kept", "");
    is_settled("take perform ack");
}

static void a_lease_lost_before_the_retry_sends_nothing(void **ignored)
{
    (void)ignored;
    store.lost = "retry";
    the_task_fails(ERR_RETRY, "feed_unreachable");
    arrives("test.kept", "");
    is_settled("take perform retry(10,feed_unreachable) =lost ack");
}

static void a_lease_lost_after_the_dead_letter_tells_nobody(void **ignored)
{
    (void)ignored;
    store.lost = "dead";
    the_task_fails(ERR_REJECT, "feed_not_found");
    arrives("test.kept", "");
    is_settled(
        "take perform meterbeat.dead:feed_not_found=C dead(feed_not_found,because) =lost ack");
}

static void a_commit_without_an_answer_is_looked_up_by_taking_the_run_again(void **ignored)
{
    (void)ignored;
    store.states[1] = RUN_DONE_BEFORE;
    the_task_fails(ERR_COMMIT_UNKNOWN, "commit_unknown");
    arrives("test.kept", "");
    is_settled("take perform take result(replies) ack");
}

static void a_task_that_cannot_work_now_waits_without_counting(void **ignored)
{
    (void)ignored;
    the_task_fails(ERR_NOT_NOW, "not_now");
    task_fails.retry_after_s = 61;
    store.failed = 2;
    arrives("test.kept", "");
    is_settled("take perform wait(60) meterbeat.retry.60=C ack");
}

static void a_copy_of_a_running_delivery_comes_again_later(void **ignored)
{
    (void)ignored;
    store.states[0] = RUN_HELD;
    store.held_s = 5;
    arrives("test.kept", "");
    is_settled("take meterbeat.retry.10=C ack");
}

static void a_run_that_ended_before_is_told_once_more(void **ignored)
{
    (void)ignored;
    store.states[0] = RUN_DEAD_BEFORE;
    (void)err_set(&store.ended, ERR_REJECT, "feed_not_found", "because");
    arrives("test.kept", "");
    is_settled("take replies=C ack");
}

static void a_database_that_is_away_is_waited_for(void **ignored)
{
    (void)ignored;
    store.away = 2;
    arrives("test.kept", QUIET);
    is_settled("pause500 pause1000 take perform ack");
}

static void a_stop_while_the_database_is_away_gives_the_delivery_back(void **ignored)
{
    (void)ignored;
    store.away = 100;
    stop_after = 1;
    arrives("test.kept", QUIET);
    is_settled("pause500 requeue");
}

static void a_redelivered_plain_task_is_counted_by_a_run(void **ignored)
{
    (void)ignored;
    arrives("test.plain", QUIET);
    delivery->redelivered = true;
    is_settled("take perform done ack");
}

static void a_redelivered_plain_task_does_without_a_database_that_is_away(void **ignored)
{
    (void)ignored;
    store.away = 100;
    arrives("test.plain", QUIET);
    delivery->redelivered = true;
    is_settled("perform ack");
}

/* --- the outbox ---------------------------------------------------------------------------- */

static void what_a_full_queue_refuses_stays_in_the_outbox(void **ignored)
{
    (void)ignored;
    store.rows = 2;
    rows[0] = (struct outbox_row){.id = 1, .queue = (char *)"full"};
    rows[1] = (struct outbox_row){.id = 2, .queue = (char *)"next"};
    the_broker_answers("full", "R");
    arrives("test.kept", QUIET);
    is_settled("take perform full=R next=C pause500 full=R sent(next) kept(full) ack");
}

static void what_a_silent_queue_does_not_take_stays_in_the_outbox_at_once(void **ignored)
{
    (void)ignored;
    store.rows = 1;
    rows[0] = (struct outbox_row){.id = 1, .queue = (char *)"silent"};
    the_broker_answers("silent", "S");
    arrives("test.kept", QUIET);
    is_settled("take perform silent=S kept(silent) ack");
}

static void a_stop_ends_the_wait_for_the_outbox_and_leaves_the_delivery(void **ignored)
{
    (void)ignored;
    store.rows = 1;
    rows[0] = (struct outbox_row){.id = 1, .queue = (char *)"next"};
    stop_after = 2;
    the_broker_answers("next", "L");
    arrives("test.kept", QUIET);
    is_settled("take perform next=L pause500 next=L pause1000 pause500 leave");
}

/* --- revoked, expired, stopped ------------------------------------------------------------- */

static void what_was_revoked_is_not_performed_and_its_client_is_told(void **ignored)
{
    (void)ignored;
    assert_true(state_revoke(state, "id-1", NULL));
    arrives("test.plain", "");
    is_settled("replies=C ack");
}

static void a_revoked_run_ends_before_its_client_is_told(void **ignored)
{
    (void)ignored;
    assert_true(state_revoke(state, "id-1", NULL));
    arrives("test.kept", "");
    is_settled("revoke(revoked) replies=C ack");
}

static void a_terminated_task_ends_its_run_as_revoked(void **ignored)
{
    (void)ignored;
    task_stops = 't';
    arrives("test.kept", "");
    is_settled("take perform dead(revoked,terminated) replies=C ack");
}

#define LONG_AGO ", \"expires\": \"2020-01-01T00:00:00+00:00\""

static void an_expired_message_is_not_performed(void **ignored)
{
    (void)ignored;
    arrives("test.plain", LONG_AGO);
    is_settled("replies=C ack");
}

static void the_run_of_an_expired_message_ends(void **ignored)
{
    (void)ignored;
    arrives("test.kept", LONG_AGO);
    is_settled("expire replies=C ack");
}

static void a_stop_now_gives_up_a_run_at_its_next_safe_point(void **ignored)
{
    (void)ignored;
    task_stops = 's';
    arrives("test.kept", "");
    is_settled("take perform release leave");
}

static void a_stop_now_leaves_a_plain_task_to_be_delivered_again(void **ignored)
{
    (void)ignored;
    task_stops = 's';
    arrives("test.plain", "");
    is_settled("perform leave");
}

static void what_the_process_cannot_survive_ends_it_unacknowledged(void **ignored)
{
    (void)ignored;
    the_task_fails(ERR_FATAL, "schema_old");
    arrives("test.kept", "");
    is_settled("take perform release leave");
    assert_true(executor.has_failed);
}

/* --- later --------------------------------------------------------------------------------- */

static void an_eta_beyond_the_shortest_delay_waits_in_a_retry_queue(void **ignored)
{
    (void)ignored;
    char eta[ISO8601_TEXT], header[128];
    snprintf(header, sizeof header, ", \"eta\": \"%s\"",
             iso8601_format(clock_wall_ms() + 30000, eta));
    arrives("test.plain", header);
    is_settled("meterbeat.retry.10=C ack");
}

static void an_eta_within_a_second_is_waited_for_here(void **ignored)
{
    (void)ignored;
    char eta[ISO8601_TEXT], header[128];
    snprintf(header, sizeof header, ", \"eta\": \"%s\"",
             iso8601_format(clock_wall_ms() + 900, eta));
    arrives("test.plain", header);
    is_settled("held");
}

static void a_message_that_came_back_twice_is_published_anew(void **ignored)
{
    (void)ignored;
    arrives("test.plain", ", \"x-delivery-count\": 2");
    is_settled("meterbeat.retry.1=C ack");
}

#define DELIVERY_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest all[] = {
        DELIVERY_TEST(a_task_without_a_waiting_client_is_acknowledged),
        DELIVERY_TEST(a_result_goes_with_its_delivery),
        DELIVERY_TEST(a_run_is_taken_first_and_its_outbox_sent_before_the_result),
        DELIVERY_TEST(a_result_that_nobody_confirms_is_dropped),
        DELIVERY_TEST(a_result_is_refused_three_times_before_it_is_dropped),
        DELIVERY_TEST(a_lost_confirm_is_published_again),
        DELIVERY_TEST(a_stop_ends_the_wait_for_a_confirm_and_leaves_the_delivery),
        DELIVERY_TEST(a_delivery_whose_channel_is_gone_is_left_to_whoever_has_it_now),
        DELIVERY_TEST(a_failed_attempt_goes_to_the_retry_queue_after_its_run),
        DELIVERY_TEST(its_client_is_told_before_it_waits),
        DELIVERY_TEST(a_retry_after_is_respected),
        DELIVERY_TEST(after_the_last_delay_it_is_dead),
        DELIVERY_TEST(a_plain_task_counts_its_attempts_in_the_message),
        DELIVERY_TEST(a_full_retry_queue_is_passed_over_for_another),
        DELIVERY_TEST(where_no_retry_queue_takes_it_it_is_dead),
        DELIVERY_TEST(a_missing_retry_queue_is_made_again_and_then_given_up),
        DELIVERY_TEST(a_silent_retry_queue_is_passed_over_at_once_and_for_a_while),
        DELIVERY_TEST(where_all_retry_queues_are_silent_it_goes_back),
        DELIVERY_TEST(a_rejected_message_is_dead_lettered_before_its_run_ends),
        DELIVERY_TEST(a_refused_dead_letter_is_published_again_until_it_is_taken),
        DELIVERY_TEST(a_silent_dead_letter_queue_is_tried_later_without_counting),
        DELIVERY_TEST(a_dead_letter_that_is_too_large_goes_without_its_headers),
        DELIVERY_TEST(an_unknown_task_is_dead_lettered),
        DELIVERY_TEST(a_run_that_started_too_often_is_dead_without_being_performed),
        DELIVERY_TEST(a_task_that_keeps_a_run_needs_a_database),
        DELIVERY_TEST(a_run_that_was_taken_over_is_acknowledged_and_left_alone),
        DELIVERY_TEST(a_lease_lost_before_the_retry_sends_nothing),
        DELIVERY_TEST(a_lease_lost_after_the_dead_letter_tells_nobody),
        DELIVERY_TEST(a_commit_without_an_answer_is_looked_up_by_taking_the_run_again),
        DELIVERY_TEST(a_task_that_cannot_work_now_waits_without_counting),
        DELIVERY_TEST(a_copy_of_a_running_delivery_comes_again_later),
        DELIVERY_TEST(a_run_that_ended_before_is_told_once_more),
        DELIVERY_TEST(a_database_that_is_away_is_waited_for),
        DELIVERY_TEST(a_stop_while_the_database_is_away_gives_the_delivery_back),
        DELIVERY_TEST(a_redelivered_plain_task_is_counted_by_a_run),
        DELIVERY_TEST(a_redelivered_plain_task_does_without_a_database_that_is_away),
        DELIVERY_TEST(what_a_full_queue_refuses_stays_in_the_outbox),
        DELIVERY_TEST(what_a_silent_queue_does_not_take_stays_in_the_outbox_at_once),
        DELIVERY_TEST(a_stop_ends_the_wait_for_the_outbox_and_leaves_the_delivery),
        DELIVERY_TEST(what_was_revoked_is_not_performed_and_its_client_is_told),
        DELIVERY_TEST(a_revoked_run_ends_before_its_client_is_told),
        DELIVERY_TEST(a_terminated_task_ends_its_run_as_revoked),
        DELIVERY_TEST(an_expired_message_is_not_performed),
        DELIVERY_TEST(the_run_of_an_expired_message_ends),
        DELIVERY_TEST(a_stop_now_gives_up_a_run_at_its_next_safe_point),
        DELIVERY_TEST(a_stop_now_leaves_a_plain_task_to_be_delivered_again),
        DELIVERY_TEST(what_the_process_cannot_survive_ends_it_unacknowledged),
        DELIVERY_TEST(an_eta_beyond_the_shortest_delay_waits_in_a_retry_queue),
        DELIVERY_TEST(an_eta_within_a_second_is_waited_for_here),
        DELIVERY_TEST(a_message_that_came_back_twice_is_published_anew),
    };
    return cmocka_run_group_tests_name("test_delivery_path", all, NULL, NULL);
}
