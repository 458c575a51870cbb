/* How much of this process stays in memory while it has nothing to do. */
#ifndef METERBEAT_BASE_RESIDENT_H
#define METERBEAT_BASE_RESIDENT_H

/*
 * Gives back what comes again when it is touched: pages of programs and libraries that nobody can
 * write to (most of them served once, to start), and what malloc has free. Costs some milliseconds,
 * and a page fault without I/O for each group of pages used again. Any thread; beside others.
 */
void resident_release(void);

#endif
