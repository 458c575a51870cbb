/* The name a worker goes by: to the broker, in the books, and to Celery's tools as a node. */
#include "common/config/node_name.h"

#include <stdio.h>
#include <string.h>

const char *node_name_fault(const char *pattern)
{
    bool has_at = false;
    for (const char *c = pattern; *c; c++) {
        has_at |= *c == '@';
        if (*c <= ' ' || *c > '~' ||
            *c == ',') /* `celery inspect -d` separates names with commas */
            return "a character that is not ASCII, a blank or a comma";
        if (*c == '%' && (!c[1] || !strchr("hpi%", *++c)))
            return "after % must come h (host), p (process id), i (index) or %";
    }
    return has_at ? NULL : "without an \"@\", by which Celery's tools know a worker";
}

static int expand(char sign, const struct node *node, char *out, size_t size)
{
    switch (sign) {
    case 'h':
        return snprintf(out, size, "%s", node->host);
    case 'p':
        return snprintf(out, size, "%d", node->pid);
    case 'i':
        return snprintf(out, size, "%d", node->index);
    default:
        return snprintf(out, size, "%%");
    }
}

bool node_name_make(const char *pattern, const struct node *node, char out[NODE_NAME_MAX + 1],
                    struct err *e)
{
    size_t used = 0;
    for (const char *c = pattern; *c && used <= NODE_NAME_MAX; c++) {
        char *at = out + used;
        size_t room = NODE_NAME_MAX + 1 - used;
        used += (size_t)(*c == '%' && c[1] ? expand(*++c, node, at, room)
                                           : snprintf(at, room, "%c", *c));
    }
    return used <= NODE_NAME_MAX || err_set(e, ERR_FATAL, "bad_name",
                                            "worker.name is longer than %d bytes once it is filled "
                                            "in",
                                            NODE_NAME_MAX);
}
