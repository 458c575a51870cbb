/* All settings of all programs; one table loads, checks, shows and documents them. */
#ifndef METERBEAT_CONFIG_SETTINGS_H
#define METERBEAT_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/broker_url.h"

#define SETTINGS_MAX_ENTRIES 20000
#define SETTINGS_MAX_ALIASES 64
#define SETTINGS_MAX_RETRY_DELAYS 16

/* One schedule entry as written; `every` and `crontab`, of which it has one, are checked by the
 * scheduler (schedule/recurrence.h). */
struct settings_entry {
    const char *name;     /* unique */
    const char *task;     /* any task name, also ones of a Python worker */
    const char *every;    /* "2s", "5m", "1d", "1w", "1mo", or NULL */
    const char *crontab;  /* "0 4 * * mon-fri", or NULL */
    const char *timezone; /* IANA name; default: the setting timezone */
    const char *anchor;   /* local "2026-01-01T00:00:00", or NULL: the epoch's grid */
    const char *args;     /* JSON list, "[]" when not given */
    const char *kwargs;   /* JSON object, "{}" when not given */
    const char *queue;    /* NULL: broker.queue */
    const char *expires;  /* "30s": lifetime of a message; NULL: until the next tick is due */
    const char *headers;  /* JSON object of custom headers, or NULL */
    int64_t priority;     /* 0 to 255 */
    int64_t time_limit_s, soft_time_limit_s; /* 0: the worker's own limit */
    const char *catch_up;                    /* "none", "one" (default), "all" */
    bool enabled;
    const char *file; /* its line in the file, for errors */
    int line;
};

struct settings_alias {
    const char *name; /* the name in a message: "doParser" */
    const char *task; /* the task it means: "parse" */
};

/* Read-only after loading; any thread. Strings belong to the settings; absent ones are "". */
struct settings {
    struct {
        /* amqp[s]://user@host:port/vhost, several separated by ";"; passwords in them are
         * removed */
        const char *url;
        const char *password, *password_file;
        const char *url_passwords[BROKER_URLS_MAX]; /* the passwords from the URLs, else "" */
        const char *ca_file, *cert_file, *key_file;
        const char *queue; /* the work queue; the others are <queue>.retry.<delay>, <queue>.dead */
        const char *queue_type; /* "classic" or "quorum"; only for a queue that has to be made */
        int64_t queue_max_priority;   /* 0: queues without priorities */
        const char *delayed_delivery; /* "off", or the type of its queues */
        const char *control_exchange; /* Celery's word for the first part of its exchanges' names */
        const char *event_exchange;
        const char *management_url;
        int64_t heartbeat_s, connect_timeout_s, confirm_timeout_s, reconnect_max_s;
    } broker;
    struct {
        const char
            /* postgresql://user@host:port/name or a libpq key=value string; its password is
             * removed */
            *url;
        const char *password, *password_file;
        int64_t connect_timeout_s, statement_timeout_s;
    } database;
    struct {
        const char *insert_url, *query_url; /* SEED's TSDB block */
        const char *measurement;
        const char *user, *password, *password_file, *ca_file;
        int64_t connect_timeout_s, timeout_s, batch_points, verify_timeout_s, settle_s;
        bool keep_codes; /* also store quality, tou, tier, cpp of readings that have them */
    } kairosdb;
    struct {
        const char *url_template; /* "" = SEED's batch syntax */
        const char *path;         /* between a record's url and its sub_id, in SEED's syntax */
        const char *user_agent;
        const char *ca_file;
        int64_t window_days, overlap_days, history_days;
        int64_t connect_timeout_s, timeout_s, low_speed_bytes, low_speed_s;
        int64_t max_bytes, max_depth, max_readings, max_groups, max_series, bill_days;
        const char *record_addresses; /* "site", "public" or "any": where records' URLs may lead */
        const char *allow_addresses;  /* networks allowed in addition, "10.0.0.0/8 ::1/128" */
        const char *allow_ports;      /* ports allowed in addition, "9000 10000-10100" */
        int64_t max_ratio;
        int64_t max_documents, token_timeout_s;
    } feed;
    struct {
        const char *key, *key_file; /* encrypts secrets (store/secret.h); one or more keys */
    } credentials;
    struct {
        int64_t prefetch, processes, grace_s, task_time_limit_s, lease_s, max_starts;
        int64_t max_message_bytes, max_message_depth, max_result_bytes;
        bool track_started;         /* send STARTED (Celery's task_track_started) */
        const char *foreign_queue;  /* for follow-up tasks that are not ours and name no queue */
        const char *name;           /* a pattern: config/node_name.h */
        const char *remote_control; /* "off", "inspect" or "all" */
        bool task_events;
        int64_t max_events, max_revoked, revoked_s, max_added_queues;
        int64_t retry_delays_s[SETTINGS_MAX_RETRY_DELAYS];
        size_t retry_delays;
        struct settings_alias aliases[SETTINGS_MAX_ALIASES];
        size_t aliases_count;
    } worker;
    struct {
        const char *serializer; /* "json" or "msgpack" */
        int64_t relay_after_s, lost_after_s, keep_days, catch_up_limit;
    } producer;
    const char *local_timezone; /* for months, days and dates of records: SEED's LOCAL_TIMEZONE */
    const char *timezone;       /* for schedule entries without one: SEED's CELERY_TIMEZONE */
    const char *log_level;
    bool allow_clear_text; /* allow passwords without TLS to other hosts */
    struct settings_entry *entries;
    size_t entries_count;
    void *owner; /* private: memory of the strings */
};

/* The configuration file to use: `option` if not NULL, else $METERBEAT_CONFIG, else the first of
 * config/meterbeat.conf and /etc/meterbeat/meterbeat.conf that exists (else the last of them). */
const char *settings_path(const char *option);
/*
 * Reads and checks `path`; secrets come from <name>_file settings or from
 * METERBEAT_BROKER_PASSWORD, METERBEAT_DATABASE_PASSWORD, METERBEAT_KAIROSDB_PASSWORD,
 * METERBEAT_CREDENTIALS_KEY (the environment takes precedence). False: ERR_FATAL with "file:line:
 * setting: what is wrong" (unknown key, wrong type, out of range, bad URL), code "bad_setting",
 * "bad_configuration", "bad_secret", "no_memory". Relative file names in it are relative to the
 * folder of path.
 */
MUST_CHECK bool settings_load(const char *path, struct settings *ret_settings, struct err *e);
/* Also for CLEANUP; a zeroed struct is accepted. Wipes secrets. */
void settings_free(struct settings *s);
/* The complete configuration in force, in libconfig's syntax and without secrets; it can be loaded
 * again. */
void settings_show(const struct settings *s, FILE *out);
/* One entry as an element of `schedule`, without fields that are absent or have their default. */
void settings_show_entry(const struct settings_entry *entry, FILE *out);
/* The table as Markdown: name, type, unit, default, range, help. docs/settings.md is its output. */
void settings_document(FILE *out);
/* The task that `name` means: itself, or the task of that alias. Borrowed from the settings or
 * `name`. */
const char *settings_task_name(const struct settings *s, const char *name);

#endif
