/* Celery's extended JSON: {"__type__": T, "__value__": v} for what JSON has no word for. */
#include "common/celery/extended_type.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/base64.h"
#include "common/celery/codec.h"
#include "common/base/iso8601.h"

static bool is_datetime(const json_t *value)
{
    int64_t ms;
    return json_is_string(value) && iso8601_parse(json_string_value(value), &ms);
}

static bool is_time(const json_t *value)
{
    return json_is_string(value) && iso8601_is_time(json_string_value(value));
}

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* What Python's Decimal() reads, without its blanks and underscores. */
static bool is_decimal(const json_t *value)
{
    if (!json_is_string(value))
        return false;
    const char *at = json_string_value(value);
    at += *at == '+' || *at == '-';
    if (!strcasecmp(at, "inf") || !strcasecmp(at, "infinity") || !strcasecmp(at, "nan") ||
        !strcasecmp(at, "snan"))
        return true;
    size_t whole = count_digits(at), fraction = 0;
    at += whole;
    if (*at == '.') {
        fraction = count_digits(++at);
        at += fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        size_t exponent = count_digits(at);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return *at == '\0';
}

/* {"hex": 32 hexadecimal digits}, with or without dashes between them. */
static bool is_uuid(const json_t *value)
{
    const char *hex = json_string_value(json_object_get(value, "hex"));
    if (!hex || json_object_size(value) != 1)
        return false;
    size_t count = 0;
    for (; *hex; hex++) {
        if (*hex == '-')
            continue;
        if (!isxdigit((unsigned char)*hex))
            return false;
        count++;
    }
    return count == 32;
}

static bool is_text(const json_t *value)
{
    return json_is_string(value);
}

static bool is_base64(const json_t *value)
{
    size_t size;
    return json_is_string(value) &&
           base64_decoded_size(json_string_value(value), json_string_length(value), &size);
}

static const struct {
    const char *name;
    bool (*is)(const json_t *value);
} types[] = {
    {"datetime", is_datetime}, {"date", is_datetime}, {"time", is_time},
    {"decimal", is_decimal},   {"uuid", is_uuid},     {"bytes", is_text},
    {"base64", is_base64},
};

static bool check_object(const json_t *object, struct err *e)
{
    const json_t *type = json_object_get(object, "__type__");
    const json_t *value = json_object_get(object, "__value__");
    char shown[CODEC_SHOWN];
    if (json_object_size(object) != 2 || !type || !value)
        return true;
    if (!json_is_string(type))
        return err_set(e, ERR_REJECT, "bad_body", "__type__ is not a string");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].name, json_string_value(type)) != 0)
            continue;
        return types[i].is(value) ||
               err_set(e, ERR_REJECT, "bad_body", "__value__ is no %s", types[i].name);
    }
    return err_set(e, ERR_REJECT, "bad_body", "unknown __type__ \"%s\"",
                   codec_shown(json_string_value(type), shown));
}

/* Puts one step of the path before the text while there is room: the cause must stay readable. */
static bool in_place(struct err *e, const char *step)
{
    return e && strlen(e->text) < sizeof e->text / 2 ? err_wrap(e, "%s", step) : false;
}

bool extended_type_check(const json_t *tree, struct err *e)
{
    size_t i;
    const char *key;
    json_t *child;
    char shown[CODEC_SHOWN];
    json_array_foreach(tree, i, child) {
        if (extended_type_check(child, e))
            continue;
        snprintf(shown, sizeof shown, "[%zu]", i);
        return in_place(e, shown);
    }
    json_object_foreach((json_t *)tree, key, child) {
        if (!extended_type_check(child, e))
            return in_place(e, codec_shown(key, shown));
    }
    return !json_is_object(tree) || check_object(tree, e);
}

json_t *extended_type_of_bytes(const void *bytes, size_t len)
{
    char *text = base64_encode(bytes, len);
    json_t *value = text ? json_pack("{s:s, s:s}", "__type__", "base64", "__value__", text) : NULL;
    free(text);
    return value;
}

bool extended_type_is_bytes(const json_t *value, const char **ret_text, size_t *ret_len,
                            bool *ret_base64)
{
    const char *type = json_string_value(json_object_get(value, "__type__"));
    const json_t *text = json_object_get(value, "__value__");
    if (json_object_size(value) != 2 || !type || !json_is_string(text))
        return false;
    bool base64 = strcmp(type, "base64") == 0 && is_base64(text);
    if (!base64 && strcmp(type, "bytes") != 0)
        return false;
    *ret_text = json_string_value(text);
    *ret_len = json_string_length(text);
    *ret_base64 = base64;
    return true;
}
