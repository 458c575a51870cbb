/* meterbeat.series: what one KairosDB series is, whose it is, and the meter it is summed into. */
#ifndef METERBEAT_STORE_SERIES_H
#define METERBEAT_STORE_SERIES_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/meter.h"
#include "common/store/pg.h"

/* Strings borrowed. */
struct series_claim {
    const char *tag_key; /* the identity in KairosDB */
    const char *tags;    /* the same as JSON */
    const char *source;  /* what the feed calls the meter in full */
    int64_t record_id;
    bool is_summable;
    double numerator, denominator; /* from the feed's uom to meter.energy_units */
    const char *time_zone;         /* of a new series' days and months; NULL: the configured one.
                                      A series keeps the one its first day was booked by */
    bool by_hand;                  /* a series that another record feeds keeps that record, which
                                      may be asked again, and what was decided about it: its unit
                                      and its zone */
    bool takes_over;               /* also a series that another record feeds */
    const char *energy_group;      /* series of one group are the same energy, NULL: of
                                      none; */
    const char *energy_part;       /* "": the whole of it, else which part (a tariff's,
                                      a phase's); */
    int64_t energy_rank;           /* the lowest of a part counts (series_energy_of) */
    struct meter_key meter;        /* for a new series, and its codes */
};

/*
 * A source ends with "@" and the scope that its meter's id is one in, or has no scope. One without
 * a text behind the "@" was imported by hand, from whoever's subscription: the first that comes
 * with the same meter is taken to be that. Pure.
 */
bool series_is_adopted(const char *known, const char *claimed);
/* For a source whose scope is empty: that of the building's series with the same meter in whatever
 * scope, the oldest, where there is one. In place. Errors: those of pg_query. */
MUST_CHECK bool series_find_source(struct pg *p, const char *building_id, char *source, size_t size,
                                   struct err *e);

/* Whether a series that record_id feeds is left as it is but for its readings (by_hand). Pure. */
bool series_is_anothers(const struct series_claim *claim, int64_t record_id);

/* Whether a series has this identity. */
MUST_CHECK bool series_is_known(struct pg *p, const char *tag_key, bool *ret_known, struct err *e);

enum series_owner {
    SERIES_OURS,     /* new, or known with this source */
    SERIES_TAKEN,    /* another meter has these tags: they must be told apart */
    SERIES_ANOTHERS, /* another record's, which can be asked and asks for
                        something else */
    SERIES_LEFT,     /* another record's, which is paused or gone */
};

/* One claim at a time of a building's series, until the caller's transaction ends. */
MUST_CHECK bool series_lock(struct pg *p, const char *building_id, struct err *e);
/* Inside the transaction of series_lock. A series whose unit is another than before (SEED's codes
 * instead of ESPI's, a heat content) has its meter's readings converted with it. *ret_id is set
 * when the series is ours. Errors: those of pg_query. */
MUST_CHECK bool series_claim(struct pg *p, const struct series_claim *claim,
                             enum series_owner *ret_owner, int64_t *ret_id, struct err *e);
/* Inside the transaction of series_lock: in seed_meter the name of each meter
 * of the building that is the same energy as another one says so, and of which.
 */
MUST_CHECK bool series_mark_same(struct pg *p, const char *building_id, struct err *e);
/* What a series of accumulation 1 was found to hold; *ret_known false: nothing
 * yet. */
MUST_CHECK bool series_register(struct pg *p, int64_t id, bool *ret_known, bool *ret_is_register,
                                struct err *e);
MUST_CHECK bool series_set_register(struct pg *p, int64_t id, bool is_register, struct err *e);
/* Inside the task's transaction: the last staged reading before to_s of each register, from which
 * the next window's first difference is taken. */
MUST_CHECK bool series_book_registers(struct pg *p, int64_t to_s, struct err *e);

#define SERIES_ZONE 64

struct series_facts {
    char tags[2800];             /* JSON */
    char time_zone[SERIES_ZONE]; /* "": the configured one */
};
/* False: ERR_RETRY "no_series": gone meanwhile. */
MUST_CHECK bool series_facts(struct pg *p, int64_t id, struct series_facts *ret_facts,
                             struct err *e);

/* Series that have days in the books, and from when to when. */
#define SERIES_TAGS_TEXT 2800
struct series_books {
    int64_t id, meter_id;
    int64_t record_id; /* the record that last wrote it */
    bool has_cost, is_summable;
    int64_t first_day_s, last_day_s; /* of its books within the question's span */
    char time_zone[64];              /* of its days; "": the configured one */
    char tags[SERIES_TAGS_TEXT];     /* JSON text */
};
/* Which of them; building_id NULL, meter_id 0: all. Days that begin in [from_s, to_s). */
struct series_question {
    const char *building_id;
    int64_t meter_id, from_s, to_s, after_id;
};
/* At most `max` after after_id, by id: page by page, memory does not grow with their number.
 * Errors: those of pg_query. */
MUST_CHECK bool series_page(struct pg *p, const struct series_question *q,
                            struct series_books *ret_series, size_t max, size_t *ret_count,
                            struct err *e);
/* How many there are; after_id does not count. */
MUST_CHECK bool series_count(struct pg *p, const struct series_question *q, int64_t *ret_count,
                             struct err *e);

/* Of the series after after_id, in order and at most `max`, those with days that were booked within
 * the last within_s, and longer than settle_s ago; first and last are of these days alone. */
MUST_CHECK bool series_booked_page(struct pg *p, int64_t within_s, int64_t settle_s,
                                   int64_t after_id, struct series_books *ret_series, size_t max,
                                   size_t *ret_count, struct err *e);

#endif
