/* The window and URL of a record's next parse, as the worker decides them: checked before a record
 * is added, and shown. */
#ifndef METERBEAT_CTL_RECORD_WINDOW_H
#define METERBEAT_CTL_RECORD_WINDOW_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/greenbutton/record_url.h"
#include "common/greenbutton/window.h"
#include "common/store/pg.h"
#include "common/store/record.h"

struct record_window {
    struct window window;       /* within its custodian's limits */
    char url[RECORD_URL_SHOWN]; /* without its secrets; "" when there is nothing to ask for */
    bool is_pending;            /* its custodian has accepted it and not answered yet */
};

/* id 0: a record that is not stored yet. Errors as record_source_load, next_window_find and
 * next_window_url; ERR_REJECT: the record cannot be parsed as it is. */
MUST_CHECK bool record_window(struct pg *pg, const struct settings *s,
                              const struct timezone_rules *zone, const struct record *r,
                              int64_t now_s, struct record_window *ret_next, struct err *e);

#endif
