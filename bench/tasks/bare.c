/* The limit for a worker: a bare librabbitmq loop that consumes and acknowledges, and does nothing
 * else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/amqp/rabbitmq.h"

static void check(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bare: %s failed\n", what);
        exit(1);
    }
}

static amqp_connection_state_t connect_to(char *url)
{
    struct amqp_connection_info where;
    check(amqp_parse_url(url, &where) == AMQP_STATUS_OK, "URL");
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    check(socket && amqp_socket_open(socket, where.host, where.port) == AMQP_STATUS_OK, "connect");
    amqp_rpc_reply_t reply = amqp_login(connection, where.vhost, 0, 131072, 30,
                                        AMQP_SASL_METHOD_PLAIN, where.user, where.password);
    check(reply.reply_type == AMQP_RESPONSE_NORMAL, "login");
    check(amqp_channel_open(connection, 1) != NULL, "channel");
    return connection;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Prints the seconds from the first delivery to the last acknowledgement. */
static void consume(amqp_connection_state_t connection, long count)
{
    double start = 0;
    for (long i = 0; i < count; i++) {
        amqp_envelope_t envelope;
        amqp_maybe_release_buffers(connection);
        amqp_rpc_reply_t reply = amqp_consume_message(connection, &envelope, NULL, 0);
        check(reply.reply_type == AMQP_RESPONSE_NORMAL, "consume");
        if (i == 0)
            start = seconds();
        check(amqp_basic_ack(connection, 1, envelope.delivery_tag, 0) == AMQP_STATUS_OK, "ack");
        amqp_destroy_envelope(&envelope);
    }
    printf("%.6f\n", seconds() - start);
}

/* bare URL QUEUE PREFETCH COUNT */
int main(int argc, char **argv)
{
    check(argc == 5, "usage: bare URL QUEUE PREFETCH COUNT");
    amqp_connection_state_t connection = connect_to(argv[1]);
    check(amqp_basic_qos(connection, 1, 0, (uint16_t)atoi(argv[3]), 0) != NULL, "prefetch");
    check(amqp_basic_consume(connection, 1, amqp_cstring_bytes(argv[2]), amqp_empty_bytes, 0, 0, 0,
                             amqp_empty_table) != NULL,
          "consume");
    consume(connection, atol(argv[4]));
    amqp_channel_close(connection, 1, AMQP_REPLY_SUCCESS);
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
    return 0;
}
