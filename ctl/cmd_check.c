/* `check`: tries each server the way the programs use it, and says what is wrong. */
#include <stdio.h>
#include <string.h>

#include "common/base/error_codes.h"
#include "common/base/clock.h"
#include "common/base/host.h"
#include "common/base/text.h"
#include "common/store/schedule_entry.h"
#include "common/store/zone_rules.h"
#include "ctl/commands.h"
#include "common/config/clear_text.h"
#include "common/config/settings_table.h"
#include "common/config/redacted.h"
#include "ctl/http.h"
#include "ctl/option.h"
#include "worker/runtime/heartbeat.h"
#include "ctl/queue_findings.h"
#include "common/schedule/schedule.h"
#include "common/amqp/topology.h"
#include "ctl/session.h"

static const struct usage usage = {
    .doc =
        "Try the broker, the database and KairosDB, each as the programs use it, and compare time "
        "zones.\v"
        "Exit status: 0 all of them answer, are set up and agree, 1 not all, 2 wrong "
        "configuration.",
};

/* Logs in and asks for the work queue. */
static bool try_broker(const struct settings *s, char note[256], struct err *e)
{
    CLEANUP(session_end) struct session session = {.settings = s};
    uint32_t ready = 0, consumers = 0;
    struct err why;
    if (!session_broker(&session, e))
        return false;
    if (broker_queue_depth(session.broker, s->broker.queue, &ready, &consumers, &why))
        snprintf(note, 256, "queue %s: %u ready, %u consumers", s->broker.queue, ready, consumers);
    else
        snprintf(note, 256, "queue %s: not there yet, the first program makes it", s->broker.queue);
    return true;
}

/* Whether days and months by this machine's rules are those of the workers; else the first zone
 * that differs. */
static bool compare_zones(const struct settings *s, struct session *session, char note[256],
                          struct err *e)
{
    struct zone_difference differences[ZONE_DIFFERENCES_MAX];
    char host[HOST_NAME];
    size_t count = 0, zones = 0;
    if (!zone_rules_compare(session->pg, s, host_name(host), false, differences, &count, &zones, e))
        return false;
    if (count)
        return err_set(e, ERR_REJECT, "zone_rules_differ",
                       "time zones: %zu of %zu differ: %s from %s on: %s here, %s on %s", count,
                       zones, differences[0].zone, differences[0].since, differences[0].here,
                       differences[0].kept, differences[0].by);
    snprintf(note, 256, "%zu time zones with the rules that the workers have", zones);
    return true;
}

/* Said after the rest; "" when they agree. */
static bool compare_clocks(struct session *session, char said[100], struct err *e)
{
    int64_t own_ms = clock_wall_ms(), database_ms;
    said[0] = '\0';
    if (!schedule_entry_clock_ms(session->pg, &database_ms, e))
        return false;
    int64_t ahead_ms = own_ms - database_ms;
    if (ahead_ms > CLOCK_WRONG_MS || ahead_ms < -CLOCK_WRONG_MS)
        snprintf(said, 100, "; the clock of this machine is %lld s ahead of the database's",
                 (long long)ahead_ms / 1000);
    return true;
}

static bool try_database(const struct settings *s, char note[256], struct err *e)
{
    CLEANUP(session_end) struct session session = {.settings = s};
    if (!session_database(&session, true, e))
        return false;
    char zones[256], clocks[100];
    if (!compare_zones(s, &session, zones, e) || !compare_clocks(&session, clocks, e))
        return false;
    snprintf(note, 256, "tables are there, %.120s%s", zones, clocks);
    return true;
}

static bool ask_kairosdb(const struct settings *s, const char *url, const char *json, long expected,
                         struct err *e)
{
    struct http_request request = {.url = url,
                                   .user = s->kairosdb.user,
                                   .password = s->kairosdb.password,
                                   .ca_file = s->kairosdb.ca_file,
                                   .json = json,
                                   .timeout_s = (long)s->kairosdb.connect_timeout_s};
    long status = 0;
    if (!http_send(&request, &status, NULL, e))
        return false;
    return status == expected ||
           err_set(e, ERR_REJECT, "http_status", "%s answers %ld, not %ld",
                   url_redacted(url, (char[SETTING_REDACTED]){0}), status, expected);
}

/* Writes nothing (an empty list), and asks for a moment that holds nothing. */
static bool try_kairosdb(const struct settings *s, char note[256], struct err *e)
{
    if (!ask_kairosdb(s, s->kairosdb.insert_url, "[]", 204, e) ||
        !ask_kairosdb(s, s->kairosdb.query_url,
                      "{\"start_absolute\":0,\"end_absolute\":0,\"metrics\":[{\"name\":\"x\"}]}",
                      200, e))
        return false;
    snprintf(note, 256, "takes readings and queries");
    return true;
}

/* Intervals and anchors are the schedule's to understand: wrong ones are wrong configuration. */
static bool schedule_is_right(const struct settings *s)
{
    struct schedule *schedule = NULL;
    struct err e;
    if (!schedule_new(s, &schedule, &e)) {
        (void)ctl_misused("%s", e.text);
        return false;
    }
    schedule_free(schedule);
    return true;
}

static bool check_one(const char *what, const char *where, const struct settings *s,
                      bool (*try)(const struct settings *s, char note[256], struct err *e))
{
    char note[256] = "";
    struct err e;
    int64_t start = clock_mono_ms();
    bool ok = try(s, note, &e);
    text_print(stdout, "%-10s %-4s %5lld ms  %s\n", what, ok ? "ok" : "NOT",
               (long long)(clock_mono_ms() - start), where);
    text_print(stdout, "%27s%s\n", "", ok ? note : e.text);
    if (!ok && error_advice(&e))
        text_print(stdout, "%27s%s\n", "", error_advice(&e));
    fflush(stdout); /* the next one may take its time */
    return ok;
}

static void print_warnings(const struct settings *s)
{
    char lines[CLEAR_TEXT_LINES][CLEAR_TEXT_LINE];
    size_t count = clear_text_warnings(s, lines);
    for (size_t i = 0; i < count; i++)
        text_print(stdout, "warning    %s\n", lines[i]);
}

/* They cost no exit status: everything works, so far. */
static void print_queue_findings(const struct settings *s)
{
    CLEANUP(session_end) struct session session = {.settings = s};
    json_t *findings = json_array();
    struct err e;
    size_t i;
    const json_t *finding;
    bool asked = findings && session_broker(&session, &e) && queue_findings(&session, findings, &e);
    json_array_foreach(findings, i, finding)
        text_print(stdout, "%27s! %s\n", "", json_string_value(finding));
    if (!asked)
        text_print(stdout, "%27sits queues could not be looked at\n", "");
    json_decref(findings);
}

int check_run(struct ctl *c, int argc, char **argv)
{
    int status;
    option_parse(c, &usage, NULL, argc, argv);
    if (!ctl_settings(c, &status))
        return status;
    const struct settings *s = &c->settings;
    if (!schedule_is_right(s))
        return CTL_MISUSED;
    const struct setting *database_url =
        setting_find(settings_table, settings_table_count, "database.url");
    char shown[SETTING_REDACTED];
    bool broker = check_one("broker", url_redacted(s->broker.url, shown), s, try_broker);
    if (broker)
        print_queue_findings(s);
    bool database = check_one("database", setting_redacted(database_url, s->database.url, shown), s,
                              try_database);
    bool kairosdb =
        check_one("kairosdb", url_redacted(s->kairosdb.query_url, shown), s, try_kairosdb);
    print_warnings(s);
    return broker && database && kairosdb ? CTL_OK : CTL_FAILED;
}
