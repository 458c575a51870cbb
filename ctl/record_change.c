/* `record add`, `pause` and `resume`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "ctl/record_custodian.h"
#include "ctl/record_window.h"

static bool add(struct request *r, int64_t custodian_id, int64_t *ret_id, struct err *e)
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
int record_add_run(struct request *r)
{
    struct custodian custodian CLEANUP(custodian_free) = {0};
    struct record_window next;
    struct err e;
    int64_t id = 0;
    if (r->custodian && !record_custodian_fill(r, &custodian, &e))
        return ctl_fail(&e);
    if (!r->record.url[0] || !r->record.building_id[0])
        return ctl_misused("record add needs --url or --custodian, and --building");
    if (!record_window(r->session->pg, &r->ctl->settings, r->zone, &r->record,
                       clock_wall_ms() / 1000, &next, &e))
        return ctl_misused("%s", e.text);
    if (!add(r, custodian.id, &id, &e))
        return ctl_fail(&e);
    text_print(stdout, "%" PRId64 "\n", id);
    return CTL_OK;
}

static int set_active(struct request *r, bool active)
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

int record_pause_run(struct request *r)
{
    return set_active(r, false);
}

int record_resume_run(struct request *r)
{
    return set_active(r, true);
}
