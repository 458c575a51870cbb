/* libxml2's push parser, without its words. */
#include "common/espi/xml.h"

static void say_nothing(void *context, const char *format, ...)
{
    (void)context, (void)format;
}

int espi_xml_push(xmlParserCtxtPtr xml, const char *bytes, int len, bool is_end,
                  xmlStructuredErrorFunc on_error, void *context)
{
    xmlGenericErrorFunc generic = xmlGenericError;
    void *generic_context = xmlGenericErrorContext;
    xmlStructuredErrorFunc structured = xmlStructuredError;
    void *structured_context = xmlStructuredErrorContext;
    xmlSetGenericErrorFunc(NULL, say_nothing);
    xmlSetStructuredErrorFunc(context, on_error);
    int code = xmlParseChunk(xml, bytes, len, is_end);
    xmlSetGenericErrorFunc(generic_context, generic);
    xmlSetStructuredErrorFunc(structured_context, structured);
    return code;
}
