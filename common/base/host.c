/* What this machine is called. */
#include "common/base/host.h"

#include <stdio.h>
#include <unistd.h>

const char *host_name(char out[HOST_NAME])
{
    out[HOST_NAME - 1] = '\0'; /* a longer name is cut without one */
    if (gethostname(out, HOST_NAME - 1) != 0 || !out[0])
        snprintf(out, HOST_NAME, "localhost");
    for (char *c = out; *c; c++)
        if (*c <= ' ' || *c > '~')
            *c = '?';
    return out;
}
