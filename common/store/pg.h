/* One PostgreSQL connection, used by one thread; maps SQLSTATE to the kinds of err. */
#ifndef METERBEAT_STORE_PG_H
#define METERBEAT_STORE_PG_H

#include <libpq-fe.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"

struct pg;

/* Does not connect yet; borrows s. application_name appears in pg_stat_activity. NULL only if out
 * of memory. */
struct pg *pg_new(const struct settings *s, const char *application_name);
void pg_free(struct pg *p);
/*
 * Connects if not connected, or if the connection is lost (only outside a transaction); makes no
 * round trip otherwise. False: ERR_RETRY "database_unreachable"; ERR_FATAL "database_refused"
 * (credentials, no such database), "database_url", "database_pooled" (a pooler in transaction
 * mode).
 */
MUST_CHECK bool pg_ready(struct pg *p, struct err *e);
/*
 * An answer may take slightly longer than database.statement_timeout_s. After 10 s of waiting, and
 * every 10 s from then on, a second connection is tried; if that does not succeed within
 * database.connect_timeout_s, the server hangs or is unreachable, and the connection counts as lost
 * ("database_lost").
 */
/*
 * One statement with text parameters ($1…; NULL = SQL null). Returns a result to PQclear
 * (CLEANUP(pg_clear)), or NULL: ERR_RETRY for a lost connection, serialization, deadlock, lock or
 * statement timeout, resources; ERR_REJECT for bad data (class 22, 23); ERR_FATAL for the schema
 * missing or too old (class 42, 3F).
 */
MUST_CHECK PGresult *pg_query(struct pg *p, struct err *e, const char *sql, int count,
                              const char *const *values);
/* The same with the values as arguments, each a const char *; end with PG_END. */
#define PG_ARGS(...)                                                                               \
    (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *const[])           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define PG_NO_ARGS 0, NULL
void pg_clear(PGresult **result);
/* A statement without result rows; *ret_rows (may be NULL) = rows affected. */
MUST_CHECK bool pg_do(struct pg *p, struct err *e, int64_t *ret_rows, const char *sql, int count,
                      const char *const *values);
/* Several statements without parameters, as one script. Same error kinds as pg_query. */
MUST_CHECK bool pg_script(struct pg *p, struct err *e, const char *sql);
/* Outside a transaction: allows statements extra_s beyond database.statement_timeout_s from now on;
 * 0 restores the default. Sends a statement only if that changes. */
MUST_CHECK bool pg_be_patient(struct pg *p, int64_t extra_s, struct err *e);
/* pid: pg_backend_pid() in a later transaction. False: ERR_FATAL "database_pooled" if it differs
 * from the one at connection: a pooler in transaction mode has been put in between. */
MUST_CHECK bool pg_same_process(struct pg *p, int64_t pid, struct err *e);
/*
 * Transactions do not nest: ERR_FATAL "nested_transaction". A lost connection ends the transaction:
 * further calls in it return ERR_RETRY "database_lost" until pg_ready, which is not called inside
 * one.
 */
MUST_CHECK bool pg_begin(struct pg *p, struct err *e);
/* pg_begin for a transaction that others wait for: the server ends it, and the connection, when it
 * is idle for 5 s (a frozen process). */
MUST_CHECK bool pg_begin_brief(struct pg *p, struct err *e);
/* False: ERR_COMMIT_UNKNOWN "commit_unknown" if the answer was lost (the run tells on redelivery),
 * "rolled_back" if an earlier statement of the transaction had failed. */
MUST_CHECK bool pg_commit(struct pg *p, struct err *e);
/* Rolls back an open transaction, if there is one; never fails (a broken connection is dropped). */
void pg_rollback(struct pg *p);
bool pg_in_transaction(const struct pg *p);
/* It has failed with "database_pooled": it can never serve a worker. */
bool pg_is_pooled(const struct pg *p);
/* COPY table(columns) FROM STDIN in text format: start, rows, end. Same error kinds as pg_query. */
MUST_CHECK bool pg_copy_start(struct pg *p, struct err *e, const char *copy_sql);
MUST_CHECK bool pg_copy_rows(struct pg *p, struct err *e, const char *text, size_t len);
MUST_CHECK bool pg_copy_end(struct pg *p, struct err *e, int64_t *ret_rows);

/* Columns of a result; null yields fallback. */
int64_t pg_int(const PGresult *r, int row, int column, int64_t fallback);
double pg_double(const PGresult *r, int row, int column, double fallback);
const char *pg_text(const PGresult *r, int row,
                    int column); /* NULL for SQL null; lives as long as r */
bool pg_bool(const PGresult *r, int row, int column);
/* Decimal text of a number for a parameter; text lives in out. */
#define PG_NUMBER 32
const char *pg_number(int64_t value, char out[PG_NUMBER]);
/* Replaces invalid UTF-8 in place, so that PostgreSQL accepts the text; returns it. */
char *pg_clean(char *text);

#endif
