/* The producer's two connections: kept up for ever, with growing pauses while a server is away. */
#include "producer/connections.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/host.h"
#include "common/base/log.h"
#include "common/amqp/topology.h"

bool connections_make(const struct settings *s, struct connections *l, struct err *e)
{
    char host[HOST_NAME];
    *l = (struct connections){.settings = s};
    snprintf(l->name, sizeof l->name, "meterbeat-producer@%s/%d", host_name(host), (int)getpid());
    l->database_redial = backoff_make(s->broker.reconnect_max_s * 1000);
    l->broker_redial = backoff_make(s->broker.reconnect_max_s * 1000);
    l->pg = pg_new(s, l->name);
    return l->pg || err_set(e, ERR_FATAL, "no_memory", "no memory");
}

void connections_close(struct connections *l)
{
    broker_close(l->broker);
    retry_queues_free(&l->retry_queues);
    pg_free(l->pg);
    l->broker = NULL;
    l->pg = NULL;
}

/* Says what failed, and when it is tried again. */
static bool try_later(struct backoff *backoff, bool known, const char *event, const struct err *why,
                      struct err *e)
{
    if (why->kind == ERR_FATAL && !known) {
        *e = *why;
        return false;
    }
    int64_t pause_ms = backoff_later(backoff, clock_mono_ms());
    log_event(LOG_LEVEL_WARNING, event, "code=%s error=%s retry_in_ms=%" PRId64, why->code,
              why->text, pause_ms);
    return true;
}

bool connections_database_failed(struct connections *l, const struct err *why, struct err *e)
{
    pg_rollback(l->pg);
    l->database_up = false;
    return try_later(&l->database_redial, l->database_known, "database_away", why, e);
}

bool connections_broker_failed(struct connections *l, const struct err *why, struct err *e)
{
    broker_close(l->broker);
    l->broker = NULL;
    l->blocked = false;
    return try_later(&l->broker_redial, l->broker_known, "broker_away", why, e);
}

void connections_abandon_broker(struct connections *l)
{
    broker_abandon(l->broker);
    l->broker = NULL;
    l->blocked = false;
}

bool connections_connect_database(struct connections *l, struct err *e)
{
    struct err why = {0};
    if (!l->database_up && !backoff_due(&l->database_redial, clock_mono_ms()))
        return true;
    if (!pg_ready(l->pg, &why))
        return connections_database_failed(l, &why, e);
    l->database_up = true;
    return true;
}

void connections_database_works(struct connections *l)
{
    backoff_succeeded(&l->database_redial, clock_mono_ms());
    l->database_known = true;
    log_event(LOG_LEVEL_INFO, "database_connected", "name=%s", l->name);
}

bool connections_connect_broker(struct connections *l, struct err *e)
{
    struct err why = {0};
    if (l->broker || !backoff_due(&l->broker_redial, clock_mono_ms()))
        return true;
    if (!broker_open(l->settings, l->name, &l->broker, &why) ||
        !broker_declare_topology(l->broker, l->settings, &l->retry_queues, &why))
        return connections_broker_failed(l, &why, e);
    backoff_succeeded(&l->broker_redial, clock_mono_ms());
    l->broker_known = true;
    log_event(LOG_LEVEL_INFO, "broker_connected", "name=%s", l->name);
    return true;
}

void connections_note_event(struct connections *l, struct broker_event *event)
{
    if (event->kind == BROKER_EVENT_BLOCKED || event->kind == BROKER_EVENT_UNBLOCKED) {
        l->blocked = event->kind == BROKER_EVENT_BLOCKED;
        log_event(LOG_LEVEL_WARNING, l->blocked ? "broker_blocked" : "broker_unblocked",
                  "reason=%s", event->text);
    }
    broker_event_free(event);
}

int64_t connections_wait_ms(const struct connections *l, int64_t most)
{
    int64_t now_ms = clock_mono_ms();
    int64_t database_ms = l->database_up ? most : backoff_in(&l->database_redial, now_ms);
    int64_t broker_ms = l->broker ? most : backoff_in(&l->broker_redial, now_ms);
    int64_t least = database_ms < broker_ms ? database_ms : broker_ms;
    return least < most ? least : most;
}
