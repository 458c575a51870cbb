/* Any bytes as a request of remote control: it is refused with a reason, is not for us, or gets an
 * answer that can be sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "worker/control/command_table.h"
#include "common/celery/pidbox.h"
#include "worker/tasks.h"

/* One byte of choices, a line of headers as JSON, the rest is the body. */
enum choice { MSGPACK = 1, NO_TYPE = 2 };

#define NODE "worker@host"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const struct settings settings = {
    .broker = {.url = "amqp://guest@127.0.0.1:5672/",
               .queue = "meterbeat",
               .event_exchange = "celeryev"},
    .worker = {.remote_control = "all",
               .prefetch = 4,
               .max_message_bytes = 65536,
               .max_message_depth = 64,
               .max_events = 10,
               .max_added_queues = 16,
               .max_revoked = 100,
               .revoked_s = 60},
};
static struct control_context context;

static void require(bool ok, const char *what, const struct err *e)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, e->code, e->text);
    abort();
}

static bool make_queue(struct control_context *p, const struct subscription *wanted, struct err *e)
{
    (void)p;
    (void)wanted;
    (void)e;
    return true;
}

/* A task that runs and one that waits, for what asks after them. */
static void add_delivery(const char *id, bool active)
{
    struct delivery *d = delivery_new();
    d->message.content_type = strdup("application/json");
    d->message.headers = json_pack("{s:s, s:s}", "task", "meterbeat.echo", "id", id);
    d->message.body = strdup("[[1], {}, null]");
    d->message.body_len = strlen(d->message.body);
    state_arrived(context.state, d);
    if (active)
        state_started(context.state, d, task_find("meterbeat.echo"), id, 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    tasks_register();
    log_init("fuzz_pidbox", LOG_LEVEL_ERROR + 1);
    struct handover *h = handover_new();
    context = (struct control_context){.settings = &settings,
                                       .node = NODE,
                                       .state = state_new(&settings),
                                       .handover = h,
                                       .subscriptions = subscriptions_new(h, "meterbeat"),
                                       .make_queue = make_queue};
    context.events = events_new(&settings, NODE, context.state, -1);
    add_delivery("active", true);
    add_delivery("waits", false);
    return 0;
}

static struct message make_message(const uint8_t *data, size_t size)
{
    struct message v = {.priority = -1};
    const uint8_t *line = data + 1, *end = memchr(line, '\n', size - 1);
    const uint8_t *body = end ? end + 1 : line;
    v.headers = json_loadb((const char *)line, end ? (size_t)(end - line) : 0, 0, NULL);
    if (!(data[0] & NO_TYPE))
        v.content_type = strdup(data[0] & MSGPACK ? "application/x-msgpack" : "application/json");
    v.body_len = size - (size_t)(body - data);
    v.body = malloc(v.body_len); /* exactly: a byte too many is found */
    memcpy(v.body, body, v.body_len);
    return v;
}

static void answer(const struct pidbox_request *r)
{
    struct err e = {0};
    struct message reply CLEANUP(message_free) = {.priority = -1};
    json_t *value = commands_answer(&context, r->method, r->arguments);
    require(value, "no answer", &e);
    if (!pidbox_reply(r, NODE, value, 1, &reply, &e))
        require(e.kind == ERR_REJECT && e.code[0] && e.text[0], "no reply, no reason", &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct err e = {0};
    int64_t clock;
    struct message v CLEANUP(message_free) = make_message(data, size);
    struct pidbox_request r CLEANUP(pidbox_request_free) = {0};
    json_decref(pidbox_read_reply(&v, "t", &clock));
    if (!pidbox_read(&v, NODE, 1700000000000, &r, &e)) {
        require(e.kind == ERR_REJECT && e.code[0] && e.text[0], "refused without a reason", &e);
        return 0;
    }
    require(r.method, "a request without a method", &e);
    if (r.is_for_us)
        answer(&r);
    return 0;
}
