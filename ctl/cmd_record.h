/* `record`: what its verbs share. */
#ifndef METERBEAT_CTL_CMD_RECORD_H
#define METERBEAT_CTL_CMD_RECORD_H

#include "common/base/timezone.h"
#include "common/store/custodian.h"
#include "common/store/record.h"
#include "ctl/command.h"
#include "ctl/session.h"

struct request {
    struct ctl *ctl;
    int64_t id;           /* 0: not given */
    struct record record; /* fields borrowed from the command line */
    bool json;
    bool is_paused;                                             /* add */
    const char *custodian, *subscription, *bulk, *path, *grant; /* NULL: not given */
    struct session *session;
    struct timezone_rules *zone;
};

/* Each says what is wrong by itself and returns the exit status. */
int record_add_run(struct request *r);
int record_list_run(struct request *r);
int record_show_run(struct request *r);
int record_pause_run(struct request *r);
int record_resume_run(struct request *r);
int record_set_run(struct request *r);
int record_authorize_run(struct request *r);

#endif
