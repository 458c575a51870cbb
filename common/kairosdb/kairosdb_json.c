/* KairosDB's request and answer bodies: pure, bytes to values and back. */
#include "common/kairosdb/kairosdb_json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/decimal.h"

/* 1973 to 2286: seconds or nanoseconds sent by mistake would be stored quietly elsewhere. */
#define POINT_MIN_S INT64_C(100000000)
#define POINT_MAX_S INT64_C(10000000000)

static bool kairosdb_point_text(const struct kairosdb_point *p, const char *separator,
                                struct buf *b, struct err *e)
{
    char value[DECIMAL_TEXT], text[DECIMAL_TEXT + 32];
    if (p->start_s < POINT_MIN_S || p->start_s >= POINT_MAX_S)
        return err_set(e, ERR_REJECT, "bad_point",
                       "a reading that starts at %" PRId64
                       " epoch seconds, which is not between 1973 and 2286",
                       p->start_s);
    if (!decimal_print(p->value, value))
        return err_set(e, ERR_REJECT, "bad_point", "the reading at %" PRId64 " is not finite",
                       p->start_s);
    int n = snprintf(text, sizeof text, "%s[%" PRId64 "000,%s]", separator, p->start_s, value);
    return buf_append(b, text, (size_t)n, e);
}

bool kairosdb_write_body(struct buf *b, const char *metric, const struct series_tags *tags,
                         const struct kairosdb_point *points, size_t count, struct err *e)
{
    /* the type is part of a point's identity: a whole number must not become another point */
    if (!buf_printf(b, e, "[{\"name\":\"%s\",\"type\":\"double\",\"tags\":", metric) ||
        !series_tags_json(tags, b, e) || !buf_printf(b, e, ",\"datapoints\":["))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!kairosdb_point_text(&points[i], i ? "," : "", b, e))
            return false;
    return buf_printf(b, e, "]}]");
}

static bool kairosdb_query_metric(struct buf *b, const char *metric, const struct series_tags *tags,
                                  const char *aggregator, int64_t length_s, struct err *e)
{
    /* not aligned: the first begins where the query does, and each is as long as it says */
    return buf_printf(b, e, "{\"name\":\"%s\",\"tags\":", metric) && series_tags_json(tags, b, e) &&
           buf_printf(b, e,
                      ",\"aggregators\":[{\"name\":\"%s\",\"align_sampling\":false,"
                      "\"align_start_time\":true,\"sampling\":{\"value\":%" PRId64
                      ",\"unit\":\"milliseconds\"}}]}",
                      aggregator, length_s * 1000);
}

bool kairosdb_query_body(struct buf *b, const char *metric, const struct series_tags *tags,
                         const struct kairosdb_cut *cut, struct err *e)
{
    /* both ends are inclusive, and without a zone KairosDB takes its own machine's */
    return buf_printf(b, e,
                      "{\"start_absolute\":%" PRId64 ",\"end_absolute\":%" PRId64
                      ",\"time_zone\":\"UTC\",\"metrics\":[",
                      cut->from_s * 1000, cut->to_s * 1000 - 1) &&
           kairosdb_query_metric(b, metric, tags, "sum", cut->length_s, e) &&
           buf_printf(b, e, ",") &&
           kairosdb_query_metric(b, metric, tags, "count", cut->length_s, e) &&
           buf_printf(b, e, "]}");
}

static bool bad_answer(struct err *e, const char *what)
{
    return err_set(e, ERR_RETRY, "kairosdb_bad_answer", "KairosDB's answer: %s", what);
}

/* Numbers come as integers, with exponents, or (from its work-alikes) as strings. */
static bool kairosdb_number(const json_t *value, double *ret_number)
{
    if (json_is_number(value)) {
        *ret_number = json_number_value(value);
        return isfinite(*ret_number);
    }
    if (!json_is_string(value))
        return false;
    char *end;
    errno = 0;
    *ret_number = strtod(json_string_value(value), &end);
    return end != json_string_value(value) && !*end && !errno && isfinite(*ret_number);
}

/* Beyond every year that a date has four digits for; and more points than any day holds.
 */
#define STAMP_MAX_MS 253402300800000.0
#define COUNT_MAX 1e12

/* One [stamp, number] of an answer. */
static bool kairosdb_read_pair(const json_t *pair, int64_t *ret_start_s, double *ret_number,
                               struct err *e)
{
    double stamp_ms;
    if (json_array_size(pair) != 2 || !kairosdb_number(json_array_get(pair, 0), &stamp_ms) ||
        !kairosdb_number(json_array_get(pair, 1), ret_number))
        return bad_answer(e, "a value that is no pair of numbers");
    if (fabs(stamp_ms) > STAMP_MAX_MS)
        return bad_answer(e, "a time that is none");
    *ret_start_s = (int64_t)(stamp_ms / 1000);
    return true;
}

struct bucket_list {
    const struct kairosdb_cut *cut;
    struct kairosdb_bucket *buckets;
    size_t count, max;
};

/* The bucket of that start, in order; NULL when there is no room for one more. */
static struct kairosdb_bucket *bucket_at(struct bucket_list *list, int64_t start_s)
{
    size_t i = list->count;
    while (i > 0 && list->buckets[i - 1].start_s > start_s)
        i--;
    if (i > 0 && list->buckets[i - 1].start_s == start_s)
        return &list->buckets[i - 1];
    if (list->count == list->max)
        return NULL;
    memmove(&list->buckets[i + 1], &list->buckets[i], (list->count - i) * sizeof list->buckets[0]);
    list->count++;
    list->buckets[i] = (struct kairosdb_bucket){.start_s = start_s};
    return &list->buckets[i];
}

static bool kairosdb_read_values(const json_t *values, bool is_count, struct bucket_list *list,
                                 struct err *e)
{
    size_t index;
    json_t *pair;
    if (!json_is_array(values))
        return bad_answer(e, "a result without values");
    json_array_foreach(values, index, pair) {
        int64_t start_s;
        double number;
        if (!kairosdb_read_pair(pair, &start_s, &number, e))
            return false;
        if (start_s < list->cut->from_s || start_s >= list->cut->to_s)
            return bad_answer(e, "a time that was not asked for");
        if (is_count && !(number >= 0 && number <= COUNT_MAX))
            return bad_answer(e, "a count that is none");
        struct kairosdb_bucket *bucket = bucket_at(list, kairosdb_cut_day(list->cut, start_s));
        if (!bucket)
            return bad_answer(e, "more days than asked for");
        if (is_count)
            bucket->count += (int64_t)number;
        else
            bucket->sum += number;
    }
    return true;
}

/* Points of several types come as several results of one query. */
static bool kairosdb_read_results(const json_t *query, bool is_count, struct bucket_list *list,
                                  struct err *e)
{
    const json_t *results = json_object_get(query, "results");
    size_t index;
    json_t *result;
    if (!json_is_array(results))
        return bad_answer(e, "a query without results");
    json_array_foreach(results, index, result)
        if (!kairosdb_read_values(json_object_get(result, "values"), is_count, list, e))
            return false;
    return true;
}

bool kairosdb_query_read(const char *json, size_t len, const struct kairosdb_cut *cut,
                         struct kairosdb_bucket *ret_days, size_t max, size_t *ret_count,
                         struct err *e)
{
    json_error_t at;
    json_auto_t *answer = json_loadb(json, len, JSON_REJECT_DUPLICATES, &at);
    if (!answer)
        return bad_answer(e, at.text);
    const json_t *queries = json_object_get(answer, "queries");
    if (json_array_size(queries) != 2)
        return bad_answer(e, "not two queries");
    struct bucket_list list = {.cut = cut, .buckets = ret_days, .max = max};
    if (!kairosdb_read_results(json_array_get(queries, 0), false, &list, e) ||
        !kairosdb_read_results(json_array_get(queries, 1), true, &list, e))
        return false;
    *ret_count = list.count;
    return true;
}

/* --- points as they are stored --------------------------------------------------------------- */

bool kairosdb_points_body(struct buf *b, const char *metric, const struct series_tags *tags,
                          int64_t from_s, int64_t to_s, size_t limit, struct err *e)
{
    return buf_printf(
               b, e,
               "{\"start_absolute\":%" PRId64 ",\"end_absolute\":%" PRId64
               ",\"time_zone\":\"UTC\",\"metrics\":[{\"name\":\"%s\",\"limit\":%zu,\"tags\":",
               from_s * 1000, to_s * 1000 - 1, metric, limit) &&
           series_tags_json(tags, b, e) && buf_printf(b, e, "}]}");
}

struct point_list {
    struct kairosdb_point *points;
    size_t count, max;
    int64_t end_s; /* what begins here or later is for the next page */
};

/* In order; what there is no room for moves the end of the page before it. */
static void point_add(struct point_list *list, struct kairosdb_point point)
{
    if (point.start_s >= list->end_s)
        return;
    if (list->count == list->max) {
        struct kairosdb_point *last = &list->points[list->count - 1];
        list->end_s = last->start_s > point.start_s ? last->start_s : point.start_s;
        while (list->count && list->points[list->count - 1].start_s >= list->end_s)
            list->count--;
        point_add(list, point);
        return;
    }
    size_t i = list->count++;
    for (; i > 0 && list->points[i - 1].start_s > point.start_s; i--)
        list->points[i] = list->points[i - 1];
    list->points[i] = point;
}

static bool kairosdb_read_points(const json_t *values, struct point_list *list, struct err *e)
{
    size_t index;
    json_t *pair;
    struct kairosdb_point point = {0};
    if (!json_is_array(values))
        return bad_answer(e, "a result without values");
    json_array_foreach(values, index, pair) {
        if (!kairosdb_read_pair(pair, &point.start_s, &point.value, e))
            return false;
        point_add(list, point);
    }
    /* as many as asked for: there may be more, from the second of the last on */
    if (json_array_size(values) >= list->max && point.start_s < list->end_s) {
        list->end_s = point.start_s;
        while (list->count && list->points[list->count - 1].start_s >= list->end_s)
            list->count--;
    }
    return true;
}

bool kairosdb_points_read(const char *json, size_t len, int64_t to_s,
                          struct kairosdb_point *ret_points, size_t max, size_t *ret_count,
                          int64_t *ret_next_s, struct err *e)
{
    json_error_t at;
    json_auto_t *answer = json_loadb(json, len, JSON_REJECT_DUPLICATES, &at);
    struct point_list list = {.points = ret_points, .max = max, .end_s = to_s};
    size_t index;
    json_t *result;
    if (!answer)
        return bad_answer(e, at.text);
    json_t *results =
        json_object_get(json_array_get(json_object_get(answer, "queries"), 0), "results");
    if (!json_is_array(results))
        return bad_answer(e, "a query without results");
    json_array_foreach(results, index, result)
        if (!kairosdb_read_points(json_object_get(result, "values"), &list, e))
            return false;
    if (!list.count && list.end_s < to_s)
        return bad_answer(e, "more points in one second than fit a page");
    *ret_count = list.count;
    *ret_next_s = list.end_s;
    return true;
}

const char *kairosdb_first_error(const char *json, size_t len, char *out, size_t size)
{
    json_auto_t *answer = json_loadb(json ? json : "", len, 0, NULL);
    const char *text = json_string_value(json_array_get(json_object_get(answer, "errors"), 0));
    snprintf(out, size, "%s", text ? text : "");
    return out;
}
