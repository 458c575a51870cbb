/* How fast meterbeat reads a feed, beside sax_limit: feed_speed FILE [TIMES]. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "common/espi/reader.h"

#define PIECE 16384

struct total {
    unsigned long readings;
    long long sum;
};

static bool add(void *context, const struct espi_reading *r, struct err *e)
{
    (void)e;
    struct total *t = context;
    t->readings++;
    t->sum += r->value;
    return true;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Returns seconds, or -1 after printing why. */
static double read_once(FILE *in, struct total *total, unsigned long long *ret_bytes)
{
    static char piece[PIECE];
    struct err e = {0};
    struct espi_sink sink = {.reading = add, .context = total};
    *total = (struct total){0};
    *ret_bytes = 0;
    double begin = seconds_now();
    struct espi *feed = espi_open(NULL, &sink, &e);
    bool right = feed != NULL;
    for (size_t len; right && (len = fread(piece, 1, sizeof piece, in)) > 0; *ret_bytes += len)
        right = espi_write(feed, piece, len, &e);
    right = right && espi_finish(feed, &e);
    espi_free(feed);
    if (!right)
        fprintf(stderr, "%s: %s\n", e.code, e.text);
    return right ? seconds_now() - begin : -1;
}

int main(int count, char **words)
{
    FILE *in = count > 1 ? fopen(words[1], "rb") : NULL;
    if (!in)
        return fprintf(stderr, "usage: feed_speed FILE [TIMES]\n"), 2;
    double best = 1e9;
    struct total total;
    unsigned long long bytes = 0;
    int times = count > 2 ? atoi(words[2]) : 1;
    for (int i = 0; i < times; i++) {
        if (i)
            rewind(in);
        double seconds = read_once(in, &total, &bytes);
        if (seconds < 0)
            return 1;
        best = seconds < best ? seconds : best;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%-9s %8.1f MB/s  %5.1f MiB  %9lu readings  sum %lld\n", "meterbeat",
           (double)bytes / 1e6 / best, (double)usage.ru_maxrss / 1024, total.readings, total.sum);
    fclose(in);
    return 0;
}
