/* Documents as utilities' portals give them out, right or not: each reading is read, or told with
 * its number and first line. */
#include "espi_test.h"

#include <inttypes.h>
#include <stdio.h>

#define SPACES "xmlns='http://www.w3.org/2005/Atom' xmlns:e='http://naesb.org/espi'"
/* A meter whose type says: thousands of watt-hours, an hour each. */
#define METER                                                                                      \
    "<entry><link rel='self' href='U/1'/><link rel='related' "                                     \
    "href='U/1/M'/><content><e:UsagePoint>"                                                        \
    "<e:ServiceCategory><e:kind>0</e:kind></e:ServiceCategory></e:UsagePoint></content></entry>"   \
    "<entry><link rel='self' href='U/1/M/1'/><link rel='up' href='U/1/M'/><link rel='related' "    \
    "href='U/1/M/1/IntervalBlock'/><content><e:MeterReading/></content></entry>"                   \
    "<entry><link rel='self' href='R/1'/><content><e:ReadingType><e:intervalLength>3600"           \
    "</e:intervalLength><e:powerOfTenMultiplier>3</e:powerOfTenMultiplier><e:uom>72</e:uom>"       \
    "</e:ReadingType></content></entry>"
#define BLOCK "<entry><link rel='up' href='U/1/M/1/IntervalBlock'/><content><e:IntervalBlock>\n"
#define END "</e:IntervalBlock></content></entry></feed>"
#define READING(start, more)                                                                       \
    "<e:IntervalReading><e:timePeriod><e:duration>3600</e:duration><e:start>" start                \
    "</e:start></e:timePeriod>" more "</e:IntervalReading>\n"
#define VALUE(text) "<e:value>" text "</e:value>"
#define COST(text) "<e:cost>" text "</e:cost>"

static struct outcome read_text(const char *text)
{
    struct body b = body_of_text(text);
    struct outcome o = outcome_of(b, NULL);
    body_free(&b);
    if (!o.right)
        fail_msg("%s: %s", o.e.code, o.e.text);
    return o;
}

static bool ignore_reading(void *context, const struct espi_reading *r, struct err *e)
{
    (void)context, (void)r, (void)e;
    return true;
}

/* What the feed comes to holds each of these, in readings or series; NULL ends them. */
static void assert_holds(const char *text, const char *const *wanted)
{
    struct outcome o = read_text(text);
    for (; *wanted; wanted++)
        if (!strstr(o.series.data, *wanted) && !strstr(o.readings.data, *wanted))
            fail_msg("no \"%s\" in\n%s%s", *wanted, o.readings.data, o.series.data);
    outcome_free(&o);
}

#define HOLDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* --- numbers ----------------------------------------------------------------------------- */
static void decimals_beside_whole_numbers_are_all_exact(void **state)
{
    (void)state;
    assert_holds("<feed " SPACES ">" METER BLOCK READING("1751328000", VALUE("0.62") COST("17.5"))
                     READING("1751331600", VALUE("2")) READING("1751335200", VALUE("1.38"))
                         READING("1751338800", VALUE("1.5e3")) END,
                 HOLDS(" = 62e-2 cost 175e-1 ", " = 2 cost - ", " = 138e-2 cost", " = 1500 cost",
                       "uom 72 e3", "exact exact only | 4 of 1\n"));
}

/* Whoever leaves those out sums a month of the small ones. */
static void values_that_no_number_can_hold_refuse_their_series(void **state)
{
    (void)state;
    static const char *const texts[] = {"1,234.5",
                                        "0,62",
                                        "1 234",
                                        "123.45600000000000591",
                                        "99999999999999999999",
                                        "\xd9\xa1\xd9\xa2\xd9\xa3",
                                        "\xef\xbc\x95",
                                        ("\xe2\x88\x92"
                                         "5")};
    char text[4000];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(text, sizeof text,
                 "<feed " SPACES ">" METER BLOCK READING("1751328000", VALUE("2"))
                     READING("1751331600", VALUE("%s")) END,
                 texts[i]);
        assert_holds(text, HOLDS("| 2 of 1 unreadable_values\n", "bad_number at 3: ",
                                 "no_value at 3: \n", "unreadable_values at 0: U/1/M/1\n"));
    }
    /* what never was one is a reading that is missing */
    assert_holds("<feed " SPACES ">" METER BLOCK READING("1751328000", VALUE("n/a")) END,
                 HOLDS("| 1 of 1\n", "bad_number at 2: n/a\n", "no_value at 2: \n"));
}

/* Of "1<b>2</b>3" neither 13 nor 123 is sure; of two values neither is. */
static void an_element_within_a_number_or_a_second_number_makes_it_unreadable(void **state)
{
    (void)state;
    static const char *const values[] = {"<e:value>1<b>2</b>3</e:value>",
                                         "<e:value><b>5</b></e:value>",
                                         "<e:value>5</e:value><e:value>6</e:value>"};
    char text[4000];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        snprintf(text, sizeof text,
                 "<feed " SPACES ">" METER BLOCK READING("1751328000", VALUE("2"))
                     READING("1751331600", "%s") END,
                 values[i]);
        assert_holds(text, HOLDS("| 2 of 1 unreadable_values\n", "bad_number at 3: "));
    }
    assert_holds("<feed " SPACES
                 ">" METER BLOCK READING("1751328000", VALUE("2") VALUE("2") VALUE(""))
                     READING("1751331600</e:start><e:start>1751335200", VALUE("3")) END,
                 HOLDS(" = 2 cost", "exact exact only | 2 of 1\n", "no_time at 3: "));
    assert_holds("<feed " SPACES
                 ">" METER BLOCK READING("1751328000", VALUE("2") COST("5") COST("6")) END,
                 HOLDS(" = 2 cost", "unreadable_costs at 0: "));
}

/* "reverse" is not no direction, and 2^32 - 3 is no power of ten that was meant. */
static void a_type_whose_codes_are_words_or_differ_is_not_guessed(void **state)
{
    (void)state;
    static const struct {
        const char *type, *wanted;
    } types[] = {
        {"<e:uom>72</e:uom><e:flowDirection>reverse</e:flowDirection>", "unreadable_type\n"},
        {"<e:uom>72</e:uom><e:kind>demand</e:kind>", "unreadable_type\n"},
        {"<e:uom>72</e:uom><e:accumulationBehaviour>bulk</e:accumulationBehaviour>",
         "unreadable_type\n"},
        {"<e:uom>72</e:uom><e:dataQualifier>1.5</e:dataQualifier>", "unreadable_type\n"},
        {"<e:uom>72</e:uom><e:flowDirection>1</e:flowDirection><e:flowDirection>19"
         "</e:flowDirection>",
         "unreadable_type\n"},
        {"<e:uom>72</e:uom><e:uom>169</e:uom>", "no_unit\n"},
        {"<e:uom>72</e:uom><e:powerOfTenMultiplier>4294967293</e:powerOfTenMultiplier>",
         "bad_multiplier\n"},
        {"<e:uom>72</e:uom><e:powerOfTenMultiplier>0</e:powerOfTenMultiplier>"
         "<e:powerOfTenMultiplier>3</e:powerOfTenMultiplier>",
         "bad_multiplier\n"},
        {"<e:uom>72</e:uom><e:uom>72</e:uom><e:uom/><e:kind/>", "| 1 of 1\n"},
    };
    char text[4000];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        snprintf(
            text, sizeof text,
            "<feed " SPACES "><entry><link rel='self' href='U/1/M/1'/><link rel='related' "
            "href='U/1/M/1/IntervalBlock'/><content><e:MeterReading/></content></entry>"
            "<entry><content><e:ReadingType>%s</e:ReadingType></content></entry>" BLOCK READING(
                "1751328000", VALUE("2")) END,
            types[i].type);
        assert_holds(text, HOLDS(types[i].wanted));
    }
}

/* --- lengths in another unit than seconds ------------------------------------------------- */
#define TYPE(length)                                                                               \
    "<entry><link rel='self' href='U/1/M/1'/><link rel='related' "                                 \
    "href='U/1/M/1/IntervalBlock'/><content><e:MeterReading/></content></entry><entry><content>"   \
    "<e:ReadingType><e:uom>72</e:uom><e:intervalLength>" length                                    \
    "</e:intervalLength></e:ReadingType></content></entry>" BLOCK
#define AT(start, duration)                                                                        \
    "<e:IntervalReading><e:timePeriod>" duration "<e:start>" start                                 \
    "</e:start></e:timePeriod><e:value>5</e:value></e:IntervalReading>\n"
#define LASTS(duration) "<e:duration>" duration "</e:duration>"
#define UNTIMED "<e:IntervalReading><e:value>5</e:value></e:IntervalReading>\n"
#define FROM(start, duration)                                                                      \
    "<e:interval><e:duration>" duration "</e:duration><e:start>" start "</e:start></e:interval>\n"

static void lengths_that_are_not_in_seconds_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *feed, *wanted;
    } feeds[] = {
        {TYPE("3600000") AT("1751328000", LASTS("3600")), "interval_length_unit"},
        {TYPE("60") AT("1751328000", LASTS("3600")), "interval_length_unit"},
        {TYPE("15") AT("1751328000", LASTS("899")), "interval_length_unit"},
        {TYPE("1") AT("1751328000", LASTS("3600")), "interval_length_unit"},
        {TYPE("60") AT("1751328000", "") AT("1751331600", "") AT("1751338800", ""),
         "interval_length_unit"},
        {TYPE("900000") AT("1751328000", ""), "interval_length_unit"},
        {TYPE("60") FROM("1751328000", "7200") UNTIMED UNTIMED, "interval_length_unit"},
        {TYPE("3600") AT("1751328000", LASTS("3600000")) AT("1751331600", LASTS("3600000")),
         "duration_unit"},
        {TYPE("3600") AT("1751328000", LASTS("60")) AT("1751331600", LASTS("60")), "duration_unit"},
        {TYPE("3600") AT("1751328000", LASTS("3599")) AT("1751331600", LASTS("3599")), NULL},
        {TYPE("86400") AT("1751328000", LASTS("90000")) AT("1751418000", LASTS("86400")), NULL},
        {TYPE("2592000") AT("1751328000", LASTS("2678400")), NULL},
        {TYPE("3600") AT("1751328000", LASTS("900")) AT("1751328900", LASTS("900")), NULL},
        {TYPE("60") AT("1751328000", LASTS("60")) AT("1751328060", LASTS("60")), NULL},
        {TYPE("3600") FROM("1751328000", "7200") UNTIMED UNTIMED, NULL},
        {TYPE("") AT("1751328000", LASTS("3600")), NULL},
        {TYPE("3600") AT("1751328000", LASTS("0")), NULL},
    };
    for (size_t i = 0; i < sizeof feeds / sizeof *feeds; i++) {
        char text[4000];
        snprintf(text, sizeof text, "<feed " SPACES ">%s" END, feeds[i].feed);
        struct outcome o = read_text(text);
        const char *told = strstr(o.series.data, "_unit at ");
        if (feeds[i].wanted ? !told || !strstr(o.series.data, feeds[i].wanted) : told != NULL)
            fail_msg("%zu: %s", i, o.series.data);
        outcome_free(&o);
    }
    assert_holds("<feed " SPACES ">" TYPE("60") AT("1751328000", LASTS("3600")) END,
                 HOLDS("interval_length_unit at 0: U/1/M/1\n"));
}

/* One that nothing else says the time of is not squeezed into the minutes that were hours. */
static void nothing_is_placed_by_a_length_in_another_unit(void **state)
{
    (void)state;
    struct espi_series s = espi_series_unknown();
    s.interval_length = 60;
    struct espi_reading r = {.start_s = 1751328000, .ordinal = 2, .duration_s = ESPI_ABSENT};
    struct espi_reading same = r;
    assert_true(espi_place_reading(&s, &r));
    assert_int_equal(r.start_s, 1751328120);
    s.interval_unit = true;
    assert_false(espi_place_reading(&s, &same));
    assert_int_equal(espi_interval(&s), ESPI_ABSENT);
}

/* --- given twice --------------------------------------------------------------------------- */
static void of_two_that_differ_neither_counts_and_that_is_told(void **state)
{
    (void)state;
    /* a block's start, before its readings: where they lie is not known */
    assert_holds("<feed " SPACES ">" TYPE("3600") FROM("1751328000", "3600")
                     FROM("1751414400", "3600") UNTIMED END,
                 HOLDS("bad_number at 3: 1751414400\n", "no_time at 4: "));
    assert_holds("<feed " SPACES ">" TYPE("3600") FROM("1751328000", "3600")
                     UNTIMED FROM("1751414400", "3600") END,
                 HOLDS("bad_number at 4: 1751414400\n", " 1751328000+-? = 5 "));
    assert_holds("<feed " SPACES ">" TYPE("3600") FROM("1751328000", "3600")
                     FROM("1751414400", "3600") FROM("1751328000", "3600") UNTIMED END,
                 HOLDS("no_time at 5: "));
    /* what it says of its readings */
    static const char *const pairs[] = {
        "<e:servicePointId>8</e:servicePointId>", "<e:unitOfMeasure>Wh</e:unitOfMeasure>",
        "<e:serviceType>GAS</e:serviceType>", "<e:secondsPerInterval>900</e:secondsPerInterval>"};
    static const char *const wanted[] = {"bad_number at 1: 8\n", "bad_number at 1: Wh\n",
                                         "bad_number at 1: GAS\n", "bad_number at 1: 900\n"};
    static const char *const left[] = {"- | - | - | service 0 uom 72 e3",
                                       "7 | - | - | service 0 uom - e-",
                                       "7 | - | - | service - uom 72 e3", "no_interval_length at "};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[4000];
        snprintf(text, sizeof text,
                 "<feed " SPACES "><entry><content><e:IntervalBlock><e:interval>"
                 "<e:servicePointId>7</e:servicePointId><e:serviceType>ELECTRIC</e:serviceType>"
                 "<e:unitOfMeasure>kWh</e:unitOfMeasure><e:secondsPerInterval>1800"
                 "</e:secondsPerInterval><e:start>1751328000</e:start></e:interval>"
                 "<e:interval>%s</e:interval>" UNTIMED END,
                 pairs[i]);
        assert_holds(text, HOLDS(wanted[i], left[i]));
    }
    /* a reading's codes and duration, a type's length and currency */
    assert_holds("<feed " SPACES ">" TYPE("3600</e:intervalLength><e:intervalLength>900")
                     AT("1751328000", LASTS("3600") LASTS("900")) END,
                 HOLDS("bad_number at 1: 900\n", "bad_number at 2: 900\n", " 1751328000+- = 5 "));
    assert_holds("<feed " SPACES ">" TYPE("3600") AT("1751328000</e:start><e:start>1751328000",
                                                     LASTS("3600") LASTS("3600") LASTS("")) END,
                 HOLDS(" 1751328000+3600 = 5 "));
    assert_holds("<feed " SPACES ">" METER BLOCK READING(
                     "1751328000", VALUE("5") "<e:tou>1</e:tou><e:tou>2</e:tou><e:tou>1</e:tou>")
                     END,
                 HOLDS("bad_number at 2: 2\n", " tou -"));
}

static void costs_that_cannot_be_read_are_told_and_leave_the_values_alone(void **state)
{
    (void)state;
    assert_holds("<feed " SPACES ">" METER BLOCK READING("1751328000", VALUE("2") COST("1,5")) END,
                 HOLDS("| 1 of 1\n", "unreadable_costs at 0: U/1/M/1\n"));
}

static void tier_and_critical_peak_come_with_each_reading_that_has_them(void **state)
{
    (void)state;
    assert_holds(
        "<feed " SPACES ">" METER BLOCK READING(
            "1751328000", VALUE("5") "<e:consumptionTier>2</e:consumptionTier><e:tou>3"
                                     "</e:tou><e:cpp>1</e:cpp>")
            READING("1751331600", VALUE("6") "<e:cpp>0</e:cpp>") END,
        HOLDS("= 5 cost - q -/0 tou 3 tier 2 cpp 1\n", "= 6 cost - q -/0 tou - tier - cpp 0\n"));
}

/* --- what is skipped --------------------------------------------------------------------- */
static void readings_that_are_skipped_are_one_problem_with_their_number_and_first_line(void **state)
{
    (void)state;
    assert_holds("<feed " SPACES ">" METER BLOCK READING("1751328000", VALUE("1"))
                     READING("1751331600", "") READING("1751335200", VALUE(""))
                         READING("yesterday", VALUE("3")) READING("today", VALUE("4")) END,
                 HOLDS("no_value at 3:  x2\n", "no_time at 5:  x2\n"));
    assert_holds("<feed " SPACES ">" METER BLOCK READING("1751328000000", VALUE("1"))
                     READING("1751331600000", VALUE("2")) READING("1751331600000000", VALUE("3"))
                         END,
                 HOLDS("start_in_milliseconds at 2:  x2\n", "start_impossible at 4: \n"));
}

static void readings_where_none_belong_are_counted_by_what_they_stand_in(void **state)
{
    (void)state;
    assert_holds("<feed " SPACES "><entry>\n<content><e:IntervalReading/><e:IntervalReading/>"
                 "<e:Unknown>\n<e:IntervalReading/></e:Unknown><x:IntervalBlock xmlns:x='urn:x'>\n"
                 "<x:IntervalReading/><x:IntervalReading/></x:IntervalBlock></content></entry>"
                 "<e:IntervalReading/></feed>",
                 HOLDS("misplaced_reading at 2: content x2\n", "misplaced_reading at 3: Unknown\n",
                       "misplaced_reading at 4: IntervalBlock x2\n",
                       "misplaced_reading at 4: feed\n"));
    assert_holds(
        "<IntervalReading xmlns='http://naesb.org/espi'><value>1</value></IntervalReading>",
        HOLDS("misplaced_reading at 1: \n"));
    assert_holds("<e:Envelope xmlns:e='http://naesb.org/espi'>" READING("1", VALUE("1"))
                     READING("2", VALUE("2")) "</e:Envelope>",
                 HOLDS("misplaced_reading at 1: Envelope x2\n"));
}

/* --- name spaces ------------------------------------------------------------------------- */
/* Its place in the block may be another: a day may lie between. */
static void a_start_where_none_is_read_is_not_guessed_from_the_blocks_order(void **state)
{
    (void)state;
    static const char *const readings[] = {
        "<e:TimePeriod><e:start>1751500800</e:start></e:TimePeriod>",
        "<e:start>1751500800</e:start>", "<x:timePeriod xmlns:x='http://example.org/x'/>",
        "<e:timePeriod><e:Start>1751500800</e:Start></e:timePeriod>"};
    char text[4000];
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        snprintf(text, sizeof text,
                 "<feed " SPACES ">" METER BLOCK "<e:interval><e:start>1751328000</e:start>"
                 "</e:interval><e:IntervalReading>%s<e:value>5</e:value></e:IntervalReading>" END,
                 readings[i]);
        assert_holds(text, HOLDS("no_time at 2: "));
    }
}

static void what_calls_itself_a_reading_in_a_block_is_counted(void **state)
{
    (void)state;
    assert_holds("<feed " SPACES ">" METER BLOCK "<e:Reading><e:value>5</e:value></e:Reading>"
                 "<e:extension/>" END,
                 HOLDS("misplaced_reading at 2: IntervalBlock\n"));
}

static void a_feed_in_another_name_space_is_read_and_told(void **state)
{
    (void)state;
    static const char *const spaces[] = {
        "xmlns='http://naesb.org/espi'",       "xmlns=''",
        "xmlns='http://www.w3.org/2005/Atom'", "xmlns='https://naesb.org/espi'",
        "xmlns='http://www.naesb.org/espi/'",  "xmlns='http://www.w3.org/2005/atom/'",
    };
    char text[1200];
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        snprintf(
            text, sizeof text,
            "<feed %s>\n<entry><link rel='self' href='U/1'/><content><UsagePoint/></content>"
            "</entry><entry><link rel='self' href='U/1/M/1'/><content><MeterReading/></content>"
            "</entry><entry><content><ReadingType><uom>72</uom></ReadingType></content></entry>"
            "<entry><content><IntervalBlock><IntervalReading><timePeriod><start>1751328000"
            "</start></timePeriod><value>7</value></IntervalReading></IntervalBlock></content>"
            "</entry></feed>",
            spaces[i]);
        struct outcome o = read_text(text);
        assert_non_null(strstr(o.readings.data, "1751328000+- = 7 "));
        assert_non_null(strstr(o.series.data, "U/1 | U/1/M/1 | - | service - uom 72 "));
        const char *told = strstr(o.series.data, "name_space at ");
        assert_true(told && !strstr(told + 1, "name_space at "));
        outcome_free(&o);
    }
}

static void a_childs_missing_name_space_does_not_cost_its_readings(void **state)
{
    (void)state;
    assert_holds("<feed " SPACES ">" METER
                 "<entry><link rel='up' href='U/1/M/1/IntervalBlock'/><content>"
                 "<e:IntervalBlock xmlns=''><IntervalReading><timePeriod><start>1751328000</start>"
                 "</timePeriod><value>9</value></IntervalReading>" END,
                 HOLDS(" = 9 cost", "| 1 of 1\n", "name_space at 1: \n"));
}

/* --- blocks that say by themselves what they hold ---------------------------------------- */
#define OWN(point, service, unit)                                                                  \
    "<e:IntervalBlock><e:interval><e:servicePointId>" point                                        \
    "</e:servicePointId><e:serviceType>" service "</e:serviceType><e:unitOfMeasure>" unit          \
    "</e:unitOfMeasure><e:secondsPerInterval>"                                                     \
    "1800</e:secondsPerInterval><e:start>1751328000</e:start></e:interval>"
#define OWN_READING(start, value)                                                                  \
    "<e:IntervalReading><e:timePeriod><e:start>" start "</e:start></e:timePeriod>"                 \
    "<e:readingQuality>ESTIMATED</e:readingQuality><e:value>" value                                \
    "</e:value></e:IntervalReading>"

static void a_blocks_interval_may_name_service_point_unit_and_step(void **state)
{
    (void)state;
    assert_holds(
        "<a:entry xmlns:a='http://www.w3.org/2005/Atom' xmlns:e='http://naesb.org/espi'>"
        "<a:link rel='self' href='https://host.example/usage/v1'/><a:content>" OWN(
            "77001", "ELECTRIC", "kWH") OWN_READING("1751328000", "0.25")
            OWN_READING("1751329800", "2") "</e:IntervalBlock>" OWN("77001", "ELECTRIC", "kWH")
                OWN_READING("1751414400", "1.5") "</e:IntervalBlock>" OWN("88002", "Gas", "therms")
                    OWN_READING("1751328000", "3") "</e:IntervalBlock></a:content></a:entry>",
        HOLDS("77001 | usage | - | service 0 uom 72 e3 flow - | none none none | 3 of 2\n",
              "88002 | usage | - | service 1 uom 169 e0 flow - | none none none | 1 of 1\n",
              "1751328000+- = 25e-2 cost - q -/100 tou -\n", "g1 = series 1\n"));
}

static void a_unit_that_nobody_knows_is_not_guessed(void **state)
{
    (void)state;
    assert_holds("<feed " SPACES "><entry><content>" OWN("77001", "ELECTRIC", "furlongs")
                     OWN_READING("1751328000", "1") END,
                 HOLDS("77001 | - | - | service 0 uom - e- flow - | none none none | 1 of 1 "
                       "no_unit\n"));
}

static void blocks_within_another_resource_are_read_and_make_no_bill(void **state)
{
    (void)state;
    struct err e = {0};
    struct espi_sink sink = {.reading = ignore_reading};
    struct espi *feed CLEANUP(espi_freep) = espi_open(NULL, &sink, &e);
    const char *text =
        "<e:ElectricPowerUsageSummary xmlns:e='http://naesb.org/espi'>"
        "<e:IntervalBlock>" READING("1751328000", VALUE("1.59"))
            READING("1751331600", VALUE("4.59")) "</e:IntervalBlock></e:ElectricPowerUsageSummary>";
    assert_holds(text, HOLDS(" = 159e-2 cost", "| 2 of 1 no_meter_reading\n"));
    assert_true(espi_write(feed, text, strlen(text), &e) && espi_finish(feed, &e));
    assert_int_equal(espi_bill_count(feed), 0);
    assert_holds(
        "<feed " SPACES "><entry><content><e:MeterReading><e:IntervalBlock>" READING(
            "1751328000", VALUE("8")) "</e:IntervalBlock></e:MeterReading></content></entry>"
                                      "<entry><content><e:ReadingType><e:uom>72</e:uom></"
                                      "e:ReadingType></content></entry>"
                                      "</feed>",
        HOLDS(" = 8 cost", "entry only | 1 of 1\n"));
}

/* --- bills ------------------------------------------------------------------------------- */
static struct espi *bill_of(const char *lines, const char *amount)
{
    char text[4000];
    struct err e = {0};
    struct espi_sink sink = {0};
    struct espi *feed = espi_open(NULL, &sink, &e);
    snprintf(text, sizeof text,
             "<feed " SPACES "><entry><link rel='self' href='S/1'/><content><e:UsageSummary>"
             "<e:billLastPeriod>%s</e:billLastPeriod>%s</e:UsageSummary></content></entry></feed>",
             amount, lines);
    assert_non_null(feed);
    assert_true(espi_write(feed, text, strlen(text), &e) && espi_finish(feed, &e));
    return feed;
}

#define LINE(amount, note)                                                                         \
    "<e:costAdditionalDetailLastPeriod><e:amount>" amount "</e:amount><e:note>" note               \
    "</e:note></e:costAdditionalDetailLastPeriod>"
#define PAYMENT(amount)                                                                            \
    "<e:costAdditionalDetailLastPeriod><e:amount>" amount                                          \
    "</e:amount><e:itemKind>9</e:itemKind></e:costAdditionalDetailLastPeriod>"

#define USAGE(amount, note)                                                                        \
    "<e:costAdditionalDetailLastPeriod><e:amount>" amount "</e:amount><e:note>" note               \
    "</e:note><e:itemKind>3</e:itemKind></e:costAdditionalDetailLastPeriod>"
#define CREDIT(amount)                                                                             \
    "<e:costAdditionalDetailLastPeriod><e:amount>" amount                                          \
    "</e:amount><e:itemKind>8</e:itemKind></e:costAdditionalDetailLastPeriod>"

static void a_bill_without_an_amount_is_what_its_lines_charge(void **state)
{
    (void)state;
    const int64_t none = ESPI_ABSENT;
    const struct {
        const char *amount, *lines;
        int64_t wanted;
    } bills[] = {
        {"0", LINE("5000000", "On-peak") LINE("250000", "HST") LINE("-50000", "Rebate"), 5200000},
        {"", LINE("700", "Energy") LINE("90", "Previous Balance") PAYMENT("-90"), 700},
        {"", LINE("700", "Energy") LINE("90", "Balance forward") LINE("790", "TOTAL amount due"),
         700},
        {"",
         LINE("700", "Energy") LINE("700", "Sub-total") LINE("70", "Tax")
             LINE("770", "Total current charges"),
         770},
        {"0", LINE("700", "Energy") LINE("900", "Total"), none},
        /* in other languages */
        {"0",
         LINE("700", "\xc3\x89lectricit\xc3\xa9") LINE("90", "SOLDE PR\xc3\x89"
                                                             "C\xc3\x89"
                                                             "DENT")
             LINE("790", "Montant \xc3\xa0 payer"),
         700},
        {"0",
         LINE("700", "Energ\xc3\xad"
                     "a") LINE("90", "Saldo anterior") LINE("790", "Importe a pagar"),
         700},
        {"0", LINE("700", "Strom") LINE("133", "MwSt") LINE("833", "Rechnungsbetrag"), 833},
        /* in one that nobody here knows: a total, a total of one, a balance that was paid */
        {"0", LINE("700", "Stroom") LINE("133", "Btw") LINE("833", "Te betalen"), none},
        {"0", LINE("700", "Stroom") LINE("700", "Te betalen"), none},
        {"0", LINE("90", "Vorige rekening") PAYMENT("-90") LINE("700", "Stroom"), none},
        {"0", LINE("700", "Energy") LINE("20", "Late payment charge"), 720},
        {"0", LINE("700", "Summer rate") LINE("20", "Payment processing fee"), 720},
        {"0", LINE("700", "Energy") CREDIT("-50"), 650},
        {"0", USAGE("700", "Electricity since the previous reading"), 700},
        {"0", LINE("700", "Energy") LINE("90", "Arrears"), 700},
        {"0", LINE("90", "Balance forward"), none},
        {"0", LINE("0", "Energy"), 0},
        {"0", LINE("700", "Energy") CREDIT("50"), none},
        {"0", LINE("700", "Energy") LINE("100", "Delivery") LINE("800", "Current charges"), 800},
        {"0", LINE("700", "Energy") LINE("1,200", "Delivery"), none},
        {"0", LINE("9223372036854775807", "Energy") LINE("9223372036854775807", "More"), none},
        {"0", "", 0},
        {"", "", none},
        {"4100", LINE("700", "Energy"), 4100},
        {"116.674", "", 117},
    };
    for (size_t i = 0; i < sizeof bills / sizeof *bills; i++) {
        struct espi *feed = bill_of(bills[i].lines, bills[i].amount);
        bool is_empty = !*bills[i].amount && !*bills[i].lines;
        assert_int_equal(espi_bill_count(feed), !is_empty);
        if (!is_empty && espi_bill_at(feed, 0)->amount != bills[i].wanted)
            fail_msg("bill %zu: %" PRId64, i, espi_bill_at(feed, 0)->amount);
        espi_free(feed);
    }
    struct espi *feed = bill_of(LINE("700", "Energy") LINE("900", "Total"), "0");
    bool told = false;
    for (size_t i = 0; i < espi_problem_count(feed); i++)
        told |= !strcmp(espi_problem_at(feed, i)->code, "bill_lines_unclear");
    assert_true(told);
    espi_free(feed);
}

static void a_bills_consumption_may_have_decimals(void **state)
{
    (void)state;
    struct espi *feed =
        bill_of("<e:overallConsumptionLastPeriod><e:powerOfTenMultiplier>3"
                "</e:powerOfTenMultiplier><e:uom>72</e:uom><e:value>611.25</e:value>"
                "</e:overallConsumptionLastPeriod>",
                "4100");
    const struct espi_bill *b = espi_bill_at(feed, 0);
    assert_int_equal(b->value, 61125);
    assert_int_equal(b->power_of_ten_multiplier, 1);
    espi_free(feed);
}

static void of_a_bills_amounts_that_differ_none_counts(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *amount;
        int64_t wanted_amount, wanted_value;
    } bills[] = {
        {"<e:billLastPeriod>7</e:billLastPeriod><e:currency>840</e:currency>", "5", ESPI_ABSENT,
         ESPI_ABSENT},
        {"<e:billLastPeriod>5</e:billLastPeriod><e:billLastPeriod/>", "5", 5, ESPI_ABSENT},
        {"<e:overallConsumptionLastPeriod><e:value>5.5</e:value><e:value>55</e:value>"
         "</e:overallConsumptionLastPeriod>",
         "5", 5, ESPI_ABSENT},
        {"<e:overallConsumptionLastPeriod><e:value>5.5</e:value></e:overallConsumptionLastPeriod>"
         "<e:overallConsumptionLastPeriod><e:value>5.50</e:value></e:overallConsumptionLastPeriod>",
         "5", 5, 55},
        {LINE("700</e:amount><e:amount>800", "Energy"), "", ESPI_ABSENT, ESPI_ABSENT},
    };
    for (size_t i = 0; i < sizeof bills / sizeof *bills; i++) {
        struct espi *feed = bill_of(bills[i].lines, bills[i].amount);
        const struct espi_bill *b = espi_bill_at(feed, 0);
        if (b->amount != bills[i].wanted_amount || b->value != bills[i].wanted_value)
            fail_msg("%zu: %" PRId64 " %" PRId64, i, b->amount, b->value);
        bool told = false, differs = i == 0 || i == 2 || i == 4;
        for (size_t n = 0; n < espi_problem_count(feed); n++)
            told |= !strcmp(espi_problem_at(feed, n)->code, "bad_number");
        assert_int_equal(told, differs);
        espi_free(feed);
    }
}

/* --- the rest ---------------------------------------------------------------------------- */
static void a_title_of_any_length_is_cut_by_whole_characters(void **state)
{
    (void)state;
    struct err e = {0};
    struct espi_sink sink = {0};
    struct buf text CLEANUP(buf_free) = buf_make(1 << 20);
    struct espi *feed = espi_open(NULL, &sink, &e);
    assert_true(buf_printf(&text, &e, "<feed " SPACES "><entry><title>x"));
    for (int i = 0; i < 40000; i++)
        assert_true(buf_append(&text, "\xc3\xa9", 2, &e));
    assert_true(
        buf_printf(&text, &e, "</title><content><e:MeterReading/></content></entry></feed>"));
    assert_true(espi_write(feed, text.data, text.len, &e) && espi_finish(feed, &e));
    const char *title = espi_series_at(feed, 0)->title;
    assert_int_equal(strlen(title), 199);
    assert_memory_equal(title + 197, "\xc3\xa9", 2);
    espi_free(feed);
}

static void hours_of_3599_seconds_are_hours(void **state)
{
    (void)state;
    assert_int_equal(espi_length(3599), 3600);
    assert_int_equal(espi_length(899), 900);
    assert_int_equal(espi_length(3600), 3600);
    assert_int_equal(espi_length(ESPI_ABSENT), ESPI_ABSENT);
    assert_int_equal(espi_length(INT64_MAX), INT64_MAX);
    assert_int_equal(espi_length(-1), -1);
}

static const char *content_of(const char *text)
{
    static struct err e;
    struct espi_sink sink = {0};
    struct espi *feed CLEANUP(espi_freep) = espi_open(NULL, &sink, &e);
    assert_true(espi_write(feed, text, strlen(text), &e) && espi_finish(feed, &e));
    return espi_check_content(feed, &e) ? "fine" : e.code;
}

static void what_is_no_meter_data_is_named(void **state)
{
    (void)state;
    assert_string_equal(content_of("<BatchList xmlns='http://naesb.org/espi'><resources>https://h/1"
                                   "</resources></BatchList>"),
                        "batch_list");
    assert_string_equal(content_of("<feed " SPACES "><entry><content><c:CustomerAccount xmlns:c="
                                   "'http://naesb.org/espi/customer'/></content></entry></feed>"),
                        "customer_data");
    assert_string_equal(content_of("<RetailCustomer xmlns='http://naesb.org/espi'/>"),
                        "customer_data");
    assert_string_equal(content_of("<ServiceStatus xmlns='http://naesb.org/espi'><currentStatus>0"
                                   "</currentStatus></ServiceStatus>"),
                        "not_a_feed");
    assert_string_equal(content_of("<feed " SPACES "></feed>"), "fine");
    assert_string_equal(content_of("<feed " SPACES ">" METER "</feed>"), "fine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_beside_whole_numbers_are_all_exact),
        cmocka_unit_test(values_that_no_number_can_hold_refuse_their_series),
        cmocka_unit_test(an_element_within_a_number_or_a_second_number_makes_it_unreadable),
        cmocka_unit_test(a_type_whose_codes_are_words_or_differ_is_not_guessed),
        cmocka_unit_test(lengths_that_are_not_in_seconds_are_told),
        cmocka_unit_test(nothing_is_placed_by_a_length_in_another_unit),
        cmocka_unit_test(of_two_that_differ_neither_counts_and_that_is_told),
        cmocka_unit_test(of_a_bills_amounts_that_differ_none_counts),
        cmocka_unit_test(what_calls_itself_a_reading_in_a_block_is_counted),
        cmocka_unit_test(a_start_where_none_is_read_is_not_guessed_from_the_blocks_order),
        cmocka_unit_test(costs_that_cannot_be_read_are_told_and_leave_the_values_alone),
        cmocka_unit_test(tier_and_critical_peak_come_with_each_reading_that_has_them),
        cmocka_unit_test(
            readings_that_are_skipped_are_one_problem_with_their_number_and_first_line),
        cmocka_unit_test(readings_where_none_belong_are_counted_by_what_they_stand_in),
        cmocka_unit_test(a_feed_in_another_name_space_is_read_and_told),
        cmocka_unit_test(a_childs_missing_name_space_does_not_cost_its_readings),
        cmocka_unit_test(a_blocks_interval_may_name_service_point_unit_and_step),
        cmocka_unit_test(a_unit_that_nobody_knows_is_not_guessed),
        cmocka_unit_test(blocks_within_another_resource_are_read_and_make_no_bill),
        cmocka_unit_test(a_bill_without_an_amount_is_what_its_lines_charge),
        cmocka_unit_test(a_bills_consumption_may_have_decimals),
        cmocka_unit_test(a_title_of_any_length_is_cut_by_whole_characters),
        cmocka_unit_test(hours_of_3599_seconds_are_hours),
        cmocka_unit_test(what_is_no_meter_data_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
