/* When a failed attempt is tried again, and when it is not: the backoff schedule. */
#include "worker/runtime/retry.h"

int64_t retry_delay(struct backoff_schedule schedule, int64_t failed, int32_t retry_after_s,
                    uint32_t random)
{
    if (failed < 0)
        failed = 0;
    if ((uint64_t)failed >= schedule.count)
        return 0;
    size_t i = (size_t)failed;
    if (random % 4 == 0 && i + 1 < schedule.count)
        i++;
    while (schedule.delays_s[i] < retry_after_s && i + 1 < schedule.count)
        i++;
    return schedule.delays_s[i];
}

int64_t retry_delay_within(struct backoff_schedule schedule, int64_t wait_ms)
{
    int64_t longest = 0;
    for (size_t i = 0; i < schedule.count; i++)
        if (schedule.delays_s[i] <= wait_ms / 1000 && schedule.delays_s[i] > longest)
            longest = schedule.delays_s[i];
    return longest;
}

int64_t retry_delay_instead(struct backoff_schedule schedule, int64_t delay_s, size_t n)
{
    for (size_t i = schedule.count; i-- > 0;)
        if (schedule.delays_s[i] < delay_s && n-- == 0)
            return schedule.delays_s[i];
    for (size_t i = 0; i < schedule.count; i++)
        if (schedule.delays_s[i] > delay_s && n-- == 0)
            return schedule.delays_s[i];
    return 0;
}
