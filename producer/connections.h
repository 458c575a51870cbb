/* The producer's two connections: kept up for ever, with growing pauses while a server is away. */
#ifndef METERBEAT_PRODUCER_CONNECTIONS_H
#define METERBEAT_PRODUCER_CONNECTIONS_H

#include "common/base/backoff.h"
#include "common/store/pg.h"
#include "common/amqp/connection.h"
#include "common/amqp/unresponsive.h"
#include "common/amqp/topology.h"

/* For reading: which of them is up. Changed by the functions below alone. */
struct links {
    const struct settings *settings;
    char name[300]; /* meterbeat-producer@host/pid: what both servers show */
    struct pg *pg;
    bool database_up;
    struct broker *broker;            /* NULL: not connected */
    struct retry_queues retry_queues; /* as of the last connection */
    struct unresponsive unresponsive; /* relay.c keeps it */
    bool blocked;                     /* the broker has an alarm: publish nothing */
    struct redial database_redial, broker_redial;
    bool database_known, broker_known; /* it took us once: from then on it is waited for */
};

/* Connects to nothing yet; borrows s. False: ERR_FATAL "no_memory". */
MUST_CHECK bool links_make(const struct settings *s, struct links *l, struct err *e);
void links_close(struct links *l);
/*
 * Each connects when it is down and its pause is over, and logs what changes. False: ERR_FATAL
 * only: a server that has never taken us refuses us.
 */
MUST_CHECK bool links_connect_database(struct links *l, struct err *e);
MUST_CHECK bool links_connect_broker(struct links *l, struct err *e);
/* Something went wrong on a connection: it is down until its pause is over. False: as above. */
MUST_CHECK bool links_database_failed(struct links *l, const struct err *why, struct err *e);
MUST_CHECK bool links_broker_failed(struct links *l, const struct err *why, struct err *e);
/* A queue holds the channel up: the connection ends at once, and may be made again at once. */
void links_abandon_broker(struct links *l);
/* The database answered: from now on it is waited for. */
void links_database_works(struct links *l);
/* Takes note of an alarm; frees the event. */
void links_note_event(struct links *l, struct broker_event *event);
/* Milliseconds until a connection that is down may be tried again; most when none is. */
int64_t links_wait_ms(const struct links *l, int64_t most);

#endif
