/* `record add`, `pause`, `resume` and `set`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "books/record_option.h"
#include "meter/units.h"
#include "record_custodian.h"
#include "record_window.h"

static bool add(struct record_request *r, int64_t custodian_id, int64_t *ret_id, struct err *e)
{
    struct pg *pg = r->session->pg;
    bool ok = pg_begin(pg, e) && record_add(pg, &r->record, ret_id, e) &&
              (custodian_id == 0 || record_custodian_put(r, custodian_id, *ret_id, e)) &&
              pg_commit(pg, e);
    if (!ok)
        pg_rollback(pg);
    return ok;
}

/* A record that could never be parsed is not added: its window and URL are worked out first. */
int record_add_run(struct record_request *r)
{
    struct custodian custodian CLEANUP(custodian_free) = {0};
    struct record_window next;
    struct err e;
    int64_t id = 0;
    if (r->custodian != NULL && !record_custodian_fill(r, &custodian, &e))
        return ctl_fail(&e);
    if (r->record.url[0] == '\0' || r->record.building_id[0] == '\0')
        return ctl_misused("record add needs --url or --custodian, and --building");
    if (!record_window(&r->ctl->settings, r->zone, &r->record, clock_wall_ms() / 1000, &next, &e))
        return ctl_misused("%s", e.text);
    if (!add(r, custodian.id, &id, &e))
        return ctl_fail(&e);
    text_print(stdout, "%" PRId64 "\n", id);
    return CTL_OK;
}

static int set_active(struct record_request *r, bool active)
{
    struct err e;
    enum record_standing standing = RECORD_GONE;
    if (!record_standing(r->session->pg, r->id, &standing, &e))
        return ctl_fail(&e);
    if (active && standing == RECORD_IMPORTED)
        return ctl_misused(
            "record %" PRId64 " is a file that was read by hand: nobody can be asked", r->id);
    if (!record_set_active(r->session->pg, r->id, active, &e))
        return ctl_fail(&e);
    text_print(stdout, "record %" PRId64 " is %s\n", r->id, active ? "active" : "paused");
    return CTL_OK;
}

int record_pause_run(struct record_request *r)
{
    return set_active(r, false);
}

int record_resume_run(struct record_request *r)
{
    return set_active(r, true);
}

/* --- set ------------------------------------------------------------------------------------ */

static bool check_zone(const char *zone, struct err *e)
{
    struct timezone_rules *rules = NULL;
    if (!*zone || strcmp(zone, "feed") == 0)
        return true;
    bool right = timezone_load(zone, &rules, e);
    timezone_free(rules);
    return right;
}

static bool check_option(const struct record_option *o, struct err *e)
{
    struct units_heat heat;
    if (*o->registers && strcmp(o->registers, "deltas") != 0 &&
        strcmp(o->registers, "differences") != 0)
        return err_set(e, ERR_REJECT, "bad_option",
                       "registers: \"%s\" is neither deltas nor differences", o->registers);
    return check_zone(o->time_zone, e) &&
           (!*o->heat_content || units_heat_read(o->heat_content, &heat, e));
}

/* One NAME=VALUE. */
static bool take_word(struct record_option *o, const char *word, struct err *e)
{
    const struct {
        const char *name;
        char *text;
    } names[] = {{"time_zone", o->time_zone},
                 {"heat_content", o->heat_content},
                 {"registers", o->registers}};
    size_t len = strcspn(word, "=");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (word[len] == '=' && strlen(names[i].name) == len && !memcmp(names[i].name, word, len)) {
            if (strlen(word + len + 1) >= RECORD_OPTION_TEXT)
                return err_set(e, ERR_REJECT, "bad_option", "%s: too long", names[i].name);
            memcpy(names[i].text, word + len + 1, strlen(word + len + 1) + 1);
            return true;
        }
    return err_set(e, ERR_REJECT, "bad_option",
                   "\"%.60s\": neither time_zone=, heat_content= nor registers=", word);
}

int record_set_run(struct record_request *r)
{
    struct record_option option;
    struct err e;
    if (!record_option_get(r->session->pg, r->id, &option, &e))
        return ctl_fail(&e);
    for (size_t i = 0; i < r->word_count; i++)
        if (!take_word(&option, r->words[i], &e))
            return ctl_misused("%s", e.text);
    if (!check_option(&option, &e))
        return ctl_misused("%s", e.text);
    if (r->word_count > 0 && !record_option_set(r->session->pg, r->id, &option, &e))
        return ctl_fail(&e);
    text_print(stdout, "record %" PRId64 ": time_zone=%s heat_content=%s registers=%s\n", r->id,
               option.time_zone, option.heat_content, option.registers);
    return CTL_OK;
}
