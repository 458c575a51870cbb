/* An AMQP message outside any connection: its memory, its way. */
#include "common/amqp/message.h"

#include <stdlib.h>
#include <string.h>

struct publish_route publish_to_queue(const char *queue)
{
    return (struct publish_route){.exchange = "", .routing_key = queue};
}

void message_free(struct message *v)
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
    *v = (struct message){.priority = -1};
}
