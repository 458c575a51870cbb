/* Stands before librabbitmq's amqp_decode_table: what that refuses is read without its nested
 * entries. */
#include "common/amqp/deep_headers.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 4

static char mark[] = "(too deep)";

bool deep_headers_is_mark(const amqp_table_entry_t *entry)
{
    return entry->key.bytes == mark;
}

static size_t length_at(const unsigned char *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

/* Bytes of a value after its kind; *ret_nested for a table or an array. False: the kind is none, or
 * the value longer than what is left. */
static bool value_size(unsigned char kind, const unsigned char *value, size_t left,
                       size_t *ret_size, bool *ret_nested)
{
    static const struct {
        unsigned char kind, size;
    } fixed[] = {{'t', 1}, {'b', 1}, {'B', 1}, {'s', 2}, {'u', 2}, {'I', 4}, {'i', 4},
                 {'f', 4}, {'D', 5}, {'l', 8}, {'L', 8}, {'d', 8}, {'T', 8}, {'V', 0}};
    *ret_nested = kind == 'F' || kind == 'A';
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (fixed[i].kind == kind) {
            *ret_size = fixed[i].size;
            return *ret_size <= left;
        }
    if (!*ret_nested && kind != 'S' && kind != 'x')
        return false;
    if (left < LENGTH_BYTES)
        return false;
    *ret_size = LENGTH_BYTES + length_at(value);
    return *ret_size <= left;
}

/* Copies the entries that are not nested; false: these bytes are no table. */
static bool copy_flat(const unsigned char *from, size_t len, unsigned char *to, size_t *ret_len)
{
    *ret_len = 0;
    for (size_t at = 0; at < len;) {
        size_t head = 1 + (size_t)from[at] + 1, size; /* length, key, kind */
        bool nested;
        if (head > len - at ||
            !value_size(from[at + head - 1], from + at + head, len - at - head, &size, &nested))
            return false;
        if (!nested) {
            memcpy(to + *ret_len, from + at, head + size);
            *ret_len += head + size;
        }
        at += head + size;
    }
    return true;
}

/* The table once more with one entry behind all others: the mark. */
static int add_mark(amqp_pool_t *pool, amqp_table_t *table)
{
    size_t count = (size_t)table->num_entries;
    amqp_table_entry_t *entries = amqp_pool_alloc(pool, (count + 1) * sizeof *entries);
    if (!entries)
        return AMQP_STATUS_NO_MEMORY;
    if (count)
        memcpy(entries, table->entries, count * sizeof *entries);
    entries[count] = (amqp_table_entry_t){.key = {.len = sizeof mark - 1, .bytes = mark},
                                          .value = {.kind = AMQP_FIELD_KIND_VOID}};
    *table = (amqp_table_t){.num_entries = table->num_entries + 1, .entries = entries};
    return AMQP_STATUS_OK;
}

typedef int decode_table(amqp_bytes_t encoded, amqp_pool_t *pool, amqp_table_t *output,
                         size_t *offset);

/* ISO C has no cast between a pointer to data and one to a function. */
static decode_table *librabbitmqs(void)
{
    static _Thread_local decode_table *found;
    void *symbol = NULL;
    if (!found && (symbol = dlsym(RTLD_NEXT, "amqp_decode_table")))
        memcpy(&found, &symbol, sizeof found);
    return found;
}

static int decode_flat(amqp_bytes_t encoded, amqp_pool_t *pool, amqp_table_t *output,
                       size_t *offset, int refusal)
{
    size_t left = encoded.len - *offset, len;
    const unsigned char *bytes = (const unsigned char *)encoded.bytes + *offset;
    if (left < LENGTH_BYTES || (len = length_at(bytes)) > left - LENGTH_BYTES)
        return refusal;
    amqp_bytes_t flat;
    amqp_pool_alloc_bytes(pool, LENGTH_BYTES + len, &flat);
    if (!flat.bytes)
        return AMQP_STATUS_NO_MEMORY;
    unsigned char *copy = flat.bytes;
    size_t kept, read = 0;
    if (!copy_flat(bytes + LENGTH_BYTES, len, copy + LENGTH_BYTES, &kept) || kept == len)
        return refusal;
    for (int i = 0; i < LENGTH_BYTES; i++)
        copy[i] = (unsigned char)(kept >> (8 * (LENGTH_BYTES - 1 - i)));
    flat.len = LENGTH_BYTES + kept;
    int status = librabbitmqs()(flat, pool, output, &read);
    if (status != AMQP_STATUS_OK)
        return status;
    *offset += LENGTH_BYTES + len;
    return add_mark(pool, output);
}

int amqp_decode_table(amqp_bytes_t encoded, amqp_pool_t *pool, amqp_table_t *output, size_t *offset)
{
    size_t begin = *offset;
    if (!librabbitmqs())
        return AMQP_STATUS_UNSUPPORTED;
    int status = librabbitmqs()(encoded, pool, output, offset);
    if (status == AMQP_STATUS_OK || status == AMQP_STATUS_NO_MEMORY || begin > encoded.len)
        return status;
    *offset = begin;
    return decode_flat(encoded, pool, output, offset, status);
}
