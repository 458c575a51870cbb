/* Remote control: figures about this process, in the shape of Celery's. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "worker/control/context.h"

static json_t *pool(const struct control_context *p)
{
    return json_pack("{s:s, s:i, s:[i], s:s, s:b, s:[I, I], s:s}", "implementation",
                     "meterbeat:executor", "max-concurrency", 1, "processes", (int)getpid(),
                     "max-tasks-per-child", "N/A", "put-guarded-by-semaphore", 1, "timeouts",
                     (json_int_t)0, (json_int_t)p->settings->worker.task_time_limit_s, "writes",
                     "N/A");
}

/* The password is not in broker.url any more (config/settings.h). */
static json_t *broker(const struct settings *s)
{
    char what[URL_WHAT];
    struct broker_address where;
    char *url = broker_url_at(s->broker.url, 0);
    bool known = url && broker_url_read(url, &where, what);
    free(url);
    if (!known)
        return json_string("N/A");
    return json_pack(
        "{s:s, s:s, s:s, s:i, s:b, s:b, s:s, s:I, s:{}, s:s, s:n, s:f, s:s, s:[], s:n}", "hostname",
        where.host, "userid", where.user, "virtual_host", where.vhost, "port", where.port, "insist",
        0, "ssl", where.tls, "transport", "amqp", "connect_timeout",
        (json_int_t)s->broker.connect_timeout_s, "transport_options", "login_method", "PLAIN",
        "uri_prefix", "heartbeat", (double)s->broker.heartbeat_s, "failover_strategy",
        "round-robin", "alternates", "credential_provider");
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static bool set_number(json_t *object, const char *name, long number)
{
    return json_object_set_new(object, name, json_integer(number)) == 0;
}

static json_t *usage(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return json_string("N/A");
    json_t *o = json_pack("{s:f, s:f}", "utime", seconds(u.ru_utime), "stime", seconds(u.ru_stime));
    bool whole = set_number(o, "maxrss", u.ru_maxrss) && set_number(o, "ixrss", u.ru_ixrss) &&
                 set_number(o, "idrss", u.ru_idrss) && set_number(o, "isrss", u.ru_isrss) &&
                 set_number(o, "minflt", u.ru_minflt) && set_number(o, "majflt", u.ru_majflt) &&
                 set_number(o, "nswap", u.ru_nswap) && set_number(o, "inblock", u.ru_inblock) &&
                 set_number(o, "oublock", u.ru_oublock) && set_number(o, "msgsnd", u.ru_msgsnd) &&
                 set_number(o, "msgrcv", u.ru_msgrcv) && set_number(o, "nsignals", u.ru_nsignals) &&
                 set_number(o, "nvcsw", u.ru_nvcsw) && set_number(o, "nivcsw", u.ru_nivcsw);
    if (whole)
        return o;
    json_decref(o);
    return NULL;
}

json_t *command_stats(struct control_context *p, const json_t *arguments)
{
    (void)arguments;
    char clock[32];
    snprintf(clock, sizeof clock, "%lld", (long long)state_clock(p->state));
    return json_pack("{s:o, s:i, s:s, s:I, s:o, s:o, s:I, s:o}", "total", state_totals(p->state),
                     "pid", (int)getpid(), "clock", clock, "uptime",
                     (json_int_t)(clock_mono_ms() - p->started_ms + 500) / 1000, "pool", pool(p),
                     "broker", broker(p->settings), "prefetch_count",
                     (json_int_t)p->settings->worker.prefetch, "rusage", usage());
}
