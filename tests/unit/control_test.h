/* What the tests of remote control share: settings, deliveries, JSON by its text. */
#ifndef METERBEAT_CONTROL_TEST_H
#define METERBEAT_CONTROL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/runtime/state.h"

static const struct settings settings = {
    .broker = {.url = "amqp://guest@127.0.0.1:5672/",
               .queue = "meterbeat",
               .event_exchange = "celeryev"},
    .worker = {.prefetch = 4,
               .max_message_bytes = 65536,
               .max_message_depth = 64,
               .remote_control = "all",
               .max_added_queues = 20,
               .max_events = 10,
               .max_revoked = 3,
               .revoked_s = 60,
               .retry_delays_s = {10, 60},
               .retry_delays = 2,
               .aliases = {{"doParser", "parse"}},
               .aliases_count = 1},
};

/* Text of a value, keys sorted; the caller frees. */
static inline char *json_text(const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(text);
    return text;
}

/* value, taken over, has this text; single quotes stand for double ones. */
static inline void assert_json(json_t *value, const char *expected)
{
    char *wanted_text = strdup(expected);
    for (char *c = wanted_text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *wanted = json_loads(wanted_text, JSON_DECODE_ANY, NULL);
    if (!wanted)
        fail_msg("no JSON: %s", wanted_text);
    char *a = json_text(value), *b = json_text(wanted);
    assert_string_equal(a, b);
    free(a);
    free(b);
    free(wanted_text);
    json_decref(wanted);
    json_decref(value);
}

static inline json_t *json_of(const char *text)
{
    char *quoted = strdup(text);
    for (char *c = quoted; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_loads(quoted, JSON_DECODE_ANY, NULL);
    if (!value)
        fail_msg("no JSON: %s", quoted);
    free(quoted);
    return value;
}

/* A protocol 2 delivery of a task with these arguments. */
static inline struct delivery *delivery_of(const char *task, const char *id, const char *args)
{
    struct delivery *d = delivery_new();
    assert_non_null(d);
    strcpy(d->queue, "meterbeat");
    strcpy(d->routing_key, "meterbeat");
    d->message.priority = 0;
    d->message.content_type = strdup("application/json");
    d->message.content_encoding = strdup("utf-8");
    d->message.headers = json_pack("{s:s, s:s, s:s, s:s}", "task", task, "id", id, "argsrepr",
                                   "(shown)", "kwargsrepr", "{}");
    assert_true(asprintf(&d->message.body, "[%s, {}, null]", args) > 0);
    d->message.body_len = strlen(d->message.body);
    return d;
}

#endif
