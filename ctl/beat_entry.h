/* One entry of a Celery beat schedule, as a schedule entry and what of it cannot be carried over.
 */
#ifndef METERBEAT_CTL_BEAT_ENTRY_H
#define METERBEAT_CTL_BEAT_ENTRY_H

#include <jansson.h>

#include "common/base/attr.h"
#include "common/config/settings.h"

struct beat_entry {
    struct settings_entry entry;
    bool usable;   /* entry fires what Celery's does; else it is not to be used */
    json_t *lost;  /* list of texts: what is left out, and why */
    json_t *notes; /* list of texts: what is carried over and differs */
    json_t *texts; /* private: the entry's strings live in it */
};

/*
 * from: an entry as docs/from-celery.md dumps it. name and from are borrowed and must outlive *ret.
 * What settings_load would refuse is not looked at. False: no memory. Also then: beat_entry_free.
 */
MUST_CHECK bool beat_entry_read(const char *name, const json_t *from, struct beat_entry *ret);
/* Also for CLEANUP. */
void beat_entry_free(struct beat_entry *b);

#endif
