/* The lines of a bill: which of them are charged, and what they come to. Pure. */
#ifndef METERBEAT_ESPI_LINES_H
#define METERBEAT_ESPI_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESPI_LINE_TOTALS 16
#define ESPI_LINE_NOTE 200
#define ESPI_LINE_AMOUNTS 64

/* Of one bill so far; all 0 at its begin. Amounts in 1e-5 of the currency. */
struct espi_lines {
    int64_t count;
    int64_t charged;  /* the sum of what is charged */
    int64_t balances; /* of balances and payments: what an earlier bill left */
    int64_t totals[ESPI_LINE_TOTALS];
    size_t total_count;
    bool unclear; /* a line whose amount cannot be read, or too much of it */
    int64_t charges[ESPI_LINE_AMOUNTS], paid[ESPI_LINE_AMOUNTS]; /* the first ones of each */
    size_t charge_count, paid_count;
    bool unclear_without_total; /* the lines alone do not tell what is charged */
    /* the open line */
    int64_t amount, kind;
    char note[ESPI_LINE_NOTE];
    size_t note_len;
};

void espi_lines_begin_line(struct espi_lines *l);
/* By its kind (ESPI's ItemKind: 6 to 8 are credits, 9 a payment, 10 information) and its note, in
 * English, French, Spanish or German. */
void espi_lines_end_line(struct espi_lines *l);
/*
 * What is charged in all, or ESPI_ABSENT where that is not certain: no line has an amount, one
 * cannot be read, there are totals and none of them is what the lines come to, or there is none and
 * a line is what those before it come to or what was paid (a total or a balance in words that
 * nobody here knows), or a credit is above 0.
 */
int64_t espi_lines_amount(const struct espi_lines *l);

#endif
