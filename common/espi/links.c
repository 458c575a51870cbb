/* Follows the hrefs of a feed: each rule offers candidates, the most trusted rule wins, the first
 * of equals. */
#include "common/espi/links.h"

#include <stdlib.h>
#include <string.h>

#include "common/espi/element_text.h"

/* More resources with one href than this are not looked through: a feed must not cost square time.
 */
#define CHAIN_MAX 1000
/* Segments of a path that may lie below a resource's own href. */
#define LEVELS_MAX 16

/* The relations by rel and href, in the order of the feed. */
struct finder {
    struct espi_graph *graph;
    uint32_t *heads[REL_COUNT]; /* by name: number + 1 of the first relation */
};

static struct espi_relation *relation_at(const struct finder *f, uint32_t i)
{
    return (struct espi_relation *)f->graph->relations.items + i;
}

static bool finder_make(struct finder *f, struct err *e)
{
    size_t names = espi_names_count(&f->graph->names) + 1;
    for (size_t rel = 0; rel < REL_COUNT; rel++)
        if (!(f->heads[rel] = calloc(names, sizeof(uint32_t))))
            return err_set(e, ERR_RETRY, "no_memory", "no memory to follow %zu hrefs", names);
    for (size_t i = f->graph->relations.count; i-- > 0;) {
        struct espi_relation *r = relation_at(f, (uint32_t)i);
        r->next = f->heads[r->rel][r->href];
        f->heads[r->rel][r->href] = (uint32_t)i + 1;
    }
    return true;
}

static void finder_free(struct finder *f)
{
    for (size_t rel = 0; rel < REL_COUNT; rel++)
        free(f->heads[rel]);
}

/* --- offers --------------------------------------------------------------------------------------
 */
static void offer(struct espi_choice *c, uint32_t resource, enum espi_link link)
{
    if (c->link == ESPI_LINK_NONE || link < c->link)
        *c = (struct espi_choice){.resource = resource + 1, .link = link};
    else if (link == c->link && c->resource != resource + 1)
        c->ambiguous = true;
}

/* Offers to c the resources of this kind whose `rel` is this href. */
static void offer_where(const struct finder *f, struct espi_choice *c, enum espi_kind kind,
                        enum espi_rel rel, uint32_t href, enum espi_link link)
{
    if (!href)
        return;
    int left = CHAIN_MAX;
    for (uint32_t i = f->heads[rel][href]; i && left > 0; left--) {
        const struct espi_relation *r = relation_at(f, i - 1);
        if (espi_graph_resource(f->graph, r->resource)->kind == kind)
            offer(c, r->resource, link);
        i = r->next;
    }
}

/* Offers resource `resource` to those of this kind whose `self` is this href. */
static void offer_to(const struct finder *f, struct espi_choice *choices, enum espi_kind kind,
                     uint32_t href, uint32_t resource, enum espi_link link)
{
    struct espi_choice owner = {0};
    offer_where(f, &owner, kind, REL_SELF, href, link);
    if (owner.resource)
        offer(&choices[owner.resource - 1], resource, link);
}

/* A collection of types stands for its member only where it has one. */
static void offer_type_collection(const struct finder *f, struct espi_choice *c, uint32_t href)
{
    struct espi_choice members = {0};
    offer_where(f, &members, KIND_READING_TYPE, REL_UP, href, ESPI_LINK_EXACT);
    if (members.resource && !members.ambiguous)
        offer(c, members.resource - 1, ESPI_LINK_EXACT);
}

static void follow_meter_reading(const struct finder *f, struct espi_links *l,
                                 const struct espi_relation *r)
{
    struct espi_choice *up = &l->usage_point[r->resource], *type = &l->reading_type[r->resource];
    if (r->rel == REL_RELATED) {
        offer_where(f, type, KIND_READING_TYPE, REL_SELF, r->href, ESPI_LINK_EXACT);
        offer_where(f, up, KIND_USAGE_POINT, REL_SELF, r->href, ESPI_LINK_BACK);
        if (type->link != ESPI_LINK_EXACT)
            offer_type_collection(f, type, r->href);
        return;
    }
    offer_where(f, up, KIND_USAGE_POINT, REL_RELATED, r->href, ESPI_LINK_EXACT);
    if (r->rel == REL_UP)
        offer_where(f, up, KIND_USAGE_POINT, REL_SELF, r->href, ESPI_LINK_UP);
}

static void follow_summary(const struct finder *f, struct espi_choice *up,
                           const struct espi_relation *r)
{
    offer_where(f, up, KIND_USAGE_POINT, r->rel == REL_RELATED ? REL_SELF : REL_RELATED, r->href,
                r->rel == REL_RELATED ? ESPI_LINK_BACK : ESPI_LINK_EXACT);
    if (r->rel == REL_UP)
        offer_where(f, up, KIND_USAGE_POINT, REL_SELF, r->href, ESPI_LINK_UP);
}

static void follow_relation(const struct finder *f, struct espi_links *l,
                            const struct espi_relation *r)
{
    switch (espi_graph_resource(f->graph, r->resource)->kind) {
    case KIND_METER_READING:
        follow_meter_reading(f, l, r);
        break;
    case KIND_READING_TYPE:
        if (r->rel != REL_SELF)
            offer_to(f, l->reading_type, KIND_METER_READING, r->href, r->resource,
                     r->rel == REL_UP ? ESPI_LINK_UP : ESPI_LINK_BACK);
        break;
    case KIND_USAGE_POINT:
        if (r->rel == REL_RELATED)
            offer_where(f, &l->local_time[r->resource], KIND_LOCAL_TIME, REL_SELF, r->href,
                        ESPI_LINK_EXACT);
        break;
    case KIND_LOCAL_TIME:
        if (r->rel != REL_SELF)
            offer_to(f, l->local_time, KIND_USAGE_POINT, r->href, r->resource,
                     r->rel == REL_UP ? ESPI_LINK_UP : ESPI_LINK_BACK);
        break;
    case KIND_SUMMARY:
        follow_summary(f, &l->usage_point[r->resource], r);
        break;
    case KIND_COUNT:
        break;
    }
}

/* --- paths, entries, the only one ----------------------------------------------------------------
 */
/* Offers the resource whose `self` is the longest path above `href`. */
static void offer_above(const struct finder *f, struct espi_choice *c, enum espi_kind kind,
                        uint32_t href)
{
    const char *text = espi_names_text(&f->graph->names, href);
    int levels = LEVELS_MAX;
    for (size_t len = text ? strlen(text) : 0; len && !c->resource && levels > 0; levels--) {
        len = espi_text_parent(text, len);
        offer_where(f, c, kind, REL_SELF, espi_names_find(&f->graph->names, text, len),
                    ESPI_LINK_PREFIX);
    }
}

/* Resources lie in the order of their entries: the first one not before this entry. */
static size_t first_of_entry(const struct espi_graph *g, uint64_t entry)
{
    size_t low = 0, high = g->resources.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (espi_graph_resource(g, middle)->entry < entry)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void offer_in_entry(const struct espi_graph *g, struct espi_choice *c, enum espi_kind kind,
                           uint64_t entry)
{
    struct espi_choice found = {0};
    for (size_t i = first_of_entry(g, entry); i < g->resources.count; i++) {
        const struct espi_resource *r = espi_graph_resource(g, i);
        if (r->entry != entry)
            break;
        if (r->kind == kind)
            offer(&found, (uint32_t)i, ESPI_LINK_ENTRY);
    }
    if (found.resource && !found.ambiguous)
        offer(c, found.resource - 1, ESPI_LINK_ENTRY);
}

static void find_only_ones(const struct espi_graph *g, struct espi_links *l)
{
    for (size_t i = 0; i < g->resources.count; i++)
        offer(&l->only[espi_graph_resource(g, i)->kind], (uint32_t)i, ESPI_LINK_ONLY);
    for (size_t kind = 0; kind < KIND_COUNT; kind++)
        if (l->only[kind].ambiguous)
            l->only[kind] = (struct espi_choice){0};
}

/* The segment of a path behind this one: "7" of ".../UsagePoint/7/MeterReading". "" = none. */
static const char *segment_behind(const char *href, const char *segment, size_t *ret_len)
{
    size_t size = strlen(segment);
    const char *at = href;
    *ret_len = 0;
    while (at && (strncmp(at, segment, size) != 0 || at[size] != '/')) {
        at = strchr(at, '/');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return "";
    at += size + 1;
    *ret_len = strcspn(at, "/?");
    return at;
}

/* Whether an href names one of a kind, and not the only one that the feed has. */
static bool names_another(const struct espi_graph *g, const struct espi_choice *only, uint32_t href,
                          const char *segment)
{
    size_t len, only_len;
    if (!only->resource || !href)
        return false;
    uint32_t self = espi_graph_resource(g, only->resource - 1)->self;
    if (!self || self == href)
        return false;
    const char *item = segment_behind(espi_names_text(&g->names, href), segment, &len);
    const char *only_item = segment_behind(espi_names_text(&g->names, self), segment, &only_len);
    return len && only_len && (len != only_len || memcmp(item, only_item, len) != 0);
}

/* Who names another is not given the only one: that would be a guess against what the feed says.
 * Bills are: a public feed has them under a number of their own. */
static void note_elsewhere(const struct espi_graph *g, struct espi_links *l,
                           const struct espi_relation *r)
{
    enum espi_kind kind = espi_graph_resource(g, r->resource)->kind;
    bool is_related = r->rel == REL_RELATED;
    if (kind == KIND_METER_READING && is_related)
        l->reading_type[r->resource].elsewhere |=
            names_another(g, &l->only[KIND_READING_TYPE], r->href, "ReadingType");
    if (kind == KIND_METER_READING && !is_related)
        l->usage_point[r->resource].elsewhere |=
            names_another(g, &l->only[KIND_USAGE_POINT], r->href, "UsagePoint");
    if (kind == KIND_USAGE_POINT && is_related)
        l->local_time[r->resource].elsewhere |=
            names_another(g, &l->only[KIND_LOCAL_TIME], r->href, "LocalTimeParameters");
}

static void choose_or_only(struct espi_choice *c, const struct espi_choice *only)
{
    if (!c->resource && !c->elsewhere)
        *c = *only;
}

static void complete_resource(const struct finder *f, struct espi_links *l, size_t i)
{
    const struct espi_resource *r = espi_graph_resource(f->graph, i);
    if (r->kind == KIND_USAGE_POINT)
        choose_or_only(&l->local_time[i], &l->only[KIND_LOCAL_TIME]);
    if (r->kind != KIND_METER_READING && r->kind != KIND_SUMMARY)
        return;
    offer_in_entry(f->graph, &l->usage_point[i], KIND_USAGE_POINT, r->entry);
    if (!l->usage_point[i].resource)
        offer_above(f, &l->usage_point[i], KIND_USAGE_POINT, r->self);
    choose_or_only(&l->usage_point[i], &l->only[KIND_USAGE_POINT]);
    if (r->kind == KIND_SUMMARY)
        return;
    offer_in_entry(f->graph, &l->reading_type[i], KIND_READING_TYPE, r->entry);
    choose_or_only(&l->reading_type[i], &l->only[KIND_READING_TYPE]);
}

/* --- groups --------------------------------------------------------------------------------------
 */
static void follow_group(const struct finder *f, struct espi_choice *c,
                         const struct espi_group *group)
{
    offer_where(f, c, KIND_METER_READING, REL_RELATED, group->up, ESPI_LINK_EXACT);
    offer_where(f, c, KIND_METER_READING, REL_RELATED, group->self, ESPI_LINK_EXACT);
    offer_in_entry(f->graph, c, KIND_METER_READING, group->entry);
    offer_where(f, c, KIND_METER_READING, REL_SELF, group->up, ESPI_LINK_UP);
    offer_where(f, c, KIND_METER_READING, REL_SELF, group->related, ESPI_LINK_BACK);
    if (!c->resource)
        offer_above(f, c, KIND_METER_READING, group->up);
    if (!c->resource)
        offer_above(f, c, KIND_METER_READING, group->self);
}

bool espi_links_orphan(struct espi_graph *g, uint32_t group, uint32_t *ret_name, struct err *e)
{
    const struct espi_group *of = espi_graph_group_at(g, group);
    *ret_name = of->up;
    if (of->up || !of->self)
        return true;
    char path[1024]; /* a longer path is cut: it names an orphan to a person, no more */
    const char *self = espi_names_text(&g->names, of->self);
    size_t len = espi_text_parent(self, strlen(self));
    len = len < sizeof path ? len : sizeof path - 1;
    memcpy(path, self, len);
    return espi_names_add(&g->names, path, len, &g->budget, ret_name, e);
}

/* The only MeterReading takes blocks no rule links, where none are linked and all of them belong
 * together. */
static bool give_orphans_to_only_one(struct espi_graph *g, struct espi_links *l, struct err *e)
{
    uint32_t common = 0, name;
    const struct espi_choice *only = &l->only[KIND_METER_READING];
    for (uint32_t i = 0; i < g->groups.count; i++) {
        const struct espi_group *of = espi_graph_group_at(g, i);
        if (l->meter_reading[i].resource)
            return true;
        if (!espi_links_orphan(g, i, &name, e))
            return false;
        if (i && name != common)
            return true;
        if (names_another(g, only, of->up, "MeterReading") ||
            names_another(g, only, of->self, "MeterReading"))
            return true;
        common = name;
    }
    for (size_t i = 0; i < g->groups.count; i++)
        l->meter_reading[i] = *only;
    return true;
}

/* --- all of it -----------------------------------------------------------------------------------
 */
static bool connections_make(const struct espi_graph *g, struct espi_links *l, struct err *e)
{
    size_t resources = g->resources.count + 1, size = sizeof(struct espi_choice);
    *l = (struct espi_links){.usage_point = calloc(resources, size),
                             .reading_type = calloc(resources, size),
                             .local_time = calloc(resources, size),
                             .meter_reading = calloc(g->groups.count + 1, size)};
    if (!l->usage_point || !l->reading_type || !l->local_time || !l->meter_reading)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to link %zu resources", resources);
    return true;
}

bool espi_links_find(struct espi_graph *g, struct espi_links *ret_links, struct err *e)
{
    struct espi_links *l = ret_links;
    struct finder f = {.graph = g};
    bool done = connections_make(g, l, e) && finder_make(&f, e);
    if (done) {
        find_only_ones(g, l);
        for (size_t i = 0; i < g->relations.count; i++)
            note_elsewhere(g, l, relation_at(&f, (uint32_t)i));
        for (size_t i = 0; i < g->relations.count; i++)
            follow_relation(&f, l, relation_at(&f, (uint32_t)i));
        for (size_t i = 0; i < g->resources.count; i++)
            complete_resource(&f, l, i);
        for (uint32_t i = 0; i < g->groups.count; i++)
            follow_group(&f, &l->meter_reading[i], espi_graph_group_at(g, i));
        done = give_orphans_to_only_one(g, l, e);
    }
    finder_free(&f);
    return done;
}

void espi_links_free(struct espi_links *l)
{
    free(l->usage_point);
    free(l->reading_type);
    free(l->local_time);
    free(l->meter_reading);
    *l = (struct espi_links){0};
}
