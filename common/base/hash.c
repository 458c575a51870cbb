/* FNV-1a, 64 bits: tells texts and bytes apart in tables; nothing that an enemy must not guess. */
#include "common/base/hash.h"

uint64_t hash_more(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 0x100000001b3;
    return hash;
}
