/* What custodians said once and later only refer to: reading types and their like, by href. */
#include "common/store/resource.h"

#include <stdlib.h>

static char *dump(const json_t *list, struct err *e)
{
    char *text = json_dumps(list, JSON_COMPACT);
    if (!text)
        err_set(e, ERR_RETRY, "no_memory", "no memory for a list of resources");
    return text;
}

bool resource_keep(struct pg *p, int64_t custodian_id, const json_t *list, struct err *e)
{
    char number[PG_NUMBER];
    char *text CLEANUP(free_at) = dump(list, e);
    return text &&
           pg_do(p, e, NULL,
                 "INSERT INTO meterbeat.resource AS r (custodian_id, kind, self, up, entry)"
                 " SELECT DISTINCT ON (kind, self) $1::bigint, kind, self, up, entry"
                 " FROM json_to_recordset($2::json) AS x(kind text, self text, up text, entry text)"
                 " ORDER BY kind, self ON CONFLICT (custodian_id, kind, self) DO UPDATE SET"
                 " up = excluded.up, entry = excluded.entry, seen_at = now()"
                 " WHERE r.entry <> excluded.entry",
                 PG_ARGS(pg_number(custodian_id, number), text));
}

PGresult *resource_find(struct pg *p, int64_t custodian_id, const json_t *hrefs, struct err *e)
{
    char number[PG_NUMBER], most[PG_NUMBER];
    char *text CLEANUP(free_at) = dump(hrefs, e);
    if (!text)
        return NULL;
    return pg_query(
        p, e,
        "SELECT kind, self, entry FROM meterbeat.resource WHERE custodian_id = $1"
        " AND (self IN (SELECT json_array_elements_text($2::json))"
        "  OR (kind = 'ReadingType' AND up IN (SELECT json_array_elements_text($2))))"
        " ORDER BY kind, self LIMIT $3",
        PG_ARGS(pg_number(custodian_id, number), text, pg_number(RESOURCE_FOUND_MAX, most)));
}
