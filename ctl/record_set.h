/* NAME=VALUE words of a person's about a record's feed, checked. */
#ifndef METERBEAT_CTL_RECORD_SET_H
#define METERBEAT_CTL_RECORD_SET_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/record_option.h"

/* One word into its option; whether its value can stand is record_option_check's. ERR_REJECT
 * "bad_option". */
MUST_CHECK bool record_option_take(struct record_option *o, const char *word, struct err *e);
/* ERR_REJECT "bad_option", "bad_heat_content"; as timezone_load. */
MUST_CHECK bool record_option_check(const struct record_option *o, struct err *e);

#endif
