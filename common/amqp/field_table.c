/* Message headers: AMQP's tables as JSON values and back, with a limit on depth and size. */
#include "common/amqp/field_table.h"

#include <math.h>
#include <stdlib.h>

#include "common/amqp/deep_headers.h"

#define HEADER_KEY_MAX 255
#define HEADER_DEPTH_MAX 512

/* --- AMQP to JSON -------------------------------------------------------------------------------
 */

/* Latin-1 gives every byte a character: nothing is refused for an odd custom header. */
static json_t *text_from_latin1(const unsigned char *bytes, size_t length)
{
    char *utf8 = malloc(2 * length + 1);
    if (!utf8)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < 0x80) {
            utf8[n++] = (char)bytes[i];
        } else {
            utf8[n++] = (char)(0xc0 | bytes[i] >> 6);
            utf8[n++] = (char)(0x80 | (bytes[i] & 0x3f));
        }
    }
    json_t *text = json_stringn(utf8, n);
    free(utf8);
    return text;
}

static json_t *text_from_bytes(amqp_bytes_t bytes)
{
    json_t *text = json_stringn(bytes.len ? bytes.bytes : "", bytes.len);
    return text ? text : text_from_latin1(bytes.bytes, bytes.len);
}

static json_t *number_from_u64(uint64_t value)
{
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}

static json_t *number_from_double(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *number_from_decimal(amqp_decimal_t decimal)
{
    return json_real(decimal.value / pow(10, decimal.decimals));
}

static json_t *scalar_from_field(const amqp_field_value_t *field)
{
    switch (field->kind) {
    case AMQP_FIELD_KIND_BOOLEAN:
        return json_boolean(field->value.boolean);
    case AMQP_FIELD_KIND_I8:
        return json_integer(field->value.i8);
    case AMQP_FIELD_KIND_U8:
        return json_integer(field->value.u8);
    case AMQP_FIELD_KIND_I16:
        return json_integer(field->value.i16);
    case AMQP_FIELD_KIND_U16:
        return json_integer(field->value.u16);
    case AMQP_FIELD_KIND_I32:
        return json_integer(field->value.i32);
    case AMQP_FIELD_KIND_U32:
        return json_integer(field->value.u32);
    case AMQP_FIELD_KIND_I64:
        return json_integer(field->value.i64);
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
        return number_from_u64(field->value.u64);
    case AMQP_FIELD_KIND_F32:
        return number_from_double((double)field->value.f32);
    case AMQP_FIELD_KIND_F64:
        return number_from_double(field->value.f64);
    case AMQP_FIELD_KIND_DECIMAL:
        return number_from_decimal(field->value.decimal);
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
        return text_from_bytes(field->value.bytes);
    default:
        return json_null();
    }
}

static json_t *value_from_field(const amqp_field_value_t *field, size_t depth, bool *ret_cut);

static json_t *array_from_field(const amqp_array_t *array, size_t depth, bool *ret_cut)
{
    json_t *list = json_array();
    for (int i = 0; list && i < array->num_entries; i++) {
        if (json_array_append_new(list, value_from_field(&array->entries[i], depth, ret_cut)) !=
            0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *value_from_field(const amqp_field_value_t *field, size_t depth, bool *ret_cut)
{
    bool nested = field->kind == AMQP_FIELD_KIND_TABLE || field->kind == AMQP_FIELD_KIND_ARRAY;
    if (!nested)
        return scalar_from_field(field);
    if (depth == 0) {
        *ret_cut = true;
        return json_string("(too deep)");
    }
    return field->kind == AMQP_FIELD_KIND_TABLE
               ? field_table_to_json(&field->value.table, depth - 1, ret_cut)
               : array_from_field(&field->value.array, depth - 1, ret_cut);
}

/* A short string is already UTF-8 in practice; one that is not is read as Latin-1, like any text.
 */
static bool object_set(json_t *object, amqp_bytes_t key, json_t *value)
{
    json_t *name = text_from_bytes(key);
    bool set = name && json_object_setn_new_nocheck(object, json_string_value(name),
                                                    json_string_length(name), value) == 0;
    if (!name)
        json_decref(value);
    json_decref(name);
    return set;
}

json_t *field_table_to_json(const amqp_table_t *table, size_t max_depth, bool *ret_cut)
{
    json_t *object = json_object();
    for (int i = 0; object && i < table->num_entries; i++) {
        const amqp_table_entry_t *entry = &table->entries[i];
        if (deep_headers_is_mark(entry)) {
            *ret_cut = true;
            continue;
        }
        json_t *value = value_from_field(&entry->value, max_depth, ret_cut);
        if (!object_set(object, entry->key, value)) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

/* --- JSON to AMQP -------------------------------------------------------------------------------
 */

/* What is left of the pool's and the frame's room on the way down. */
struct table_writer {
    amqp_pool_t *pool;
    size_t bytes_left;
    size_t depth_left;
    struct err *e;
};

static bool writer_take(struct table_writer *w, size_t bytes)
{
    if (bytes > w->bytes_left)
        return err_set(w->e, ERR_REJECT, "too_large", "headers longer than a frame");
    w->bytes_left -= bytes;
    return true;
}

/* Zero entries still need no memory: librabbitmq's pool answers NULL for 0 bytes. */
static void *writer_allocate(struct table_writer *w, size_t count, size_t size)
{
    void *memory = amqp_pool_alloc(w->pool, count ? count * size : size);
    if (!memory)
        (void)err_set(w->e, ERR_RETRY, "no_memory", "no memory for headers");
    return memory;
}

static bool write_integer(struct table_writer *w, json_int_t value, amqp_field_value_t *ret_field)
{
    if (value >= INT32_MIN && value <= INT32_MAX) {
        ret_field->kind = AMQP_FIELD_KIND_I32;
        ret_field->value.i32 = (int32_t)value;
        return writer_take(w, 5);
    }
    ret_field->kind = AMQP_FIELD_KIND_I64;
    ret_field->value.i64 = value;
    return writer_take(w, 9);
}

static bool write_text(struct table_writer *w, const json_t *value, amqp_field_value_t *ret_field)
{
    ret_field->kind = AMQP_FIELD_KIND_UTF8;
    ret_field->value.bytes.len = json_string_length(value);
    ret_field->value.bytes.bytes = (void *)json_string_value(value);
    return writer_take(w, 5 + json_string_length(value));
}

static bool write_table(struct table_writer *w, const json_t *object, amqp_table_t *ret_table);
static bool write_array(struct table_writer *w, const json_t *list, amqp_array_t *ret_array);

static bool write_value(struct table_writer *w, const json_t *value, amqp_field_value_t *ret_field)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        ret_field->kind = AMQP_FIELD_KIND_TABLE;
        return writer_take(w, 1) && write_table(w, value, &ret_field->value.table);
    case JSON_ARRAY:
        ret_field->kind = AMQP_FIELD_KIND_ARRAY;
        return writer_take(w, 1) && write_array(w, value, &ret_field->value.array);
    case JSON_STRING:
        return write_text(w, value, ret_field);
    case JSON_INTEGER:
        return write_integer(w, json_integer_value(value), ret_field);
    case JSON_REAL:
        ret_field->kind = AMQP_FIELD_KIND_F64;
        ret_field->value.f64 = json_real_value(value);
        return writer_take(w, 9);
    case JSON_TRUE:
    case JSON_FALSE:
        ret_field->kind = AMQP_FIELD_KIND_BOOLEAN;
        ret_field->value.boolean = json_is_true(value);
        return writer_take(w, 2);
    default:
        ret_field->kind = AMQP_FIELD_KIND_VOID;
        return writer_take(w, 1);
    }
}

static bool writer_enter(struct table_writer *w)
{
    if (w->depth_left == 0)
        return err_set(w->e, ERR_REJECT, "too_deep", "headers nested over %d deep",
                       HEADER_DEPTH_MAX);
    w->depth_left--;
    return writer_take(w, 4);
}

static bool write_array(struct table_writer *w, const json_t *list, amqp_array_t *ret_array)
{
    if (!writer_enter(w))
        return false;
    amqp_field_value_t *fields = writer_allocate(w, json_array_size(list), sizeof *fields);
    if (!fields)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!write_value(w, json_array_get(list, i), &fields[i]))
            return false;
    ret_array->num_entries = (int)json_array_size(list);
    ret_array->entries = fields;
    w->depth_left++;
    return true;
}

static bool write_key(struct table_writer *w, const char *key, size_t length, amqp_bytes_t *ret_key)
{
    if (length > HEADER_KEY_MAX)
        return err_set(w->e, ERR_REJECT, "too_large", "header name of %zu bytes", length);
    ret_key->bytes = (void *)key;
    ret_key->len = length;
    return writer_take(w, 1 + length);
}

static bool write_table(struct table_writer *w, const json_t *object, amqp_table_t *ret_table)
{
    if (!writer_enter(w))
        return false;
    amqp_table_entry_t *entries = writer_allocate(w, json_object_size(object), sizeof *entries);
    if (!entries)
        return false;
    int n = 0;
    void *at = json_object_iter((json_t *)object);
    for (; at; at = json_object_iter_next((json_t *)object, at), n++)
        if (!write_key(w, json_object_iter_key(at), json_object_iter_key_len(at),
                       &entries[n].key) ||
            !write_value(w, json_object_iter_value(at), &entries[n].value))
            return false;
    ret_table->num_entries = n;
    ret_table->entries = entries;
    w->depth_left++;
    return true;
}

bool field_table_from_json(const json_t *object, amqp_pool_t *pool, size_t max_bytes,
                           amqp_table_t *ret_table, struct err *e)
{
    struct table_writer w = {pool, max_bytes, HEADER_DEPTH_MAX, e};
    return write_table(&w, object, ret_table);
}
