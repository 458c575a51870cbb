/* Records that a custodian is asked for: added, authorized, shown. */
#ifndef METERBEAT_CTL_RECORD_CUSTODIAN_H
#define METERBEAT_CTL_RECORD_CUSTODIAN_H

#include "ctl/cmd_record.h"

/* Fills what the record has of its custodian: url, sub_id, names of the parameters. False: as
 * custodian_find; ERR_REJECT "bad_record". Free with custodian_free once the record is not used. */
MUST_CHECK bool record_custodian_fill(struct request *r, struct custodian *ret_custodian,
                                      struct err *e);
/* The subscription of a record that was just added, in the same transaction. */
MUST_CHECK bool record_custodian_put(struct request *r, int64_t custodian_id, int64_t record_id,
                                     struct err *e);
/* Lines for `show`; nothing for a record without a custodian. */
MUST_CHECK bool record_custodian_show(struct request *r, struct err *e);

#endif
