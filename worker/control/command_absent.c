/* Remote control: what Celery's workers can do and one process with one task at a time cannot. */
#include <sys/resource.h>

#include "worker/control/context.h"

json_t *command_pool_resize(struct control_context *p, const json_t *arguments)
{
    (void)p;
    (void)arguments;
    return context_raised("NotImplementedError", "a worker does one task at a time; start it with "
                                                 "--processes for more");
}

json_t *command_pool_restart(struct control_context *p, const json_t *arguments)
{
    (void)p;
    (void)arguments;
    return context_raised("ValueError", "Pool restarts not enabled");
}

json_t *command_autoscale(struct control_context *p, const json_t *arguments)
{
    (void)p;
    (void)arguments;
    return context_raised("ValueError", "Autoscale not enabled");
}

json_t *command_objgraph(struct control_context *p, const json_t *arguments)
{
    (void)p;
    (void)arguments;
    return context_raised("ImportError", "Requires the objgraph library");
}

static long resident_kb(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

json_t *command_memsample(struct control_context *p, const json_t *arguments)
{
    (void)p;
    (void)arguments;
    return json_sprintf("%.2fMB", (double)resident_kb() / 1024);
}

json_t *command_memdump(struct control_context *p, const json_t *arguments)
{
    (void)p;
    (void)arguments;
    return json_sprintf("- rss (most): %.2fMB.\n", (double)resident_kb() / 1024);
}
