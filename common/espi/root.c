/* Which XML document bytes are the beginning of: libxml2 reads as far as the root. */
#include "common/espi/root.h"

#include <string.h>

#include "common/espi/grammar.h"
#include "common/espi/xml.h"

struct root {
    xmlParserCtxtPtr xml;
    bool is_other;
};

static void decide(struct root *r, const char *name, const char *uri)
{
    r->is_other = !espi_grammar_is_root(name, uri);
    xmlStopParser(r->xml);
}

static void on_root(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                    int space_count, const xmlChar **spaces, int count, int defaulted,
                    const xmlChar **attributes)
{
    (void)prefix, (void)space_count, (void)spaces, (void)count, (void)defaulted, (void)attributes;
    decide(context, (const char *)name, (const char *)uri);
}

/* It names the root with its prefix, and no name space. */
static void on_doctype(void *context, const xmlChar *name, const xmlChar *public_id,
                       const xmlChar *system_id)
{
    (void)public_id, (void)system_id;
    const char *colon = name ? strchr((const char *)name, ':') : NULL;
    decide(context, colon ? colon + 1 : name ? (const char *)name : "", NULL);
}

static void on_error(void *context, xmlErrorPtr error)
{
    (void)context, (void)error; /* the reader will tell */
}

bool espi_is_other_document(const char *bytes, size_t len)
{
    xmlSAXHandler handlers = {.initialized = XML_SAX2_MAGIC,
                              .startElementNs = on_root,
                              .internalSubset = on_doctype,
                              .serror = on_error};
    struct root r = {.xml = NULL};
    xmlInitParser();
    r.xml = xmlCreatePushParserCtxt(&handlers, &r, NULL, 0, NULL);
    if (r.xml && xmlCtxtUseOptions(r.xml, XML_PARSE_NONET) == 0)
        (void)espi_xml_push(r.xml, bytes, (int)len, false, on_error, NULL);
    if (r.xml)
        xmlFreeDoc(r.xml->myDoc);
    xmlFreeParserCtxt(r.xml);
    return r.is_other;
}
