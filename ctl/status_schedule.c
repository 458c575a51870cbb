/* `status`, the schedule entries and the records: last firing, next due, and who is behind. */
#include "common/base/clock.h"
#include "common/store/overview.h"
#include "ctl/record_window.h"
#include "common/schedule/schedule.h"
#include "ctl/cmd_status.h"

#define PAGE 500

static bool no_memory(struct err *e)
{
    return err_set(e, ERR_RETRY, "no_memory", "no memory");
}

/* --- entries
 * ------------------------------------------------------------------------------------------ */

static json_t *time_text(int64_t utc_s)
{
    char text[CLOCK_TEXT];
    return json_string(clock_format_utc(utc_s * 1000, text));
}

static json_t *entry_json(const struct schedule_entry *entry, const json_t *fired)
{
    const json_t *last = json_object_get(fired, entry->settings->name);
    const struct settings_entry *from = entry->settings;
    return json_pack("{s:s, s:s, s:s*, s:s*, s:o, s:o}", "name", from->name, "task", from->task,
                     "every", from->every, "crontab", from->crontab, "last_fired",
                     last ? time_text(json_integer_value(last)) : json_null(), "next_due",
                     entry->next_due_s != INTERVAL_NEVER ? time_text(entry->next_due_s)
                                                         : json_null());
}

static bool add_entries(struct schedule *schedule, int64_t now_s, const json_t *fired,
                        json_t *entries)
{
    for (size_t i = 0; i < schedule_count(schedule); i++) {
        schedule_remember(schedule, i, now_s); /* next_due is then the first one after now */
        if (json_array_append_new(entries, entry_json(schedule_entry(schedule, i), fired)) != 0)
            return false;
    }
    return true;
}

bool status_entries(struct session *s, int64_t now_s, json_t *status, struct err *e)
{
    struct schedule *schedule = NULL;
    json_t *fired = NULL, *entries = json_array();
    bool ok = json_object_set_new(status, "entries", entries) == 0 || no_memory(e);
    /* entries that the schedule no longer has are in `fired`, and not looked up */
    ok = ok && schedule_new(s->settings, &schedule, e) && (fired = overview_fired(s->pg, e));
    if (ok && !add_entries(schedule, now_s, fired, entries))
        ok = no_memory(e);
    schedule_free(schedule);
    json_decref(fired);
    return ok;
}

/* --- records
 * ------------------------------------------------------------------------------------------ */

struct counts {
    json_int_t active, paused, behind, broken;
};

/* A record that cannot be parsed as it is counts as broken; where the store fails, all of it does. */
static bool count_record(struct session *s, const struct timezone_rules *zone, int64_t now_s,
                         const struct record *record, struct counts *counts, struct err *e)
{
    struct record_window next;
    if (!record->active) {
        counts->paused++;
        return true;
    }
    counts->active++;
    if (record_window(s->pg, s->settings, zone, record, now_s, &next, e))
        counts->behind += !next.window.nothing;
    else if (e->kind == ERR_REJECT)
        counts->broken++;
    else
        return false;
    return true;
}

static bool count_records(struct session *s, const struct timezone_rules *zone, int64_t now_s,
                          struct counts *counts, struct err *e)
{
    int64_t after = 0;
    size_t count = PAGE;
    while (count == PAGE) {
        struct record *records = NULL;
        if (!record_page(s->pg, after, PAGE, false, &records, &count, e))
            return false;
        bool ok = true;
        for (size_t i = 0; ok && i < count; i++) {
            after = records[i].id;
            ok = count_record(s, zone, now_s, &records[i], counts, e);
        }
        records_free(records, count);
        if (!ok)
            return false;
    }
    return true;
}

bool status_records(struct session *s, int64_t now_s, json_t *status, struct err *e)
{
    struct timezone_rules *zone = NULL;
    struct counts counts = {0};
    if (!timezone_load(s->settings->local_timezone, &zone, e))
        return false;
    bool ok = count_records(s, zone, now_s, &counts, e);
    timezone_free(zone);
    if (!ok)
        return false;
    json_t *records = json_pack("{s:I, s:I, s:I, s:I}", "active", counts.active, "paused",
                                counts.paused, "behind", counts.behind, "broken", counts.broken);
    return json_object_set_new(status, "records", records) == 0 || no_memory(e);
}
