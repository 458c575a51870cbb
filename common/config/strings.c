/* Strings in blocks of memory that are wiped before they are given back: some are secrets. */
#include "common/config/strings.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 16384

struct block {
    struct block *next;
    size_t used, size;
    char bytes[];
};

struct strings {
    struct block *blocks;
};

struct strings *strings_new(void)
{
    return calloc(1, sizeof(struct strings));
}

static struct block *block_with_room(struct strings *s, size_t need)
{
    if (s->blocks && s->blocks->size - s->blocks->used >= need)
        return s->blocks;
    size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    struct block *b = malloc(sizeof *b + size);
    if (!b)
        return NULL;
    *b = (struct block){.next = s->blocks, .size = size};
    s->blocks = b;
    return b;
}

const char *strings_copy(struct strings *s, const char *text, size_t len)
{
    struct block *b = block_with_room(s, len + 1);
    if (!b)
        return NULL;
    char *copy = b->bytes + b->used;
    memcpy(copy, text, len);
    copy[len] = '\0';
    b->used += len + 1;
    return copy;
}

void strings_free(struct strings *s)
{
    if (!s)
        return;
    while (s->blocks) {
        struct block *b = s->blocks;
        s->blocks = b->next;
        explicit_bzero(b->bytes, b->used);
        free(b);
    }
    free(s);
}
