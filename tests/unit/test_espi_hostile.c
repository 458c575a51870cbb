/* Bodies that are no feeds, or feeds made to hurt: each is refused with its own code, in bounded
 * memory. */
#include "espi_test.h"

#include <stdio.h>
#include <time.h>

#define ATOM "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:e='http://naesb.org/espi'>"

static void refuse_text(const char *text, const char *code)
{
    assert_refused(text, strlen(text), ERR_REJECT, code);
}

static void refuse_body(struct body b, const char *code)
{
    assert_refused(b.bytes, b.len, ERR_REJECT, code);
    body_free(&b);
}

/* A feed of `count` entries, each printed by format with its number. */
static struct body number(const char *format, unsigned count)
{
    size_t room = strlen(ATOM) + (strlen(format) + 40) * count + 10;
    struct body b = {.bytes = malloc(room)};
    assert_non_null(b.bytes);
    b.len = (size_t)sprintf(b.bytes, ATOM);
    for (unsigned i = 0; i < count; i++) {
        const char *mark = strchr(format, '@');
        b.len +=
            (size_t)sprintf(b.bytes + b.len, "%.*s%u%s", (int)(mark - format), format, i, mark + 1);
    }
    b.len += (size_t)sprintf(b.bytes + b.len, "</feed>");
    return b;
}

static void what_is_no_feed_is_called_what_it_is(void **state)
{
    (void)state;
    refuse_text("", "empty");
    refuse_text(" \r\n\t ", "empty");
    refuse_text("\xef\xbb\xbf\n", "empty");
    refuse_text("<!doctype HTML>\n<p>", "html");
    refuse_text("<html lang=en><body>", "html");
    refuse_text("<HTML><BODY></BODY></HTML>", "html");
    refuse_text("{\"error\": 1}", "json");
    refuse_text("\xef\xbb\xbf [1, 2]", "json");
    refuse_text("TYPE,DATE,USAGE\nElectric,2025-07-01,0.62\n", "csv");
    refuse_text("Name;A. Person\nAddress;1 Street\n", "csv");
    refuse_text("Your usage\n\nDate\tkWh\n1\t2\n", "csv");
    refuse_text("%PDF-1.7\n%\xe2\xe3", "pdf");
    refuse_text("\xef\xbb\xbf\r\n\r\n%PDF-1.7\n", "pdf");
    refuse_text("PK\3\4\n,,\n,,", "nested_archive");
    refuse_text("\x1f\x8b\n,,\n,,", "nested_archive");
    refuse_text("MZ\1\2,,\n,,\n", "not_xml");
    refuse_text("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls");
    refuse_text("<Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'/>", "xls");
    refuse_text("{\\rtf1 text}", "rtf");
    refuse_text("\x89PNG\r\n", "image");
    refuse_text("BZh91AY", "archive");
    assert_refused("\xff\xfe"
                   "a\0,\0b\0\n\0c\0,\0d\0\n\0",
                   18, ERR_REJECT, "csv");
    refuse_text("Service unavailable", "not_xml");
    refuse_text("<rss/>", "not_a_feed");
    refuse_text("<feed xmlns='http://example.org/1'/>", "not_a_feed");
}

static void a_fault_in_the_xml_is_refused_at_its_place(void **state)
{
    (void)state;
    struct body b = body_of_text(ATOM "\n<entry>\n</feed>");
    struct outcome o = outcome_of(b, NULL);
    assert_string_equal(o.e.code, "not_well_formed");
    assert_non_null(strstr(o.e.text, "line 3:"));
    outcome_free(&o);
    body_free(&b);
    refuse_text(ATOM "</feed>junk", "not_well_formed");
    refuse_text(ATOM "<a b='1' b='2'/></feed>", "not_well_formed");
    refuse_text(ATOM "&nbsp;</feed>", "not_well_formed");
    refuse_text(ATOM "&#0;</feed>", "not_well_formed");
    refuse_text(ATOM "<x:y/></feed>", "not_well_formed");
    refuse_text(ATOM "<y x:z='1'/></feed>", "not_well_formed");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    refuse_text(ATOM "<entry><title>\xc3\x28</title></entry></feed>", "bad_encoding");
    refuse_text(ATOM "<entry id='\xff'></entry></feed>", "bad_encoding");
    refuse_text(ATOM "<entry><title>\x01</title></entry></feed>", "not_well_formed");
    /* half a pair of UTF-16 surrogates, which only the converter notices */
    struct body b = number("<entry><title>@</title></entry>", 1000);
    struct body wide = {.bytes = calloc(b.len + 1, 2), .len = b.len * 2 + 2};
    assert_non_null(wide.bytes);
    memcpy(wide.bytes, "\xff\xfe", 2);
    for (size_t i = 0; i < b.len; i++)
        wide.bytes[2 + 2 * i] = b.bytes[i];
    wide.bytes[20001] = wide.bytes[20003] = (char)0xd8;
    refuse_body(wide, "bad_encoding");
    body_free(&b);
    refuse_text("<?xml version='1.0' encoding='x-nonsense'?>" ATOM "</feed>", "bad_encoding");
    /* under names that libxml2 leaves to its converter (ICU), which drops them and goes on */
    refuse_text("<?xml version='1.0' encoding='UT-F8'?>" ATOM "<id>1\xff"
                "2</id></feed>",
                "bad_encoding");
    refuse_text("<?xml version='1.0' encoding='Shift_JIS'?>" ATOM "<id>1\xff"
                "2</id></feed>",
                "bad_encoding");
}

static void any_doctype_is_refused_before_its_entities_count(void **state)
{
    (void)state;
    refuse_text("<!DOCTYPE feed [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]>" ATOM
                "&b;</feed>",
                "doctype");
    refuse_text("<!DOCTYPE feed SYSTEM 'file:///etc/hostname'>" ATOM "</feed>", "doctype");
}

/* --- limits ------------------------------------------------------------------------------ */
static struct body repeat(const char *head, const char *part, size_t times, const char *tail)
{
    size_t head_len = strlen(head), part_len = strlen(part), tail_len = strlen(tail);
    struct body b = {.len = head_len + part_len * times + tail_len};
    b.bytes = malloc(b.len);
    assert_non_null(b.bytes);
    memcpy(b.bytes, head, head_len);
    for (size_t i = 0; i < times; i++)
        memcpy(b.bytes + head_len + i * part_len, part, part_len);
    memcpy(b.bytes + head_len + part_len * times, tail, tail_len);
    return b;
}

static void a_hundred_thousand_elements_within_each_other_are_too_deep(void **state)
{
    (void)state;
    refuse_body(repeat(ATOM, "<a>", 100000, ""), "too_deep");
    refuse_body(repeat(ATOM "<entry><content>", "<e:UsagePoint>", 100000, ""), "too_deep");
}

static void ten_megabytes_without_the_end_of_a_tag_are_refused(void **state)
{
    (void)state;
    refuse_body(repeat(ATOM "<entry><link href='", "0123456789", 1000000, "'/></entry></feed>"),
                "token_too_long");
    refuse_body(repeat(ATOM "<!--", "0123456789", 1000000, "--></feed>"), "token_too_long");
    refuse_body(repeat(ATOM "<x", "0123456789", 1000000, "/></feed>"), "token_too_long");
}

static void one_element_can_have_no_endless_text_or_attributes(void **state)
{
    (void)state;
    refuse_body(repeat(ATOM "<entry><e:UsagePoint><e:ServiceCategory><e:kind>", "0123456789",
                       1000000, "</e:kind></e:ServiceCategory></e:UsagePoint></entry></feed>"),
                "text_too_long");
    refuse_body(
        repeat(ATOM "<entry><link rel='self' href='", "0123456789", 1000, "'/></entry></feed>"),
        "text_too_long");
    struct body b = {.bytes = malloc(1u << 20)};
    b.len = (size_t)sprintf(b.bytes, "%s<a", ATOM);
    for (int i = 0; i < 2000; i++)
        b.len += (size_t)sprintf(b.bytes + b.len, " a%d=''", i);
    b.len += (size_t)sprintf(b.bytes + b.len, "/></feed>");
    refuse_body(b, "too_many_attributes");
}

static void text_that_means_nothing_may_be_of_any_length(void **state)
{
    (void)state;
    struct body b =
        repeat(ATOM "<entry><summary>", "0123456789", 1000000, "</summary></entry></feed>");
    struct outcome o = outcome_of(b, NULL);
    if (!o.right)
        fail_msg("%s", o.e.text);
    outcome_free(&o);
    body_free(&b);
}

static void what_must_be_kept_until_the_end_has_a_limit(void **state)
{
    (void)state;
    refuse_body(
        number("<entry><link rel='self' href='p/@'/><content><e:UsagePoint/></content></entry>",
               60000),
        "too_much_kept");
    refuse_body(
        number("<entry><link rel='self' href='b/@'/><content><e:IntervalBlock/></content></entry>",
               60000),
        "too_much_kept");
    refuse_body(number("<n@/>", 100000), "too_many_names");
    struct body many = repeat(ATOM "<entry><content>", "<e:MeterReading/>", 300, "");
    refuse_body(many, "too_many_resources");
}

static void a_feed_of_many_blocks_keeps_nothing_of_each(void **state)
{
    (void)state;
    struct espi_limits tight = {.kept_bytes = 16384};
    struct body b =
        number("<entry><link rel='self' href='UsagePoint/1/MeterReading/1/IntervalBlock/@'/>"
               "<link rel='up' href='UsagePoint/1/MeterReading/1/IntervalBlock'/>"
               "<content><e:IntervalBlock/></content></entry>",
               50000);
    struct outcome o = outcome_of(b, &tight);
    if (!o.right)
        fail_msg("%s", o.e.text);
    assert_non_null(strstr(o.series.data, "0 of 50000"));
    outcome_free(&o);
    body_free(&b);
}

/* Some kilobytes of gzip, when the links are alike. Twice as many are too much to keep. */
#define LINKS 60000

static void many_resources_and_many_links_in_one_entry_take_time_by_their_sum(void **state)
{
    (void)state;
    static const char *const resources[] = {"<e:UsagePoint/>", "<e:ReadingType/>",
                                            ("<e:UsageSummary><e:billToDate>1</e:billToDate>"
                                             "</e:UsageSummary>")};
    static const char *const selves[] = {"", "<link rel='self' href='a'/>"};
    for (size_t kind = 0; kind < 3; kind++)
        for (size_t self = 0; self < 2; self++) {
            struct body links = repeat("", "<link rel='related' href='a/b'/>", LINKS, "");
            struct body all = repeat("", resources[kind], 256, "");
            struct buf text = buf_make(32u << 20);
            assert_true(buf_printf(&text, NULL, ATOM "<entry>%s", selves[self]) &&
                        buf_append(&text, links.bytes, links.len, NULL) &&
                        buf_append(&text, all.bytes, all.len, NULL) &&
                        buf_append(&text, "</entry></feed>", 15, NULL));
            clock_t begin = clock();
            struct outcome o = outcome_of((struct body){text.data, text.len}, NULL);
            double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
            assert_true(o.right);
            if (seconds > 1.5) /* 0.03 s; by the product it was above 3 */
                fail_msg("%.1f s of CPU", seconds);
            outcome_free(&o);
            buf_free(&text);
            body_free(&links);
            body_free(&all);
        }
}

static void more_series_with_readings_than_allowed_are_refused_and_empty_ones_are_not(void **state)
{
    (void)state;
    struct espi_limits few = {.series = 3};
    static const char *const entries[] = {
        "<entry><link rel='self' href='M/@'/><content><e:MeterReading/></content></entry>",
        "<entry><link rel='self' href='M/@'/><content><e:MeterReading/><e:IntervalBlock>"
        "<e:IntervalReading><e:value>1</e:value></e:IntervalReading></e:IntervalBlock></content>"
        "</entry>"};
    for (size_t i = 0; i < 2; i++) {
        struct body b = number(entries[i], 4);
        struct outcome o = outcome_of(b, &few);
        assert_int_equal(o.right, i == 0);
        assert_true(o.right || !strcmp(o.e.code, "too_many_series"));
        outcome_free(&o);
        body_free(&b);
    }
}

static void given_limits_hold(void **state)
{
    (void)state;
    struct body b = body_of_file("collection.xml");
    const struct {
        struct espi_limits limits;
        const char *code;
    } cases[] = {{{.total_bytes = 1000}, "feed_too_large"},
                 {{.readings = 3}, "too_many_readings"},
                 {{.depth = 5}, "too_deep"},
                 {{.attributes = 1}, "too_many_attributes"},
                 {{.kept_bytes = 500}, "too_much_kept"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outcome o = outcome_of(b, &cases[i].limits);
        assert_string_equal(o.e.code, cases[i].code);
        assert_int_equal(o.e.kind, ERR_REJECT);
        outcome_free(&o);
    }
    body_free(&b);
}

static void problems_are_kept_up_to_a_limit_and_counted_beyond(void **state)
{
    (void)state;
    struct espi_limits few = {.problems = 5};
    struct body b = repeat(ATOM "<entry><content><e:IntervalBlock>",
                           "<e:IntervalReading><e:value>x</e:value></e:IntervalReading>", 1000,
                           "</e:IntervalBlock></content></entry></feed>");
    struct outcome o = outcome_of(b, &few);
    assert_true(o.right);
    size_t lines = 0;
    for (const char *s = strstr(o.series.data, "bad_number"); s && (s = strstr(s, " at ")); s++)
        lines++;
    assert_int_equal(lines, 5);
    outcome_free(&o);
    body_free(&b);
}

/* --- the sink ------------------------------------------------------------------------------------
 */
static bool refuse_second(void *context, const struct espi_reading *r, struct err *e)
{
    int *calls = context;
    ++*calls;
    return r->ordinal == 0 ||
           err_set(e, ERR_RETRY, "disk_full", "no room for reading %u", r->ordinal);
}

static void what_the_sink_says_ends_the_feed_and_stays(void **state)
{
    (void)state;
    struct err e = {0};
    int calls = 0;
    struct espi_sink sink = {.reading = refuse_second, .context = &calls};
    struct espi *feed CLEANUP(espi_freep) = espi_open(NULL, &sink, &e);
    struct body b = body_of_file("collection.xml");
    assert_false(espi_write(feed, b.bytes, b.len, &e));
    assert_string_equal(e.code, "disk_full");
    assert_int_equal(e.kind, ERR_RETRY);
    assert_false(espi_write(feed, b.bytes, b.len, &e));
    assert_false(espi_finish(feed, &e));
    assert_string_equal(e.code, "disk_full");
    assert_int_equal(calls, 2);
    body_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_feed_is_called_what_it_is),
        cmocka_unit_test(a_fault_in_the_xml_is_refused_at_its_place),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(any_doctype_is_refused_before_its_entities_count),
        cmocka_unit_test(a_hundred_thousand_elements_within_each_other_are_too_deep),
        cmocka_unit_test(ten_megabytes_without_the_end_of_a_tag_are_refused),
        cmocka_unit_test(one_element_can_have_no_endless_text_or_attributes),
        cmocka_unit_test(text_that_means_nothing_may_be_of_any_length),
        cmocka_unit_test(what_must_be_kept_until_the_end_has_a_limit),
        cmocka_unit_test(a_feed_of_many_blocks_keeps_nothing_of_each),
        cmocka_unit_test(many_resources_and_many_links_in_one_entry_take_time_by_their_sum),
        cmocka_unit_test(more_series_with_readings_than_allowed_are_refused_and_empty_ones_are_not),
        cmocka_unit_test(given_limits_hold),
        cmocka_unit_test(problems_are_kept_up_to_a_limit_and_counted_beyond),
        cmocka_unit_test(what_the_sink_says_ends_the_feed_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
