/* The meaning of a feed's elements: one function for what opens, one for what closes, one call a
 * reading. */
#include "common/espi/elements.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/attr.h"
#include "common/espi/own.h"
#include "common/espi/element_text.h"

#define TITLE_MAX 200

bool espi_elements_make(struct espi_elements *d, struct err *e)
{
    d->graph.budget.max = d->limits.kept_bytes;
    d->entry_budget.max = d->limits.kept_bytes;
    d->problems.max = d->limits.problems;
    d->title = buf_make(d->limits.text_bytes);
    d->hrefs_text = buf_make(d->limits.kept_bytes);
    d->text = malloc(d->limits.text_bytes);
    return d->text || err_set(e, ERR_RETRY, "no_memory", "no memory for the text of an element");
}

void espi_elements_free(struct espi_elements *d)
{
    espi_graph_free(&d->graph);
    free(d->problems.kept);
    free(d->text);
    buf_free(&d->title);
    buf_free(&d->hrefs_text);
    free(d->stored_hrefs.items);
    free(d->hrefs.items);
    free(d->entry_links.links.items);
    free(d->entry_links.index.slots);
}

void espi_elements_next(struct espi_elements *d)
{
    memset(d->seen, 0, sizeof d->seen); /* the addresses of another parser's names */
    d->depth = d->skipped = 0;
    d->root_seen = d->wants_text = d->in_entry = d->entry_has_group = false;
    d->draft_count = 0;
    d->title.len = 0;
    d->outside = ++d->entries;
}

static void complain(struct espi_elements *d, enum espi_problem_kind odd, const char *where,
                     size_t len)
{
    struct espi_location at = d->place(d->place_context);
    espi_problems_add(&d->problems, odd, at.line, at.column, where, len);
}

/* --- texts ------------------------------------------------------------------------------- */
static int64_t text_number(struct espi_elements *d)
{
    int64_t value;
    switch (espi_text_number(d->text, d->text_len, &value)) {
    case ESPI_NUMBER_OK:
    case ESPI_NUMBER_EMPTY:
        return value;
    case ESPI_NUMBER_FRACTION:
        complain(d, PROBLEM_NUMBER_NOT_WHOLE, d->text, d->text_len);
        return ESPI_ABSENT;
    case ESPI_NUMBER_BAD:
        break;
    }
    complain(d, PROBLEM_BAD_NUMBER, d->text, d->text_len);
    return ESPI_ABSENT;
}

static bool text_is_blank(const struct espi_elements *d)
{
    size_t len;
    espi_text_trim(d->text, d->text_len, &len);
    return len == 0;
}

/* The number that `what` has after `value` was read: of two that differ neither (`none`). */
static int64_t only_one(struct espi_elements *d, struct espi_given *given, int what, int64_t before,
                        int64_t value, int64_t none)
{
    uint64_t bit = UINT64_C(1) << what;
    if (text_is_blank(d))
        return before;
    if ((given->once & bit) && !(given->twice & bit) && value != before) {
        complain(d, PROBLEM_BAD_NUMBER, d->text, d->text_len);
        given->twice |= bit;
    }
    given->once |= bit;
    return given->twice & bit ? none : value;
}

/* An amount of a reading; false: it was meant as a number, and is none that can be kept. */
static bool text_decimal(struct espi_elements *d, int64_t *ret_value, int32_t *ret_exponent)
{
    if (espi_text_decimal(d->text, d->text_len, ret_value, ret_exponent) != ESPI_NUMBER_BAD)
        return true;
    complain(d, PROBLEM_BAD_NUMBER, d->text, d->text_len);
    return !espi_text_has_digit(d->text, d->text_len) && !memchr(d->text, '<', d->text_len);
}

/* An amount of a bill, in whole 1e-5 of the currency: the nearest where it has decimals. */
static int64_t text_amount(struct espi_elements *d)
{
    int64_t value;
    int32_t exponent;
    if (!text_decimal(d, &value, &exponent) || exponent == 0)
        return value;
    complain(d, PROBLEM_NUMBER_NOT_WHOLE, d->text, d->text_len);
    for (; exponent < -1; exponent++)
        value /= 10;
    return value / 10 + value % 10 / 5;
}

/* A consumption with its decimals: 5.5 and 55 are not the same. */
static int64_t text_consumption(struct espi_elements *d, int slot, int places_slot)
{
    int64_t value;
    int32_t exponent;
    struct espi_pending *draft = &d->drafts[d->draft_count - 1];
    (void)text_decimal(d, &value, &exponent);
    draft->slots[places_slot] = only_one(d, &draft->given, places_slot, draft->slots[places_slot],
                                         exponent ? exponent : ESPI_ABSENT, ESPI_ABSENT);
    draft->given.twice |= (draft->given.twice >> places_slot & 1) << slot;
    return value;
}

static int64_t text_of_summary(struct espi_elements *d, int slot)
{
    switch (slot) {
    case SUM_BILL_LAST:
    case SUM_BILL_TO_DATE:
    case SUM_COST_ADDITIONAL:
        return text_amount(d);
    case SUM_OVERALL_VALUE:
        return text_consumption(d, slot, SUM_OVERALL_PLACES);
    case SUM_CURRENT_VALUE:
        return text_consumption(d, slot, SUM_CURRENT_PLACES);
    default:
        return text_number(d);
    }
}

/* What a reading's number means hangs on these. */
static bool decides_meaning(const struct espi_rule *rule)
{
    static const int slots[] = {RT_ACCUMULATION, RT_DATA_QUALIFIER, RT_FLOW_DIRECTION,
                                RT_KIND,         RT_MULTIPLIER,     RT_UOM};
    for (size_t i = 0; rule->kind == KIND_READING_TYPE && i < ARRAY_LEN(slots); i++)
        if (rule->slot == slots[i])
            return true;
    return strcmp(rule->name, "powerOfTenMultiplier") == 0;
}

/* A multiplier that is given and cannot be read is not 0, nor is "reverse" no direction. */
static int64_t text_field(struct espi_elements *d, const struct espi_rule *rule)
{
    struct espi_pending *draft = &d->drafts[d->draft_count - 1];
    int64_t value = rule->kind == KIND_SUMMARY ? text_of_summary(d, rule->slot) : text_number(d);
    int64_t none = decides_meaning(rule) ? ESPI_UNREADABLE : ESPI_ABSENT;
    return only_one(d, &draft->given, rule->slot, draft->slots[rule->slot],
                    value == ESPI_ABSENT ? none : value, none);
}

/* Some feeds give their instants with fractions of a second. */
static int64_t text_seconds(struct espi_elements *d)
{
    int64_t value;
    enum espi_number found = espi_text_number(d->text, d->text_len, &value);
    if (found == ESPI_NUMBER_FRACTION)
        complain(d, PROBLEM_START_NOT_WHOLE, d->text, d->text_len);
    if (found == ESPI_NUMBER_BAD)
        complain(d, PROBLEM_BAD_NUMBER, d->text, d->text_len);
    return value;
}

/* The beginning of a text that is only shown, by whole characters. */
static void add_shown_text(struct espi_elements *d, const char *text, size_t len)
{
    size_t room = (d->limits.text_bytes < TITLE_MAX ? d->limits.text_bytes : TITLE_MAX), fits = len;
    if (d->text_cut)
        return;
    if (len > room - d->text_len) {
        d->text_cut = true;
        fits = room - d->text_len;
        while (fits && ((unsigned char)text[fits] & 0xc0) == 0x80)
            fits--;
    }
    memcpy(d->text + d->text_len, text, fits);
    d->text_len += fits;
}

bool espi_elements_text(struct espi_elements *d, const char *text, size_t len, struct err *e)
{
    if (!espi_elements_wants_text(d))
        return true;
    enum espi_node node = (enum espi_node)espi_grammar[d->open[d->depth]].node;
    if (node == NODE_TITLE || node == NODE_LINE_NOTE) {
        add_shown_text(d, text, len);
        return true;
    }
    if (len > d->limits.text_bytes - d->text_len)
        return err_set(e, ERR_REJECT, "text_too_long", "more than %zu bytes of text in <%s>",
                       d->limits.text_bytes, espi_grammar[d->open[d->depth]].name);
    memcpy(d->text + d->text_len, text, len);
    d->text_len += len;
    return true;
}

/* --- the entry --------------------------------------------------------------------------- */
static void open_entry(struct espi_elements *d)
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

static bool tell_url(struct espi_elements *d, enum espi_url kind, const char *url, size_t len,
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
static bool feed_link(struct espi_elements *d, const char *rel, size_t rel_len, const char *href,
                      size_t href_len, struct err *e)
{
    if (rel_len != strlen("next") || memcmp(rel, "next", rel_len) != 0)
        return true;
    return tell_url(d, ESPI_URL_NEXT, href, href_len, e);
}

bool espi_elements_link(struct espi_elements *d, const char *rel, size_t rel_len, const char *href,
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
static bool entry_context(struct espi_elements *d, struct espi_context *ret_in, struct err *e)
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

static bool keep_draft(struct espi_elements *d, const struct espi_pending *draft,
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
        complain(d, PROBLEM_CONFLICTING_RESOURCE, in->hrefs->text, in->hrefs->len);
    return true;
}

/* What stood in the entry is kept once all its links are known. */
static bool keep_drafts(struct espi_elements *d, struct err *e)
{
    struct espi_context in;
    if (d->draft_count == 0)
        return true;
    if (!entry_context(d, &in, e) ||
        !espi_graph_links(&d->graph, &in, &d->entry_links, &d->entry_budget, e))
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

static bool close_entry(struct espi_elements *d, struct err *e)
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

/* Whichever of two readings is the later counts: one of an unreadable instant is the earlier. */
static void close_updated(struct espi_elements *d)
{
    d->updated_s = espi_text_instant(d->text, d->text_len);
    if (d->updated_s == ESPI_ABSENT && !text_is_blank(d))
        complain(d, PROBLEM_BAD_NUMBER, d->text, d->text_len);
}

static bool close_title(struct espi_elements *d, struct err *e)
{
    size_t len;
    const char *title = espi_text_trim(d->text, d->text_len, &len);
    buf_clear(&d->title);
    return buf_append(&d->title, title, len, e);
}

/* --- resources --------------------------------------------------------------------------- */
static bool open_resource(struct espi_elements *d, const struct espi_rule *rule, struct err *e)
{
    if (d->draft_count == ESPI_PENDING_MAX)
        return err_set(e, ERR_REJECT, "too_many_resources", "more than %d resources in one entry",
                       ESPI_PENDING_MAX);
    struct espi_pending *draft = &d->drafts[d->draft_count++];
    draft->kind = (enum espi_kind)rule->kind;
    draft->given = (struct espi_given){0, 0};
    for (size_t i = 0; i < ESPI_SLOTS_MAX; i++)
        draft->slots[i] = ESPI_ABSENT;
    if (draft->kind == KIND_SUMMARY) {
        draft->slots[SUM_IS_ELECTRIC] = rule->slot;
        d->lines = (struct espi_lines){.count = 0};
    }
    if (draft->kind == KIND_LOCAL_TIME)
        draft->slots[LTP_DST_START] = draft->slots[LTP_DST_END] = 0;
    return true;
}

static bool close_list_url(struct espi_elements *d, struct err *e)
{
    size_t len;
    const char *url = espi_text_trim(d->text, d->text_len, &len);
    d->list_urls += len > 0;
    if (len > 0 && !d->sink.url)
        complain(d, PROBLEM_BATCH_LIST, NULL, 0);
    return len == 0 || tell_url(d, ESPI_URL_BATCH, url, len, e);
}

static bool close_word(struct espi_elements *d, const struct espi_rule *rule, struct err *e)
{
    size_t len;
    uint32_t name;
    const char *word = espi_text_trim(d->text, d->text_len, &len);
    struct espi_pending *draft = &d->drafts[d->draft_count - 1];
    if (!espi_names_add(&d->graph.names, word, len, &d->graph.budget, &name, e))
        return false;
    draft->slots[rule->slot] =
        only_one(d, &draft->given, rule->slot, draft->slots[rule->slot], name, 0);
    return true;
}

/* A summary that says nothing is no bill: some writers only wrap their blocks in one. */
static bool close_summary(struct espi_elements *d)
{
    int64_t *slots = d->drafts[d->draft_count - 1].slots;
    bool says = false;
    if (d->lines.count) {
        slots[SUM_HAS_LINES] = 1;
        slots[SUM_LINE_AMOUNT] = espi_lines_amount(&d->lines);
    }
    for (int i = 0; i < SUM_SAID; i++)
        says |= i != SUM_IS_ELECTRIC && slots[i] != ESPI_ABSENT;
    d->draft_count -= !says;
    return says;
}

static bool close_resource(struct espi_elements *d, const struct espi_rule *rule, struct err *e)
{
    if (rule->kind == KIND_SUMMARY && !close_summary(d))
        return true;
    return d->in_entry || keep_drafts(d, e);
}

static void close_line_amount(struct espi_elements *d)
{
    int32_t exponent;
    int64_t amount = text_amount(d);
    d->lines.amount =
        only_one(d, &d->line_given, NODE_LINE_AMOUNT, d->lines.amount, amount, ESPI_ABSENT);
    if ((d->line_given.twice >> NODE_LINE_AMOUNT & 1) ||
        (amount == ESPI_ABSENT &&
         espi_text_decimal(d->text, d->text_len, &amount, &exponent) == ESPI_NUMBER_BAD)) {
        d->lines.unclear = true;
        d->lines.count++;
    }
}

static void close_line_note(struct espi_elements *d)
{
    size_t len;
    const char *note = espi_text_trim(d->text, d->text_len, &len);
    len = len < ESPI_LINE_NOTE ? len : ESPI_LINE_NOTE;
    memcpy(d->lines.note, note, len);
    d->lines.note_len = len;
}

/* --- what a block says by itself --------------------------------------------------------- */
static void open_block(struct espi_elements *d)
{
    d->block_given = (struct espi_given){0, 0};
    d->block_start_s = d->block_duration_s = d->last_start_s = ESPI_ABSENT;
    d->ordinal = d->ordinal_unplaced = 0;
    d->block_has_group = false;
    d->block_line = d->place(d->place_context).line;
    d->own_point_len = 0;
    d->own = (struct espi_own){.service_kind = ESPI_ABSENT,
                               .uom = ESPI_ABSENT,
                               .multiplier = ESPI_ABSENT,
                               .step_s = ESPI_ABSENT};
}

static bool has_own(const struct espi_elements *d)
{
    return d->own_point_len || d->own.service_kind != ESPI_ABSENT || d->own.uom != ESPI_ABSENT ||
           d->own.step_s != ESPI_ABSENT;
}

static bool own_point(struct espi_elements *d, struct err *e)
{
    return espi_names_add(&d->graph.names, d->own_point, d->own_point_len, &d->graph.budget,
                          &d->own.point, e);
}

static void close_block_point(struct espi_elements *d)
{
    size_t len;
    const char *point = espi_text_href(d->text, d->text_len, &len);
    if (len == 0)
        return;
    bool is_same = len == d->own_point_len && !memcmp(d->own_point, point, len);
    bool is_one = only_one(d, &d->block_given, NODE_BLOCK_POINT, is_same, true, false);
    d->own_point_len = is_one && len < ESPI_OWN_POINT ? len : 0; /* no id is as long */
    memcpy(d->own_point, point, d->own_point_len);
}

static void close_block_service(struct espi_elements *d)
{
    size_t len;
    const char *word = espi_text_trim(d->text, d->text_len, &len);
    d->own.service_kind = only_one(d, &d->block_given, NODE_BLOCK_SERVICE, d->own.service_kind,
                                   espi_own_service(word, len), ESPI_ABSENT);
}

static void close_block_unit(struct espi_elements *d)
{
    size_t len;
    int64_t uom, multiplier;
    const char *word = espi_text_trim(d->text, d->text_len, &len);
    if (len == 0)
        return;
    espi_own_unit(word, len, &uom, &multiplier);
    bool is_same = uom == d->own.uom && multiplier == d->own.multiplier;
    bool is_one = only_one(d, &d->block_given, NODE_BLOCK_UNIT, is_same, true, false);
    d->own.uom = is_one ? uom : ESPI_ABSENT;
    d->own.multiplier = is_one ? multiplier : ESPI_ABSENT;
}

/* --- blocks and readings ----------------------------------------------------------------- */
/* Not before the first reading, or the block's end: what its interval says sets blocks of one
 * entry apart. */
static bool choose_group(struct espi_elements *d, struct err *e)
{
    struct espi_context in;
    bool own = has_own(d);
    if (d->block_has_group)
        return true;
    d->block_has_group = true;
    if (own || !d->in_entry || !d->entry_has_group) {
        if (!entry_context(d, &in, e) || !own_point(d, e) ||
            !espi_graph_group(&d->graph, &in, own ? &d->own : NULL, d->block_line, &d->group, e))
            return false;
        d->entry_has_group = !own;
        d->group_hrefs = in.href_count;
    }
    espi_graph_group_at(&d->graph, d->group)->blocks++;
    return true;
}

/* An interval behind the readings: they have their group, which may still be told. */
static bool tell_group(struct espi_elements *d, struct err *e)
{
    struct espi_group *group = espi_graph_group_at(&d->graph, d->group);
    uint32_t name;
    if (!d->block_has_group || d->ordinal == 0 || !has_own(d))
        return true;
    if (!own_point(d, e) || !espi_graph_own_name(&d->graph, &d->own, &name, e))
        return false;
    if (!group->own_name && group->blocks == 1) {
        group->own_name = name;
        group->own = d->own;
    } else if (group->own_name != name) {
        group->own_differs = true;
        complain(d, PROBLEM_BLOCKS_DIFFER, NULL, 0);
    }
    return true;
}

/* How far apart readings without times lie by the block's own length. */
static void share_block(struct espi_elements *d)
{
    struct espi_group *group = espi_graph_group_at(&d->graph, d->group);
    if (d->ordinal && d->ordinal_unplaced == d->ordinal && group->share_s == ESPI_ABSENT &&
        d->block_duration_s > 0)
        group->share_s = d->block_duration_s / d->ordinal;
}

static bool close_block(struct espi_elements *d, struct err *e)
{
    if (!choose_group(d, e) || !tell_group(d, e))
        return false;
    share_block(d);
    return true;
}

static bool open_reading(struct espi_elements *d, struct err *e)
{
    if (!choose_group(d, e))
        return false;
    d->start_unreadable = d->start_elsewhere = false;
    d->reading_given = (struct espi_given){0, 0};
    d->reading = (struct espi_reading){.group = d->group,
                                       .ordinal = d->ordinal,
                                       .entry = d->in_entry ? d->entries : 0,
                                       .start_s = ESPI_ABSENT,
                                       .duration_s = ESPI_ABSENT,
                                       .value = ESPI_ABSENT,
                                       .cost = ESPI_ABSENT,
                                       .quality = ESPI_ABSENT,
                                       .tou = ESPI_ABSENT,
                                       .consumption_tier = ESPI_ABSENT,
                                       .cpp = ESPI_ABSENT};
    return true;
}

static void close_quality(struct espi_elements *d)
{
    int64_t code = text_number(d);
    if (code == ESPI_ABSENT)
        return;
    if (d->reading.quality == ESPI_ABSENT)
        d->reading.quality = code;
    d->reading.qualities |= 1u << (code >= 0 && code < 31 ? code : 31);
}

/* A word instead of a code: that it is estimated counts, whichever way. */
static void close_quality_word(struct espi_elements *d)
{
    size_t len;
    const char *word = espi_text_trim(d->text, d->text_len, &len);
    if (len && len < d->limits.text_bytes && *word >= '0' && *word <= '9')
        close_quality(d);
    else if (len == strlen("ESTIMATED") && !strncasecmp(word, "ESTIMATED", len))
        d->reading.qualities |= 1u << 8;
}

/* Into a reading's number; false: it cannot be read, or an earlier one of the reading differs. */
static bool close_decimal(struct espi_elements *d, int64_t *number, int32_t *exponent)
{
    int64_t value;
    int32_t places;
    bool is_first = *number == ESPI_ABSENT;
    if (!text_decimal(d, &value, &places))
        return false;
    if (!is_first && value != ESPI_ABSENT && (value != *number || places != *exponent)) {
        complain(d, PROBLEM_BAD_NUMBER, d->text, d->text_len);
        return false;
    }
    if (is_first) {
        *number = value;
        *exponent = places;
    }
    return true;
}

static void close_value(struct espi_elements *d)
{
    if (!close_decimal(d, &d->reading.value, &d->reading.value_exponent))
        espi_graph_group_at(&d->graph, d->group)->unreadable_values = true;
}

static void close_cost(struct espi_elements *d)
{
    if (!close_decimal(d, &d->reading.cost, &d->reading.cost_exponent))
        espi_graph_group_at(&d->graph, d->group)->unreadable_costs = true;
}

/* One that cannot be read, and two that differ, are no start. */
static void close_start(struct espi_elements *d)
{
    int64_t before = d->reading.start_s, start_s = text_seconds(d);
    if (text_is_blank(d))
        return;
    bool differs = before != ESPI_ABSENT && start_s != ESPI_ABSENT && start_s != before;
    if (differs)
        complain(d, PROBLEM_BAD_NUMBER, d->text, d->text_len);
    d->start_unreadable |= differs || start_s == ESPI_ABSENT;
    d->reading.start_s = d->start_unreadable ? ESPI_ABSENT : start_s;
}

/* A start that cannot be read, or is given where none is read, is not none: the block's order may
 * be another. */
static void place_by_block(struct espi_elements *d, struct espi_group *group)
{
    bool unknown = d->start_unreadable || d->start_elsewhere;
    d->reading.start_s = unknown ? ESPI_ABSENT : d->block_start_s;
    if (d->reading.start_s == ESPI_ABSENT)
        complain(d, PROBLEM_NO_TIME, NULL, 0);
    else
        group->unplaced++;
}

/* What shows how long an interval is, whatever its type says. */
static void note_length(struct espi_elements *d, struct espi_group *group)
{
    const struct espi_reading *r = &d->reading;
    int64_t step_s;
    bool follows = r->placed && d->last_start_s != ESPI_ABSENT &&
                   !__builtin_sub_overflow(r->start_s, d->last_start_s, &step_s) && step_s > 0;
    if (follows && (group->step_s == ESPI_ABSENT || step_s < group->step_s))
        group->step_s = step_s;
    if (group->duration_s == ESPI_ABSENT && r->duration_s > 0)
        group->duration_s = r->duration_s;
    d->last_start_s = r->placed ? r->start_s : ESPI_ABSENT;
    d->ordinal_unplaced += !r->placed;
}

/* Readings begin from 1973 to 2286; of what lies after that, milliseconds are the usual fault. */
#define START_MOST INT64_C(10000000000)

static void judge_start(struct espi_elements *d, int64_t start_s)
{
    if (start_s == ESPI_ABSENT || start_s < START_MOST)
        return;
    complain(d, start_s / 1000 < START_MOST ? PROBLEM_MILLISECONDS : PROBLEM_START_IMPOSSIBLE, NULL,
             0);
}

static bool close_reading(struct espi_elements *d, struct err *e)
{
    struct espi_group *group = espi_graph_group_at(&d->graph, d->group);
    d->reading.placed = d->reading.start_s != ESPI_ABSENT;
    if (!d->reading.placed)
        place_by_block(d, group);
    note_length(d, group);
    judge_start(d, d->reading.start_s);
    if (d->reading.value == ESPI_ABSENT)
        complain(d, PROBLEM_NO_VALUE, NULL, 0);
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
static bool open_node(struct espi_elements *d, const struct espi_rule *rule, struct err *e)
{
    switch ((enum espi_node)rule->node) {
    case NODE_ENTRY:
        open_entry(d);
        return true;
    case NODE_RESOURCE:
        return open_resource(d, rule, e);
    case NODE_BLOCK:
        open_block(d);
        return true;
    case NODE_READING:
        return open_reading(d, e);
    case NODE_LINE:
        d->line_given = (struct espi_given){0, 0};
        espi_lines_begin_line(&d->lines);
        return true;
    default:
        return true;
    }
}

static void close_once(struct espi_elements *d, enum espi_node node, int64_t *number, int64_t value)
{
    *number = only_one(d, &d->reading_given, node, *number, value, ESPI_ABSENT);
}

static void close_of_block(struct espi_elements *d, enum espi_node node, int64_t *number,
                           int64_t value)
{
    *number = only_one(d, &d->block_given, node, *number, value, ESPI_ABSENT);
}

static bool close_node(struct espi_elements *d, const struct espi_rule *rule, struct err *e)
{
    switch ((enum espi_node)rule->node) {
    case NODE_START:
        close_start(d);
        return true;
    case NODE_DURATION:
        close_once(d, NODE_DURATION, &d->reading.duration_s, text_seconds(d));
        return true;
    case NODE_VALUE:
        close_value(d);
        return true;
    case NODE_COST:
        close_cost(d);
        return true;
    case NODE_READING:
        return close_reading(d, e);
    case NODE_QUALITY:
        close_quality(d);
        return true;
    case NODE_TOU:
        close_once(d, NODE_TOU, &d->reading.tou, text_number(d));
        return true;
    case NODE_QUALITY_WORD:
        close_quality_word(d);
        return true;
    case NODE_TIER:
        close_once(d, NODE_TIER, &d->reading.consumption_tier, text_number(d));
        return true;
    case NODE_CPP:
        close_once(d, NODE_CPP, &d->reading.cpp, text_number(d));
        return true;
    case NODE_BLOCK:
        return close_block(d, e);
    case NODE_BLOCK_START:
        close_of_block(d, NODE_BLOCK_START, &d->block_start_s, text_seconds(d));
        return true;
    case NODE_BLOCK_DURATION:
        close_of_block(d, NODE_BLOCK_DURATION, &d->block_duration_s, text_seconds(d));
        return true;
    case NODE_BLOCK_POINT:
        close_block_point(d);
        return true;
    case NODE_BLOCK_SERVICE:
        close_block_service(d);
        return true;
    case NODE_BLOCK_UNIT:
        close_block_unit(d);
        return true;
    case NODE_BLOCK_STEP:
        close_of_block(d, NODE_BLOCK_STEP, &d->own.step_s, text_number(d));
        return true;
    case NODE_LINE:
        espi_lines_end_line(&d->lines);
        return true;
    case NODE_LINE_AMOUNT:
        close_line_amount(d);
        return true;
    case NODE_LINE_KIND:
        d->lines.kind =
            only_one(d, &d->line_given, NODE_LINE_KIND, d->lines.kind, text_number(d), ESPI_ABSENT);
        return true;
    case NODE_LINE_NOTE:
        close_line_note(d);
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
        close_updated(d);
        return true;
    case NODE_ENTRY:
        return close_entry(d, e);
    case NODE_RESOURCE:
        return close_resource(d, rule, e);
    default:
        return true;
    }
}

/* Whatever in a block calls itself a reading is one: Reading, IntervalReading, RegisterReading. */
static bool is_reading(const struct espi_elements *d, const char *name)
{
    static const char end[] = "reading";
    size_t len = strlen(name), size = strlen(end);
    if (!strcasecmp(name, "IntervalReading"))
        return true;
    return espi_grammar[d->open[d->depth]].node == NODE_BLOCK && len >= size &&
           !strcasecmp(name + len - size, end) && strcasecmp(name, "MeterReading") != 0;
}

/* <start> beside <value>, <TimePeriod>, or one of another name space. */
static bool is_time_of_reading(const struct espi_elements *d, const char *name)
{
    uint8_t in = espi_grammar[d->open[d->depth]].node;
    return (in == NODE_READING || in == NODE_READING_PERIOD) &&
           (!strcasecmp(name, "start") || !strcasecmp(name, "timePeriod"));
}

/* An element within a number's text is no part of it, and what is left is another number. */
static bool note_in_text(struct espi_elements *d, struct err *e)
{
    return !espi_elements_wants_text(d) || espi_elements_text(d, "<", 1, e);
}

/* An element that means nothing here: what it would have been elsewhere is told. */
static void note_skipped(struct espi_elements *d, int parent, const char *name, const char *uri)
{
    const char *in = d->skipped ? d->skipped_in : espi_grammar[parent].name;
    if (is_reading(d, name)) {
        d->misplaced++;
        complain(d, PROBLEM_MISPLACED_READING, in, strlen(in));
    }
    if (d->skipped)
        return;
    d->skipped_in = name;
    d->start_elsewhere |= is_time_of_reading(d, name);
    if (espi_grammar_is_customer(name, uri)) {
        d->customer_elements++;
        complain(d, PROBLEM_CUSTOMER_DATA, NULL, 0);
    }
    if (espi_grammar_is_foreign(parent, name, uri))
        complain(d, PROBLEM_NOT_ESPI, uri, uri ? strlen(uri) : 0);
}

bool espi_elements_start(struct espi_elements *d, const char *name, const char *uri, int *ret_rule,
                         struct err *e)
{
    bool is_misplaced = false;
    if (d->depth + d->skipped >= d->limits.depth)
        return err_set(e, ERR_REJECT, "too_deep", "<%.40s> lies deeper than %zu elements", name,
                       d->limits.depth);
    d->root_seen = true;
    *ret_rule = -1;
    int parent = d->open[d->depth];
    if (d->skipped ||
        (*ret_rule = espi_grammar_match(parent, name, uri, d->seen, &is_misplaced)) < 0) {
        note_skipped(d, parent, name, uri);
        bool right = note_in_text(d, e);
        d->skipped++;
        return right;
    }
    if (is_misplaced && !d->name_space_told)
        complain(d, PROBLEM_NAME_SPACE, uri, uri ? strlen(uri) : 0);
    d->name_space_told |= is_misplaced;
    const struct espi_rule *rule = &espi_grammar[*ret_rule];
    d->open[++d->depth] = (uint8_t)*ret_rule;
    d->wants_text = rule->text;
    d->text_cut = false;
    d->text_len = 0;
    return open_node(d, rule, e);
}

bool espi_elements_end(struct espi_elements *d, struct err *e)
{
    if (d->skipped) {
        d->skipped--;
        return true;
    }
    const struct espi_rule *rule = &espi_grammar[d->open[d->depth--]];
    d->wants_text = false;
    return close_node(d, rule, e);
}
