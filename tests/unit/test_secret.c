/* Secrets in the database: they open with their key, at their place, unchanged, and in no other
 * way; and the pure decisions about custodians' limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/store/custodian.h"
#include "common/store/rate_limiter.h"
#include "common/store/pending.h"
#include "common/store/secret.h"

#define PLACE "meterbeat.custodian.client_secret of 7"
#define SERVER "https://utility.example:443 https://utility.example:443"

static char key[SECRET_KEY_TEXT], other[SECRET_KEY_TEXT];

static int make_keys(void **state)
{
    (void)state;
    struct err e;
    return secret_key_make(key, &e) && secret_key_make(other, &e) ? 0 : -1;
}

static void opens(const char *keys, const char *text, const char *secret)
{
    struct err e = {0};
    char *found CLEANUP(secret_keys_freep) = secret_decrypt(keys, PLACE, SERVER, text, &e);
    if (!found)
        fail_msg("%s: %s", e.code, e.text);
    assert_string_equal(found, secret);
}

static void stays_shut(const char *keys, const char *place, const char *text, const char *code)
{
    struct err e = {0};
    char *found CLEANUP(secret_keys_freep) = secret_decrypt(keys, place, SERVER, text, &e);
    assert_null(found);
    assert_string_equal(e.code, code);
    assert_int_equal(e.kind, ERR_REJECT);
}

static void a_secret_opens_with_its_key_at_its_place(void **state)
{
    (void)state;
    static const char *const secrets[] = {"", "x", "a secret with \n lines and \xc3\xa9"};
    struct err e = {0};
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        char *text CLEANUP(secret_keys_freep) = secret_encrypt(key, PLACE, SERVER, secrets[i], &e);
        char *again CLEANUP(secret_keys_freep) = secret_encrypt(key, PLACE, SERVER, secrets[i], &e);
        assert_non_null(text);
        assert_string_not_equal(text, again);
        assert_memory_equal(text, "v2.", 3);
        opens(key, text, secrets[i]);
    }
}

static void an_older_key_opens_what_it_sealed_while_it_stands_behind_the_new_one(void **state)
{
    (void)state;
    struct err e = {0};
    char both[2 * SECRET_KEY_TEXT + 1];
    char *text CLEANUP(secret_keys_freep) = secret_encrypt(key, PLACE, SERVER, "s", &e);
    snprintf(both, sizeof both, "%s %s", other, key);
    opens(both, text, "s");
    stays_shut(other, PLACE, text, "seal_refused");
    char *fresh CLEANUP(secret_keys_freep) = secret_encrypt(both, PLACE, SERVER, "s", &e);
    opens(other, fresh, "s");
}

static void another_place_or_a_changed_byte_keeps_it_shut(void **state)
{
    (void)state;
    struct err e = {0};
    char *text CLEANUP(secret_keys_freep) = secret_encrypt(key, PLACE, SERVER, "a secret", &e);
    stays_shut(key, "meterbeat.custodian.client_secret of 8", text, "seal_refused");
    for (size_t i = 0; text[i]; i++) {
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        stays_shut(key, PLACE, text, "seal_refused");
        text[i] = was;
    }
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        char was = text[i];
        text[i] = '\0';
        stays_shut(key, PLACE, text, "seal_refused");
        text[i] = was;
    }
    opens(key, text, "a secret");
}

static void a_secret_opens_for_no_other_server(void **state)
{
    (void)state;
    struct err e = {0};
    static const char *const others[] = {"https://utility.example:443 https://evil.example:443", "",
                                         "https://utility.example:443"};
    char *text CLEANUP(secret_keys_freep) = secret_encrypt(key, PLACE, SERVER, "a secret", &e);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_null(secret_decrypt(key, PLACE, others[i], text, &e));
        assert_string_equal(e.code, "seal_refused");
    }
    assert_null(secret_decrypt(key, PLACE, NULL, text, &e));
    /* nor one that says it is of the version that knew none */
    text[1] = '1';
    assert_null(secret_decrypt(key, PLACE, SERVER, text, &e));
    assert_non_null(strstr(e.text, "custodian reseal"));
    assert_null(secret_decrypt(key, PLACE, NULL, text, &e));
    opens(key, (text[1] = '2', text), "a secret");
}

static void servers_are_told_apart_by_scheme_host_and_port(void **state)
{
    (void)state;
    char a[CUSTODIAN_DESTINATION], b[CUSTODIAN_DESTINATION];
    custodian_destination("https://Utility.example/espi/1_1", "https://t.example/oauth", a);
    custodian_destination("https://utility.example:443/other", "https://t.example:443/x?y", b);
    assert_string_equal(a, b);
    static const char *const others[] = {"http://t.example/oauth", "https://t.example:8443/oauth",
                                         "https://t.example.evil/", "", "nonsense:"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        custodian_destination("https://utility.example/", others[i], b);
        assert_string_not_equal(a, b);
    }
}

static void without_a_key_nothing_is_sealed(void **state)
{
    (void)state;
    struct err e = {0};
    assert_null(secret_encrypt("", PLACE, SERVER, "s", &e));
    assert_string_equal(e.code, "no_credentials_key");
    static const char *const bad[] = {"secret", "00", "zz"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(secret_encrypt(bad[i], PLACE, SERVER, "s", &e));
        assert_string_equal(e.code, "bad_credentials_key");
    }
    char *large = malloc(SECRET_SECRET_MAX + 2);
    memset(large, 'a', SECRET_SECRET_MAX + 1);
    large[SECRET_SECRET_MAX + 1] = '\0';
    assert_null(secret_encrypt(key, PLACE, SERVER, large, &e));
    assert_string_equal(e.code, "too_large");
    free(large);
}

static int64_t gate(int64_t at_once, int64_t per_minute, int64_t under_way, int64_t in_minute,
                    int64_t oldest_age_ms)
{
    const struct rate_limits limits = {at_once, per_minute};
    const struct rate_limiter_state now = {under_way, in_minute, oldest_age_ms};
    return rate_limiter_decide(&limits, &now);
}

static void a_request_begins_only_within_both_limits(void **state)
{
    (void)state;
    assert_int_equal(gate(2, 60, 0, 0, 0), 0);
    assert_int_equal(gate(2, 60, 1, 59, 0), 0);
    assert_true(gate(2, 60, 2, 2, 0) > 0);
    assert_int_equal(gate(2, 3, 0, 3, 20000), 40000);
    assert_int_equal(gate(2, 3, 2, 3, 20000), 40000);
    assert_true(gate(2, 3, 0, 3, 60000) > 0);
    assert_true(gate(2, 3, 2, 3, 59999) >= 1);
}

static void pauses_double_up_to_a_most_and_end_with_the_deadline(void **state)
{
    (void)state;
    assert_int_equal(pending_pause(300, 3600, 1, 0, 86400), 300);
    assert_int_equal(pending_pause(300, 3600, 2, 0, 86400), 600);
    assert_int_equal(pending_pause(300, 3600, 5, 0, 86400), 3600);
    assert_int_equal(pending_pause(300, 3600, INT64_MAX, 0, 86400), 3600);
    assert_int_equal(pending_pause(300, 3600, 1, 900, 86400), 900);
    assert_int_equal(pending_pause(300, 3600, 1, 900, 60), 60);
    assert_int_equal(pending_pause(300, 3600, 1, 0, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_opens_with_its_key_at_its_place),
        cmocka_unit_test(an_older_key_opens_what_it_sealed_while_it_stands_behind_the_new_one),
        cmocka_unit_test(another_place_or_a_changed_byte_keeps_it_shut),
        cmocka_unit_test(a_secret_opens_for_no_other_server),
        cmocka_unit_test(servers_are_told_apart_by_scheme_host_and_port),
        cmocka_unit_test(without_a_key_nothing_is_sealed),
        cmocka_unit_test(a_request_begins_only_within_both_limits),
        cmocka_unit_test(pauses_double_up_to_a_most_and_end_with_the_deadline),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
