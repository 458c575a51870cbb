/* Secrets in the database: encrypted, and bound to where they are stored and may be sent. */
#ifndef METERBEAT_STORE_SECRET_H
#define METERBEAT_STORE_SECRET_H

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#define SECRET_KEY_TEXT 65 /* 64 hex digits and a NUL */
#define SECRET_KEYS_MAX 4
#define SECRET_SECRET_MAX (64 * 1024) /* longest secret */

/*
 * XChaCha20-Poly1305 (libsodium) with a random nonce: "v2.KEY-ID.BASE64". `keys`: up to
 * SECRET_KEYS_MAX keys of 64 hex digits separated by blanks (the setting credentials.key); the first
 * one encrypts, and each decrypts what it encrypted, so a new key goes in front. `place` says where
 * the text is stored ("custodian.client_secret of ontario"): a text copied to another row or column
 * does not decrypt. `destination` says where the secret may be sent (custodian.h): it does not
 * decrypt while the row names another server. NULL: a text of version 1, which was bound to no
 * server; only for encrypting it again. Any thread. Both return memory for secret_keys_free; NULL:
 * ERR_REJECT "no_credentials_key" (none is configured), "bad_credentials_key", "seal_refused"
 * (another key or place, or modified) or "too_large"; ERR_RETRY "no_memory".
 */
MUST_CHECK char *secret_encrypt(const char *keys, const char *place, const char *destination,
                                const char *secret, struct err *e);
MUST_CHECK char *secret_decrypt(const char *keys, const char *place, const char *destination,
                                const char *text, struct err *e);
/* A new key. False: ERR_FATAL "no_random". */
MUST_CHECK bool secret_key_make(char out[SECRET_KEY_TEXT], struct err *e);
/* Wipes before it frees; NULL accepted. */
void secret_keys_free(char *secret);
void secret_keys_freep(char **secret); /* for CLEANUP */

#endif
