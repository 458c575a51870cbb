/* The lines of a bill: utilities mix charges with balances, payments and totals of them. */
#include "common/espi/lines.h"

#include <string.h>
#include <strings.h>

#include "common/base/attr.h"
#include "common/espi/feed_series.h"

/* ItemKind, NAESB's enumeration of what a line of a bill is. */
#define KIND_CREDIT_FIRST 6
#define KIND_CREDIT_LAST 8
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
    static const char *const words[] = {
        "total",         "amount due",        "amount owing",   "please pay", "current charges",
        "new charges",   "montant d\xc3\xbb", "\xc3\xa0 payer", "a payer",    "importe a pagar",
        "total a pagar", "rechnungsbetrag",   "gesamt",         "zahlbetrag"};
    return says(l, words, ARRAY_LEN(words));
}

/* Energy, its delivery and taxes, and credits of them. Balances are seen as administrative fees. */
static bool is_of_this_bill(int64_t kind)
{
    return kind >= 1 && kind <= KIND_CREDIT_LAST && kind != 4 && kind != 8;
}

/* What an earlier bill left, and what was paid for it. */
static bool is_balance(const struct espi_lines *l)
{
    static const char *const words[] = {
        "balance", "payment", "forward", "previous", "received", "solde",   "paiement",   "saldo",
        "pago",    "zahlung", "vortrag", "arrears",  "past due", "overdue", "outstanding"};
    /* "late payment charge" is one of this bill */
    static const char *const fees[] = {"late ", "fee", "interest", "penalty", "payment charge"};
    if (l->kind == KIND_PAYMENT || is_of_this_bill(l->kind))
        return l->kind == KIND_PAYMENT;
    return says(l, words, ARRAY_LEN(words)) && !says(l, fees, ARRAY_LEN(fees));
}

static void add(struct espi_lines *l, int64_t *sum)
{
    if (__builtin_add_overflow(*sum, l->amount, sum) || *sum == ESPI_ABSENT)
        l->unclear = true;
}

static void remember(int64_t amounts[ESPI_LINE_AMOUNTS], size_t *count, int64_t amount)
{
    if (*count < ESPI_LINE_AMOUNTS && amount != 0)
        amounts[(*count)++] = amount;
}

static void add_charge(struct espi_lines *l)
{
    int64_t due;
    bool is_credit = l->kind >= KIND_CREDIT_FIRST && l->kind <= KIND_CREDIT_LAST;
    bool sums = !__builtin_add_overflow(l->charged, l->balances, &due);
    bool is_sum = l->charge_count > 0 && l->amount != 0 &&
                  (l->amount == l->charged || (sums && l->amount == due));
    /* two lines of one amount are two charges where both have a kind */
    bool may_repeat = l->charge_count == 1 && l->kind != ESPI_ABSENT;
    l->unclear_without_total |= (is_credit && l->amount > 0) || (is_sum && !may_repeat);
    remember(l->charges, &l->charge_count, l->amount);
    add(l, &l->charged);
}

static void add_balance(struct espi_lines *l)
{
    if (l->amount > INT64_MIN + 1 && l->amount < 0)
        remember(l->paid, &l->paid_count, -l->amount);
    add(l, &l->balances);
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
        is_balance(l) ? add_balance(l) : add_charge(l);
    }
}

/* A charge of just what was paid may be the balance that was. */
static bool charges_what_was_paid(const struct espi_lines *l)
{
    for (size_t i = 0; i < l->charge_count; i++)
        for (size_t p = 0; p < l->paid_count; p++)
            if (l->charges[i] == l->paid[p] && l->balances < 0)
                return true;
    return false;
}

int64_t espi_lines_amount(const struct espi_lines *l)
{
    int64_t due;
    bool only_balances = l->charge_count == 0 && l->charged == 0 && l->balances != 0;
    if (l->unclear || l->count == 0 || only_balances ||
        __builtin_add_overflow(l->charged, l->balances, &due))
        return ESPI_ABSENT;
    for (size_t i = 0; i < l->total_count; i++)
        if (l->totals[i] == l->charged || l->totals[i] == due)
            return l->charged;
    bool certain = !l->total_count && !l->unclear_without_total && !charges_what_was_paid(l);
    return certain ? l->charged : ESPI_ABSENT;
}
