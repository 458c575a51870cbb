/* The table of settings: one row per setting drives loading, checking, showing and documenting. */
#ifndef METERBEAT_CONFIG_SETTINGS_TABLE_H
#define METERBEAT_CONFIG_SETTINGS_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum setting_type {
    SETTING_STRING,      /* const char *; least..most bytes */
    SETTING_WORD,        /* const char *, one of words ("a|b|c") */
    SETTING_INT,         /* int64_t, least..most */
    SETTING_BOOL,        /* bool */
    SETTING_URL,         /* const char *, scheme one of words; "" when least is 0 */
    SETTING_BROKER,      /* const char *, an amqp URL; a password in it is removed */
    SETTING_DATABASE,    /* const char *, a URL or a libpq key=value string; likewise */
    SETTING_PATH,        /* const char *, a readable file; "" = none */
    SETTING_ZONE,        /* const char *, an IANA time zone */
    SETTING_NODE,        /* const char *, the pattern of a worker's name */
    SETTING_JSON_LIST,   /* const char *, JSON text of a list */
    SETTING_JSON_OBJECT, /* const char *, JSON text of an object */
    SETTING_CRONTAB,     /* const char *; least..most bytes, may contain tabs */
    SETTING_DELAYS,      /* retry_delays_s and retry_delays; least..most each */
    SETTING_ALIASES,     /* aliases and aliases_count, rows of settings_alias_table */
    SETTING_SCHEDULE,    /* entries and entries_count, rows of settings_entry_table */
};

struct setting {
    const char *path; /* "broker.heartbeat_s" */
    enum setting_type type;
    const char *unit;     /* "s", "bytes", ... or "" */
    const char *fallback; /* the default as text; NULL: required, or stays NULL */
    int64_t least, most;
    const char *words;
    size_t offset; /* of the field in struct settings, settings_entry or settings_alias */
    int required;
    const char *help;
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;
extern const struct setting settings_entry_table[]; /* one element of `schedule` */
extern const size_t settings_entry_table_count;
extern const struct setting settings_alias_table[]; /* one element of `worker.aliases` */
extern const size_t settings_alias_table_count;

/* A password: its field, the setting that names its file, and the environment variable that takes
 * precedence. */
struct secret {
    const char *name; /* "broker.password" */
    const char *variable;
    size_t offset;
    const char *file_path; /* "broker.password_file" */
    size_t file_offset;
};

extern const struct secret settings_secrets[];
extern const size_t settings_secrets_count;

/* The row whose path is `path`; NULL: none. */
const struct setting *setting_find(const struct setting *table, size_t count, const char *path);
/* "string", "integer", "list of groups", ... as in the documentation. */
const char *setting_type_name(enum setting_type type);

#endif
