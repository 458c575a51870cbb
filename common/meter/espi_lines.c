/* The lines of a bill: utilities mix charges with balances, payments and totals of them. */
#include "meter/espi_lines.h"

#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "meter/espi_series.h"

/* ItemKind, NAESB's enumeration of what a line of a bill is. */
#define KIND_PAYMENT 9
#define KIND_INFORMATION 10

void espi_lines_begin_line(struct espi_lines *l)
{
    l->amount = l->kind = ESPI_ABSENT;
    l->note_len = 0;
}

static bool says(const struct espi_lines *l, const char *const *words, size_t count)
{
    for (size_t w = 0; w < count; w++) {
        size_t len = strlen(words[w]);
        for (size_t at = 0; at + len <= l->note_len; at++)
            if (!strncasecmp(l->note + at, words[w], len))
                return true;
    }
    return false;
}

/* What earlier lines come to. */
static bool is_total(const struct espi_lines *l)
{
    static const char *const words[] = {"total", "amount due", "amount owing", "please pay"};
    return says(l, words, ARRAY_LEN(words));
}

/* What an earlier bill left, and what was paid for it. */
static bool is_balance(const struct espi_lines *l)
{
    static const char *const words[] = {"balance", "payment", "forward", "previous", "received"};
    return l->kind == KIND_PAYMENT || says(l, words, ARRAY_LEN(words));
}

static void add(struct espi_lines *l, int64_t *sum)
{
    if (__builtin_add_overflow(*sum, l->amount, sum) || *sum == ESPI_ABSENT)
        l->unclear = true;
}

void espi_lines_end_line(struct espi_lines *l)
{
    if (l->amount == ESPI_ABSENT)
        return;
    l->count++;
    if (l->kind == KIND_INFORMATION)
        return;
    if (is_total(l)) {
        if (l->total_count < ESPI_LINE_TOTALS)
            l->totals[l->total_count++] = l->amount;
    } else {
        add(l, is_balance(l) ? &l->balances : &l->charged);
    }
}

int64_t espi_lines_amount(const struct espi_lines *l)
{
    int64_t due;
    if (l->unclear || l->count == 0 || __builtin_add_overflow(l->charged, l->balances, &due))
        return ESPI_ABSENT;
    for (size_t i = 0; i < l->total_count; i++)
        if (l->totals[i] == l->charged || l->totals[i] == due)
            return l->charged;
    return l->total_count ? ESPI_ABSENT : l->charged;
}
