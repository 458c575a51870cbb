/* Celery's task message as a value: what decoding and encoding share. */
#include "common/celery/task_message.h"

#include <stdlib.h>

void task_message_free(struct task_message *m)
{
    if (!m)
        return;
    free(m->id);
    free(m->task);
    free(m->root_id);
    free(m->parent_id);
    free(m->group_id);
    free(m->reply_to);
    free(m->origin);
    json_decref(m->args);
    json_decref(m->kwargs);
    json_decref(m->embed);
    json_decref(m->headers);
    *m = (struct task_message){.priority = -1};
}
