/* Connections of one command, made when it needs them and closed with it. */
#ifndef METERBEAT_CTL_SESSION_H
#define METERBEAT_CTL_SESSION_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pg.h"
#include "common/config/settings.h"
#include "common/amqp/connection.h"

struct session {
    const struct settings *settings;
    struct pg *pg;
    struct broker *broker;
};

/* Connected; with_tables: and of this program's version. False: as pg_ready and schema_check. */
MUST_CHECK bool session_database(struct session *s, bool with_tables, struct err *e);
/* False: as broker_open. */
MUST_CHECK bool session_broker(struct session *s, struct err *e);
void session_end(struct session *s); /* for CLEANUP too */

#endif
