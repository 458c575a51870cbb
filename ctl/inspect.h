/* `meterbeatctl inspect`: what Green Button files hold, series by series, without any server. */
#ifndef METERBEAT_CTL_INSPECT_H
#define METERBEAT_CTL_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Reads each file ("-" = standard input; gzip and ZIP are unpacked) and prints its series and then
 * the file itself: one JSON object a line, or columns for people. Returns the exit status: 0 when
 * every file was well-formed, 1 otherwise.
 */
int inspect_main(const char *const *files, size_t count, bool json, FILE *out);

#endif
