/* The tags of a KairosDB series: its identity, made of what the feed says and of nothing else. */
#include "common/kairosdb/series_tags.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/uuid.h"
#include "common/espi/service.h"
#include "common/espi/series_names.h"

static const char *const tag_names[SERIES_TAGS] = {
    [TAG_CANONICAL_ID] = "canonical_id",
    [TAG_CUSTOM_METER_ID] = "custom_meter_id",
    [TAG_ENERGY_TYPE] = "energy_type",
    [TAG_ENERGY_TYPE_INT] = "energy_type_int",
    [TAG_FLOW] = "flow",
    [TAG_INTERVAL] = "interval",
    [TAG_READING_KIND] = "reading_kind",
    [TAG_READING_KIND_INT] = "reading_kind_int",
    [TAG_UOM] = "uom",
    [TAG_UOM_INT] = "uom_int",
};

const char *series_tag_name(enum series_tag tag)
{
    return tag_names[tag];
}

/* The characters KairosDB (its SQL, its series key, its URLs) and JSON take as they are. */
static bool tag_is_plain(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("._~+@-", c));
}

#define DIGEST_TEXT 9

/* Eight hex digits of a text: enough to tell apart the meters of one building. */
static void digest_of(const char *text, char out[DIGEST_TEXT])
{
    char id[UUID_TEXT];
    uuid5_of_name(text, id);
    snprintf(out, DIGEST_TEXT, "%.8s", id);
}

/* Percent-encodes what is not plain; a value too long for a tag keeps its beginning and a digest.
 */
static void tag_set(char out[SERIES_TAG_BYTES], const char *text)
{
    size_t used = 0;
    const char *at = text;
    for (; *at && used + 4 <= SERIES_TAG_BYTES; at++) {
        if (tag_is_plain(*at))
            out[used++] = *at;
        else
            used +=
                (size_t)snprintf(out + used, SERIES_TAG_BYTES - used, "%%%02X", (unsigned char)*at);
    }
    out[used] = '\0';
    if (*at) {
        char digest[DIGEST_TEXT];
        digest_of(text, digest);
        snprintf(out + SERIES_TAG_BYTES - 24, 24, "~%s", digest);
    }
}

static void tag_set_number(char out[SERIES_TAG_BYTES], int64_t value)
{
    snprintf(out, SERIES_TAG_BYTES, "%" PRId64, value);
}

/* A code's name, or the code itself where ESPI knows no name for it. */
static void tag_set_code(char out[SERIES_TAG_BYTES], const char *name, int64_t code)
{
    if (code == ESPI_ABSENT)
        snprintf(out, SERIES_TAG_BYTES, "unstated");
    else if (name)
        tag_set(out, name);
    else
        tag_set_number(out, code);
}

static const char *last_part(const char *href)
{
    const char *slash = strrchr(href, '/');
    return slash ? slash + 1 : href;
}

/* What names the meter: the usage point, or where a feed has none what the readings hang on. */
static const char *series_meter_href(const struct espi_series *s)
{
    const char *hrefs[] = {s->usage_point, s->meter_reading, s->blocks_href};
    for (size_t i = 0; i < ARRAY_LEN(hrefs); i++)
        if (hrefs[i] && *last_part(hrefs[i]))
            return hrefs[i];
    return NULL;
}

/*
 * What sets series of one usage point apart beyond its tags: one register per phase, tier or
 * tariff, averages and maxima beside totals. Only what deviates from a plain interval series is
 * named, so that a plain one keeps SEED's custom_meter_id. Accumulation 1 counts as plain: in real
 * feeds it labels deltas.
 */
static void series_qualities(const struct espi_series *s, char *out, size_t size)
{
    const struct {
        const char *name;
        int64_t value, plain;
    } qualities[] = {
        {"phase", s->phase, 0},
        {"tou", s->tou, 0},
        {"cpp", s->cpp, 0},
        {"tier", s->consumption_tier, 0},
        {"data", s->data_qualifier, 12},
        {"shift", s->shift_s, 0},
        {"acc", s->accumulation_behaviour == 1 ? 4 : s->accumulation_behaviour, 4},
    };
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(qualities); i++) {
        int64_t value = qualities[i].value;
        if (value == ESPI_ABSENT || value == 0 || value == qualities[i].plain)
            continue;
        int n = snprintf(out + used, size - used, ".%s%" PRId64, qualities[i].name, value);
        if (n < 0 || used + (size_t)n >= size)
            return;
        used += (size_t)n;
    }
}

bool series_tags_of(const struct espi_series *s, const char *building_id,
                    struct series_tags *ret_tags, struct err *e)
{
    const char *href = series_meter_href(s);
    if (s->unresolved)
        return err_set(e, ERR_REJECT, s->unresolved, "%s", s->unresolved);
    if (!href)
        return err_set(e, ERR_REJECT, "no_meter", "nothing in the feed names the meter");
    bool conflict;
    int64_t service = series_service(s, &conflict);
    if (service == ESPI_ABSENT)
        return err_set(e, ERR_REJECT, "no_service_kind",
                       "%.200s: the feed names neither service category nor commodity", href);
    struct series_tags tags = {0};
    char meter[2 * SERIES_TAG_BYTES], qualities[120];
    series_qualities(s, qualities, sizeof qualities);
    snprintf(meter, sizeof meter, "%s%s", last_part(href), qualities);
    tag_set(tags.values[TAG_CANONICAL_ID], building_id);
    tag_set(tags.values[TAG_CUSTOM_METER_ID], meter);
    tag_set_code(tags.values[TAG_ENERGY_TYPE], series_service_name(service), service);
    tag_set_number(tags.values[TAG_ENERGY_TYPE_INT], service);
    tag_set_code(tags.values[TAG_FLOW], series_flow_name(s->flow_direction), s->flow_direction);
    tag_set_code(tags.values[TAG_INTERVAL], NULL, s->interval_length);
    tag_set_code(tags.values[TAG_READING_KIND], series_kind_name(s->kind), s->kind);
    tag_set_code(tags.values[TAG_READING_KIND_INT], NULL, s->kind);
    tag_set_code(tags.values[TAG_UOM], series_uom_name(s->uom), s->uom);
    tag_set_code(tags.values[TAG_UOM_INT], NULL, s->uom);
    *ret_tags = tags;
    return true;
}

void series_tags_of_category(const struct espi_series *s, struct series_tags *tags)
{
    tag_set_code(tags->values[TAG_ENERGY_TYPE], series_service_name(s->service_kind),
                 s->service_kind);
    tag_set_number(tags->values[TAG_ENERGY_TYPE_INT], s->service_kind);
}

/* Without what differs between two ways to the same resource: host and version of the interface. */
static const char *href_of_resource(const char *href)
{
    const char *resource = strstr(href, "resource/");
    return resource ? resource + strlen("resource/") : href;
}

#define UNIQUE_ID_BYTES 16

const char *series_source(const struct espi_series *s, const char *scope,
                          char out[SERIES_KEY_BYTES])
{
    char qualities[120];
    const char *href = series_meter_href(s);
    series_qualities(s, qualities, sizeof qualities);
    if (!href)
        href = "";
    if (strlen(last_part(href)) >= UNIQUE_ID_BYTES)
        snprintf(out, SERIES_KEY_BYTES, "%.1000s%s", last_part(href), qualities);
    else
        snprintf(out, SERIES_KEY_BYTES, "%.600s%s@%.500s", href_of_resource(href), qualities,
                 scope);
    return out;
}

static const char *quantity_of(int64_t uom)
{
    return uom == 71 ? "VAh" : uom == 73 ? "VArh" : uom == 106 ? "Ah" : "energy";
}

static int64_t flow_rank(int64_t flow)
{
    return flow == 1 ? 0 : flow == 4 ? 2 : flow == 20 ? 3 : 1;
}

bool series_energy_of(const struct espi_series *s, const char *building_id, const char *source,
                      struct series_energy *ret)
{
    struct espi_series plain = *s, part = *s;
    char of_point[SERIES_KEY_BYTES];
    bool conflict;
    const char *scope = strrchr(source, '@'), *apart = strrchr(source, '#');
    if (!series_is_summable(s))
        return false;
    plain.phase = plain.tou = plain.cpp = plain.consumption_tier = plain.data_qualifier =
        plain.accumulation_behaviour = ESPI_ABSENT;
    plain.shift_s = part.shift_s = 0;
    part.accumulation_behaviour = ESPI_ABSENT;
    series_qualities(&part, ret->part, sizeof ret->part);
    series_source(&plain, scope ? scope + 1 : "", of_point);
    snprintf(ret->group, sizeof ret->group, "%.60s/%.1100s%.40s/%" PRId64 "/%s/%s", building_id,
             of_point, apart ? apart : "", series_service(s, &conflict),
             s->flow_direction == 19 ? "out" : "in", quantity_of(s->uom));
    bool is_volume = s->uom != 31 && s->uom != 72 && s->uom != 132 && s->uom != 169;
    bool is_register = s->accumulation_behaviour == 1 || s->accumulation_behaviour == 9;
    bool has_interval = s->interval_length > 0 && s->interval_length < INT32_MAX;
    ret->rank =
        (is_volume * 8 + flow_rank(s->flow_direction) * 2 + is_register) * INT64_C(10000000000) +
        (has_interval ? s->interval_length : INT32_MAX);
    return true;
}

void series_tags_distinguish(struct series_tags *tags, const char *source)
{
    char digest[DIGEST_TEXT], *id = tags->values[TAG_CUSTOM_METER_ID];
    digest_of(source, digest);
    size_t keep = strlen(id), room = SERIES_TAG_BYTES - 1 - DIGEST_TEXT;
    snprintf(id + (keep < room ? keep : room), DIGEST_TEXT + 1, "~%s", digest);
}

const char *series_tags_key(const struct series_tags *tags, char out[SERIES_KEY_BYTES])
{
    size_t used = 0;
    for (int i = 0; i < SERIES_TAGS; i++)
        used += (size_t)snprintf(out + used, SERIES_KEY_BYTES - used, "%s%s=%s", i ? "," : "",
                                 tag_names[i], tags->values[i]);
    return out;
}

bool series_tags_json(const struct series_tags *tags, struct buf *b, struct err *e)
{
    for (int i = 0; i < SERIES_TAGS; i++)
        if (!buf_printf(b, e, "%c\"%s\":\"%s\"", i ? ',' : '{', tag_names[i], tags->values[i]))
            return false;
    return buf_append(b, "}", 1, e);
}

bool series_tags_read(const char *json, struct series_tags *ret_tags, struct err *e)
{
    struct series_tags tags = {0};
    json_auto_t *object = json_loads(json, 0, NULL);
    for (int i = 0; i < SERIES_TAGS; i++) {
        const char *value = json_string_value(json_object_get(object, tag_names[i]));
        if (!value || !*value || strlen(value) >= SERIES_TAG_BYTES)
            return err_set(e, ERR_REJECT, "bad_tags", "tag %s is missing or too long",
                           tag_names[i]);
        memcpy(tags.values[i], value, strlen(value) + 1);
    }
    *ret_tags = tags;
    return true;
}
