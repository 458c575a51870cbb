/* The meaning of a feed's elements: one function for what opens, one for what closes, one call a
 * reading. */
#include "meter/espi_document.h"

#include <stdlib.h>
#include <string.h>

#include "meter/espi_text.h"

#define TITLE_MAX 200

bool espi_document_make(struct espi_document *d, struct err *e)
{
    d->graph.budget.max = d->limits.kept_bytes;
    d->entry_budget.max = d->limits.kept_bytes;
    d->problems.max = d->limits.problems;
    d->title = buf_make(d->limits.text_bytes);
    d->hrefs_text = buf_make(d->limits.kept_bytes);
    d->text = malloc(d->limits.text_bytes);
    return d->text || err_set(e, ERR_RETRY, "no_memory", "no memory for the text of an element");
}

void espi_document_free(struct espi_document *d)
{
    espi_graph_free(&d->graph);
    free(d->problems.kept);
    free(d->text);
    buf_free(&d->title);
    buf_free(&d->hrefs_text);
    free(d->stored_hrefs.items);
    free(d->hrefs.items);
}

void espi_document_next(struct espi_document *d)
{
    memset(d->seen, 0, sizeof d->seen); /* the addresses of another parser's names */
    d->depth = d->skipped = 0;
    d->root_seen = d->wants_text = d->in_entry = d->entry_has_group = false;
    d->draft_count = 0;
    d->title.len = 0;
    d->outside = ++d->entries;
}

static void complain(struct espi_document *d, enum espi_odd odd, const char *where, size_t len)
{
    struct espi_place at = d->place(d->place_context);
    espi_problems_add(&d->problems, odd, at.line, at.column, where, len);
}

/* --- texts ------------------------------------------------------------------------------- */
static int64_t text_number(struct espi_document *d)
{
    int64_t value;
    switch (espi_text_number(d->text, d->text_len, &value)) {
    case ESPI_NUMBER_OK:
    case ESPI_NUMBER_EMPTY:
        return value;
    case ESPI_NUMBER_FRACTION:
        complain(d, ODD_NUMBER_NOT_WHOLE, d->text, d->text_len);
        return ESPI_ABSENT;
    case ESPI_NUMBER_BAD:
        break;
    }
    complain(d, ODD_BAD_NUMBER, d->text, d->text_len);
    return ESPI_ABSENT;
}

static bool text_is_blank(const struct espi_document *d)
{
    size_t len;
    espi_text_trim(d->text, d->text_len, &len);
    return len == 0;
}

/* A multiplier that is given and cannot be read is not 0. */
static int64_t text_field(struct espi_document *d, const struct espi_rule *rule)
{
    int64_t value = text_number(d);
    bool is_multiplier = strcmp(rule->name, "powerOfTenMultiplier") == 0;
    return value == ESPI_ABSENT && is_multiplier && !text_is_blank(d) ? ESPI_UNREADABLE : value;
}

/* Some feeds give their instants with fractions of a second. */
static int64_t text_seconds(struct espi_document *d)
{
    int64_t value;
    enum espi_number found = espi_text_number(d->text, d->text_len, &value);
    if (found == ESPI_NUMBER_FRACTION)
        complain(d, ODD_START_NOT_WHOLE, d->text, d->text_len);
    if (found == ESPI_NUMBER_BAD)
        complain(d, ODD_BAD_NUMBER, d->text, d->text_len);
    return value;
}

bool espi_document_text(struct espi_document *d, const char *text, size_t len, struct err *e)
{
    if (!espi_document_wants_text(d))
        return true;
    if (len > d->limits.text_bytes - d->text_len)
        return err_set(e, ERR_REJECT, "text_too_long", "more than %zu bytes of text in <%s>",
                       d->limits.text_bytes, espi_grammar[d->open[d->depth]].name);
    memcpy(d->text + d->text_len, text, len);
    d->text_len += len;
    return true;
}

/* --- the entry --------------------------------------------------------------------------- */
static void open_entry(struct espi_document *d)
{
    d->entries++;
    d->in_entry = true;
    d->entry_has_readings = d->entry_has_group = false;
    d->updated_s = ESPI_ABSENT;
    buf_clear(&d->title);
    buf_clear(&d->hrefs_text);
    d->stored_hrefs.count = 0;
    d->draft_count = 0;
}

static bool rel_of(const char *rel, size_t len, enum espi_rel *ret_rel)
{
    static const char *const names[REL_COUNT] = {"self", "up", "related"};
    for (size_t i = 0; i < REL_COUNT; i++)
        if (strlen(names[i]) == len && !memcmp(names[i], rel, len)) {
            *ret_rel = (enum espi_rel)i;
            return true;
        }
    return false;
}

static bool tell_url(struct espi_document *d, enum espi_url kind, const char *url, size_t len,
                     struct err *e)
{
    char text[ESPI_URL_MAX];
    size_t used = 0;
    if (!d->sink.url)
        return true;
    if (len >= sizeof text)
        return err_set(e, ERR_REJECT, "text_too_long", "a URL of more than %d bytes", ESPI_URL_MAX);
    /* libxml2 leaves an ampersand in an attribute as "&#38;" for whoever builds a tree */
    for (size_t i = 0; i < len; i++) {
        text[used++] = url[i];
        if (url[i] == '&' && len - i >= 5 && memcmp(url + i, "&#38;", 5) == 0)
            i += 4;
    }
    text[used] = '\0';
    return d->sink.url(d->sink.context, kind, text, e);
}

/* Of the feed's own links only the next page means something. */
static bool feed_link(struct espi_document *d, const char *rel, size_t rel_len, const char *href,
                      size_t href_len, struct err *e)
{
    if (rel_len != strlen("next") || memcmp(rel, "next", rel_len) != 0)
        return true;
    return tell_url(d, ESPI_URL_NEXT, href, href_len, e);
}

bool espi_document_link(struct espi_document *d, const char *rel, size_t rel_len, const char *href,
                        size_t href_len, struct err *e)
{
    struct espi_stored_href h;
    if (!d->in_entry)
        return feed_link(d, rel, rel_len, href, href_len, e);
    if (!rel_of(rel, rel_len, &h.rel))
        return true;
    if (href_len > d->limits.text_bytes)
        return err_set(e, ERR_REJECT, "text_too_long", "an href of more than %zu bytes",
                       d->limits.text_bytes);
    href = espi_text_href(href, href_len, &h.len);
    h.offset = d->hrefs_text.len;
    if (!h.len)
        return true;
    if (!espi_array_room(&d->stored_hrefs, sizeof h, 1, &d->entry_budget, e) ||
        !buf_append(&d->hrefs_text, href, h.len, e))
        return false;
    ((struct espi_stored_href *)d->stored_hrefs.items)[d->stored_hrefs.count++] = h;
    return true;
}

/* The entry as the graph wants it; the hrefs are borrowed until the next link. */
static bool entry_context(struct espi_document *d, struct espi_context *ret_in, struct err *e)
{
    size_t count = d->in_entry ? d->stored_hrefs.count : 0;
    *ret_in =
        (struct espi_context){.number = d->in_entry ? d->entries : d->outside, .href_count = count};
    if (!count)
        return true;
    d->hrefs.count = 0;
    if (!espi_array_room(&d->hrefs, sizeof(struct espi_href), count, &d->entry_budget, e))
        return false;
    struct espi_href *hrefs = d->hrefs.items;
    const struct espi_stored_href *stored = d->stored_hrefs.items;
    for (size_t i = 0; i < count; i++)
        hrefs[i] =
            (struct espi_href){stored[i].rel, d->hrefs_text.data + stored[i].offset, stored[i].len};
    ret_in->hrefs = hrefs;
    return true;
}

static bool keep_draft(struct espi_document *d, const struct espi_draft *draft,
                       struct espi_context *in, struct err *e)
{
    bool differs;
    if (draft->kind == KIND_METER_READING && !in->title && d->title.len &&
        !espi_names_add(&d->graph.names, d->title.data, d->title.len, &d->graph.budget, &in->title,
                        e))
        return false;
    if (!espi_graph_add(&d->graph, draft, in, &differs, e))
        return false;
    if (differs)
        complain(d, ODD_CONFLICTING_RESOURCE, in->hrefs->text, in->hrefs->len);
    return true;
}

/* What stood in the entry is kept once all its links are known. */
static bool keep_drafts(struct espi_document *d, struct err *e)
{
    struct espi_context in;
    if (d->draft_count == 0)
        return true;
    if (!entry_context(d, &in, e))
        return false;
    for (size_t i = 0; i < d->draft_count; i++)
        if (d->drafts[i].kind == KIND_SUMMARY && d->in_entry)
            d->drafts[i].slots[SUM_UPDATED] = d->updated_s;
    for (size_t i = 0; i < d->draft_count; i++)
        if (!keep_draft(d, &d->drafts[i], &in, e))
            return false;
    d->draft_count = 0;
    return true;
}

static bool close_entry(struct espi_document *d, struct err *e)
{
    struct espi_context in;
    if (!keep_drafts(d, e))
        return false;
    if (d->entry_has_group && d->stored_hrefs.count > d->group_hrefs)
        if (!entry_context(d, &in, e) || !espi_graph_group_again(&d->graph, d->group, &in, e))
            return false;
    d->in_entry = false;
    if (!d->entry_has_readings || !d->sink.entry)
        return true;
    struct espi_entry entry = {.entry = d->entries, .updated_s = d->updated_s};
    return d->sink.entry(d->sink.context, &entry, e);
}

static bool close_title(struct espi_document *d, struct err *e)
{
    size_t len;
    const char *title = espi_text_trim(d->text, d->text_len, &len);
    buf_clear(&d->title);
    return buf_append(&d->title, title, len < TITLE_MAX ? len : 0, e);
}

/* --- resources --------------------------------------------------------------------------- */
static bool open_resource(struct espi_document *d, const struct espi_rule *rule, struct err *e)
{
    if (d->draft_count == ESPI_DRAFTS_MAX)
        return err_set(e, ERR_REJECT, "too_many_resources", "more than %d resources in one entry",
                       ESPI_DRAFTS_MAX);
    struct espi_draft *draft = &d->drafts[d->draft_count++];
    draft->kind = (enum espi_kind)rule->kind;
    for (size_t i = 0; i < ESPI_SLOTS_MAX; i++)
        draft->slots[i] = ESPI_ABSENT;
    if (draft->kind == KIND_SUMMARY)
        draft->slots[SUM_IS_ELECTRIC] = rule->slot;
    if (draft->kind == KIND_LOCAL_TIME)
        draft->slots[LTP_DST_START] = draft->slots[LTP_DST_END] = 0;
    return true;
}

static bool close_list_url(struct espi_document *d, struct err *e)
{
    size_t len;
    const char *url = espi_text_trim(d->text, d->text_len, &len);
    return len == 0 || tell_url(d, ESPI_URL_BATCH, url, len, e);
}

static bool close_word(struct espi_document *d, const struct espi_rule *rule, struct err *e)
{
    size_t len;
    uint32_t name;
    const char *word = espi_text_trim(d->text, d->text_len, &len);
    if (!espi_names_add(&d->graph.names, word, len, &d->graph.budget, &name, e))
        return false;
    d->drafts[d->draft_count - 1].slots[rule->slot] = name;
    return true;
}

/* --- blocks and readings ----------------------------------------------------------------- */
static bool open_block(struct espi_document *d, struct err *e)
{
    d->block_start_s = ESPI_ABSENT;
    d->ordinal = 0;
    if (!d->in_entry || !d->entry_has_group) {
        struct espi_context in;
        if (!entry_context(d, &in, e) ||
            !espi_graph_group(&d->graph, &in, d->place(d->place_context).line, &d->group, e))
            return false;
        d->entry_has_group = true;
        d->group_hrefs = in.href_count;
    }
    espi_graph_group_at(&d->graph, d->group)->blocks++;
    return true;
}

static void open_reading(struct espi_document *d)
{
    d->start_unreadable = false;
    d->reading = (struct espi_reading){.group = d->group,
                                       .ordinal = d->ordinal,
                                       .entry = d->in_entry ? d->entries : 0,
                                       .start_s = ESPI_ABSENT,
                                       .duration_s = ESPI_ABSENT,
                                       .value = ESPI_ABSENT,
                                       .cost = ESPI_ABSENT,
                                       .quality = ESPI_ABSENT,
                                       .tou = ESPI_ABSENT};
}

static void close_quality(struct espi_document *d)
{
    int64_t code = text_number(d);
    if (code == ESPI_ABSENT)
        return;
    if (d->reading.quality == ESPI_ABSENT)
        d->reading.quality = code;
    d->reading.qualities |= 1u << (code >= 0 && code < 31 ? code : 31);
}

/* A start that cannot be read is not none: the block's order may be another. */
static void place_by_block(struct espi_document *d, struct espi_group *group)
{
    d->reading.start_s = d->start_unreadable ? ESPI_ABSENT : d->block_start_s;
    if (d->reading.start_s == ESPI_ABSENT)
        complain(d, ODD_NO_TIME, NULL, 0);
    else
        group->unplaced++;
}

static bool close_reading(struct espi_document *d, struct err *e)
{
    struct espi_group *group = espi_graph_group_at(&d->graph, d->group);
    d->reading.placed = d->reading.start_s != ESPI_ABSENT;
    if (!d->reading.placed)
        place_by_block(d, group);
    if (d->reading.value == ESPI_ABSENT)
        complain(d, ODD_NO_VALUE, NULL, 0);
    if (d->readings == d->limits.readings)
        return err_set(e, ERR_REJECT, "too_many_readings", "more than %llu readings",
                       (unsigned long long)d->limits.readings);
    d->readings++;
    d->ordinal++;
    group->readings++;
    d->entry_has_readings = true;
    return d->sink.reading(d->sink.context, &d->reading, e);
}

/* --- opening and closing ----------------------------------------------------------------- */
static bool open_node(struct espi_document *d, const struct espi_rule *rule, struct err *e)
{
    switch ((enum espi_node)rule->node) {
    case NODE_ENTRY:
        open_entry(d);
        return true;
    case NODE_RESOURCE:
        return open_resource(d, rule, e);
    case NODE_BLOCK:
        return open_block(d, e);
    case NODE_READING:
        open_reading(d);
        return true;
    default:
        return true;
    }
}

static bool close_node(struct espi_document *d, const struct espi_rule *rule, struct err *e)
{
    switch ((enum espi_node)rule->node) {
    case NODE_START:
        d->reading.start_s = text_seconds(d);
        d->start_unreadable = d->reading.start_s == ESPI_ABSENT && !text_is_blank(d);
        return true;
    case NODE_DURATION:
        d->reading.duration_s = text_seconds(d);
        return true;
    case NODE_VALUE:
        d->reading.value = text_number(d);
        return true;
    case NODE_COST:
        d->reading.cost = text_number(d);
        return true;
    case NODE_READING:
        return close_reading(d, e);
    case NODE_QUALITY:
        close_quality(d);
        return true;
    case NODE_TOU:
        d->reading.tou = text_number(d);
        return true;
    case NODE_BLOCK_START:
        d->block_start_s = text_seconds(d);
        return true;
    case NODE_FIELD:
        d->drafts[d->draft_count - 1].slots[rule->slot] = text_field(d, rule);
        return true;
    case NODE_WORD:
        return close_word(d, rule, e);
    case NODE_LIST_URL:
        return close_list_url(d, e);
    case NODE_TITLE:
        return close_title(d, e);
    case NODE_UPDATED:
        d->updated_s = espi_text_instant(d->text, d->text_len);
        return true;
    case NODE_ENTRY:
        return close_entry(d, e);
    case NODE_RESOURCE:
        return d->in_entry || keep_drafts(d, e);
    default:
        return true;
    }
}

bool espi_document_start(struct espi_document *d, const char *name, const char *uri, int *ret_rule,
                         struct err *e)
{
    if (d->depth + d->skipped >= d->limits.depth)
        return err_set(e, ERR_REJECT, "too_deep", "<%.40s> lies deeper than %zu elements", name,
                       d->limits.depth);
    d->root_seen = true;
    *ret_rule = -1;
    int parent = d->open[d->depth];
    if (d->skipped || (*ret_rule = espi_grammar_match(parent, name, uri, d->seen)) < 0) {
        if (!d->skipped++ && espi_grammar_is_foreign(parent, name, uri))
            complain(d, ODD_NOT_ESPI, uri, uri ? strlen(uri) : 0);
        return true;
    }
    const struct espi_rule *rule = &espi_grammar[*ret_rule];
    d->open[++d->depth] = (uint8_t)*ret_rule;
    d->wants_text = rule->text;
    d->text_len = 0;
    return open_node(d, rule, e);
}

bool espi_document_end(struct espi_document *d, struct err *e)
{
    if (d->skipped) {
        d->skipped--;
        return true;
    }
    const struct espi_rule *rule = &espi_grammar[d->open[d->depth--]];
    d->wants_text = false;
    return close_node(d, rule, e);
}
