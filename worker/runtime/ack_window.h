/* Acknowledgements of one channel: those in the order of delivery go out as one frame. Pure. */
#ifndef METERBEAT_WORKER_RUNTIME_ACK_WINDOW_H
#define METERBEAT_WORKER_RUNTIME_ACK_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

/* Delivery tags grow by one from 1 on with each channel. */
struct ack_window {
    uint64_t settled_up_to;        /* every tag up to here is settled */
    bool *is_settled;              /* ring: tags above that, settled out of order */
    size_t size;                   /* of the ring */
    uint64_t ack_up_to, ack_count; /* in order, and not flushed yet */
};

/* For so many tags outstanding at first. False: no memory. */
MUST_CHECK bool ack_window_make(struct ack_window *w, size_t outstanding);
void ack_window_free(struct ack_window *w);
/* A new channel: nothing is outstanding. */
void ack_window_reset(struct ack_window *w);
/* Makes room for a tag that has arrived. False: no memory. */
MUST_CHECK bool ack_window_arrived(struct ack_window *w, uint64_t tag);
/* The tag is settled otherwise than by an acknowledgement. */
void ack_window_settle(struct ack_window *w, uint64_t tag);
/* The tag is to be acknowledged. True: alone, now; false: with ack_window_flush. */
bool ack_window_acknowledge(struct ack_window *w, uint64_t tag);
/* What has gathered: true: send an acknowledgement of *ret_tag, and (*ret_multiple) of every one
 * before it, all of which are settled. False: nothing. */
bool ack_window_flush(struct ack_window *w, uint64_t *ret_tag, bool *ret_multiple);

#endif
