/* What the reader keeps until the end of a feed, within one budget of bytes. */
#ifndef METERBEAT_ESPI_KEEP_H
#define METERBEAT_ESPI_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct espi_budget {
    size_t used;
    size_t max;
};

/* A growing array: makes room for count + 1 items of size bytes. ERR_REJECT "too_much_kept",
 * ERR_RETRY "no_memory". */
struct espi_array {
    void *items;
    size_t count;
    size_t cap;
};
MUST_CHECK bool espi_array_room(struct espi_array *a, size_t size, size_t more,
                                struct espi_budget *budget, struct err *e);

/* For data that callers keep per group: grows *items until there is one at index; new ones are
 * copies of *fresh. ERR_RETRY "no_memory": unchanged. */
MUST_CHECK bool espi_items_reach(void **items, size_t *count, size_t index, size_t size,
                                 const void *fresh, struct err *e);

/* A hash index of items that are stored elsewhere; holds their numbers. Seeded, so that a feed
 * cannot provoke collisions. */
struct espi_index {
    struct espi_slot *slots;
    size_t size; /* a power of two, or 0 */
    size_t used;
};
/* Whether item number `item` has the key `key`. */
typedef bool espi_same(const void *items, uint32_t item, const void *key);
/* The item's number, or -1. */
int64_t espi_index_find(const struct espi_index *x, uint64_t hash, espi_same *same,
                        const void *items, const void *key);
/* The key must not be present. Errors: as espi_array_room. */
MUST_CHECK bool espi_index_add(struct espi_index *x, uint64_t hash, uint32_t item,
                               struct espi_budget *budget, struct err *e);
/* Empties it, and releases the memory of an unusually large one. */
void espi_index_clear(struct espi_index *x, struct espi_budget *budget);
uint64_t espi_hash(uint64_t seed, const void *bytes, size_t len);

/* Distinct texts, numbered from 1; 0 stands for "none". */
struct espi_names {
    struct espi_array bytes;   /* char: the texts, each with its NUL */
    struct espi_array offsets; /* size_t: where text i + 1 begins */
    struct espi_index index;
    uint64_t seed;
};
MUST_CHECK bool espi_names_add(struct espi_names *n, const char *text, size_t len,
                               struct espi_budget *budget, uint32_t *ret_name, struct err *e);
/* 0: not there. */
uint32_t espi_names_find(const struct espi_names *n, const char *text, size_t len);
/* NULL for 0; invalidated when a name is added. */
const char *espi_names_text(const struct espi_names *n, uint32_t name);
size_t espi_names_count(const struct espi_names *n);
void espi_names_free(struct espi_names *n);

#endif
