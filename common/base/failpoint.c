/* Named places at which a test can have the process killed, to see that nothing is lost there. */
#include "common/base/failpoint.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_once_t crashpoint_once = PTHREAD_ONCE_INIT;
static char crashpoint_name[64]; /* empty: none chosen */
static atomic_long crashpoint_left;

static void crashpoint_read_environment(void)
{
    const char *wanted = getenv("METERBEAT_CRASH_AT");
    if (!wanted)
        return;
    size_t length = strcspn(wanted, ":");
    if (length == 0 || length >= sizeof crashpoint_name)
        return;
    long count = wanted[length] == ':' ? strtol(wanted + length + 1, NULL, 10) : 1;
    atomic_store(&crashpoint_left, count > 0 ? count : 1);
    memcpy(crashpoint_name, wanted, length);
}

void crashpoint(const char *point)
{
    pthread_once(&crashpoint_once, crashpoint_read_environment);
    if (!crashpoint_name[0] || strcmp(crashpoint_name, point) != 0)
        return;
    if (atomic_fetch_sub(&crashpoint_left, 1) == 1)
        kill(getpid(), SIGKILL);
}
