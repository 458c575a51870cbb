/* An AMQP message outside any connection: gives its memory back. */
#include "queue/envelope.h"

#include <stdlib.h>
#include <string.h>

void envelope_free(struct envelope *v)
{
    if (!v)
        return;
    free(v->content_type);
    free(v->content_encoding);
    free(v->correlation_id);
    free(v->reply_to);
    free(v->message_id);
    free(v->expiration);
    json_decref(v->headers);
    free(v->body);
    *v = (struct envelope){.priority = -1};
}
