/* application/x-msgpack by msgpack-c: looked over first, bytes carried as Celery's base64 type. */
#include "common/celery/codec.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/celery/extended_type.h"
#include "common/celery/msgpack_scan.h"

/* After the scan nothing but memory can be missing. */
static json_t *read_value(const msgpack_object *o, struct err *e);

static json_t *no_memory(struct err *e)
{
    err_set(e, ERR_RETRY, "no_memory", "no memory for a msgpack body");
    return NULL;
}

/* The scan saw to it that it is UTF-8 without a NUL. */
static json_t *read_text(const msgpack_object_str *s, struct err *e)
{
    json_t *text = json_stringn_nocheck(s->size ? s->ptr : "", s->size);
    return text ? text : no_memory(e);
}

static json_t *read_array(const msgpack_object_array *a, struct err *e)
{
    json_t *array = json_array();
    if (!array)
        return no_memory(e);
    for (uint32_t i = 0; i < a->size; i++) {
        json_t *child = read_value(&a->ptr[i], e);
        if (!child || json_array_append_new(array, child) != 0) {
            json_decref(array);
            return child ? no_memory(e) : NULL;
        }
    }
    return array;
}

static bool read_pair(const msgpack_object_kv *pair, json_t *object, struct err *e)
{
    json_t *key = read_text(&pair->key.via.str, e); /* the scan saw to it that it is one */
    json_t *child = key ? read_value(&pair->val, e) : NULL;
    bool ok = child && json_object_set_new_nocheck(object, json_string_value(key), child) == 0;
    if (child && !ok)
        no_memory(e);
    json_decref(key);
    return ok;
}

static json_t *read_map(const msgpack_object_map *m, struct err *e)
{
    json_t *object = json_object();
    if (!object)
        return no_memory(e);
    for (uint32_t i = 0; i < m->size; i++) {
        if (!read_pair(&m->ptr[i], object, e)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *read_scalar(const msgpack_object *o)
{
    switch (o->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        return json_boolean(o->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return json_integer((json_int_t)o->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return json_integer(o->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return json_real(o->via.f64);
    case MSGPACK_OBJECT_BIN:
        return extended_type_of_bytes(o->via.bin.ptr, o->via.bin.size);
    default:
        return json_null();
    }
}

static json_t *read_value(const msgpack_object *o, struct err *e)
{
    if (o->type == MSGPACK_OBJECT_STR)
        return read_text(&o->via.str, e);
    if (o->type == MSGPACK_OBJECT_ARRAY)
        return read_array(&o->via.array, e);
    if (o->type == MSGPACK_OBJECT_MAP)
        return read_map(&o->via.map, e);
    json_t *value = read_scalar(o);
    return value ? value : no_memory(e);
}

static bool decode(const char *bytes, size_t len, const struct codec_limits *limits,
                   json_t **ret_value, struct err *e)
{
    if (!msgpack_scan(bytes, len, limits, e))
        return false;
    msgpack_unpacked unpacked CLEANUP(msgpack_unpacked_destroy);
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    msgpack_unpack_return result = msgpack_unpack_next(&unpacked, bytes, len, &offset);
    if (result == MSGPACK_UNPACK_NOMEM_ERROR)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a msgpack body");
    if (result != MSGPACK_UNPACK_SUCCESS)
        return err_set(e, ERR_REJECT, "bad_body", "not msgpack at offset %zu", offset);
    json_t *value = read_value(&unpacked.data, e);
    if (!value)
        return false;
    *ret_value = value;
    return true;
}

/* --- writing --------------------------------------------------------------------------------- */

struct sink {
    struct buf *out;
    struct err *e;
};

static int append(void *data, const char *bytes, size_t len)
{
    struct sink *sink = data;
    return buf_append(sink->out, bytes, len, sink->e) ? 0 : -1;
}

/* Every msgpack_pack_* returns what append returned. */
static bool write_value(msgpack_packer *p, const json_t *value, struct err *e);

static bool write_text(msgpack_packer *p, const char *text, size_t len)
{
    return msgpack_pack_str(p, len) == 0 && msgpack_pack_str_body(p, text, len) == 0;
}

static bool write_bytes(msgpack_packer *p, const char *text, size_t len, bool base64, struct err *e)
{
    if (!base64)
        return msgpack_pack_bin(p, len) == 0 && msgpack_pack_bin_body(p, text, len) == 0;
    size_t size = 0;
    if (!base64_decoded_size(text, len, &size))
        return err_set(e, ERR_REJECT, "bad_body", "not base64");
    unsigned char *bytes = malloc(size + 1);
    if (!bytes)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu bytes", size);
    base64_decode(text, len, bytes);
    bool ok = msgpack_pack_bin(p, size) == 0 && msgpack_pack_bin_body(p, bytes, size) == 0;
    free(bytes);
    return ok;
}

static bool write_object(msgpack_packer *p, const json_t *object, struct err *e)
{
    const char *key, *text;
    json_t *child;
    size_t len;
    bool base64;
    if (extended_type_is_bytes(object, &text, &len, &base64))
        return write_bytes(p, text, len, base64, e);
    if (msgpack_pack_map(p, json_object_size(object)) != 0)
        return false;
    json_object_foreach((json_t *)object, key, child) {
        if (!write_text(p, key, strlen(key)) || !write_value(p, child, e))
            return false;
    }
    return true;
}

static bool write_array(msgpack_packer *p, const json_t *array, struct err *e)
{
    size_t i;
    json_t *child;
    if (msgpack_pack_array(p, json_array_size(array)) != 0)
        return false;
    json_array_foreach(array, i, child) {
        if (!write_value(p, child, e))
            return false;
    }
    return true;
}

static bool write_value(msgpack_packer *p, const json_t *value, struct err *e)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(p, value, e);
    case JSON_ARRAY:
        return write_array(p, value, e);
    case JSON_STRING:
        return write_text(p, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return msgpack_pack_int64(p, json_integer_value(value)) == 0;
    case JSON_REAL:
        return msgpack_pack_double(p, json_real_value(value)) == 0;
    case JSON_TRUE:
        return msgpack_pack_true(p) == 0;
    case JSON_FALSE:
        return msgpack_pack_false(p) == 0;
    default:
        return msgpack_pack_nil(p) == 0;
    }
}

static bool encode(const json_t *value, struct buf *out, struct err *e)
{
    struct sink sink = {out, e};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &sink, append);
    return write_value(&packer, value, e);
}

const struct codec codec_msgpack = {"msgpack", "application/x-msgpack", "binary", decode, encode};
