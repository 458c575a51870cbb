/* When a failed attempt is tried again, and when it is not: the retry ladder as a pure decision. */
#include "worker/runtime/retry.h"

int64_t retry_delay(struct ladder ladder, int64_t failed, int32_t retry_after_s, uint32_t random)
{
    if (failed < 0)
        failed = 0;
    if ((uint64_t)failed >= ladder.rungs)
        return 0;
    size_t rung = (size_t)failed;
    if (random % 4 == 0 && rung + 1 < ladder.rungs)
        rung++;
    while (ladder.delays_s[rung] < retry_after_s && rung + 1 < ladder.rungs)
        rung++;
    return ladder.delays_s[rung];
}

int64_t retry_delay_within(struct ladder ladder, int64_t wait_ms)
{
    int64_t longest = 0;
    for (size_t i = 0; i < ladder.rungs; i++)
        if (ladder.delays_s[i] <= wait_ms / 1000 && ladder.delays_s[i] > longest)
            longest = ladder.delays_s[i];
    return longest;
}

int64_t retry_delay_instead(struct ladder ladder, int64_t delay_s, size_t n)
{
    for (size_t i = ladder.rungs; i-- > 0;)
        if (ladder.delays_s[i] < delay_s && n-- == 0)
            return ladder.delays_s[i];
    for (size_t i = 0; i < ladder.rungs; i++)
        if (ladder.delays_s[i] > delay_s && n-- == 0)
            return ladder.delays_s[i];
    return 0;
}
