/* Rows of seed_ts_parser_record: a building's feed, and how far it has been fetched. */
#ifndef METERBEAT_STORE_RECORD_H
#define METERBEAT_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/store/pg.h"

/* Strings are owned, without surrounding blanks (sub_id is stored padded); null is "", 0. */
struct record {
    int64_t id;
    char *url;
    char *sub_id;
    char *building_id;
    char *time_type; /* "date" or "timestamp" */
    char *date_pattern;
    char *min_date_parameter, *max_date_parameter;
    char *last_date; /* in the form of the feed's parameters: by date_pattern, or a timestamp */
    int64_t last_ts;
    bool active; /* "Y" of SEED; also yes, true, t, 1, on, active in any case */
};

/* All functions run in the caller's transaction if there is one. Errors: as pg_query, and: */

/* ERR_REJECT "no_record". The caller frees it with record_free. */
MUST_CHECK bool record_get(struct pg *p, int64_t id, struct record *ret_record, struct err *e);
/* At most `max` records with an id above after_id, by id: page by page, so that memory does not
 * grow with their number. The caller frees them with records_free; *ret_count 0 = no more. */
MUST_CHECK bool record_page(struct pg *p, int64_t after_id, size_t max, bool active_only,
                            struct record **ret_records, size_t *ret_count, struct err *e);
/* The same for active ones without an open only_one run of `task`. Omits those whose authorization
 * the custodian refuses: they wait for a person. */
MUST_CHECK bool record_idle_page(struct pg *p, const char *task, int64_t after_id, size_t max,
                                 struct record **ret_records, size_t *ret_count, struct err *e);
/*
 * Adds one (id is ignored). If meterbeat made seed_canonicalbuilding, the building gets its row
 * there; in SEED's own database it must exist. ERR_REJECT "bad_record" (a field longer than its
 * column, a building_id that is not a number), "no_building".
 */
MUST_CHECK bool record_add(struct pg *p, const struct record *r, int64_t *ret_id, struct err *e);
/* Whether a record's readings can be fetched again. */
enum record_standing { RECORD_ASKED, RECORD_PAUSED, RECORD_IMPORTED, RECORD_GONE };
MUST_CHECK bool record_standing(struct pg *p, int64_t id, enum record_standing *ret_standing,
                                struct err *e);
/* Prefix of the url of a record that stands for an imported file; the file's name follows. Such a
 * record is never active, since it cannot be fetched. */
#define RECORD_IMPORT "import:"
bool record_is_import(const struct record *r);
/* Outside a transaction: the record for that file of the building; made if there is none yet. name:
 * truncated to the column. Errors as record_add. */
MUST_CHECK bool record_of_import(struct pg *p, const char *building_id, const char *name,
                                 int64_t *ret_id, struct err *e);
/* The same without making one; *ret_id 0: there is none. */
MUST_CHECK bool record_known_import(struct pg *p, const char *building_id, const char *name,
                                    int64_t *ret_id, struct err *e);
/* Pauses or resumes. ERR_REJECT "no_record". */
MUST_CHECK bool record_set_active(struct pg *p, int64_t id, bool active, struct err *e);
/*
 * In the task's transaction, advances last_date and last_ts if they are still those of `read`.
 * ERR_RETRY "record_changed" if somebody (SEED, a person) has set them meanwhile or removed the
 * record: roll back; the next attempt reads it again.
 */
MUST_CHECK bool record_advance(struct pg *p, const struct record *read, const char *last_date,
                               int64_t last_ts, struct err *e);
/* Also for CLEANUP; leaves a zeroed record. */
void record_free(struct record *r);
void records_free(struct record *records, size_t count);

#endif
