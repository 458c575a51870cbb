/* What a feed's URL promises: nothing in a record breaks out of its place, nothing secret is shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/greenbutton/feed.h"
#include "common/greenbutton/record_url.h"

static struct record_url seeds_own(void)
{
    return (struct record_url){.url = "https://epo.example.com/PEPCO",
                               .path = "/espi/1_1/resource/Batch/Subscription.aspx?SubscriptionID=",
                               .sub_id = "C8C25FC1    ",
                               .min_name = "Published_Min",
                               .max_name = "Published_Max",
                               .min = "11/1/2015",
                               .max = "11/30/2015",
                               .from_s = 1446350400,
                               .to_s = 1448946000};
}

static void builds(struct record_url u, const char *expected)
{
    struct err e = {0};
    struct buf url CLEANUP(buf_free) = buf_make(0);
    if (!record_url_build(&u, &url, &e))
        fail_msg("%s: %s", e.code, e.text);
    assert_string_equal(url.data, expected);
}

static void refuses(struct record_url u, const char *code)
{
    struct err e = {0};
    struct buf url CLEANUP(buf_free) = buf_make(0);
    assert_false(record_url_build(&u, &url, &e));
    assert_int_equal(e.kind, ERR_REJECT);
    assert_string_equal(e.code, code);
}

static void seeds_batch_syntax_comes_out_percent_encoded(void **state)
{
    (void)state;
    builds(seeds_own(), "https://epo.example.com/PEPCO/espi/1_1/resource/Batch/Subscription.aspx"
                        "?SubscriptionID=C8C25FC1&Published_Min=11%2F1%2F2015"
                        "&Published_Max=11%2F30%2F2015");
}

static void a_path_without_a_query_gets_one(void **state)
{
    (void)state;
    struct record_url u = seeds_own();
    u.path = "/resource/Batch/Subscription/";
    u.max_name = "";
    builds(u, "https://epo.example.com/PEPCO/resource/Batch/Subscription/C8C25FC1"
              "?Published_Min=11%2F1%2F2015");
}

static void a_subscription_cannot_add_parameters_of_its_own(void **state)
{
    (void)state;
    struct record_url u = seeds_own();
    u.path = "/x?id=";
    u.sub_id = "1&admin=1#../\r\nHost: evil";
    u.min_name = u.max_name = NULL;
    builds(u, "https://epo.example.com/PEPCO/x?id=1%26admin%3D1%23..%2F%0D%0AHost%3A%20evil");
}

static void a_template_puts_each_value_where_it_says(void **state)
{
    (void)state;
    struct record_url u = seeds_own();
    u.template = "{url}/S/{sub_id}?{min_name}={min}&until={to}&since={from}&brace={{";
    builds(u, "https://epo.example.com/PEPCO/S/C8C25FC1?Published_Min=11%2F1%2F2015"
              "&until=1448946000&since=1446350400&brace={");
    u.template = "{url}/{nonsense}";
    refuses(u, "bad_url_template");
    u.template = "{url}/{sub_id";
    refuses(u, "bad_url_template");
}

static void urls_that_are_none_are_refused(void **state)
{
    (void)state;
    const char *const urls[] = {"",
                                "not a url",
                                "ftp://example.com",
                                "file:///etc/passwd",
                                "http://",
                                "http://host:99999999",
                                "http://example.com/a b",
                                "http://example.com/#x"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        refuses((struct record_url){.url = urls[i]}, "bad_url");
    char long_url[RECORD_URL_MAX + 20];
    memset(long_url, 'a', sizeof long_url);
    memcpy(long_url, "http://a/", 9);
    long_url[sizeof long_url - 1] = '\0';
    refuses((struct record_url){.url = long_url}, "bad_url");
}

static void a_shown_url_keeps_the_place_and_no_secret(void **state)
{
    (void)state;
    char out[RECORD_URL_SHOWN];
    record_url_show("https://user:pass@host:8443/Batch/Subscription/4711/x?token=abc&min=1&flag#f",
                    "4711 ", out);
    assert_string_equal(out,
                        "https://***@host:8443/Batch/Subscription/***/x?token=***&min=***&flag");
    record_url_show("http://host/p", "", out);
    assert_string_equal(out, "http://host/p");
    record_url_show("nonsense", "", out);
    assert_string_equal(out, "");
    record_url_show("https:///user:pass@host/x", "", out);
    assert_string_equal(out, "https://***@host/x");
    record_url_show("https://user:pa/ss@host:80/x", "", out);
    assert_string_equal(out, "https://***@host:80/x");
    record_url_show("http://host:80/a@b", "", out);
    assert_string_equal(out, "http://host:80/a@b");
    record_url_show("http://[::1]/a@b", "", out);
    assert_string_equal(out, "http://[::1]/a@b");
    record_url_show("http://host/Subscription/a%20b%2F1/x", "a b/1  ", out);
    assert_string_equal(out, "http://host/Subscription/***/x");
}

static void each_status_has_its_own_outcome(void **state)
{
    (void)state;
    const struct {
        long status;
        enum err_kind kind;
        const char *code;
    } cases[] = {
        {202, ERR_RETRY, "feed_not_ready"},       {204, ERR_REJECT, "feed_no_data"},
        {301, ERR_REJECT, "feed_redirect"},       {401, ERR_REJECT, "feed_unauthorized"},
        {403, ERR_REJECT, "feed_forbidden"},      {404, ERR_REJECT, "feed_not_found"},
        {408, ERR_RETRY, "feed_request_timeout"}, {410, ERR_REJECT, "feed_gone"},
        {418, ERR_REJECT, "feed_refused"},        {425, ERR_RETRY, "feed_too_early"},
        {429, ERR_RETRY, "feed_rate_limited"},    {500, ERR_RETRY, "feed_server_error"},
        {503, ERR_RETRY, "feed_unavailable"},     {999, ERR_REJECT, "feed_bad_status"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        assert_false(feed_status_check(cases[i].status, 7, "http://h/p", &e));
        assert_int_equal(e.kind, cases[i].kind);
        assert_string_equal(e.code, cases[i].code);
        assert_int_equal(e.retry_after_s, cases[i].kind == ERR_RETRY ? 7 : 0);
    }
    struct err e = {0};
    assert_true(feed_status_check(200, 0, "", &e));
    assert_true(feed_status_check(304, 0, "", &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_batch_syntax_comes_out_percent_encoded),
        cmocka_unit_test(a_path_without_a_query_gets_one),
        cmocka_unit_test(a_subscription_cannot_add_parameters_of_its_own),
        cmocka_unit_test(a_template_puts_each_value_where_it_says),
        cmocka_unit_test(urls_that_are_none_are_refused),
        cmocka_unit_test(a_shown_url_keeps_the_place_and_no_secret),
        cmocka_unit_test(each_status_has_its_own_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
