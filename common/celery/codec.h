/* Converts a body's bytes to a JSON value and back; one codec per content type. */
#ifndef METERBEAT_CELERY_CODEC_H
#define METERBEAT_CELERY_CODEC_H

#include <jansson.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

/* Limit of nesting, whatever the configuration says: 512 levels fit a 256 KiB stack. */
#define CODEC_MAX_DEPTH 512

struct codec_limits {
    size_t max_depth;  /* nesting of containers; at most CODEC_MAX_DEPTH */
    size_t max_values; /* scalars, containers and keys together; bounds the memory of the tree */
};

struct codec {
    const char *serializer; /* Celery's name for it */
    const char *content_type;
    const char *content_encoding;
    /*
     * Decodes the whole input or nothing; limits are checked before anything is built. The caller
     * decrefs. False: ERR_REJECT "bad_body", "too_deep", "too_large" with the offset; ERR_RETRY
     * "no_memory".
     */
    bool (*decode)(const char *bytes, size_t len, const struct codec_limits *limits,
                   json_t **ret_value, struct err *e);
    /* Appends to out. False: ERR_REJECT "too_large", "bad_body"; ERR_RETRY "no_memory". */
    bool (*encode)(const json_t *value, struct buf *out, struct err *e);
};

extern const struct codec codec_json;
extern const struct codec codec_msgpack;

/* The codec of a content type; NULL: none. The match is exact, as in Celery. */
const struct codec *codec_of_content_type(const char *content_type);
const struct codec *codec_of_serializer(const char *serializer);

/* False if containers of value (NULL: none) are nested deeper than max. */
bool codec_depth_within(const json_t *value, size_t max);
/* Copies text as printable ASCII for an error message, truncated to fit; returns out. */
#define CODEC_SHOWN 48
const char *codec_shown(const char *text, char out[CODEC_SHOWN]);

#endif
