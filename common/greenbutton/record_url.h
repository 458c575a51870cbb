/* The URL of a record's window, by SEED's batch syntax or a template, and its redacted form. */
#ifndef METERBEAT_GREENBUTTON_RECORD_URL_H
#define METERBEAT_GREENBUTTON_RECORD_URL_H

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

#define RECORD_URL_MAX 4096
#define RECORD_URL_SHOWN 256

/* Strings borrowed, NULL counts as "". Trailing blanks of sub_id are ignored: SEED's column is
 * character(200). */
struct record_url {
    const char *template; /* "" = SEED's syntax */
    const char *url, *path, *sub_id;
    const char *min_name, *max_name; /* "" = this parameter is left out */
    const char *min, *max;
    int64_t from_s, to_s;
};

/*
 * By default SEED's syntax: url, path, sub_id, then min_name=min and max_name=max as query
 * parameters. In a template, {url} {path} are inserted unchanged; {sub_id} {min_name} {min}
 * {max_name} {max} {from} {to} (epoch seconds) are percent-encoded; "{{" is a brace. False:
 * ERR_REJECT "bad_url" (with field and reason; http and https only) or "bad_url_template". The
 * caller frees ret_url with buf_free.
 */
MUST_CHECK bool record_url_build(const struct record_url *u, struct buf *ret_url, struct err *e);
/* For logs and errors: scheme, host, port and path, with sub_id, user, password and each query
 * value replaced by ***. Always fills out. */
void record_url_show(const char *url, const char *sub_id, char out[RECORD_URL_SHOWN]);

#endif
