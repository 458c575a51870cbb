/* A message on its way back to the broker: to a retry queue or to the dead-letter queue. */
#include "worker/runtime/republish.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/celery/task_message.h"

static bool republish_start(const struct message *v, bool bare, struct message *ret_message)
{
    json_t *headers = json_object();
    const char *key;
    size_t length;
    json_t *value;
    if (!headers)
        return false;
    json_object_keylen_foreach((bare ? NULL : v->headers), key, length, value)
    {
        if (!task_message_header_is_brokers(key) &&
            json_object_setn_nocheck(headers, key, length, value) != 0) {
            json_decref(headers);
            return false;
        }
    }
    *ret_message = *v;
    ret_message->headers = headers;
    ret_message->expiration = NULL;
    return true;
}

void republish_free(struct message *out)
{
    json_decref(out->headers);
    out->headers = NULL;
}

static bool finish(bool complete, struct message *out, struct err *e)
{
    if (complete)
        return true;
    republish_free(out);
    return err_set(e, ERR_RETRY, "no_memory", "no memory for a message");
}

bool republish_later(const struct message *v, struct message *ret_message, struct err *e)
{
    struct message out = {0};
    bool complete = republish_start(v, false, &out);
    if (complete)
        *ret_message = out;
    return finish(complete, &out, e);
}

static int64_t count_of(const struct message *v, const char *name)
{
    json_int_t count = json_integer_value(json_object_get(v->headers, name));
    return count < 0 ? 0 : count > INT32_MAX ? INT32_MAX : count;
}

int64_t republish_returns(const struct message *v)
{
    return count_of(v, "x-delivery-count");
}

bool republish_has_returned(const struct message *v)
{
    return count_of(v, RETURNS_HEADER) > 0;
}

bool republish_mark_returned(struct message *out)
{
    return republish_has_returned(out) ||
           json_object_set_new(out->headers, RETURNS_HEADER, json_integer(1)) == 0;
}

bool republish_afresh(const struct message *v, struct message *ret_message, struct err *e)
{
    struct message out = {0};
    int64_t returns = count_of(v, RETURNS_HEADER) + republish_returns(v);
    bool complete = republish_start(v, false, &out) &&
                    json_object_set_new(out.headers, RETURNS_HEADER, json_integer(returns)) == 0;
    if (complete)
        *ret_message = out;
    return finish(complete, &out, e);
}

bool republish_retry(const struct message *v, int64_t failed, struct message *ret_message,
                     struct err *e)
{
    struct message out = {0};
    bool complete = republish_start(v, false, &out) &&
                    json_object_set_new(out.headers, ATTEMPT_HEADER, json_integer(failed)) == 0;
    /* protocol 2 counts in a header; protocol 1 in its body, which stays as it came */
    if (complete && json_object_get(out.headers, "task")) {
        json_int_t retries = json_integer_value(json_object_get(out.headers, "retries"));
        retries = retries < 0 || retries > INT32_MAX - 1 ? failed : retries + 1;
        complete = json_object_set_new(out.headers, "retries", json_integer(retries)) == 0;
    }
    if (complete)
        *ret_message = out;
    return finish(complete, &out, e);
}

static bool set_text(struct message *out, const char *key, const char *text)
{
    json_t *value = json_string(text);
    if (!value) /* cut inside a character, or a foreign encoding */
        value = json_string("(not UTF-8)");
    return json_object_set_new(out->headers, key, value) == 0;
}

bool republish_dead(const struct message *v, const struct dead_letter_reason *reason, bool bare,
                    struct message *ret_message, struct err *e)
{
    struct message out = {0};
    char now[CLOCK_TEXT];
    bool complete =
        republish_start(v, bare, &out) && set_text(&out, "x-meterbeat-reason", reason->why->code) &&
        set_text(&out, "x-meterbeat-error", reason->why->text) &&
        json_object_set_new(out.headers, "x-meterbeat-attempts", json_integer(reason->attempts)) ==
            0 &&
        set_text(&out, "x-meterbeat-queue", reason->queue) &&
        set_text(&out, "x-meterbeat-worker", reason->worker) &&
        set_text(&out, "x-meterbeat-time", clock_format_utc(reason->now_ms, now));
    if (complete)
        *ret_message = out;
    return finish(complete, &out, e);
}

int64_t republish_attempt(const struct message *v)
{
    json_int_t attempt = json_integer_value(json_object_get(v->headers, ATTEMPT_HEADER));
    return attempt < 0 ? 0 : attempt > 1000 ? 1000 : attempt;
}
