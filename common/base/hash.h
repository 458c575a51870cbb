/* FNV-1a, 64 bits: tells texts and bytes apart in tables; nothing that an enemy must not guess. */
#ifndef METERBEAT_BASE_HASH_H
#define METERBEAT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START 0xcbf29ce484222325U

/* The hash of what `hash` is of (HASH_START: of nothing) and these bytes behind it. Pure. */
uint64_t hash_more(uint64_t hash, const void *bytes, size_t length);

#endif
