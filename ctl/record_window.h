/* What a record's next parse would ask for: checked before a record is added, and shown. */
#ifndef METERBEAT_CTL_RECORD_WINDOW_H
#define METERBEAT_CTL_RECORD_WINDOW_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/record.h"
#include "common/config/settings.h"
#include "common/greenbutton/record_url.h"
#include "common/greenbutton/window.h"

struct record_window {
    struct window window;
    char url[FEED_URL_SHOWN]; /* without its secrets; "" when there is nothing to ask for */
};

/* Errors as window_next and feed_url_build: the record cannot be parsed as it is. */
MUST_CHECK bool record_window(const struct settings *s, const struct timezone_rules *zone,
                              const struct record *r, int64_t now_s, struct record_window *ret_next,
                              struct err *e);

#endif
