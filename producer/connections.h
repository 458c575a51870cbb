/* The producer's two connections: kept up for ever, with growing pauses while a server is away. */
#ifndef METERBEAT_PRODUCER_CONNECTIONS_H
#define METERBEAT_PRODUCER_CONNECTIONS_H

#include "common/base/backoff.h"
#include "common/store/pg.h"
#include "common/amqp/connection.h"
#include "common/amqp/unresponsive.h"
#include "common/amqp/topology.h"

/* For reading: which of them is up. Changed by the functions below alone. */
struct connections {
    const struct settings *settings;
    char name[300]; /* meterbeat-producer@host/pid: what both servers show */
    struct pg *pg;
    bool database_up;
    struct broker *broker;            /* NULL: not connected */
    struct retry_queues retry_queues; /* as of the last connection */
    struct unresponsive unresponsive; /* relay.c keeps it */
    bool blocked;                     /* the broker has an alarm: publish nothing */
    struct backoff database_redial, broker_redial;
    bool database_known, broker_known; /* it took us once: from then on it is waited for */
};

/* Connects to nothing yet; borrows s. False: ERR_FATAL "no_memory". */
MUST_CHECK bool connections_make(const struct settings *s, struct connections *l, struct err *e);
void connections_close(struct connections *l);
/*
 * Each connects when it is down and its pause is over, and logs what changes. False: ERR_FATAL
 * only: a server that has never taken us refuses us.
 */
MUST_CHECK bool connections_connect_database(struct connections *l, struct err *e);
MUST_CHECK bool connections_connect_broker(struct connections *l, struct err *e);
/* Something went wrong on a connection: it is down until its pause is over. False: as above. */
MUST_CHECK bool connections_database_failed(struct connections *l, const struct err *why,
                                            struct err *e);
MUST_CHECK bool connections_broker_failed(struct connections *l, const struct err *why,
                                          struct err *e);
/* A queue holds the channel up: the connection ends at once, and may be made again at once. */
void connections_abandon_broker(struct connections *l);
/* The database answered: from now on it is waited for. */
void connections_database_works(struct connections *l);
/* Takes note of an alarm; frees the event. */
void connections_note_event(struct connections *l, struct broker_event *event);
/* Milliseconds until a connection that is down may be tried again; most when none is. */
int64_t connections_wait_ms(const struct connections *l, int64_t most);

#endif
