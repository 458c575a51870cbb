/* The loop: promise what is due, relay what is promised, see to the chores, wait for the next. */
#include "producer/producer.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/host.h"
#include "common/base/log.h"
#include "common/store/schedule_entry.h"
#include "common/store/schema.h"
#include "common/store/zone_rules.h"
#include "common/amqp/topology.h"
#include "producer/chores.h"
#include "producer/connections.h"
#include "producer/enqueue_ticks.h"
#include "producer/relay.h"
#include "producer/database_clock.h"

/* Ticks of one transaction. */
#define BATCH 500
/* The longest nap: signals and heartbeats are seen to at least so often. */
#define NAP_MS INT64_C(500)
/* Rows that the broker refused are offered again after growing pauses up to this. */
#define REFUSED_MAX_MS 60000

struct producer {
    const struct settings *settings;
    struct schedule *schedule;
    struct connections links;
    struct database_clock clock;
    struct chores chores;
    struct backoff refused;
    bool recalled;        /* the schedule knows what the books remember */
    bool zones_compared;  /* with what other machines go by */
    bool promised;        /* rows of ours may be in the outbox */
    int64_t relay_due_ms; /* monotonic */
    char tick_key[SCHEDULE_KEY];
    struct tick ticks[BATCH];
};

static struct enqueuer enqueuer_of(const struct producer *p)
{
    return (struct enqueuer){p->settings, p->schedule, p->links.name, p->tick_key, p->links.pg};
}

bool producer_new(const struct settings *s, struct producer **ret_producer, struct err *e)
{
    struct producer *p = calloc(1, sizeof *p);
    if (!p)
        return err_set(e, ERR_FATAL, "no_memory", "no memory");
    p->settings = s;
    p->refused = backoff_make(REFUSED_MAX_MS);
    p->promised = true; /* a process of the same name may have died before us */
    if (connections_make(s, &p->links, e) && schedule_new(s, &p->schedule, e)) {
        struct enqueuer by = enqueuer_of(p);
        if (enqueue_check(&by, e)) {
            *ret_producer = p;
            return true;
        }
    }
    producer_free(p);
    return false;
}

void producer_free(struct producer *p)
{
    if (!p)
        return;
    connections_close(&p->links);
    schedule_free(p->schedule);
    free(p);
}

/* --- memory -------------------------------------------------------------------------------------
 */

/* A disabled entry starts afresh when it is enabled again, without making up for the time between.
 */
static bool forget_disabled(struct producer *p, struct err *e)
{
    for (size_t i = 0; i < p->settings->entries_count; i++)
        if (!p->settings->entries[i].enabled &&
            !schedule_entry_forget(p->links.pg, p->settings->entries[i].name, e))
            return false;
    return true;
}

static bool recall(struct producer *p, struct err *e)
{
    size_t count = schedule_count(p->schedule);
    struct entry_memory *memory = calloc(count + 1, sizeof *memory);
    if (!memory)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu entries", count);
    for (size_t i = 0; i < count; i++) {
        const struct schedule_entry *entry = schedule_entry(p->schedule, i);
        memory[i] = (struct entry_memory){entry->settings->name, entry->definition, 0};
    }
    bool ok =
        schedule_entry_load(p->links.pg, memory, count, database_clock_now_ms(&p->clock) / 1000, e);
    for (size_t i = 0; ok && i < count; i++)
        schedule_remember(p->schedule, i, memory[i].last_due_s);
    free(memory);
    return ok;
}

/* Whether a transaction that failed took effect after all is known to the books alone: so they are
 * asked again after each failure, and the outbox is looked at. */
static bool database_failed(struct producer *p, const struct err *why, struct err *e)
{
    p->recalled = false;
    p->promised = true;
    p->relay_due_ms = 0;
    return connections_database_failed(&p->links, why, e);
}

static bool relay_failed(struct producer *p, const struct relay_count *count, const struct err *why,
                         struct err *e)
{
    if (count->broker_failed)
        return connections_broker_failed(&p->links, why, e);
    return database_failed(p, why, e);
}

/* --- the steps of a turn
 * ----------------------------------------------------------------------------- */

/* Producers of different tzdata fire at different times: once a process, it is said. */
static void compare_zones(struct producer *p)
{
    struct zone_difference differences[ZONE_DIFFERENCES_MAX];
    char host[HOST_NAME], tzdata[TZDATA_VERSION];
    size_t count = 0, zones = 0;
    struct err ignored;
    if (p->zones_compared)
        return;
    p->zones_compared = zone_rules_compare(p->links.pg, p->settings, host_name(host), true,
                                           differences, &count, &zones, &ignored);
    for (size_t i = 0; i < count; i++)
        log_event(LOG_LEVEL_WARNING,
                  differences[i].is_replaced ? "zone_rules_changed" : "zone_rules_differ",
                  ZONE_DIFFERENCE_PAIRS, ZONE_DIFFERENCE_VALUES(differences[i]));
    if (p->zones_compared)
        log_event(LOG_LEVEL_INFO, "zones_compared", "tzdata=%s zones=%zu differ=%zu",
                  *tzdata_version(tzdata) ? tzdata : "unknown", zones, count);
}

static bool meet_database(struct producer *p, struct err *e)
{
    struct err why = {0};
    if (!connections_connect_database(&p->links, e))
        return false;
    if (!p->links.database_up) {
        p->recalled = false;
        return true;
    }
    if (!database_clock_look(&p->clock, p->links.pg, &why))
        return database_failed(p, &why, e);
    if (p->recalled)
        return true;
    if (!schema_check(p->links.pg, &why) || !forget_disabled(p, &why) || !recall(p, &why) ||
        !entry_tick_key(p->links.pg, p->tick_key, sizeof p->tick_key, &why))
        return database_failed(p, &why, e);
    p->recalled = true;
    compare_zones(p);
    connections_database_works(&p->links);
    return true;
}

static bool meet_broker(struct producer *p, struct err *e)
{
    if (p->links.broker)
        return true;
    p->relay_due_ms = 0;
    return connections_connect_broker(&p->links, e);
}

static bool promise_due(struct producer *p, struct err *e)
{
    struct err why = {0};
    size_t skipped, fired;
    if (!p->recalled)
        return true;
    int64_t now_ms = database_clock_now_ms(&p->clock);
    size_t count = schedule_due(p->schedule, now_ms / 1000, p->ticks, BATCH, &skipped);
    if (skipped)
        log_event(LOG_LEVEL_WARNING, "ticks_skipped", "count=%zu", skipped);
    if (count == 0)
        return true;
    struct enqueuer by = enqueuer_of(p);
    if (!enqueue_ticks(&by, p->ticks, count, true, now_ms, &fired, &why))
        return database_failed(p, &why, e);
    if (fired) {
        p->promised = true;
        p->relay_due_ms = 0;
    }
    return true;
}

/* Plans when to offer again what is still in the outbox. Of queues that do not answer there may be
 * something whenever one is due. */
static void plan_relay(struct producer *p, const struct relay_count *count)
{
    int64_t now_ms = clock_mono_ms();
    int64_t next_ms = unresponsive_next_ms(&p->links.unresponsive);
    bool more = count->taken >= RELAY_BATCH || count->sent < count->taken;
    p->promised = more || next_ms != INT64_MAX;
    if (count->refused == 0) {
        p->relay_due_ms = count->sent < count->taken ? now_ms + NAP_MS
                          : more || next_ms < now_ms ? now_ms
                                                     : next_ms;
        return;
    }
    int64_t pause_ms = backoff_later(&p->refused, now_ms);
    p->relay_due_ms = now_ms + pause_ms;
    log_event(LOG_LEVEL_WARNING, "publish_refused", "count=%zu error=%s retry_in_ms=%" PRId64,
              count->refused, count->refusal, pause_ms);
}

static bool can_relay(const struct producer *p)
{
    return p->recalled && p->links.broker && !p->links.blocked;
}

static bool relay_promised(struct producer *p, struct err *e)
{
    struct err why = {0};
    struct relay_count count;
    if (!can_relay(p) || !p->promised || clock_mono_ms() < p->relay_due_ms)
        return true;
    if (!relay_send(&p->links, p->links.name, 0, &count, &why))
        return relay_failed(p, &count, &why, e);
    plan_relay(p, &count);
    return true;
}

static bool do_chores(struct producer *p, struct err *e)
{
    struct err why = {0};
    struct relay_count count;
    if (!can_relay(p))
        return true;
    if (!chores_do(&p->chores, &p->links, database_clock_now_ms(&p->clock), &count, &why))
        return relay_failed(p, &count, &why, e);
    return true;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t nap_ms(const struct producer *p)
{
    int64_t nap = connections_wait_ms(&p->links, NAP_MS);
    int64_t next_s = schedule_next_due(p->schedule);
    if (p->recalled && next_s != INTERVAL_NEVER)
        nap = least(nap, next_s * 1000 - database_clock_now_ms(&p->clock));
    if (can_relay(p) && p->promised)
        nap = least(nap, p->relay_due_ms - clock_mono_ms());
    return nap > 0 ? nap : 0;
}

/* Waits for the next due time, or for what the broker has to say. */
static bool nap(struct producer *p, struct err *e)
{
    struct err why = {0};
    struct broker_event event = {0};
    if (!p->links.broker) {
        (void)poll(NULL, 0, (int)nap_ms(p));
        return true;
    }
    if (!broker_next(p->links.broker, (int)nap_ms(p), &event, &why))
        return connections_broker_failed(&p->links, &why, e);
    connections_note_event(&p->links, &event);
    return true;
}

bool producer_run(struct producer *p, const volatile sig_atomic_t *stop, struct err *e)
{
    log_event(LOG_LEVEL_INFO, "started", "name=%s entries=%zu", p->links.name,
              schedule_count(p->schedule));
    while (!*stop) {
        if (!meet_database(p, e) || !meet_broker(p, e))
            return false;
        if (!promise_due(p, e) || !relay_promised(p, e) || !do_chores(p, e))
            return false;
        if (!nap(p, e))
            return false;
    }
    log_event(LOG_LEVEL_INFO, "stopped", "name=%s signal=SIG%s", p->links.name,
              sigabbrev_np(*stop));
    return true;
}

/* --- by hand
 * --------------------------------------------------------------------------------------- */

/* What may be waited for in producer_run is an error here: a person is waiting. */
static bool connect_once(struct producer *p, struct err *e)
{
    return pg_ready(p->links.pg, e) && schema_check(p->links.pg, e) &&
           database_clock_look(&p->clock, p->links.pg, e) &&
           entry_tick_key(p->links.pg, p->tick_key, sizeof p->tick_key, e) &&
           broker_open(p->settings, p->links.name, &p->links.broker, e) &&
           broker_declare_topology(p->links.broker, p->settings, NULL, e);
}

static bool send_once(struct producer *p, struct err *e)
{
    struct relay_count count;
    if (!relay_send(&p->links, p->links.name, 0, &count, e))
        return false;
    if (count.refused)
        return err_set(e, ERR_RETRY, "publish_refused", "%s (it stays in the outbox)",
                       count.refusal);
    if (count.timed_out)
        return err_set(e, ERR_RETRY, "publish_timeout",
                       "no confirm within broker.confirm_timeout_s: has its queue a leader? (it "
                       "stays in the outbox)");
    return count.sent == count.taken || err_set(e, ERR_RETRY, "broker_blocked",
                                                "RabbitMQ has an alarm and takes no messages; "
                                                "it stays in the outbox");
}

bool producer_once(struct producer *p, const char *entry, struct err *e)
{
    size_t index, fired;
    if (!schedule_find(p->schedule, entry, &index))
        return err_set(e, ERR_FATAL, "no_entry", "there is no enabled schedule entry \"%.100s\"",
                       entry);
    if (!connect_once(p, e))
        return false;
    int64_t now_ms = database_clock_now_ms(&p->clock);
    struct tick tick = {index, now_ms / 1000, INTERVAL_NEVER};
    struct enqueuer by = enqueuer_of(p);
    if (!enqueue_ticks(&by, &tick, 1, false, now_ms, &fired, e))
        return false;
    if (fired == 0)
        return err_set(e, ERR_RETRY, "fired_already", "it was fired in this very second");
    return send_once(p, e);
}
