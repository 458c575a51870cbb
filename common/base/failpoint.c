/* Named places at which a test can have the process killed, to see that nothing is lost there. */
#include "common/base/failpoint.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_once_t failpoint_once = PTHREAD_ONCE_INIT;
static char failpoint_name[64]; /* empty: none chosen */
static atomic_long failpoint_left;

static void failpoint_read_environment(void)
{
    const char *wanted = getenv("METERBEAT_CRASH_AT");
    if (!wanted)
        return;
    size_t length = strcspn(wanted, ":");
    if (length == 0 || length >= sizeof failpoint_name)
        return;
    long count = wanted[length] == ':' ? strtol(wanted + length + 1, NULL, 10) : 1;
    atomic_store(&failpoint_left, count > 0 ? count : 1);
    memcpy(failpoint_name, wanted, length);
}

void failpoint(const char *point)
{
    pthread_once(&failpoint_once, failpoint_read_environment);
    if (!failpoint_name[0] || strcmp(failpoint_name, point) != 0)
        return;
    if (atomic_fetch_sub(&failpoint_left, 1) == 1)
        kill(getpid(), SIGKILL);
}
