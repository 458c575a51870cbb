/* The control thread: what Celery's tools ask this worker and hear of it, on a connection of its
 * own. */
#include "worker/control/control.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/backoff.h"
#include "common/base/thread.h"
#include "worker/control/command_table.h"
#include "worker/control/mailbox.h"

/* As the I/O thread's: nested header tables of a hostile request. */
#define CONTROL_STACK_BYTES (16UL * 1024 * 1024)
/* Celery's: a monitor takes a worker for gone after twice as long. */
#define HEARTBEAT_MS 2000
/* The broker's own heartbeats are serviced at least this often. */
#define POLL_MS 500
/* Celery's: events of one message. */
#define EVENTS_AT_ONCE 24
/* Requests answered before events are sent again. */
#define REQUESTS_AT_ONCE 64

struct control {
    const struct settings *settings;
    const char *name;
    struct thread *thread;
    atomic_bool ending, asked_to_end;
    int wake_fd;
    struct state *state;
    struct events *events;
    struct revocations *revocations; /* NULL: no database */
    struct control_context panel;
    struct mailbox mailbox;
    struct broker *broker; /* NULL: not connected */
    bool blocked;          /* a resource alarm: publishing would only fill the socket */
    bool is_logged;        /* of a connection that does not come about */
    struct backoff backoff;
    int64_t heartbeat_due_ms;
    json_t *batch; /* events on their way; NULL: none */
    size_t sent;   /* of those */
};

/* --- connection ---------------------------------------------------------------------------- */

static void lose_connection(struct control *c, const struct err *e)
{
    broker_close(c->broker);
    c->broker = NULL;
    c->blocked = false;
    (void)backoff_later(&c->backoff, clock_mono_ms());
    if (!c->is_logged)
        log_error(LOG_LEVEL_WARNING, "control_lost", e);
    c->is_logged = true;
}

static bool send_worker_event(struct control *c, const char *type, struct err *e)
{
    return c->blocked ||
           mailbox_send_events(&c->mailbox, c->broker, events_worker(c->events, type), type, e);
}

static bool open_mailbox(struct control *c, struct err *e)
{
    struct err hello;
    if (!mailbox_open(&c->mailbox, c->broker, e) || !send_worker_event(c, "worker-online", e))
        return false;
    c->heartbeat_due_ms = clock_mono_ms() + HEARTBEAT_MS;
    if (mailbox_mingle(&c->mailbox, c->broker, c->state, &hello))
        return true;
    log_error(LOG_LEVEL_WARNING, "mingle_failed", &hello); /* others are learnt from later */
    return hello.kind == ERR_REJECT || err_set(e, hello.kind, hello.code, "%s", hello.text);
}

static void connect_when_due(struct control *c)
{
    struct err e;
    if (c->broker || !backoff_due(&c->backoff, clock_mono_ms()))
        return;
    if (!broker_open_plain(c->settings, c->name, PIDBOX_BODY_MAX, &c->broker, &e) ||
        !open_mailbox(c, &e)) {
        lose_connection(c, &e);
        return;
    }
    backoff_succeeded(&c->backoff, clock_mono_ms());
    c->is_logged = false;
    log_event(LOG_LEVEL_INFO, "control_ready", "node=%s", c->name);
}

/* --- requests ------------------------------------------------------------------------------ */

static bool reply(struct control *c, const struct pidbox_request *r, json_t *answer, struct err *e)
{
    if (!r->exchange || c->panel.shutdown || c->blocked) {
        json_decref(answer);
        return true;
    }
    return mailbox_reply(&c->mailbox, c->broker, r, answer, state_clock_tick(c->state), e);
}

static void shut_down(struct control *c)
{
    log_event(LOG_LEVEL_WARNING, "shutdown_requested", "by=remote_control");
    atomic_store(&c->asked_to_end, true);
    (void)kill(getpid(), SIGTERM); /* the main thread ends us as on any stop */
}

static bool answer_request(struct control *c, const struct pidbox_request *r, struct err *e)
{
    c->panel.heartbeat = c->panel.shutdown = false;
    log_event(LOG_LEVEL_DEBUG, "control_request", "method=%s", r->method);
    json_t *answer = commands_answer(&c->panel, r->method, r->arguments);
    if (c->panel.shutdown)
        shut_down(c);
    return (!c->panel.heartbeat || send_worker_event(c, "worker-heartbeat", e)) &&
           reply(c, r, answer, e);
}

static bool take_request(struct control *c, const struct message *v, struct err *e)
{
    struct pidbox_request r CLEANUP(pidbox_request_free) = {0};
    struct err why;
    state_clock_tick(c->state);
    if (!pidbox_read(v, c->name, clock_wall_ms(), &r, &why)) {
        log_error(LOG_LEVEL_WARNING, "control_refused", &why);
        return true;
    }
    state_clock_hear(c->state, r.clock);
    return !r.is_for_us || answer_request(c, &r, e);
}

static bool take_delivery(struct control *c, const struct broker_event *event, struct err *e)
{
    if (event->defect[0]) {
        log_event(LOG_LEVEL_WARNING, "control_refused", "code=%s", event->defect);
        return true;
    }
    if (mailbox_take_reply(&c->mailbox, event, c->state))
        return true;
    return take_request(c, &event->message, e);
}

static bool take_event(struct control *c, struct broker_event *event, struct err *e)
{
    switch (event->kind) {
    case BROKER_EVENT_DELIVERY:
        return take_delivery(c, event, e);
    case BROKER_EVENT_CANCELLED:
        return err_set(e, ERR_RETRY, "queue_deleted", "the queue for remote control was deleted");
    case BROKER_EVENT_REOPENED:
        return err_set(e, ERR_RETRY, "channel_closed", "%s", event->text);
    case BROKER_EVENT_BLOCKED:
    case BROKER_EVENT_UNBLOCKED:
        c->blocked = event->kind == BROKER_EVENT_BLOCKED;
        log_event(LOG_LEVEL_INFO, c->blocked ? "control_blocked" : "control_unblocked", "%s", "");
        return true;
    default:
        return true;
    }
}

static void listen_to_broker(struct control *c)
{
    struct broker_event event;
    struct err e;
    for (int i = 0; c->broker && i < REQUESTS_AT_ONCE; i++) {
        bool taken = broker_next(c->broker, 0, &event, &e);
        bool none = taken && event.kind == BROKER_EVENT_NONE;
        if (taken && !none) {
            taken = take_event(c, &event, &e);
            broker_event_free(&event);
        }
        if (!taken)
            lose_connection(c, &e);
        if (none)
            return;
    }
}

/* --- events -------------------------------------------------------------------------------- */

/* The next few of the batch: alone as they are, together as a list. */
static json_t *next_events(struct control *c, const char **ret_type)
{
    size_t left = json_array_size(c->batch) - c->sent;
    size_t count = left < EVENTS_AT_ONCE ? left : EVENTS_AT_ONCE;
    json_t *first = json_array_get(c->batch, c->sent), *list;
    if (count == 1) {
        *ret_type = json_string_value(json_object_get(first, "type"));
        return json_incref(first);
    }
    *ret_type = "task-multi";
    list = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append(list, json_array_get(c->batch, c->sent + i));
    return list;
}

static bool send_some_events(struct control *c, struct err *e)
{
    const char *type;
    json_t *events = next_events(c, &type);
    c->sent += json_is_array(events) ? json_array_size(events) : 1;
    if (!mailbox_send_events(&c->mailbox, c->broker, events, type, e))
        return false;
    if (c->sent < json_array_size(c->batch))
        return true;
    json_decref(c->batch);
    c->batch = NULL;
    c->sent = 0;
    return true;
}

static void send_events(struct control *c)
{
    struct err e;
    while (c->broker && !c->blocked) {
        if (!c->batch)
            c->batch = events_take(c->events);
        if (!c->batch)
            return;
        if (!send_some_events(c, &e))
            lose_connection(c, &e);
    }
}

static void send_heartbeat_when_due(struct control *c)
{
    struct err e;
    int64_t now_ms = clock_mono_ms();
    if (!c->broker || now_ms < c->heartbeat_due_ms)
        return;
    c->heartbeat_due_ms = now_ms + HEARTBEAT_MS;
    if (!send_worker_event(c, "worker-heartbeat", &e))
        lose_connection(c, &e);
}

/* --- the loop ------------------------------------------------------------------------------ */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t wait_ms(const struct control *c)
{
    int64_t now_ms = clock_mono_ms();
    if (!c->broker)
        return least(POLL_MS, backoff_in(&c->backoff, now_ms));
    int64_t until_heartbeat = c->heartbeat_due_ms - now_ms;
    return least(POLL_MS, until_heartbeat > 0 ? until_heartbeat : 0);
}

/* Without a connection events are not waited for: there is nothing to be done with them. */
static bool is_anything_there(struct control *c)
{
    if (!c->broker)
        return false;
    bool events = !c->blocked && !events_sleep(c->events);
    return events || broker_buffered(c->broker);
}

static void wait_for_something(struct control *c)
{
    struct pollfd fds[2] = {{.fd = c->wake_fd, .events = POLLIN},
                            {.fd = c->broker ? broker_fd(c->broker) : -1, .events = POLLIN}};
    (void)poll(fds, ARRAY_LEN(fds), is_anything_there(c) ? 0 : (int)wait_ms(c));
    uint64_t count;
    ssize_t got = fds[0].revents ? read(c->wake_fd, &count, sizeof count) : 0;
    (void)got; /* nothing to read: as good */
}

static void say_goodbye(struct control *c)
{
    struct err e;
    send_events(c);
    if (c->broker && !send_worker_event(c, "worker-offline", &e))
        lose_connection(c, &e);
    broker_close(c->broker);
    c->broker = NULL;
}

static void control_thread(void *context)
{
    struct control *c = context;
    while (!atomic_load(&c->ending)) {
        connect_when_due(c);
        listen_to_broker(c);
        send_heartbeat_when_due(c);
        send_events(c);
        wait_for_something(c);
    }
    say_goodbye(c);
}

/* --- starting and ending ------------------------------------------------------------------- */

static void control_free(struct control *c)
{
    free(c->panel.added);
    events_free(c->events);
    state_free(c->state);
    json_decref(c->batch);
    if (c->wake_fd >= 0)
        close(c->wake_fd);
    free(c);
}

bool control_new(const struct settings *s, const char *name, struct handover *h,
                 struct subscriptions *queues, struct control **ret_control, struct err *e)
{
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_FATAL, "no_memory", "no memory for remote control");
    c->settings = s;
    c->name = name;
    c->backoff = backoff_make(s->broker.reconnect_max_s * 1000);
    c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    c->state = state_new(s);
    c->events = c->state ? events_new(s, name, c->state, c->wake_fd) : NULL;
    mailbox_make(s, name, &c->mailbox);
    c->panel = (struct control_context){.settings = s,
                                        .node = name,
                                        .state = c->state,
                                        .events = c->events,
                                        .handover = h,
                                        .subscriptions = queues,
                                        .make_queue = mailbox_make_queue,
                                        .started_ms = clock_mono_ms()};
    if (c->wake_fd < 0 || !c->events) {
        control_free(c);
        return err_set(e, ERR_FATAL, "no_memory", "no memory for remote control");
    }
    *ret_control = c;
    return true;
}

struct state *control_state(struct control *c)
{
    return c->state;
}

struct events *control_events(struct control *c)
{
    return c->events;
}

bool control_asked_to_end(const struct control *c)
{
    return atomic_load(&c->asked_to_end);
}

bool control_start(struct control *c, struct err *e)
{
    const struct settings *s = c->settings;
    if (s->database.url[0] && !revocations_start(s, c->name, c->state, &c->revocations, e))
        return false;
    if (!c->revocations)
        state_revoked_known(c->state);
    c->panel.revocations = c->revocations;
    c->thread = thread_start(control_thread, c, CONTROL_STACK_BYTES);
    return c->thread || err_set(e, ERR_FATAL, "no_thread", "cannot start the control thread");
}

bool control_end(struct control *c, int64_t timeout_ms)
{
    atomic_store(&c->ending, true);
    ssize_t written = write(c->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* fails only when it is readable already */
    if (!thread_join(c->thread, timeout_ms) ||
        (c->revocations && !revocations_end(c->revocations, timeout_ms)))
        return false;
    control_free(c);
    return true;
}
