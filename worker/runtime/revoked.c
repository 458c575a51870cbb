/* Ids of tasks that are not to run: a bounded set that forgets the oldest. */
#include "worker/runtime/revoked.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"

#define BUCKETS_FIRST 64

/* In one chain of the table, and in the order of age. */
struct revoked_id {
    struct revoked_id *chain;
    struct revoked_id *older, *newer;
    int64_t since_ms;
    char id[];
};

struct revoked {
    size_t most, count;
    int64_t keep_ms;
    struct revoked_id *oldest, *newest;
    struct revoked_id **buckets;
    size_t buckets_count; /* a power of two */
};

struct revoked *revoked_new(size_t most, int64_t keep_ms)
{
    struct revoked *r = calloc(1, sizeof *r);
    struct revoked_id **buckets = calloc(BUCKETS_FIRST, sizeof(struct revoked_id *));
    if (!r || !buckets) {
        free(r);
        free(buckets);
        return NULL;
    }
    *r = (struct revoked){
        .most = most, .keep_ms = keep_ms, .buckets = buckets, .buckets_count = BUCKETS_FIRST};
    return r;
}

/* --- the two orders ------------------------------------------------------------------------ */

static struct revoked_id **bucket_of(const struct revoked *r, const char *id)
{
    uint64_t hash = hash_more(HASH_START, id, strlen(id));
    return &r->buckets[(hash ^ hash >> 32) & (r->buckets_count - 1)];
}

/* Where the pointer to it is, or where it would be put. */
static struct revoked_id **find(const struct revoked *r, const char *id)
{
    struct revoked_id **at = bucket_of(r, id);
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->chain;
    return at;
}

static void unlink_age(struct revoked *r, struct revoked_id *known)
{
    *(known->older ? &known->older->newer : &r->oldest) = known->newer;
    *(known->newer ? &known->newer->older : &r->newest) = known->older;
}

static void become_newest(struct revoked *r, struct revoked_id *known, int64_t now_ms)
{
    known->since_ms = now_ms;
    known->older = r->newest;
    known->newer = NULL;
    *(r->newest ? &r->newest->newer : &r->oldest) = known;
    r->newest = known;
}

static void forget(struct revoked *r, struct revoked_id *known)
{
    *find(r, known->id) = known->chain;
    unlink_age(r, known);
    free(known);
    r->count--;
}

/* A chain stays short; without memory it only gets longer. */
static void grow(struct revoked *r)
{
    struct revoked_id **buckets = calloc(2 * r->buckets_count, sizeof(struct revoked_id *));
    if (!buckets)
        return;
    free(r->buckets);
    r->buckets = buckets;
    r->buckets_count *= 2;
    for (struct revoked_id *known = r->oldest; known; known = known->newer) {
        struct revoked_id **bucket = bucket_of(r, known->id);
        known->chain = *bucket;
        *bucket = known;
    }
}

void revoked_free(struct revoked *r)
{
    if (!r)
        return;
    while (r->oldest)
        forget(r, r->oldest);
    free(r->buckets);
    free(r);
}

/* --- the set ------------------------------------------------------------------------------- */

static bool is_over(const struct revoked *r, const struct revoked_id *known, int64_t now_ms)
{
    return now_ms - known->since_ms >= r->keep_ms;
}

static bool insert(struct revoked *r, const char *id, size_t length, int64_t now_ms)
{
    struct revoked_id *known = malloc(sizeof *known + length + 1);
    if (!known)
        return false;
    memcpy(known->id, id, length + 1);
    if (r->count >= r->most)
        forget(r, r->oldest);
    struct revoked_id **at = find(r, id);
    known->chain = NULL;
    *at = known;
    become_newest(r, known, now_ms);
    if (++r->count > r->buckets_count)
        grow(r);
    return true;
}

bool revoked_add(struct revoked *r, const char *id, int64_t now_ms, bool *ret_new)
{
    size_t length = strnlen(id, REVOKED_ID_MAX + 1);
    struct revoked_id *known = *find(r, id);
    if (length == 0 || length > REVOKED_ID_MAX)
        return false;
    if (ret_new)
        *ret_new = !known;
    if (!known)
        return insert(r, id, length, now_ms);
    unlink_age(r, known);
    become_newest(r, known, now_ms);
    return true;
}

bool revoked_has(const struct revoked *r, const char *id, int64_t now_ms)
{
    const struct revoked_id *known = *find(r, id);
    return known && !is_over(r, known, now_ms);
}

size_t revoked_purge(struct revoked *r, int64_t now_ms)
{
    while (r->oldest && is_over(r, r->oldest, now_ms))
        forget(r, r->oldest);
    return r->count;
}

json_t *revoked_list(const struct revoked *r)
{
    json_t *list = json_array();
    for (const struct revoked_id *known = r->oldest; list && known; known = known->newer) {
        if (json_array_append_new(list, json_string(known->id)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}
