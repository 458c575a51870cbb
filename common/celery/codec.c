/* Which codec reads and writes which content type, and what all of them share. */
#include "common/celery/codec.h"

#include <stdio.h>
#include <string.h>

static const struct codec *const codecs[] = {&codec_json, &codec_msgpack};

const struct codec *codec_of_content_type(const char *content_type)
{
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++)
        if (content_type && strcmp(codecs[i]->content_type, content_type) == 0)
            return codecs[i];
    return NULL;
}

const struct codec *codec_of_serializer(const char *serializer)
{
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++)
        if (serializer && strcmp(codecs[i]->serializer, serializer) == 0)
            return codecs[i];
    return NULL;
}

/* Calls itself at most max times deep, whatever the tree. */
bool codec_depth_within(const json_t *value, size_t max)
{
    if (!json_is_array(value) && !json_is_object(value))
        return true;
    if (max == 0)
        return false;
    size_t i;
    const char *key;
    json_t *child;
    json_array_foreach(value, i, child) {
        if (!codec_depth_within(child, max - 1))
            return false;
    }
    json_object_foreach((json_t *)value, key, child) {
        if (!codec_depth_within(child, max - 1))
            return false;
    }
    return true;
}

const char *codec_shown(const char *text, char out[CODEC_SHOWN])
{
    size_t n = 0;
    for (; n < CODEC_SHOWN - 1 && text[n]; n++)
        out[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
    out[n] = '\0';
    if (text[n])
        memcpy(out + n - 3, "...", 3);
    return out;
}
