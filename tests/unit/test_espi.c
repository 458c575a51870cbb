/* The feed reader: values as they are written, and the same readings however the bytes arrive. */
#include "espi_test.h"

#include <stdio.h>

static const char *const feeds[] = {
    "back_link.xml",  "block_root.xml", "collection.xml", "conflicts.xml",      "entry_root.xml",
    "item.xml",       "links_last.xml", "many.xml",       "no_time_period.xml", "odd_numbers.xml",
    "one_entry.xml",  "prefix.xml",     "repeated.xml",   "types_last.xml",     "up_to_self.xml",
    "batch_list.xml", "customer.xml",
};
static const char *const refused[] = {"web_page.html", "doctype.xml",    "unbound_prefix.xml",
                                      "json.txt",      "wrong_root.xml", "two_roots.xml"};

/* --- values --------------------------------------------------------------------------------------
 */
static void assert_readings(const char *name, const char *want)
{
    struct body b = body_of_file(name);
    struct outcome o = outcome_of(b, NULL);
    assert_true(o.right);
    assert_string_equal(o.readings.data, want);
    outcome_free(&o);
    body_free(&b);
}

static void cost_quality_and_the_entry_come_with_each_reading(void **state)
{
    (void)state;
    assert_readings("collection.xml", "g0 e5 #0 1700000000+900 = 100 cost 5 q -/0 tou -\n"
                                      "g0 e5 #1 1700000900+900 = 101 cost 6 q 8/100 tou -\n"
                                      "entry 5 updated 1704164645\n"
                                      "g0 e6 #0 1700001800+900 = 102 cost - q -/0 tou -\n"
                                      "g0 e6 #1 1700002700+900 = 0 cost - q -/0 tou -\n"
                                      "entry 6 updated -\n");
}

static void numbers_are_read_as_real_feeds_write_them(void **state)
{
    (void)state;
    assert_readings("odd_numbers.xml", "g0 e4 #0 1000+900 = -5 cost - q -/0 tou -\n"
                                       "g0 e4 #1 1900+900 = - cost - q -/0 tou -\n"
                                       "g0 e4 #2 2800+900 = 125e-1 cost - q -/0 tou -\n"
                                       "g0 e4 #3 3700+900 = 7 cost - q -/0 tou -\n"
                                       "g0 e4 #4 4600+900 = 9 cost - q -/0 tou -\n"
                                       "g0 e4 #5 5500+900 = 140737488355327 cost - q -/0 tou -\n"
                                       "g0 e4 #6 6400+900 = - cost - q -/0 tou -\n"
                                       "g0 e4 #7 7300+900 = 40 cost -3 q -/0 tou -\n"
                                       "g0 e4 #8 8200+900 = 41 cost - q 17/80020000 tou -\n"
                                       "entry 4 updated -\n");
}

static void what_is_wrong_with_a_number_is_said_with_its_line(void **state)
{
    (void)state;
    struct body b = body_of_file("odd_numbers.xml");
    struct outcome o = outcome_of(b, NULL);
    const char *problems = strstr(o.series.data, "start_not_whole");
    assert_non_null(problems);
    assert_string_equal(problems, "start_not_whole at 32:  1000.75 \nno_value at 33:  x2\n"
                                  "bad_number at 38: 99999999999999999999\n"
                                  "unreadable_values at 0: UsagePoint/1/MeterReading/1\n");
    assert_non_null(strstr(o.series.data, "uom 72 e-8 flow 77"));
    outcome_free(&o);
    body_free(&b);
}

/* Read as none, it would be 0, and the amounts wrong by a power of ten. */
static void a_multiplier_that_cannot_be_read_leaves_the_series_unresolved(void **state)
{
    (void)state;
    static const char *const multipliers[] = {"kilo", "-2.5", "1e3"};
    char text[400];
    for (size_t i = 0; i < sizeof multipliers / sizeof *multipliers; i++) {
        snprintf(text, sizeof text,
                 "<entry xmlns='http://www.w3.org/2005/Atom' xmlns:e='http://naesb.org/espi'>"
                 "<content><e:MeterReading/><e:ReadingType><e:powerOfTenMultiplier>%s"
                 "</e:powerOfTenMultiplier><e:uom>72</e:uom></e:ReadingType></content></entry>",
                 multipliers[i]);
        struct body b = body_of_text(text);
        struct outcome o = outcome_of(b, NULL);
        assert_true(o.right);
        assert_non_null(strstr(o.series.data, "uom 72 e- flow - | none none entry | 0 of 0 "
                                              "bad_multiplier\n"));
        outcome_free(&o);
        body_free(&b);
    }
}

static void a_reading_without_its_own_time_is_placed_by_block_and_interval_length(void **state)
{
    (void)state;
    struct espi_series s = {.interval_length = 900};
    struct espi_reading r = {.start_s = 86400, .duration_s = ESPI_ABSENT, .ordinal = 3};
    assert_true(espi_place_reading(&s, &r));
    assert_int_equal(r.start_s, 86400 + 2700);
    assert_int_equal(r.duration_s, 900);
    assert_true(r.placed);
    assert_true(espi_place_reading(&s, &r)); /* once placed it stays */
    assert_int_equal(r.start_s, 86400 + 2700);
}

static void a_start_that_cannot_be_read_is_not_made_up_from_the_block(void **state)
{
    (void)state;
    struct body b = body_of_text(
        "<IntervalBlock xmlns='http://naesb.org/espi'><interval><start>86400</start></interval>"
        "<IntervalReading><timePeriod><start>2024-05-01T00:00:00Z</start></timePeriod><value>1"
        "</value></IntervalReading><IntervalReading><timePeriod><start/></timePeriod><value>2"
        "</value></IntervalReading></IntervalBlock>");
    struct outcome o = outcome_of(b, NULL);
    assert_true(o.right);
    assert_string_equal(o.readings.data, "g0 e0 #0 -+-? = 1 cost - q -/0 tou -\n"
                                         "g0 e0 #1 86400+-? = 2 cost - q -/0 tou -\n");
    assert_non_null(
        strstr(o.series.data, "bad_number at 1: 2024-05-01T00:00:00Z\nno_time at 1: \n"));
    outcome_free(&o);
    body_free(&b);
}

static void a_reading_that_has_no_place_in_time_stays_without(void **state)
{
    (void)state;
    struct espi_series known = {.interval_length = 900}, unknown = {.interval_length = ESPI_ABSENT};
    struct espi_reading no_block_start = {.start_s = ESPI_ABSENT}, r = {.start_s = 0, .ordinal = 1};
    struct espi_reading far = {.start_s = INT64_MAX - 5, .ordinal = 1};
    assert_false(espi_place_reading(&known, &no_block_start));
    assert_false(espi_place_reading(&unknown, &r));
    assert_false(espi_place_reading(&known, &far));
    assert_readings("no_time_period.xml", "g0 e1 #0 86400+-? = 1 cost - q -/0 tou -\n"
                                          "g0 e1 #1 86400+-? = 2 cost - q -/0 tou -\n"
                                          "g0 e1 #2 86400+-? = 3 cost - q -/0 tou -\n"
                                          "entry 1 updated -\n"
                                          "g0 e2 #0 0+-? = 4 cost - q -/0 tou -\n"
                                          "g0 e2 #1 0+-? = 5 cost - q -/0 tou -\n"
                                          "entry 2 updated -\n");
}

/* --- pieces --------------------------------------------------------------------------------------
 */
static void assert_same(const char *name, const struct outcome *whole, const struct outcome *pieces)
{
    if (whole->right != pieces->right || strcmp(whole->readings.data, pieces->readings.data) != 0 ||
        strcmp(whole->series.data, pieces->series.data) != 0 ||
        strcmp(whole->e.code, pieces->e.code) != 0)
        fail_msg("%s: whole %s %s\n%s%s\nin pieces %s %s\n%s%s", name, whole->e.code, whole->e.text,
                 whole->readings.data, whole->series.data, pieces->e.code, pieces->e.text,
                 pieces->readings.data, pieces->series.data);
}

static size_t one_byte(size_t i, size_t at, void *context)
{
    (void)i, (void)at, (void)context;
    return 1;
}

static size_t some_bytes(size_t i, size_t at, void *context)
{
    (void)i, (void)at;
    uint32_t *random = context;
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 24) % 3 ? 1 + (*random >> 16) % 7 : 1 + (*random >> 16) % 700;
}

static void check_pieces(const char *name)
{
    struct body b = body_of_file(name);
    struct outcome whole = outcome_of(b, NULL);
    struct outcome bytes = outcome_of_pieces(b, one_byte, NULL, NULL);
    assert_same(name, &whole, &bytes);
    outcome_free(&bytes);
    for (uint32_t seed = 1; seed <= 20; seed++) {
        uint32_t random = seed;
        struct outcome pieces = outcome_of_pieces(b, some_bytes, &random, NULL);
        assert_same(name, &whole, &pieces);
        outcome_free(&pieces);
    }
    outcome_free(&whole);
    body_free(&b);
}

static void the_pieces_a_feed_arrives_in_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(feeds); i++)
        check_pieces(feeds[i]);
}

static void the_pieces_a_refused_body_arrives_in_do_not_change_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        check_pieces(refused[i]);
}

static void a_feed_cut_off_anywhere_is_told_from_a_whole_one(void **state)
{
    (void)state;
    struct body b = body_of_file("collection.xml");
    size_t end = (size_t)(strstr(b.bytes, "</feed>") - b.bytes) + strlen("</feed>");
    for (size_t len = 1; len < end; len++) {
        struct outcome o = outcome_of((struct body){b.bytes, len}, NULL);
        assert_false(o.right);
        if (strcmp(o.e.code, "feed_cut_off") != 0 || o.e.kind != ERR_RETRY)
            fail_msg("cut after %zu bytes: %s: %s", len, o.e.code, o.e.text);
        outcome_free(&o);
    }
    struct outcome o = outcome_of((struct body){b.bytes, end}, NULL);
    assert_true(o.right);
    outcome_free(&o);
    body_free(&b);
}

/* ASCII into UTF-16 with a byte order mark. */
static struct body widen(struct body b, bool little)
{
    struct body wide = {.bytes = malloc(b.len * 2 + 2), .len = b.len * 2 + 2};
    assert_non_null(wide.bytes);
    wide.bytes[little ? 0 : 1] = (char)0xff;
    wide.bytes[little ? 1 : 0] = (char)0xfe;
    for (size_t i = 0; i < b.len; i++) {
        wide.bytes[2 + 2 * i + (little ? 0 : 1)] = b.bytes[i];
        wide.bytes[2 + 2 * i + (little ? 1 : 0)] = '\0';
    }
    return wide;
}

static void utf_16_reads_as_utf_8_does(void **state)
{
    (void)state;
    struct body b = body_of_file("types_last.xml"); /* no XML declaration to contradict it */
    struct outcome narrow = outcome_of(b, NULL);
    for (int little = 0; little <= 1; little++) {
        struct body wide = widen(b, little);
        struct outcome o = outcome_of(wide, NULL),
                       bytes = outcome_of_pieces(wide, one_byte, NULL, NULL);
        assert_same("utf-16", &narrow, &o);
        assert_same("utf-16 by bytes", &narrow, &bytes);
        outcome_free(&o);
        outcome_free(&bytes);
        body_free(&wide);
    }
    outcome_free(&narrow);
    body_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cost_quality_and_the_entry_come_with_each_reading),
        cmocka_unit_test(numbers_are_read_as_real_feeds_write_them),
        cmocka_unit_test(what_is_wrong_with_a_number_is_said_with_its_line),
        cmocka_unit_test(a_multiplier_that_cannot_be_read_leaves_the_series_unresolved),
        cmocka_unit_test(a_reading_without_its_own_time_is_placed_by_block_and_interval_length),
        cmocka_unit_test(a_start_that_cannot_be_read_is_not_made_up_from_the_block),
        cmocka_unit_test(a_reading_that_has_no_place_in_time_stays_without),
        cmocka_unit_test(the_pieces_a_feed_arrives_in_change_nothing),
        cmocka_unit_test(the_pieces_a_refused_body_arrives_in_do_not_change_the_reason),
        cmocka_unit_test(a_feed_cut_off_anywhere_is_told_from_a_whole_one),
        cmocka_unit_test(utf_16_reads_as_utf_8_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
