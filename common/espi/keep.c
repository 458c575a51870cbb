/* What the reader keeps until the end: arrays, an index and texts, all paid for from one budget of
 * bytes. */
#include "common/espi/keep.h"

#include <stdlib.h>
#include <string.h>

struct espi_slot {
    uint32_t hash;
    uint32_t item; /* number + 1; 0 = free */
};

static bool budget_take(struct espi_budget *budget, size_t bytes, struct err *e)
{
    if (bytes > budget->max || budget->used > budget->max - bytes)
        return err_set(e, ERR_REJECT, "too_much_kept",
                       "more than %zu bytes of hrefs, resources and groups to keep until the end",
                       budget->max);
    budget->used += bytes;
    return true;
}

bool espi_array_room(struct espi_array *a, size_t size, size_t more, struct espi_budget *budget,
                     struct err *e)
{
    if (a->cap - a->count >= more)
        return true;
    size_t cap = a->cap ? a->cap : 16;
    while (cap - a->count < more)
        cap *= 2;
    if (!budget_take(budget, (cap - a->cap) * size, e))
        return false;
    void *items = realloc(a->items, cap * size);
    if (!items)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu bytes", cap * size);
    a->items = items;
    a->cap = cap;
    return true;
}

bool espi_items_reach(void **items, size_t *count, size_t index, size_t size, const void *fresh,
                      struct err *e)
{
    size_t more = *count ? *count : 16;
    if (index < *count)
        return true;
    while (more <= index)
        more *= 2;
    char *grown = reallocarray(*items, more, size);
    if (!grown)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to count %zu groups", more);
    for (; *count < more; ++*count)
        memcpy(grown + *count * size, fresh, size);
    *items = grown;
    return true;
}

/* --- the index -----------------------------------------------------------------------------------
 */
uint64_t espi_hash(uint64_t seed, const void *bytes, size_t len)
{
    uint64_t hash = seed ^ (len * 0x9e3779b97f4a7c15u);
    for (const unsigned char *s = bytes; len;) {
        uint64_t word = 0;
        size_t take = len < sizeof word ? len : sizeof word;
        memcpy(&word, s, take);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
        s += take;
        len -= take;
    }
    hash *= 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 29;
}

int64_t espi_index_find(const struct espi_index *x, uint64_t hash, espi_same *same,
                        const void *items, const void *key)
{
    if (!x->size)
        return -1;
    for (size_t at = hash & (x->size - 1); x->slots[at].item; at = (at + 1) & (x->size - 1))
        if (x->slots[at].hash == (uint32_t)hash && same(items, x->slots[at].item - 1, key))
            return x->slots[at].item - 1;
    return -1;
}

static void index_put(struct espi_slot *slots, size_t size, struct espi_slot slot)
{
    size_t at = slot.hash & (size - 1);
    while (slots[at].item)
        at = (at + 1) & (size - 1);
    slots[at] = slot;
}

static bool index_grow(struct espi_index *x, struct espi_budget *budget, struct err *e)
{
    size_t size = x->size ? x->size * 2 : 64;
    if (!budget_take(budget, (size - x->size) * sizeof *x->slots, e))
        return false;
    struct espi_slot *slots = calloc(size, sizeof *slots);
    if (!slots)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for an index of %zu", size);
    for (size_t i = 0; i < x->size; i++)
        if (x->slots[i].item)
            index_put(slots, size, x->slots[i]);
    free(x->slots);
    x->slots = slots;
    x->size = size;
    return true;
}

bool espi_index_add(struct espi_index *x, uint64_t hash, uint32_t item, struct espi_budget *budget,
                    struct err *e)
{
    if (x->used * 4 >= x->size * 3 && !index_grow(x, budget, e))
        return false;
    index_put(x->slots, x->size, (struct espi_slot){.hash = (uint32_t)hash, .item = item + 1});
    x->used++;
    return true;
}

#define INDEX_USUAL 1024

void espi_index_clear(struct espi_index *x, struct espi_budget *budget)
{
    if (x->size > INDEX_USUAL) {
        free(x->slots);
        budget->used -= x->size * sizeof *x->slots;
        *x = (struct espi_index){0};
    } else if (x->used) {
        memset(x->slots, 0, x->size * sizeof *x->slots);
        x->used = 0;
    }
}

/* --- texts ---------------------------------------------------------------------------------------
 */
struct name_key {
    const char *text;
    size_t len;
};

static bool name_is(const void *items, uint32_t item, const void *key)
{
    const struct espi_names *n = items;
    const struct name_key *k = key;
    const char *text = espi_names_text(n, item + 1);
    return text && !strncmp(text, k->text, k->len) && text[k->len] == '\0';
}

uint32_t espi_names_find(const struct espi_names *n, const char *text, size_t len)
{
    struct name_key key = {text, len};
    return (uint32_t)(espi_index_find(&n->index, espi_hash(n->seed, text, len), name_is, n, &key) +
                      1);
}

bool espi_names_add(struct espi_names *n, const char *text, size_t len, struct espi_budget *budget,
                    uint32_t *ret_name, struct err *e)
{
    uint32_t found = espi_names_find(n, text, len);
    if (found || !len) {
        *ret_name = found;
        return true;
    }
    if (!espi_array_room(&n->bytes, 1, len + 1, budget, e) ||
        !espi_array_room(&n->offsets, sizeof(size_t), 1, budget, e) ||
        !espi_index_add(&n->index, espi_hash(n->seed, text, len), (uint32_t)n->offsets.count,
                        budget, e))
        return false;
    char *copy = (char *)n->bytes.items + n->bytes.count;
    memcpy(copy, text, len);
    copy[len] = '\0';
    ((size_t *)n->offsets.items)[n->offsets.count++] = n->bytes.count;
    n->bytes.count += len + 1;
    *ret_name = (uint32_t)n->offsets.count;
    return true;
}

const char *espi_names_text(const struct espi_names *n, uint32_t name)
{
    if (!name)
        return NULL;
    return (const char *)n->bytes.items + ((const size_t *)n->offsets.items)[name - 1];
}

size_t espi_names_count(const struct espi_names *n)
{
    return n->offsets.count;
}

void espi_names_free(struct espi_names *n)
{
    free(n->bytes.items);
    free(n->offsets.items);
    free(n->index.slots);
    *n = (struct espi_names){.seed = n->seed};
}
