/* Which addresses may be asked: what is public, and what an installation allows beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "meter/address.h"

static bool allowed(const char *text, const char *networks)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return address_allowed((const struct sockaddr *)&four, networks);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return address_allowed((const struct sockaddr *)&six, networks);
}

static void public_addresses_are_allowed(void **state)
{
    (void)state;
    static const char *const open[] = {"93.184.216.34",  "8.8.8.8",          "172.15.255.255",
                                       "172.32.0.0",     "100.63.255.255",   "2606:4700::1111",
                                       "::ffff:8.8.8.8", "2a00:1450:4001::1"};
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
    assert_false(address_allowed(&local, "0.0.0.0/0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_addresses_are_allowed),
        cmocka_unit_test(this_host_private_networks_and_cloud_metadata_are_not),
        cmocka_unit_test(a_network_that_is_listed_is_allowed_and_no_more),
        cmocka_unit_test(what_is_no_list_of_networks_is_refused_and_allows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
