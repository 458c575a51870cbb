/* `record add`, `pause` and `resume`. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "record.h"
#include "record_window.h"

/* A record that could never be parsed is not added: its window and URL are worked out first. */
int record_add_run(struct record_request *r)
{
    struct record_window next;
    struct err e;
    int64_t id = 0;
    if (r->record.url[0] == '\0' || r->record.building_id[0] == '\0')
        return ctl_misused("record add needs --url and --building");
    if (!record_window(&r->ctl->settings, r->zone, &r->record, clock_wall_ms() / 1000, &next, &e))
        return ctl_misused("%s", e.text);
    if (!record_add(r->session->pg, &r->record, &id, &e))
        return ctl_fail(&e);
    printf("%" PRId64 "\n", id);
    return CTL_OK;
}

static int set_active(struct record_request *r, bool active)
{
    struct err e;
    if (!record_set_active(r->session->pg, r->id, active, &e))
        return ctl_fail(&e);
    printf("record %" PRId64 " is %s\n", r->id, active ? "active" : "paused");
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
