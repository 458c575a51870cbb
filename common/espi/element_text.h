/* What the texts of a feed mean: numbers, instants, hrefs. Pure, any thread. */
#ifndef METERBEAT_ESPI_ELEMENT_TEXT_H
#define METERBEAT_ESPI_ELEMENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

enum espi_number {
    ESPI_NUMBER_OK,
    ESPI_NUMBER_EMPTY,    /* nothing but white space: *ret_value is ESPI_ABSENT */
    ESPI_NUMBER_FRACTION, /* digits other than 0 behind a point: *ret_value is rounded down */
    ESPI_NUMBER_BAD,      /* no decimal number, or not within int64: *ret_value is ESPI_ABSENT */
};

/* A whole number with white space round it, perhaps with a fraction; "1e3" is none. */
MUST_CHECK enum espi_number espi_text_number(const char *text, size_t len, int64_t *ret_value);
/*
 * An amount with any number of decimals, exactly: *ret_value x 10^*ret_exponent with the exponent
 * nearest to 0, which is never above it ("2.50" is 25e-1, "1.5e3" 1500). ESPI_NUMBER_OK, _EMPTY, or
 * _BAD: no number, or none that 64 bits and ESPI_PLACES_MAX decimals hold.
 */
#define ESPI_PLACES_MAX 30
MUST_CHECK enum espi_number espi_text_decimal(const char *text, size_t len, int64_t *ret_value,
                                              int32_t *ret_exponent);
/* Whether a text that is no number was meant as one: "1,234.5", and not "n/a". */
bool espi_text_has_digit(const char *text, size_t len);
/* "2026-03-08T06:59:00.25-05:00" as epoch seconds, rounded down; without a zone it is UTC.
 * ESPI_ABSENT: no instant. */
int64_t espi_text_instant(const char *text, size_t len);
/*
 * The part of an href that compares: without white space round it, scheme, host and outer slashes.
 * The result lies within the text; an href with no path has length 0.
 */
const char *espi_text_href(const char *text, size_t len, size_t *ret_len);
/* The length of an href without its last segment; 0 when it has one only. */
size_t espi_text_parent(const char *href, size_t len);
/* text without white space at both ends. */
const char *espi_text_trim(const char *text, size_t len, size_t *ret_len);

#endif
