/* Each style of linking that real feeds use puts the readings into the right series, and says by
 * which rule. */
#include "espi_test.h"

/* The series of a feed of tests/data/feeds, up to the first line that begins otherwise. */
static void assert_series(const char *name, const char *want)
{
    struct body b = body_of_file(name);
    struct outcome o = outcome_of(b, NULL);
    if (!o.right)
        fail_msg("%s: %s: %s", name, o.e.code, o.e.text);
    if (strncmp(o.series.data, want, strlen(want)) != 0)
        fail_msg("%s:\n%swanted:\n%s", name, o.series.data, want);
    outcome_free(&o);
    body_free(&b);
}

static void collections_link_exactly_whatever_the_form_of_the_hrefs(void **state)
{
    (void)state;
    assert_series(
        "collection.xml",
        "espi/1_1/resource/UsagePoint/1 | espi/1_1/resource/UsagePoint/1/MeterReading/1 | "
        "espi/1_1/resource/ReadingType/1 | service 0 uom 72 e-3 flow 1 | exact exact exact | "
        "4 of 2\ng0 = series 0\n");
}

static void items_named_one_by_one_need_no_up(void **state)
{
    (void)state;
    assert_series("item.xml",
                  "v1/UsagePoint/7 | v1/UsagePoint/7/MeterReading/3 | v1/ReadingType/9 | "
                  "service 1 uom 169 e-3 flow 1 | exact exact exact | 2 of 2\n");
}

static void an_up_that_names_the_parent_itself_links(void **state)
{
    (void)state;
    assert_series("up_to_self.xml", "UsagePoint/1 | UsagePoint/1/MeterReading/1 | ReadingType/1 | "
                                    "service 0 uom 72 e-3 flow 1 | up up exact | 2 of 1\n");
}

static void a_child_that_points_back_to_its_owner_links(void **state)
{
    (void)state;
    assert_series("back_link.xml",
                  "UsagePoint/1 | Reading-A | Type-A | service 0 uom 72 e-3 flow 1 | "
                  "back back back | 2 of 1\n");
}

static void a_path_links_by_whole_segments(void **state)
{
    (void)state;
    assert_series("prefix.xml",
                  "UsagePoint/1 | UsagePoint/1/MeterReading/1 | ReadingType/1 | service 0 uom "
                  "72 e-3 flow 1 | prefix prefix exact | 1 of 1\n"
                  "UsagePoint/10 | UsagePoint/10/MeterReading/1 | ReadingType/1 | service 1 "
                  "uom 72 e-3 flow 1 | prefix prefix exact | 1 of 1\n"
                  "g0 = series 1\ng1 = series 0\n");
}

static void types_may_come_after_their_blocks_under_any_prefix(void **state)
{
    (void)state;
    assert_series("types_last.xml",
                  "UsagePoint/1 | UsagePoint/1/MeterReading/1 | ReadingType/1 | service 0 "
                  "uom 72 e0 flow 19 | exact exact exact | 2 of 2\n");
}

static void connections_may_stand_behind_the_content(void **state)
{
    (void)state;
    assert_series("links_last.xml",
                  "UsagePoint/1 | UsagePoint/1/MeterReading/1 | ReadingType/1 | service 0 "
                  "uom 72 e-3 flow 1 | exact exact exact | 2 of 2\n"
                  "g0 = series 0\ng1 = series 0\n");
}

static void resources_repeated_before_each_block_are_one(void **state)
{
    (void)state;
    assert_series("repeated.xml",
                  "UsagePoint/1 | UsagePoint/1/MeterReading/1 | ReadingType/1 | service 0 "
                  "uom 72 e-3 flow 1 | up exact exact | 3 of 3\ng0 = series 0\n");
}

static void customers_meters_and_directions_are_never_mixed(void **state)
{
    (void)state;
    assert_series("many.xml",
                  "RetailCustomer/1/UsagePoint/1 | RetailCustomer/1/UsagePoint/1/MeterReading/1 | "
                  "ReadingType/1 | service 0 uom 72 e-3 flow 1 | exact exact exact | 1 of 1\n"
                  "RetailCustomer/1/UsagePoint/1 | RetailCustomer/1/UsagePoint/1/MeterReading/2 | "
                  "ReadingType/2 | service 0 uom 72 e-3 flow 19 | exact exact exact | 2 of 1\n"
                  "RetailCustomer/2/UsagePoint/1 | RetailCustomer/2/UsagePoint/1/MeterReading/1 | "
                  "ReadingType/1 | service 0 uom 72 e-3 flow 1 | exact exact exact | 1 of 1\n"
                  "g0 = series 2\ng1 = series 1\ng2 = series 0\n");
}

static void blocks_with_one_up_or_one_self_are_not_mixed(void **state)
{
    (void)state;
    assert_series("shared_up.xml",
                  "UsagePoint/1 | UsagePoint/1/MeterReading/1 | ReadingType/1 | service 0 uom 72 "
                  "e0 flow 1 | exact exact exact | 1 of 1\n"
                  "UsagePoint/1 | UsagePoint/1/MeterReading/2 | ReadingType/2 | service 0 uom 72 "
                  "e0 flow 19 | exact exact exact | 1 of 1\n"
                  "UsagePoint/1 | UsagePoint/1/MeterReading/3 | ReadingType/1 | service 0 uom 72 "
                  "e0 flow 1 | exact exact exact | 1 of 1\n"
                  "UsagePoint/1 | UsagePoint/1/MeterReading/4 | ReadingType/2 | service 0 uom 72 "
                  "e0 flow 19 | exact exact exact | 1 of 1\n");
}

static void resources_in_one_entry_without_links_belong_together(void **state)
{
    (void)state;
    assert_series("one_entry.xml",
                  "- | - | - | service 0 uom 72 e-3 flow 1 | entry entry entry | 2 of 1\n");
}

static void what_cannot_be_linked_or_trusted_is_said_with_its_place(void **state)
{
    (void)state;
    assert_series(
        "conflicts.xml",
        "UsagePoint/1 | UsagePoint/1/MeterReading/1 | ReadingType/1 | service 0 uom 72 e-3 flow 1 "
        "| exact exact exact | 1 of 1 conflicting_types\n"
        "UsagePoint/1 | UsagePoint/1/MeterReading/2 | ReadingType/2 | service 0 uom - e- flow - | "
        "exact none exact | 0 of 0 no_unit\n"
        "UsagePoint/1 | UsagePoint/1/MeterReading/3 | - | service 0 uom - e- flow - | exact none "
        "none | 0 of 0 no_reading_type\n"
        "- | Elsewhere/1/IntervalBlock | - | service - uom - e- flow - | none none none | 1 of 1 "
        "no_meter_reading\ng0 = series 3\ng1 = series 0\n"
        "conflicting_resource at 21: ReadingType/1\n"
        "conflicting_types at 0: UsagePoint/1/MeterReading/1\n"
        "no_unit at 0: UsagePoint/1/MeterReading/2\n"
        "no_reading_type at 0: UsagePoint/1/MeterReading/3\n"
        "no_meter_reading at 59: Elsewhere/1/IntervalBlock\n"
        "no_reading_type at 0: Elsewhere/1/IntervalBlock\n");
}

static void blocks_claimed_by_two_meter_readings_are_not_given_to_one_in_silence(void **state)
{
    (void)state;
    struct body b =
        body_of_text("<feed xmlns='http://www.w3.org/2005/Atom' xmlns:e='http://naesb.org/espi'>"
                     "<entry><link rel='self' href='a'/><link rel='related' href='blocks'/><link "
                     "rel='related' href='t'/>"
                     "<content><e:MeterReading/></content></entry>"
                     "<entry><link rel='self' href='b'/><link rel='related' href='blocks'/><link "
                     "rel='related' href='t'/>"
                     "<content><e:MeterReading/></content></entry>"
                     "<entry><link rel='self' "
                     "href='t'/><content><e:ReadingType><e:uom>72</e:uom></e:ReadingType>"
                     "</content></entry>"
                     "<entry><link rel='up' "
                     "href='blocks'/><content><e:IntervalBlock><e:IntervalReading><e:timePeriod>"
                     "<e:start>1</e:start></e:timePeriod><e:value>1</e:value></e:IntervalReading></"
                     "e:IntervalBlock>"
                     "</content></entry></feed>");
    struct outcome o = outcome_of(b, NULL);
    assert_true(o.right);
    assert_non_null(strstr(o.series.data,
                           "- | a | t | service - uom 72 e- flow - | none exact exact | "
                           "1 of 1 ambiguous_link\n"));
    outcome_free(&o);
    body_free(&b);
}

static void what_two_usage_points_claim_is_not_given_to_one(void **state)
{
    (void)state;
    struct body b = body_of_text(
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:e='http://naesb.org/espi'>"
        "<entry><link rel='self' href='UsagePoint/1'/><link rel='related' href='readings'/>"
        "<content><e:UsagePoint/></content></entry>"
        "<entry><link rel='self' href='UsagePoint/2'/><link rel='related' href='readings'/>"
        "<content><e:UsagePoint/></content></entry>"
        "<entry><link rel='self' href='a'/><link rel='up' href='readings'/><link rel='related' "
        "href='t'/><content><e:MeterReading/></content></entry>"
        "<entry><link rel='self' href='t'/><content><e:ReadingType><e:uom>72</e:uom>"
        "</e:ReadingType></content></entry></feed>");
    struct outcome o = outcome_of(b, NULL);
    assert_true(o.right);
    assert_non_null(strstr(o.series.data, "exact none exact | 0 of 0 ambiguous_link\n"
                                          "ambiguous_link at 0: a\n"));
    outcome_free(&o);
    body_free(&b);
}

static void a_feed_with_one_of_each_needs_no_links(void **state)
{
    (void)state;
    assert_series("only.xml", "Points/A | Meters/B | Types/C | service 0 uom 72 e-3 flow - | "
                              "only only only | 2 of 2\ng0 = series 0\n");
}

/* Two of each are named; the feed has only number 1. */
static void the_only_one_is_not_given_to_who_names_another(void **state)
{
    (void)state;
    assert_series("elsewhere.xml",
                  "UsagePoint/1 | UsagePoint/1/MeterReading/1 | ReadingType/1 | service 0 uom 72 "
                  "e0 flow 1 | exact exact exact | 1 of 1\n"
                  "- | UsagePoint/2/MeterReading/1 | - | service - uom - e- flow - | none exact "
                  "none | 1 of 1 no_reading_type\n");
    struct body b = body_of_text(
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:e='http://naesb.org/espi'>"
        "<entry><link rel='self' "
        "href='MeterReading/1'/><content><e:MeterReading/></content></entry>"
        "<entry><link rel='self' href='MeterReading/2/IntervalBlock/1'/><content><e:IntervalBlock>"
        "<e:IntervalReading><e:value>1</e:value></e:IntervalReading></e:IntervalBlock></content>"
        "</entry></feed>");
    struct outcome o = outcome_of(b, NULL);
    assert_true(o.right);
    assert_non_null(strstr(o.series.data, "no_meter_reading"));
    outcome_free(&o);
    body_free(&b);
}

static void one_type_may_serve_the_meters_of_several_usage_points(void **state)
{
    (void)state;
    assert_series("shared_type.xml",
                  "UsagePoint/1 | UsagePoint/1/MeterReading/1 | ReadingType/7 | service 0 uom 72 "
                  "e0 flow 1 | exact exact exact | 1 of 1\n"
                  "UsagePoint/2 | UsagePoint/2/MeterReading/1 | ReadingType/7 | service 0 uom 72 "
                  "e0 flow 1 | exact exact exact | 1 of 1\n");
}

static void broken_rules_of_local_time_are_problems_with_their_place(void **state)
{
    (void)state;
    struct body b = body_of_file("local_times.xml");
    struct outcome o = outcome_of(b, NULL);
    assert_true(o.right);
    assert_non_null(strstr(o.series.data,
                           "dst_rule_cut_off at 0: LocalTimeParameters/UsagePoint-2\n"
                           "dst_rule_unix_time at 0: LocalTimeParameters/UsagePoint-3\n"
                           "dst_rule_seconds at 0: LocalTimeParameters/UsagePoint-4\n"
                           "tz_offset_sign at 0: LocalTimeParameters/UsagePoint-5\n"
                           "dst_rule_unreadable at 0: LocalTimeParameters/UsagePoint-6\n"));
    outcome_free(&o);
    body_free(&b);
}

static void a_bare_block_or_entry_is_read_and_called_unlinked(void **state)
{
    (void)state;
    assert_series(
        "block_root.xml",
        "- | - | - | service - uom - e- flow - | none none none | 1 of 1 no_meter_reading\n");
    assert_series("entry_root.xml",
                  "- | UsagePoint/1/MeterReading/1/IntervalBlock | - | service - uom - e- "
                  "flow - | none none none | 1 of 1 no_meter_reading\n");
}

/* Nothing of it may be read; but nobody is to take it for a feed without readings. */
static void resources_of_another_name_space_are_told(void **state)
{
    (void)state;
    struct body b = body_of_text(
        "<feed xmlns='http://www.w3.org/2005/Atom'>"
        "<entry><content><UsagePoint xmlns='http://example.org/1'/></content></entry>\n"
        "<entry><content><IntervalBlock xmlns='http://naesb.org/espi2'><IntervalReading><value>1"
        "</value></IntervalReading></IntervalBlock></content></entry>\n"
        "<entry><content><IntervalBlock xmlns='http://naesb.org/espi/customer'/>"
        "</content></entry></feed>");
    struct outcome o = outcome_of(b, NULL);
    assert_true(o.right);
    assert_string_equal(o.series.data, "not_espi at 1: http://example.org/1\n"
                                       "not_espi at 2: http://naesb.org/espi2\n"
                                       "misplaced_reading at 2: IntervalBlock\n"
                                       "customer_data at 3: \n");
    outcome_free(&o);
    body_free(&b);
}

static void documents_without_readings_have_no_series(void **state)
{
    (void)state;
    assert_series("batch_list.xml", "");
    struct body b = body_of_file("customer.xml");
    struct outcome o = outcome_of(b, NULL);
    assert_true(o.right);
    assert_int_equal(o.readings.len, 0);
    assert_string_equal(o.series.data, "customer_data at 1: \n"
                                       "misplaced_reading at 1: Customer\n");
    outcome_free(&o);
    body_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collections_link_exactly_whatever_the_form_of_the_hrefs),
        cmocka_unit_test(items_named_one_by_one_need_no_up),
        cmocka_unit_test(an_up_that_names_the_parent_itself_links),
        cmocka_unit_test(a_child_that_points_back_to_its_owner_links),
        cmocka_unit_test(a_path_links_by_whole_segments),
        cmocka_unit_test(types_may_come_after_their_blocks_under_any_prefix),
        cmocka_unit_test(connections_may_stand_behind_the_content),
        cmocka_unit_test(resources_repeated_before_each_block_are_one),
        cmocka_unit_test(customers_meters_and_directions_are_never_mixed),
        cmocka_unit_test(blocks_with_one_up_or_one_self_are_not_mixed),
        cmocka_unit_test(resources_in_one_entry_without_links_belong_together),
        cmocka_unit_test(what_cannot_be_linked_or_trusted_is_said_with_its_place),
        cmocka_unit_test(blocks_claimed_by_two_meter_readings_are_not_given_to_one_in_silence),
        cmocka_unit_test(what_two_usage_points_claim_is_not_given_to_one),
        cmocka_unit_test(a_feed_with_one_of_each_needs_no_links),
        cmocka_unit_test(the_only_one_is_not_given_to_who_names_another),
        cmocka_unit_test(one_type_may_serve_the_meters_of_several_usage_points),
        cmocka_unit_test(broken_rules_of_local_time_are_problems_with_their_place),
        cmocka_unit_test(a_bare_block_or_entry_is_read_and_called_unlinked),
        cmocka_unit_test(resources_of_another_name_space_are_told),
        cmocka_unit_test(documents_without_readings_have_no_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
