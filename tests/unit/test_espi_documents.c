/* A feed in several documents: pages, files of a batch, and what was remembered of an earlier one.
 */
#include "espi_test.h"

#include <stdio.h>

#include "common/espi/memory.h"

#define ATOM "<feed xmlns=\"http://www.w3.org/2005/Atom\">"
#define ESPI " xmlns=\"http://naesb.org/espi\">"
#define ENTRY(self, up, related, content)                                                          \
    "<entry><link rel=\"self\" href=\"" self "\"/><link rel=\"up\" href=\"" up                     \
    "\"/><link rel=\"related\" href=\"" related "\"/><content>" content "</content></entry>"

#define POINT                                                                                      \
    ENTRY("U/1", "U", "L/1",                                                                       \
          "<UsagePoint" ESPI "<ServiceCategory><kind>1</kind></ServiceCategory></UsagePoint>")
#define METER ENTRY("U/1/M/1?a=1&amp;b=2", "U/1/M", "T/1", "<MeterReading" ESPI "</MeterReading>")
#define TYPE                                                                                       \
    ENTRY("T/1", "T", "U/1/M/1?a=1&amp;b=2",                                                       \
          "<ReadingType" ESPI "<powerOfTenMultiplier>-3</powerOfTenMultiplier><uom>169</uom>"      \
          "<flowDirection>1</flowDirection></ReadingType>")
#define ZONE                                                                                       \
    ENTRY("L/1", "L", "",                                                                          \
          "<LocalTimeParameters" ESPI "<dstEndRule>B40E2000</dstEndRule>"                          \
          "<tzOffset>-18000</tzOffset></LocalTimeParameters>")
#define BLOCK                                                                                      \
    ENTRY("U/1/M/1/I/1", "U/1/M/1?a=1&amp;b=2", "",                                                \
          "<IntervalBlock" ESPI "<IntervalReading><timePeriod><duration>900</duration>"            \
          "<start>1700000000</start></timePeriod><value>5</value></IntervalReading>"               \
          "</IntervalBlock>")

struct seen {
    size_t readings, urls;
    char last_url[ESPI_URL_MAX];
    enum espi_url kind;
    struct buf kept;
    struct buf wanted;
};

static bool on_reading(void *context, const struct espi_reading *r, struct err *e)
{
    (void)e;
    struct seen *seen = context;
    assert_int_equal(r->value, 5);
    seen->readings++;
    return true;
}

static bool on_url(void *context, enum espi_url kind, const char *url, struct err *e)
{
    (void)e;
    struct seen *seen = context;
    seen->urls++;
    seen->kind = kind;
    snprintf(seen->last_url, sizeof seen->last_url, "%s", url);
    return true;
}

static struct espi *open_reader(struct seen *seen)
{
    struct err e;
    const struct espi_sink sink = {.reading = on_reading, .url = on_url, .context = seen};
    *seen = (struct seen){.kept = buf_make(1 << 20), .wanted = buf_make(1 << 20)};
    struct espi *p = espi_open(NULL, &sink, &e);
    assert_non_null(p);
    return p;
}

static void say(struct espi *p, const char *text)
{
    struct err e = {0};
    if (!espi_write(p, text, strlen(text), &e) || !espi_end(p, &e))
        fail_msg("%s: %s", e.code, e.text);
}

static void next(struct espi *p)
{
    struct err e = {0};
    assert_true(espi_next(p, &e));
}

static const struct espi_series *only_series(struct espi *p)
{
    struct err e = {0};
    if (!espi_finish(p, &e))
        fail_msg("%s: %s", e.code, e.text);
    assert_int_equal(espi_series_count(p), 1);
    return espi_series_at(p, 0);
}

static void assert_known(const struct espi_series *s)
{
    assert_null(s->unresolved);
    assert_int_equal(s->uom, 169);
    assert_int_equal(s->power_of_ten_multiplier, -3);
    assert_int_equal(s->service_kind, 1);
    assert_int_equal(s->tz_offset_s, -18000);
    assert_string_equal(s->dst_end_rule, "B40E2000");
    assert_int_equal(s->readings, 1);
}

static void done(struct espi *p, struct seen *seen)
{
    espi_free(p);
    buf_free(&seen->kept);
    buf_free(&seen->wanted);
}

static void connections_hold_across_documents_in_any_order(void **state)
{
    (void)state;
    static const char *const orders[][5] = {
        {ATOM BLOCK "</feed>", ATOM METER TYPE "</feed>", ATOM POINT ZONE "</feed>"},
        {ATOM ZONE "</feed>", ATOM POINT "</feed>", ATOM TYPE "</feed>", ATOM BLOCK "</feed>",
         ATOM METER "</feed>"},
        {ATOM POINT METER TYPE ZONE "</feed>", ATOM POINT METER TYPE ZONE BLOCK "</feed>"},
    };
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct seen seen;
        struct espi *p = open_reader(&seen);
        for (size_t d = 0; d < 5 && orders[i][d]; d++) {
            if (d)
                next(p);
            say(p, orders[i][d]);
        }
        assert_known(only_series(p));
        done(p, &seen);
    }
}

static void a_later_document_is_judged_by_itself(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code;
        enum err_kind kind;
    } bad[] = {
        {"", "empty", ERR_REJECT},
        {"<html></html>", "html", ERR_REJECT},
        {"{}", "json", ERR_REJECT},
        {ATOM BLOCK, "feed_cut_off", ERR_RETRY},
        {"<!DOCTYPE feed>" ATOM "</feed>", "doctype", ERR_REJECT},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct seen seen;
        struct err e = {0};
        struct espi *p = open_reader(&seen);
        say(p, ATOM POINT METER "</feed>");
        next(p);
        assert_false(espi_write(p, bad[i].text, strlen(bad[i].text), &e) && espi_end(p, &e));
        assert_string_equal(e.code, bad[i].code);
        assert_int_equal(e.kind, bad[i].kind);
        assert_false(espi_next(p, &e));
        assert_false(espi_finish(p, &e));
        done(p, &seen);
    }
}

static void a_document_that_broke_off_in_an_entry_leaves_nothing_to_the_next(void **state)
{
    (void)state;
    struct seen seen;
    struct espi *p = open_reader(&seen);
    say(p, "<UsagePoint" ESPI "<ServiceCategory><kind>1</kind></ServiceCategory></UsagePoint>");
    next(p);
    say(p, ATOM METER TYPE BLOCK "</feed>");
    const struct espi_series *s = only_series(p);
    assert_int_equal(s->service_kind, 1); /* the only usage point there is */
    assert_int_equal(s->usage_point_link, ESPI_LINK_ONLY);
    done(p, &seen);
}

static void the_next_page_and_the_urls_of_a_batch_list_are_told_as_they_are_meant(void **state)
{
    (void)state;
    struct seen seen;
    struct espi *p = open_reader(&seen);
    say(p, ATOM "<link rel=\"self\" href=\"/a\"/><link rel=\"next\" href=\"/b?x=1&amp;y=2\"/>" BLOCK
                "</feed>");
    assert_int_equal(seen.urls, 1);
    assert_int_equal(seen.kind, ESPI_URL_NEXT);
    assert_string_equal(seen.last_url, "/b?x=1&y=2");
    next(p);
    say(p, "<b:BatchList xmlns:b=\"http://naesb.org/espi\">\n <b:resources> https://u.example/1?a=1"
           "&amp;b=2\n</b:resources><b:resources/><b:other>x</b:other></b:BatchList>");
    assert_int_equal(seen.urls, 2);
    assert_int_equal(seen.kind, ESPI_URL_BATCH);
    assert_string_equal(seen.last_url, "https://u.example/1?a=1&b=2");
    done(p, &seen);
}

static void a_link_of_an_entry_is_no_next_page(void **state)
{
    (void)state;
    struct seen seen;
    struct espi *p = open_reader(&seen);
    say(p, ATOM "<entry><link rel=\"next\" href=\"/b\"/></entry></feed>");
    assert_int_equal(seen.urls, 0);
    done(p, &seen);
}

static bool keep(void *context, const struct espi_kept *kept, struct err *e)
{
    struct seen *seen = context;
    return buf_append(&seen->kept, kept->entry, strlen(kept->entry), e) &&
           buf_printf(&seen->wanted, e, "%s %s %s\n", kept->kind, kept->self, kept->up);
}

static bool want(void *context, const char *href, size_t len, struct err *e)
{
    struct seen *seen = context;
    return buf_printf(&seen->wanted, e, "%.*s\n", (int)len, href);
}

/* What is kept of one answer, told again behind another that only names it, means the same. */
static void what_was_kept_means_the_same_when_it_is_told_again(void **state)
{
    (void)state;
    struct seen first, second, third;
    struct err e = {0};
    struct espi *p = open_reader(&first);
    say(p, ATOM POINT METER TYPE ZONE "</feed>");
    assert_true(espi_memory_each(espi_graph_of(p), keep, &first, &e));
    assert_string_equal(first.wanted.data, "UsagePoint U/1 U\nMeterReading U/1/M/1?a=1&#38;b=2 "
                                           "U/1/M\nReadingType T/1 T\nLocalTimeParameters L/1 L\n");
    assert_true(espi_memory_has(espi_graph_of(p), "ReadingType", "T/1"));
    assert_false(espi_memory_has(espi_graph_of(p), "MeterReading", "T/1"));
    assert_false(espi_memory_has(espi_graph_of(p), "ReadingType", "T/2"));

    struct espi *q = open_reader(&second);
    say(q, ATOM BLOCK "</feed>");
    assert_true(espi_memory_wanted(espi_graph_of(q), want, &second, &e));
    assert_non_null(strstr(second.wanted.data, "U/1/M/1?a=1&#38;b=2\n"));
    next(q);
    struct buf again CLEANUP(buf_free) = buf_make(1 << 20);
    assert_true(buf_printf(&again, &e, "%s%s</feed>", ATOM, first.kept.data));
    say(q, again.data);
    assert_known(only_series(q));

    /* and what is kept of that is the same once more */
    struct espi *r = open_reader(&third);
    say(r, again.data);
    assert_true(espi_memory_each(espi_graph_of(r), keep, &third, &e));
    assert_string_equal(third.kept.data, first.kept.data);
    done(p, &first);
    done(q, &second);
    done(r, &third);
}

static void a_type_that_contradicts_itself_is_not_kept(void **state)
{
    (void)state;
    struct seen seen;
    struct err e = {0};
    struct espi *p = open_reader(&seen);
    say(p, ATOM TYPE ENTRY("T/1", "T", "",
                           "<ReadingType" ESPI "<uom>72</uom></ReadingType>") "</feed>");
    assert_true(espi_memory_each(espi_graph_of(p), keep, &seen, &e));
    assert_int_equal(seen.kept.len, 0);
    done(p, &seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_hold_across_documents_in_any_order),
        cmocka_unit_test(a_later_document_is_judged_by_itself),
        cmocka_unit_test(a_document_that_broke_off_in_an_entry_leaves_nothing_to_the_next),
        cmocka_unit_test(the_next_page_and_the_urls_of_a_batch_list_are_told_as_they_are_meant),
        cmocka_unit_test(a_link_of_an_entry_is_no_next_page),
        cmocka_unit_test(what_was_kept_means_the_same_when_it_is_told_again),
        cmocka_unit_test(a_type_that_contradicts_itself_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
