/* broker.url as kombu and Celery take it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/config/broker_url.h"

static struct broker_address read_url(const char *url)
{
    struct broker_address a;
    char what[URL_WHAT] = "";
    if (!broker_url_read(url, &a, what))
        fail_msg("%s: %s", url, what);
    return a;
}

static void refused(const char *url, const char *expected)
{
    struct broker_address a;
    char what[URL_WHAT] = "";
    assert_false(broker_url_read(url, &a, what));
    if (!strstr(what, expected))
        fail_msg("%s: %s", url, what);
}

static void the_virtual_host_is_the_path_without_its_first_slash(void **state)
{
    (void)state;
    static const struct {
        const char *url, *vhost;
    } cases[] = {
        {"amqp://guest:guest@host//", "/"},
        {"amqp://host", "/"},
        {"amqp://host/", "/"},
        {"amqp://host/%2F", "/"},
        {"amqp://host/%2f", "/"},
        {"amqp://host/meters", "meters"},
        {"amqp://host//meters", "/meters"},
        {"amqp://host/a/b", "a/b"},
        {"amqp://host/..", ".."},
        {"amqp://host/z%C3%A4hler", "zähler"},
        {"amqp://host/zähler", "zähler"},
        {"amqp://host/a%20b%3F", "a b?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(read_url(cases[i].url).vhost, cases[i].vhost);
}

static void users_and_passwords_are_percent_decoded(void **state)
{
    (void)state;
    struct broker_address a = read_url("amqp://j%C3%BCrgen:p%40ss%3A%2F%25@h");
    assert_string_equal(a.user, "jürgen");
    assert_string_equal(a.password, "p@ss:/%");
    assert_string_equal(read_url("amqp://jürgen:ß@h").password, "ß");
}

static void what_is_left_out_is_as_in_kombu(void **state)
{
    (void)state;
    struct broker_address a = read_url("amqp://");
    assert_string_equal(a.host, "localhost");
    assert_string_equal(a.user, "guest");
    assert_string_equal(a.password, "guest");
    assert_string_equal(a.vhost, "/");
    assert_int_equal(a.port, 5672);
    assert_false(a.tls);
    a = read_url("amqps://me@h");
    assert_true(a.tls);
    assert_int_equal(a.port, 5671);
    assert_string_equal(a.user, "me");
    assert_int_equal(a.heartbeat_s, -1);
    a = read_url("pyamqp://[::1]:5673/v");
    assert_string_equal(a.host, "::1");
    assert_int_equal(a.port, 5673);
    assert_string_equal(read_url("amqp:///v").host, "localhost");
}

static void parameters_count_and_unknown_ones_do_not(void **state)
{
    (void)state;
    struct broker_address a = read_url(
        "amqps://h/v?heartbeat=30&x=1&connect_timeout=2.5&ssl_ca_certs=%2Fetc%2Fca+1.pem&&");
    assert_int_equal(a.heartbeat_s, 30);
    assert_int_equal(a.connect_timeout_s, 3);
    assert_string_equal(a.ca_file, "/etc/ca 1.pem");
    assert_string_equal(a.vhost, "v");
    assert_int_equal(read_url("amqp://h?heartbeat=0").heartbeat_s, 0);
    assert_int_equal(read_url("amqp://h?heartbeat").heartbeat_s, -1);
}

static void what_cannot_be_meant_is_refused_with_the_place(void **state)
{
    (void)state;
    refused("http://h", "amqp://");
    refused("h", "amqp://");
    refused("", "amqp://");
    refused("amqp://h:0", "port");
    refused("amqp://h:99999", "no URL");
    refused("amqp://h?heartbeat=ten", "heartbeat must be");
    refused("amqp://h?heartbeat=1e9", "heartbeat must be");
    refused("amqp://h?heartbeat=nan", "heartbeat must be");
    refused("amqp://h?heartbeat=-1", "heartbeat must be");
    refused("amqps://h?ssl_cert_reqs=CERT_NONE", "verified");
    refused("amqps://h?ssl_check_hostname=False", "verified");
    char longest[400] = "amqp://h/";
    memset(longest + strlen(longest), 'v', 300);
    refused(longest, "virtual host of 300 bytes");
}

static void several_are_read_one_by_one(void **state)
{
    (void)state;
    const char *urls = "amqp://a:x@h1;amqps://h2/v;pyamqp://h3";
    char what[URL_WHAT] = "";
    assert_int_equal(broker_url_count(urls), 3);
    char *second = broker_url_at(urls, 1);
    assert_string_equal(second, "amqps://h2/v");
    free(second);
    assert_null(broker_url_at(urls, 3));
    assert_true(broker_urls_check(urls, what));
    assert_false(broker_urls_check("amqp://a;b", what));
    assert_false(broker_urls_check("amqp://a;", what));
    assert_false(broker_urls_check("amqp://a;;;;;;;;", what));
    assert_string_equal(what, "more than 8 brokers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_virtual_host_is_the_path_without_its_first_slash),
        cmocka_unit_test(users_and_passwords_are_percent_decoded),
        cmocka_unit_test(what_is_left_out_is_as_in_kombu),
        cmocka_unit_test(parameters_count_and_unknown_ones_do_not),
        cmocka_unit_test(what_cannot_be_meant_is_refused_with_the_place),
        cmocka_unit_test(several_are_read_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
