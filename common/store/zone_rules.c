/* Which rules of local time days and ticks are cut by: kept by zone, with the tzdata and the
 * machine they came from. */
#include "common/store/zone_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct comparison {
    struct pg *pg;
    const struct settings *settings;
    const char *host;
    bool keep;
    char here[TZDATA_VERSION];
    struct buf rules;
    struct zone_difference *differences;
    size_t count, zones;
};

static bool rules_keep(struct comparison *c, const char *zone, const char *instead_of,
                       struct err *e)
{
    return pg_do(c->pg, e, NULL,
                 "INSERT INTO meterbeat.zone_rules (zone, rules, tzdata, host)"
                 " VALUES ($1, $2, $3, $4) ON CONFLICT (zone) DO UPDATE SET rules = excluded.rules,"
                 " tzdata = excluded.tzdata, host = excluded.host, noted_at = now()"
                 " WHERE meterbeat.zone_rules.rules = $5",
                 PG_ARGS(zone, c->rules.data, c->here, c->host, instead_of));
}

/* Days that were cut by the rules that were, and may not be days any more. */
static bool days_since(struct comparison *c, struct zone_difference *d, int64_t since_s,
                       struct err *e)
{
    char since[PG_NUMBER];
    PGresult *r CLEANUP(pg_clear) = pg_query(
        c->pg, e,
        "SELECT count(*) FROM meterbeat.day d JOIN meterbeat.series s ON s.id = d.series_id"
        " WHERE coalesce(s.time_zone, $1) = $2 AND d.day_start >= to_timestamp($3::bigint)",
        PG_ARGS(c->settings->local_timezone, d->zone, pg_number(since_s, since)));
    if (r)
        d->days = pg_int(r, 0, 0, 0);
    return r != NULL;
}

/* since_s 0: this machine has no such zone. */
static bool zone_tell(struct comparison *c, const PGresult *r, const char *zone, int64_t since_s,
                      struct err *e)
{
    const char *kept = pg_text(r, 0, 1);
    struct zone_difference d = {
        .since = "unknown", .is_replaced = c->keep && since_s && tzdata_is_newer(c->here, kept)};
    snprintf(d.zone, sizeof d.zone, "%s", zone);
    snprintf(d.here, sizeof d.here, "%s", !since_s ? "none" : *c->here ? c->here : "unknown");
    snprintf(d.kept, sizeof d.kept, "%s", *kept ? kept : "unknown");
    snprintf(d.by, sizeof d.by, "%s", pg_text(r, 0, 2));
    if (since_s)
        clock_format_utc(since_s * 1000, d.since);
    if (d.is_replaced &&
        (!days_since(c, &d, since_s, e) || !rules_keep(c, zone, pg_text(r, 0, 0), e)))
        return false;
    if (c->count < ZONE_DIFFERENCES_MAX)
        c->differences[c->count++] = d;
    return true;
}

static bool zone_compare(struct comparison *c, const char *name, struct err *e)
{
    struct timezone_rules *zone = NULL;
    struct err ignored;
    int64_t since_s = 0;
    PGresult *r CLEANUP(pg_clear) =
        pg_query(c->pg, e, "SELECT rules, tzdata, host FROM meterbeat.zone_rules WHERE zone = $1",
                 PG_ARGS(name));
    if (!r)
        return false;
    c->zones++;
    bool is_kept = PQntuples(r) > 0;
    buf_clear(&c->rules);
    if (!timezone_load(name, &zone, &ignored)) /* whoever needs it is told so then */
        return !is_kept || zone_tell(c, r, name, 0, e);
    bool ok = zone_rules_text(zone, &c->rules, e);
    timezone_free(zone);
    if (!ok)
        return false;
    if (!is_kept)
        return !c->keep || rules_keep(c, name, "", e);
    return !zone_rules_differ(c->rules.data, pg_text(r, 0, 0), &since_s) ||
           zone_tell(c, r, name, since_s, e);
}

/* Each once; the books know most of them, the settings the others. */
static PGresult *zones_in_use(struct pg *p, const struct settings *s, struct err *e)
{
    struct buf list CLEANUP(buf_free) = buf_make(1 << 20);
    if (!buf_printf(&list, e, "%s\n%s", s->local_timezone, s->timezone))
        return NULL;
    for (size_t i = 0; i < s->entries_count; i++)
        if (s->entries[i].timezone && !buf_printf(&list, e, "\n%s", s->entries[i].timezone))
            return NULL;
    return pg_query(p, e,
                    "SELECT zone FROM (SELECT unnest(string_to_array($1, E'\\n')) AS zone"
                    " UNION SELECT time_zone FROM meterbeat.series"
                    " UNION SELECT time_zone FROM meterbeat.record_option) z"
                    " WHERE zone <> '' AND zone <> 'feed' ORDER BY zone LIMIT 1000",
                    PG_ARGS(list.data));
}

bool zone_rules_compare(struct pg *p, const struct settings *s, const char *host, bool keep,
                        struct zone_difference *ret_differences, size_t *ret_count,
                        size_t *ret_zones, struct err *e)
{
    struct comparison c = {.pg = p,
                           .settings = s,
                           .host = host,
                           .keep = keep,
                           .rules = buf_make(ZONE_RULES_MAX),
                           .differences = ret_differences};
    PGresult *zones CLEANUP(pg_clear) = zones_in_use(p, s, e);
    bool ok = zones != NULL;
    tzdata_version(c.here);
    for (int i = 0; ok && i < PQntuples(zones); i++)
        ok = zone_compare(&c, pg_text(zones, i, 0), e);
    buf_free(&c.rules);
    *ret_count = c.count;
    if (ret_zones)
        *ret_zones = c.zones;
    return ok;
}
