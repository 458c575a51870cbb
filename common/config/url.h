/* URLs and database addresses: are they any, and what password is in them? */
#ifndef METERBEAT_CONFIG_URL_H
#define METERBEAT_CONFIG_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"

/* An absolute URL with one of the schemes ("http|https") and a host? what[] says why not. */
#define URL_WHAT 200
MUST_CHECK bool url_check(const char *text, const char *schemes, char what[URL_WHAT]);
/* Names a checked URL a user, before an "@"? */
bool url_has_user(const char *text);
/*
 * Splits a checked URL: *ret_rest without the password, *ret_password decoded, both the caller's to
 * free; the password NULL when it has none. False only without memory.
 */
MUST_CHECK bool url_split_password(const char *text, char **ret_rest, char **ret_password);
/* The same two for what libpq takes as the address of a database, URL or key=value. */
MUST_CHECK bool database_check(const char *text, char what[URL_WHAT]);
MUST_CHECK bool database_split_password(const char *text, char **ret_rest, char **ret_password);

/* Is `word` one of `words` ("a|b|c")? */
bool word_among(const char *word, size_t len, const char *words);

#endif
