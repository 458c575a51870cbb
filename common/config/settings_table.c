/* Every setting: a new one is a field in settings.h and a row here. */
#include "common/config/settings_table.h"

#include <string.h>

#include "common/base/attr.h"
#include "common/config/settings.h"

#define AT(field) offsetof(struct settings, field)
#define DAY_S 86400
#define MIB (1024 * 1024)

/* path, type, unit, default, least, most, words, offset, required, help */
#define TEXT(path, fallback, most, help)                                                           \
    {                                                                                              \
#path, SETTING_STRING, "", fallback, 0, most, NULL, AT(path), 0, help                      \
    }
#define NAME(path, fallback, most, help)                                                           \
    {                                                                                              \
#path, SETTING_STRING, "", fallback, 1, most, NULL, AT(path), 0, help                      \
    }
#define WORD(path, fallback, words, help)                                                          \
    {                                                                                              \
#path, SETTING_WORD, "", fallback, 0, 0, words, AT(path), 0, help                          \
    }
#define INT(path, unit, fallback, least, most, help)                                               \
    {                                                                                              \
#path, SETTING_INT, unit, fallback, least, most, NULL, AT(path), 0, help                   \
    }
#define URL(path, fallback, least, words, help)                                                    \
    {                                                                                              \
#path, SETTING_URL, "", fallback, least, 2000, words, AT(path), 0, help                    \
    }
#define FILE_NAME(path, help)                                                                      \
    {                                                                                              \
#path, SETTING_PATH, "", "", 0, 4000, NULL, AT(path), 0, help                              \
    }
#define BOOL(path, fallback, help)                                                                 \
    {                                                                                              \
#path, SETTING_BOOL, "", fallback, 0, 0, NULL, AT(path), 0, help                           \
    }
#define ZONE(path, fallback, help)                                                                 \
    {                                                                                              \
#path, SETTING_ZONE, "", fallback, 1, 100, NULL, AT(path), 0, help                         \
    }

const struct setting settings_table[] = {
    ZONE(local_timezone, "UTC",
         "where the meters are: days, months and dates of records are local to it (the seed's "
         "LOCAL_TIMEZONE)"),
    ZONE(timezone, "UTC", "zone of schedule entries that name none (Celery's timezone)"),
    WORD(log_level, "info", "debug|info|warning|error", "the least level of lines written"),
    BOOL(allow_clear_text, "false",
         "true: passwords and tokens may go to other hosts than this one by amqp:// and http://, "
         "with a warning; false: that is refused"),

    {"broker.url", SETTING_BROKER, "", "amqp://guest:guest@127.0.0.1:5672", 1, 2000,
     "amqp|amqps|pyamqp", AT(broker.url), 0,
     "RabbitMQ: amqp[s]://user@host:port/vhost?heartbeat=10; several, with ; between them, are "
     "tried "
     "in turn; a password in it works, but broker.password_file keeps it out of this file"},
    FILE_NAME(broker.password_file, "file whose first line is the password"),
    FILE_NAME(broker.ca_file, "CA certificates (PEM) that the broker's must come from; amqps"),
    FILE_NAME(broker.cert_file, "our certificate (PEM), when the broker asks for one"),
    FILE_NAME(broker.key_file, "the private key (PEM) of cert_file"),
    NAME(broker.queue, "meterbeat", 200,
         "the work queue; the others are <queue>.retry.<delay> and <queue>.dead"),
    WORD(broker.queue_type, "classic", "classic|quorum",
         "of queues that have to be made; existing ones are used as they are"),
    INT(broker.queue_max_priority, "", "0", 0, 255,
        "x-max-priority of work queues that have to be made (Celery's task_queue_max_priority); 0: "
        "none"),
    WORD(broker.delayed_delivery, "off", "off|classic|quorum",
         "for Celery clients that use native delayed delivery (quorum queues, topic exchange): "
         "makes "
         "its queues, of this type, and binds the work queue to them"),
    NAME(
        broker.control_exchange, "celery", 60,
        "remote control goes through the exchanges <this>.pidbox and reply.<this>.pidbox (Celery's "
        "control_exchange)"),
    NAME(broker.event_exchange, "celeryev", 200,
         "what monitors such as Flower listen to (Celery's event_exchange)"),
    URL(broker.management_url, "", 0, "http|https",
        "RabbitMQ's management API, for what `meterbeatctl status` says about unacknowledged "
        "messages; same user and password as url"),
    INT(broker.heartbeat_s, "s", "10", 1, 300,
        "proposed heartbeat; a peer silent for two of them is lost"),
    INT(broker.connect_timeout_s, "s", "10", 1, 300, "to connect and log in"),
    INT(broker.confirm_timeout_s, "s", "30", 1, 600,
        "to wait for the broker to say that it has a message"),
    INT(broker.reconnect_max_s, "s", "30", 1, 3600,
        "longest pause between attempts to connect; pauses start at 1 s, double, and are jittered"),

    {"database.url", SETTING_DATABASE, "", "postgresql://meterbeat@127.0.0.1:5432/meterbeat", 1,
     2000, NULL, AT(database.url), 0,
     "PostgreSQL: postgresql://user@host:port/name or a libpq key=value string; keep the password "
     "in database.password_file"},
    FILE_NAME(database.password_file, "file whose first line is the password"),
    INT(database.connect_timeout_s, "s", "10", 2, 300, "to connect and log in"),
    INT(database.statement_timeout_s, "s", "60", 1, 3600, "for one statement"),

    URL(kairosdb.insert_url, "http://127.0.0.1:8080/api/v1/datapoints", 1, "http|https",
        "where readings are written (the seed's TSDB insert_url)"),
    URL(kairosdb.query_url, "http://127.0.0.1:8080/api/v1/datapoints/query", 1, "http|https",
        "where they are counted and summed (the seed's TSDB query_url)"),
    NAME(kairosdb.measurement, "meterbeat", 200, "name of the metric (the seed's measurement)"),
    TEXT(kairosdb.user, "", 200, "for HTTP basic authentication; empty: none"),
    FILE_NAME(kairosdb.password_file, "file whose first line is the password"),
    FILE_NAME(kairosdb.ca_file, "CA certificates (PEM) for an https:// URL; empty: the system's"),
    INT(kairosdb.connect_timeout_s, "s", "10", 1, 300, "to connect"),
    INT(kairosdb.timeout_s, "s", "60", 1, 3600, "for one request"),
    INT(kairosdb.batch_points, "points", "1000", 1, 100000, "data points in one request"),
    INT(kairosdb.verify_timeout_s, "s", "30", 1, 600,
        "for what was written to show when it is counted back"),
    INT(kairosdb.settle_s, "s", "5", 0, 600,
        "a month stays dirty until its readings are this old: a killed KairosDB forgets its last "
        "seconds"),
    BOOL(
        kairosdb.keep_codes, "true",
        "ESPI's codes of quality, time of use, consumption tier and critical peak too, of readings "
        "that have them: as metrics named <measurement>.quality, .tou, .tier and .cpp"),

    TEXT(feed.url_template, "", 1000,
         "URL of a record's window; {url} {path} {sub_id} {min_name} {min} {max_name} {max} {from} "
         "{to} (epoch seconds) are replaced; empty: SEED's batch syntax, url + path + sub_id + "
         "min_name=min&max_name=max"),
    TEXT(feed.path, "", 500, "between a record's url and its sub_id, in SEED's batch syntax"),
    NAME(feed.user_agent, "meterbeat", 200, "sent to the utilities"),
    FILE_NAME(feed.ca_file, "CA certificates (PEM) for feeds; empty: the system's"),
    INT(feed.window_days, "days", "31", 1, 366, "new days that one parse fetches at most"),
    INT(feed.overlap_days, "days", "3", 0, 90,
        "days before those that are fetched again, for late corrections"),
    INT(feed.history_days, "days", "400", 1, 7300,
        "how far back a record without last_date and last_ts starts"),
    INT(feed.connect_timeout_s, "s", "15", 1, 300, "to connect"),
    INT(feed.timeout_s, "s", "300", 1, 1440, "for a whole feed"),
    INT(feed.low_speed_bytes, "bytes/s", "100", 0, MIB,
        "slower than this for low_speed_s ends a download; 0: never"),
    INT(feed.low_speed_s, "s", "30", 1, 600, "see low_speed_bytes"),
    INT(feed.max_bytes, "bytes", "4294967296", 1024, INT64_C(1) << 40,
        "longest feed, after decompression"),
    INT(feed.max_depth, "levels", "64", 8, 255, "deepest nesting of elements"),
    INT(feed.max_readings, "readings", "25000000", 1, 1000000000, "most readings of one feed"),
    INT(feed.max_groups, "groups", "10000", 1, 1000000,
        "most groups of readings with different links in one feed"),
    INT(feed.max_series, "series", "1000", 1, 100000,
        "most series with readings, and meters of bills, of one feed; of more "
        "none is made"),
    INT(feed.bill_days, "days", "20", 1, 366,
        "amounts of at least this length are bills: to seed_timeseries, not to KairosDB"),
    INT(feed.max_documents, "documents", "1000", 1, 100000,
        "pages of one answer, or files of one BatchList, that one parse fetches at most"),
    INT(feed.token_timeout_s, "s", "30", 1, 120, "for one answer of a custodian's token endpoint"),
    INT(feed.max_ratio, "", "200", 10, 2000,
        "a feed that decompresses to more than 10 MB may be this many times as long as what came"),
    WORD(feed.record_addresses, "site", "site|public|any",
         "addresses that the URL of a record without a custodian may lead to: site, public ones "
         "and the private ones of RFC 1918 and RFC 4193; public (custodians are always held to "
         "this); any. Never to the servers of this configuration; to loopback, link-local and "
         "metadata addresses only by feed.allow_addresses"),
    TEXT(feed.allow_addresses, "", 1000,
         "networks that records and custodians may lead to besides, at any port: 10.1.0.0/16 "
         "fd00::/8, with blanks between"),
    TEXT(feed.allow_ports, "", 1000,
         "ports besides 80, 443, 8000, 8008, 8080, 8081, 8443 and 8888: 9000 10000-10100, with "
         "blanks between"),

    FILE_NAME(
        credentials.key_file,
        "file whose first line is the key that custodians' secrets are sealed with "
        "(`meterbeatctl custodian key` makes one); older keys behind it, with blanks between"),

    INT(worker.prefetch, "messages", "1", 1, 1000, "deliveries held unacknowledged"),
    INT(worker.processes, "processes", "1", 1, 256, "workers that one call of the program keeps"),
    INT(worker.grace_s, "s", "60", 0, 3600,
        "after SIGTERM: time for the running task before it is stopped at a safe point"),
    INT(worker.task_time_limit_s, "s", "600", 1, 1440,
        "for one task; below RabbitMQ's consumer_timeout of 30 minutes on purpose"),
    INT(worker.lease_s, "s", "60", 5, 3600, "how long a run belongs to a worker between renewals"),
    INT(worker.max_starts, "starts", "20", 1, 1000,
        "a message started this often without an end is dead (it kills its workers)"),
    INT(worker.max_message_bytes, "bytes", "1048576", 1024, 128 * MIB,
        "longest body of a message, also decompressed"),
    INT(worker.max_message_depth, "levels", "64", 4, 1000, "deepest nesting in body and headers"),
    INT(worker.max_result_bytes, "bytes", "1048576", 1024, 8 * MIB,
        "longest result sent to a Celery client; a task with a longer one has failed for it"),
    BOOL(worker.track_started, "false",
         "also send the state STARTED (Celery's task_track_started)"),
    NAME(worker.foreign_queue, "celery", 200,
         "where the next task of a chain or a callback goes when this worker does not have it and "
         "nothing says its queue (the Python application's task_default_queue)"),
    {"worker.name", SETTING_NODE, "", "meterbeat-worker@%h/%p", 3, 100, NULL, AT(worker.name), 0,
     "by which the broker, the books and Celery's tools know this worker; %h host, %p process id, "
     "%i index of the process from 1; no two may have the same"},
    WORD(
        worker.remote_control, "all", "off|inspect|all",
        "what Celery's tools may do: nothing; ask (`celery status`, `celery inspect`); also change "
        "(`celery control`, revoke, Flower's buttons); false and true of older versions: off, all"),
    INT(worker.max_added_queues, "queues", "16", 0, 256,
        "most queues that remote control may have a process make, in all its life"),
    BOOL(worker.task_events, "false",
         "tell monitors of each task from the start (Celery's worker_send_task_events); else from "
         "`celery control enable_events` on"),
    INT(worker.max_events, "events", "1000", 10, 100000,
        "not sent yet; what more there is is dropped, and counted"),
    INT(worker.max_revoked, "ids", "50000", 1, 1000000,
        "revoked tasks that are remembered; the oldest is forgotten first"),
    INT(worker.revoked_s, "s", "10800", 60, 30 * DAY_S, "how long a revoked task is remembered"),
    {"worker.retry_delays_s", SETTING_DELAYS, "s", "10, 60, 600, 3600", 1, 7 * DAY_S, NULL, 0, 0,
     "rungs of the retry ladder, growing; after the last a task is dead"},
    {"worker.aliases", SETTING_ALIASES, "", NULL, 0, SETTINGS_MAX_ALIASES, NULL, 0, 0,
     "other names under which tasks arrive: ( { name = \"doParser\"; task = \"parse\"; } )"},

    WORD(producer.serializer, "json", "json|msgpack", "of the bodies of messages we send"),
    INT(producer.relay_after_s, "s", "30", 1, 3600,
        "an outbox row older than this is sent by the producer: its worker is gone"),
    INT(producer.lost_after_s, "s", "60", 1, 86400,
        "a run that nobody has begun so long after it was due is looked for on the broker, and "
        "gets "
        "a new message when its own is gone"),
    INT(producer.keep_days, "days", "90", 1, 3650, "how long ticks and finished runs are kept"),
    INT(producer.catch_up_limit, "ticks", "100", 1, 100000,
        "most missed ticks of an entry with catch_up \"all\" that are made up for"),

    {"schedule", SETTING_SCHEDULE, "", NULL, 0, SETTINGS_MAX_ENTRIES, NULL, 0, 0,
     "the schedule entries, see below"},
};
const size_t settings_table_count = ARRAY_LEN(settings_table);

#undef AT
#define AT(field) offsetof(struct settings_entry, field)
const struct setting settings_entry_table[] = {
    {"name", SETTING_STRING, "", NULL, 1, 100, NULL, AT(name), 1, "unique"},
    {"task", SETTING_STRING, "", NULL, 1, 200, NULL, AT(task), 1,
     "task name or alias; also one of a Python worker"},
    {"every", SETTING_STRING, "", NULL, 2, 20, NULL, AT(every), 0,
     "the interval: 2s, 5m, 3h, 1d, 1w, 1mo (months by the calendar); this or crontab"},
    {"crontab", SETTING_CRONTAB, "", NULL, 9, 500, NULL, AT(crontab), 0,
     "minute, hour, day of the month, month, day of the week, as Celery reads them: 0 4 * * "
     "mon-fri; this or every"},
    {"timezone", SETTING_ZONE, "", NULL, 1, 100, NULL, AT(timezone), 0,
     "zone of its clock: where days, weeks and months start, and a crontab's times are; else the "
     "setting timezone"},
    {"anchor", SETTING_STRING, "", NULL, 10, 30, NULL, AT(anchor), 0,
     "local time that the interval counts from, 2026-01-01T00:00:00"},
    {"args", SETTING_JSON_LIST, "", "[]", 2, 60000, NULL, AT(args), 0, "arguments, a JSON list"},
    {"kwargs", SETTING_JSON_OBJECT, "", "{}", 2, 60000, NULL, AT(kwargs), 0,
     "keyword arguments, a JSON object"},
    {"queue", SETTING_STRING, "", NULL, 1, 200, NULL, AT(queue), 0, "where to; else broker.queue"},
    {"expires", SETTING_STRING, "", NULL, 2, 20, NULL, AT(expires), 0,
     "how long a message is of use, from when it is sent: 30s, 5m, 12h, 1d; else until the next "
     "tick is due"},
    {"priority", SETTING_INT, "", NULL, 0, 255, NULL, AT(priority), 0,
     "of its messages, where the queue has priorities"},
    {"headers", SETTING_JSON_OBJECT, "", NULL, 2, 60000, NULL, AT(headers), 0,
     "custom headers of its messages, a JSON object"},
    {"time_limit_s", SETTING_INT, "s", NULL, 1, 31536000, NULL, AT(time_limit_s), 0,
     "the worker ends the task after it; else the worker's own limit"},
    {"soft_time_limit_s", SETTING_INT, "s", NULL, 1, 31536000, NULL, AT(soft_time_limit_s), 0,
     "the worker tells the task after it; no more than time_limit_s"},
    {"catch_up", SETTING_WORD, "", "one", 0, 0, "none|one|all", AT(catch_up), 0,
     "ticks missed while no producer ran: none, the last one, or all within "
     "producer.catch_up_limit"},
    {"enabled", SETTING_BOOL, "", "true", 0, 0, NULL, AT(enabled), 0, "false: does not fire"},
};
const size_t settings_entry_table_count = ARRAY_LEN(settings_entry_table);

#undef AT
#define AT(field) offsetof(struct settings_alias, field)
const struct setting settings_alias_table[] = {
    {"name", SETTING_STRING, "", NULL, 1, 200, NULL, AT(name), 1, "the name that arrives"},
    {"task", SETTING_STRING, "", NULL, 1, 200, NULL, AT(task), 1, "the task it means"},
};
const size_t settings_alias_table_count = ARRAY_LEN(settings_alias_table);

#undef AT
#define AT(field) offsetof(struct settings, field)
#define SECRET(part, variable)                                                                     \
    {                                                                                              \
#part ".password", variable, AT(part.password), #part ".password_file",                    \
            AT(part.password_file)                                                                 \
    }
const struct secret settings_secrets[] = {
    SECRET(broker, "METERBEAT_BROKER_PASSWORD"),
    SECRET(database, "METERBEAT_DATABASE_PASSWORD"),
    SECRET(kairosdb, "METERBEAT_KAIROSDB_PASSWORD"),
    {"credentials.key", "METERBEAT_CREDENTIALS_KEY", AT(credentials.key), "credentials.key_file",
     AT(credentials.key_file)},
};
const size_t settings_secrets_count = ARRAY_LEN(settings_secrets);

const struct setting *setting_find(const struct setting *table, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].path, path) == 0)
            return &table[i];
    return NULL;
}

const char *setting_type_name(enum setting_type type)
{
    switch (type) {
    case SETTING_STRING:
    case SETTING_CRONTAB:
        return "string";
    case SETTING_WORD:
        return "word";
    case SETTING_INT:
        return "integer";
    case SETTING_BOOL:
        return "true or false";
    case SETTING_URL:
    case SETTING_BROKER:
        return "URL";
    case SETTING_DATABASE:
        return "URL or libpq string";
    case SETTING_PATH:
        return "file name";
    case SETTING_ZONE:
        return "time zone";
    case SETTING_NODE:
        return "name";
    case SETTING_JSON_LIST:
        return "JSON list";
    case SETTING_JSON_OBJECT:
        return "JSON object";
    case SETTING_DELAYS:
        return "list of integers";
    case SETTING_ALIASES:
    case SETTING_SCHEDULE:
        return "list of groups";
    }
    return "";
}
