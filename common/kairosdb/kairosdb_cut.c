/* Local days as KairosDB can cut them without knowing a zone: rows of days of one length. */
#include "common/kairosdb/kairosdb_cut.h"

static int64_t earlier_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct kairosdb_cut kairosdb_cut_first(const struct timezone_rules *zone, int64_t from_s,
                                       int64_t to_s)
{
    int64_t day_s = timezone_day_start(zone, from_s, 0);
    int64_t end_s = timezone_day_start(zone, from_s, 1);
    struct kairosdb_cut cut = {.from_s = from_s, .to_s = earlier_of(end_s, to_s), .day_s = day_s};
    cut.length_s = cut.to_s - from_s;
    if (day_s < from_s)
        return cut;
    for (int n = 1; n < KAIROSDB_CUT_DAYS && end_s < to_s; n++) {
        int64_t next_s = timezone_day_start(zone, end_s, 1);
        if (next_s - end_s != cut.length_s)
            break;
        end_s = next_s;
        cut.to_s = earlier_of(end_s, to_s);
    }
    return cut;
}

int64_t kairosdb_cut_day(const struct kairosdb_cut *cut, int64_t at_s)
{
    int64_t passed = (at_s - cut->from_s) / cut->length_s;
    return passed ? cut->from_s + passed * cut->length_s : cut->day_s;
}

bool kairosdb_cut_add(const struct timezone_rules *zone, enum kairosdb_span span,
                      const struct kairosdb_bucket *days, size_t days_count,
                      struct kairosdb_bucket *buckets, size_t max, size_t *count, struct err *e)
{
    for (size_t i = 0; i < days_count; i++) {
        int64_t start_s = span == KAIROSDB_DAYS ? days[i].start_s
                                                : timezone_month_start(zone, days[i].start_s, 0);
        if (!*count || buckets[*count - 1].start_s != start_s) {
            if (*count == max)
                return err_set(e, ERR_RETRY, "kairosdb_bad_answer",
                               "KairosDB's answer: more days or months than asked for");
            buckets[(*count)++] = (struct kairosdb_bucket){.start_s = start_s};
        }
        buckets[*count - 1].sum += days[i].sum;
        buckets[*count - 1].count += days[i].count;
    }
    return true;
}
