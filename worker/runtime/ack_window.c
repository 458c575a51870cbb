/* Acknowledgements of one channel: those in the order of delivery go out as one frame. */
#include "worker/runtime/ack_window.h"

#include <stdlib.h>
#include <string.h>

bool ack_window_make(struct ack_window *w, size_t outstanding)
{
    *w = (struct ack_window){.size = outstanding + 2}; /* one is always free */
    w->is_settled = calloc(w->size, sizeof *w->is_settled);
    return w->is_settled != NULL;
}

void ack_window_free(struct ack_window *w)
{
    free(w->is_settled);
    w->is_settled = NULL;
}

void ack_window_reset(struct ack_window *w)
{
    w->settled_up_to = w->ack_up_to = w->ack_count = 0;
    memset(w->is_settled, 0, w->size * sizeof *w->is_settled);
}

/* More than one queue's prefetch may be outstanding: the ring grows. */
bool ack_window_arrived(struct ack_window *w, uint64_t tag)
{
    size_t size = w->size;
    while (tag - w->settled_up_to + 1 >= size)
        size *= 2;
    if (size == w->size)
        return true;
    bool *grown = calloc(size, sizeof *grown);
    if (!grown)
        return false;
    for (uint64_t t = w->settled_up_to + 1; t < w->settled_up_to + w->size; t++)
        grown[t % size] = w->is_settled[t % w->size];
    free(w->is_settled);
    w->is_settled = grown;
    w->size = size;
    return true;
}

void ack_window_settle(struct ack_window *w, uint64_t tag)
{
    w->is_settled[tag % w->size] = true;
    while (w->is_settled[(w->settled_up_to + 1) % w->size])
        w->is_settled[++w->settled_up_to % w->size] = false;
}

bool ack_window_acknowledge(struct ack_window *w, uint64_t tag)
{
    bool in_order = tag == w->settled_up_to + 1;
    ack_window_settle(w, tag);
    if (!in_order)
        return true;
    w->ack_up_to = tag;
    w->ack_count++;
    return false;
}

bool ack_window_flush(struct ack_window *w, uint64_t *ret_tag, bool *ret_multiple)
{
    if (w->ack_count == 0)
        return false;
    *ret_tag = w->ack_up_to;
    *ret_multiple = w->ack_count > 1;
    w->ack_count = 0;
    return true;
}
