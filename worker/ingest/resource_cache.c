/* What a custodian said in earlier answers and this one only refers to: reading types and their
 * like. */
#include "worker/ingest/resource_cache.h"

#include <string.h>

#include "common/store/resource.h"
#include "common/espi/memory.h"

#define RECALL_BATCH 200
/* No href that is worth remembering is longer, and PostgreSQL's indexes take no more than 2704. */
#define RECALL_HREF 1024
/* From a block to its MeterReading, on to its usage point and type, on to its time zone. */
#define RECALL_ROUNDS 3

struct recall {
    struct parse *parse;
    json_t *list;   /* of what is to be kept, or the hrefs wanted */
    json_t *wanted; /* hrefs as keys */
};

static void recall_end(struct recall *r)
{
    json_decref(r->list);
    json_decref(r->wanted);
}

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory for the resources of a custodian");
}

/* --- keeping ---------------------------------------------------------------------------------- */

static bool keep_flush(struct recall *r, struct err *e)
{
    struct parse *p = r->parse;
    bool ok =
        json_array_size(r->list) == 0 || resource_keep(p->task->pg, p->custodian.id, r->list, e);
    json_array_clear(r->list);
    return ok;
}

static bool keep_one(void *context, const struct espi_kept *kept, struct err *e)
{
    struct recall *r = context;
    if (strlen(kept->self) >= RECALL_HREF || strlen(kept->up) >= RECALL_HREF)
        return true;
    json_t *item = json_pack("{s:s, s:s, s:s, s:s}", "kind", kept->kind, "self", kept->self, "up",
                             kept->up, "entry", kept->entry);
    if (!item || json_array_append_new(r->list, item) != 0)
        return no_memory(e);
    return json_array_size(r->list) < RECALL_BATCH || keep_flush(r, e);
}

/* --- recalling -------------------------------------------------------------------------------- */

static bool want_one(void *context, const char *href, size_t len, struct err *e)
{
    struct recall *r = context;
    char key[RECALL_HREF];
    if (len >= sizeof key || json_object_size(r->wanted) >= RESOURCE_HREFS_MAX)
        return true;
    memcpy(key, href, len);
    key[len] = '\0';
    if (json_object_get(r->wanted, key))
        return true;
    if (json_object_set_new(r->wanted, key, json_true()) != 0 ||
        json_array_append_new(r->list, json_string(key)) != 0)
        return no_memory(e);
    return true;
}

static bool tell(struct parse *p, const char *text, struct err *e)
{
    return espi_write(p->espi, text, strlen(text), e);
}

/* As one more document. *ret_new false: everything is there already. */
static bool tell_found(struct parse *p, const PGresult *found, bool *ret_new, struct err *e)
{
    const struct espi_graph *g = espi_graph_of(p->espi);
    *ret_new = false;
    for (int i = 0; i < PQntuples(found); i++) {
        if (espi_memory_has(g, pg_text(found, i, 0), pg_text(found, i, 1)))
            continue;
        if (!*ret_new &&
            (!espi_next(p->espi, e) || !tell(p, "<feed xmlns=\"http://www.w3.org/2005/Atom\">", e)))
            return false;
        *ret_new = true;
        if (!tell(p, pg_text(found, i, 2), e))
            return false;
    }
    return !*ret_new || (tell(p, "</feed>", e) && espi_end(p->espi, e));
}

static bool recall_round(struct recall *r, bool *ret_new, struct err *e)
{
    struct parse *p = r->parse;
    json_array_clear(r->list);
    json_object_clear(r->wanted);
    *ret_new = false;
    if (!espi_memory_wanted(espi_graph_of(p->espi), want_one, r, e))
        return false;
    if (json_array_size(r->list) == 0)
        return true;
    PGresult *found CLEANUP(pg_clear) = resource_find(p->task->pg, p->custodian.id, r->list, e);
    return found && tell_found(p, found, ret_new, e);
}

bool recall(struct parse *p, struct err *e)
{
    struct recall r CLEANUP(recall_end) = {
        .parse = p, .list = json_array(), .wanted = json_object()};
    bool is_new = true;
    if (!r.list || !r.wanted)
        return no_memory(e);
    if (!espi_memory_each(espi_graph_of(p->espi), keep_one, &r, e) || !keep_flush(&r, e))
        return false;
    for (int i = 0; is_new && i < RECALL_ROUNDS; i++)
        if (!recall_round(&r, &is_new, e))
            return false;
    return true;
}
