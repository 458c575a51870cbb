/* Opens and closes the connections of one command. */
#include "ctl/session.h"

#include "common/store/schema.h"

bool session_database(struct session *s, bool with_tables, struct err *e)
{
    if (!s->pg)
        s->pg = pg_new(s->settings, "meterbeatctl");
    if (!s->pg)
        return err_set(e, ERR_RETRY, "no_memory", "no memory");
    return pg_ready(s->pg, e) && (!with_tables || schema_check(s->pg, e));
}

bool session_broker(struct session *s, struct err *e)
{
    return s->broker || broker_open(s->settings, "meterbeatctl", &s->broker, e);
}

void session_end(struct session *s)
{
    broker_close(s->broker);
    pg_free(s->pg);
    *s = (struct session){.settings = s->settings};
}
