/* What follows a task: signatures made into messages, as Celery's worker makes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/uuid.h"
#include "common/celery/canvas_internal.h"

struct builder {
    const struct task_message *parent;
    const char *origin;
    int64_t now_ms;
    struct callbacks *out;
    size_t room, forsaken_room;
    size_t ids; /* made so far: the place in the made-up ones */
    char kind;  /* of what follows: success or failure */
    struct err *e;
};

static void decref_at(json_t **value)
{
    json_decref(*value);
}
#define OWNED CLEANUP(decref_at)

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory for a follow-up message");
}

/* --- options ---------------------------------------------------------------------------------- */

/* Celery keeps these of the signature's own whatever is laid over it. */
static bool is_kept(const json_t *own, const char *name)
{
    const json_t *stamps = json_object_get(own, "stamped_headers");
    if (!json_object_get(own, name))
        return false;
    if (strcmp(name, "group_id") == 0 || strcmp(name, "stamped_headers") == 0)
        return true;
    for (size_t i = 0; i < json_array_size(stamps); i++)
        if (strcmp(json_string_value(json_array_get(stamps, i)), name) == 0)
            return true;
    return false;
}

/* The signature's options with `over` laid over them; a new object, NULL: no memory. */
static json_t *merge_options(const json_t *sig, const json_t *over)
{
    const json_t *given = signature_value(sig, "options");
    json_t *made = given ? json_copy((json_t *)given) : json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)over, name, value) {
        if (!made || json_is_null(value) || is_kept(made, name))
            continue;
        if (json_object_set(made, name, value) != 0) {
            json_decref(made);
            return NULL;
        }
    }
    return made;
}

/* The same signature with other options; takes over options. */
static json_t *with_options(const json_t *sig, json_t *options)
{
    json_t *made = options ? json_copy((json_t *)sig) : NULL;
    if (made && json_object_set_new(made, "options", options) == 0)
        return made;
    if (!made)
        json_decref(options);
    json_decref(made);
    return NULL;
}

static bool set_missing(json_t *options, const char *name, json_t *value)
{
    if (!value || signature_value(options, name)) {
        json_decref(value);
        return true;
    }
    return json_object_set_new(options, name, value) == 0;
}

/* Appends one signature or a list of them to a list option. */
static bool extend_option(json_t *options, const char *name, const json_t *more)
{
    const json_t *own = signature_value(options, name);
    if (!more)
        return true;
    json_t *list OWNED = json_is_array(own) ? json_copy((json_t *)own) : json_array();
    bool ok = list && (!json_is_object(own) || json_array_append(list, (json_t *)own) == 0);
    ok = ok && (json_is_array(more) ? json_array_extend(list, (json_t *)more)
                                    : json_array_append(list, (json_t *)more)) == 0;
    return ok && json_object_set(options, name, list) == 0;
}

/* The same id each time for the same place after the same parent. */
static void make_id(struct builder *b, char id[UUID_TEXT])
{
    char parent[UUID_TEXT], name[2 * UUID_TEXT + 32];
    uuid5_of_name(b->parent->id, parent);
    snprintf(name, sizeof name, "follow/%s/%c/%zu", parent, b->kind, b->ids++);
    uuid5_of_name(name, id);
}

static json_t *new_id(struct builder *b)
{
    char id[UUID_TEXT];
    make_id(b, id);
    return json_string(id);
}

static const char *root_of(const struct task_message *m)
{
    return m->root_id ? m->root_id : m->id;
}

/* --- one task --------------------------------------------------------------------------------- */

static char *copy_text(const json_t *value, bool *ok)
{
    const char *text = json_string_value(value);
    char *made = text && *text ? strdup(text) : NULL;
    *ok = *ok && (made || !text || !*text);
    return made;
}

static int64_t milliseconds(const json_t *seconds)
{
    return (int64_t)(json_number_value(seconds) * 1000);
}

static int64_t time_of(const json_t *value, int64_t now_ms)
{
    int64_t ms = 0;
    if (json_is_number(value))
        ms = now_ms + milliseconds(value);
    else if (value && !signature_time(value, &ms))
        return 0; /* checked before: not reached */
    return value && ms == 0 ? 1 : ms;
}

static json_t *list_of(const json_t *value)
{
    if (json_is_object(value))
        return json_pack("[O]", value);
    return json_array_size(value) ? json_incref((json_t *)value) : json_null();
}

static json_t *embed_of(const json_t *options)
{
    return json_pack(
        "{s:o, s:o, s:o, s:O?}", "callbacks", list_of(signature_value(options, "link")), "errbacks",
        list_of(signature_value(options, "link_error")), "chain",
        list_of(signature_value(options, "chain")), "chord", signature_value(options, "chord"));
}

static bool add_stamps(const json_t *options, json_t *headers)
{
    const json_t *names = signature_value(options, "stamped_headers");
    json_t *stamps OWNED = json_object();
    if (!names)
        return true;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        json_t *value = json_object_get(options, name);
        if (value && json_object_set(stamps, name, value) != 0)
            return false;
    }
    return stamps && json_object_set(headers, "stamps", stamps) == 0 &&
           json_object_set(headers, "stamped_headers", (json_t *)names) == 0;
}

/* Custom headers, and what task_message_encode takes from there. */
static json_t *headers_of(const json_t *options)
{
    static const char *const carried[] = {"shadow", "group_index", "replaced_task_nesting",
                                          "ignore_result"};
    const json_t *custom = signature_value(options, "headers");
    json_t *headers = custom ? json_copy((json_t *)custom) : json_object();
    bool ok = headers != NULL;
    for (size_t i = 0; ok && i < ARRAY_LEN(carried); i++) {
        const json_t *value = signature_value(options, carried[i]);
        ok = !value || json_object_set(headers, carried[i], (json_t *)value) == 0;
    }
    if (ok && add_stamps(options, headers))
        return headers;
    json_decref(headers);
    return NULL;
}

static json_t *args_of(const json_t *sig, const json_t *prepend)
{
    const json_t *own = signature_value(sig, "args");
    if (json_is_true(json_object_get(sig, "immutable")))
        prepend = NULL;
    json_t *args = prepend ? json_copy((json_t *)prepend) : json_array();
    if (args && own && json_array_extend(args, (json_t *)own) != 0) {
        json_decref(args);
        return NULL;
    }
    return args;
}

static bool fill_message(struct builder *b, const json_t *sig, const json_t *options,
                         const json_t *prepend, struct task_message *m)
{
    const json_t *kwargs = signature_value(sig, "kwargs");
    const json_t *countdown = signature_value(options, "countdown");
    const json_t *priority = signature_value(options, "priority");
    bool ok = true;
    *m = (struct task_message){
        .id = copy_text(json_object_get(options, "task_id"), &ok),
        .task = copy_text(json_object_get(sig, "task"), &ok),
        .root_id = copy_text(signature_value(options, "root_id"), &ok),
        .parent_id = copy_text(signature_value(options, "parent_id"), &ok),
        .group_id = copy_text(signature_value(options, "group_id"), &ok),
        .reply_to = copy_text(signature_value(options, "reply_to"), &ok),
        .origin = b->origin ? strdup(b->origin) : NULL,
        .args = args_of(sig, prepend),
        .kwargs = kwargs ? json_incref((json_t *)kwargs) : json_object(),
        .embed = embed_of(options),
        .headers = headers_of(options),
        .eta_ms =
            time_of(json_number_value(countdown) != 0 ? countdown : signature_value(options, "eta"),
                    b->now_ms),
        .expires_ms = time_of(signature_value(options, "expires"), b->now_ms),
        .retries = json_integer_value(signature_value(options, "retries")),
        .soft_limit_ms = milliseconds(signature_value(options, "soft_time_limit")),
        .hard_limit_ms = milliseconds(signature_value(options, "time_limit")),
        .priority = priority ? (int)json_integer_value(priority) : -1,
        .ignore_result = json_is_true(signature_value(options, "ignore_result")),
        .protocol = 2,
    };
    return (ok && m->args && m->kwargs && m->embed && m->headers) || no_memory(b->e);
}

/* A routing key alone means nothing to Celery; with an exchange it is the key there. */
static bool fill_route(struct builder *b, const json_t *options, struct callback *f)
{
    const json_t *mode = signature_value(options, "delivery_mode");
    const char *serializer = json_string_value(signature_value(options, "serializer"));
    bool ok = true;
    f->exchange = copy_text(signature_value(options, "exchange"), &ok);
    f->routing_key = copy_text(signature_value(options, "routing_key"), &ok);
    f->queue = copy_text(signature_value(options, "queue"), &ok);
    f->serializer = serializer && strcmp(serializer, "msgpack") == 0 ? "msgpack" : "json";
    f->transient = json_integer_value(mode) == 1 ||
                   (json_is_string(mode) && strcmp(json_string_value(mode), "transient") == 0);
    return ok || no_memory(b->e);
}

static void callback_free(struct callback *f)
{
    task_message_free(&f->message);
    free(f->queue);
    free(f->exchange);
    free(f->routing_key);
}

/* One more element, zeroed; NULL: no memory. */
static void *grow(void *items, size_t count, size_t size, size_t *room)
{
    if (count < *room)
        return items;
    size_t more = *room ? 2 * *room : 4;
    void *grown = realloc(items, more * size);
    if (grown)
        *room = more;
    return grown;
}

/* options: the signature's with everything laid over them. */
static bool add_task(struct builder *b, const json_t *sig, json_t *options, const json_t *prepend,
                     json_t **ret_child)
{
    struct callbacks *out = b->out;
    struct callback f = {.transient = false};
    if (!options || !set_missing(options, "task_id", new_id(b)))
        return no_memory(b->e);
    struct callback *items = grow(out->items, out->count, sizeof *items, &b->room);
    if (items)
        out->items = items;
    if (!items || !fill_message(b, sig, options, prepend, &f.message) ||
        !fill_route(b, options, &f)) {
        callback_free(&f);
        return no_memory(b->e);
    }
    out->items[out->count++] = f;
    *ret_child = result_child(f.message.id, NULL);
    return *ret_child || no_memory(b->e);
}

/* --- what will never be sent ------------------------------------------------------------------ */

static bool forsake(struct builder *b, const json_t *sig);

static bool forsake_all(struct builder *b, const json_t *sigs)
{
    if (json_is_object(sigs))
        return forsake(b, sigs);
    for (size_t i = 0; i < json_array_size(sigs); i++)
        if (!forsake(b, json_array_get(sigs, i)))
            return false;
    return true;
}

static bool forsake_task(struct builder *b, const json_t *sig)
{
    struct callbacks *out = b->out;
    struct result_address to = {
        .task_id = json_string_value(signature_option(sig, "task_id")),
        .reply_to = json_string_value(signature_option(sig, "reply_to")),
        .group_id = json_string_value(signature_option(sig, "group_id")),
        .parent_id = json_string_value(signature_option(sig, "parent_id")),
    };
    /* what many chords are followed by would be told many times: once is enough */
    if (!to.task_id || !to.reply_to || !*to.reply_to ||
        json_is_true(signature_option(sig, "ignore_result")) ||
        out->forsaken_count >= SIGNATURE_MAX_COUNT)
        return true;
    struct result_address *items =
        grow(out->forsaken, out->forsaken_count, sizeof *items, &b->forsaken_room);
    if (!items)
        return no_memory(b->e);
    out->forsaken = items;
    out->forsaken[out->forsaken_count++] = to;
    return true;
}

/* As deep as signature_check let it be. */
static bool forsake(struct builder *b, const json_t *sig)
{
    enum signature_kind kind = signature_kind(sig);
    bool ok =
        kind == SIGNATURE_TASK ? forsake_task(b, sig) : forsake_all(b, signature_members(sig));
    if (ok && kind == SIGNATURE_CHORD)
        ok = forsake_all(b, signature_value(json_object_get(sig, "kwargs"), "body"));
    return ok && forsake_all(b, signature_option(sig, "chain"));
}

/* --- signatures of signatures ----------------------------------------------------------------- */

static bool add_any(struct builder *b, const json_t *sig, const json_t *over, const json_t *prepend,
                    json_t **ret_child);

/* A group of one is that one. */
static const json_t *unrolled(const json_t *sig)
{
    while (signature_kind(sig) == SIGNATURE_GROUP && json_array_size(signature_members(sig)) == 1)
        sig = json_array_get(signature_members(sig), 0);
    return sig;
}

/* The steps of a chain in their order, chains within it spliced in, empty groups left out. */
static bool flatten(const json_t *tasks, json_t *steps)
{
    for (size_t i = 0; i < json_array_size(tasks); i++) {
        const json_t *sig = unrolled(json_array_get(tasks, i));
        enum signature_kind kind = signature_kind(sig);
        bool empty = kind == SIGNATURE_GROUP && json_array_size(signature_members(sig)) == 0;
        bool ok = kind == SIGNATURE_CHAIN ? flatten(signature_members(sig), steps)
                                          : empty || json_array_append(steps, (json_t *)sig) == 0;
        if (!ok)
            return false;
    }
    return true;
}

/* What follows a group waits for all of it: a chord with the rest as its body. */
static bool make_chords(json_t *steps)
{
    for (size_t i = json_array_size(steps); i-- > 1;) {
        json_t *before = json_array_get(steps, i - 1);
        if (signature_kind(before) != SIGNATURE_GROUP)
            continue;
        json_t *chord =
            json_pack("{s:s, s:[], s:{s:{}, s:O, s:O}, s:{}, s:s, s:b}", "task", "celery.chord",
                      "args", "kwargs", "kwargs", "header", signature_members(before), "body",
                      json_array_get(steps, i), "options", "subtask_type", "chord", "immutable", 0);
        if (!chord || json_array_set_new(steps, i - 1, chord) != 0 ||
            json_array_remove(steps, i) != 0)
            return false;
    }
    return true;
}

/* A step on its way in a chain: an id, the root, the chain's own errbacks; the last one stands for
 * the chain. */
static json_t *prepared_step(struct builder *b, const json_t *sig, const json_t *chain, bool last)
{
    static const char *const of_last[] = {"task_id", "group_id"};
    json_t *options = merge_options(sig, NULL);
    bool ok =
        options && json_object_set_new(options, "root_id", json_string(root_of(b->parent))) == 0;
    for (size_t i = 0; ok && last && i < ARRAY_LEN(of_last); i++) {
        json_t *value = (json_t *)signature_value(chain, of_last[i]);
        ok = set_missing(options, of_last[i], json_incref(value));
    }
    ok = ok && (signature_kind(sig) != SIGNATURE_TASK || signature_value(options, "task_id") ||
                json_object_set_new(options, "task_id", new_id(b)) == 0);
    const json_t *chord = signature_value(chain, "chord");
    const json_t *index = signature_value(chain, "group_index");
    if (ok && last && chord)
        ok = json_object_set(options, "chord", (json_t *)chord) == 0;
    if (ok && last && index)
        ok = json_object_set(options, "group_index", (json_t *)index) == 0;
    ok = ok && extend_option(options, "link_error", signature_value(chain, "link_error")) &&
         (!last || extend_option(options, "link", signature_value(chain, "link")));
    if (ok)
        return with_options(sig, options);
    json_decref(options);
    return NULL;
}

/* The steps after the first, last one first, before what the chain itself is followed by. */
static json_t *rest_of(struct builder *b, const json_t *steps, const json_t *options)
{
    const json_t *after = signature_value(options, "chain");
    json_t *rest = after ? json_copy((json_t *)after) : json_array();
    for (size_t i = json_array_size(steps); rest && i-- > 1;) {
        json_t *step =
            prepared_step(b, json_array_get(steps, i), options, i + 1 == json_array_size(steps));
        if (json_array_append_new(rest, step) != 0) {
            json_decref(rest);
            return NULL;
        }
    }
    return rest;
}

/* What a chain's options say of its first task: all but what belongs to the last or to all. */
static json_t *over_first(struct builder *b, const json_t *options, json_t *rest)
{
    static const char *const others[] = {"task_id", "group_id", "group_index",
                                         "chord",   "link",     "link_error"};
    json_t *over = json_copy((json_t *)options);
    for (size_t i = 0; over && i < ARRAY_LEN(others); i++)
        json_object_del(over, others[i]);
    if (over && json_object_set(over, "chain", rest) == 0 &&
        json_object_set_new(over, "parent_id", json_string(b->parent->id)) == 0)
        return over;
    json_decref(over);
    return NULL;
}

static bool forsake_chord(struct builder *b, const json_t *steps, const json_t *options)
{
    b->out->has_chord = true;
    return forsake_all(b, steps) && forsake_all(b, signature_value(options, "chain"));
}

/* In a group a chain is known by its last task, whose parents the others are; else by its first. */
static bool name_child(struct builder *b, const json_t *rest, const json_t *options, json_t **child)
{
    size_t last = json_array_size(signature_value(options, "chain"));
    if (!signature_value(options, "group_index"))
        return true;
    for (size_t i = json_array_size(rest); *child && i-- > last;) {
        const json_t *id = signature_option(json_array_get(rest, i), "task_id");
        if (id)
            *child = json_pack("[[O, o], n]", id, *child);
    }
    return *child || no_memory(b->e);
}

static bool add_chain(struct builder *b, const json_t *sig, const json_t *over,
                      const json_t *prepend, json_t **ret_child)
{
    json_t *options OWNED = merge_options(sig, over), *steps OWNED = json_array();
    if (!options || !steps || !flatten(signature_members(sig), steps) || !make_chords(steps))
        return no_memory(b->e);
    const json_t *first = json_array_get(steps, 0);
    if (!first)
        return true;
    if (signature_kind(first) == SIGNATURE_CHORD)
        return forsake_chord(b, steps, options);
    json_t *args OWNED = args_of(sig, prepend);
    json_t *head OWNED = prepared_step(b, first, options, json_array_size(steps) == 1);
    json_t *rest OWNED = rest_of(b, steps, options);
    json_t *over_head OWNED = rest ? over_first(b, options, rest) : NULL;
    if (!args || !head || !over_head)
        return no_memory(b->e);
    return add_any(b, head, over_head, args, ret_child) &&
           (json_array_size(steps) == 1 || name_child(b, rest, options, ret_child));
}

/* A member as Celery freezes one; its own id and group win. */
static json_t *prepared_member(const json_t *sig, const json_t *over, const char *group_id,
                               size_t index)
{
    json_t *options = merge_options(sig, NULL);
    json_t *root = (json_t *)signature_value(over, "root_id");
    if (options && (!root || json_object_set(options, "root_id", root) == 0) &&
        set_missing(options, "group_id", json_string(group_id)) &&
        json_object_set_new(options, "group_index", json_integer((json_int_t)index)) == 0)
        return with_options(sig, options);
    json_decref(options);
    return NULL;
}

/* Groups within a group are opened, as deep as signature_check let them be. */
static bool add_members(struct builder *b, const json_t *tasks, const json_t *over,
                        const char *group_id, const json_t *prepend, json_t *children)
{
    for (size_t i = 0; i < json_array_size(tasks); i++) {
        const json_t *sig = json_array_get(tasks, i);
        json_t *child = NULL;
        if (signature_kind(sig) == SIGNATURE_GROUP) {
            if (!add_members(b, signature_members(sig), over, group_id, prepend, children))
                return false;
            continue;
        }
        json_t *member OWNED = prepared_member(sig, over, group_id, i);
        if (!member)
            return no_memory(b->e);
        if (!add_any(b, member, over, prepend, &child) ||
            (child && json_array_append_new(children, child) != 0))
            return no_memory(b->e);
    }
    return true;
}

static bool add_group(struct builder *b, const json_t *sig, const json_t *over,
                      const json_t *prepend, json_t **ret_child)
{
    char id[UUID_TEXT];
    json_t *options OWNED = merge_options(sig, over), *children OWNED = json_array();
    if (!options || !children)
        return no_memory(b->e);
    json_t *given OWNED = json_incref((json_t *)signature_value(options, "task_id"));
    if (!given)
        make_id(b, id);
    const char *group_id = given ? json_string_value(given) : id;
    json_object_del(options, "task_id"); /* or all its members would have it */
    json_object_del(options, "group_index");
    if (json_object_set_new(options, "group_id", json_string(group_id)) != 0 ||
        !add_members(b, signature_members(sig), options, group_id, prepend, children))
        return no_memory(b->e);
    *ret_child = json_array_size(children) ? result_child(group_id, children) : NULL;
    return *ret_child || !json_array_size(children) || no_memory(b->e);
}

/* *ret_child: what it is to the parent's result; stays NULL when nothing is sent. */
static bool add_any(struct builder *b, const json_t *sig, const json_t *over, const json_t *prepend,
                    json_t **ret_child)
{
    switch (signature_kind(sig)) {
    case SIGNATURE_GROUP:
        return add_group(b, sig, over, prepend, ret_child);
    case SIGNATURE_CHAIN:
        return add_chain(b, sig, over, prepend, ret_child);
    case SIGNATURE_CHORD:
        b->out->has_chord = true;
        return forsake(b, sig) && forsake_all(b, signature_value(over, "chain"));
    default:
        break;
    }
    json_t *options OWNED = merge_options(sig, over);
    return add_task(b, sig, options, prepend, ret_child);
}

/* --- after a task ----------------------------------------------------------------------------- */

static bool add_child(struct builder *b, const json_t *sig, const json_t *over,
                      const json_t *prepend)
{
    json_t *child = NULL;
    return add_any(b, sig, over, prepend, &child) &&
           (!child || json_array_append_new(b->out->children, child) == 0 || no_memory(b->e));
}

/* What Celery sends together it sends as a group. */
static bool add_as_group(struct builder *b, json_t *sigs, const json_t *over, const json_t *prepend)
{
    json_t *group OWNED = json_pack("{s:s, s:{s:O}, s:s}", "task", "celery.group", "kwargs",
                                    "tasks", sigs, "subtask_type", "group");
    return group ? add_child(b, group, over, prepend) : no_memory(b->e);
}

/* One by itself; of several the groups first, each by itself, then the others together. */
static bool add_callbacks(struct builder *b, const json_t *sigs, const json_t *over,
                          const json_t *prepend)
{
    json_t *others OWNED = json_array();
    if (json_array_size(sigs) == 1)
        return add_child(b, json_array_get(sigs, 0), over, prepend);
    for (size_t i = 0; i < json_array_size(sigs); i++) {
        const json_t *sig = json_array_get(sigs, i);
        if (signature_kind(sig) == SIGNATURE_GROUP) {
            if (!add_child(b, sig, over, prepend))
                return false;
        } else if (json_array_append(others, (json_t *)sig) != 0) {
            return no_memory(b->e);
        }
    }
    return json_array_size(others) == 0 || add_as_group(b, others, over, prepend);
}

/* The chain is stored last step first. */
static bool add_next(struct builder *b, const json_t *chain, const json_t *over,
                     const json_t *prepend)
{
    size_t count = json_array_size(chain);
    if (!count)
        return true;
    json_t *rest OWNED = json_copy((json_t *)chain), *with_rest OWNED = json_copy((json_t *)over);
    if (!rest || !with_rest || json_array_remove(rest, count - 1) != 0 ||
        json_object_set(with_rest, "chain", rest) != 0)
        return no_memory(b->e);
    return add_child(b, json_array_get(chain, count - 1), with_rest, prepend);
}

static json_t *family_of(const struct task_message *m)
{
    return json_pack("{s:s, s:s}", "parent_id", m->id, "root_id", root_of(m));
}

static bool finish(bool ok, struct callbacks *out, struct callbacks *ret)
{
    if (ok)
        *ret = *out;
    else
        callbacks_free(out);
    return ok;
}

bool signature_succeeded(const struct task_message *m, const json_t *result, const char *origin,
                         int64_t now_ms, struct callbacks *ret, struct err *e)
{
    struct callbacks out = {.children = json_array()};
    struct builder b = {
        .parent = m, .origin = origin, .now_ms = now_ms, .out = &out, .kind = 's', .e = e};
    json_t *over OWNED = family_of(m), *prepend OWNED = json_pack("[O?]", result);
    bool ok = out.children && over && prepend;
    if (!ok)
        (void)no_memory(e);
    ok = ok && add_callbacks(&b, signature_value(m->embed, "callbacks"), over, prepend) &&
         add_next(&b, signature_value(m->embed, "chain"), over, prepend);
    return finish(ok, &out, ret);
}

bool signature_failed(const struct task_message *m, const char *origin, int64_t now_ms,
                      struct callbacks *ret, struct err *e)
{
    struct callbacks out = {.children = json_array()};
    struct builder b = {
        .parent = m, .origin = origin, .now_ms = now_ms, .out = &out, .kind = 'f', .e = e};
    const json_t *errbacks = signature_value(m->embed, "errbacks");
    json_t *over OWNED = family_of(m), *prepend OWNED = json_pack("[s]", m->id);
    bool ok = out.children && over && prepend;
    if (!ok)
        (void)no_memory(e);
    ok = ok && forsake_all(&b, signature_value(m->embed, "chain")) &&
         (!json_array_size(errbacks) || add_as_group(&b, (json_t *)errbacks, over, prepend));
    return finish(ok, &out, ret);
}

bool signature_revoked(const struct task_message *m, struct callbacks *ret, struct err *e)
{
    struct callbacks out = {.children = NULL};
    struct builder b = {.parent = m, .out = &out, .e = e};
    return finish(forsake_all(&b, signature_value(m->embed, "chain")), &out, ret);
}

void callbacks_free(struct callbacks *f)
{
    for (size_t i = 0; i < f->count; i++)
        callback_free(&f->items[i]);
    free(f->items);
    free(f->forsaken);
    json_decref(f->children);
    *f = (struct callbacks){.items = NULL};
}
