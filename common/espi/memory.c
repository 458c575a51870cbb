/* Resources that one answer of a custodian gives and later ones only refer to, as texts that can be
 * kept. */
#include "common/espi/memory.h"

#include <inttypes.h>
#include <string.h>

#include "common/espi/feed_series.h"
#include "common/espi/element_text.h"

#define ENTRY_MAX (64 * 1024)
#define LEVELS_MAX 16
#define KEPT_MAX 2000 /* their links are looked for one by one */

#define LINE(amount)                                                                               \
    "<e:costAdditionalDetailLastPeriod><e:amount>" amount                                          \
    "</e:amount></e:costAdditionalDetailLastPeriod>"

static const char *name_text(const struct espi_graph *g, int64_t name)
{
    return espi_names_text(&g->names, (uint32_t)name);
}

static const struct espi_relation *relation_at(const struct espi_graph *g, size_t i)
{
    return (const struct espi_relation *)g->relations.items + i;
}

/* --- writing an entry ------------------------------------------------------------------------- */

static bool add(struct buf *out, const char *text, struct err *e)
{
    return buf_append(out, text, strlen(text), e);
}

/* As the parser will read it: it leaves "&amp;" in an attribute as "&#38;", which is what is here.
 */
static bool add_escaped(struct buf *out, const char *text, struct err *e)
{
    for (; *text; text++) {
        const char *as = *text == '&'   ? "&amp;"
                         : *text == '<' ? "&lt;"
                         : *text == '>' ? "&gt;"
                         : *text == '"' ? "&quot;"
                                        : NULL;
        if (*text == '&' && strncmp(text, "&#38;", 5) == 0)
            text += 4;
        if (as ? !add(out, as, e) : !buf_append(out, text, 1, e))
            return false;
    }
    return true;
}

static bool add_links(const struct espi_graph *g, uint32_t resource, struct buf *out, struct err *e)
{
    static const char *const rels[REL_COUNT] = {"self", "up", "related"};
    for (size_t i = 0; i < g->relations.count; i++) {
        const struct espi_relation *r = relation_at(g, i);
        if (r->resource != resource)
            continue;
        if (!buf_printf(out, e, "<link rel=\"%s\" href=\"", rels[r->rel]) ||
            !add_escaped(out, name_text(g, r->href), e) || !add(out, "\"/>", e))
            return false;
    }
    return true;
}

static bool add_slot(const struct espi_graph *g, const struct espi_rule *rule, int64_t value,
                     int64_t places, struct buf *out, struct err *e)
{
    bool is_word = rule->node == NODE_WORD;
    const char *word = is_word ? name_text(g, value) : NULL;
    if (value == ESPI_ABSENT || (is_word && !word))
        return true;
    if (!buf_printf(out, e, "<e:%s>", rule->name) ||
        (is_word ? !add_escaped(out, word, e) : !buf_printf(out, e, "%" PRId64, value)))
        return false;
    if (places && !buf_printf(out, e, "e%" PRId64, places))
        return false;
    return buf_printf(out, e, "</e:%s>", rule->name);
}

/* The exponent of a consumption as it was written; 0: none. */
static int64_t places_of(const struct espi_rule *rule, const int64_t *slots)
{
    int64_t places = ESPI_ABSENT;
    if (rule->kind == KIND_SUMMARY && rule->slot == SUM_OVERALL_VALUE)
        places = slots[SUM_OVERALL_PLACES];
    if (rule->kind == KIND_SUMMARY && rule->slot == SUM_CURRENT_VALUE)
        places = slots[SUM_CURRENT_PLACES];
    return places == ESPI_ABSENT ? 0 : places;
}

/* What the lines of a bill came to, as one line; or that they say nothing certain. */
static bool add_lines(const int64_t *slots, struct buf *out, struct err *e)
{
    if (slots[SUM_HAS_LINES] == ESPI_ABSENT)
        return true;
    if (slots[SUM_LINE_AMOUNT] == ESPI_ABSENT)
        return add(out, LINE("?"), e);
    return buf_printf(out, e, LINE("%" PRId64), slots[SUM_LINE_AMOUNT]);
}

/* The rules below `of` that fill slots; a part is written round those within it. */
static bool add_fields(const struct espi_graph *g, const struct espi_rule *of, const int64_t *slots,
                       struct buf *out, struct err *e)
{
    for (size_t i = of->first_child; i < of->last_child; i++) {
        const struct espi_rule *rule = &espi_grammar[i];
        if (rule->node == NODE_FIELD || rule->node == NODE_WORD) {
            if (!add_slot(g, rule, slots[rule->slot], places_of(rule, slots), out, e))
                return false;
        } else if (rule->node == NODE_LINE) {
            if (!add_lines(slots, out, e))
                return false;
        } else if (rule->node == NODE_PART) {
            if (!buf_printf(out, e, "<e:%s>", rule->name) || !add_fields(g, rule, slots, out, e) ||
                !buf_printf(out, e, "</e:%s>", rule->name))
                return false;
        }
    }
    return true;
}

static const struct espi_rule *rule_of(enum espi_kind kind)
{
    const struct espi_rule *document = &espi_grammar[0];
    for (size_t i = document->first_child; i < document->last_child; i++)
        if (espi_grammar[i].node == NODE_RESOURCE && espi_grammar[i].kind == kind)
            return &espi_grammar[i];
    return NULL;
}

static bool entry_write(const struct espi_graph *g, uint32_t resource, struct buf *out,
                        struct err *e)
{
    const struct espi_resource *r = espi_graph_resource(g, resource);
    const struct espi_rule *rule = rule_of(r->kind);
    const char *title = name_text(g, r->title);
    buf_clear(out);
    if (!rule)
        return true;
    return add(out, "<entry xmlns=\"" ESPI_NS_ATOM "\">", e) && add_links(g, resource, out, e) &&
           add(out, "<title>", e) && add_escaped(out, title ? title : "", e) &&
           buf_printf(out, e, "</title><content><e:%s xmlns:e=\"" ESPI_NS "\">", rule->name) &&
           add_fields(g, rule, espi_graph_slots(g, r), out, e) &&
           buf_printf(out, e, "</e:%s></content></entry>", rule->name);
}

/* --- what is kept ----------------------------------------------------------------------------- */

static const char *first_up(const struct espi_graph *g, uint32_t resource)
{
    for (size_t i = 0; i < g->relations.count; i++)
        if (relation_at(g, i)->resource == resource && relation_at(g, i)->rel == REL_UP)
            return name_text(g, relation_at(g, i)->href);
    return "";
}

bool espi_memory_each(const struct espi_graph *g,
                      bool (*keep)(void *context, const struct espi_kept *kept, struct err *e),
                      void *context, struct err *e)
{
    struct buf entry CLEANUP(buf_free) = buf_make(ENTRY_MAX);
    size_t count = g->resources.count < KEPT_MAX ? g->resources.count : KEPT_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const struct espi_resource *r = espi_graph_resource(g, i);
        if (!r->self || r->differs)
            continue;
        struct err cause;
        if (!entry_write(g, i, &entry, &cause)) {
            if (cause.kind == ERR_REJECT)
                continue; /* hundreds of links: not worth keeping, its own feed has it */
            *e = cause;
            return false;
        }
        const struct espi_kept kept = {.kind = espi_grammar_kind_name(r->kind),
                                       .self = name_text(g, r->self),
                                       .up = first_up(g, i),
                                       .entry = entry.data};
        if (entry.len && !keep(context, &kept, e))
            return false;
    }
    return true;
}

bool espi_memory_has(const struct espi_graph *g, const char *kind, const char *self)
{
    uint32_t name = espi_names_find(&g->names, self, strlen(self));
    for (size_t i = 0; name && i < g->resources.count; i++) {
        const struct espi_resource *r = espi_graph_resource(g, i);
        if (r->self == name && strcmp(espi_grammar_kind_name(r->kind), kind) == 0)
            return true;
    }
    return false;
}

/* --- what is wanted --------------------------------------------------------------------------- */

struct wanting {
    const struct espi_graph *graph;
    bool (*want)(void *context, const char *href, size_t len, struct err *e);
    void *context;
};

/* The href and, `above`, the paths that it lies under. */
static bool want_name(const struct wanting *w, uint32_t name, bool above, struct err *e)
{
    const char *text = name_text(w->graph, name);
    int levels = above ? LEVELS_MAX : 1;
    for (size_t len = text ? strlen(text) : 0; len && levels > 0; levels--) {
        if (!w->want(w->context, text, len, e))
            return false;
        len = espi_text_parent(text, len);
    }
    return true;
}

static bool want_of_relation(const struct wanting *w, const struct espi_relation *r, struct err *e)
{
    const struct espi_resource *of = espi_graph_resource(w->graph, r->resource);
    bool is_reading = of->kind == KIND_METER_READING;
    bool is_point = of->kind == KIND_USAGE_POINT;
    if ((!is_reading && !is_point) || (is_point && r->rel != REL_RELATED))
        return true;
    return want_name(w, r->href, is_reading && r->rel == REL_SELF, e);
}

bool espi_memory_wanted(const struct espi_graph *g,
                        bool (*want)(void *context, const char *href, size_t len, struct err *e),
                        void *context, struct err *e)
{
    const struct wanting w = {.graph = g, .want = want, .context = context};
    for (uint32_t i = 0; i < g->groups.count; i++) {
        const struct espi_group *group = espi_graph_group_at(g, i);
        if (!want_name(&w, group->up, true, e) || !want_name(&w, group->self, true, e) ||
            !want_name(&w, group->related, false, e))
            return false;
    }
    for (size_t i = 0; i < g->relations.count; i++)
        if (!want_of_relation(&w, relation_at(g, i), e))
            return false;
    return true;
}
