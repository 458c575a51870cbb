/* The commands of meterbeatctl, each in the file of its name; see command.h for the contract. */
#ifndef METERBEAT_CTL_COMMANDS_H
#define METERBEAT_CTL_COMMANDS_H

#include "ctl/command.h"

int audit_run(struct ctl *c, int argc, char **argv);
int check_run(struct ctl *c, int argc, char **argv);
int custodian_run(struct ctl *c, int argc, char **argv);
int dead_run(struct ctl *c, int argc, char **argv);
int import_run(struct ctl *c, int argc, char **argv);
int init_db_run(struct ctl *c, int argc, char **argv);
int inspect_run(struct ctl *c, int argc, char **argv);
int next_run(struct ctl *c, int argc, char **argv);
int record_run(struct ctl *c, int argc, char **argv);
int report_run(struct ctl *c, int argc, char **argv);
int schedule_run(struct ctl *c, int argc, char **argv);
int send_run(struct ctl *c, int argc, char **argv);
int status_run(struct ctl *c, int argc, char **argv);

#endif
