/* broker.url: one address of RabbitMQ or several, written as kombu and Celery take them. Pure. */
#ifndef METERBEAT_CONFIG_BROKER_URL_H
#define METERBEAT_CONFIG_BROKER_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/config/url.h"

/* Addresses of one setting, each tried when the one before it fails. */
#define BROKER_URLS_MAX 8
/* An AMQP short string. */
#define BROKER_NAME_MAX 256

/* What one URL says; what it leaves out is as in kombu: guest, guest, localhost, "/". */
struct broker_address {
    bool tls;
    char host[BROKER_NAME_MAX];
    int port;
    char user[BROKER_NAME_MAX], password[1025], vhost[BROKER_NAME_MAX]; /* decoded, UTF-8 */
    int64_t heartbeat_s, connect_timeout_s; /* ?heartbeat=, ?connect_timeout=; -1: none */
    char ca_file[1025], cert_file[1025], key_file[1025]; /* ?ssl_ca_certs= and so on; "": none */
};

/* How many addresses `urls` ("amqp://a;amqp://b") has. */
size_t broker_url_count(const char *urls);
/* The index-th, or NULL: there is none. Caller frees; NULL also without memory. */
char *broker_url_at(const char *urls, size_t index);
/*
 * Reads one URL: amqp[s]://user:password@host:port/vhost?name=value&... with user, password,
 * virtual host and values percent-decoded. The path is the virtual host without its first "/":
 * "host//" and "host/%2F" are "/", and so is an empty one. Parameters that mean nothing here are
 * passed over, as kombu does; those that would leave the peer unverified are refused. what[]: why
 * not.
 */
MUST_CHECK bool broker_url_read(const char *url, struct broker_address *ret_address,
                                char what[URL_WHAT]);
/* Can each of them be read, and are they at most BROKER_URLS_MAX? */
MUST_CHECK bool broker_urls_check(const char *urls, char what[URL_WHAT]);

#endif
