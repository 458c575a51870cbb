/* FNV-1a, 64 bits, for hash tables; not for anything that an attacker must not predict. */
#ifndef METERBEAT_BASE_HASH_H
#define METERBEAT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START 0xcbf29ce484222325U

/* Extends `hash` (initially HASH_START) by these bytes. Pure. */
uint64_t hash_more(uint64_t hash, const void *bytes, size_t length);

#endif
