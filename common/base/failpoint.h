/* Named places at which a test can have the process killed, to see that nothing is lost there. */
#ifndef METERBEAT_BASE_FAILPOINT_H
#define METERBEAT_BASE_FAILPOINT_H

/*
 * With METERBEAT_CRASH_AT=<point>[:n] in the environment, the n-th time (default 1st) a process
 * comes by crashpoint("<point>") it kills itself with SIGKILL, as a power cut would. Without it:
 * one comparison. Any thread. Whoever can set a program's environment could as well have killed it,
 * so this is in every build. Points: "after_take", "after_kairosdb_write", "before_commit",
 * "after_commit", "after_outbox", "before_ack", "after_ladder" (retry or dead letter confirmed,
 * original not yet acknowledged), "before_token_request", "after_token_answer" (not yet stored),
 * "after_token_stored", "before_checkpoint" (a long parse's), "before_month" (an aggregate's commit
 * of one).
 */
void crashpoint(const char *point);

#endif
