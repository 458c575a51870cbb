/* What this worker is doing and what it was told about tasks: shared by its threads, no I/O. */
#ifndef METERBEAT_WORKER_RUNTIME_STATE_H
#define METERBEAT_WORKER_RUNTIME_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/config/settings.h"
#include "worker/runtime/delivery.h"
#include "worker/task/task.h"

struct state; /* any thread; nothing waits in it for anything but its one lock */

/* NULL: no memory. Borrows s. */
struct state *state_new(const struct settings *s);
void state_free(struct state *st);

/* --- Lamport's clock, which monitors put events in order by -------------------------------- */
/* One more, for something that is about to be sent. */
int64_t state_clock_tick(struct state *st);
/* What came with a message: ours is beyond it afterwards. */
void state_clock_hear(struct state *st, int64_t other);
int64_t state_clock(const struct state *st);

/* --- deliveries ---------------------------------------------------------------------------- */
/* I/O thread: a list of them, before they are handed over, and before they are released. */
void state_arrived(struct state *st, struct delivery *list);
void state_gone(struct state *st, struct delivery *list);
/* Executor: it holds d until then (wall clock); its task runs, and no longer. */
void state_held(struct state *st, struct delivery *d, int64_t until_ms);
void state_started(struct state *st, struct delivery *d, const struct task *task,
                   const char *task_id, int64_t now_ms);
void state_ended(struct state *st, struct delivery *d);
/* The task that runs now is to stop at its next safe point: remote control terminates it. */
bool state_terminated(const struct state *st);

/* One delivery as it was, with a reference to it. */
struct state_entry {
    struct delivery *delivery;
    enum delivery_stage stage;
    int64_t since_ms; /* as in struct delivery */
};
/* Those of a stage, DELIVERY_UNKNOWN: all; in order of arrival. Caller: state_entries_free. NULL
 * without memory, or when there are none (*ret_count 0). */
struct state_entry *state_entries(struct state *st, enum delivery_stage stage, size_t *ret_count);
void state_entries_free(struct state_entry *entries, size_t count);
size_t state_active(struct state *st);
/* Starts of tasks so far: of all, and an object by name of those that have any (NULL: no memory).
 */
int64_t state_processed(struct state *st);
json_t *state_totals(struct state *st);

/* --- what is not to run -------------------------------------------------------------------- */
/* *ret_new (may be NULL): it was not known. False: cannot be an id, or no memory. */
bool state_revoke(struct state *st, const char *task_id, bool *ret_new);
/* One revoked age_ms ago, as it was saved. */
bool state_revoked_before(struct state *st, const char *task_id, int64_t age_ms);
/* {header: [stamp, ...]}: whatever carries one of them is revoked too. False: too many, no memory.
 */
MUST_CHECK bool state_revoke_stamps(struct state *st, const json_t *stamps);
/* By its id, or by a stamp among its headers (an object or NULL). Costs nothing while none is. */
bool state_is_revoked(struct state *st, const char *task_id, const json_t *headers);
/* All ids, oldest first; NULL: no memory. */
json_t *state_revoked(struct state *st);
/* If that task runs now, it is to stop. */
bool state_terminate(struct state *st, const char *task_id);
/* What was revoked before the start has been read, or will not be for now; a start waits for that,
 * though not for ever: true when it has come. */
void state_revoked_known(struct state *st);
bool state_await_revoked(struct state *st, int64_t most_ms);

/* --- limits, by a row of the task table ---------------------------------------------------- */
#define STATE_RATE_TEXT 32
/* text: as it was given, "" none. */
void state_set_rate(struct state *st, const struct task *task, double per_s, const char *text);
void state_rate_text(struct state *st, const struct task *task, char text[STATE_RATE_TEXT]);
bool state_has_rate(const struct state *st, const struct task *task);
/* Milliseconds until it may start; 0: now, and that counts as its start. */
int64_t state_rate_wait_ms(struct state *st, const struct task *task);
/* Seconds, 0: none; for messages that bring no limits. */
void state_set_limits(struct state *st, const struct task *task, double soft_s, double hard_s);
void state_limits(struct state *st, const struct task *task, double *ret_soft_s,
                  double *ret_hard_s);

#endif
