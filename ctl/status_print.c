/* Prints a status for people. */
#include <inttypes.h>
#include <string.h>

#include "common/base/text.h"
#include "worker/runtime/heartbeat.h"
#include "ctl/cmd_status.h"
#include "ctl/table.h"

#define WORKER_SILENT_S 60 /* a worker says every ten seconds that it is there */
#define ENTRIES_SHOWN 40

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "-";
}

static const char *number_or(const json_t *object, const char *key, const char *other, char out[24])
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        return other;
    snprintf(out, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return out;
}

/* 90 -> "90 s", 7200 -> "2 h": as much as a person wants to know. */
static const char *span(int64_t seconds, char out[32])
{
    int64_t s = seconds < 0 ? -seconds : seconds;
    const char *sign = seconds < 0 ? "-" : "";
    if (s < 120)
        snprintf(out, 32, "%s%" PRId64 " s", sign, s);
    else if (s < 7200)
        snprintf(out, 32, "%s%" PRId64 " min", sign, s / 60);
    else if (s < 172800)
        snprintf(out, 32, "%s%" PRId64 " h", sign, s / 3600);
    else
        snprintf(out, 32, "%s%" PRId64 " days", sign, s / 86400);
    return out;
}

static void print_findings(const json_t *findings, FILE *out)
{
    size_t i;
    const json_t *finding;
    json_array_foreach(findings, i, finding)
        text_print(out, "! %s\n", json_string_value(finding));
}

static void print_queues(const json_t *queues, FILE *out)
{
    static const char *const titles[] = {"queue", ">ready", ">unacknowledged", ">consumers"};
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    size_t i;
    const json_t *queue;
    json_array_foreach(queues, i, queue) {
        char ready[24], unacknowledged[24];
        bool exists = json_is_true(json_object_get(queue, "exists"));
        table_row(&t, "%s\t%s\t%s\t%" PRId64, text(queue, "name"),
                  exists ? number_or(queue, "ready", "0", ready) : "not there",
                  number_or(queue, "unacknowledged", "?", unacknowledged),
                  number(queue, "consumers"));
    }
    table_print(&t, out);
}

static void print_workers(const json_t *workers, FILE *out)
{
    static const char *const titles[] = {"worker", "up", "seen", ">done", "running"};
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    size_t i;
    const json_t *worker;
    char up[32], seen[32];
    json_array_foreach(workers, i, worker) {
        bool silent = number(worker, "seen_s_ago") > WORKER_SILENT_S;
        table_row(&t, "%s\t%s\t%s ago%s\t%" PRId64 "\t%s", text(worker, "name"),
                  span(number(worker, "started_s_ago"), up),
                  span(number(worker, "seen_s_ago"), seen), silent ? ", gone?" : "",
                  number(worker, "tasks_done"), text(worker, "task_id"));
    }
    if (t.count > 0)
        table_print(&t, out);
    else
        text_print(out, "no workers: meterbeat-worker starts one\n");
    json_array_foreach(workers, i, worker) {
        int64_t ahead_ms = number(worker, "clock_ahead_ms");
        if (ahead_ms > CLOCK_WRONG_MS || ahead_ms < -CLOCK_WRONG_MS)
            text_print(out, "! the clock of %s is %s ahead of the database's\n",
                       text(worker, "name"), span(ahead_ms / 1000, up));
    }
}

static void print_entries(const json_t *entries, FILE *out)
{
    static const char *const titles[] = {"entry", "task", "when", "last fired", "next due"};
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    size_t i;
    const json_t *entry;
    json_array_foreach(entries, i, entry) {
        if (i == ENTRIES_SHOWN)
            break;
        bool crontab = json_object_get(entry, "crontab");
        table_row(&t, "%s\t%s\t%s\t%s\t%s", text(entry, "name"), text(entry, "task"),
                  text(entry, crontab ? "crontab" : "every"), text(entry, "last_fired"),
                  text(entry, "next_due"));
    }
    table_print(&t, out);
    if (json_array_size(entries) > ENTRIES_SHOWN)
        text_print(out, "and %zu more: --json has all\n", json_array_size(entries) - ENTRIES_SHOWN);
}

static void print_open_runs(const json_t *runs, FILE *out)
{
    static const char *const titles[] = {"open run", "task", "about",  "state",
                                         ">starts",  "age",  "due in", "says"};
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    size_t i;
    const json_t *run;
    char age[32], due[32], about[40];
    json_array_foreach(runs, i, run) {
        bool failed = json_is_string(json_object_get(run, "error"));
        bool retries = strcmp(text(run, "state"), "retrying") == 0;
        bool of_record = json_is_integer(json_object_get(run, "record_id"));
        snprintf(about, sizeof about, "record %" PRId64, number(run, "record_id"));
        table_row(&t, "%s\t%s\t%s\t%s\t%" PRId64 "\t%s\t%s\t%.100s", text(run, "task_id"),
                  text(run, "task"), of_record ? about : text(run, "building_id"),
                  text(run, "state"), number(run, "starts"), span(number(run, "age_s"), age),
                  retries ? span(number(run, "due_in_s"), due) : "-",
                  text(run, failed ? "error" : "progress"));
    }
    if (t.count > 0) {
        fputc('\n', out);
        table_print(&t, out);
    }
}

static void print_counts(const json_t *status, FILE *out)
{
    const json_t *runs = json_object_get(status, "runs");
    const json_t *outbox = json_object_get(status, "outbox");
    char oldest[32];
    text_print(out,
               "runs     %" PRId64 " waiting, %" PRId64 " running, %" PRId64 " retrying, %" PRId64
               " done, %" PRId64 " dead\n",
               number(runs, "waiting"), number(runs, "running"), number(runs, "retrying"),
               number(runs, "done"), number(runs, "dead"));
    text_print(out, "outbox   %" PRId64 " messages to be sent", number(outbox, "messages"));
    if (number(outbox, "messages") > 0)
        text_print(out, ", the oldest %s old", span(number(outbox, "oldest_s"), oldest));
    text_print(out, "\nmonths   %" PRId64 " changed since they were summed\n",
               number(status, "dirty_months"));
    const json_t *months = json_object_get(status, "months");
    if (number(months, "partial") > 0)
        text_print(out,
                   "         %" PRId64 " of %" PRId64
                   " of the last year have readings for a part of the month only\n",
                   number(months, "partial"), number(months, "covered"));
}

static void print_records(const json_t *records, FILE *out)
{
    text_print(out,
               "records  %" PRId64 " active, %" PRId64 " of them behind, %" PRId64
               " that cannot be parsed, %" PRId64 " paused\n",
               number(records, "active"), number(records, "behind"), number(records, "broken"),
               number(records, "paused"));
}

static void print_custodians(const json_t *custodians, FILE *out)
{
    int64_t pending = number(custodians, "pending"), refused = number(custodians, "refused");
    if (pending > 0 || refused > 0)
        text_print(out,
                   "waiting  %" PRId64 " records for their custodian's answer, %" PRId64
                   " to be authorized again\n",
                   pending, refused);
}

void status_print(const json_t *status, FILE *out)
{
    const json_t *part;
    if ((part = json_object_get(status, "queues")))
        print_queues(part, out);
    print_findings(json_object_get(status, "findings"), out);
    if ((part = json_object_get(status, "workers"))) {
        fputc('\n', out);
        print_workers(part, out);
    }
    if ((part = json_object_get(status, "entries"))) {
        fputc('\n', out);
        print_entries(part, out);
        fputc('\n', out);
    }
    if ((part = json_object_get(status, "records")))
        print_records(part, out);
    if ((part = json_object_get(status, "custodians")))
        print_custodians(part, out);
    if (json_object_get(status, "runs"))
        print_counts(status, out);
    print_open_runs(json_object_get(status, "open_runs"), out);
}
