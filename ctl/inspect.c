/* `meterbeatctl inspect`: reads each file through the feed reader and hands what it found to a
 * printer. */
#include "ctl/inspect.h"

#include <stdlib.h>

#include "common/greenbutton/document.h"
#include "ctl/inspect_count.h"
#include "ctl/inspect_print.h"
#include "common/espi/plausible.h"

static bool read_bytes(void *context, const char *bytes, size_t len, struct err *e)
{
    return espi_write(context, bytes, len, e);
}

static bool read_next(void *context, struct err *e)
{
    return espi_next(context, e);
}

static void read_unread(void *context, const char *name)
{
    espi_tell_unread(context, name);
}

/* Files are the user's own: as large as they are. */
static bool read_file(const char *name, struct espi *feed, struct err *e)
{
    const struct document_sink sink = {
        .bytes = read_bytes, .next = read_next, .unread = read_unread, .context = feed};
    return document_read(name, INT64_MAX, &sink, e) && espi_finish(feed, e);
}

struct inspect_sums {
    struct inspect_counts groups;
    struct plausible plausible;
};

static bool inspect_reading(void *context, const struct espi_reading *r, struct err *e)
{
    struct inspect_sums *sums = context;
    return inspect_count_reading(&sums->groups, r, e) && plausible_note(&sums->plausible, r, e);
}

static bool inspect_judge(const char *name, struct espi *feed, struct inspect_sums *sums,
                          struct inspect_file *found, struct err *e)
{
    const struct plausible_decided nothing = {0};
    if (!read_file(name, feed, e) || !plausible_judge(&sums->plausible, &nothing, feed, e))
        return false;
    found->counts = inspect_count_join(&sums->groups, feed);
    return found->counts || err_set(e, ERR_RETRY, "no_memory", "no memory for the counts");
}

static bool inspect_file(const char *name, struct zones *zones, inspect_printer *print, FILE *out)
{
    struct err e = {0};
    struct inspect_sums sums = {0};
    struct inspect_file found = {.name = name, .zones = zones};
    struct espi_sink sink = {.reading = inspect_reading, .context = &sums};
    struct espi *feed CLEANUP(espi_freep) = espi_open(NULL, &sink, &e);
    bool right = feed && inspect_judge(name, feed, &sums, &found, &e);
    found.are_starts_known = !sums.groups.starts.too_many;
    found.feed = feed;
    found.failure = right ? NULL : &e;
    print(&found, out);
    free(found.counts);
    inspect_counts_free(&sums.groups);
    plausible_free(&sums.plausible);
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
