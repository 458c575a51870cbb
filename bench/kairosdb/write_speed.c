/* How fast meterbeat writes readings into KairosDB: write_speed URL METRIC POINTS BATCH [FOLDER],
 * where with a FOLDER the same bodies go into files there, for curl to replay. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/kairosdb/kairosdb_json.h"

#define SERIES_POINTS 35040 /* a year of quarter-hours */

static int fail(const struct err *e)
{
    fprintf(stderr, "write_speed: %s: %s\n", e->code, e->text);
    return 1;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct series_tags tags_of_meter(long number)
{
    static const char *const values[SERIES_TAGS] = {"42",  "",       "electricity", "0",  "forward",
                                                    "900", "energy", "12",          "Wh", "72"};
    struct series_tags tags;
    for (int i = 0; i < SERIES_TAGS; i++)
        snprintf(tags.values[i], sizeof tags.values[i], "%s", values[i]);
    snprintf(tags.values[TAG_CUSTOM_METER_ID], SERIES_TAG_BYTES, "meter-%ld", number);
    return tags;
}

static size_t points_of_batch(struct kairosdb_point *points, long first, long count, long batch)
{
    size_t n = 0;
    for (long i = first;
         i < count && n < (size_t)batch && i / SERIES_POINTS == first / SERIES_POINTS; i++)
        points[n++] = (struct kairosdb_point){.start_s = 1704067200 + i % SERIES_POINTS * 900,
                                              .value = (double)(i * 7919 % 4000) / 10};
    return n;
}

static bool dump(const char *folder, long first, const char *metric, const struct series_tags *tags,
                 const struct kairosdb_point *points, size_t n, struct err *e)
{
    char path[4096];
    struct buf b CLEANUP(buf_free) = buf_make(1 << 24);
    if (!kairosdb_write_body(&b, metric, tags, points, n, e))
        return false;
    snprintf(path, sizeof path, "%s/%09ld.json", folder, first);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(b.data, 1, b.len, file) != b.len || fclose(file) != 0)
        return err_set(e, ERR_FATAL, "file", "cannot write %s", path);
    return true;
}

int main(int count, char **arguments)
{
    if (count < 5) {
        fprintf(stderr, "usage: write_speed URL METRIC POINTS BATCH [FOLDER]\n");
        return 2;
    }
    const char *metric = arguments[2], *folder = count > 5 ? arguments[5] : NULL;
    long total = atol(arguments[3]), batch = atol(arguments[4]);
    struct settings s = {.kairosdb = {.insert_url = arguments[1],
                                      .batch_points = batch,
                                      .connect_timeout_s = 10,
                                      .timeout_s = 120}};
    struct kairosdb *k CLEANUP(kairosdb_closep) = NULL;
    struct kairosdb_point *points = calloc((size_t)batch, sizeof *points);
    struct err e = {0};
    if (!points || !kairosdb_open(&s, NULL, NULL, &k, &e))
        return fail(&e);
    double start = seconds_now();
    for (long first = 0; first < total;) {
        struct series_tags tags = tags_of_meter(first / SERIES_POINTS);
        size_t n = points_of_batch(points, first, total, batch);
        if (folder ? !dump(folder, first, metric, &tags, points, n, &e)
                   : !kairosdb_write(k, metric, &tags, points, n, &e))
            return fail(&e);
        first += (long)n;
    }
    double took = seconds_now() - start;
    if (!folder)
        printf("meterbeat  batch %5ld  %8.0f points/s\n", batch, (double)total / took);
    free(points);
    return 0;
}
