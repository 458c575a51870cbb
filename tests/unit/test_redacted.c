/* Settings are shown without the secrets in them: on a screen, over remote control, by `check`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "common/config/clear_text.h"
#include "common/config/server_place.h"
#include "common/config/settings_table.h"
#include "common/config/redacted.h"

static void shows(const char *path, const char *text, const char *wanted)
{
    const struct setting *row = setting_find(settings_table, settings_table_count, path);
    assert_non_null(row);
    assert_string_equal(setting_redacted(row, text, (char[SETTING_REDACTED]){0}), wanted);
}

static void passwords_of_every_broker_are_left_out(void **state)
{
    (void)state;
    shows("broker.url", "amqp://u:p@a:5672/v", "amqp://u:***@a:5672/v");
    shows("broker.url", "amqp://a:1@x//;amqp://b:2@y/;amqps://c@z",
          "amqp://a:***@x//;amqp://b:***@y/;amqps://c@z");
    shows("broker.url", "amqp://u:p/q@a/v", "amqp://u:***@a/v");
    shows("broker.url", "amqp://a/v?heartbeat=5&password=x", "amqp://a/v?heartbeat=5&password=***");
    shows("broker.url", "amqp://a/v?heartbeat=5;ssl=1", "amqp://a/v?heartbeat=5;ssl=1");
}

static void what_libpq_calls_a_password_is_left_out(void **state)
{
    (void)state;
    shows("database.url", "postgresql://u@h/d?sslmode=verify-full",
          "postgresql://u@h/d?sslmode=verify-full");
    shows("database.url", "host=h sslpassword='a b' sslkey=k",
          "host='h' sslkey='k' sslpassword='***'");
    shows("database.url", "postgresql://u@h/d?sslpassword=abc",
          "user='u' dbname='d' host='h' sslpassword='***'");
}

static void keys_in_urls_are_left_out_and_places_stay(void **state)
{
    (void)state;
    shows("feed.url_template", "https://h/{sub_id}?api_key=abc&min={min}&token={sub_id}",
          "https://h/{sub_id}?api_key=***&min={min}&token={sub_id}");
    shows("feed.url_template", "https://u:p@h/x?format=xml&q=0123456789abcdefXY",
          "https://u:***@h/x?format=xml&q=***");
    shows("feed.url_template", "https://h/v1/0123456789abcdef01234567/{sub_id}",
          "https://h/v1/***/{sub_id}");
    shows("feed.url_template", "{url}{path}{sub_id}?{min_name}={min}",
          "{url}{path}{sub_id}?{min_name}={min}");
    shows("feed.url_template", "https://0123456789abcdefXY@h/x", "https://***@h/x");
    shows("feed.url_template", "https://0123456789abcdefXY:@h/x", "https://***:***@h/x");
    shows("feed.url_template", "https://h/x?q=eyJhbGciOi.eyJzdWIiOi.c2ln", "https://h/x?q=***");
    shows("feed.path", "/espi/1_1/resource/Batch/Subscription/",
          "/espi/1_1/resource/Batch/Subscription/");
    shows("kairosdb.query_url", "https://k/api?apikey=1", "https://k/api?apikey=***");
    shows("broker.queue", "a?key=b", "a?key=b");
}

static void shows_json(const char *text, const char *wanted)
{
    char *shown = json_redacted(text);
    assert_non_null(shown);
    assert_string_equal(shown, wanted);
    free(shown);
}

static void keys_in_arguments_and_headers_of_entries_are_left_out(void **state)
{
    (void)state;
    shows_json("{\"api_key\": \"abc\", \"record\": 3}", "{\"api_key\": \"***\", \"record\": 3}");
    shows_json("{\"Authorization\": \"x\"}", "{\"Authorization\": \"***\"}");
    shows_json("{\"to\": [{\"password\": 1234}, \"Bearer abc\"]}",
               "{\"to\": [{\"password\": \"***\"}, \"***\"]}");
    shows_json("[\"https://u:p@h/x?token=1\", \"0123456789abcdefXY\"]",
               "[\"https://u:***@h/x?token=***\", \"***\"]");
    shows_json("[3,\"2026-01-01T00:00:00Z\", \"8c2d4e1f-0000-4000-8000-00000000000a\"]",
               "[3,\"2026-01-01T00:00:00Z\", \"8c2d4e1f-0000-4000-8000-00000000000a\"]");
    shows_json("{\"token\": null}", "{\"token\": null}");
}

static struct settings made(const char *broker, const char *database, const char *query)
{
    return (struct settings){.broker = {.url = broker, .password = "x", .management_url = ""},
                             .database = {.url = database, .password = "x"},
                             .kairosdb = {.insert_url = query, .query_url = query, .user = "u"}};
}

static void clear_text_passwords_to_other_hosts_are_refused_unless_allowed(void **state)
{
    (void)state;
    struct err e = {0};
    char lines[CLEAR_TEXT_LINES][CLEAR_TEXT_LINE];
    const char *home = "postgresql://u@127.0.0.1/d", *https = "https://k.example/q";
    struct settings s = made("amqp://u@rabbit.example", home, https);
    assert_false(clear_text_check(&s, &e));
    assert_string_equal(e.code, "clear_text");
    s.allow_clear_text = true;
    assert_true(clear_text_check(&s, &e));
    assert_int_equal(clear_text_warnings(&s, lines), 1);
    s = made("amqp://a@127.0.0.1;amqp://b@10.0.0.1", home, https);
    assert_false(clear_text_check(&s, &e));
    s = made("amqps://u@rabbit.example", home, "http://k.example/q");
    assert_false(clear_text_check(&s, &e));
    s = made("amqp://u@localhost", home, "http://[::1]:8080/q");
    assert_true(clear_text_check(&s, &e));
    assert_int_equal(clear_text_warnings(&s, lines), 0);
    s = made("amqp://u@127.0.0.1", "postgresql://u@db.example/d", https);
    assert_true(clear_text_check(&s, &e));
    assert_int_equal(clear_text_warnings(&s, lines), 1);
    assert_non_null(strstr(lines[0], "verify-full"));
    assert_true(clear_text_allowed(&s, "https://c.example/token"));
    assert_true(clear_text_allowed(&s, "http://127.0.0.1:80/token"));
    assert_false(clear_text_allowed(&s, "http://c.example/token"));
    assert_false(clear_text_allowed(&s, "http://127.0.0.1.c.example/token"));
    assert_false(clear_text_allowed(&s, "http://localhost@c.example/"));
}

static void every_server_of_the_settings_has_its_host_and_port(void **state)
{
    (void)state;
    struct server_place p[SERVER_PLACES_MAX];
    struct settings s = made("amqps://a.example//;amqp://u@[fd00::1]:99/v",
                             "host=x,y port=1,2 dbname=d", "https://k/q");
    assert_int_equal(server_places(&s, p), 6);
    assert_string_equal(p[0].host, "a.example");
    assert_int_equal(p[0].port, 5671);
    assert_string_equal(p[1].host, "fd00::1");
    assert_int_equal(p[1].port, 99);
    assert_string_equal(p[3].host, "y");
    assert_int_equal(p[3].port, 2);
    assert_int_equal(p[4].port, 443);
}

/* libpq's service files and variables name servers too, which no feed may lead to. */
static void a_database_named_by_a_service_or_the_environment_has_its_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *url, *variable, *value, *host;
        int port;
    } cases[] = {
        {"service=ours", NULL, NULL, "10.9.8.7", 6000},
        {"postgresql:///d?service=ours", NULL, NULL, "10.9.8.7", 6000},
        {"dbname=d", "PGSERVICE", "ours", "10.9.8.7", 6000},
        {"dbname=d", "PGHOST", "db.example", "db.example", 5432},
        {"dbname=d host=db.example", "PGHOSTADDR", "10.1.1.1", "10.1.1.1", 5432},
        {"host=db.example", "PGPORT", "6001", "db.example", 6001},
        {"host=db.example port=6002", "PGPORT", "6001", "db.example", 6002},
        {"dbname=d", NULL, NULL, "localhost", 5432},
    };
    char file[] = "/tmp/meterbeat-service-XXXXXX";
    struct server_place p[SERVER_PLACES_MAX];
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "[ours]\nhost=10.9.8.7\nport=6000\n") > 0);
    close(fd);
    setenv("PGSERVICEFILE", file, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].variable)
            setenv(cases[i].variable, cases[i].value, 1);
        struct settings s = made("amqp://a", cases[i].url, "https://k/q");
        size_t count = server_places(&s, p), at = 0;
        while (at < count && strcmp(p[at].setting, "database.url") != 0)
            at++;
        if (at == count || strcmp(p[at].host, cases[i].host) != 0 || p[at].port != cases[i].port)
            fail_msg("%zu: %s: %s %d", i, cases[i].url, at < count ? p[at].host : "none",
                     at < count ? p[at].port : 0);
        if (cases[i].variable)
            unsetenv(cases[i].variable);
    }
    unlink(file);
    unsetenv("PGSERVICEFILE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_of_every_broker_are_left_out),
        cmocka_unit_test(what_libpq_calls_a_password_is_left_out),
        cmocka_unit_test(keys_in_urls_are_left_out_and_places_stay),
        cmocka_unit_test(keys_in_arguments_and_headers_of_entries_are_left_out),
        cmocka_unit_test(clear_text_passwords_to_other_hosts_are_refused_unless_allowed),
        cmocka_unit_test(every_server_of_the_settings_has_its_host_and_port),
        cmocka_unit_test(a_database_named_by_a_service_or_the_environment_has_its_host_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
