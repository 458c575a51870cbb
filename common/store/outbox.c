/* Messages that a transaction has promised: written with the books, deleted once confirmed. */
#include "common/store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

/* As RabbitMQ takes it (AMQP's short text of a number of milliseconds below 2^32): 49.7 days. */
#define OUTBOX_MAX_EXPIRATION_MS INT64_C(4294967295)

/* Bodies of one INSERT, together. */
#define OUTBOX_STATEMENT_BYTES ((size_t)1 << 20)

static bool outbox_no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory for a promised message");
}

/* --- writing ---------------------------------------------------------------------------------- */

/* bytea in PostgreSQL's hexadecimal text. Caller frees. */
static char *outbox_hex(const char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * len + 3);
    if (!text)
        return NULL;
    char *at = text;
    *at++ = '\\';
    *at++ = 'x';
    for (size_t i = 0; i < len; i++) {
        *at++ = digits[(unsigned char)bytes[i] >> 4];
        *at++ = digits[(unsigned char)bytes[i] & 15];
    }
    *at = '\0';
    return text;
}

/* JSON inside JSON travels as a text: PostgreSQL would not read past a NUL's escape in it. */
static json_t *outbox_json_text(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_t *made = text ? json_string(text) : NULL;
    free(text);
    return made;
}

/* All properties but the expiration, which is worked out when the message is sent. */
static json_t *outbox_properties(const struct message *v)
{
    json_t *properties = json_pack("{s:s*, s:s*, s:s*}", "correlation_id", v->correlation_id,
                                   "reply_to", v->reply_to, "message_id", v->message_id);
    if (properties && v->priority >= 0)
        json_object_set_new(properties, "priority", json_integer(v->priority));
    json_t *text = outbox_json_text(properties);
    json_decref(properties);
    return text;
}

static const char *outbox_or_empty(const char *text)
{
    return text ? text : "";
}

/* A row as outbox_insert reads it; NULL without memory. */
static json_t *outbox_row_of(const struct outbox_new *n, const struct message *v)
{
    char *body = outbox_hex(v->body, v->body_len);
    int64_t expires_ms = n->message->expires_ms;
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:o}", "task_id", n->message->id, "queue",
                  n->queue, "content_type", outbox_or_empty(v->content_type), "content_encoding",
                  outbox_or_empty(v->content_encoding), "headers", outbox_json_text(v->headers),
                  "properties", outbox_properties(v), "body", outbox_or_empty(body), "expires",
                  expires_ms ? json_real((double)expires_ms / 1000) : json_null());
    free(body);
    return body ? row : (json_decref(row), NULL);
}

/* One statement for all rows. */
static bool outbox_insert(struct pg *p, const char *owner, const json_t *rows, struct err *e)
{
    char *text = json_dumps(rows, JSON_COMPACT | JSON_REAL_PRECISION(17));
    bool ok = text ? pg_do(p, e, NULL,
                           "INSERT INTO meterbeat.outbox (task_id, owner, queue, content_type,"
                           " content_encoding, headers, properties, body, expires_at)"
                           " SELECT task_id, $2, queue, content_type, content_encoding,"
                           " headers::json, properties::json, body, to_timestamp(expires)"
                           " FROM json_to_recordset($1::json) AS r (task_id text, queue text,"
                           " content_type text, content_encoding text, headers text,"
                           " properties text, body bytea, expires double precision)"
                           " ON CONFLICT (task_id) DO NOTHING",
                           PG_ARGS(text, owner))
                   : outbox_no_memory(e);
    free(text);
    return ok;
}

bool outbox_add_all(struct pg *p, const char *owner, const struct outbox_new *news, size_t count,
                    const char *serializer, int64_t now_ms, struct err *e)
{
    json_t *rows = json_array();
    size_t bytes = 0;
    bool ok = rows || outbox_no_memory(e);
    for (size_t i = 0; ok && i < count; i++) {
        struct message v CLEANUP(message_free) = {.priority = -1};
        ok = task_message_encode(news[i].message, serializer, now_ms, &v, e);
        if (!ok)
            break;
        bytes += v.body_len;
        ok = json_array_append_new(rows, outbox_row_of(&news[i], &v)) == 0 || outbox_no_memory(e);
        if (ok && (bytes > OUTBOX_STATEMENT_BYTES || i + 1 == count)) {
            ok = outbox_insert(p, owner, rows, e) &&
                 (json_array_clear(rows) == 0 || outbox_no_memory(e));
            bytes = 0;
        }
    }
    json_decref(rows);
    return ok;
}

bool outbox_add(struct pg *p, const char *owner, const char *queue, const struct task_message *m,
                const char *serializer, int64_t now_ms, struct err *e)
{
    struct outbox_new only = {queue, m};
    return outbox_add_all(p, owner, &only, 1, serializer, now_ms, e);
}

/* --- taking ----------------------------------------------------------------------------------- */

static bool outbox_text(const char *text, char **ret_copy)
{
    *ret_copy = text && *text ? strdup(text) : NULL;
    return *ret_copy || !text || !*text;
}

static bool outbox_read_properties(const char *text, struct message *v)
{
    json_t *properties = json_loads(text, JSON_ALLOW_NUL, NULL);
    json_t *priority = json_object_get(properties, "priority");
    v->priority = priority ? (int)json_integer_value(priority) : -1;
    bool ok =
        properties &&
        outbox_text(json_string_value(json_object_get(properties, "correlation_id")),
                    &v->correlation_id) &&
        outbox_text(json_string_value(json_object_get(properties, "reply_to")), &v->reply_to) &&
        outbox_text(json_string_value(json_object_get(properties, "message_id")), &v->message_id);
    json_decref(properties);
    return ok;
}

static bool outbox_read_body(const char *text, struct message *v)
{
    size_t len;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)text, &len);
    v->body = bytes ? malloc(len + 1) : NULL;
    if (v->body) {
        memcpy(v->body, bytes, len);
        v->body[len] = '\0';
        v->body_len = len;
    }
    PQfreemem(bytes);
    return v->body != NULL;
}

/* id, queue, expires (ms), left (ms), content_type, content_encoding, headers, properties, body */
static bool outbox_read_row(const PGresult *r, int row, struct outbox_row *out)
{
    char expiration[PG_NUMBER];
    *out = (struct outbox_row){.id = pg_int(r, row, 0, 0), .expires_ms = pg_int(r, row, 2, 0)};
    struct message *v = &out->message;
    int64_t left = pg_int(r, row, 3, 0);
    bool expires = out->expires_ms && left <= OUTBOX_MAX_EXPIRATION_MS;
    v->headers = json_loads(pg_text(r, row, 6), JSON_ALLOW_NUL, NULL);
    return v->headers && outbox_text(pg_text(r, row, 1), &out->queue) &&
           outbox_text(pg_text(r, row, 4), &v->content_type) &&
           outbox_text(pg_text(r, row, 5), &v->content_encoding) &&
           outbox_text(expires ? pg_number(left, expiration) : NULL, &v->expiration) &&
           outbox_read_properties(pg_text(r, row, 7), v) && outbox_read_body(pg_text(r, row, 8), v);
}

static bool outbox_read(const PGresult *r, struct outbox_row **ret_rows, size_t *ret_count,
                        struct err *e)
{
    size_t count = (size_t)PQntuples(r);
    struct outbox_row *rows = calloc(count ? count : 1, sizeof *rows);
    for (size_t i = 0; rows && i < count; i++)
        if (!outbox_read_row(r, (int)i, &rows[i])) {
            outbox_rows_free(rows, i + 1);
            rows = NULL;
        }
    if (!rows)
        return outbox_no_memory(e);
    *ret_rows = rows;
    *ret_count = count;
    return true;
}

/* A late message is not sent: whoever promised it said so with its expiry. */
bool outbox_expire(struct pg *p, const char *owner, int64_t *ret_count, struct err *e)
{
    return pg_do(p, e, ret_count,
                 "DELETE FROM meterbeat.outbox WHERE id IN (SELECT id FROM meterbeat.outbox"
                 " WHERE expires_at <= now() AND ($1::text IS NULL OR owner = $1)"
                 " LIMIT 1000 FOR UPDATE SKIP LOCKED)",
                 PG_ARGS(owner));
}

bool outbox_take_filtered(struct pg *p, const char *owner, int64_t older_than_s,
                          const struct outbox_filter *filter, size_t max,
                          struct outbox_row **ret_rows, size_t *ret_count, struct err *e)
{
    char age[PG_NUMBER], limit[PG_NUMBER];
    char *except = filter->except ? json_dumps(filter->except, JSON_COMPACT) : NULL;
    if (filter->except && !except)
        return outbox_no_memory(e);
    PGresult *r CLEANUP(pg_clear) = NULL;
    if (outbox_expire(p, owner, NULL, e))
        r = pg_query(
            p, e,
            "SELECT id, queue, (extract(epoch FROM expires_at) * 1000)::bigint,"
            " (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::bigint, content_type,"
            " content_encoding, headers, properties, body FROM meterbeat.outbox"
            " WHERE (owner = $1 OR ($1::text IS NULL AND created_at <= now() - $2 * interval '1 "
            "s'))"
            " AND (expires_at IS NULL OR expires_at > now())"
            " AND ($4::text IS NULL OR queue = $4) AND ($5::text IS NULL OR queue NOT IN"
            " (SELECT name FROM json_array_elements_text($5::json) AS n (name)))"
            " ORDER BY refused, id LIMIT $3::bigint FOR UPDATE SKIP LOCKED",
            PG_ARGS(owner, pg_number(older_than_s, age), pg_number((int64_t)max, limit),
                    filter->only, except));
    free(except);
    return r && outbox_read(r, ret_rows, ret_count, e);
}

bool outbox_take(struct pg *p, const char *owner, int64_t older_than_s, size_t max,
                 struct outbox_row **ret_rows, size_t *ret_count, struct err *e)
{
    const struct outbox_filter none = {0};
    return outbox_take_filtered(p, owner, older_than_s, &none, max, ret_rows, ret_count, e);
}

/* sql: a statement about the rows whose ids are $1. */
static bool outbox_change(struct pg *p, const char *sql, const struct outbox_row *rows,
                          size_t count, struct err *e)
{
    struct buf ids CLEANUP(buf_free) = buf_make(OUTBOX_MAX_ROWS * 24);
    for (size_t i = 0; i < count; i++)
        if (!buf_printf(&ids, e, "%c%lld", i ? ',' : '{', (long long)rows[i].id))
            return false;
    return !count || (buf_append(&ids, "}", 1, e) && pg_do(p, e, NULL, sql, PG_ARGS(ids.data)));
}

bool outbox_sent(struct pg *p, const struct outbox_row *rows, size_t count, struct err *e)
{
    return outbox_change(p, "DELETE FROM meterbeat.outbox WHERE id = ANY ($1::bigint[])", rows,
                         count, e);
}

bool outbox_refused(struct pg *p, const struct outbox_row *rows, size_t count, struct err *e)
{
    return outbox_change(p,
                         "UPDATE meterbeat.outbox SET refused = least(refused, 1000000) + 1"
                         " WHERE id = ANY ($1::bigint[])",
                         rows, count, e);
}

void outbox_row_free(struct outbox_row *row)
{
    free(row->queue);
    message_free(&row->message);
    *row = (struct outbox_row){.message.priority = -1};
}

void outbox_rows_free(struct outbox_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        outbox_row_free(&rows[i]);
    free(rows);
}
