/* Custodians in the books: sealed secrets, one token at a time, places at a host, what is pending.
 */
#include "books_test.h"

#include <stdio.h>
#include <string.h>

#include "common/store/authorization.h"
#include "common/store/custodian.h"
#include "common/store/rate_limiter.h"
#include "common/store/pending.h"
#include "common/store/resource.h"
#include "common/store/secret.h"

#define SERVER "https://utility.example:443 none://none:0"
#define KEY "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

static int64_t hydro(struct pg *p)
{
    struct err e = {0};
    int64_t id = 0;
    assert_ok(custodian_add(p, "hydro", "https://utility.example/espi/1_1/resource", &id, &e), e);
    return id;
}

static void a_custodians_secrets_come_back_and_are_not_in_the_table(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    int64_t id = hydro(p);
    struct custodian c CLEANUP(custodian_free) = {0};
    assert_ok(custodian_set(p, KEY, "hydro", "client_secret", "open sesame", &e), e);
    assert_ok(custodian_set(p, KEY, "hydro", "private_key", "line\nline", &e), e);
    assert_ok(custodian_get(p, KEY, id, &c, &e), e);
    assert_string_equal(c.client_secret, "open sesame");
    assert_string_equal(c.private_key, "line\nline");
    assert_null(c.certificate);
    assert_int_equal(c.requests_at_once, 2);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.custodian c"
                                    " WHERE c::text LIKE '%sesame%'"),
                     0);
    /* a secret moved to another column or row does not open */
    books_run(p, "UPDATE meterbeat.custodian SET certificate = client_secret");
    struct custodian moved;
    assert_fails(custodian_get(p, KEY, id, &moved, &e), e, ERR_REJECT, "seal_refused");
    pg_free(p);
}

static void a_custodian_that_leads_elsewhere_has_no_secrets(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    int64_t id = hydro(p), grant;
    bool is_new;
    struct custodian c = {0};
    struct authorization a = {0};
    const struct authorization_tokens tokens = {"a1", "r1", 600};
    assert_ok(custodian_set(p, KEY, "hydro", "client_secret", "open sesame", &e), e);
    assert_ok(authorization_add(p, id, "refresh_token", &grant, &e), e);
    assert_ok(authorization_store(p, KEY, SERVER, grant, -1, &tokens, &is_new, &e), e);
    /* by whoever can write the table, without the key */
    books_run(p, "UPDATE meterbeat.custodian SET token_url = 'https://evil.example/token'");
    assert_fails(custodian_get(p, KEY, id, &c, &e), e, ERR_REJECT, "seal_refused");
    assert_ok(custodian_get(p, NULL, id, &c, &e), e);
    assert_fails(authorization_get(p, KEY, c.destination, grant, &a, &e), e, ERR_REJECT,
                 "seal_refused");
    custodian_free(&c);
    books_run(p, "UPDATE meterbeat.custodian SET token_url = ''");
    /* by a person, with the key: they go along */
    assert_fails(custodian_set(p, "", "hydro", "token_url", "https://new.example/token", &e), e,
                 ERR_REJECT, "no_credentials_key");
    assert_ok(custodian_set(p, KEY, "hydro", "token_url", "https://new.example/token", &e), e);
    assert_ok(custodian_get(p, KEY, id, &c, &e), e);
    assert_string_equal(c.client_secret, "open sesame");
    assert_ok(authorization_get(p, KEY, c.destination, grant, &a, &e), e);
    assert_string_equal(a.refresh_token, "r1");
    authorization_free(&a);
    custodian_free(&c);
    pg_free(p);
}

/* PLAIN sealed by version 1 with KEY, as custodian 1's client secret. */
static void what_was_sealed_for_no_server_waits_for_a_person(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    int64_t id = hydro(p), count = 0;
    char place[80], sql[600];
    struct custodian c = {0};
    snprintf(place, sizeof place, "meterbeat.custodian.client_secret of %lld", (long long)id);
    char *old CLEANUP(secret_keys_freep) = secret_encrypt(KEY, place, NULL, "open sesame", &e);
    assert_non_null(old);
    old[1] = '1';
    snprintf(sql, sizeof sql, "UPDATE meterbeat.custodian SET client_secret = '%s'", old);
    books_run(p, sql);
    assert_fails(custodian_get(p, KEY, id, &c, &e), e, ERR_REJECT, "seal_refused");
    assert_non_null(strstr(e.text, "custodian reseal"));
    assert_ok(custodian_reseal(p, KEY, id, &count, &e), e);
    assert_int_equal(count, 1);
    assert_ok(custodian_get(p, KEY, id, &c, &e), e);
    assert_string_equal(c.client_secret, "open sesame");
    custodian_free(&c);
    assert_ok(custodian_reseal(p, KEY, id, &count, &e), e);
    assert_int_equal(count, 0);
    pg_free(p);
}

static void what_a_custodian_cannot_have_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    int64_t id;
    (void)hydro(p);
    assert_fails(custodian_add(p, "hydro", "https://x.example/", &id, &e), e, ERR_REJECT,
                 "bad_custodian");
    assert_fails(custodian_set(p, KEY, "hydro", "poll_s", "0", &e), e, ERR_REJECT, "bad_custodian");
    assert_fails(custodian_set(p, KEY, "hydro", "poll_s", "soon", &e), e, ERR_REJECT,
                 "bad_custodian");
    assert_fails(custodian_set(p, KEY, "hydro", "id", "7", &e), e, ERR_REJECT, "bad_custodian");
    assert_fails(custodian_set(p, "", "hydro", "client_secret", "x", &e), e, ERR_REJECT,
                 "no_credentials_key");
    assert_fails(custodian_set(p, KEY, "nobody", "poll_s", "7", &e), e, ERR_REJECT, "no_custodian");
    pg_free(p);
}

static void tokens_have_one_refresher_and_the_newest_generation_counts(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect(), *q = books_connect();
    int64_t id, again;
    bool busy, is_new;
    struct authorization a CLEANUP(authorization_free) = {0};
    int64_t custodian = hydro(p);
    assert_ok(authorization_add(p, custodian, "refresh_token", &id, &e), e);
    assert_ok(authorization_lock(p, id, &busy, &e), e);
    assert_false(busy);
    assert_ok(authorization_lock(q, id, &busy, &e), e);
    assert_true(busy);
    authorization_unlock(p, id);
    assert_ok(authorization_lock(q, id, &busy, &e), e);
    assert_false(busy);
    assert_ok(authorization_asked(p, id, false, &e), e);
    const struct authorization_tokens one = {"a1", "r1", 600}, two = {"a2", NULL, 600};
    assert_ok(authorization_store(p, KEY, SERVER, id, 0, &one, &is_new, &e), e);
    assert_true(is_new);
    assert_ok(authorization_store(p, KEY, SERVER, id, 0, &two, &is_new, &e), e);
    assert_false(is_new); /* of a generation that is over */
    assert_ok(authorization_refuse(p, id, 0, "invalid_grant", &is_new, &e), e);
    assert_false(is_new); /* the same */
    assert_ok(authorization_refuse(p, id, 1, "invalid_grant", &is_new, &e), e);
    assert_true(is_new);
    assert_ok(authorization_store(p, KEY, SERVER, id, 1, &two, &is_new, &e), e);
    assert_ok(authorization_get(p, KEY, SERVER, id, &a, &e), e);
    assert_string_equal(a.access_token, "a2");
    assert_string_equal(a.refresh_token, "r1"); /* an answer without one leaves the old one good */
    assert_string_equal(a.refusal, "");
    assert_false(a.is_unsure);
    assert_true(a.expires_in_s > 500 && a.expires_in_s <= 600);
    assert_ok(authorization_add(p, custodian, "client_credentials", &id, &e), e);
    assert_ok(authorization_add(p, custodian, "client_credentials", &again, &e), e);
    assert_int_equal(id, again);
    pg_free(p);
    pg_free(q);
}

static void places_at_a_host_are_limited_and_come_back(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    const struct rate_limits limits = {.at_once = 2, .per_minute = 3};
    int64_t place[4] = {0}, wait_ms;
    static const char *const holders[] = {"t", "u"};
    for (int i = 0; i < 2; i++) {
        assert_ok(
            rate_limiter_acquire(p, "u:443", holders[i], &limits, 60, &place[i], &wait_ms, &e), e);
        assert_int_equal(wait_ms, 0);
    }
    assert_ok(rate_limiter_acquire(p, "u:443", "v", &limits, 60, &place[2], &wait_ms, &e), e);
    assert_true(wait_ms > 0);
    assert_ok(rate_limiter_acquire(p, "other:443", "w", &limits, 60, &place[3], &wait_ms, &e), e);
    assert_int_equal(wait_ms, 0);
    /* the task of the first place is there again: its worker has died */
    assert_ok(rate_limiter_acquire(p, "u:443", "t", &limits, 60, &place[2], &wait_ms, &e), e);
    assert_int_equal(wait_ms, 0);
    assert_ok(rate_limiter_release(p, place[1], &e), e);
    assert_ok(rate_limiter_release(p, place[2], &e), e);
    assert_ok(rate_limiter_acquire(p, "u:443", "t", &limits, 60, &place[0], &wait_ms, &e), e);
    assert_true(wait_ms > 50000); /* three in this minute */
    books_run(p, "UPDATE meterbeat.host_gate SET taken_at = taken_at - interval '30 seconds'");
    assert_ok(rate_limiter_acquire(p, "u:443", "t", &limits, 60, &place[0], &wait_ms, &e), e);
    assert_true(wait_ms > 20000 && wait_ms <= 30000);
    books_run(p, "UPDATE meterbeat.host_gate SET taken_at = taken_at - interval '30 seconds'");
    assert_ok(rate_limiter_acquire(p, "u:443", "t", &limits, 60, &place[0], &wait_ms, &e), e);
    assert_int_equal(wait_ms, 0);
    /* what is a minute old and given back is gone */
    assert_int_equal(
        books_count(p, "SELECT count(*) FROM meterbeat.host_gate WHERE host = 'u:443'"), 1);
    pg_free(p);
}

static void what_is_pending_is_one_row_a_window(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    bool found;
    struct pending read CLEANUP(pending_free) = {0};
    struct pending next = {.record_id = 7,
                           .from_s = 100,
                           .to_s = 200,
                           .asked_s = 1700000000,
                           .next_poll_in_s = 30,
                           .deadline_in_s = 500,
                           .polls = 1,
                           .poll_url = (char *)"https://u.example/1"};
    struct pending named = next;
    named.is_named = true;
    assert_ok(pending_put(p, &next, &e), e);
    assert_ok(pending_put(p, &named, &e), e);
    next.polls = 2;
    next.deadline_in_s = 9999; /* the first one counts */
    assert_ok(pending_put(p, &next, &e), e);
    assert_ok(pending_get(p, 7, false, 0, 0, &read, &found, &e), e);
    assert_true(found);
    assert_int_equal(read.polls, 2);
    assert_int_equal(read.asked_s, 1700000000);
    assert_true(read.next_poll_in_s > 25 && read.next_poll_in_s <= 30);
    assert_true(read.deadline_in_s > 490 && read.deadline_in_s <= 500);
    assert_null(read.urls);
    pending_free(&read);
    next.urls = (char *)"[\"https://u.example/2\"]"; /* which are good from now on */
    assert_ok(pending_put(p, &next, &e), e);
    assert_ok(pending_get(p, 7, false, 0, 0, &read, &found, &e), e);
    assert_true(read.deadline_in_s > 9900 && read.deadline_in_s <= 9999);
    assert_string_equal(read.urls, "[\"https://u.example/2\"]");
    assert_ok(pending_drop(p, 7, false, 100, 200, &e), e);
    struct pending none;
    assert_ok(pending_get(p, 7, false, 0, 0, &none, &found, &e), e);
    assert_false(found);
    assert_ok(pending_get(p, 7, true, 100, 201, &none, &found, &e), e);
    assert_false(found);
    pg_free(p);
}

static void a_validator_counts_for_its_url_while_the_record_stands_where_it_left_it(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    char etag[VALIDATOR_TEXT], modified[VALIDATOR_TEXT];
    struct validator v = {"https://u.example/1", "\"x\"", "", "01/31/2026", 5};
    assert_ok(validator_put(p, 7, &v, &e), e);
    assert_ok(validator_get(p, 7, &v, etag, modified, &e), e);
    assert_string_equal(etag, "\"x\"");
    v.last_date = "01/01/2026";
    assert_ok(validator_get(p, 7, &v, etag, modified, &e), e);
    assert_string_equal(etag, "");
    v.etag = "";
    assert_ok(validator_put(p, 7, &v, &e), e);
    assert_int_equal(books_count(p, "SELECT count(*) FROM meterbeat.validator"), 0);
    pg_free(p);
}

static void what_a_custodian_said_last_is_found_by_its_href(void **state)
{
    (void)state;
    struct err e = {0};
    struct pg *p = books_connect();
    int64_t id = hydro(p);
    for (int i = 0; i < 2; i++) {
        json_t *list = json_pack("[{s:s,s:s,s:s,s:s},{s:s,s:s,s:s,s:s}]", "kind", "ReadingType",
                                 "self", "T/1", "up", "T", "entry", i ? "<new/>" : "<old/>", "kind",
                                 "UsagePoint", "self", "U/1", "up", "U", "entry", "<u/>");
        assert_ok(resource_keep(p, id, list, &e), e);
        json_decref(list);
    }
    json_t *hrefs = json_pack("[s,s,s]", "T", "U", "nothing");
    PGresult *r = resource_find(p, id, hrefs, &e);
    assert_int_equal(PQntuples(r), 1); /* a usage point is found by its own href only */
    assert_string_equal(PQgetvalue(r, 0, 2), "<new/>");
    PQclear(r);
    json_decref(hrefs);
    pg_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_custodians_secrets_come_back_and_are_not_in_the_table,
                               books_fresh),
        cmocka_unit_test_setup(a_custodian_that_leads_elsewhere_has_no_secrets, books_fresh),
        cmocka_unit_test_setup(what_was_sealed_for_no_server_waits_for_a_person, books_fresh),
        cmocka_unit_test_setup(what_a_custodian_cannot_have_is_refused, books_fresh),
        cmocka_unit_test_setup(tokens_have_one_refresher_and_the_newest_generation_counts,
                               books_fresh),
        cmocka_unit_test_setup(places_at_a_host_are_limited_and_come_back, books_fresh),
        cmocka_unit_test_setup(what_is_pending_is_one_row_a_window, books_fresh),
        cmocka_unit_test_setup(
            a_validator_counts_for_its_url_while_the_record_stands_where_it_left_it, books_fresh),
        cmocka_unit_test_setup(what_a_custodian_said_last_is_found_by_its_href, books_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
