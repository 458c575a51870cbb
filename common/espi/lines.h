/* The lines of a bill: which are charges, and their sum. Pure. */
#ifndef METERBEAT_ESPI_LINES_H
#define METERBEAT_ESPI_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESPI_LINE_TOTALS 16
#define ESPI_LINE_NOTE 200
#define ESPI_LINE_AMOUNTS 64

/* State of one bill; all 0 at its start. Amounts in 1e-5 of the currency. */
struct espi_lines {
    int64_t count;
    int64_t charged;  /* the sum of the charges */
    int64_t balances; /* of balances and payments: carried over from an earlier bill */
    int64_t totals[ESPI_LINE_TOTALS];
    size_t total_count;
    bool unclear; /* a line's amount is unreadable or too large */
    int64_t charges[ESPI_LINE_AMOUNTS], paid[ESPI_LINE_AMOUNTS]; /* the first of each */
    size_t charge_count, paid_count;
    bool unclear_without_total; /* the lines alone do not determine the charges */
    /* the open line */
    int64_t amount, kind;
    char note[ESPI_LINE_NOTE];
    size_t note_len;
};

void espi_lines_begin_line(struct espi_lines *l);
/* Classifies the line by its kind (ESPI's ItemKind: 6 to 8 are credits, 9 a payment, 10
 * information) and its note in English, French, Spanish or German. */
void espi_lines_end_line(struct espi_lines *l);
/*
 * The sum of the charges, or ESPI_ABSENT if it is uncertain: no line has an amount, or one is
 * unreadable; there are totals and none of them equals the lines; there are none, and a line equals
 * the sum of those before it or the amount paid (a total or balance in unrecognised words); or a
 * credit is above 0.
 */
int64_t espi_lines_amount(const struct espi_lines *l);

#endif
