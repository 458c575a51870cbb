/* What a token endpoint's answer means, however hostile it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/greenbutton/oauth.h"

static void reads(const char *body, const char *access, const char *refresh, int64_t lifetime_s)
{
    struct oauth_tokens pair CLEANUP(oauth_wipe_token) = {0};
    struct err e = {0};
    if (!oauth_read_token(200, body, strlen(body), "https://utility.example/token", &pair, &e))
        fail_msg("%s: %s", e.code, e.text);
    assert_string_equal(pair.access_token, access);
    if (refresh)
        assert_string_equal(pair.refresh_token, refresh);
    else
        assert_null(pair.refresh_token);
    assert_int_equal(pair.expires_in_s, lifetime_s);
}

static void refuses(long status, const char *body, enum err_kind kind, const char *code)
{
    struct oauth_tokens pair CLEANUP(oauth_wipe_token) = {0};
    struct err e = {0};
    assert_false(
        oauth_read_token(status, body, strlen(body), "https://utility.example/t", &pair, &e));
    assert_string_equal(e.code, code);
    assert_int_equal(e.kind, kind);
    assert_null(pair.access_token);
}

static void tokens_are_read_with_their_lifetime(void **state)
{
    (void)state;
    reads("{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":600,"
          "\"refresh_token\":\"r\"}",
          "a", "r", 600);
    reads("{\"access_token\":\"a\",\"expires_in\":\"600\"}", "a", NULL, 600);
    reads("{\"access_token\":\"a\",\"refresh_token\":null}", "a", NULL, 3600);
    reads("{\"access_token\":\"a\",\"expires_in\":-5}", "a", NULL, 1);
    reads("{\"access_token\":\"a\",\"expires_in\":1e300}", "a", NULL, INT64_C(3650) * 86400);
    reads("{\"access_token\":\"a\",\"expires_in\":9223372036854775807}", "a", NULL,
          INT64_C(3650) * 86400);
    reads("{\"access_token\":\"a\",\"expires_in\":\"soon\"}", "a", NULL, 3600);
    reads("{\"access_token\":\"a\",\"expires_in\":[]}", "a", NULL, 3600);
    reads("{\"access_token\":\"a\",\"expires_in\":-1e300}", "a", NULL, 1);
    reads("{\"access_token\":\"a\",\"expires_in\":100000000000000000000,\"refresh_token\":\"r\"}",
          "a", "r", INT64_C(3650) * 86400);
    reads("{\"access_token\":\"a\",\"refresh_token\":\"\",\"expires_in\":600}", "a", NULL, 600);
    reads("{\"access_token\":\"a\",\"error\":null,\"expires_in\":600}", "a", NULL, 600);
}

static void a_refusal_says_whose_it_is(void **state)
{
    (void)state;
    refuses(400, "{\"error\":\"invalid_grant\"}", ERR_REJECT, "authorization_refused");
    refuses(401, "{\"error\":\"invalid_client\"}", ERR_REJECT, "token_refused");
    refuses(200, "{\"error\":\"invalid_grant\"}", ERR_REJECT, "authorization_refused");
    refuses(400, "<html>", ERR_REJECT, "token_refused");
    refuses(302, "", ERR_REJECT, "token_refused");
    refuses(429, "", ERR_RETRY, "token_unavailable");
    refuses(503, "{\"error\":\"invalid_grant\"}", ERR_RETRY, "token_unavailable");
}

static void what_is_no_answer_is_asked_for_again(void **state)
{
    (void)state;
    static const char *const bodies[] = {"",
                                         "[]",
                                         "null",
                                         "<html>log in</html>",
                                         "{\"access_token\":\"a\"",
                                         "{}",
                                         "{\"access_token\":\"\"}",
                                         "{\"access_token\":7}",
                                         "{\"access_token\":\"a b\"}",
                                         "{\"access_token\":\"a\\r\\nX: y\"}",
                                         "{\"access_token\":\"a\\u0000b\"}",
                                         "{\"access_token\":\"a\",\"access_token\":\"b\"}",
                                         "{\"access_token\":\"a\",\"token_type\":\"mac\"}",
                                         "{\"access_token\":\"a\",\"refresh_token\":\"\\n\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        refuses(200, bodies[i], ERR_RETRY, "token_unreadable");
    refuses(202, "{\"access_token\":\"a\"}", ERR_RETRY, "token_unreadable");
    char *deep = calloc(1, 60001);
    memset(deep, '[', 60000);
    refuses(200, deep, ERR_RETRY, "token_unreadable");
    free(deep);
    char *text = malloc(40000);
    int head = snprintf(text, 40000, "{\"access_token\":\"");
    memset(text + head, 'a', 30000);
    memcpy(text + head + 30000, "\"}", 3);
    refuses(200, text, ERR_RETRY, "token_unreadable");
    free(text);
}

static void a_refusals_words_reach_no_terminal(void **state)
{
    (void)state;
    struct oauth_tokens pair = {0};
    struct err e = {0};
    const char *body = "{\"error\":\"invalid_grant\",\"error_description\":\"a\\u001b[2Jb\\n\"}";
    assert_false(oauth_read_token(400, body, strlen(body), "https://utility.example/t", &pair, &e));
    for (const char *at = e.text; *at; at++)
        assert_true(*at >= ' ');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_read_with_their_lifetime),
        cmocka_unit_test(a_refusal_says_whose_it_is),
        cmocka_unit_test(what_is_no_answer_is_asked_for_again),
        cmocka_unit_test(a_refusals_words_reach_no_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
