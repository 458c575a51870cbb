/* The producer's two connections: kept up for ever, with growing pauses while a server is away. */
#include "producer/connections.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/host.h"
#include "common/base/log.h"
#include "common/amqp/topology.h"

bool links_make(const struct settings *s, struct links *l, struct err *e)
{
    char host[HOST_NAME];
    *l = (struct links){.settings = s};
    snprintf(l->name, sizeof l->name, "meterbeat-producer@%s/%d", host_name(host), (int)getpid());
    l->database_redial = redial_make(s->broker.reconnect_max_s * 1000);
    l->broker_redial = redial_make(s->broker.reconnect_max_s * 1000);
    l->pg = pg_new(s, l->name);
    return l->pg || err_set(e, ERR_FATAL, "no_memory", "no memory");
}

void links_close(struct links *l)
{
    broker_close(l->broker);
    retry_queues_free(&l->retry_queues);
    pg_free(l->pg);
    l->broker = NULL;
    l->pg = NULL;
}

/* Says what failed, and when it is tried again. */
static bool try_later(struct redial *redial, bool known, const char *event, const struct err *why,
                      struct err *e)
{
    if (why->kind == ERR_FATAL && !known) {
        *e = *why;
        return false;
    }
    int64_t pause_ms = redial_later(redial, clock_mono_ms());
    log_event(LOG_LEVEL_WARNING, event, "code=%s error=%s retry_in_ms=%" PRId64, why->code,
              why->text, pause_ms);
    return true;
}

bool links_database_failed(struct links *l, const struct err *why, struct err *e)
{
    pg_rollback(l->pg);
    l->database_up = false;
    return try_later(&l->database_redial, l->database_known, "database_away", why, e);
}

bool links_broker_failed(struct links *l, const struct err *why, struct err *e)
{
    broker_close(l->broker);
    l->broker = NULL;
    l->blocked = false;
    return try_later(&l->broker_redial, l->broker_known, "broker_away", why, e);
}

void links_abandon_broker(struct links *l)
{
    broker_abandon(l->broker);
    l->broker = NULL;
    l->blocked = false;
}

bool links_connect_database(struct links *l, struct err *e)
{
    struct err why = {0};
    if (!l->database_up && !redial_due(&l->database_redial, clock_mono_ms()))
        return true;
    if (!pg_ready(l->pg, &why))
        return links_database_failed(l, &why, e);
    l->database_up = true;
    return true;
}

void links_database_works(struct links *l)
{
    redial_succeeded(&l->database_redial, clock_mono_ms());
    l->database_known = true;
    log_event(LOG_LEVEL_INFO, "database_connected", "name=%s", l->name);
}

bool links_connect_broker(struct links *l, struct err *e)
{
    struct err why = {0};
    if (l->broker || !redial_due(&l->broker_redial, clock_mono_ms()))
        return true;
    if (!broker_open(l->settings, l->name, &l->broker, &why) ||
        !broker_declare_topology(l->broker, l->settings, &l->retry_queues, &why))
        return links_broker_failed(l, &why, e);
    redial_succeeded(&l->broker_redial, clock_mono_ms());
    l->broker_known = true;
    log_event(LOG_LEVEL_INFO, "broker_connected", "name=%s", l->name);
    return true;
}

void links_note_event(struct links *l, struct broker_event *event)
{
    if (event->kind == BROKER_EVENT_BLOCKED || event->kind == BROKER_EVENT_UNBLOCKED) {
        l->blocked = event->kind == BROKER_EVENT_BLOCKED;
        log_event(LOG_LEVEL_WARNING, l->blocked ? "broker_blocked" : "broker_unblocked",
                  "reason=%s", event->text);
    }
    broker_event_free(event);
}

int64_t links_wait_ms(const struct links *l, int64_t most)
{
    int64_t now_ms = clock_mono_ms();
    int64_t database_ms = l->database_up ? most : redial_in(&l->database_redial, now_ms);
    int64_t broker_ms = l->broker ? most : redial_in(&l->broker_redial, now_ms);
    int64_t least = database_ms < broker_ms ? database_ms : broker_ms;
    return least < most ? least : most;
}
