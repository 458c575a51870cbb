/* Secrets as the database holds them: encrypted, bound to where they are kept and may be sent. */
#ifndef METERBEAT_STORE_SECRET_H
#define METERBEAT_STORE_SECRET_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#define SEAL_KEY_TEXT 65 /* 64 hex digits and a NUL */
#define SEAL_KEYS_MAX 4
#define SEAL_SECRET_MAX (64 * 1024) /* longest secret */

/*
 * XChaCha20-Poly1305 (libsodium) with a random nonce: "v2.KEY-ID.BASE64". `keys`: up to
 * SEAL_KEYS_MAX keys of 64 hex digits with blanks between (the setting credentials.key); the first
 * one seals, each opens what it sealed, so that a new key is put in front. `place` says where the
 * text is kept ("custodian.client_secret of ontario"): a text moved to another row or column does
 * not open. `destination` says where the secret may be sent (custodian.h): while a row names
 * another server, it does not open either. NULL: a text of version 1, which was not bound to any;
 * for resealing alone. Any thread. Both return memory for seal_free; NULL: ERR_REJECT
 * "no_credentials_key" (none is configured), "bad_credentials_key", "seal_refused" (another key,
 * another place, changed) or "too_large"; ERR_RETRY "no_memory".
 */
MUST_CHECK char *seal_make(const char *keys, const char *place, const char *destination,
                           const char *secret, struct err *e);
MUST_CHECK char *seal_open(const char *keys, const char *place, const char *destination,
                           const char *text, struct err *e);
/* A new key. False: ERR_FATAL "no_random". */
MUST_CHECK bool seal_key_make(char out[SEAL_KEY_TEXT], struct err *e);
/* Wipes before it frees; NULL accepted. */
void seal_free(char *secret);
void seal_freep(char **secret); /* for CLEANUP */

#endif
