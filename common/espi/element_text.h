/* Parses the texts of a feed's elements: numbers, instants, hrefs. Pure, any thread. */
#ifndef METERBEAT_ESPI_ELEMENT_TEXT_H
#define METERBEAT_ESPI_ELEMENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

enum espi_number {
    ESPI_NUMBER_OK,
    ESPI_NUMBER_EMPTY,    /* only white space: *ret_value is ESPI_ABSENT */
    ESPI_NUMBER_FRACTION, /* nonzero digits after the decimal point: *ret_value is rounded down */
    ESPI_NUMBER_BAD,      /* not a decimal number, or outside int64: *ret_value is ESPI_ABSENT */
};

/* Parses a whole number, with surrounding white space and perhaps a fraction; "1e3" is rejected. */
MUST_CHECK enum espi_number espi_text_number(const char *text, size_t len, int64_t *ret_value);
/*
 * Parses an amount with any number of decimals, exactly: *ret_value x 10^*ret_exponent, with the
 * exponent nearest to 0 and never above it ("2.50" is 25e-1, "1.5e3" is 1500). ESPI_NUMBER_OK,
 * _EMPTY, or _BAD: not a number, or one that 64 bits and ESPI_PLACES_MAX decimals cannot hold.
 */
#define ESPI_PLACES_MAX 30
MUST_CHECK enum espi_number espi_text_decimal(const char *text, size_t len, int64_t *ret_value,
                                              int32_t *ret_exponent);
/* Whether a text that is not a number was meant as one: "1,234.5", but not "n/a". */
bool espi_text_has_digit(const char *text, size_t len);
/* Parses "2026-03-08T06:59:00.25-05:00" to epoch seconds, rounded down; UTC if it has no zone.
 * ESPI_ABSENT: not an instant. */
int64_t espi_text_instant(const char *text, size_t len);
/* The part of an href that is compared: without surrounding white space, scheme, host and outer
 * slashes. The result points into the text; an href without a path has length 0. */
const char *espi_text_href(const char *text, size_t len, size_t *ret_len);
/* The length of an href without its last segment; 0 if it has only one. */
size_t espi_text_parent(const char *href, size_t len);
/* text without white space at both ends. */
const char *espi_text_trim(const char *text, size_t len, size_t *ret_len);

#endif
