/* The resources of a feed and the hrefs between them: each kept once, however often the feed
 * repeats it. */
#include "common/espi/graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/espi/feed_series.h"
#include "common/espi/element_text.h"

struct espi_resource *espi_graph_resource(const struct espi_graph *g, size_t i)
{
    return (struct espi_resource *)g->resources.items + i;
}

struct espi_group *espi_graph_group_at(const struct espi_graph *g, uint32_t group)
{
    return (struct espi_group *)g->groups.items + group;
}

const int64_t *espi_graph_slots(const struct espi_graph *g, const struct espi_resource *r)
{
    return g->values.items ? (const int64_t *)g->values.items + r->slots : NULL;
}

static uint64_t hash_words(const struct espi_graph *g, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t words[3] = {a, b, c};
    return espi_hash(g->names.seed, words, sizeof words);
}

/* --- relations -----------------------------------------------------------------------------------
 */
static bool same_relation(const void *items, uint32_t item, const void *key)
{
    const struct espi_relation *have = (const struct espi_relation *)items + item, *want = key;
    return have->resource == want->resource && have->href == want->href && have->rel == want->rel;
}

static bool relate(struct espi_graph *g, struct espi_relation r, struct err *e)
{
    uint64_t hash = hash_words(g, r.resource, r.href, (uint32_t)r.rel);
    if (espi_index_find(&g->by_relation, hash, same_relation, g->relations.items, &r) >= 0)
        return true;
    uint32_t number = (uint32_t)g->relations.count;
    if (!espi_array_room(&g->relations, sizeof r, 1, &g->budget, e) ||
        !espi_index_add(&g->by_relation, hash, number, &g->budget, e))
        return false;
    ((struct espi_relation *)g->relations.items)[g->relations.count++] = r;
    return true;
}

static bool relate_all(struct espi_graph *g, uint32_t resource, const struct espi_context *in,
                       struct err *e)
{
    struct espi_resource *of = espi_graph_resource(g, resource);
    if (in->number && of->related_in == in->number)
        return true;
    of->related_in = in->number;
    for (size_t i = 0; i < in->link_count; i++) {
        struct espi_relation r = {
            .resource = resource, .rel = in->links[i].rel, .href = in->links[i].name};
        if (!relate(g, r, e))
            return false;
    }
    return true;
}

static bool same_link(const void *items, uint32_t item, const void *key)
{
    const struct espi_named_href *have = (const struct espi_named_href *)items + item, *want = key;
    return have->rel == want->rel && have->name == want->name;
}

bool espi_graph_links(struct espi_graph *g, struct espi_context *in, struct espi_entry_links *l,
                      struct espi_budget *entry, struct err *e)
{
    espi_index_clear(&l->index, entry);
    l->links.count = 0;
    for (size_t i = 0; i < in->href_count; i++) {
        struct espi_named_href link = {.rel = in->hrefs[i].rel};
        if (!espi_names_add(&g->names, in->hrefs[i].text, in->hrefs[i].len, &g->budget, &link.name,
                            e))
            return false;
        uint64_t hash = hash_words(g, link.name, (uint32_t)link.rel, 0);
        if (espi_index_find(&l->index, hash, same_link, l->links.items, &link) >= 0)
            continue;
        if (!espi_array_room(&l->links, sizeof link, 1, entry, e) ||
            !espi_index_add(&l->index, hash, (uint32_t)l->links.count, entry, e))
            return false;
        ((struct espi_named_href *)l->links.items)[l->links.count++] = link;
    }
    in->links = l->links.items;
    in->link_count = l->links.count;
    return true;
}

/* The first link with this rel, as a name; 0 = none. */
static bool name_of_rel(struct espi_graph *g, const struct espi_context *in, enum espi_rel rel,
                        uint32_t *ret_name, struct err *e)
{
    *ret_name = 0;
    for (size_t i = 0; i < in->href_count && !*ret_name; i++)
        if (in->hrefs[i].rel == rel && !espi_names_add(&g->names, in->hrefs[i].text,
                                                       in->hrefs[i].len, &g->budget, ret_name, e))
            return false;
    return true;
}

/* --- resources -----------------------------------------------------------------------------------
 */
struct self_key {
    enum espi_kind kind;
    uint32_t self;
};

static bool same_self(const void *items, uint32_t item, const void *key)
{
    const struct espi_resource *have = (const struct espi_resource *)items + item;
    const struct self_key *want = key;
    return have->kind == want->kind && have->self == want->self;
}

/* Utilities give all bills of a meter one `self`: only one that says the same is the same. */
struct summary_key {
    const struct espi_graph *graph;
    uint32_t self;
    const int64_t *slots;
};

static bool same_summary(const void *items, uint32_t item, const void *key)
{
    const struct espi_resource *have = (const struct espi_resource *)items + item;
    const struct summary_key *want = key;
    return have->kind == KIND_SUMMARY && have->self == want->self &&
           !memcmp(espi_graph_slots(want->graph, have), want->slots, SUM_SAID * sizeof(int64_t));
}

static bool add_new(struct espi_graph *g, const struct espi_pending *draft,
                    const struct espi_context *in, uint32_t self, uint64_t hash, struct err *e)
{
    size_t slots = espi_grammar_slots(draft->kind);
    uint32_t number = (uint32_t)g->resources.count;
    if (!espi_array_room(&g->values, sizeof(int64_t), slots, &g->budget, e) ||
        !espi_array_room(&g->resources, sizeof(struct espi_resource), 1, &g->budget, e) ||
        ((self || draft->kind == KIND_SUMMARY) &&
         !espi_index_add(&g->by_self, hash, number, &g->budget, e)))
        return false;
    *espi_graph_resource(g, g->resources.count++) =
        (struct espi_resource){.kind = draft->kind,
                               .self = self,
                               .title = in->title,
                               .slots = (uint32_t)g->values.count,
                               .entry = in->number};
    if (slots)
        memcpy((int64_t *)g->values.items + g->values.count, draft->slots, slots * sizeof(int64_t));
    g->values.count += slots;
    return relate_all(g, number, in, e);
}

static bool other_meaning(const int64_t *a, const int64_t *b)
{
    return a[RT_UOM] != b[RT_UOM] || a[RT_MULTIPLIER] != b[RT_MULTIPLIER] ||
           a[RT_KIND] != b[RT_KIND] || a[RT_FLOW_DIRECTION] != b[RT_FLOW_DIRECTION];
}

static void compare_again(struct espi_graph *g, struct espi_resource *r,
                          const struct espi_pending *draft, bool *ret_differs)
{
    const int64_t *have = espi_graph_slots(g, r);
    size_t slots = espi_grammar_slots(r->kind);
    if (!slots || !have || !memcmp(have, draft->slots, slots * sizeof *have))
        return;
    *ret_differs = !r->differs;
    r->differs = true;
    if (r->kind == KIND_READING_TYPE && other_meaning(have, draft->slots))
        r->differs_in_meaning = true;
}

static bool add_summary(struct espi_graph *g, const struct espi_pending *draft,
                        const struct espi_context *in, uint32_t self, struct err *e)
{
    uint32_t content = (uint32_t)espi_hash(g->names.seed, draft->slots, SUM_SAID * sizeof(int64_t));
    uint64_t hash = hash_words(g, KIND_SUMMARY, self, content);
    const struct summary_key key = {g, self, draft->slots};
    int64_t found = espi_index_find(&g->by_self, hash, same_summary, g->resources.items, &key);
    if (found < 0)
        return add_new(g, draft, in, self, hash, e);
    const struct espi_resource *r = espi_graph_resource(g, (size_t)found);
    int64_t *updated = (int64_t *)g->values.items + r->slots + SUM_UPDATED;
    if (draft->slots[SUM_UPDATED] > *updated)
        *updated = draft->slots[SUM_UPDATED];
    return relate_all(g, (uint32_t)found, in, e);
}

bool espi_graph_add(struct espi_graph *g, const struct espi_pending *draft,
                    const struct espi_context *in, bool *ret_differs, struct err *e)
{
    *ret_differs = false;
    uint32_t self;
    if (!name_of_rel(g, in, REL_SELF, &self, e))
        return false;
    if (draft->kind == KIND_SUMMARY)
        return add_summary(g, draft, in, self, e);
    struct self_key key = {draft->kind, self};
    uint64_t hash = hash_words(g, (uint32_t)draft->kind, self, 0);
    int64_t found =
        self ? espi_index_find(&g->by_self, hash, same_self, g->resources.items, &key) : -1;
    if (found < 0)
        return add_new(g, draft, in, self, hash, e);
    compare_again(g, espi_graph_resource(g, (size_t)found), draft, ret_differs);
    return relate_all(g, (uint32_t)found, in, e);
}

/* --- groups --------------------------------------------------------------------------------------
 */
static bool ends_in(const char *href, size_t len, const char *segment)
{
    size_t size = strlen(segment);
    return len >= size && !memcmp(href + len - size, segment, size) &&
           (len == size || href[len - size - 1] == '/');
}

/* ".../MeterReading/1/IntervalBlock" or ".../MeterReading/1": an `up` that all blocks of one meter
 * reading share, and no others. ".../IntervalBlock" alone may be the collection of all blocks. */
static bool names_meter_reading(const struct espi_href *h)
{
    size_t item = h->len;
    if (ends_in(h->text, item, "IntervalBlock"))
        item = espi_text_parent(h->text, item);
    return ends_in(h->text, espi_text_parent(h->text, item), "MeterReading");
}

/*
 * The hrefs by which an entry's blocks find their group: a telling `up`, else all of their links.
 * All blocks of a meter reading then share a group in the collection style, and none share one
 * wrongly.
 */
static void choose_key(const struct espi_context *in, const struct espi_href *ret_key[REL_COUNT])
{
    for (size_t i = 0; i < in->href_count; i++) {
        const struct espi_href *h = &in->hrefs[i];
        if (h->rel == REL_UP && names_meter_reading(h)) {
            ret_key[REL_SELF] = ret_key[REL_RELATED] = NULL;
            ret_key[REL_UP] = h;
            return;
        }
        if (!ret_key[h->rel])
            ret_key[h->rel] = h;
    }
}

static bool name_key(struct espi_graph *g, const struct espi_context *in,
                     struct espi_group_key *ret_key, struct err *e)
{
    const struct espi_href *of[REL_COUNT] = {NULL};
    choose_key(in, of);
    for (size_t rel = 0; rel < REL_COUNT; rel++)
        if (of[rel] && !espi_names_add(&g->names, of[rel]->text, of[rel]->len, &g->budget,
                                       &ret_key->names[rel], e))
            return false;
    return true;
}

static bool same_key(const void *items, uint32_t item, const void *key)
{
    return !memcmp((const struct espi_group_key *)items + item, key, sizeof(struct espi_group_key));
}

/* The links of the first block of a group; an `up` that is the key goes before another. */
static bool fill_group(struct espi_graph *g, uint32_t group, const struct espi_context *in,
                       uint32_t up, struct err *e)
{
    uint32_t first_up, self, related;
    if (!name_of_rel(g, in, REL_UP, &first_up, e) || !name_of_rel(g, in, REL_SELF, &self, e) ||
        !name_of_rel(g, in, REL_RELATED, &related, e))
        return false;
    struct espi_group *of = espi_graph_group_at(g, group);
    of->up = up ? up : of->up ? of->up : first_up;
    of->self = of->self ? of->self : self;
    of->related = of->related ? of->related : related;
    return true;
}

bool espi_graph_own_name(struct espi_graph *g, const struct espi_own *own, uint32_t *ret_name,
                         struct err *e)
{
    char text[128];
    int len = snprintf(text, sizeof text, "own %u %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
                       own->point, own->service_kind, own->uom, own->multiplier, own->step_s);
    return espi_names_add(&g->names, text, (size_t)len, &g->budget, ret_name, e);
}

static bool add_group(struct espi_graph *g, const struct espi_context *in,
                      const struct espi_group_key *key, const struct espi_own *own, uint64_t hash,
                      uint64_t line, struct err *e)
{
    uint32_t number = (uint32_t)g->groups.count;
    if (!espi_array_room(&g->groups, sizeof(struct espi_group), 1, &g->budget, e) ||
        !espi_array_room(&g->group_keys, sizeof *key, 1, &g->budget, e) ||
        ((in->href_count || own) && !espi_index_add(&g->by_key, hash, number, &g->budget, e)))
        return false;
    ((struct espi_group_key *)g->group_keys.items)[g->group_keys.count++] = *key;
    struct espi_group *group = espi_graph_group_at(g, number);
    *group = (struct espi_group){.entry = in->number,
                                 .line = line,
                                 .duration_s = ESPI_ABSENT,
                                 .step_s = ESPI_ABSENT,
                                 .share_s = ESPI_ABSENT,
                                 .own_name = key->own_name};
    if (own)
        group->own = *own;
    g->groups.count++;
    return fill_group(g, number, in, key->names[REL_UP], e);
}

bool espi_graph_group(struct espi_graph *g, const struct espi_context *in,
                      const struct espi_own *own, uint64_t line, uint32_t *ret_group, struct err *e)
{
    struct espi_group_key key = {{0}, 0};
    if (!name_key(g, in, &key, e) || (own && !espi_graph_own_name(g, own, &key.own_name, e)))
        return false;
    uint64_t hash = espi_hash(g->names.seed, &key, sizeof key);
    int64_t found = -1;
    if (in->href_count || own) /* blocks without links share nothing */
        found = espi_index_find(&g->by_key, hash, same_key, g->group_keys.items, &key);
    *ret_group = found < 0 ? (uint32_t)g->groups.count : (uint32_t)found;
    return found >= 0 || add_group(g, in, &key, own, hash, line, e);
}

bool espi_graph_group_again(struct espi_graph *g, uint32_t group, const struct espi_context *in,
                            struct err *e)
{
    return fill_group(g, group, in, 0, e);
}

void espi_graph_free(struct espi_graph *g)
{
    espi_names_free(&g->names);
    struct espi_array *arrays[] = {&g->resources, &g->relations, &g->values, &g->groups,
                                   &g->group_keys};
    for (size_t i = 0; i < ARRAY_LEN(arrays); i++)
        free(arrays[i]->items);
    struct espi_index *indexes[] = {&g->by_self, &g->by_relation, &g->by_key};
    for (size_t i = 0; i < ARRAY_LEN(indexes); i++)
        free(indexes[i]->slots);
}
