/* The connection that publishes: requests and results in, confirms read, answers out. */
#include "worker/runtime/publisher.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/backoff.h"
#include "common/amqp/connection.h"
#include "worker/runtime/pending_result.h"
#include "worker/runtime/unavailable.h"
#include "common/amqp/topology.h"
#include "common/amqp/publish.h"

/* Between two looks whether a classic retry queue is empty by now. */
#define RETRY_QUEUES_EVERY_MS 5000

struct publisher {
    const struct settings *settings;
    const char *name;
    struct handover *handover;
    const struct subscriptions *queues;
    struct broker *broker; /* NULL: not connected */
    struct backoff backoff;
    bool blocked;       /* a resource alarm: publishing would only fill the socket */
    bool declare_again; /* something came back as unroutable: a queue may have been deleted */
    struct retry_queues retry_queues; /* what stands in for which */
    int64_t retry_queues_due_ms;      /* monotonic: when they are looked at again, if unfinished */
    struct publish_request *requests; /* of the executor, and results of deliveries */
    size_t results_count;             /* of those */
    struct delivery *answered, *last_answered; /* whose result is with the broker, or given up */
    struct unavailable_queues unavailable;     /* for results */
    bool one_by_one; /* a queue holds up the channel: only one message is under way at a time */
};

struct publisher *publisher_new(const struct settings *s, const char *name, struct handover *h,
                                const struct subscriptions *queues)
{
    struct publisher *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    *o = (struct publisher){.settings = s, .name = name, .handover = h, .queues = queues};
    o->backoff = backoff_make(s->broker.reconnect_max_s * 1000);
    return o;
}

void publisher_free(struct publisher *o)
{
    if (o)
        retry_queues_free(&o->retry_queues);
    free(o);
}

int publisher_fd(const struct publisher *o)
{
    return o->broker ? broker_fd(o->broker) : -1;
}

/* --- publications -------------------------------------------------------------------------- */

static void fail(struct publication *p, enum publish_failure failure, const struct err *why)
{
    if (p->state == PUBLICATION_CONFIRMED || p->state == PUBLICATION_FAILED)
        return;
    p->state = PUBLICATION_FAILED;
    p->failure = failure;
    p->error = *why;
}

static void fail_request(struct publish_request *request, const struct err *why)
{
    for (size_t i = 0; i < request->count; i++)
        fail(&request->items[i], PUBLISH_FAILED_AWAY, why);
}

/* Whether what was sent has arrived cannot be known any more; the executor sends it again, with the
 * same id. */
static void fail_all_sent(struct publisher *o, enum publish_failure failure, const struct err *why)
{
    for (struct publish_request *request = o->requests; request; request = request->next)
        for (size_t i = 0; i < request->count; i++)
            if (request->items[i].state == PUBLICATION_SENT)
                fail(&request->items[i], failure, why);
}

static struct publication *find_sent(struct publisher *o, uint64_t number)
{
    for (struct publish_request *request = o->requests; request; request = request->next)
        for (size_t i = 0; i < request->count; i++)
            if (request->items[i].state == PUBLICATION_SENT && request->items[i].number == number)
                return &request->items[i];
    return NULL;
}

static bool request_is_complete(const struct publish_request *request)
{
    for (size_t i = 0; i < request->count; i++)
        if (request->items[i].state != PUBLICATION_CONFIRMED &&
            request->items[i].state != PUBLICATION_FAILED)
            return false;
    return true;
}

/* --- connection ---------------------------------------------------------------------------- */

static void lose_connection(struct publisher *o, const struct err *e)
{
    broker_close(o->broker);
    o->broker = NULL;
    o->blocked = false;
    (void)backoff_later(&o->backoff, clock_mono_ms());
    log_error(LOG_LEVEL_WARNING, "publisher_lost", e);
    fail_all_sent(o, PUBLISH_FAILED_AWAY, e);
}

static void connect_when_due(struct publisher *o)
{
    struct err e;
    if (o->broker || (!o->requests && !o->retry_queues.unfinished) ||
        !backoff_due(&o->backoff, clock_mono_ms()))
        return;
    if (!broker_open(o->settings, o->name, &o->broker, &e)) {
        lose_connection(o, &e);
        return;
    }
    backoff_succeeded(&o->backoff, clock_mono_ms());
    o->declare_again = true; /* which retry queues there are is known from then on */
}

/* --- queues -------------------------------------------------------------------------------- */

/* A queue that remote control has added, and that cannot be made, is not worth the connection. */
static bool declare_queues(struct publisher *o, struct err *e)
{
    struct subscription wanted[SUBSCRIPTIONS_MAX];
    size_t count = subscriptions_list(o->queues, wanted, SUBSCRIPTIONS_MAX);
    o->retry_queues.unfinished = false;
    if (!broker_declare_topology(o->broker, o->settings, &o->retry_queues, e))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(wanted[i].queue, o->settings->broker.queue) != 0 &&
            !broker_declare_work(o->broker, o->settings, wanted[i].queue, &o->retry_queues, e) &&
            broker_is_lost(e))
            return false;
    return true;
}

/* Declaring may cost the channel, and with it the confirms of what is under way. */
static bool awaits_confirms(const struct publisher *o)
{
    for (const struct publish_request *request = o->requests; request; request = request->next)
        for (size_t i = 0; i < request->count; i++)
            if (request->items[i].state == PUBLICATION_SENT)
                return true;
    return false;
}

static void declare_when_needed(struct publisher *o)
{
    struct err e;
    int64_t now_ms = clock_mono_ms();
    o->declare_again |= o->retry_queues.unfinished && now_ms >= o->retry_queues_due_ms;
    if (!o->declare_again || !o->broker || o->blocked || awaits_confirms(o))
        return;
    bool moved = json_object_size(o->retry_queues.stand_ins) > 0;
    bool unfinished = o->retry_queues.unfinished;
    o->declare_again = false;
    o->retry_queues_due_ms = now_ms + RETRY_QUEUES_EVERY_MS;
    if (!declare_queues(o, &e)) {
        if (broker_is_lost(&e))
            lose_connection(o, &e);
        else /* what is there can be published to all the same */
            log_error(LOG_LEVEL_WARNING, "queues_not_declared", &e);
        o->retry_queues.unfinished |= unfinished;
        return;
    }
    if (moved && json_object_size(o->retry_queues.stand_ins) == 0)
        log_event(LOG_LEVEL_INFO, "retry_queues_replaced", "%s", "");
}

void publisher_finish_retry_queues(struct publisher *o)
{
    o->retry_queues.unfinished = true;
}

/* --- what the broker says ------------------------------------------------------------------ */

static void refuse(struct publisher *o, struct publication *p, const char *text)
{
    struct err e;
    bool unroutable = strcmp(text, "NO_ROUTE") == 0;
    (void)err_set(&e, ERR_RETRY, unroutable ? "no_queue" : "publish_refused",
                  "exchange \"%.100s\", routing key %.200s: the broker did not take it: %s",
                  p->route.exchange ? p->route.exchange : "", p->route.routing_key, text);
    o->declare_again |= unroutable;
    fail(p, unroutable ? PUBLISH_FAILED_NO_QUEUE : PUBLISH_FAILED_REFUSED, &e);
}

static void take_confirm(struct publisher *o, uint64_t number, bool taken, const char *text)
{
    struct publication *p = find_sent(o, number);
    if (p && taken)
        p->state = PUBLICATION_CONFIRMED;
    else if (p)
        refuse(o, p, text);
}

/* The broker closes the channel over an exchange that is not there or not ours to use; its words
 * name it. */
static void fail_exchange(struct publisher *o, const char *text)
{
    struct err e;
    char quoted[BROKER_QUEUE_NAME + 2];
    for (struct publish_request *request = o->requests; request; request = request->next)
        for (size_t i = 0; i < request->count; i++) {
            const char *exchange = request->items[i].route.exchange;
            snprintf(quoted, sizeof quoted, "'%s'", exchange ? exchange : "");
            if (request->items[i].state != PUBLICATION_SENT || !quoted[2] || !strstr(text, quoted))
                continue;
            (void)err_set(&e, ERR_REJECT, "no_exchange", "%s", text);
            fail(&request->items[i], PUBLISH_FAILED_FOR_GOOD, &e);
        }
}

static void restart_patience(struct publisher *o)
{
    for (struct publish_request *request = o->requests; request; request = request->next)
        for (size_t i = 0; i < request->count; i++)
            request->items[i].sent_ms = clock_mono_ms();
}

static void take_event(struct publisher *o, struct broker_event *event)
{
    struct err e;
    switch (event->kind) {
    case BROKER_EVENT_CONFIRMED:
    case BROKER_EVENT_REFUSED:
        take_confirm(o, event->tag, event->kind == BROKER_EVENT_CONFIRMED, event->text);
        return;
    case BROKER_EVENT_REOPENED:
        (void)err_set(&e, ERR_RETRY, "channel_closed", "%s", event->text);
        log_error(LOG_LEVEL_WARNING, "publisher_channel_closed", &e);
        fail_exchange(o, event->text);
        fail_all_sent(o, PUBLISH_FAILED_CHANNEL, &e);
        return;
    case BROKER_EVENT_BLOCKED:
    case BROKER_EVENT_UNBLOCKED:
        o->blocked = event->kind == BROKER_EVENT_BLOCKED;
        log_event(LOG_LEVEL_WARNING, o->blocked ? "broker_blocked" : "broker_unblocked",
                  "reason=%s", o->blocked ? event->text : "");
        restart_patience(o); /* nobody answers during an alarm */
        return;
    default:
        broker_event_free(event);
    }
}

static void drain(struct publisher *o)
{
    struct broker_event event = {0};
    struct err e;
    do {
        if (o->broker && !broker_next(o->broker, 0, &event, &e)) {
            lose_connection(o, &e);
            return;
        }
        if (o->broker)
            take_event(o, &event);
    } while (o->broker && event.kind != BROKER_EVENT_NONE);
}

/* --- the work of one turn ------------------------------------------------------------------ */

/* False: it can never be sent as it is. */
static bool publish_one(struct publisher *o, struct publication *p, struct err *e)
{
    struct publish_route route = p->route;
    const char *stand_in =
        json_string_value(json_object_get(o->retry_queues.stand_ins, route.routing_key));
    if (stand_in && (!route.exchange || !route.exchange[0]))
        route.routing_key = stand_in;
    p->sent_ms = clock_mono_ms();
    if (broker_publish(o->broker, &route, p->message, &p->number, e))
        p->state = PUBLICATION_SENT;
    else if (broker_is_lost(e))
        lose_connection(o, e);
    else if (strcmp(e->code, "too_many_unconfirmed") != 0)
        return false;
    else if (!awaits_confirms(o)) /* none of theirs will come: their queue does not answer */
        lose_connection(o, e);
    return true;
}

static bool may_publish(const struct publisher *o)
{
    return o->broker && !o->blocked && !(o->one_by_one && awaits_confirms(o));
}

static void publish_waiting(struct publisher *o)
{
    struct err e;
    if (o->declare_again) /* what is under way comes to its end first */
        return;
    int64_t now_ms = clock_mono_ms();
    for (struct publish_request *request = o->requests; request; request = request->next)
        for (size_t i = 0; i < request->count && request->not_before_ms <= now_ms; i++)
            if (request->items[i].state == PUBLICATION_WAITING && may_publish(o) &&
                !publish_one(o, &request->items[i], &e))
                fail(&request->items[i],
                     e.kind == ERR_REJECT ? PUBLISH_FAILED_FOR_GOOD : PUBLISH_FAILED_AWAY, &e);
}

/* --- queues that do not answer ------------------------------------------------------------- */

static bool same_route(const struct publication *a, const struct publication *b)
{
    const char *one = a->route.exchange ? a->route.exchange : "";
    const char *other = b->route.exchange ? b->route.exchange : "";
    return strcmp(one, other) == 0 && strcmp(a->route.routing_key, b->route.routing_key) == 0;
}

/* What has been sent and not answered, requests first. */
struct unanswered {
    struct publication *first;
    bool is_alone;     /* all of them go where the first goes */
    int64_t oldest_ms; /* when the first of them was sent */
};

static void add_unanswered(struct unanswered *u, struct publication *p)
{
    if (p->state != PUBLICATION_SENT)
        return;
    u->oldest_ms = !u->first || p->sent_ms < u->oldest_ms ? p->sent_ms : u->oldest_ms;
    u->first = u->first ? u->first : p;
    u->is_alone &= same_route(u->first, p);
}

static struct unanswered find_unanswered(struct publisher *o)
{
    struct unanswered u = {.is_alone = true};
    for (struct publish_request *request = o->requests; request; request = request->next)
        for (size_t i = 0; i < request->count; i++)
            add_unanswered(&u, &request->items[i]);
    return u;
}

/* What waits for its turn to go there would only wait as long. */
static void fail_route(struct publisher *o, const struct publication *silent)
{
    struct err e;
    const struct publication like = *silent;
    const char *exchange = like.route.exchange ? like.route.exchange : "";
    (void)err_set(&e, ERR_RETRY, PUBLISH_NO_CONFIRM,
                  "exchange \"%.100s\", routing key %.200s: neither taken nor refused in time: "
                  "has the queue a leader?",
                  exchange, like.route.routing_key);
    for (struct publish_request *request = o->requests; request; request = request->next)
        for (size_t i = 0; i < request->count; i++)
            if (same_route(&like, &request->items[i]))
                fail(&request->items[i], PUBLISH_FAILED_SILENT, &e);
}

/* Had the connection or the queue failed, the broker would have said so. A queue without a leader
 * holds up all that goes by the same channel: of several nobody can tell which it is, so each is
 * sent again alone, by a new connection. */
static void end_silence(struct publisher *o)
{
    struct unanswered u = find_unanswered(o);
    int64_t patience_ms = 1000 * o->settings->broker.confirm_timeout_s;
    if (!o->broker || o->blocked || !u.first || clock_mono_ms() - u.oldest_ms < patience_ms)
        return;
    if (u.is_alone)
        fail_route(o, u.first);
    else
        log_event(LOG_LEVEL_WARNING, "publisher_held_up", "waited_ms=%lld", (long long)patience_ms);
    o->one_by_one |= !u.is_alone;
    for (struct publish_request *request = o->requests; request; request = request->next) {
        request->deadline_ms = clock_mono_ms() + 1000 * o->settings->broker.connect_timeout_s;
        for (size_t i = 0; i < request->count; i++)
            if (request->items[i].state == PUBLICATION_SENT)
                request->items[i].state = PUBLICATION_WAITING;
    }
    broker_abandon(o->broker);
    o->broker = NULL;
}

/* A stop that does not wait; or the deadline, which is for what cannot be sent: the executor must
 * not hang on the broker. */
static void fail_overdue(struct publisher *o)
{
    struct err e;
    bool now = handover_stopping(o->handover) == STOP_NOW;
    if (!now && o->broker && !o->blocked)
        return;
    (void)err_set(&e, now ? ERR_STOPPING : ERR_RETRY, now ? "stopping" : "publish_timeout", "%s",
                  o->blocked  ? "the broker is blocked by a resource alarm"
                  : o->broker ? "no confirm in time"
                              : "no connection to the broker");
    for (struct publish_request *request = o->requests; request; request = request->next)
        if (now || clock_mono_ms() >= request->deadline_ms)
            fail_request(request, &e);
}

/* A result is published again, or its delivery may be acknowledged. False: again. */
static bool answer_result(struct publisher *o, struct delivery *d)
{
    struct pending_result *result = d->result;
    int64_t now_ms = clock_mono_ms();
    bool is_silent = result->publication.state == PUBLICATION_FAILED &&
                     result->publication.failure == PUBLISH_FAILED_SILENT &&
                     result->publication.sent_ms > 0;
    if (!pending_result_is_over(result, now_ms))
        return false;
    if (is_silent) /* the next ones do not wait for it */
        unavailable_add(&o->unavailable, result->queue, now_ms);
    failpoint("after_report");
    pending_result_free(result);
    d->result = NULL;
    d->next = NULL;
    if (o->last_answered)
        o->last_answered->next = d;
    else
        o->answered = d;
    o->last_answered = d;
    o->results_count--;
    return true;
}

/* An answered request is gone: the executor may have left its stack frame. */
static void answer_complete(struct publisher *o)
{
    for (struct publish_request **at = &o->requests; *at;) {
        struct publish_request *request = *at, *next = request->next;
        bool is_result = request->delivery != NULL;
        if (!request_is_complete(request) || (is_result && !answer_result(o, request->delivery))) {
            at = &request->next;
            continue;
        }
        *at = next;
        if (!is_result)
            handover_answer(o->handover, request);
    }
}

void publisher_accept(struct publisher *o, struct publish_request *requests)
{
    struct publish_request **end = &o->requests;
    while (*end)
        end = &(*end)->next;
    *end = requests;
    for (struct publish_request *request = requests; request; request = request->next) {
        if (!request->delivery)
            continue;
        o->results_count++;
        struct publication *p = &request->items[0];
        if (!unavailable_has(&o->unavailable, p->route.routing_key, clock_mono_ms()))
            continue;
        struct err e;
        (void)err_set(&e, ERR_RETRY, "no_confirm", "its queue did not answer lately");
        fail(p, PUBLISH_FAILED_SILENT, &e);
    }
}

struct delivery *publisher_take_answered(struct publisher *o)
{
    struct delivery *answered = o->answered;
    o->answered = o->last_answered = NULL;
    return answered;
}

bool publisher_has_results(const struct publisher *o)
{
    return o->results_count > 0;
}

struct delivery *publisher_take_results(struct publisher *o)
{
    struct delivery *taken = publisher_take_answered(o);
    for (struct publish_request **at = &o->requests; *at;) {
        struct delivery *d = (*at)->delivery;
        if (!d) {
            at = &(*at)->next;
            continue;
        }
        *at = (*at)->next;
        d->next = taken;
        taken = d;
    }
    o->results_count = 0;
    return taken;
}

void publisher_work(struct publisher *o)
{
    if (!o->requests && !o->broker && !o->retry_queues.unfinished)
        return;
    connect_when_due(o);
    drain(o);
    declare_when_needed(o);
    publish_waiting(o);
    drain(o);
    end_silence(o);
    fail_overdue(o);
    answer_complete(o);
    o->one_by_one &= o->requests != NULL;
}

void publisher_close(struct publisher *o)
{
    struct err e;
    (void)err_set(&e, ERR_STOPPING, "stopping", "the worker stops");
    for (struct publish_request *request = o->requests; request; request = request->next)
        fail_request(request, &e);
    answer_complete(o);
    broker_close(o->broker);
    o->broker = NULL;
}
