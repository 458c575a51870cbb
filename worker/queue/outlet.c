/* The connection that publishes for the executor: batches in, confirms read, answers out. */
#include "queue/outlet.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/redial.h"
#include "queue/broker.h"

struct outlet {
    const struct settings *settings;
    const char *name;
    struct handover *handover;
    struct broker *broker; /* NULL: not connected */
    struct redial redial;
    bool blocked;       /* a resource alarm: publishing would only fill the socket */
    bool declare_again; /* something came back as unroutable: a queue may have been deleted */
    struct publish_batch *batches;
};

struct outlet *outlet_new(const struct settings *s, const char *name, struct handover *h)
{
    struct outlet *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    *o = (struct outlet){.settings = s, .name = name, .handover = h};
    o->redial = redial_make(s->broker.reconnect_max_s * 1000);
    return o;
}

void outlet_free(struct outlet *o)
{
    free(o);
}

int outlet_fd(const struct outlet *o)
{
    return o->broker ? broker_fd(o->broker) : -1;
}

/* --- publications -------------------------------------------------------------------------- */

static void fail(struct publication *p, const struct err *why)
{
    if (p->state == PUBLICATION_CONFIRMED || p->state == PUBLICATION_FAILED)
        return;
    p->state = PUBLICATION_FAILED;
    p->error = *why;
}

static void fail_batch(struct publish_batch *batch, const struct err *why)
{
    for (size_t i = 0; i < batch->count; i++)
        fail(&batch->items[i], why);
}

/* Whether what was sent has arrived cannot be known any more; the executor sends it again, with the
 * same id. */
static void fail_all_sent(struct outlet *o, const struct err *why)
{
    for (struct publish_batch *batch = o->batches; batch; batch = batch->next)
        for (size_t i = 0; i < batch->count; i++)
            if (batch->items[i].state == PUBLICATION_SENT)
                fail(&batch->items[i], why);
}

static struct publication *find_sent(struct outlet *o, uint64_t number)
{
    for (struct publish_batch *batch = o->batches; batch; batch = batch->next)
        for (size_t i = 0; i < batch->count; i++)
            if (batch->items[i].state == PUBLICATION_SENT && batch->items[i].number == number)
                return &batch->items[i];
    return NULL;
}

static bool batch_complete(const struct publish_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].state != PUBLICATION_CONFIRMED &&
            batch->items[i].state != PUBLICATION_FAILED)
            return false;
    return true;
}

/* --- connection ---------------------------------------------------------------------------- */

static void lose_connection(struct outlet *o, const struct err *e)
{
    broker_close(o->broker);
    o->broker = NULL;
    o->blocked = false;
    (void)redial_later(&o->redial, clock_mono_ms());
    log_error(LOG_LEVEL_WARNING, "publisher_lost", e);
    fail_all_sent(o, e);
}

static void connect_when_due(struct outlet *o)
{
    struct err e;
    if (o->broker || !o->batches || !redial_due(&o->redial, clock_mono_ms()))
        return;
    if (broker_open(o->settings, o->name, &o->broker, &e))
        redial_succeeded(&o->redial, clock_mono_ms());
    else
        lose_connection(o, &e);
}

static void declare_when_needed(struct outlet *o)
{
    struct err e;
    if (!o->declare_again || !o->broker)
        return;
    o->declare_again = false;
    if (!broker_declare_topology(o->broker, o->settings, &e))
        lose_connection(o, &e);
}

/* --- what the broker says ------------------------------------------------------------------ */

static void refuse(struct outlet *o, struct publication *p, const char *text)
{
    struct err e;
    (void)err_set(&e, ERR_RETRY, "publish_refused", "queue %s: the broker did not take it: %s",
                  p->queue, text);
    o->declare_again |= strcmp(text, "NO_ROUTE") == 0;
    fail(p, &e);
}

static void take_event(struct outlet *o, struct broker_event *event)
{
    struct publication *p;
    struct err e;
    switch (event->kind) {
    case BROKER_EVENT_CONFIRMED:
        if ((p = find_sent(o, event->tag)))
            p->state = PUBLICATION_CONFIRMED;
        return;
    case BROKER_EVENT_REFUSED:
        if ((p = find_sent(o, event->tag)))
            refuse(o, p, event->text);
        return;
    case BROKER_EVENT_REOPENED:
        (void)err_set(&e, ERR_RETRY, "channel_closed", "%s", event->text);
        log_error(LOG_LEVEL_WARNING, "publisher_channel_closed", &e);
        fail_all_sent(o, &e);
        return;
    case BROKER_EVENT_BLOCKED:
    case BROKER_EVENT_UNBLOCKED:
        o->blocked = event->kind == BROKER_EVENT_BLOCKED;
        log_event(LOG_LEVEL_WARNING, o->blocked ? "broker_blocked" : "broker_unblocked",
                  "reason=\"%s\"", o->blocked ? event->text : "");
        return;
    default:
        broker_event_free(event);
    }
}

static void drain(struct outlet *o)
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

static void publish_one(struct outlet *o, struct publication *p)
{
    struct err e;
    if (broker_publish(o->broker, p->queue, p->envelope, &p->number, &e)) {
        p->state = PUBLICATION_SENT;
        return;
    }
    if (strcmp(e.code, "broker_lost") == 0)
        lose_connection(o, &e);
    else if (strcmp(e.code, "too_many_unconfirmed") != 0) /* that one waits for confirms */
        fail(p, &e);
}

static void publish_waiting(struct outlet *o)
{
    for (struct publish_batch *batch = o->batches; batch; batch = batch->next)
        for (size_t i = 0; i < batch->count; i++)
            if (o->broker && !o->blocked && batch->items[i].state == PUBLICATION_WAITING)
                publish_one(o, &batch->items[i]);
}

/* A stop that does not wait, or the deadline: the executor must not hang on the broker. */
static void fail_overdue(struct outlet *o)
{
    struct err e;
    bool now = handover_stopping(o->handover) == STOP_NOW;
    (void)err_set(&e, ERR_RETRY, now ? "stopping" : "publish_timeout", "%s",
                  o->blocked  ? "the broker is blocked by a resource alarm"
                  : o->broker ? "no confirm in time"
                              : "no connection to the broker");
    for (struct publish_batch *batch = o->batches; batch; batch = batch->next)
        if (now || clock_mono_ms() >= batch->deadline_ms)
            fail_batch(batch, &e);
}

/* An answered batch is gone: the executor may have left its stack frame. */
static void answer_complete(struct outlet *o)
{
    for (struct publish_batch **at = &o->batches; *at;) {
        struct publish_batch *batch = *at;
        if (!batch_complete(batch)) {
            at = &batch->next;
            continue;
        }
        *at = batch->next;
        handover_answer(o->handover, batch);
    }
}

void outlet_accept(struct outlet *o, struct publish_batch *batches)
{
    struct publish_batch **end = &o->batches;
    while (*end)
        end = &(*end)->next;
    *end = batches;
}

void outlet_work(struct outlet *o)
{
    if (!o->batches && !o->broker)
        return;
    connect_when_due(o);
    drain(o);
    declare_when_needed(o);
    publish_waiting(o);
    drain(o);
    fail_overdue(o);
    answer_complete(o);
}

void outlet_close(struct outlet *o)
{
    struct err e;
    (void)err_set(&e, ERR_RETRY, "stopping", "the worker stops");
    for (struct publish_batch *batch = o->batches; batch; batch = batch->next)
        fail_batch(batch, &e);
    answer_complete(o);
    broker_close(o->broker);
    o->broker = NULL;
}
