/* The table of commands, and how a command ends when something is wrong. */
#include "ctl/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error_codes.h"
#include "common/base/text.h"
#include "ctl/commands.h"

const struct command command_table[] = {
    {"check", "", "try the broker, the database and KairosDB", check_run},
    {"init-db", "", "make the tables that are missing", init_db_run},
    {"record", "add|list|show|set|...", "the subscriptions of buildings", record_run},
    {"custodian", "key|add|set|show|...", "utilities asked by Connect My Data", custodian_run},
    {"send", "TASK [ARGS-JSON]", "put one task on the queue, confirmed", send_run},
    {"status", "", "queues, workers, entries, records, runs", status_run},
    {"dead", "list|show|replay|drop", "the messages that failed for good", dead_run},
    {"report", "BUILDING", "the months of a building by meter", report_run},
    {"import", "--building ID FILE|URL...", "read Green Button files, and sum", import_run},
    {"audit", "[--repair]", "the books held against KairosDB by day", audit_run},
    {"next", "[N]", "what will fire when", next_run},
    {"schedule", "import FILE", "the schedule of a Celery application", schedule_run},
    {"inspect", "FILE...", "what Green Button files hold; no server", inspect_run},
};
const size_t command_count = ARRAY_LEN(command_table);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    return NULL;
}

bool ctl_settings(struct ctl *c, int *ret_status)
{
    return program_start("meterbeatctl", &c->program, &c->settings, ret_status);
}

int ctl_fail(const struct err *e)
{
    const char *hint = error_advice(e);
    fflush(stdout); /* what came before it stays before it */
    text_print(stderr, "meterbeatctl: %s\n", e->text);
    if (hint)
        text_print(stderr, "  %s\n", hint);
    return CTL_FAILED;
}

int ctl_misused(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("meterbeatctl: ", stderr);
    text_vprint(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    return CTL_MISUSED;
}

bool ctl_print_json_as(json_t *value, size_t flags, struct err *e)
{
    char *text = value ? json_dumps(value, flags | JSON_ENSURE_ASCII) : NULL;
    json_decref(value);
    if (!text)
        return err_set(e, ERR_RETRY, "no_memory", "no memory for a line");
    (void)text_put_json(text, strlen(text), stdout); /* main() flushes it, and looks */
    fputc('\n', stdout);
    free(text);
    return true;
}

bool ctl_print_json(json_t *value, struct err *e)
{
    return ctl_print_json_as(value, JSON_COMPACT, e);
}
