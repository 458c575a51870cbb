/* The I/O thread: owns both AMQP connections, waits for them and for the executor, and for nothing
 * else. */
#include "worker/runtime/consumer.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/backoff.h"
#include "common/base/thread.h"
#include "worker/runtime/events.h"
#include "worker/runtime/state.h"
#include "worker/runtime/ack_window.h"
#include "worker/runtime/pending_result.h"
#include "common/amqp/connection.h"
#include "common/celery/delayed_delivery.h"
#include "common/base/iso8601.h"
#include "worker/runtime/republish.h"
#include "worker/runtime/publisher.h"
#include "common/amqp/unresponsive.h"
#include "common/amqp/topology.h"

/* librabbitmq before 0.14 recurses once a level of nested header tables; a frame has room for
 * 26,000. */
#define IO_STACK_BYTES (16UL * 1024 * 1024)
/* Heartbeats are serviced at least this often. */
#define IO_POLL_MS 500
#define RESULTS_LAST_MS 10000
/* So many deliveries are worth a hand-over although more can be read. */
#define ARRIVED_AT_ONCE 16
/* Nothing else is done while a queue is tried that did not answer. */
#define TRY_MOST_MS 3000

/* A queue that is consumed from. */
struct source {
    char queue[256];
    char tag[256];
};

struct consumer {
    const struct settings *settings;
    const char *name;
    struct handover *handover;
    struct subscriptions *subscriptions;
    struct state *state;
    struct events *events;
    struct thread *thread;
    struct broker *broker; /* NULL: not connected */
    struct backoff backoff;
    struct source sources[SUBSCRIPTIONS_MAX];
    size_t sources_count;
    struct unresponsive unresponsive; /* queues that it goes without */
    unsigned version;                 /* of the subscriptions that they are */
    unsigned sources_made;            /* for the tags */
    uint64_t epoch;
    struct ack_window acks;
    struct delivery *arrived, **last_arrived; /* not handed over yet */
    size_t arrived_count;
    int64_t listened_ms; /* to a broker that did not show anything */
    struct publisher *publisher;
    int64_t results_end_ms; /* monotonic; 0: the executor has not ended yet */
};

/* --- connection ----------------------------------------------------------------------------------
 */

static void release_deliveries(struct consumer *c, struct delivery *d)
{
    if (!d)
        return;
    state_gone(c->state, d);
    while (d) {
        struct delivery *next = d->next;
        delivery_release(d);
        d = next;
    }
}

static void hand_over_arrived(struct consumer *c)
{
    if (!c->arrived)
        return;
    state_arrived(c->state, c->arrived);
    handover_give(c->handover, c->arrived);
    c->arrived = NULL;
    c->last_arrived = &c->arrived;
    c->arrived_count = 0;
}

/* Tags of the channel that was mean nothing any more: the broker delivers those messages again. */
static void new_epoch(struct consumer *c)
{
    hand_over_arrived(c);
    release_deliveries(c, handover_next_epoch(c->handover));
    release_deliveries(c, publisher_take_results(c->publisher));
    c->epoch = handover_epoch(c->handover);
    ack_window_reset(&c->acks);
    c->sources_count = 0;
}

static void backoff_after(struct consumer *c, const char *event, const struct err *e)
{
    broker_close(c->broker);
    c->broker = NULL;
    new_epoch(c);
    int64_t pause_ms = backoff_later(&c->backoff, clock_mono_ms());
    log_event(LOG_LEVEL_WARNING, event, "retry_in_ms=%lld code=%s error=%s", (long long)pause_ms,
              e->code, e->text);
}

static void lose_connection(struct consumer *c, const struct err *e)
{
    backoff_after(c, "connection_lost", e);
}

static struct source *find_source(struct consumer *c, const char *queue)
{
    for (size_t i = 0; i < c->sources_count; i++)
        if (strcmp(c->sources[i].queue, queue) == 0)
            return &c->sources[i];
    return NULL;
}

static struct source *find_tag(struct consumer *c, const char *tag)
{
    for (size_t i = 0; i < c->sources_count; i++)
        if (strcmp(c->sources[i].tag, tag) == 0)
            return &c->sources[i];
    return NULL;
}

static void drop_source(struct consumer *c, struct source *source)
{
    *source = c->sources[--c->sources_count];
}

/* The first tag is the worker's name; the others must differ from it, and from any before. */
static bool consume(struct consumer *c, const char *queue, struct err *e)
{
    const struct settings *s = c->settings;
    struct source *source = &c->sources[c->sources_count];
    snprintf(source->queue, sizeof source->queue, "%s", queue);
    if (strcmp(queue, s->broker.queue) == 0)
        snprintf(source->tag, sizeof source->tag, "%s", c->name);
    else
        snprintf(source->tag, sizeof source->tag, "%.240s#%u", c->name, ++c->sources_made);
    if (!broker_consume(c->broker, queue, source->tag, (int)s->worker.prefetch, e)) {
        if (broker_is_lost(e)) /* it may have been the queue that cost it */
            unresponsive_suspect(&c->unresponsive, queue, clock_mono_ms());
        return false;
    }
    c->sources_count++;
    log_event(LOG_LEVEL_INFO, "consuming", "queue=%s prefetch=%lld", queue,
              (long long)s->worker.prefetch);
    return true;
}

static bool declare_source(struct consumer *c, const char *queue, struct retry_queues *r,
                           struct err *e)
{
    const struct settings *s = c->settings;
    return broker_declare_work(c->broker, s, queue, r, e) &&
           (strcmp(s->broker.delayed_delivery, "off") == 0 ||
            delayed_delivery_declare(c->broker, queue, s->broker.delayed_delivery, e));
}

static bool is_main(const struct consumer *c, const char *queue)
{
    return strcmp(queue, c->settings->broker.queue) == 0;
}

/* A queue that remote control has added must not cost the worker the others: until the next
 * connection it goes without. */
static bool leave_out(const struct consumer *c, struct subscription *wanted, const struct err *why)
{
    if (is_main(c, wanted->queue) || broker_is_lost(why))
        return false;
    log_event(LOG_LEVEL_ERROR, "queue_left_out", "queue=%s code=%s error=%s", wanted->queue,
              why->code, why->text);
    wanted->queue[0] = '\0';
    return true;
}

/* What is not consumed from yet. An added queue is tried first, by a connection of its own: one
 * without a leader would hold up this one, whose consumers RabbitMQ keeps for half a minute more,
 * with what it gives them. */
static bool consume_missing(struct consumer *c, const struct subscription *wanted, size_t count,
                            struct err *e)
{
    for (size_t i = 0; i < count && c->broker; i++) {
        const char *queue = wanted[i].queue;
        if (!queue[0] || find_source(c, queue) || unresponsive_has(&c->unresponsive, queue))
            continue;
        if (!is_main(c, queue))
            unresponsive_suspect(&c->unresponsive, queue, clock_mono_ms());
        else if (!consume(c, queue, e))
            return false;
    }
    return true;
}

/* On a channel that holds nothing yet: what is missing is declared, which may close it. */
static bool start_consuming(struct consumer *c, struct err *e)
{
    struct subscription wanted[SUBSCRIPTIONS_MAX];
    struct retry_queues r CLEANUP(retry_queues_free) = {0};
    c->version = subscriptions_version(c->subscriptions);
    size_t count = subscriptions_list(c->subscriptions, wanted, SUBSCRIPTIONS_MAX);
    c->sources_count = 0;
    if (!broker_declare_topology(c->broker, c->settings, &r, e))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!declare_source(c, wanted[i].queue, &r, e) && !leave_out(c, &wanted[i], e))
            return false;
    if (r.unfinished)
        publisher_finish_retry_queues(c->publisher);
    return consume_missing(c, wanted, count, e);
}

static void connect_when_due(struct consumer *c)
{
    if (c->broker || !backoff_due(&c->backoff, clock_mono_ms()))
        return;
    struct err e;
    if (!broker_open(c->settings, c->name, &c->broker, &e) || !start_consuming(c, &e)) {
        backoff_after(c, "connect_failed", &e);
        return;
    }
    backoff_succeeded(&c->backoff, clock_mono_ms());
}

/* --- settling ------------------------------------------------------------------------------------
 */

/* One frame for all that are acknowledged in the order of delivery; others go out at once. */
static bool flush_acks(struct consumer *c, struct err *e)
{
    uint64_t tag;
    bool multiple;
    return !ack_window_flush(&c->acks, &tag, &multiple) || broker_ack(c->broker, tag, multiple, e);
}

static bool settle_one(struct consumer *c, const struct delivery *d, struct err *e)
{
    if (d->epoch != c->epoch || d->settlement == SETTLE_LEAVE)
        return true;
    if (d->settlement == SETTLE_REQUEUE) {
        ack_window_settle(&c->acks, d->tag);
        return broker_nack_requeue(c->broker, d->tag, e);
    }
    failpoint("before_ack");
    return !ack_window_acknowledge(&c->acks, d->tag) || broker_ack(c->broker, d->tag, false, e);
}

/* What has a result is acknowledged when the broker has that. */
static void settle(struct consumer *c, struct delivery *settled)
{
    struct err e;
    bool sent = true;
    struct delivery *done = NULL;
    struct publish_request *results = NULL, **end = &results;
    for (struct delivery *d = settled, *next; d; d = next) {
        next = d->next;
        if (d->result && d->settlement == SETTLE_ACK && d->epoch == c->epoch) {
            d->result->request.delivery = d;
            *end = &d->result->request;
            end = &d->result->request.next;
            continue;
        }
        sent = sent && c->broker && settle_one(c, d, &e);
        d->next = done;
        done = d;
    }
    publisher_accept(c->publisher, results);
    if (c->broker && (!sent || !flush_acks(c, &e)))
        lose_connection(c, &e);
    release_deliveries(c, done);
}

/* --- what is wanted changes ----------------------------------------------------------------- */

/* After a stop nothing new is taken; what races in goes back. */
static void cancel_when_stopping(struct consumer *c)
{
    struct err e;
    while (c->sources_count > 0 && handover_stopping(c->handover) != STOP_NO) {
        char tag[sizeof c->sources[0].tag];
        memcpy(tag, c->sources[0].tag, sizeof tag);
        drop_source(c, &c->sources[0]);
        if (!broker_cancel(c->broker, tag, &e))
            lose_connection(c, &e);
    }
}

static bool is_wanted(const struct subscription *wanted, size_t count, const char *queue)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(wanted[i].queue, queue) == 0)
            return true;
    return false;
}

static bool stop_source(struct consumer *c, struct source *source, struct err *e)
{
    struct source gone = *source;
    drop_source(c, source);
    log_event(LOG_LEVEL_INFO, "no_longer_consuming", "queue=%s", gone.queue);
    if (!broker_cancel(c->broker, gone.tag, e))
        return false;
    struct delivery *back = handover_take_back(c->handover, gone.queue);
    for (struct delivery *d = back; d; d = d->next)
        d->settlement = SETTLE_REQUEUE;
    settle(c, back);
    return true;
}

static bool change_sources(struct consumer *c, struct err *e)
{
    struct subscription wanted[SUBSCRIPTIONS_MAX];
    size_t count = subscriptions_list(c->subscriptions, wanted, SUBSCRIPTIONS_MAX);
    for (size_t i = c->sources_count; c->broker && i-- > 0;) /* giving back may lose it */
        if (!is_wanted(wanted, count, c->sources[i].queue) && !stop_source(c, &c->sources[i], e))
            return false;
    return consume_missing(c, wanted, count, e);
}

static void follow_subscriptions(struct consumer *c)
{
    struct err e;
    unsigned version = subscriptions_version(c->subscriptions);
    if (!c->broker || version == c->version || handover_stopping(c->handover) != STOP_NO)
        return;
    c->version = version;
    if (!change_sources(c, &e)) /* the next connection declares and consumes afresh */
        lose_connection(c, &e);
}

/* While c->broker lives, a loss of the connection that the queue is tried by is the queue's fault.
 * False: there is no more to do now. */
static bool try_queue(struct consumer *c, const struct unresponsive_queue *due)
{
    struct err e = {0};
    struct subscription wanted[SUBSCRIPTIONS_MAX];
    char queue[BROKER_QUEUE_NAME];
    snprintf(queue, sizeof queue, "%s", due->queue);
    size_t count = subscriptions_list(c->subscriptions, wanted, SUBSCRIPTIONS_MAX);
    bool wants = is_wanted(wanted, count, queue) && !find_source(c, queue);
    bool taken = wants && broker_try_consume(c->settings, c->name, queue,
                                             unresponsive_patience_ms(due, TRY_MOST_MS), &e);
    if (wants && !taken && broker_is_lost(&e)) {
        if (unresponsive_confirm(&c->unresponsive, queue, clock_mono_ms()))
            log_event(LOG_LEVEL_ERROR, "queue_unresponsive",
                      "queue=%s code=%s error=%s do=\"it is not consumed from until it answers; if "
                      "it has no leader: docs/queues.md\"",
                      queue, e.code, e.text);
        return false;
    }
    if (unresponsive_forget(&c->unresponsive, queue) && taken)
        log_event(LOG_LEVEL_INFO, "queue_answers", "queue=%s", queue);
    if (!wants)
        return true;
    /* without a second connection it is tried by this one; a queue that is missing, as one that was
     * added just now, is declared by the next */
    bool by_this = taken || strcmp(e.code, "broker_unreachable") == 0;
    if (by_this ? consume(c, queue, &e) : strcmp(e.code, "no_queue") != 0) {
        if (!by_this)
            log_event(LOG_LEVEL_ERROR, "queue_left_out", "queue=%s code=%s error=%s", queue, e.code,
                      e.text);
        return true;
    }
    lose_connection(c, &e);
    return false;
}

static void try_unresponsive(struct consumer *c)
{
    const struct unresponsive_queue *due;
    bool go_on = true;
    while (go_on && c->broker && handover_stopping(c->handover) == STOP_NO &&
           (due = unresponsive_due(&c->unresponsive, clock_mono_ms())))
        go_on = try_queue(c, due);
}

/* --- what the broker says ------------------------------------------------------------------------
 */

/* A header that names a task of ours; NULL: the message has to be read to know. */
static const struct task *task_of(const struct consumer *c, const struct message *v)
{
    const char *name = json_string_value(json_object_get(v->headers, "task"));
    return name ? task_find(settings_task_name(c->settings, name)) : NULL;
}

static bool expired(const struct message *v)
{
    const char *text = json_string_value(json_object_get(v->headers, "expires"));
    int64_t ms;
    return text && iso8601_parse(text, &ms) && ms <= clock_wall_ms();
}

/* Monitors hear of it when it comes, not when the executor gets to it. What is not going to run is
 * the executor's to find out. */
static bool announce(struct consumer *c, const struct message *v)
{
    const char *id = json_string_value(json_object_get(v->headers, "id"));
    return id && task_of(c, v) && !state_is_revoked(c->state, id, v->headers) && !expired(v) &&
           events_task_arrived(c->events, v);
}

static void arrive(struct consumer *c, const char *queue, struct broker_event *event)
{
    struct delivery *d = delivery_new();
    if (!d) { /* it stays unacknowledged and comes again with the next connection */
        broker_event_free(event);
        log_event(LOG_LEVEL_ERROR, "no_memory", "%s", "");
        return;
    }
    d->epoch = c->epoch;
    d->tag = event->tag;
    d->redelivered = event->redelivered || republish_has_returned(&event->message);
    snprintf(d->queue, sizeof d->queue, "%s", queue);
    snprintf(d->exchange, sizeof d->exchange, "%s", event->exchange);
    snprintf(d->routing_key, sizeof d->routing_key, "%s", event->routing_key);
    memcpy(d->defect, event->defect, sizeof d->defect);
    d->message = event->message;
    const struct task *task = task_of(c, &d->message);
    d->is_brief = task && task->is_brief && !d->redelivered;
    d->announced = events_on(c->events) && announce(c, &d->message);
    *c->last_arrived = d;
    c->last_arrived = &d->next;
    if (++c->arrived_count >= ARRIVED_AT_ONCE)
        hand_over_arrived(c);
}

static bool give_back(struct consumer *c, struct broker_event *event, struct err *e)
{
    uint64_t tag = event->tag;
    broker_event_free(event);
    if (!ack_window_arrived(&c->acks, tag))
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a delivery");
    ack_window_settle(&c->acks, tag);
    return broker_nack_requeue(c->broker, tag, e);
}

static bool take_delivery(struct consumer *c, struct broker_event *event, struct err *e)
{
    const struct source *source = find_tag(c, event->text);
    if (!source) /* it raced with the cancel: it goes back */
        return give_back(c, event, e);
    if (!ack_window_arrived(&c->acks, event->tag))
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a delivery");
    arrive(c, source->queue, event);
    return true;
}

/* Its queue is gone. Deliveries of other queues on this channel go back when it is declared anew.
 */
static bool take_cancel(struct consumer *c, const char *tag, struct err *e)
{
    struct source *source = find_tag(c, tag);
    if (!source)
        return true;
    log_event(LOG_LEVEL_WARNING, "consumer_cancelled", "queue=%s", source->queue);
    drop_source(c, source);
    if (handover_stopping(c->handover) != STOP_NO)
        return true;
    if (c->sources_count == 0) { /* tags begin at 1 with an epoch, and so with a channel */
        new_epoch(c);
        return broker_renew_channel(c->broker, e) && start_consuming(c, e);
    }
    return err_set(e, ERR_RETRY, "queue_deleted", "one of several queues was deleted");
}

static bool take_event(struct consumer *c, struct broker_event *event, struct err *e)
{
    switch (event->kind) {
    case BROKER_EVENT_DELIVERY:
        return take_delivery(c, event, e);
    case BROKER_EVENT_CANCELLED:
        return take_cancel(c, event->text, e);
    case BROKER_EVENT_REOPENED:
        log_event(LOG_LEVEL_WARNING, "channel_closed", "reason=%s", event->text);
        new_epoch(c);
        return handover_stopping(c->handover) != STOP_NO || start_consuming(c, e);
    case BROKER_EVENT_BLOCKED:
        log_event(LOG_LEVEL_WARNING, "broker_blocked", "reason=%s", event->text);
        return true;
    default:
        return true;
    }
}

/* Settling in between keeps the broker sending while a long prefetch is read. False: there may be
 * more. */
static bool read_events(struct consumer *c)
{
    struct broker_event event;
    struct err e;
    for (int i = 0; c->broker && i < 256; i++) {
        if (!broker_next(c->broker, 0, &event, &e)) {
            lose_connection(c, &e);
            return true;
        }
        if (event.kind == BROKER_EVENT_NONE)
            return true;
        if (!take_event(c, &event, &e)) {
            lose_connection(c, &e);
            return true;
        }
        if (!broker_buffered(c->broker))
            return true;
    }
    return !c->broker;
}

static bool drain(struct consumer *c)
{
    bool is_drained = read_events(c);
    hand_over_arrived(c);
    return is_drained;
}

/* --- the loop ------------------------------------------------------------------------------------
 */

/* At an end results that are on their way have a little longer; what is left is delivered again. */
static bool waits_for_results(struct consumer *c)
{
    if (!c->broker || !publisher_has_results(c->publisher) ||
        handover_stopping(c->handover) == STOP_NOW)
        return false;
    int64_t now_ms = clock_mono_ms(), grace_ms = c->settings->worker.grace_s * 1000;
    if (!c->results_end_ms)
        c->results_end_ms = now_ms + (grace_ms < RESULTS_LAST_MS ? grace_ms : RESULTS_LAST_MS);
    return now_ms < c->results_end_ms;
}

static void serve_executor(struct consumer *c)
{
    struct delivery *settled;
    struct publish_request *requests;
    handover_collect(c->handover, &settled, &requests);
    settle(c, settled);
    publisher_accept(c->publisher, requests);
    publisher_work(c->publisher);
    settle(c, publisher_take_answered(c->publisher));
}

/* True: the broker has something to say, or has not been listened to for a while (heartbeats). */
static bool wait_for_something(struct consumer *c)
{
    struct pollfd fds[3] = {{.fd = handover_fd(c->handover), .events = POLLIN},
                            {.fd = c->broker ? broker_fd(c->broker) : -1, .events = POLLIN},
                            {.fd = publisher_fd(c->publisher), .events = POLLIN}};
    int64_t timeout_ms = IO_POLL_MS;
    if (!c->broker) {
        int64_t until_redial = backoff_in(&c->backoff, clock_mono_ms());
        timeout_ms = until_redial < timeout_ms ? until_redial : timeout_ms;
    }
    if (!handover_sleep(c->handover))
        timeout_ms = 0;
    int ready = poll(fds, ARRAY_LEN(fds), (int)timeout_ms);
    handover_wake(c->handover);
    return ready <= 0 || fds[1].revents != 0;
}

/* However busy the executor keeps us, the broker's heartbeats are looked at. */
static bool listen_again(struct consumer *c)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms - c->listened_ms < IO_POLL_MS)
        return false;
    c->listened_ms = now_ms;
    return true;
}

static void io_thread(void *context)
{
    struct consumer *c = context;
    bool listen = true;
    while (!handover_finished(c->handover) || waits_for_results(c)) {
        if (handover_stopping(c->handover) == STOP_NO)
            connect_when_due(c);
        cancel_when_stopping(c);
        follow_subscriptions(c);
        try_unresponsive(c);
        bool drained = !listen || drain(c);
        serve_executor(c);
        /* what librabbitmq has read already would wake no poll */
        listen = !drained || wait_for_something(c) || listen_again(c);
    }
    serve_executor(c);
    publisher_close(c->publisher);
    release_deliveries(c, publisher_take_results(c->publisher));
    broker_close(c->broker);
}

/* --- starting and ending ------------------------------------------------------------------- */

static void consumer_free(struct consumer *c)
{
    publisher_free(c->publisher);
    ack_window_free(&c->acks);
    free(c);
}

bool consumer_start(const struct settings *s, const char *name, struct subscriptions *queues,
                    struct handover *h, struct state *st, struct events *v,
                    struct consumer **ret_consumer, struct err *e)
{
    struct consumer *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_FATAL, "no_thread", "no memory for the I/O thread");
    *c = (struct consumer){.settings = s, .name = name, .handover = h, .subscriptions = queues};
    c->state = st;
    c->events = v;
    c->backoff = backoff_make(s->broker.reconnect_max_s * 1000);
    c->last_arrived = &c->arrived;
    bool has_acks = ack_window_make(&c->acks, (size_t)s->worker.prefetch);
    c->publisher = publisher_new(s, name, h, queues);
    if (has_acks && c->publisher)
        c->thread = thread_start(io_thread, c, IO_STACK_BYTES);
    if (!c->thread) {
        consumer_free(c);
        return err_set(e, ERR_FATAL, "no_thread", "cannot start the I/O thread");
    }
    *ret_consumer = c;
    return true;
}

bool consumer_join(struct consumer *c, int64_t timeout_ms)
{
    if (!thread_join(c->thread, timeout_ms))
        return false;
    consumer_free(c);
    return true;
}
