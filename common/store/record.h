/* Rows of seed_ts_parser_record: which feed of which building, and how far it has been fetched. */
#ifndef METERBEAT_STORE_RECORD_H
#define METERBEAT_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/store/pg.h"

/* Strings are owned, without the blanks around them (sub_id is stored padded); null is "", 0. */
struct record {
    int64_t id;
    char *url;
    char *sub_id;
    char *building_id;
    char *time_type; /* "date" or "timestamp" */
    char *date_pattern;
    char *min_date_parameter, *max_date_parameter;
    char *last_date; /* as the feed's parameters have it: in date_pattern, or a timestamp */
    int64_t last_ts;
    bool active; /* "Y" of SEED; also yes, true, t, 1, on, active in any case */
};

/* All are on the caller's transaction when there is one. Errors as pg_query's, and: */

/* ERR_REJECT "no_record". Caller frees with record_free. */
MUST_CHECK bool record_get(struct pg *p, int64_t id, struct record *ret_record, struct err *e);
/* At most `max` records with an id above after_id, by id: page by page, memory does not grow with
 * their number. Caller frees with records_free; *ret_count 0 = there are no more. */
MUST_CHECK bool record_page(struct pg *p, int64_t after_id, size_t max, bool active_only,
                            struct record **ret_records, size_t *ret_count, struct err *e);
/* The same of active ones that no only_one run of `task` is open for: those that want a new one.
 * Not those whose custodian refuses their authorization: they wait for a person. */
MUST_CHECK bool record_idle_page(struct pg *p, const char *task, int64_t after_id, size_t max,
                                 struct record **ret_records, size_t *ret_count, struct err *e);
/*
 * Adds one (id is ignored). In a database whose seed_canonicalbuilding meterbeat made, the building
 * gets its row there; in SEED's own it must exist. ERR_REJECT "bad_record" (a field longer than the
 * seed's column, a building_id that is no number) | "no_building".
 */
MUST_CHECK bool record_add(struct pg *p, const struct record *r, int64_t *ret_id, struct err *e);
/* Whether a record can be asked for its readings again. */
enum record_standing { RECORD_ASKED, RECORD_PAUSED, RECORD_IMPORTED, RECORD_GONE };
MUST_CHECK bool record_standing(struct pg *p, int64_t id, enum record_standing *ret_standing,
                                struct err *e);
/* The url of a record that stands for a file read by hand begins so; its file's name follows. Such
 * a record is never active: nobody can be asked again. */
#define RECORD_IMPORT "import:"
bool record_is_import(const struct record *r);
/*
 * Outside a transaction: the record that stands for that file of the building, made when there is
 * none yet. name: cut to fit the column. Errors as record_add.
 */
MUST_CHECK bool record_of_import(struct pg *p, const char *building_id, const char *name,
                                 int64_t *ret_id, struct err *e);
/* The same, but none is made; *ret_id 0: there is none. */
MUST_CHECK bool record_known_import(struct pg *p, const char *building_id, const char *name,
                                    int64_t *ret_id, struct err *e);
/* Pauses or resumes. ERR_REJECT "no_record". */
MUST_CHECK bool record_set_active(struct pg *p, int64_t id, bool active, struct err *e);
/*
 * Moves last_date and last_ts on, in the task's transaction, if they are still what `read` says.
 * ERR_RETRY "record_changed" when somebody (SEED, a person) set them meanwhile or removed the
 * record: roll back, the next attempt reads it anew.
 */
MUST_CHECK bool record_advance(struct pg *p, const struct record *read, const char *last_date,
                               int64_t last_ts, struct err *e);
/* Also for CLEANUP; leaves a zeroed record. */
void record_free(struct record *r);
void records_free(struct record *records, size_t count);

#endif
