/* What the REST interface's URLs promise: a window in whole seconds, and no way to another host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/greenbutton/resource_url.h"

#define BASE "https://utility.example/DataCustodian/espi/1_1/resource"

static struct resource_url january(void)
{
    return (struct resource_url){.base_url = BASE,
                                 .kind = "subscription",
                                 .resource = "7",
                                 .min_parameter = "published-min",
                                 .max_parameter = "published-max",
                                 .from_s = 1767243600,
                                 .to_s = 1769922000,
                                 .now_s = 1800000000};
}

static void builds(struct resource_url u, const char *expected)
{
    struct err e = {0};
    struct buf url CLEANUP(buf_free) = buf_make(0);
    if (!resource_url_build(&u, &url, &e))
        fail_msg("%s: %s", e.code, e.text);
    assert_string_equal(url.data, expected);
}

static void refuses(struct resource_url u)
{
    struct err e = {0};
    struct buf url CLEANUP(buf_free) = buf_make(0);
    assert_false(resource_url_build(&u, &url, &e));
    assert_string_equal(e.code, "bad_url");
    assert_int_equal(e.kind, ERR_REJECT);
}

static void a_window_is_asked_for_in_whole_seconds_utc(void **state)
{
    (void)state;
    builds(january(), BASE "/Batch/Subscription/7?published-min=2026-01-01T05:00:00Z"
                           "&published-max=2026-02-01T05:00:00Z");
    struct resource_url bulk = january();
    bulk.kind = "bulk";
    bulk.resource = "a b/7";
    bulk.base_url = BASE "/";
    builds(bulk, BASE "/Batch/Bulk/a%20b%2F7?published-min=2026-01-01T05:00:00Z"
                      "&published-max=2026-02-01T05:00:00Z");
    struct resource_url path = january();
    path.kind = "path";
    path.resource = "/Subscription/7/UsagePoint/1/MeterReading/2/IntervalBlock";
    path.min_parameter = "publishedMin";
    path.max_parameter = "";
    path.by_epoch = true;
    builds(path, BASE "/Subscription/7/UsagePoint/1/MeterReading/2/IntervalBlock"
                      "?publishedMin=1767243600");
    path.min_parameter = "";
    builds(path, BASE "/Subscription/7/UsagePoint/1/MeterReading/2/IntervalBlock");
}

static void the_end_is_clamped_to_now_unless_the_future_is_accepted(void **state)
{
    (void)state;
    struct resource_url u = january();
    u.now_s = 1767250000;
    builds(u, BASE "/Batch/Subscription/7?published-min=2026-01-01T05:00:00Z"
                   "&published-max=2026-01-01T06:46:40Z");
    u.accepts_future = true;
    builds(u, BASE "/Batch/Subscription/7?published-min=2026-01-01T05:00:00Z"
                   "&published-max=2026-02-01T05:00:00Z");
}

static void what_leaves_the_base_is_refused(void **state)
{
    (void)state;
    static const char *const bases[] = {
        "",          "/",         "ftp://utility.example/",          "utility.example",
        BASE "?x=1", BASE "#top", "https://user:pw@utility.example/"};
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        struct resource_url u = january();
        u.base_url = bases[i];
        refuses(u);
    }
    static const char *const paths[] = {"", "a/../../../admin", "./a", "..", "a/."};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct resource_url u = january();
        u.kind = "path";
        u.resource = paths[i];
        refuses(u);
    }
    struct resource_url u = january();
    u.resource = "..";
    refuses(u);
    u.resource = "7";
    u.kind = "everything";
    refuses(u);
    char longest[5000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    u = january();
    u.resource = longest;
    refuses(u);
}

static void follows(const char *href, const char *expected)
{
    struct err e = {0};
    struct buf url CLEANUP(buf_free) = buf_make(0);
    if (!resource_url_follow(BASE, BASE "/Batch/Subscription/7?a=1", href, &url, &e))
        fail_msg("%s: %s: %s", href, e.code, e.text);
    assert_string_equal(url.data, expected);
}

static void does_not_follow(const char *href, const char *code)
{
    struct err e = {0};
    struct buf url CLEANUP(buf_free) = buf_make(0);
    assert_false(resource_url_follow(BASE, BASE "/Batch/Subscription/7?a=1", href, &url, &e));
    assert_string_equal(e.code, code);
    assert_int_equal(e.kind, ERR_REJECT);
}

static void urls_of_answers_stay_with_their_custodian(void **state)
{
    (void)state;
    follows("https://UTILITY.example:443/files/1?a=1&b=2",
            "https://UTILITY.example:443/files/1?a=1&b=2");
    follows("/files/1", "https://utility.example/files/1");
    follows("?page=2", BASE "/Batch/Subscription/7?page=2");
    does_not_follow("http://utility.example/files/1", "feed_foreign_url");
    does_not_follow("https://utility.example:8443/files/1", "feed_foreign_url");
    does_not_follow("https://utility.example.evil.example/", "feed_foreign_url");
    does_not_follow("https://evil.example/", "feed_foreign_url");
    does_not_follow("//evil.example/", "feed_foreign_url");
    does_not_follow("https://utility.example@evil.example/", "bad_url");
    does_not_follow("https://user@utility.example/", "bad_url");
    does_not_follow("file:///etc/passwd", "bad_url");
    does_not_follow("gopher://utility.example/", "bad_url");
    does_not_follow("https://utility.example/a b", "bad_url");
    does_not_follow("https://utility.example/a\r\nX: y", "bad_url");
    does_not_follow("", "bad_url");
}

static void a_host_has_its_port_and_lower_case(void **state)
{
    (void)state;
    struct err e = {0};
    char host[RESOURCE_HOST];
    assert_true(resource_url_host("https://Utility.Example/x", host, &e));
    assert_string_equal(host, "utility.example:443");
    assert_true(resource_url_host("http://[::1]:8080/", host, &e));
    assert_string_equal(host, "[::1]:8080");
    assert_false(resource_url_host("https://", host, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_asked_for_in_whole_seconds_utc),
        cmocka_unit_test(the_end_is_clamped_to_now_unless_the_future_is_accepted),
        cmocka_unit_test(what_leaves_the_base_is_refused),
        cmocka_unit_test(urls_of_answers_stay_with_their_custodian),
        cmocka_unit_test(a_host_has_its_port_and_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
