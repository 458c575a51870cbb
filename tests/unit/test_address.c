/* Which addresses may be asked: what is public, and what an installation allows beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include "common/config/settings.h"
#include "common/http/address.h"
#include "common/http/own_address.h"

static bool asked(const char *text, uint16_t port, const struct address_rule *rule)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return address_allowed((const struct sockaddr *)&four, rule);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return address_allowed((const struct sockaddr *)&six, rule);
}

static bool allowed(const char *text, const char *networks)
{
    return asked(
        text, 443,
        &(struct address_rule){.scope = ADDRESS_PUBLIC, .networks = networks, .ports = ""});
}

static bool on_site(const char *text, uint16_t port, const char *networks, const char *ports)
{
    return asked(
        text, port,
        &(struct address_rule){.scope = ADDRESS_SITE, .networks = networks, .ports = ports});
}

static void public_addresses_are_allowed(void **state)
{
    (void)state;
    static const char *const open[] = {"93.184.216.34",    "8.8.8.8",        "172.15.255.255",
                                       "172.32.0.0",       "100.63.255.255", "2606:4700::1111",
                                       "64:ff9b::808:808", "::ffff:8.8.8.8", "2a00:1450:4001::1"};
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        assert_true(allowed(open[i], ""));
}

static void this_host_private_networks_and_cloud_metadata_are_not(void **state)
{
    (void)state;
    static const char *const closed[] = {"127.0.0.1",
                                         "127.255.255.255",
                                         "0.0.0.0",
                                         "10.1.2.3",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.168.1.1",
                                         "169.254.169.254",
                                         "100.64.0.1",
                                         "198.18.0.1",
                                         "224.0.0.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "::ffff:127.0.0.1",
                                         "::127.0.0.1",
                                         "64:ff9b::7f00:1",
                                         "2002:7f00:1::",
                                         "fc00::1",
                                         "fdff::1",
                                         "fe80::1",
                                         "ff02::1",
                                         "::ffff:0:8.8.8.8",
                                         "64:ff9b::a00:1",
                                         "64:ff9b:1::808:808",
                                         "2001:0:808:808::1",
                                         "100::1",
                                         "100:0:0:1::1",
                                         "3fff::1",
                                         "3fff:fff::1",
                                         "5f00::1",
                                         "2620:4f:8000::1",
                                         "4000::1",
                                         "fec0::1",
                                         "168.63.129.16",
                                         "::ffff:169.254.169.254",
                                         "192.88.99.1",
                                         "192.0.0.192",
                                         "2001:db8::1"};
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        assert_false(allowed(closed[i], ""));
}

static void a_network_that_is_listed_is_allowed_and_no_more(void **state)
{
    (void)state;
    const char *list = "10.1.0.0/16, 192.168.7.9 fd12:3456::/32";
    struct err e = {0};
    assert_true(address_list_check(list, &e));
    assert_true(allowed("10.1.255.255", list));
    assert_true(allowed("::ffff:10.1.0.1", list));
    assert_false(allowed("10.2.0.0", list));
    assert_true(allowed("192.168.7.9", list));
    assert_false(allowed("192.168.7.8", list));
    assert_true(allowed("fd12:3456:ffff::1", list));
    assert_false(allowed("fd12:3457::1", list));
    assert_true(allowed("127.0.0.1", "0.0.0.0/0"));
    assert_false(allowed("::1", "0.0.0.0/0"));
    assert_false(allowed("169.254.169.254", "127.0.0.0/7"));
}

static void what_is_no_list_of_networks_is_refused_and_allows_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8",    "localhost",   "10.0.0.0/",
                                      "::/129",      "10.0.0.0/8x", "10.0.0.0/-1", "10.0.0.0/ 8"};
    struct err e = {0};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(address_list_check(bad[i], &e));
        assert_false(allowed("10.0.0.1", bad[i]));
    }
    assert_true(address_list_check("", &e));
    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_false(address_allowed(
        &local, &(struct address_rule){.networks = "0.0.0.0/0", .ports = "1-65535"}));
}

static void a_site_has_private_addresses_and_never_this_host_or_a_clouds_metadata(void **state)
{
    (void)state;
    static const char *const open[] = {"10.1.2.3",    "172.16.0.1",   "172.31.255.255",
                                       "192.168.1.1", "fd12:3456::1", "8.8.8.8",
                                       "2606:4700::1"};
    static const char *const closed[] = {
        "127.0.0.1",       "::1",           "0.0.0.0",        "::",          "169.254.169.254",
        "169.254.170.2",   "fd00:ec2::254", "fd20:ce::254",   "fd00:42::42", "fe80::1",
        "100.100.100.200", "168.63.129.16", "192.0.0.192",    "224.0.0.1",   "255.255.255.255",
        "100.64.0.1",      "2002:a00:1::",  "64:ff9b::a00:1", "::10.0.0.1",  "::ffff:0:10.0.0.1"};
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        if (!on_site(open[i], 80, "", ""))
            fail_msg("%s", open[i]);
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        if (on_site(closed[i], 80, "", ""))
            fail_msg("%s", closed[i]);
    assert_true(on_site("127.0.0.1", 5000, "127.0.0.0/8", ""));
    assert_false(on_site("169.254.169.254", 80, "0.0.0.0/0", ""));
    assert_false(on_site("fd00:ec2::254", 80, "fd00::/8 ::/0", ""));
    assert_true(on_site("169.254.169.254", 80, "169.254.169.254", ""));
}

static void only_the_ports_of_the_web_are_asked_and_those_that_are_named(void **state)
{
    (void)state;
    struct err e = {0};
    static const uint16_t usual[] = {80, 443, 8080, 8443}, others[] = {22, 25, 5432, 5672, 6379};
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        assert_true(on_site("10.0.0.1", usual[i], "", ""));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(on_site("10.0.0.1", others[i], "", ""));
    assert_true(address_ports_check("9000, 10000-10100", &e));
    assert_true(on_site("8.8.8.8", 9000, "", "9000, 10000-10100"));
    assert_true(on_site("8.8.8.8", 10100, "", "9000, 10000-10100"));
    assert_false(on_site("8.8.8.8", 10101, "", "9000, 10000-10100"));
    static const char *const bad[] = {"0", "65536", "x", "9-8", "80-", "-80", "80-90-100", "1.5"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(address_ports_check(bad[i], &e));
    assert_false(on_site("127.0.0.1", 80, "", "1-65535"));
}

static void our_own_servers_are_never_asked_whatever_is_allowed(void **state)
{
    (void)state;
    struct address_own own = {.count = 2};
    struct sockaddr_in *four = (struct sockaddr_in *)&own.at[0];
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&own.at[1];
    *four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(8080)};
    assert_int_equal(inet_pton(AF_INET, "10.0.0.5", &four->sin_addr), 1);
    *six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(8080)};
    assert_int_equal(inet_pton(AF_INET6, "fd01::5", &six->sin6_addr), 1);
    for (int scope = ADDRESS_PUBLIC; scope <= ADDRESS_ANY; scope++) {
        const struct address_rule rule = {.scope = (enum address_scope)scope,
                                          .networks = "0.0.0.0/0 ::/0",
                                          .ports = "",
                                          .own = &own};
        assert_false(asked("10.0.0.5", 8080, &rule));
        assert_false(asked("::ffff:10.0.0.5", 8080, &rule));
        assert_false(asked("fd01::5", 8080, &rule));
        assert_true(asked("10.0.0.5", 8081, &rule));
    }
}

static void another_way_to_write_our_own_servers_address_is_no_way_in(void **state)
{
    (void)state;
    struct address_own own = {.count = 2};
    struct sockaddr_in *here = (struct sockaddr_in *)&own.at[0];
    struct sockaddr_in *there = (struct sockaddr_in *)&own.at[1];
    *here = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(8080)};
    here->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *there = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(8080)};
    assert_int_equal(inet_pton(AF_INET, "8.8.8.8", &there->sin_addr), 1);
    const struct address_rule any = {
        .scope = ADDRESS_ANY, .networks = "", .ports = "", .own = &own};
    static const char *const same[] = {
        "127.0.0.1", "127.1.2.3", "0.0.0.0",        "0.1.2.3",          "::1",
        "::",        "8.8.8.8",   "::ffff:0.0.0.0", "::ffff:127.0.0.2", "64:ff9b::808:808"};
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        if (asked(same[i], 8080, &any))
            fail_msg("%s", same[i]);
    assert_true(asked("127.1.2.3", 8081, &any));
    assert_true(asked("8.8.4.4", 8080, &any));
}

/* The first address of this machine that others reach it by; false: it has none. */
static bool outer_address(char out[INET_ADDRSTRLEN])
{
    struct ifaddrs *all = NULL;
    bool found = false;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
        const struct sockaddr_in *four = (const void *)i->ifa_addr;
        found = four && four->sin_family == AF_INET &&
                (ntohl(four->sin_addr.s_addr) >> 24) != 127 &&
                inet_ntop(AF_INET, &four->sin_addr, out, INET_ADDRSTRLEN);
    }
    freeifaddrs(all);
    return found;
}

static void a_server_of_this_machine_is_our_own_by_each_of_its_addresses(void **state)
{
    (void)state;
    char outer[INET_ADDRSTRLEN], url[80];
    struct address_own own;
    struct err e = {0};
    if (!outer_address(outer))
        skip();
    snprintf(url, sizeof url, "http://%s:8080/api", outer);
    const struct settings s = {.broker = {.url = "amqp://127.0.0.1", .management_url = ""},
                               .database = {.url = "host=/run dbname=d", .password = ""},
                               .kairosdb = {.insert_url = url, .query_url = url, .user = ""}};
    assert_true(own_addresses(&s, &own, &e));
    const struct address_rule any = {
        .scope = ADDRESS_ANY, .networks = "", .ports = "", .own = &own};
    assert_false(asked(outer, 8080, &any));
    assert_false(asked("127.0.0.1", 8080, &any));
    assert_false(asked(outer, 5672, &any));
    assert_true(asked("127.0.0.1", 8081, &any));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_addresses_are_allowed),
        cmocka_unit_test(this_host_private_networks_and_cloud_metadata_are_not),
        cmocka_unit_test(a_network_that_is_listed_is_allowed_and_no_more),
        cmocka_unit_test(a_site_has_private_addresses_and_never_this_host_or_a_clouds_metadata),
        cmocka_unit_test(only_the_ports_of_the_web_are_asked_and_those_that_are_named),
        cmocka_unit_test(our_own_servers_are_never_asked_whatever_is_allowed),
        cmocka_unit_test(a_server_of_this_machine_is_our_own_by_each_of_its_addresses),
        cmocka_unit_test(another_way_to_write_our_own_servers_address_is_no_way_in),
        cmocka_unit_test(what_is_no_list_of_networks_is_refused_and_allows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
