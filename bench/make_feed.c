/* Writes a Green Button feed of a given size to standard output: make_feed MEGABYTES [SEED]. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define READINGS_PER_BLOCK 2976 /* a month of quarter hours */
#define FEED_START 1293840000   /* 2011-01-01T00:00:00Z */

static uint64_t random_state;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

static void write_head(void)
{
    printf(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:espi=\"http://naesb.org/espi\">\n"
        " <id>urn:uuid:0d4d1a4c-3c2e-4a6e-9f4e-000000000000</id>\n <title>Benchmark</title>\n"
        " <entry>\n  <link rel=\"self\" href=\"/resource/UsagePoint/1\"/>\n"
        "  <link rel=\"related\" href=\"/resource/UsagePoint/1/MeterReading\"/>\n"
        "  <content><espi:UsagePoint><espi:ServiceCategory><espi:kind>0</espi:kind>"
        "</espi:ServiceCategory></espi:UsagePoint></content>\n </entry>\n"
        " <entry>\n  <link rel=\"self\" href=\"/resource/UsagePoint/1/MeterReading/1\"/>\n"
        "  <link rel=\"up\" href=\"/resource/UsagePoint/1/MeterReading\"/>\n"
        "  <link rel=\"related\" href=\"/resource/UsagePoint/1/MeterReading/1/IntervalBlock\"/>\n"
        "  <link rel=\"related\" href=\"/resource/ReadingType/1\"/>\n"
        "  <content><espi:MeterReading/></content>\n </entry>\n"
        " <entry>\n  <link rel=\"self\" href=\"/resource/ReadingType/1\"/>\n"
        "  <content><espi:ReadingType><espi:accumulationBehaviour>4</espi:accumulationBehaviour>"
        "<espi:commodity>1</espi:commodity><espi:currency>840</espi:currency>"
        "<espi:flowDirection>1</espi:flowDirection><espi:intervalLength>900</espi:intervalLength>"
        "<espi:kind>12</espi:kind><espi:powerOfTenMultiplier>0</espi:powerOfTenMultiplier>"
        "<espi:uom>72</espi:uom></espi:ReadingType></content>\n </entry>\n");
}

static uint64_t write_reading(int64_t start_s)
{
    int length =
        printf("     <espi:IntervalReading>\n      <espi:cost>%" PRIu32 "</espi:cost>\n"
               "      <espi:timePeriod>\n       <espi:duration>900</espi:duration>\n"
               "       <espi:start>%" PRId64 "</espi:start>\n      </espi:timePeriod>\n"
               "      <espi:value>%" PRIu32 "</espi:value>\n     </espi:IntervalReading>\n",
               next_random() % 30000, start_s, next_random() % 2000);
    return length > 0 ? (uint64_t)length : 0;
}

static uint64_t write_block(uint64_t block, uint64_t left)
{
    int64_t start_s = FEED_START + (int64_t)block * READINGS_PER_BLOCK * 900;
    uint64_t written = 0;
    printf(" <entry>\n  <link rel=\"self\" "
           "href=\"/resource/UsagePoint/1/MeterReading/1/IntervalBlock/%" PRIu64 "\"/>\n"
           "  <link rel=\"up\" href=\"/resource/UsagePoint/1/MeterReading/1/IntervalBlock\"/>\n"
           "  <content>\n   <espi:IntervalBlock>\n    <espi:interval><espi:duration>%d"
           "</espi:duration><espi:start>%" PRId64 "</espi:start></espi:interval>\n",
           block, READINGS_PER_BLOCK * 900, start_s);
    for (int i = 0; i < READINGS_PER_BLOCK && written < left; i++)
        written += write_reading(start_s + i * 900);
    printf("   </espi:IntervalBlock>\n  </content>\n"
           "  <updated>2026-01-01T00:00:00Z</updated>\n </entry>\n");
    return written + 500;
}

int main(int count, char **words)
{
    if (count < 2)
        return fprintf(stderr, "usage: make_feed MEGABYTES [SEED]\n"), 2;
    uint64_t size = strtoull(words[1], NULL, 10) * 1000000;
    random_state = count > 2 ? strtoull(words[2], NULL, 10) : 1;
    write_head();
    uint64_t written = 0;
    for (uint64_t block = 0; written < size; block++)
        written += write_block(block, size - written);
    printf("</feed>\n");
    return ferror(stdout) ? 1 : 0;
}
