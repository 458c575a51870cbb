/* One PostgreSQL connection: connects within bounds, and folds every failure into the kinds of err.
 */
#include "books/pg.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* A peer that is gone is noticed within 10 + 3 * 5 s while we wait for it to answer. */
#define PG_KEEPALIVES_IDLE_S "10"
#define PG_KEEPALIVES_INTERVAL_S "5"
#define PG_KEEPALIVES_COUNT "3"
/* Beyond the wait for a publisher confirm: the outbox is sent inside a transaction. */
#define PG_IDLE_IN_TRANSACTION_S 300

/* SCRAM at least: whoever stands in the server's place gets neither the password nor its MD5. No
 * password at all (peer, certificates, Kerberos, trust) gives nothing away. */
#define PG_REQUIRED_AUTH "!password,!md5"

struct pg {
    const struct settings *settings;
    char application_name[64]; /* PostgreSQL keeps 63 bytes */
    PGconn *conn;              /* NULL: not connected */
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
        const char *text = p->conn ? PQerrorMessage(p->conn) : "not connected";
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
    pg_number((p->settings->broker.confirm_timeout_s + PG_IDLE_IN_TRANSACTION_S) * 1000, idle_ms);
    return pg_do(p, e, NULL,
                 "SELECT set_config('statement_timeout', $1, false),"
                 " set_config('idle_in_transaction_session_timeout', $2, false),"
                 " set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false),"
                 " set_config('standard_conforming_strings', 'on', false),"
                 " set_config('bytea_output', 'hex', false),"
                 " set_config('default_transaction_isolation', 'read committed', false)",
                 PG_ARGS(statement_ms, idle_ms));
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
    if (pg_set_session(p, e))
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

PGresult *pg_query(struct pg *p, struct err *e, const char *sql, int count,
                   const char *const *values)
{
    if (!p->conn) {
        pg_fail(p, NULL, e);
        return NULL;
    }
    PGresult *r = PQexecParams(p->conn, sql, count, NULL, values, NULL, NULL, 0);
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
    PGresult *r CLEANUP(pg_clear) = PQexec(p->conn, sql);
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

bool pg_commit(struct pg *p, struct err *e)
{
    if (!p->conn)
        return pg_fail(p, NULL, e);
    PGresult *r CLEANUP(pg_clear) = PQexec(p->conn, "COMMIT");
    if (PQresultStatus(r) == PGRES_COMMAND_OK) {
        /* COMMIT of a transaction in which a statement failed answers ROLLBACK, without error. */
        if (strcmp(PQcmdStatus(r), "COMMIT") == 0)
            return true;
        return err_set(e, ERR_RETRY, "rolled_back",
                       "PostgreSQL rolled back: a statement of the transaction had failed");
    }
    pg_fail(p, r, e);
    if (!p->conn && e) {
        err_set(e, ERR_RETRY, "commit_unknown", "%s", "PostgreSQL: no answer to COMMIT");
    }
    return false;
}

void pg_rollback(struct pg *p)
{
    if (!p->conn || PQtransactionStatus(p->conn) == PQTRANS_IDLE)
        return;
    /* PQexec ends an unfinished COPY by itself, with an error that the rollback makes void. */
    PGresult *r CLEANUP(pg_clear) = PQexec(p->conn, "ROLLBACK");
    if (PQresultStatus(r) != PGRES_COMMAND_OK || PQtransactionStatus(p->conn) != PQTRANS_IDLE)
        pg_drop(p);
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
    PGresult *r CLEANUP(pg_clear) = PQexec(p->conn, copy_sql);
    return PQresultStatus(r) == PGRES_COPY_IN || pg_fail(p, r, e);
}

bool pg_copy_rows(struct pg *p, struct err *e, const char *text, size_t len)
{
    while (p->conn && len) {
        int piece = len > 1 << 20 ? 1 << 20 : (int)len;
        if (PQputCopyData(p->conn, text, piece) != 1)
            break;
        text += piece;
        len -= (size_t)piece;
    }
    return len == 0 && p->conn ? true : pg_fail(p, NULL, e);
}

bool pg_copy_end(struct pg *p, struct err *e, int64_t *ret_rows)
{
    if (!p->conn || PQputCopyEnd(p->conn, NULL) != 1)
        return pg_fail(p, NULL, e);
    PGresult *r CLEANUP(pg_clear) = PQgetResult(p->conn);
    for (PGresult *more = PQgetResult(p->conn); more; more = PQgetResult(p->conn))
        PQclear(more);
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
