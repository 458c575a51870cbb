/* Crontabs from standard input, one a line: their sets as lists of numbers, or why not. */
#include <stdio.h>
#include <string.h>

#include "common/schedule/crontab.h"

static void print_set(uint64_t set, char end)
{
    const char *comma = "";
    for (int i = 0; i < 64; i++) {
        if (!(set >> i & 1))
            continue;
        printf("%s%d", comma, i);
        comma = ",";
    }
    putchar(end);
}

int main(void)
{
    char line[2000];
    while (fgets(line, sizeof line, stdin)) {
        struct crontab c;
        struct err e = {0};
        line[strcspn(line, "\n")] = '\0';
        if (!crontab_parse(line, &c, &e)) {
            printf("refused: %s\n", e.text);
            continue;
        }
        print_set(c.minutes, ' ');
        print_set(c.hours, ' ');
        print_set(c.days, ' ');
        print_set(c.months, ' ');
        print_set(c.weekdays, '\n');
    }
    return 0;
}
