/* The steps of the worker's tasks, run by a command in its own process. */
#include "ctl/local_task.h"

#include <string.h>

#include "common/store/schedule_entry.h"
#include "common/store/outbox.h"
#include "common/config/program.h"
#include "common/amqp/topology.h"
#include "common/amqp/publish.h"

#define PUBLISH_AT_ONCE 100

static bool local_task_go_on(void *context, const char *progress, struct err *e)
{
    struct local_task *h = context;
    progress_at(h->progress, h->progress->done, progress);
    return !*h->stop || err_set(e, ERR_STOPPING, "stopping",
                                "stopped by SIG%s; what is done is kept", sigabbrev_np(*h->stop));
}

static bool local_task_should_stop(void *context)
{
    struct local_task *h = context;
    progress_at(h->progress, h->progress->done, NULL);
    return *h->stop != 0;
}

bool local_task_begin(struct local_task *h, struct session *session, struct progress *progress,
                      struct err *e)
{
    *h =
        (struct local_task){.session = session, .progress = progress, .stop = program_catch_stop()};
    uuid4_random(h->id);
    h->message = (struct task_message){.id = h->id, .priority = -1, .protocol = 2};
    h->host = (struct task_host){
        .go_on = local_task_go_on, .should_stop = local_task_should_stop, .context = h};
    if (!session_database(session, true, e))
        return false;
    h->task = (struct task_context){
        .settings = session->settings, .message = &h->message, .pg = session->pg, .host = &h->host};
    return schedule_entry_clock_ms(session->pg, &h->task.now_ms, e);
}

static bool publish_rows(struct local_task *h, struct outbox_row *rows, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (!broker_publish_wait(h->session->broker, rows[i].queue, &rows[i].message, e))
            return false;
    return outbox_sent(h->session->pg, rows, count, e);
}

static bool publish_some(struct local_task *h, size_t *ret_count, struct err *e)
{
    struct pg *pg = h->session->pg;
    struct outbox_row *rows = NULL;
    if (!pg_begin(pg, e) || !outbox_take(pg, h->id, 0, PUBLISH_AT_ONCE, &rows, ret_count, e))
        return false;
    bool ok = publish_rows(h, rows, *ret_count, e) && pg_commit(pg, e);
    outbox_rows_free(rows, *ret_count);
    return ok;
}

/* The work queue is made when it is not there yet: the first message may come before any worker. */
bool local_task_publish(struct local_task *h, struct err *e)
{
    size_t count = PUBLISH_AT_ONCE;
    bool ok = session_broker(h->session, e) &&
              broker_declare_topology(h->session->broker, h->session->settings, NULL, e);
    while (ok && count == PUBLISH_AT_ONCE)
        ok = publish_some(h, &count, e);
    if (!ok)
        pg_rollback(h->session->pg);
    return ok;
}
