/* One small HTTP request, with basic authentication, answered whole within limits. */
#ifndef METERBEAT_CTL_HTTP_H
#define METERBEAT_CTL_HTTP_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define HTTP_ANSWER_MAX (4 * 1024 * 1024)

struct http_request {
    const char *url;
    const char *user, *password; /* "" = none */
    const char *ca_file;         /* "" = the system's */
    const char *json;            /* body of a POST; NULL: GET */
    long timeout_s;
};

/* *ret_status: the HTTP status; ret_body (may be NULL) gets the body. False: ERR_RETRY
 * "http_unreachable" with libcurl's reason. */
MUST_CHECK bool http_send(const struct http_request *request, long *ret_status,
                          struct buf *ret_body, struct err *e);

#endif
