/* `meterbeatctl inspect`: reads each file through the feed reader and hands what it found to a
 * printer. */
#include "meter/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meter/inspect_count.h"
#include "meter/inspect_print.h"

#define PIECE_BYTES 65536

static bool read_pieces(FILE *in, struct espi *feed, struct err *e)
{
    char piece[PIECE_BYTES];
    for (size_t len; (len = fread(piece, 1, sizeof piece, in)) > 0;)
        if (!espi_write(feed, piece, len, e))
            return false;
    if (ferror(in))
        return err_set(e, ERR_RETRY, "cannot_read", "%s", strerror(errno));
    return espi_finish(feed, e);
}

static bool read_file(const char *name, struct espi *feed, struct err *e)
{
    bool standard_input = !strcmp(name, "-");
    FILE *in = standard_input ? stdin : fopen(name, "rb");
    if (!in)
        return err_set(e, ERR_REJECT, "cannot_open", "%s", strerror(errno));
    bool done = read_pieces(in, feed, e);
    if (!standard_input)
        fclose(in);
    return done;
}

static bool inspect_file(const char *name, struct zones *zones, inspect_printer *print, FILE *out)
{
    struct err e = {0};
    struct inspect_counts groups = {0};
    struct inspect_file found = {.name = name, .zones = zones};
    struct espi_sink sink = {.reading = inspect_count_reading, .context = &groups};
    struct espi *feed CLEANUP(espi_freep) = espi_open(NULL, &sink, &e);
    if (feed && read_file(name, feed, &e)) {
        found.counts = inspect_count_join(&groups, feed);
        if (!found.counts)
            err_set(&e, ERR_RETRY, "no_memory", "no memory for the counts");
    }
    found.feed = feed;
    found.failure = found.counts ? NULL : &e;
    print(&found, out);
    free(found.counts);
    inspect_counts_free(&groups);
    return !found.failure;
}

int inspect_main(const char *const *files, size_t count, bool json, FILE *out)
{
    struct zones zones = {.count = 0};
    int status = 0;
    for (size_t i = 0; i < count; i++)
        if (!inspect_file(files[i], &zones, json ? inspect_print_json : inspect_print_text, out))
            status = 1;
    zones_free(&zones);
    return fflush(out) == 0 && !ferror(out) ? status : 1;
}
