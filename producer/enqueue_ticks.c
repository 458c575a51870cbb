/* A due tick becomes a promise: its row, its message in the outbox and its entry's memory, or
 * nothing. */
#include "producer/enqueue_ticks.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/store/schedule_entry.h"
#include "common/store/outbox.h"
#include "common/celery/task_message.h"

/* --- messages ------------------------------------------------------------------------------------
 */

static const char *queue_of(const struct enqueuer *by, const struct schedule_entry *entry)
{
    const char *queue = entry->settings->queue;
    return queue && queue[0] ? queue : by->settings->broker.queue;
}

static json_t *json_of(const char *text, const char *otherwise)
{
    return json_loads(text && text[0] ? text : otherwise, 0, NULL);
}

/* The entry's own, and by which entry a message was sent. */
static json_t *headers_of(const struct settings_entry *from)
{
    json_t *headers = json_of(from->headers, "{}");
    json_t *name = json_string(from->name);
    if (headers && json_object_set_new(headers, "periodic_task_name", name) == 0)
        return headers;
    json_decref(headers);
    return NULL;
}

/* What Celery's beat would send, with an id that says which tick it is. Free with task_message_free. */
static struct task_message tick_message(const struct enqueuer *by, const struct tick *tick,
                                        const char *task_id)
{
    const struct schedule_entry *entry = schedule_entry(by->schedule, tick->entry);
    const struct settings_entry *from = entry->settings;
    struct task_message m = {
        .id = strdup(task_id),
        .task = strdup(from->task),
        .root_id = strdup(task_id),
        .origin = strdup(by->name),
        .args = json_of(from->args, "[]"),
        .kwargs = json_of(from->kwargs, "{}"),
        .headers = headers_of(from),
        .hard_limit_ms = from->time_limit_s * 1000,
        .soft_limit_ms = from->soft_time_limit_s * 1000,
        .priority = (int)from->priority,
        .protocol = 2,
    };
    if (tick->expires_s != INTERVAL_NEVER)
        m.expires_ms = tick->expires_s * 1000;
    return m;
}

/* A header that would not go out as it is written. */
static bool headers_check(const struct task_message *m, struct err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach(m->headers, name, value) {
        if (!task_message_header_is_custom(name))
            return err_set(e, ERR_FATAL, "bad_schedule", "headers: \"%.60s\" is the message's own",
                           name);
    }
    return true;
}

bool enqueue_check(const struct enqueuer *by, struct err *e)
{
    for (size_t i = 0; i < schedule_count(by->schedule); i++) {
        const struct settings_entry *from = schedule_entry(by->schedule, i)->settings;
        struct tick tick = {.entry = i, .expires_s = INTERVAL_NEVER};
        struct task_message m CLEANUP(task_message_free) = tick_message(by, &tick, "00000000");
        struct message v CLEANUP(message_free) = {.priority = -1};
        bool whole = m.args && m.kwargs && m.headers;
        if (!whole)
            err_set(e, ERR_FATAL, "bad_schedule", "args, kwargs or name cannot be written as JSON");
        if (!whole || !headers_check(&m, e) ||
            !task_message_encode(&m, by->settings->producer.serializer, 0, &v, e)) {
            e->kind = ERR_FATAL;
            return err_wrap(e, "%s:%d: schedule entry \"%s\"", from->file ? from->file : "",
                            from->line, from->name);
        }
    }
    return true;
}

/* --- the transaction
 * ------------------------------------------------------------------------------ */

/* The rows of one transaction, and the messages of those that are ours to fire. */
struct firing {
    struct entry_tick *rows;
    char (*ids)[UUID_TEXT];
    struct task_message *messages;
    struct outbox_new *news;
    size_t count, fired;
};

static void firing_clear(struct firing *f)
{
    for (size_t i = 0; i < f->fired; i++)
        task_message_free(&f->messages[i]);
    free(f->rows);
    free(f->ids);
    free(f->messages);
    free(f->news);
}

static bool firing_make(const struct enqueuer *by, const struct tick *ticks, size_t count,
                        struct firing *f, struct err *e)
{
    f->rows = calloc(count, sizeof *f->rows);
    f->ids = calloc(count, sizeof *f->ids);
    f->messages = calloc(count, sizeof *f->messages);
    f->news = calloc(count, sizeof *f->news);
    f->count = count;
    if (!f->rows || !f->ids || !f->messages || !f->news)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for %zu ticks", count);
    for (size_t i = 0; i < count; i++) {
        const struct schedule_entry *entry = schedule_entry(by->schedule, ticks[i].entry);
        schedule_task_id(by->key, entry, ticks[i].due_s, f->ids[i]);
        f->rows[i] = (struct entry_tick){.entry = entry->settings->name,
                                         .definition = entry->definition,
                                         .task_id = f->ids[i],
                                         .due_s = ticks[i].due_s};
    }
    return true;
}

static void make_messages(const struct enqueuer *by, const struct tick *ticks, struct firing *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (!f->rows[i].fired_here)
            continue;
        struct task_message *m = &f->messages[f->fired];
        *m = tick_message(by, &ticks[i], f->ids[i]);
        f->news[f->fired++] =
            (struct outbox_new){queue_of(by, schedule_entry(by->schedule, ticks[i].entry)), m};
    }
}

static bool write_all(const struct enqueuer *by, const struct tick *ticks, struct firing *f,
                      bool remember, int64_t now_ms, struct err *e)
{
    if (!pg_begin_brief(by->pg, e) || !schedule_entry_fire(by->pg, f->rows, f->count, remember, e))
        return false;
    make_messages(by, ticks, f);
    if (!outbox_add_all(by->pg, by->name, f->news, f->fired, by->settings->producer.serializer,
                        now_ms, e))
        return false;
    failpoint("before_commit");
    return pg_commit(by->pg, e);
}

/* One line a tick; how late it was committed is what a slow database shows as. */
static void log_ticks(const struct firing *f, int64_t now_ms)
{
    char due[CLOCK_TEXT];
    for (size_t i = 0; i < f->count; i++) {
        const struct entry_tick *t = &f->rows[i];
        log_event(t->fired_here ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
                  t->fired_here ? "tick" : "tick_fired_elsewhere",
                  "entry=%s due=%s task_id=%s late_ms=%lld", t->entry,
                  clock_format_utc(t->due_s * 1000, due), t->task_id,
                  (long long)(now_ms - t->due_s * 1000));
    }
}

bool enqueue_ticks(const struct enqueuer *by, const struct tick *ticks, size_t count, bool remember,
                   int64_t now_ms, size_t *ret_fired, struct err *e)
{
    struct firing f CLEANUP(firing_clear) = {0};
    if (!firing_make(by, ticks, count, &f, e))
        return false;
    if (!write_all(by, ticks, &f, remember, now_ms, e)) {
        pg_rollback(by->pg);
        return false;
    }
    failpoint("after_commit");
    log_ticks(&f, now_ms);
    *ret_fired = f.fired;
    return true;
}
