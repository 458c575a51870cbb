/* KairosDB over HTTP: writes points of one series, and reads back sums and counts by day or month.
 */
#include "common/kairosdb/kairosdb.h"

#include <curl/curl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/redact.h"
#include "common/http/client.h"
#include "common/kairosdb/kairosdb_json.h"

#define KAIROSDB_REQUEST_MAX (4u << 20)
#define KAIROSDB_ANSWER_MAX (1u << 20)
#define KAIROSDB_TOLERANCE 1e-9

struct kairosdb {
    const struct settings *settings;
    CURL *curl;
    struct curl_slist *headers;
    struct buf request, answer;
    bool (*should_stop)(void *context);
    void *context;
};

static size_t kairosdb_on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct kairosdb *k = context;
    return buf_append(&k->answer, bytes, size * count, NULL) ? size * count : 0;
}

static int kairosdb_on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c,
                                curl_off_t d)
{
    struct kairosdb *k = context;
    (void)a, (void)b, (void)c, (void)d;
    return k->should_stop && k->should_stop(k->context);
}

static bool kairosdb_prepare(struct kairosdb *k)
{
    CURL *c = k->curl;
    CURLcode r = curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
    r |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, k->headers);
    r |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, kairosdb_on_body);
    r |= curl_easy_setopt(c, CURLOPT_WRITEDATA, k);
    r |= curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    r |= curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, kairosdb_on_progress);
    r |= curl_easy_setopt(c, CURLOPT_XFERINFODATA, k);
    return r == CURLE_OK;
}

bool kairosdb_open(const struct settings *s, bool (*should_stop)(void *context), void *context,
                   struct kairosdb **ret_kairosdb, struct err *e)
{
    const struct http_setup setup = {.connect_timeout_s = s->kairosdb.connect_timeout_s,
                                     .timeout_s = s->kairosdb.timeout_s,
                                     .ca_file = s->kairosdb.ca_file,
                                     .user = s->kairosdb.user,
                                     .password = s->kairosdb.password};
    struct kairosdb *k = calloc(1, sizeof *k);
    if (!k)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a KairosDB connection");
    *k = (struct kairosdb){.settings = s,
                           .curl = http_new(&setup),
                           .headers = curl_slist_append(NULL, "Content-Type: application/json"),
                           .request = buf_make(KAIROSDB_REQUEST_MAX),
                           .answer = buf_make(KAIROSDB_ANSWER_MAX),
                           .should_stop = should_stop,
                           .context = context};
    if (!k->curl || !k->headers || !kairosdb_prepare(k)) {
        kairosdb_close(k);
        return err_set(e, ERR_RETRY, "no_memory", "cannot prepare a KairosDB connection");
    }
    *ret_kairosdb = k;
    return true;
}

void kairosdb_close(struct kairosdb *k)
{
    if (!k)
        return;
    curl_easy_cleanup(k->curl);
    curl_slist_free_all(k->headers);
    buf_free(&k->request);
    buf_free(&k->answer);
    free(k);
}

void kairosdb_closep(struct kairosdb **k)
{
    kairosdb_close(*k);
    *k = NULL;
}

static bool kairosdb_transport_error(const struct kairosdb *k, CURLcode code, struct err *e)
{
    const char *text = curl_easy_strerror(code);
    switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
        return err_set(e, ERR_RETRY, "kairosdb_stopped", "stopped while asking KairosDB");
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(e, ERR_RETRY, "kairosdb_timeout", "KairosDB: %s", text);
    case CURLE_WRITE_ERROR:
        return err_set(e, ERR_RETRY, "kairosdb_bad_answer", "KairosDB's answer: over %u bytes",
                       KAIROSDB_ANSWER_MAX);
    case CURLE_PEER_FAILED_VERIFICATION:
        return err_set(e, ERR_RETRY, "kairosdb_tls", "KairosDB: %s",
                       http_certificate_fault(k->curl));
    case CURLE_SSL_CONNECT_ERROR:
        return err_set(e, ERR_RETRY, "kairosdb_tls", "KairosDB: %s", HTTP_HANDSHAKE_FAULT);
    default:
        return err_set(e, ERR_RETRY, "kairosdb_unreachable", "KairosDB: %s", text);
    }
}

/* POSTs k->request; *ret_status is set only when it answered. */
static bool kairosdb_post(struct kairosdb *k, const char *url, long *ret_status, struct err *e)
{
    buf_clear(&k->answer);
    curl_easy_setopt(k->curl, CURLOPT_URL, url);
    curl_easy_setopt(k->curl, CURLOPT_POSTFIELDS, k->request.data);
    curl_easy_setopt(k->curl, CURLOPT_POSTFIELDSIZE, (long)k->request.len);
    CURLcode code = curl_easy_perform(k->curl);
    if (code != CURLE_OK)
        return kairosdb_transport_error(k, code, e);
    curl_easy_getinfo(k->curl, CURLINFO_RESPONSE_CODE, ret_status);
    return true;
}

static bool kairosdb_status_error(struct kairosdb *k, const char *what, long status, struct err *e)
{
    char said[300];
    kairosdb_first_error(k->answer.data, k->answer.len, said, sizeof said);
    redact(said, &(struct redact_secrets){.of = {k->settings->kairosdb.password}});
    if (status == 400)
        return err_set(e, ERR_REJECT, "kairosdb_refused", "KairosDB refused %s: %s", what,
                       said[0] ? said : "no reason given");
    return err_set(e, ERR_RETRY, "kairosdb_status", "KairosDB answered %ld to %s%s%s", status, what,
                   said[0] ? ": " : "", said);
}

static bool kairosdb_write_once(struct kairosdb *k, const char *metric,
                                const struct series_tags *tags, const struct kairosdb_point *points,
                                size_t count, long *ret_status, struct err *e)
{
    buf_clear(&k->request);
    if (!kairosdb_write_body(&k->request, metric, tags, points, count, e) ||
        !kairosdb_post(k, k->settings->kairosdb.insert_url, ret_status, e))
        return false;
    return *ret_status == 204 || kairosdb_status_error(k, "points", *ret_status, e);
}

/* After a 500 the halves are tried apart, once: one point that its storage chokes on takes the
 * whole request with it, and the error then names half as many. Resending is safe. */
static bool kairosdb_write_batch(struct kairosdb *k, const char *metric,
                                 const struct series_tags *tags,
                                 const struct kairosdb_point *points, size_t count, struct err *e)
{
    long status = 0;
    if (kairosdb_write_once(k, metric, tags, points, count, &status, e))
        return true;
    if (status != 500 || count < 2)
        return false;
    size_t half = count / 2;
    bool first = kairosdb_write_once(k, metric, tags, points, half, &status, e);
    bool second = kairosdb_write_once(k, metric, tags, points + half, count - half, &status, e);
    return first && second;
}

bool kairosdb_write(struct kairosdb *k, const char *metric, const struct series_tags *tags,
                    const struct kairosdb_point *points, size_t count, struct err *e)
{
    size_t batch = (size_t)k->settings->kairosdb.batch_points;
    for (size_t done = 0; done < count; done += batch) {
        size_t n = count - done < batch ? count - done : batch;
        if (!kairosdb_write_batch(k, metric, tags, points + done, n, e))
            return false;
    }
    return true;
}

static bool kairosdb_days(struct kairosdb *k, const char *metric, const struct series_tags *tags,
                          const struct kairosdb_cut *cut,
                          struct kairosdb_bucket ret_days[KAIROSDB_CUT_DAYS], size_t *ret_count,
                          struct err *e)
{
    long status = 0;
    buf_clear(&k->request);
    if (!kairosdb_query_body(&k->request, metric, tags, cut, e) ||
        !kairosdb_post(k, k->settings->kairosdb.query_url, &status, e))
        return false;
    if (status != 200)
        return kairosdb_status_error(k, "a query", status, e);
    return kairosdb_query_read(k->answer.data ? k->answer.data : "", k->answer.len, cut, ret_days,
                               KAIROSDB_CUT_DAYS, ret_count, e);
}

bool kairosdb_sums(struct kairosdb *k, const char *metric, const struct series_tags *tags,
                   enum kairosdb_span span, const struct timezone_rules *zone, int64_t from_s,
                   int64_t to_s, struct kairosdb_bucket *ret_buckets, size_t max, size_t *ret_count,
                   struct err *e)
{
    struct kairosdb_bucket days[KAIROSDB_CUT_DAYS];
    size_t days_count;
    *ret_count = 0;
    for (struct kairosdb_cut cut; from_s < to_s; from_s = cut.to_s) {
        cut = kairosdb_cut_first(zone, from_s, to_s);
        if (!kairosdb_days(k, metric, tags, &cut, days, &days_count, e) ||
            !kairosdb_cut_add(zone, span, days, days_count, ret_buckets, max, ret_count, e))
            return false;
    }
    return true;
}

bool kairosdb_points(struct kairosdb *k, const char *metric, const struct series_tags *tags,
                     int64_t from_s, int64_t to_s, struct kairosdb_point *ret_points, size_t max,
                     size_t *ret_count, int64_t *ret_next_s, struct err *e)
{
    long status = 0;
    buf_clear(&k->request);
    if (!kairosdb_points_body(&k->request, metric, tags, from_s, to_s, max, e) ||
        !kairosdb_post(k, k->settings->kairosdb.query_url, &status, e))
        return false;
    if (status != 200)
        return kairosdb_status_error(k, "a query", status, e);
    return kairosdb_points_read(k->answer.data ? k->answer.data : "", k->answer.len, to_s,
                                ret_points, max, ret_count, ret_next_s, e);
}

struct kairosdb_bucket kairosdb_bucket_at(const struct kairosdb_bucket *buckets, size_t count,
                                          int64_t start_s)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (buckets[middle].start_s < start_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < count && buckets[low].start_s == start_s)
        return buckets[low];
    return (struct kairosdb_bucket){.start_s = start_s};
}

bool kairosdb_same_sum(double shown, double expected, double size)
{
    return fabs(shown - expected) <= KAIROSDB_TOLERANCE * size;
}
