/* Secrets as the database holds them: encrypted, bound to where they are kept and may be sent. */
#include "common/store/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define ID_BYTES 8
#define ID_TEXT (2 * ID_BYTES + 1)
#define VERSION "v2."
#define OLD_VERSION "v1." /* authenticated with its place alone */
#define CONTEXT_MAX 1200
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

_Static_assert(SECRET_KEY_TEXT == 2 * KEY_BYTES + 1, "a key in hex digits");

struct secret_keys {
    size_t count;
    unsigned char key[SECRET_KEYS_MAX][KEY_BYTES];
    char id[SECRET_KEYS_MAX][ID_TEXT];
};

void secret_keys_free(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void secret_keys_freep(char **secret)
{
    secret_keys_free(*secret);
}

static void keys_wipe(struct secret_keys *k)
{
    explicit_bzero(k, sizeof *k);
}

/* The id tells keys apart and nothing of the key. */
static void key_name(const unsigned char key[KEY_BYTES], char id[ID_TEXT])
{
    static const unsigned char context[] = "meterbeat key id";
    unsigned char hash[16];
    (void)crypto_generichash(hash, sizeof hash, context, sizeof context - 1, key, KEY_BYTES);
    (void)sodium_bin2hex(id, ID_TEXT, hash, ID_BYTES);
}

static bool keys_add(struct secret_keys *k, const char *word, size_t len, struct err *e)
{
    size_t bytes = 0;
    if (k->count == SECRET_KEYS_MAX)
        return err_set(e, ERR_REJECT, "bad_credentials_key", "credentials.key: more than %d keys",
                       SECRET_KEYS_MAX);
    unsigned char *key = k->key[k->count];
    if (len != 2 * KEY_BYTES ||
        sodium_hex2bin(key, KEY_BYTES, word, len, NULL, &bytes, NULL) != 0 || bytes != KEY_BYTES)
        return err_set(e, ERR_REJECT, "bad_credentials_key",
                       "credentials.key: key %zu is not of 64 hex digits; meterbeatctl custodian "
                       "key makes one",
                       k->count + 1);
    key_name(key, k->id[k->count++]);
    return true;
}

static bool keys_read(const char *text, struct secret_keys *ret_keys, struct err *e)
{
    if (sodium_init() < 0)
        return err_set(e, ERR_RETRY, "no_random", "libsodium finds no source of random numbers");
    for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
        size_t len = strcspn(text, " \t");
        if (!keys_add(ret_keys, text, len, e))
            return false;
        text += len;
    }
    return ret_keys->count > 0 ||
           err_set(
               e, ERR_REJECT, "no_credentials_key",
               "credentials.key_file is not set: secrets of custodians need a key; meterbeatctl "
               "custodian key makes one");
}

static char *box_text(const struct secret_keys *k, const unsigned char *box, size_t len)
{
    size_t head = strlen(VERSION) + ID_TEXT, room = sodium_base64_encoded_len(len, BASE64);
    char *text = malloc(head + room);
    if (!text)
        return NULL;
    memcpy(text, VERSION, strlen(VERSION));
    memcpy(text + strlen(VERSION), k->id[0], ID_TEXT - 1);
    text[head - 1] = '.';
    (void)sodium_bin2base64(text + head, room, box, len, BASE64);
    return text;
}

/* What is authenticated beside the secret. */
static size_t context_of(const char *place, const char *destination, char out[CONTEXT_MAX])
{
    int len = snprintf(out, CONTEXT_MAX, "%s%s%s", place, destination ? "\n" : "",
                       destination ? destination : "");
    return len < CONTEXT_MAX ? (size_t)len : CONTEXT_MAX - 1;
}

char *secret_encrypt(const char *keys, const char *place, const char *destination,
                     const char *secret, struct err *e)
{
    char context[CONTEXT_MAX];
    size_t context_len = context_of(place, destination, context);
    struct secret_keys k CLEANUP(keys_wipe) = {0};
    size_t len = strlen(secret);
    unsigned long long sealed_len = 0;
    if (!keys_read(keys, &k, e))
        return NULL;
    if (len > SECRET_SECRET_MAX) {
        err_set(e, ERR_REJECT, "too_large", "%s: longer than %d bytes", place, SECRET_SECRET_MAX);
        return NULL;
    }
    unsigned char *box = malloc(NONCE_BYTES + len + TAG_BYTES);
    char *text = NULL;
    if (box) {
        randombytes_buf(box, NONCE_BYTES);
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
            box + NONCE_BYTES, &sealed_len, (const unsigned char *)secret, len,
            (const unsigned char *)context, context_len, NULL, box, k.key[0]);
        text = box_text(&k, box, NONCE_BYTES + (size_t)sealed_len);
    }
    free(box);
    if (!text)
        err_set(e, ERR_RETRY, "no_memory", "no memory to seal a secret");
    return text;
}

static bool refuse(const char *place, const char *why, struct err *e)
{
    return err_set(e, ERR_REJECT, "seal_refused", "%s: %s", place, why);
}

/* The key that a text names, by its place in k; -1: none of them. */
static int key_of(const struct secret_keys *k, const char *text)
{
    for (size_t i = 0; i < k->count; i++)
        if (strncmp(text, k->id[i], ID_TEXT - 1) == 0)
            return (int)i;
    return -1;
}

static bool open_box(const struct secret_keys *k, int key, const char *place,
                     const char *destination, const char *base64, char *secret, size_t room,
                     struct err *e)
{
    char context[CONTEXT_MAX];
    size_t context_len = context_of(place, destination, context);
    unsigned char *box = (unsigned char *)strdup(base64);
    size_t len = 0;
    unsigned long long secret_len = 0;
    if (!box)
        return err_set(e, ERR_RETRY, "no_memory", "no memory to open a secret");
    bool right =
        sodium_base642bin(box, strlen(base64), base64, strlen(base64), NULL, &len, NULL, BASE64) ==
            0 &&
        len >= NONCE_BYTES + TAG_BYTES && len - NONCE_BYTES - TAG_BYTES < room &&
        crypto_aead_xchacha20poly1305_ietf_decrypt(
            (unsigned char *)secret, &secret_len, NULL, box + NONCE_BYTES, len - NONCE_BYTES,
            (const unsigned char *)context, context_len, box, k->key[key]) == 0;
    free(box);
    secret[right ? secret_len : 0] = '\0';
    return right || refuse(place,
                           "does not open: it was changed, kept elsewhere, or sealed for another "
                           "server than the custodian's base_url and token_url name now",
                           e);
}

char *secret_decrypt(const char *keys, const char *place, const char *destination, const char *text,
                     struct err *e)
{
    const char *version = destination ? VERSION : OLD_VERSION;
    struct secret_keys k CLEANUP(keys_wipe) = {0};
    size_t head = strlen(VERSION) + ID_TEXT;
    if (!keys_read(keys, &k, e))
        return NULL;
    if (strncmp(text, version, strlen(version)) != 0 || strlen(text) <= head ||
        text[head - 1] != '.') {
        bool is_old = strncmp(text, OLD_VERSION, strlen(OLD_VERSION)) == 0;
        refuse(place,
               is_old ? "is sealed for no server: meterbeatctl custodian reseal"
                      : "is not sealed as this program does it",
               e);
        return NULL;
    }
    int key = key_of(&k, text + strlen(VERSION));
    if (key < 0) {
        err_set(e, ERR_REJECT, "seal_refused",
                "%s: sealed with key %.16s, which credentials.key "
                "does not have",
                place, text + strlen(VERSION));
        return NULL;
    }
    size_t room = strlen(text); /* base64 is longer than what it says */
    char *secret = malloc(room + 1);
    if (!secret)
        err_set(e, ERR_RETRY, "no_memory", "no memory to open a secret");
    else if (!open_box(&k, key, place, destination, text + head, secret, room, e)) {
        secret_keys_free(secret);
        secret = NULL;
    }
    return secret;
}

bool secret_key_make(char out[SECRET_KEY_TEXT], struct err *e)
{
    unsigned char key[KEY_BYTES];
    if (sodium_init() < 0)
        return err_set(e, ERR_FATAL, "no_random", "libsodium finds no source of random numbers");
    crypto_aead_xchacha20poly1305_ietf_keygen(key);
    (void)sodium_bin2hex(out, SECRET_KEY_TEXT, key, sizeof key);
    explicit_bzero(key, sizeof key);
    return true;
}
