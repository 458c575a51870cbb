/* What a server repeats of what it was sent is told to nobody, in whatever form it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/redact.h"

static const struct redact_secrets sent = {.of = {"s3cr3t+Token/of=tests", NULL, "pw"}};

static void becomes(const char *said, const char *told)
{
    char text[512];
    snprintf(text, sizeof text, "%s", said);
    redact(text, &sent);
    assert_string_equal(text, told);
}

static void a_secret_is_cut_out_in_each_form_in_which_it_can_be_repeated(void **state)
{
    (void)state;
    becomes("bad token s3cr3t+Token/of=tests here", "bad token *** here");
    becomes("bad token s3cr3t%2BToken%2Fof%3Dtests here", "bad token *** here");
    becomes("s3cr3t%2btoken%2fof%3dtests", "***");
    becomes("S3CR3T+TOKEN/OF=TESTS", "***");
    becomes("twice: s3cr3t+Token/of=tests, s3cr3t+Token/of=tests", "twice: ***, ***");
    becomes("cut: s3cr3t+Tok", "cut: ***");
    becomes("its end: Token/of=tests", "its end: ***");
    becomes("nothing of it", "nothing of it");
    becomes("a pw is short", "a ** is short");
    becomes("", "");
}

static void escapes_and_breaks_do_not_hide_a_secret(void **state)
{
    (void)state;
    becomes("json s3cr3t+Token\\/of=tests.", "json ***.");
    becomes("json \\u0073\\u0033cr3t\\u002bToken\\/of\\u003Dtests.", "json ***.");
    becomes("html s3cr3t&#43;Token&#x2F;of&#61;tests.", "html ***.");
    becomes("url %73%33%63%72%33%74%2bToken/of=tests.", "url ***.");
    becomes("wrapped s3cr3t+\r\n Token/of =tests.", "wrapped ***.");
    becomes("hex 7333637233742B546F6B656E2F6F663D7465737473.", "hex ***.");
    becomes("wrapped czNjcjN0K1Rv\na2VuL29mPXRlc3Rz.", "wrapped ***.");
    becomes("100% of &amp; \\ &# %2", "100% of &amp; \\ &# %2");
    becomes("a stop word", "a stop word"); /* a short one is not looked for across blanks */
}

static void a_text_that_repeats_a_secret_is_found(void **state)
{
    (void)state;
    assert_true(redact_finds("\"etag-of-s3cr3t+Token/of=tests\"", &sent));
    assert_false(redact_finds("\"33a64df5\"", &sent));
}

static void base64_of_it_is_cut_out_wherever_it_begins(void **state)
{
    (void)state;
    static const char *const said[] = {
        "czNjcjN0K1Rva2VuL29mPXRlc3Rz",        /* alone */
        "aWQ6czNjcjN0K1Rva2VuL29mPXRlc3Rz",    /* id: before it */
        "aTpzM2NyM3QrVG9rZW4vb2Y9dGVzdHM=",    /* i: before it */
        "aWQxOnMzY3IzdCtUb2tlbi9vZj10ZXN0cw==" /* id1: before it */
    };
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        char text[512];
        snprintf(text, sizeof text, "%s", said[i]);
        redact(text, &sent);
        if (!strstr(text, "***") || strlen(text) > 14)
            fail_msg("%s: %s", said[i], text);
    }
}

static void errors_lose_it_from_text_and_detail(void **state)
{
    (void)state;
    struct err e = {0};
    (void)err_set(&e, ERR_REJECT, "x", "said s3cr3t+Token/of=tests");
    (void)err_detail(&e, "said s3cr3t+Token/of=tests too");
    assert_false(redact_err(&e, &sent));
    assert_string_equal(e.text, "said ***");
    assert_string_equal(e.detail, "said *** too");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_cut_out_in_each_form_in_which_it_can_be_repeated),
        cmocka_unit_test(escapes_and_breaks_do_not_hide_a_secret),
        cmocka_unit_test(a_text_that_repeats_a_secret_is_found),
        cmocka_unit_test(base64_of_it_is_cut_out_wherever_it_begins),
        cmocka_unit_test(errors_lose_it_from_text_and_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
