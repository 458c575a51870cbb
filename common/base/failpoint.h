/* Named points at which a test can kill the process, to check that nothing is lost there. */
#ifndef METERBEAT_BASE_FAILPOINT_H
#define METERBEAT_BASE_FAILPOINT_H

/*
 * With METERBEAT_CRASH_AT=<point>[:n] in the environment, the process kills itself with SIGKILL
 * when it reaches failpoint("<point>") for the n-th time (default 1st), like a power failure.
 * Without it: one comparison. Any thread. It is in every build, because whoever can set a program's
 * environment can kill it anyway. Points: "after_take", "after_kairosdb_write", "before_commit",
 * "after_commit", "after_outbox", "before_ack", "after_ladder" (retry or dead letter confirmed,
 * original not yet acknowledged), "before_token_request", "after_token_answer" (not yet stored),
 * "after_token_stored", "before_checkpoint" (a long parse's), "before_month" (an aggregate's commit
 * of one).
 */
void failpoint(const char *point);

#endif
