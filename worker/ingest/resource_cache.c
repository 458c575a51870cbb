/* Resources of earlier answers that this one only refers to, such as reading types. */
#include "worker/ingest/resource_cache.h"

#include <string.h>

#include "common/store/resource.h"
#include "common/espi/memory.h"

#define RESOURCE_CACHE_BATCH 200
/* No href that is worth remembering is longer, and PostgreSQL's indexes take no more than 2704. */
#define RESOURCE_CACHE_HREF 1024
/* From a block to its MeterReading, on to its usage point and type, on to its time zone. */
#define RESOURCE_CACHE_ROUNDS 3

struct resource_cache {
    struct staged_feed *feed;
    json_t *list;   /* of what is to be kept, or the hrefs wanted */
    json_t *wanted; /* hrefs as keys */
};

static void cache_end(struct resource_cache *c)
{
    json_decref(c->list);
    json_decref(c->wanted);
}

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory for the resources of a custodian");
}

/* --- storing ---------------------------------------------------------------------------------- */

static bool keep_flush(struct resource_cache *c, struct err *e)
{
    struct staged_feed *f = c->feed;
    bool ok = json_array_size(c->list) == 0 ||
              resource_keep(f->request->task->pg, f->request->source.custodian.id, c->list, e);
    json_array_clear(c->list);
    return ok;
}

static bool keep_one(void *context, const struct espi_kept *kept, struct err *e)
{
    struct resource_cache *c = context;
    if (strlen(kept->self) >= RESOURCE_CACHE_HREF || strlen(kept->up) >= RESOURCE_CACHE_HREF)
        return true;
    json_t *item = json_pack("{s:s, s:s, s:s, s:s}", "kind", kept->kind, "self", kept->self, "up",
                             kept->up, "entry", kept->entry);
    if (!item || json_array_append_new(c->list, item) != 0)
        return no_memory(e);
    return json_array_size(c->list) < RESOURCE_CACHE_BATCH || keep_flush(c, e);
}

/* --- looking up ------------------------------------------------------------------------------- */

static bool want_one(void *context, const char *href, size_t len, struct err *e)
{
    struct resource_cache *c = context;
    char key[RESOURCE_CACHE_HREF];
    if (len >= sizeof key || json_object_size(c->wanted) >= RESOURCE_HREFS_MAX)
        return true;
    memcpy(key, href, len);
    key[len] = '\0';
    if (json_object_get(c->wanted, key))
        return true;
    if (json_object_set_new(c->wanted, key, json_true()) != 0 ||
        json_array_append_new(c->list, json_string(key)) != 0)
        return no_memory(e);
    return true;
}

static bool tell(struct staged_feed *f, const char *text, struct err *e)
{
    return espi_write(f->reader, text, strlen(text), e);
}

/* As one more document. *ret_new false: everything is there already. */
static bool tell_found(struct staged_feed *f, const PGresult *found, bool *ret_new, struct err *e)
{
    const struct espi_graph *g = espi_graph_of(f->reader);
    *ret_new = false;
    for (int i = 0; i < PQntuples(found); i++) {
        if (espi_memory_has(g, pg_text(found, i, 0), pg_text(found, i, 1)))
            continue;
        if (!*ret_new && (!espi_next(f->reader, e) ||
                          !tell(f, "<feed xmlns=\"http://www.w3.org/2005/Atom\">", e)))
            return false;
        *ret_new = true;
        if (!tell(f, pg_text(found, i, 2), e))
            return false;
    }
    return !*ret_new || (tell(f, "</feed>", e) && espi_end(f->reader, e));
}

static bool look_up_round(struct resource_cache *c, bool *ret_new, struct err *e)
{
    struct staged_feed *f = c->feed;
    json_array_clear(c->list);
    json_object_clear(c->wanted);
    *ret_new = false;
    if (!espi_memory_wanted(espi_graph_of(f->reader), want_one, c, e))
        return false;
    if (json_array_size(c->list) == 0)
        return true;
    PGresult *found CLEANUP(pg_clear) =
        resource_find(f->request->task->pg, f->request->source.custodian.id, c->list, e);
    return found && tell_found(f, found, ret_new, e);
}

bool resource_cache_use(struct staged_feed *f, struct err *e)
{
    struct resource_cache c CLEANUP(cache_end) = {
        .feed = f, .list = json_array(), .wanted = json_object()};
    bool is_new = true;
    if (!c.list || !c.wanted)
        return no_memory(e);
    if (!espi_memory_each(espi_graph_of(f->reader), keep_one, &c, e) || !keep_flush(&c, e))
        return false;
    for (int i = 0; is_new && i < RESOURCE_CACHE_ROUNDS; i++)
        if (!look_up_round(&c, &is_new, e))
            return false;
    return true;
}
