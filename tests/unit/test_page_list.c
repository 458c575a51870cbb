/* The documents of one answer: in the order in which they were found, each once, of one host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "worker/ingest/page_list.h"

#define BASE "https://custodian.example/espi"

static struct page_list make(int64_t max)
{
    struct page_list list;
    struct err e;
    assert_true(page_list_make(BASE, max, &list, &e));
    return list;
}

static void follow(struct page_list *list, const char *of, const char *href)
{
    struct err e = {0};
    if (!page_list_follow(list, of, href, &e))
        fail_msg("%s: %s", e.code, e.text);
}

static void documents_come_in_the_order_in_which_they_were_found(void **state)
{
    (void)state;
    struct page_list list = make(10);
    struct err e;
    assert_true(page_list_add(&list, BASE "/feed", &e));
    follow(&list, BASE "/feed", "?page=3");
    follow(&list, BASE "/feed", "/espi/other");
    follow(&list, BASE "/other", "?page=2");
    assert_int_equal(page_list_count(&list), 4);
    assert_string_equal(page_list_at(&list, 1), BASE "/feed?page=3");
    assert_string_equal(page_list_at(&list, 2), BASE "/other");
    assert_string_equal(page_list_at(&list, 3), BASE "/other?page=2");
    page_list_free(&list);
}

static void a_page_that_leads_back_adds_nothing(void **state)
{
    (void)state;
    struct page_list list = make(2);
    struct err e;
    assert_true(page_list_add(&list, BASE "/feed", &e));
    follow(&list, BASE "/feed", "?page=2");
    follow(&list, BASE "/feed?page=2", "feed");
    follow(&list, BASE "/feed", BASE "/feed?page=2");
    assert_int_equal(page_list_count(&list), 2);
    page_list_free(&list);
}

static void one_document_more_than_allowed_is_refused(void **state)
{
    (void)state;
    struct page_list list = make(2);
    struct err e = {0};
    follow(&list, BASE "/feed", "?page=1");
    follow(&list, BASE "/feed", "?page=2");
    assert_false(page_list_follow(&list, BASE "/feed", "?page=3", &e));
    assert_string_equal(e.code, "too_many_documents");
    assert_int_equal(e.kind, ERR_REJECT);
    assert_int_equal(page_list_count(&list), 2);
    page_list_free(&list);
}

static void no_page_leads_to_another_host(void **state)
{
    (void)state;
    struct page_list list = make(9);
    struct err e = {0};
    assert_false(page_list_follow(&list, BASE "/feed", "https://other.example/espi/feed", &e));
    assert_string_equal(e.code, "feed_foreign_url");
    assert_false(page_list_follow(&list, BASE "/feed", "http://custodian.example/espi/feed", &e));
    assert_string_equal(e.code, "feed_foreign_url");
    assert_int_equal(page_list_count(&list), 0);
    page_list_free(&list);
}

static void a_stored_list_is_looked_at_again(void **state)
{
    (void)state;
    struct page_list list = make(9), again = make(9), elsewhere;
    struct err e = {0};
    follow(&list, BASE "/batch", BASE "/batch");
    follow(&list, BASE "/batch", "1.xml");
    follow(&list, BASE "/batch", "2.xml");
    char *json = page_list_json_after_first(&list);
    assert_true(page_list_add_json(&again, json, &e));
    assert_int_equal(page_list_count(&again), 2);
    assert_string_equal(page_list_at(&again, 0), BASE "/1.xml");
    assert_true(page_list_make("https://moved.example/", 9, &elsewhere, &e));
    assert_false(page_list_add_json(&elsewhere, json, &e));
    assert_string_equal(e.code, "feed_foreign_url");
    assert_true(page_list_add_json(&again, "[1, null]", &e));
    assert_int_equal(page_list_count(&again), 2);
    assert_false(page_list_add_json(&again, "no list", &e));
    free(json);
    page_list_free(&list);
    page_list_free(&again);
    page_list_free(&elsewhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_come_in_the_order_in_which_they_were_found),
        cmocka_unit_test(a_page_that_leads_back_adds_nothing),
        cmocka_unit_test(one_document_more_than_allowed_is_refused),
        cmocka_unit_test(no_page_leads_to_another_host),
        cmocka_unit_test(a_stored_list_is_looked_at_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
