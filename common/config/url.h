/* Validates URLs and database addresses, and extracts their passwords. */
#ifndef METERBEAT_CONFIG_URL_H
#define METERBEAT_CONFIG_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"

/* Whether it is an absolute URL with one of the schemes ("http|https") and a host; what[] says why
 * not. */
#define URL_WHAT 200
MUST_CHECK bool url_check(const char *text, const char *schemes, char what[URL_WHAT]);
/* Whether a valid URL has user information, before an "@". */
bool url_has_user(const char *text);
/* Splits a valid URL: *ret_rest without the password, *ret_password decoded, both freed by the
 * caller; the password is NULL if there is none. False only if out of memory. */
MUST_CHECK bool url_split_password(const char *text, char **ret_rest, char **ret_password);
/* The same two for a database address as libpq accepts it, URL or key=value. */
MUST_CHECK bool database_check(const char *text, char what[URL_WHAT]);
MUST_CHECK bool database_split_password(const char *text, char **ret_rest, char **ret_password);

/* Whether `word` is one of `words` ("a|b|c"). */
bool word_among(const char *word, size_t len, const char *words);

#endif
