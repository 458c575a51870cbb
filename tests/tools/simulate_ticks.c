/* simulate_ticks CONFIGURATION FROM UNTIL LATE: the schedule under a simulated clock that wakes up
 * at most LATE seconds late; a line a tick, "entry due", in seconds. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/schedule/schedule.h"

#define MAX_TICKS 5000

/* libconfig 1.5 forgets a string that a syntax error comes right after; programs end with it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig\n";
}

static uint64_t random_state = 2026;

static int64_t random_up_to(int64_t most)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(random_state >> 33) % (most + 1);
}

/* A restart: every entry is told its memory, as the books have it. */
static void restart(struct schedule *sch)
{
    for (size_t i = 0; i < schedule_count(sch); i++)
        schedule_remember(sch, i, schedule_entry(sch, i)->last_due_s);
}

static void simulate(struct schedule *sch, int64_t from_s, int64_t until_s, int64_t late_s)
{
    static struct tick ticks[MAX_TICKS];
    int64_t now_s = from_s;
    size_t skipped;
    for (size_t i = 0; i < schedule_count(sch); i++)
        schedule_remember(sch, i, from_s);
    (void)schedule_due(sch, now_s, ticks, MAX_TICKS, &skipped);
    while (now_s < until_s) {
        int64_t next_s = schedule_next_due(sch) + random_up_to(late_s);
        now_s = next_s < until_s ? next_s : until_s;
        size_t count = MAX_TICKS;
        while (count == MAX_TICKS) {
            count = schedule_due(sch, now_s, ticks, MAX_TICKS, &skipped);
            for (size_t i = 0; i < count; i++)
                printf("%s %" PRId64 "\n", schedule_entry(sch, ticks[i].entry)->settings->name,
                       ticks[i].due_s);
            if (skipped)
                printf("skipped %zu\n", skipped);
        }
        if (random_up_to(1000) == 0)
            restart(sch);
    }
}

int main(int argc, char **argv)
{
    struct settings s;
    struct schedule *sch;
    struct err e = {0};
    if (argc != 5)
        return 2;
    if (!settings_load(argv[1], &s, &e) || !schedule_new(&s, &sch, &e)) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    simulate(sch, strtoll(argv[2], NULL, 10), strtoll(argv[3], NULL, 10),
             strtoll(argv[4], NULL, 10));
    schedule_free(sch);
    settings_free(&s);
    return 0;
}
