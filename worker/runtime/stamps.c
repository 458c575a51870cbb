/* Stamps that revoke whatever carries them: {header: [stamp, ...]}. */
#include "worker/runtime/stamps.h"

/* Stamped headers of one message that are looked at. */
#define NAMES_MAX 32

/* A stamp or a list of them, one after the other; NULL at the end. */
static const json_t *stamp_at(const json_t *value, size_t i)
{
    if (json_is_array(value))
        return i < STAMPS_MAX ? json_array_get(value, i) : NULL;
    return i == 0 ? value : NULL;
}

static bool is_stamp(const json_t *stamp)
{
    return stamp && !json_is_array(stamp) && !json_is_object(stamp) && !json_is_null(stamp);
}

static bool has_stamp(const json_t *value, const json_t *stamp)
{
    const json_t *known;
    for (size_t i = 0; (known = stamp_at(value, i)); i++)
        if (json_equal(known, stamp))
            return true;
    return false;
}

static bool add_stamp(json_t *list, const json_t *stamp)
{
    if (!is_stamp(stamp) || has_stamp(list, stamp))
        return true;
    return json_array_size(list) < STAMPS_MAX && json_array_append(list, (json_t *)stamp) == 0;
}

static bool add_header(json_t *revoked, const char *header, const json_t *value)
{
    json_t *list = json_object_get(revoked, header);
    const json_t *stamp;
    if (!list && (json_object_size(revoked) >= STAMPS_MAX ||
                  json_object_set_new(revoked, header, list = json_array()) != 0))
        return false;
    for (size_t i = 0; (stamp = stamp_at(value, i)); i++)
        if (!add_stamp(list, stamp))
            return false;
    return true;
}

bool stamps_add(json_t *revoked, const json_t *more)
{
    const char *header;
    json_t *value;
    json_object_foreach((json_t *)more, header, value) {
        if (!add_header(revoked, header, value))
            return false;
    }
    return true;
}

json_t *stamps_common(const json_t *value, const json_t *wanted)
{
    json_t *common = NULL;
    const json_t *stamp;
    for (size_t i = 0; (stamp = stamp_at(value, i)); i++) {
        if (!is_stamp(stamp) || !has_stamp(wanted, stamp))
            continue;
        if (!common)
            common = json_array();
        if (!common || json_array_append(common, (json_t *)stamp) != 0)
            return common;
    }
    return common;
}

bool stamps_match(const json_t *revoked, const json_t *headers)
{
    const json_t *names = json_object_get(headers, "stamped_headers");
    const json_t *stamps = json_object_get(headers, "stamps");
    for (size_t i = 0; json_object_size(revoked) && i < NAMES_MAX; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        json_t *common =
            name ? stamps_common(json_object_get(stamps, name), json_object_get(revoked, name))
                 : NULL;
        json_decref(common);
        if (common)
            return true;
    }
    return false;
}
