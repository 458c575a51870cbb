/* application/json by jansson: limits checked over the bytes first, Celery's extended types after.
 */
#include "common/celery/codec.h"

#include <stdio.h>
#include <string.h>

#include "common/celery/extended_type.h"

/* Where a value of the text may begin, without looking at whether the text is right: that is
 * jansson's to say. What matters is that no tree larger or deeper than this is ever built. */
static bool check_limits(const char *bytes, size_t len, const struct codec_limits *limits,
                         struct err *e)
{
    size_t depth = 0, values = 1;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        in_string = c == '"';
        if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        values += c == '[' || c == '{' || c == ',' || c == ':';
        if (depth > limits->max_depth)
            return err_set(e, ERR_REJECT, "too_deep", "nested deeper than %zu at offset %zu",
                           limits->max_depth, i);
        if (values > limits->max_values)
            return err_set(e, ERR_REJECT, "too_large", "more than %zu values at offset %zu",
                           limits->max_values, i);
    }
    return true;
}

/* jansson quotes the text around the place, which may hold anything: only the place is told. Of
 * memory that ran out it mostly says nothing; inside a string it calls the string wrong, and
 * then the message is refused: it is in the dead-letter queue, to be replayed. */
static bool json_failure(const json_error_t *error, struct err *e)
{
    enum json_error_code code = json_error_code(error);
    if (!*error->text || code == json_error_out_of_memory)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a JSON body");
    const char *near = strstr(error->text, " near '");
    int shown = near ? (int)(near - error->text) : (int)strlen(error->text);
    return err_set(e, ERR_REJECT, code == json_error_stack_overflow ? "too_deep" : "bad_body",
                   "not JSON at line %d column %d (after %d bytes): %.*s", error->line,
                   error->column, error->position, shown, error->text);
}

static bool decode(const char *bytes, size_t len, const struct codec_limits *limits,
                   json_t **ret_value, struct err *e)
{
    json_error_t error = {0};
    if (!check_limits(bytes, len, limits, e))
        return false;
    json_t *value = json_loadb(len ? bytes : "", len, JSON_DECODE_ANY, &error);
    if (!value)
        return json_failure(&error, e);
    if (!extended_type_check(value, e)) {
        json_decref(value);
        return false;
    }
    *ret_value = value;
    return true;
}

struct sink {
    struct buf *out;
    struct err *e;
};

static int append(const char *bytes, size_t len, void *data)
{
    struct sink *sink = data;
    return buf_append(sink->out, bytes, len, sink->e) ? 0 : -1;
}

static bool encode(const json_t *value, struct buf *out, struct err *e)
{
    struct err failure = {0};
    struct sink sink = {out, &failure};
    if (!extended_type_check(value, e))
        return false;
    if (json_dump_callback(value, append, &sink, JSON_ENCODE_ANY) == 0)
        return true;
    if (failure.kind == ERR_NONE) /* texts and depth are right already */
        return err_set(e, ERR_RETRY, "no_memory", "no memory to write a JSON body");
    return err_set(e, failure.kind, failure.code, "%s", failure.text);
}

const struct codec codec_json = {"json", "application/json", "utf-8", decode, encode};
