/* Any text as a crontab: refused with its column, or its due times agree with one another. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/schedule/crontab.h"

#define YEAR_S INT64_C(31556952)

static const char *const names[] = {"UTC", "Europe/Berlin", "America/New_York",
                                    "Australia/Lord_Howe"};
static struct timezone_rules *zones[ARRAY_LEN(names)];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct err e;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!timezone_load(names[i], &zones[i], &e))
            abort();
    return 0;
}

static void require(bool ok, const char *what, const char *text)
{
    if (ok)
        return;
    fprintf(stderr, "%s: \"%s\"\n", what, text);
    abort();
}

/* Twenty due times from at_s on: growing, found again looking back, and counted. */
static void walk(const struct crontab *c, const struct timezone_rules *zone, int64_t at_s,
                 const char *text)
{
    int64_t start_s = at_s;
    for (int n = 1; n <= 20; n++) {
        int64_t next_s = crontab_next_after(c, zone, at_s);
        if (next_s == INTERVAL_NEVER)
            return;
        require(next_s > at_s, "no step ahead", text);
        require(next_s - at_s < 41 * YEAR_S || at_s < 0, "silent too long", text);
        require(crontab_latest_at(c, zone, next_s) == next_s, "not found again", text);
        require(crontab_latest_at(c, zone, next_s - 1) <= at_s || at_s < 0, "one between", text);
        require(crontab_count(c, zone, start_s, next_s) == n, "counted wrong", text);
        at_s = next_s;
    }
}

/* Bytes 0 to 3 say when, byte 4 where, the rest is the crontab. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5)
        return 0;
    uint32_t when;
    memcpy(&when, data, sizeof when);
    char *text = strndup((const char *)data + 5, size - 5);
    struct crontab c;
    struct err e = {0};
    if (crontab_parse(text, &c, &e))
        walk(&c, zones[data[4] % ARRAY_LEN(zones)], (int64_t)when * 2, text);
    else
        require(e.kind == ERR_FATAL && strstr(e.text, "column "), "refused without a column", text);
    free(text);
    return 0;
}
