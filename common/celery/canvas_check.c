/* Signatures looked through before their task runs: hostile input, like all of a message. */
#include <math.h>
#include <string.h>

#include "common/base/iso8601.h"
#include "common/celery/canvas_internal.h"

enum { MAX_NAME = 255, MAX_EXCHANGE = 150, MAX_PRIORITY = 255 };
#define MAX_SECONDS (10.0 * 366 * 86400)

struct walk {
    size_t count, depth;
    struct err *e;
};

static bool refuse(struct err *e, const char *where, const char *what)
{
    return err_set(e, ERR_REJECT, "bad_signature", "%s: %s", where, what);
}

/* Puts one step of the path before the text while there is room: the cause must stay readable. */
static bool in_place(struct err *e, const char *where, size_t index)
{
    if (e && strlen(e->text) < sizeof e->text / 2)
        return index == SIZE_MAX ? err_wrap(e, "%s", where) : err_wrap(e, "%s[%zu]", where, index);
    return false;
}

/* --- reading ---------------------------------------------------------------------------------- */

const json_t *signature_value(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

const json_t *signature_option(const json_t *sig, const char *name)
{
    return signature_value(json_object_get(sig, "options"), name);
}

enum signature_kind signature_kind(const json_t *sig)
{
    static const struct {
        const char *name;
        enum signature_kind kind;
    } kinds[] = {
        {"group", SIGNATURE_GROUP}, {"chain", SIGNATURE_CHAIN},   {"chord", SIGNATURE_CHORD},
        {"xmap", SIGNATURE_TASK},   {"xstarmap", SIGNATURE_TASK}, {"chunks", SIGNATURE_TASK},
    };
    const json_t *type = signature_value(sig, "subtask_type");
    const char *name = type ? json_string_value(type) : "";
    if (name && !*name)
        return SIGNATURE_TASK;
    for (size_t i = 0; name && i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].kind;
    return SIGNATURE_UNKNOWN;
}

const json_t *signature_members(const json_t *sig)
{
    const json_t *kwargs = json_object_get(sig, "kwargs");
    return signature_value(kwargs, signature_kind(sig) == SIGNATURE_CHORD ? "header" : "tasks");
}

bool signature_time(const json_t *value, int64_t *ret_ms)
{
    if (json_is_object(value)) {
        const char *type = json_string_value(json_object_get(value, "__type__"));
        if (!type || strcmp(type, "datetime") != 0)
            return false;
        value = json_object_get(value, "__value__");
    }
    return json_is_string(value) && iso8601_parse(json_string_value(value), ret_ms);
}

/* --- options ---------------------------------------------------------------------------------- */

static bool is_text(const json_t *value, size_t most)
{
    const char *text = json_string_value(value);
    if (!text || json_string_length(value) > most)
        return false;
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

static bool is_name(const json_t *value)
{
    return is_text(value, MAX_NAME);
}

/* The broker closes the channel of who names this queue without consuming from it. */
static bool is_reply_queue(const json_t *value)
{
    return is_name(value) && strcmp(json_string_value(value), "amq.rabbitmq.reply-to") != 0;
}

static bool is_id(const json_t *value)
{
    return is_name(value) && json_string_length(value) > 0;
}

static bool is_exchange(const json_t *value)
{
    return is_text(value, MAX_EXCHANGE);
}

static bool is_priority(const json_t *value)
{
    json_int_t priority = json_integer_value(value);
    return json_is_integer(value) && priority >= 0 && priority <= MAX_PRIORITY;
}

static bool is_seconds(const json_t *value)
{
    return json_is_number(value) && fabs(json_number_value(value)) <= MAX_SECONDS;
}

static bool is_limit(const json_t *value)
{
    return is_seconds(value) && json_number_value(value) >= 0;
}

static bool is_eta(const json_t *value)
{
    int64_t ms;
    return signature_time(value, &ms);
}

static bool is_expires(const json_t *value)
{
    return is_seconds(value) || is_eta(value);
}

static bool is_count(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0 &&
           json_integer_value(value) <= INT32_MAX;
}

static bool is_flag(const json_t *value)
{
    return json_is_boolean(value);
}

static bool is_serializer(const json_t *value)
{
    const char *name = json_string_value(value);
    return name && (strcmp(name, "json") == 0 || strcmp(name, "msgpack") == 0);
}

static bool is_delivery_mode(const json_t *value)
{
    const char *name = json_string_value(value);
    return name ? strcmp(name, "transient") == 0 || strcmp(name, "persistent") == 0
                : json_is_integer(value) && json_integer_value(value) >= 1 &&
                      json_integer_value(value) <= 2;
}

static bool is_headers(const json_t *value)
{
    return json_is_object(value);
}

static bool is_names(const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!is_name(json_array_get(value, i)))
            return false;
    return json_is_array(value);
}

static const struct {
    const char *name;
    bool (*is)(const json_t *value);
    const char *what;
} options[] = {
    {"task_id", is_id, "no text of 1 to 255 bytes"},
    {"root_id", is_name, "no text of at most 255 bytes"},
    {"parent_id", is_name, "no text of at most 255 bytes"},
    {"group_id", is_name, "no text of at most 255 bytes"},
    {"reply_to", is_reply_queue, "no name of a queue that can be replied to, at most 255 bytes"},
    {"queue", is_name, "no name of a queue"},
    {"exchange", is_exchange, "no name of an exchange, at most 150 bytes"},
    {"routing_key", is_name, "no text of at most 255 bytes"},
    {"shadow", is_name, "no text of at most 255 bytes"},
    {"priority", is_priority, "no number from 0 to 255"},
    {"countdown", is_seconds, "no number of seconds"},
    {"eta", is_eta, "no ISO 8601 time"},
    {"expires", is_expires, "neither seconds nor an ISO 8601 time"},
    {"retries", is_count, "no count"},
    {"group_index", is_count, "no count"},
    {"time_limit", is_limit, "no number of seconds"},
    {"soft_time_limit", is_limit, "no number of seconds"},
    {"ignore_result", is_flag, "neither true nor false"},
    {"serializer", is_serializer, "neither json nor msgpack"},
    {"delivery_mode", is_delivery_mode, "neither 1, 2, transient nor persistent"},
    {"headers", is_headers, "no map"},
    {"stamped_headers", is_names, "no list of names"},
};

/* --- the walk --------------------------------------------------------------------------------- */

static bool check_signature(struct walk *w, const json_t *sig);

/* null, one signature or a list of them. */
static bool check_signatures(struct walk *w, const char *where, const json_t *sigs)
{
    if (!sigs || json_is_null(sigs))
        return true;
    if (json_is_object(sigs))
        return check_signature(w, sigs) || in_place(w->e, where, SIZE_MAX);
    if (!json_is_array(sigs))
        return refuse(w->e, where, "no list of signatures");
    for (size_t i = 0; i < json_array_size(sigs); i++)
        if (!check_signature(w, json_array_get(sigs, i)))
            return in_place(w->e, where, i);
    return true;
}

static bool check_options(struct walk *w, const json_t *sig)
{
    static const char *const linked[] = {"link", "link_error", "chain", "chord"};
    const json_t *given = signature_value(sig, "options");
    if (given && !json_is_object(given))
        return refuse(w->e, "options", "no map");
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const json_t *value = signature_value(given, options[i].name);
        if (value && !options[i].is(value))
            return refuse(w->e, options[i].name, options[i].what);
    }
    for (size_t i = 0; i < ARRAY_LEN(linked); i++)
        if (!check_signatures(w, linked[i], json_object_get(given, linked[i])))
            return false;
    return true;
}

static bool check_members(struct walk *w, const json_t *sig)
{
    const json_t *kwargs = json_object_get(sig, "kwargs"), *members = signature_members(sig);
    if (signature_kind(sig) == SIGNATURE_TASK)
        return true;
    if (signature_kind(sig) == SIGNATURE_CHORD)
        return check_signatures(w, "header", members) &&
               check_signatures(w, "body", json_object_get(kwargs, "body"));
    if (!json_is_array(members))
        return refuse(w->e, "tasks", "no list");
    return check_signatures(w, "tasks", members);
}

static bool check_shape(struct walk *w, const json_t *sig)
{
    const json_t *args = signature_value(sig, "args"), *kwargs = signature_value(sig, "kwargs");
    const json_t *immutable = signature_value(sig, "immutable");
    if (!is_id(json_object_get(sig, "task")))
        return refuse(w->e, "task", "no name of 1 to 255 bytes");
    if (args && !json_is_array(args))
        return refuse(w->e, "args", "no list");
    if (kwargs && !json_is_object(kwargs))
        return refuse(w->e, "kwargs", "no map");
    if (immutable && !json_is_boolean(immutable))
        return refuse(w->e, "immutable", "neither true nor false");
    if (signature_kind(sig) == SIGNATURE_UNKNOWN)
        return refuse(w->e, "subtask_type", "no type that Celery has");
    return true;
}

static bool check_signature(struct walk *w, const json_t *sig)
{
    if (!json_is_object(sig))
        return err_set(w->e, ERR_REJECT, "bad_signature", "no map");
    if (++w->count > SIGNATURE_MAX_COUNT)
        return err_set(w->e, ERR_REJECT, "too_large", "more than %d signatures",
                       SIGNATURE_MAX_COUNT);
    if (w->depth >= SIGNATURE_MAX_DEPTH)
        return err_set(w->e, ERR_REJECT, "too_deep", "signatures nested deeper than %d",
                       SIGNATURE_MAX_DEPTH);
    w->depth++;
    bool ok = check_shape(w, sig) && check_options(w, sig) && check_members(w, sig);
    w->depth--;
    return ok;
}

bool signature_check(const json_t *embed, struct err *e)
{
    static const char *const steps[] = {"callbacks", "errbacks", "chain"};
    struct walk w = {.e = e};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        const json_t *sigs = signature_value(embed, steps[i]);
        if (sigs && !json_is_array(sigs))
            return refuse(e, steps[i], "no list");
        if (!check_signatures(&w, steps[i], sigs))
            return in_place(e, "body", SIZE_MAX);
    }
    const json_t *chord = signature_value(embed, "chord");
    return !chord || json_is_object(chord) || refuse(e, "body: chord", "no map");
}

bool signature_has_callbacks(const json_t *embed)
{
    return json_array_size(json_object_get(embed, "callbacks")) > 0 ||
           json_array_size(json_object_get(embed, "chain")) > 0 || signature_value(embed, "chord");
}

const char *signature_chord(const json_t *embed)
{
    const json_t *chord = signature_value(embed, "chord");
    const char *id = json_string_value(signature_option(chord, "task_id"));
    return !chord ? NULL : id ? id : "";
}
