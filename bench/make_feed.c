/* Writes a Green Button feed of a given size to standard output. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define READINGS_PER_BLOCK 2976 /* a month of quarter hours */

/* What the feed is to hold; the arguments, in this order. */
struct shape {
    uint64_t megabytes, seed, start_s, interval_s, days; /* days: of one meter, then the next */
};

static uint64_t random_state;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

static uint64_t written;

static void count(int length)
{
    if (length < 0) {
        perror("make_feed");
        exit(1);
    }
    written += (uint64_t)length;
}

static void write_head(const struct shape *s)
{
    count(printf(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:espi=\"http://naesb.org/espi\">\n"
        " <id>urn:uuid:0d4d1a4c-3c2e-4a6e-9f4e-000000000000</id>\n <title>Benchmark</title>\n"
        " <entry>\n  <link rel=\"self\" href=\"/resource/ReadingType/1\"/>\n"
        "  <content><espi:ReadingType><espi:accumulationBehaviour>4</espi:accumulationBehaviour>"
        "<espi:commodity>1</espi:commodity><espi:currency>840</espi:currency>"
        "<espi:flowDirection>1</espi:flowDirection><espi:intervalLength>%" PRIu64
        "</espi:intervalLength>"
        "<espi:kind>12</espi:kind><espi:powerOfTenMultiplier>0</espi:powerOfTenMultiplier>"
        "<espi:uom>72</espi:uom></espi:ReadingType></content>\n </entry>\n",
        s->interval_s));
}

static void write_meter(uint64_t meter)
{
    char point[64];
    snprintf(point, sizeof point, "/resource/UsagePoint/%" PRIu64, meter);
    count(printf(" <entry>\n  <link rel=\"self\" href=\"%s\"/>\n"
                 "  <link rel=\"related\" href=\"%s/MeterReading\"/>\n"
                 "  <content><espi:UsagePoint><espi:ServiceCategory><espi:kind>0</espi:kind>"
                 "</espi:ServiceCategory></espi:UsagePoint></content>\n </entry>\n"
                 " <entry>\n  <link rel=\"self\" href=\"%s/MeterReading/1\"/>\n"
                 "  <link rel=\"up\" href=\"%s/MeterReading\"/>\n"
                 "  <link rel=\"related\" href=\"%s/MeterReading/1/IntervalBlock\"/>\n"
                 "  <link rel=\"related\" href=\"/resource/ReadingType/1\"/>\n"
                 "  <content><espi:MeterReading/></content>\n </entry>\n",
                 point, point, point, point, point));
}

static void write_reading(const struct shape *s, uint64_t start_s)
{
    count(printf("     <espi:IntervalReading>\n      <espi:cost>%" PRIu32 "</espi:cost>\n"
                 "      <espi:timePeriod>\n       <espi:duration>%" PRIu64 "</espi:duration>\n"
                 "       <espi:start>%" PRIu64 "</espi:start>\n      </espi:timePeriod>\n"
                 "      <espi:value>%" PRIu32 "</espi:value>\n     </espi:IntervalReading>\n",
                 next_random() % 30000, s->interval_s, start_s, next_random() % 2000));
}

/* From reading `first` of its meter on; up to `end`, or until the feed is long enough. */
static uint64_t write_block(const struct shape *s, uint64_t meter, uint64_t first, uint64_t end)
{
    uint64_t start_s = s->start_s + first * s->interval_s;
    if (end > first + READINGS_PER_BLOCK)
        end = first + READINGS_PER_BLOCK;
    count(printf(" <entry>\n  <link rel=\"self\" "
                 "href=\"/resource/UsagePoint/%" PRIu64 "/MeterReading/1/IntervalBlock/%" PRIu64
                 "\"/>\n"
                 "  <link rel=\"up\" href=\"/resource/UsagePoint/%" PRIu64
                 "/MeterReading/1/IntervalBlock\"/>\n"
                 "  <content>\n   <espi:IntervalBlock>\n    <espi:interval><espi:duration>%" PRIu64
                 "</espi:duration><espi:start>%" PRIu64 "</espi:start></espi:interval>\n",
                 meter, first / READINGS_PER_BLOCK, meter, (end - first) * s->interval_s, start_s));
    for (; first < end && written < s->megabytes * 1000000; first++, start_s += s->interval_s)
        write_reading(s, start_s);
    count(printf("   </espi:IntervalBlock>\n  </content>\n"
                 "  <updated>2026-01-01T00:00:00Z</updated>\n </entry>\n"));
    return end;
}

static struct shape shape_read(int words_count, char **words)
{
    struct shape s = {.seed = 1, .start_s = 1293840000, .interval_s = 900, .days = UINT32_MAX};
    uint64_t *fields[] = {&s.megabytes, &s.seed, &s.start_s, &s.interval_s, &s.days};
    if (words_count < 2 || words_count > 6) {
        fprintf(stderr, "usage: make_feed MEGABYTES [SEED [START_S [INTERVAL_S [DAYS]]]]\n");
        exit(2);
    }
    for (int i = 1; i < words_count; i++)
        *fields[i - 1] = strtoull(words[i], NULL, 10);
    return s;
}

int main(int words_count, char **words)
{
    const struct shape s = shape_read(words_count, words);
    uint64_t end = s.interval_s ? s.days * 86400 / s.interval_s : 0;
    random_state = s.seed;
    write_head(&s);
    for (uint64_t meter = 1; end && written < s.megabytes * 1000000; meter++) {
        write_meter(meter);
        for (uint64_t at = 0; at < end && written < s.megabytes * 1000000;)
            at = write_block(&s, meter, at, end);
    }
    count(printf("</feed>\n"));
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
