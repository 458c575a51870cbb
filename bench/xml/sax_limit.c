/* How fast a C push parser can go with handlers that do nothing: sax_limit PARSER FILE [TIMES]. */
#include <expat.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PIECE 16384

static unsigned long elements;

/* --- expat, with and without name spaces ---------------------------------------------------------
 */
static void expat_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    (void)context, (void)name, (void)attributes;
    elements++;
}

static void expat_end(void *context, const XML_Char *name)
{
    (void)context, (void)name;
}

static void expat_text(void *context, const XML_Char *text, int length)
{
    (void)context, (void)text, (void)length;
}

static const char *run_expat(FILE *in, XML_Parser parser)
{
    static char piece[PIECE];
    static char message[200];
    XML_SetElementHandler(parser, expat_start, expat_end);
    XML_SetCharacterDataHandler(parser, expat_text);
    const char *failure = NULL;
    for (size_t length = 1; length && !failure;) {
        length = fread(piece, 1, sizeof piece, in);
        if (XML_Parse(parser, piece, (int)length, length == 0) != XML_STATUS_OK) {
            snprintf(message, sizeof message, "%s at line %lu",
                     XML_ErrorString(XML_GetErrorCode(parser)), XML_GetCurrentLineNumber(parser));
            failure = message;
        }
    }
    XML_ParserFree(parser);
    return failure;
}

static const char *run_expat_plain(FILE *in)
{
    return run_expat(in, XML_ParserCreate(NULL));
}

static const char *run_expat_ns(FILE *in)
{
    return run_expat(in, XML_ParserCreateNS(NULL, '\x1f'));
}

/* --- libxml2, SAX2 with name spaces ------------------------------------------------------ */
static void xml2_start(void *context, const xmlChar *name, const xmlChar *prefix,
                       const xmlChar *uri, int spaces, const xmlChar **space, int attributes,
                       int defaulted, const xmlChar **attribute)
{
    (void)context, (void)name, (void)prefix, (void)uri, (void)spaces, (void)space;
    (void)attributes, (void)defaulted, (void)attribute;
    elements++;
}

static void xml2_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)context, (void)name, (void)prefix, (void)uri;
}

static void xml2_text(void *context, const xmlChar *text, int length)
{
    (void)context, (void)text, (void)length;
}

static const char *run_libxml2(FILE *in)
{
    static char piece[PIECE];
    static char message[200];
    xmlSAXHandler handlers = {.initialized = XML_SAX2_MAGIC,
                              .startElementNs = xml2_start,
                              .endElementNs = xml2_end,
                              .characters = xml2_text,
                              .ignorableWhitespace = xml2_text};
    xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&handlers, NULL, NULL, 0, NULL);
    xmlCtxtUseOptions(parser, XML_PARSE_NONET);
    int status = 0;
    for (size_t length = 1; length && !status;) {
        length = fread(piece, 1, sizeof piece, in);
        status = xmlParseChunk(parser, piece, (int)length, length == 0);
    }
    const char *failure = NULL;
    if (status) {
        snprintf(message, sizeof message, "error %d at line %d", status, parser->lastError.line);
        failure = message;
    }
    if (parser->myDoc)
        xmlFreeDoc(parser->myDoc);
    xmlFreeParserCtxt(parser);
    return failure;
}

/* --- the measurement --------------------------------------------------------------------- */
static const char *(*choose_parser(const char *name))(FILE *)
{
    if (!strcmp(name, "expat"))
        return run_expat_plain;
    if (!strcmp(name, "expat-ns"))
        return run_expat_ns;
    return strcmp(name, "libxml2") ? NULL : run_libxml2;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double time_once(const char *(*run)(FILE *), FILE *in, const char **ret_failure)
{
    rewind(in);
    elements = 0;
    double begin = seconds_now();
    *ret_failure = run(in);
    return seconds_now() - begin;
}

int main(int count, char **words)
{
    const char *(*run)(FILE *) = count > 2 ? choose_parser(words[1]) : NULL;
    FILE *in = run ? fopen(words[2], "rb") : NULL;
    if (!in)
        return fprintf(stderr, "usage: sax_limit expat|expat-ns|libxml2 FILE [TIMES]\n"), 2;
    const char *failure = NULL;
    double best = 1e9;
    for (int times = count > 3 ? atoi(words[3]) : 1; times > 0; times--) {
        double seconds = time_once(run, in, &failure);
        best = seconds < best ? seconds : best;
    }
    fseek(in, 0, SEEK_END);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%-9s %8.1f MB/s  %5.1f MiB  %9lu elements  %s\n", words[1],
           (double)ftell(in) / 1e6 / best, (double)usage.ru_maxrss / 1024, elements,
           failure ? failure : "well-formed");
    fclose(in);
    return 0;
}
