/* One PostgreSQL connection: connects within bounds, and folds every failure into the kinds of err.
 */
#include "common/store/pg.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

/* A peer that is gone is noticed within 10 + 3 * 5 s while we wait for it to answer. */
#define PG_KEEPALIVES_IDLE_S "10"
#define PG_KEEPALIVES_INTERVAL_S "5"
#define PG_KEEPALIVES_COUNT "3"
/* The same for the server, about us, in milliseconds: a machine that vanishes leaves its locks. */
#define PG_USER_TIMEOUT_MS "30000"
/* Beyond the waits for the broker: the outbox is sent inside a transaction. */
#define PG_IDLE_IN_TRANSACTION_S 30
/* Between the statements of a transaction that others wait for. */
#define PG_IDLE_BRIEF_MS "5000"
/* An answer that takes longer: is the server there at all? Asked so often. */
#define PG_PROBE_MS 10000
/* Beyond the time that the server itself ends a statement after. */
#define PG_LATE_MS 5000
#define PG_POOLER_TRIES 5

/* SCRAM at least: whoever stands in the server's place gets neither the password nor its MD5. No
 * password at all (peer, certificates, Kerberos, trust) gives nothing away. */
#define PG_REQUIRED_AUTH "!password,!md5"

struct pg {
    const struct settings *settings;
    char application_name[64]; /* PostgreSQL keeps 63 bytes */
    PGconn *conn;              /* NULL: not connected */
    bool is_hung;              /* it has not answered in time */
    bool is_pooled;            /* a pooler by transaction was found in between, once and for all */
    int64_t server_pid;        /* of the server process behind it */
    int64_t most_ms;           /* for an answer, where that is not to be the usual time; 0: usual */
    int64_t extra_s;           /* of its session: beyond database.statement_timeout_s */
};

/* What a SQLSTATE means for a task; the first prefix that fits decides. */
static const struct pg_meaning {
    const char *prefix;
    enum err_kind kind;
    bool drop; /* this connection is of no further use */
    const char *code;
} pg_meanings[] = {
    {"57014", ERR_RETRY, false, "database_timeout"},
    {"57P", ERR_RETRY, true, "database_lost"},
    {"08", ERR_RETRY, true, "database_lost"},
    {"25P03", ERR_RETRY, true, "database_lost"},
    {"25006", ERR_RETRY, true, "database_readonly"}, /* failed over: reconnecting finds the primary
                                                      */
    {"25", ERR_RETRY, false, "transaction_failed"},
    {"40", ERR_RETRY, false, "database_conflict"},
    {"53", ERR_RETRY, false, "database_full"},
    {"55", ERR_RETRY, false, "database_busy"},
    {"58", ERR_RETRY, false, "database_io"},
    {"22", ERR_REJECT, false, "bad_data"},
    {"23", ERR_REJECT, false, "constraint"},
    {"28", ERR_FATAL, false, "database_refused"},
    {"42501", ERR_FATAL, false, "database_privilege"},
    {"42", ERR_FATAL, false, "database_schema"},
    {"3F", ERR_FATAL, false, "database_schema"},
    {"3D", ERR_FATAL, false, "database_refused"},
    {"", ERR_RETRY, false, "database_error"},
};

static const struct pg_meaning *pg_meaning_of(const char *sqlstate)
{
    size_t i = 0;
    while (strncmp(sqlstate, pg_meanings[i].prefix, strlen(pg_meanings[i].prefix)) != 0)
        i++;
    return &pg_meanings[i];
}

static void pg_drop(struct pg *p)
{
    PQfinish(p->conn);
    p->conn = NULL;
    p->is_hung = false;
}

static int pg_line_length(const char *text)
{
    return (int)strcspn(text, "\n");
}

/* Folds a failed result (NULL: none arrived) and the state of the connection into e; false. */
static bool pg_fail(struct pg *p, const PGresult *r, struct err *e)
{
    const char *sqlstate = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *message = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (!sqlstate || !message) {
        const char *text = p->is_hung ? "no answer: the server or the way to it hangs"
                           : p->conn  ? PQerrorMessage(p->conn)
                                      : "not connected";
        err_set(e, ERR_RETRY, "database_lost", "PostgreSQL: %.*s", pg_line_length(text), text);
        pg_drop(p);
        return false;
    }
    const struct pg_meaning *meaning = pg_meaning_of(sqlstate);
    const char *constraint = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
    bool missing = strcmp(sqlstate, "42P01") == 0 || strncmp(sqlstate, "3F", 2) == 0;
    err_set(e, meaning->kind, meaning->code, "PostgreSQL: %.*s%s%s (SQLSTATE %s)%s",
            pg_line_length(message), message, constraint ? ", constraint " : "",
            constraint ? constraint : "", sqlstate, missing ? "; run meterbeatctl init-db" : "");
    if (meaning->drop || PQstatus(p->conn) == CONNECTION_BAD)
        pg_drop(p);
    return false;
}

/* The server's notices ("table exists, skipping") are nobody's news. */
static void pg_ignore_notice(void *nobody, const PGresult *notice)
{
    (void)nobody;
    (void)notice;
}

/* --- connecting ------------------------------------------------------------------------------- */

static int64_t pg_host_count(PGconn *conn)
{
    int64_t count = 1;
    PQconninfoOption *options = PQconninfo(conn);
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (strcmp(o->keyword, "host") == 0)
            for (const char *c = o->val ? o->val : ""; *c; c++)
                count += *c == ',';
    PQconninfoFree(options);
    return count;
}

/* PQconnectdb without its blocking: the deadline covers the log-in as well as the connection. */
static bool pg_await_connection(struct pg *p, int64_t timeout_ms)
{
    int64_t deadline = clock_mono_ms() + timeout_ms * pg_host_count(p->conn);
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
        int64_t left = deadline - clock_mono_ms();
        struct pollfd wait = {.fd = PQsocket(p->conn),
                              .events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        if (left <= 0 || poll(&wait, 1, (int)left) == 0)
            return false;
        step = PQconnectPoll(p->conn);
    }
    return step == PGRES_POLLING_OK;
}

/* The "28P01" of "FATAL:  28P01: …", which libpq tells only inside its verbose text; else "". */
static void pg_sqlstate_in(const char *text, char ret_state[6])
{
    ret_state[0] = '\0';
    for (const char *at = strstr(text, ":  "); at; at = strstr(at + 1, ":  ")) {
        const char *state = at + 3;
        size_t n = strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (n == 5 && state[5] == ':') {
            memcpy(ret_state, state, 5);
            ret_state[5] = '\0';
        }
    }
}

static bool pg_refused(struct pg *p, struct err *e)
{
    char state[6];
    const char *text = PQerrorMessage(p->conn);
    pg_sqlstate_in(text, state);
    bool refused = PQconnectionNeedsPassword(p->conn) || strncmp(state, "28", 2) == 0 ||
                   strncmp(state, "3D", 2) == 0 || strcmp(state, "42501") == 0;
    if (!*text)
        text = "no answer within database.connect_timeout_s";
    err_set(e, refused ? ERR_FATAL : ERR_RETRY,
            refused ? "database_refused" : "database_unreachable", "PostgreSQL: %.*s",
            pg_line_length(text), text);
    pg_drop(p);
    return false;
}

/* What every session relies on, whatever the role's and the database's defaults are. */
static bool pg_set_session(struct pg *p, struct err *e)
{
    char statement_ms[PG_NUMBER], idle_ms[PG_NUMBER];
    pg_number(p->settings->database.statement_timeout_s * 1000, statement_ms);
    pg_number((p->settings->broker.confirm_timeout_s + p->settings->broker.connect_timeout_s +
               PG_IDLE_IN_TRANSACTION_S) *
                  1000,
              idle_ms);
    PGresult *r CLEANUP(pg_clear) =
        pg_query(p, e,
                 "SELECT pg_backend_pid(), set_config('statement_timeout', $1, false),"
                 " set_config('idle_in_transaction_session_timeout', $2, false),"
                 " set_config('tcp_keepalives_idle', '" PG_KEEPALIVES_IDLE_S "', false),"
                 " set_config('tcp_keepalives_interval', '" PG_KEEPALIVES_INTERVAL_S "', false),"
                 " set_config('tcp_keepalives_count', '" PG_KEEPALIVES_COUNT "', false),"
                 " set_config('tcp_user_timeout', '" PG_USER_TIMEOUT_MS "', false),"
                 /* from version 14 on: also in the middle of a statement */
                 " (SELECT set_config(name, '10s', false) FROM pg_settings"
                 "  WHERE name = 'client_connection_check_interval'),"
                 " set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false),"
                 " set_config('standard_conforming_strings', 'on', false),"
                 " set_config('bytea_output', 'hex', false),"
                 " set_config('default_transaction_isolation', 'read committed', false)",
                 PG_ARGS(statement_ms, idle_ms));
    p->server_pid = r ? pg_int(r, 0, 0, 0) : 0;
    return r != NULL;
}

bool pg_be_patient(struct pg *p, int64_t extra_s, struct err *e)
{
    char statement_ms[PG_NUMBER];
    if (extra_s == p->extra_s)
        return true;
    pg_number((p->settings->database.statement_timeout_s + extra_s) * 1000, statement_ms);
    if (!pg_do(p, e, NULL, "SELECT set_config('statement_timeout', $1, false)",
               PG_ARGS(statement_ms)))
        return false;
    p->extra_s = extra_s;
    return true;
}

static bool pg_url_is_readable(const char *url)
{
    if (!strchr(url, '=') && !strstr(url, "://"))
        return true; /* a bare database name */
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool readable = options != NULL;
    PQconninfoFree(options);
    return readable;
}

static bool pg_pooled(struct pg *p, struct err *e)
{
    p->is_pooled = true;
    return err_set(e, ERR_FATAL, "database_pooled",
                   "between here and PostgreSQL a pooler hands out its connections by transaction "
                   "(pg_backend_pid changes): temporary tables, settings and locks of a session "
                   "would be another's; set its pool_mode to session, or connect without it");
}

static bool pg_connect(struct pg *p, struct err *e);

/* Whether the process behind the second connection, in a transaction, is the one behind the first;
 * or what that leaves to the first one is another. */
static bool pg_shares_process(struct pg *p, struct pg *second, bool *ret_shares, struct err *e)
{
    *ret_shares = false;
    if (!pg_begin(second, e))
        return strstr(e->text, "pooling") ? (*ret_shares = true) : false;
    PGresult *theirs CLEANUP(pg_clear) = pg_query(second, e, "SELECT pg_backend_pid()", PG_NO_ARGS);
    *ret_shares = theirs && pg_int(theirs, 0, 0, 0) == p->server_pid;
    pg_rollback(second);
    if (!theirs || *ret_shares)
        return theirs != NULL;
    PGresult *ours CLEANUP(pg_clear) = pg_query(p, e, "SELECT pg_backend_pid()", PG_NO_ARGS);
    *ret_shares = ours && pg_int(ours, 0, 0, 0) != p->server_pid;
    return ours != NULL;
}

/*
 * The key for cancelling that came with the log-in names another process than the server says it
 * is: a pooler is in between. By session it is welcome. By transaction it gives the process that
 * was used last, ours, to whoever begins one next; tried a few times, as others may come between.
 */
static bool pg_check_pooler(struct pg *p, struct err *e)
{
    struct err ignored;
    bool shares = false;
    if (p->most_ms || PQbackendPID(p->conn) == p->server_pid)
        return true;
    struct pg second = {.settings = p->settings, .most_ms = PG_LATE_MS};
    snprintf(second.application_name, sizeof second.application_name, "%s", p->application_name);
    bool is_known = pg_connect(&second, &ignored);
    for (int tries = 0; is_known && !shares && tries < PG_POOLER_TRIES; tries++)
        is_known = pg_shares_process(p, &second, &shares, &ignored);
    pg_drop(&second);
    return !shares || pg_pooled(p, e);
}

bool pg_same_process(struct pg *p, int64_t pid, struct err *e)
{
    return pid == p->server_pid || pg_pooled(p, e);
}

static bool pg_connect(struct pg *p, struct err *e)
{
    const struct settings *s = p->settings;
    /* libpq's own words for a bad URL would repeat it, with whatever is in it. */
    if (!pg_url_is_readable(s->database.url))
        return err_set(e, ERR_FATAL, "database_url",
                       "database.url is no PostgreSQL URL and no libpq key=value text");
    char seconds[PG_NUMBER], user_timeout_ms[PG_NUMBER];
    pg_number(s->database.connect_timeout_s, seconds);
    pg_number(s->database.connect_timeout_s * 1000, user_timeout_ms);
    bool secret = s->database.password && *s->database.password;
    /* its own word in the URL wins; libpq 15 does not know the key (config/clear_text.c tells) */
    bool can_insist = PQlibVersion() >= 160000;
    bool has_own = strstr(s->database.url, "require_auth") != NULL;
    /* A later key wins over the same one in the URL; an absent password leaves the URL's own. */
    const char *const keys[] = {"dbname",
                                "connect_timeout",
                                "application_name",
                                "client_encoding",
                                "keepalives",
                                "keepalives_idle",
                                "keepalives_interval",
                                "keepalives_count",
                                "tcp_user_timeout",
                                can_insist && !has_own ? "require_auth"
                                : secret               ? "password"
                                                       : NULL,
                                can_insist && !has_own && secret ? "password" : NULL,
                                NULL};
    const char *const values[] = {s->database.url,
                                  seconds,
                                  p->application_name,
                                  "UTF8",
                                  "1",
                                  PG_KEEPALIVES_IDLE_S,
                                  PG_KEEPALIVES_INTERVAL_S,
                                  PG_KEEPALIVES_COUNT,
                                  user_timeout_ms,
                                  can_insist && !has_own ? PG_REQUIRED_AUTH
                                  : secret               ? s->database.password
                                                         : NULL,
                                  secret ? s->database.password : NULL,
                                  NULL};
    p->extra_s = 0;
    p->conn = PQconnectStartParams(keys, values, 1);
    if (!p->conn)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a connection");
    PQsetErrorVerbosity(p->conn, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(p->conn, pg_ignore_notice, NULL);
    if (PQstatus(p->conn) == CONNECTION_BAD ||
        !pg_await_connection(p, s->database.connect_timeout_s * 1000))
        return pg_refused(p, e);
    PQsetErrorVerbosity(p->conn, PQERRORS_DEFAULT);
    if (PQsetnonblocking(p->conn, 1) != 0) /* or a hung server blocks us in sending */
        return pg_refused(p, e);
    if (pg_set_session(p, e) && pg_check_pooler(p, e))
        return true;
    pg_drop(p);
    return false;
}

/* Without a round trip: an idle connection has something to read only when the server ended it. */
static bool pg_alive(struct pg *p)
{
    if (!p->conn || PQstatus(p->conn) != CONNECTION_OK)
        return false;
    if (PQtransactionStatus(p->conn) != PQTRANS_IDLE)
        return true;
    struct pollfd wait = {.fd = PQsocket(p->conn), .events = POLLIN};
    for (int reads = 0; poll(&wait, 1, 0) > 0; reads++) {
        if (reads == 16 || !PQconsumeInput(p->conn) || PQstatus(p->conn) != CONNECTION_OK)
            return false;
        (void)PQisBusy(p->conn); /* takes notices and parameter changes out of the buffer */
    }
    return true;
}

struct pg *pg_new(const struct settings *s, const char *application_name)
{
    struct pg *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->settings = s;
    snprintf(p->application_name, sizeof p->application_name, "%s", application_name);
    return p;
}

void pg_free(struct pg *p)
{
    if (!p)
        return;
    pg_drop(p);
    free(p);
}

bool pg_ready(struct pg *p, struct err *e)
{
    if (pg_alive(p))
        return true;
    pg_drop(p);
    return pg_connect(p, e);
}

/* --- statements ------------------------------------------------------------------------------- */

/* How long one answer is waited for; monotonic. */
struct pg_patience {
    int64_t until_ms, probe_ms;
};

static struct pg_patience pg_patience(const struct pg *p)
{
    int64_t now_ms = clock_mono_ms();
    int64_t statement_ms = (p->settings->database.statement_timeout_s + p->extra_s) * 1000;
    int64_t most_ms = p->most_ms ? p->most_ms : statement_ms + PG_LATE_MS;
    return (struct pg_patience){now_ms + most_ms, now_ms + PG_PROBE_MS};
}

/* A server that hangs, or a network that lets nothing through any more, closes no connection. */
static bool pg_server_answers(const struct pg *p)
{
    char seconds[PG_NUMBER];
    const char *const keys[] = {"dbname", "connect_timeout", NULL};
    const char *const values[] = {p->settings->database.url,
                                  pg_number(p->settings->database.connect_timeout_s, seconds),
                                  NULL};
    PGPing ping = PQpingParams(keys, values, 1);
    return ping == PQPING_OK || ping == PQPING_REJECT;
}

/* Until the socket is ready for one of `events`; false: the answer will not come (is_hung). */
static bool pg_wait(struct pg *p, short events, struct pg_patience *patience)
{
    for (;;) {
        int64_t now_ms = clock_mono_ms();
        int64_t next_ms =
            patience->probe_ms < patience->until_ms ? patience->probe_ms : patience->until_ms;
        struct pollfd wait = {.fd = PQsocket(p->conn), .events = events};
        if (now_ms < next_ms && poll(&wait, 1, (int)(next_ms - now_ms)) > 0)
            return true;
        now_ms = clock_mono_ms();
        p->is_hung =
            now_ms >= patience->until_ms || (now_ms >= patience->probe_ms && !pg_server_answers(p));
        if (p->is_hung)
            return false;
        if (now_ms >= patience->probe_ms)
            patience->probe_ms = clock_mono_ms() + PG_PROBE_MS;
    }
}

static bool pg_flush(struct pg *p, struct pg_patience *patience)
{
    int left;
    while ((left = PQflush(p->conn)) == 1)
        if (!pg_wait(p, POLLIN | POLLOUT, patience) || !PQconsumeInput(p->conn))
            return false;
    return left == 0;
}

/* As PQexec: the last result of what was sent, or the one that a COPY begins with. NULL: none came;
 * to PQclear. is_sent: as the PQsend… function said. */
static PGresult *pg_answer(struct pg *p, int is_sent)
{
    struct pg_patience patience = pg_patience(p);
    PGresult *last = NULL;
    if (!is_sent || !pg_flush(p, &patience))
        return NULL;
    for (;;) {
        while (PQisBusy(p->conn))
            if (!pg_wait(p, POLLIN, &patience) || !PQconsumeInput(p->conn)) {
                PQclear(last);
                return NULL;
            }
        PGresult *r = PQgetResult(p->conn);
        if (!r)
            return last;
        PQclear(last);
        last = r;
        if (PQresultStatus(r) == PGRES_COPY_IN)
            return r;
    }
}

static PGresult *pg_exec(struct pg *p, const char *sql)
{
    return pg_answer(p, PQsendQuery(p->conn, sql));
}

PGresult *pg_query(struct pg *p, struct err *e, const char *sql, int count,
                   const char *const *values)
{
    if (!p->conn) {
        pg_fail(p, NULL, e);
        return NULL;
    }
    PGresult *r = pg_answer(p, PQsendQueryParams(p->conn, sql, count, NULL, values, NULL, NULL, 0));
    ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return r;
    pg_fail(p, r, e);
    PQclear(r);
    return NULL;
}

void pg_clear(PGresult **result)
{
    PQclear(*result);
    *result = NULL;
}

bool pg_do(struct pg *p, struct err *e, int64_t *ret_rows, const char *sql, int count,
           const char *const *values)
{
    PGresult *r CLEANUP(pg_clear) = pg_query(p, e, sql, count, values);
    if (!r)
        return false;
    if (ret_rows)
        *ret_rows = strtoll(PQcmdTuples(r), NULL, 10);
    return true;
}

bool pg_script(struct pg *p, struct err *e, const char *sql)
{
    if (!p->conn)
        return pg_fail(p, NULL, e);
    PGresult *r CLEANUP(pg_clear) = pg_exec(p, sql);
    ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        return true;
    return pg_fail(p, r, e);
}

bool pg_begin(struct pg *p, struct err *e)
{
    if (p->conn && PQtransactionStatus(p->conn) != PQTRANS_IDLE)
        return err_set(e, ERR_FATAL, "nested_transaction", "a transaction is already open");
    return pg_do(p, e, NULL, "BEGIN", PG_NO_ARGS);
}

bool pg_begin_brief(struct pg *p, struct err *e)
{
    if (p->conn && PQtransactionStatus(p->conn) != PQTRANS_IDLE)
        return err_set(e, ERR_FATAL, "nested_transaction", "a transaction is already open");
    return pg_script(p, e,
                     "BEGIN; SET LOCAL idle_in_transaction_session_timeout = " PG_IDLE_BRIEF_MS);
}

bool pg_commit(struct pg *p, struct err *e)
{
    if (!p->conn)
        return pg_fail(p, NULL, e);
    PGresult *r CLEANUP(pg_clear) = pg_exec(p, "COMMIT");
    if (PQresultStatus(r) == PGRES_COMMAND_OK) {
        /* COMMIT of a transaction in which a statement failed answers ROLLBACK, without error. */
        if (strcmp(PQcmdStatus(r), "COMMIT") == 0)
            return true;
        return err_set(e, ERR_RETRY, "rolled_back",
                       "PostgreSQL rolled back: a statement of the transaction had failed");
    }
    pg_fail(p, r, e);
    if (!p->conn && e) {
        err_set(e, ERR_COMMIT_UNKNOWN, "commit_unknown", "%s", "PostgreSQL: no answer to COMMIT");
    }
    return false;
}

void pg_rollback(struct pg *p)
{
    if (!p->conn || PQtransactionStatus(p->conn) == PQTRANS_IDLE)
        return;
    /* An unfinished COPY is ended first, with an error that the rollback makes void. */
    if (PQtransactionStatus(p->conn) == PQTRANS_ACTIVE) {
        struct pg_patience patience = pg_patience(p);
        int is_ended;
        while ((is_ended = PQputCopyEnd(p->conn, "given up")) == 0 && pg_flush(p, &patience))
            ;
        PQclear(is_ended == 1 ? pg_answer(p, 1) : NULL);
    }
    PGresult *r CLEANUP(pg_clear) = pg_exec(p, "ROLLBACK");
    if (PQresultStatus(r) != PGRES_COMMAND_OK || PQtransactionStatus(p->conn) != PQTRANS_IDLE)
        pg_drop(p);
}

bool pg_is_pooled(const struct pg *p)
{
    return p->is_pooled;
}

bool pg_in_transaction(const struct pg *p)
{
    return p->conn && PQtransactionStatus(p->conn) != PQTRANS_IDLE;
}

/* --- COPY ------------------------------------------------------------------------------------- */

bool pg_copy_start(struct pg *p, struct err *e, const char *copy_sql)
{
    if (!p->conn)
        return pg_fail(p, NULL, e);
    PGresult *r CLEANUP(pg_clear) = pg_exec(p, copy_sql);
    return PQresultStatus(r) == PGRES_COPY_IN || pg_fail(p, r, e);
}

bool pg_copy_rows(struct pg *p, struct err *e, const char *text, size_t len)
{
    struct pg_patience patience = pg_patience(p);
    while (p->conn && len) {
        int piece = len > 1 << 20 ? 1 << 20 : (int)len;
        int is_taken = PQputCopyData(p->conn, text, piece);
        if (is_taken < 0 || (is_taken == 0 && !pg_flush(p, &patience)))
            break;
        text += is_taken ? piece : 0;
        len -= is_taken ? (size_t)piece : 0;
    }
    return len == 0 && p->conn ? true : pg_fail(p, NULL, e);
}

bool pg_copy_end(struct pg *p, struct err *e, int64_t *ret_rows)
{
    struct pg_patience patience = pg_patience(p);
    int is_ended = p->conn ? PQputCopyEnd(p->conn, NULL) : -1;
    while (is_ended == 0 && pg_flush(p, &patience))
        is_ended = PQputCopyEnd(p->conn, NULL);
    if (is_ended != 1)
        return pg_fail(p, NULL, e);
    PGresult *r CLEANUP(pg_clear) = pg_answer(p, 1);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        return pg_fail(p, r, e);
    if (ret_rows)
        *ret_rows = strtoll(PQcmdTuples(r), NULL, 10);
    return true;
}

/* --- values ----------------------------------------------------------------------------------- */

const char *pg_text(const PGresult *r, int row, int column)
{
    return PQgetisnull(r, row, column) ? NULL : PQgetvalue(r, row, column);
}

int64_t pg_int(const PGresult *r, int row, int column, int64_t fallback)
{
    const char *text = pg_text(r, row, column);
    return text ? strtoll(text, NULL, 10) : fallback;
}

double pg_double(const PGresult *r, int row, int column, double fallback)
{
    const char *text = pg_text(r, row, column);
    return text ? strtod(text, NULL) : fallback;
}

bool pg_bool(const PGresult *r, int row, int column)
{
    const char *text = pg_text(r, row, column);
    return text && *text == 't';
}

const char *pg_number(int64_t value, char out[PG_NUMBER])
{
    snprintf(out, PG_NUMBER, "%" PRId64, value);
    return out;
}

/* Length of the UTF-8 character at s, 0 when there is none (also at the end of the text). */
static size_t pg_utf8_length(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] == '\0' || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    return overlong || surrogate || (s[0] == 0xf4 && s[1] > 0x8f) ? 0 : n;
}

char *pg_clean(char *text)
{
    for (char *at = text; *at;) {
        size_t n = pg_utf8_length((const unsigned char *)at);
        if (n == 0)
            *at = '?';
        at += n ? n : 1;
    }
    return text;
}
