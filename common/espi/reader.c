/* Reads a Green Button feed piece by piece: libxml2's push parser in front, the meaning in
 * espi_document. */
#include "common/espi/reader.h"

#include <inttypes.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "common/espi/elements.h"
#include "common/espi/foreign.h"
#include "common/espi/series_table.h"
#include "common/espi/xml.h"

/* The parser takes pieces of at most this much, so that its own buffer stays small. */
#define PIECE_BYTES 16384
/* The beginning of the body, to tell a web page from a broken feed. */
#define HEAD_BYTES 512

struct espi {
    xmlParserCtxtPtr xml;
    struct espi_elements document;
    struct series_table table;
    struct err error;
    bool failed;
    bool ending; /* no more bytes of this document will come */
    bool finished;
    bool root_checked;
    char root[64];    /* the document's, where it is one of ESPI that we do not read */
    bool undecodable; /* the converter met bytes that are no characters */
    uint64_t bytes;
    char head[HEAD_BYTES + 1];
    size_t head_len;
};

/* --- failing, with a place --------------------------------------------------------------- */
static struct espi_location place_now(void *context)
{
    const struct espi *p = context;
    const xmlParserInput *in = p->xml ? p->xml->input : NULL;
    if (!in)
        return (struct espi_location){0};
    return (struct espi_location){(uint64_t)in->line, (uint64_t)in->col};
}

/* p->error says why; this adds where. */
static void fail_at(struct espi *p, struct espi_location at)
{
    p->failed = true;
    err_wrap(&p->error, "line %llu:%llu", (unsigned long long)at.line,
             (unsigned long long)at.column);
}

/* From within the parser: it stops, and the error waits for espi_write to return. */
static void fail_here(struct espi *p)
{
    fail_at(p, place_now(p));
    xmlStopParser(p->xml);
}

static void reject_here(struct espi *p, const char *code, const char *text)
{
    err_set(&p->error, ERR_REJECT, code, "%s", text);
    fail_here(p);
}

static bool cut_off(struct espi *p)
{
    return err_set(&p->error, ERR_RETRY, "feed_cut_off",
                   "the feed ends in mid-element after %llu bytes", (unsigned long long)p->bytes);
}

/* --- what the parser calls --------------------------------------------------------------- */
/* libxml2 hands five pointers an attribute: name, prefix, name space, value, end of value. */
struct attribute {
    const char *name;
    const char *prefix;
    const char *uri;
    const char *value;
    const char *end;
};

static const struct attribute *find_attribute(const struct attribute *list, int count,
                                              const char *name)
{
    for (int i = 0; i < count; i++)
        if (!list[i].prefix && !strcmp(list[i].name, name))
            return &list[i];
    return NULL;
}

static bool on_link(struct espi *p, const struct attribute *list, int count)
{
    const struct attribute *rel = find_attribute(list, count, "rel");
    const struct attribute *href = find_attribute(list, count, "href");
    if (!rel || !href)
        return true;
    return espi_elements_link(&p->document, rel->value, (size_t)(rel->end - rel->value),
                              href->value, (size_t)(href->end - href->value), &p->error);
}

static void on_text(void *context, const xmlChar *text, int len)
{
    struct espi *p = context;
    if (p->failed || !espi_elements_wants_text(&p->document))
        return;
    if (!espi_elements_text(&p->document, (const char *)text, (size_t)len, &p->error))
        fail_here(p);
}

/* Most text is white space between elements: where none is wanted, the parser need not hand it
 * over. */
static void listen_to_text(const struct espi *p)
{
    charactersSAXFunc listener = espi_elements_wants_text(&p->document) ? on_text : NULL;
    p->xml->sax->characters = listener;
    p->xml->sax->ignorableWhitespace = listener; /* the same, or libxml2 looks for the difference */
}

static bool check_root(struct espi *p, const char *name, const char *uri, int rule)
{
    p->root_checked = true;
    if (rule >= 0)
        return true;
    if (!strcasecmp(name, "html"))
        return err_set(&p->error, ERR_REJECT, "html", "a web page, not a feed");
    if (espi_grammar_is_root(name, uri)) {
        snprintf(p->root, sizeof p->root, "%.60s", name);
        return true; /* another ESPI document, or one about customers: nothing in it for us */
    }
    const struct foreign *foreign = foreign_of_root(name, uri);
    if (foreign)
        return err_set(&p->error, ERR_REJECT, foreign->code, "%s", foreign->text);
    return err_set(&p->error, ERR_REJECT, "not_a_feed", "the document is a <%.60s> of \"%.100s\"",
                   name, uri ? uri : "");
}

/* libxml2 reports a prefix that nothing declares as a lesser error: to the standard it is fatal. */
static bool undeclared(struct espi *p, const xmlChar *prefix)
{
    return err_set(&p->error, ERR_REJECT, "not_well_formed",
                   "the prefix \"%.60s\" is declared nowhere", (const char *)prefix);
}

/* At the end of the body libxml2 reports a tag that was cut off in its middle before it notices. */
static bool tag_complete(struct espi *p)
{
    const xmlParserInput *in = p->xml->input;
    return (in && in->cur < in->end) || cut_off(p);
}

static bool check_attributes(struct espi *p, const struct attribute *list, int count,
                             int space_count)
{
    if ((size_t)count + (size_t)space_count > p->document.limits.attributes)
        return err_set(&p->error, ERR_REJECT, "too_many_attributes",
                       "an element with %d attributes", count + space_count);
    for (int i = 0; i < count; i++)
        if (list[i].prefix && !list[i].uri)
            return undeclared(p, (const xmlChar *)list[i].prefix);
    return true;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int space_count, const xmlChar **spaces, int count, int defaulted,
                     const xmlChar **attributes)
{
    (void)spaces, (void)defaulted;
    struct espi *p = context;
    const struct attribute *list = (const struct attribute *)attributes;
    int rule = -1;
    if (p->failed)
        return;
    bool right = (!p->ending || tag_complete(p)) && (!prefix || uri || undeclared(p, prefix));
    if (count || space_count)
        right = right && check_attributes(p, list, count, space_count);
    right = right && espi_elements_start(&p->document, (const char *)name, (const char *)uri, &rule,
                                         &p->error);
    if (right && !p->root_checked)
        right = check_root(p, (const char *)name, (const char *)uri, rule);
    if (right && rule >= 0 && espi_grammar[rule].node == NODE_LINK)
        right = on_link(p, list, count);
    if (!right)
        fail_here(p);
    else
        listen_to_text(p);
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)name, (void)prefix, (void)uri;
    struct espi *p = context;
    if (p->failed)
        return;
    if (!espi_elements_end(&p->document, &p->error))
        fail_here(p);
    else
        listen_to_text(p);
}

/* Called before anything of the DTD is looked at: no entity is ever declared. */
static void on_doctype(void *context, const xmlChar *name, const xmlChar *public_id,
                       const xmlChar *system_id)
{
    (void)public_id, (void)system_id;
    if (name && !strcasecmp((const char *)name, "html"))
        reject_here(context, "html", "a web page, not a feed");
    else
        reject_here(context, "doctype", "a feed has no DOCTYPE");
}

/* libxml2 would print; its last error is looked at instead. But what its converter says is kept
 * nowhere: it drops the bytes and goes on. */
static void on_error(void *context, xmlErrorPtr error)
{
    struct espi *p = context;
    p->undecodable = p->undecodable || error->code == XML_I18N_CONV_FAILED;
}

/* --- opening ----------------------------------------------------------------------------- */
struct espi_limits espi_limits_default(void)
{
    return (struct espi_limits){.total_bytes = UINT64_MAX,
                                .readings = 500u * 1000 * 1000,
                                .depth = 64,
                                .token_bytes = 256u * 1024,
                                .names_bytes = 1024u * 1024,
                                .text_bytes = 4096,
                                .attributes = 64,
                                .kept_bytes = 6u * 1024 * 1024,
                                .series = 10000,
                                .problems = 100};
}

static struct espi_limits complete_limits(const struct espi_limits *given)
{
    struct espi_limits l = espi_limits_default(), g = given ? *given : (struct espi_limits){0};
    l.total_bytes = g.total_bytes ? g.total_bytes : l.total_bytes;
    l.readings = g.readings ? g.readings : l.readings;
    l.depth = g.depth ? g.depth : l.depth;
    l.depth = l.depth < ESPI_DEPTH_MAX ? l.depth : ESPI_DEPTH_MAX;
    l.token_bytes = g.token_bytes ? g.token_bytes : l.token_bytes;
    l.names_bytes = g.names_bytes ? g.names_bytes : l.names_bytes;
    l.text_bytes = g.text_bytes ? g.text_bytes : l.text_bytes;
    l.attributes = g.attributes ? g.attributes : l.attributes;
    l.kept_bytes = g.kept_bytes ? g.kept_bytes : l.kept_bytes;
    l.series = g.series ? g.series : l.series;
    l.problems = g.problems ? g.problems : l.problems;
    return l;
}

static bool open_parser(struct espi *p)
{
    xmlSAXHandler handlers = {.initialized = XML_SAX2_MAGIC,
                              .startElementNs = on_start,
                              .endElementNs = on_end,
                              .cdataBlock = on_text,
                              .internalSubset = on_doctype,
                              .serror = on_error};
    p->xml = xmlCreatePushParserCtxt(&handlers, p, NULL, 0, NULL);
    return p->xml && xmlCtxtUseOptions(p->xml, XML_PARSE_NONET) == 0;
}

static void close_parser(struct espi *p)
{
    if (p->xml) {
        xmlFreeDoc(p->xml->myDoc);
        xmlFreeParserCtxt(p->xml);
    }
    p->xml = NULL;
}

struct espi *espi_open(const struct espi_limits *limits, const struct espi_sink *sink,
                       struct err *e)
{
    xmlInitParser();
    struct espi *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(e, ERR_RETRY, "no_memory", "no memory for a feed");
        return NULL;
    }
    p->document.limits = complete_limits(limits);
    p->document.sink = *sink;
    p->document.place = place_now;
    p->document.place_context = p;
    if (getrandom(&p->document.graph.names.seed, sizeof p->document.graph.names.seed,
                  GRND_NONBLOCK) < 0)
        p->document.graph.names.seed = (uintptr_t)p;
    if (espi_elements_make(&p->document, e)) {
        if (open_parser(p))
            return p;
        err_set(e, ERR_RETRY, "no_memory", "no memory for an XML parser");
    }
    espi_free(p);
    return NULL;
}

void espi_free(struct espi *p)
{
    if (!p)
        return;
    close_parser(p);
    series_table_free(&p->table);
    espi_elements_free(&p->document);
    free(p);
}

void espi_freep(struct espi **p)
{
    espi_free(*p);
    *p = NULL;
}

/* --- what is wrong with a body ----------------------------------------------------------- */
static bool head_has(const struct espi *p, const char *word)
{
    return strcasestr(p->head, word) != NULL;
}

#define BLANK "\xef\xbb\xbf \t\r\n" /* the byte order mark counts as blank */

/* The first character that is not blank; '\0' for none. */
static char first_character(const struct espi *p)
{
    return p->head[strspn(p->head, BLANK)];
}

static bool is_blank(const struct espi *p)
{
    return p->head_len < HEAD_BYTES && strspn(p->head, BLANK) == p->head_len;
}

static bool is_encoding_error(const xmlError *last, int returned)
{
    int code = last->code;
    if (returned == XML_ERR_INVALID_ENCODING ||
        returned == XML_PARSER_EOF) /* the converter gave up */
        return true;
    /* one code for characters XML forbids and for bytes that make none: only the message tells */
    if (code == XML_ERR_INVALID_CHAR && last->message)
        return strstr(last->message, "UTF-8") != NULL;
    return code == XML_ERR_INVALID_ENCODING || code == XML_ERR_UNKNOWN_ENCODING ||
           code == XML_ERR_UNSUPPORTED_ENCODING || code == XML_ERR_ENCODING_NAME ||
           code == XML_I18N_CONV_FAILED || code == XML_I18N_NO_HANDLER || code == XML_IO_ENCODER;
}

static void judge_failure(struct espi *p, int code)
{
    struct err *e = &p->error;
    const xmlError *last = &p->xml->lastError;
    bool open = p->document.depth || p->document.skipped || !p->document.root_seen;
    const char *message = last->message ? last->message : "the bytes cannot be decoded";
    int len = (int)strcspn(message, "\n");
    char first = first_character(p);
    const struct foreign *foreign = p->document.root_seen ? NULL : foreign_of(p->head, p->head_len);
    if (last->code == XML_ERR_NO_MEMORY || code == XML_ERR_NO_MEMORY)
        err_set(e, ERR_RETRY, "no_memory", "no memory for the XML parser");
    else if (!p->document.root_seen && (head_has(p, "<html") || head_has(p, "<!doctype html")))
        err_set(e, ERR_REJECT, "html", "a web page, not a feed");
    else if (foreign)
        err_set(e, ERR_REJECT, foreign->code, "%s", foreign->text);
    else if (!p->document.root_seen && first > ' ' && first != '<')
        err_set(e, ERR_REJECT, "not_xml", "the body is no XML: it begins with \"%.1s\"", &first);
    else if (p->ending && open)
        cut_off(p);
    else if (p->undecodable || is_encoding_error(last, code))
        err_set(e, ERR_REJECT, "bad_encoding", "%.*s", len, message);
    else
        err_set(e, ERR_REJECT, "not_well_formed", "%.*s", len, message);
}

static void fail_parser(struct espi *p, int code)
{
    struct espi_location at = place_now(p);
    if (p->xml->lastError.line > 0)
        at = (struct espi_location){(uint64_t)p->xml->lastError.line,
                                    (uint64_t)p->xml->lastError.int2};
    judge_failure(p, code);
    fail_at(p, at);
}

/* What the parser holds because it cannot use it yet, and the names it has met. */
static void check_parser_size(struct espi *p)
{
    const xmlParserInput *in = p->xml->input;
    if (in && in->end && (size_t)(in->end - in->cur) > p->document.limits.token_bytes)
        reject_here(p, "token_too_long", "a tag, comment or processing instruction without an end");
    else if (xmlDictGetUsage(p->xml->dict) > p->document.limits.names_bytes)
        reject_here(p, "too_many_names", "too many different names");
}

/* --- writing ----------------------------------------------------------------------------- */
static bool outcome(const struct espi *p, struct err *e)
{
    if (p->failed && e)
        *e = p->error;
    return !p->failed;
}

static void push(struct espi *p, const char *bytes, size_t len)
{
    int code = espi_xml_push(p->xml, bytes, (int)len, p->ending, on_error, p);
    bool halted = !p->xml->wellFormed || p->xml->disableSAX || p->undecodable;
    if (!p->failed && (halted || code == XML_ERR_NO_MEMORY || code == XML_ERR_INVALID_ENCODING ||
                       code == XML_PARSER_EOF))
        fail_parser(p, code);
    if (!p->failed && !p->ending)
        check_parser_size(p);
}

/* The first bytes wait until there are enough to tell what is no XML, whatever the pieces. */
static void keep_head(struct espi *p, const char *bytes, size_t len)
{
    memcpy(p->head + p->head_len, bytes, len);
    p->head_len += len;
    if (p->head_len == HEAD_BYTES)
        push(p, p->head, p->head_len);
}

/* At most PIECE_BYTES. */
static void write_piece(struct espi *p, const char *bytes, size_t len)
{
    size_t room = HEAD_BYTES - p->head_len, first = len < room ? len : room;
    p->bytes += len;
    if (first)
        keep_head(p, bytes, first);
    if (len > first && !p->failed)
        push(p, bytes + first, len - first);
}

bool espi_write(struct espi *p, const char *bytes, size_t len, struct err *e)
{
    while (len && !p->failed) {
        size_t piece = len < PIECE_BYTES ? len : PIECE_BYTES;
        if (piece > p->document.limits.total_bytes - p->bytes) {
            err_set(&p->error, ERR_REJECT, "feed_too_large", "more than %llu bytes",
                    (unsigned long long)p->document.limits.total_bytes);
            fail_at(p, place_now(p));
            break;
        }
        write_piece(p, bytes, piece);
        bytes += piece;
        len -= piece;
    }
    return outcome(p, e);
}

bool espi_end(struct espi *p, struct err *e)
{
    if (!p->failed && !p->ending && p->head_len && p->head_len < HEAD_BYTES)
        push(p, p->head, p->head_len);
    if (p->failed || p->ending)
        return outcome(p, e);
    p->ending = true;
    if (is_blank(p)) {
        err_set(&p->error, ERR_REJECT, "empty", "the body is empty");
        fail_at(p, place_now(p));
        return outcome(p, e);
    }
    push(p, NULL, 0);
    return outcome(p, e);
}

bool espi_next(struct espi *p, struct err *e)
{
    if (!espi_end(p, e))
        return false;
    close_parser(p);
    espi_elements_next(&p->document);
    p->ending = p->root_checked = false;
    memset(p->head, 0, sizeof p->head);
    p->head_len = 0;
    if (!open_parser(p)) {
        err_set(&p->error, ERR_RETRY, "no_memory", "no memory for an XML parser");
        fail_at(p, place_now(p));
    }
    return outcome(p, e);
}

/* Each becomes a row in the books; those without readings become none. */
static bool check_series(struct espi *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->table.count; i++)
        count += p->table.series[i].readings > 0;
    return count <= p->document.limits.series ||
           err_set(&p->error, ERR_REJECT, "too_many_series", "readings of more than %zu series",
                   p->document.limits.series);
}

bool espi_finish(struct espi *p, struct err *e)
{
    if (!espi_end(p, e) || p->finished)
        return outcome(p, e);
    p->finished = true;
    if (!series_table_make(&p->document.graph, &p->document.problems, &p->table, &p->error) ||
        !check_series(p))
        fail_at(p, place_now(p));
    return outcome(p, e);
}

/* --- what was found ---------------------------------------------------------------------- */
size_t espi_series_count(const struct espi *p)
{
    return p->table.count;
}

const struct espi_series *espi_series_at(const struct espi *p, size_t i)
{
    return &p->table.series[i];
}

size_t espi_bill_count(const struct espi *p)
{
    return p->table.bill_count;
}

const struct espi_bill *espi_bill_at(const struct espi *p, size_t i)
{
    return &p->table.bills[i];
}

size_t espi_series_of_group(const struct espi *p, uint32_t group)
{
    return espi_graph_group_at(&p->document.graph, group)->series;
}

void espi_tell_unread(struct espi *p, const char *name)
{
    espi_problems_add(&p->document.problems, PROBLEM_UNREAD_FILE, 0, 0, name, strlen(name));
}

bool espi_place_reading(const struct espi_series *s, struct espi_reading *r)
{
    if (r->placed)
        return true;
    int64_t offset_s, start_s, interval_s = espi_interval(s);
    if (r->start_s == ESPI_ABSENT || interval_s == ESPI_ABSENT ||
        __builtin_mul_overflow(espi_length(interval_s), (int64_t)r->ordinal, &offset_s) ||
        __builtin_add_overflow(r->start_s, offset_s, &start_s))
        return false;
    r->start_s = start_s;
    if (r->duration_s == ESPI_ABSENT)
        r->duration_s = interval_s;
    r->placed = true;
    return true;
}

void espi_tell(struct espi *p, const char *code, size_t series, uint32_t group, const char *figure)
{
    const struct espi_series *s = espi_series_at(p, series);
    const char *of = s->meter_reading ? s->meter_reading : s->blocks_href ? s->blocks_href : "";
    enum espi_problem_kind odd = espi_problem_of_code(code);
    char where[256];
    snprintf(where, sizeof where, "%.90s%s%s", of, *of && *figure ? ", " : "", figure);
    if (odd < PROBLEM_COUNT)
        espi_problems_add(&p->document.problems, odd,
                          espi_graph_group_at(&p->document.graph, group)->line, 0, where,
                          strlen(where));
}

size_t espi_group_count(const struct espi *p)
{
    return p->document.graph.groups.count;
}

uint64_t espi_reading_count(const struct espi *p)
{
    return p->document.readings;
}

size_t espi_problem_count(const struct espi *p)
{
    return p->document.problems.count;
}

const struct espi_problem *espi_problem_at(const struct espi *p, size_t i)
{
    return &p->document.problems.kept[i];
}

uint64_t espi_problems_not_kept(const struct espi *p)
{
    return p->document.problems.not_kept;
}

uint64_t espi_skipped(const struct espi *p, char *text, size_t room)
{
    uint64_t skipped = 0;
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < espi_problem_count(p); i++) {
        const struct espi_problem *problem = espi_problem_at(p, i);
        if (!espi_problem_is_skipped(espi_problem_of_code(problem->code)))
            continue;
        skipped += problem->count;
        if (used < room)
            used += (size_t)snprintf(text + used, room - used,
                                     "%s%s: %" PRIu64 ", first at line %" PRIu64, used ? "; " : "",
                                     problem->code, problem->count, problem->line);
    }
    return skipped;
}

uint64_t espi_misplaced_count(const struct espi *p)
{
    return p->document.misplaced;
}

bool espi_check_content(const struct espi *p, struct err *e)
{
    const struct espi_elements *d = &p->document;
    if (d->readings || d->misplaced || d->graph.resources.count)
        return true;
    if (d->list_urls && !d->sink.url)
        return err_set(e, ERR_REJECT, "batch_list",
                       "a BatchList: %llu URLs of documents and no readings; fetch those documents",
                       (unsigned long long)d->list_urls);
    if (d->customer_elements)
        return err_set(e, ERR_REJECT, "customer_data",
                       "a customer's data (names, addresses, accounts) and no readings; fetch the "
                       "usage data: Batch/Subscription instead of RetailCustomer");
    return !*p->root ||
           err_set(e, ERR_REJECT, "not_a_feed",
                   "the document is ESPI's <%s>: nothing of a meter is in it", p->root);
}

const struct espi_graph *espi_graph_of(const struct espi *p)
{
    return &p->document.graph;
}
