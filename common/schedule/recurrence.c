/* The two kinds of recurrence behind one face. */
#include "common/schedule/recurrence.h"

#include <stdio.h>

static bool given(const char *text)
{
    return text && text[0];
}

bool recurrence_parse(const struct settings_entry *from, struct recurrence *ret, struct err *e)
{
    bool crontab = given(from->crontab);
    if (crontab == given(from->every))
        return err_set(e, ERR_FATAL, "bad_schedule", "needs one of every and crontab");
    if (crontab && given(from->anchor))
        return err_set(e, ERR_FATAL, "bad_schedule", "anchor goes with every, not with crontab");
    ret->kind = crontab ? RECURRENCE_CRONTAB : RECURRENCE_INTERVAL;
    return crontab ? crontab_parse(from->crontab, &ret->crontab, e)
                   : interval_parse(from->every, from->anchor, &ret->interval, e);
}

void recurrence_define(const struct settings_entry *from, const struct timezone_rules *zone,
                       char text[RECURRENCE_DEFINITION])
{
    if (given(from->crontab))
        snprintf(text, RECURRENCE_DEFINITION, "crontab=%s zone=%s", from->crontab,
                 timezone_name(zone));
    else
        snprintf(text, RECURRENCE_DEFINITION, "every=%s anchor=%s zone=%s", from->every,
                 given(from->anchor) ? from->anchor : "-", timezone_name(zone));
}

int64_t recurrence_next_after(const struct recurrence *r, const struct timezone_rules *zone,
                              int64_t utc_s)
{
    if (r->kind == RECURRENCE_CRONTAB)
        return crontab_next_after(&r->crontab, zone, utc_s);
    return interval_next_after(&r->interval, zone, utc_s);
}

int64_t recurrence_latest_at(const struct recurrence *r, const struct timezone_rules *zone,
                             int64_t utc_s)
{
    if (r->kind == RECURRENCE_CRONTAB)
        return crontab_latest_at(&r->crontab, zone, utc_s);
    return interval_latest_at(&r->interval, zone, utc_s);
}

int64_t recurrence_count(const struct recurrence *r, const struct timezone_rules *zone,
                         int64_t after_s, int64_t until_s)
{
    if (r->kind == RECURRENCE_CRONTAB)
        return crontab_count(&r->crontab, zone, after_s, until_s);
    return interval_count(&r->interval, zone, after_s, until_s);
}
