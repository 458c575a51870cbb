/* broker.url: one or several RabbitMQ addresses, in kombu's and Celery's notation. Pure. */
#ifndef METERBEAT_CONFIG_BROKER_URL_H
#define METERBEAT_CONFIG_BROKER_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/config/url.h"

/* Maximum addresses of the setting; each is tried when the one before it fails. */
#define BROKER_URLS_MAX 8
/* An AMQP short string. */
#define BROKER_NAME_MAX 256

/* The parts of one URL; missing ones are as in kombu: guest, guest, localhost, "/". */
struct broker_address {
    bool tls;
    char host[BROKER_NAME_MAX];
    int port;
    char user[BROKER_NAME_MAX], password[1025], vhost[BROKER_NAME_MAX]; /* decoded, UTF-8 */
    int64_t heartbeat_s, connect_timeout_s; /* ?heartbeat=, ?connect_timeout=; -1: none */
    char ca_file[1025], cert_file[1025], key_file[1025]; /* ?ssl_ca_certs= and so on; "": none */
};

/* The number of addresses in `urls` ("amqp://a;amqp://b"). */
size_t broker_url_count(const char *urls);
/* The index-th address. The caller frees it; NULL: there is none, or out of memory. */
char *broker_url_at(const char *urls, size_t index);
/*
 * Parses one URL: amqp[s]://user:password@host:port/vhost?name=value&... with user, password,
 * virtual host and values percent-decoded. The path without its first "/" is the virtual host:
 * "host//" and "host/%2F" mean "/", and so does an empty one. Unknown parameters are ignored, as in
 * kombu; those that would leave the peer unverified are rejected. what[]: why it failed.
 */
MUST_CHECK bool broker_url_read(const char *url, struct broker_address *ret_address,
                                char what[URL_WHAT]);
/* Whether each can be parsed, and there are at most BROKER_URLS_MAX. */
MUST_CHECK bool broker_urls_check(const char *urls, char what[URL_WHAT]);

#endif
