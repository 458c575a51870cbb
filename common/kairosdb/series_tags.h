/* The tags of a KairosDB series: its identity, made only from what the feed says. */
#ifndef METERBEAT_KAIROSDB_SERIES_TAGS_H
#define METERBEAT_KAIROSDB_SERIES_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/espi/feed_series.h"

/* In alphabetical order of their names, which is the order of series_tags_key. */
enum series_tag {
    TAG_CANONICAL_ID,
    TAG_CUSTOM_METER_ID,
    TAG_ENERGY_TYPE,
    TAG_ENERGY_TYPE_INT,
    TAG_FLOW,
    TAG_INTERVAL,
    TAG_READING_KIND,
    TAG_READING_KIND_INT,
    TAG_UOM,
    TAG_UOM_INT,
    SERIES_TAGS
};

#define SERIES_TAG_BYTES 101 /* seed_meter.custom_meter_id holds 100 characters */
#define SERIES_KEY_BYTES 1400

/* Values are never empty and contain only letters, digits and "._~+@-%": safe in KairosDB's SQL. */
struct series_tags {
    char values[SERIES_TAGS][SERIES_TAG_BYTES];
};

const char *series_tag_name(enum series_tag tag);
/*
 * building_id: the record's. custom_meter_id is the last part of the usage point's href, as in
 * SEED, followed by whatever else distinguishes the series (phase, tier, ...). False: ERR_REJECT
 * with the reason why these readings cannot be identified or summed: espi_series.unresolved,
 * "no_meter" (nothing names it), "no_service_kind". Pure.
 */
MUST_CHECK bool series_tags_of(const struct espi_series *s, const char *building_id,
                               struct series_tags *ret_tags, struct err *e);
/* The tags as they were made before the reading type decided: by the service category, which s must
 * have. */
void series_tags_of_category(const struct espi_series *s, struct series_tags *tags);
/*
 * Identifies the meter behind a series: two series with equal tags and different sources are
 * different meters. A usage point id of 16 characters or more (UUIDs) is assumed to be unique; a
 * shorter one ("1", "01") is replaced by its href within `scope`, the record's subscription.
 * Returns out.
 */
const char *series_source(const struct espi_series *s, const char *scope,
                          char out[SERIES_KEY_BYTES]);
/*
 * Which series measure the same energy: those of one usage point, service and direction, counted as
 * the whole or as the same part. rank: the lowest counts. Energy comes before volume; forward
 * before unstated, net and total; amounts before registers; short intervals before long ones.
 */
struct series_energy {
    char group[SERIES_KEY_BYTES];
    char part[120];
    int64_t rank;
};
/* source: from series_source. False: not an amount. Pure. */
bool series_energy_of(const struct espi_series *s, const char *building_id, const char *source,
                      struct series_energy *ret);
/*
 * Distinguishes a second meter with the same custom_meter_id by appending a digest of its source.
 */
void series_tags_distinguish(struct series_tags *tags, const char *source);
/* "name=value,..." of all tags: the identity as one text. Returns out. */
const char *series_tags_key(const struct series_tags *tags, char out[SERIES_KEY_BYTES]);
/* Appends {"name":"value",...} to b. Names and values need no escaping. */
MUST_CHECK bool series_tags_json(const struct series_tags *tags, struct buf *b, struct err *e);
/* Parses the JSON text that series_tags_json wrote. False: ERR_REJECT "bad_tags". */
MUST_CHECK bool series_tags_read(const char *json, struct series_tags *ret_tags, struct err *e);

#endif
