/* The tables: makes what is missing, version by version, and tells programs whether all is there.
 */
#ifndef METERBEAT_STORE_SCHEMA_H
#define METERBEAT_STORE_SCHEMA_H

#include "common/base/err.h"
#include "common/store/pg.h"

/* What schema_init made and what it found; the lists are separated by ", ", "" for none. */
struct schema_report {
    int from_version; /* of the schema "meterbeat"; 0: it was not there */
    int to_version;
    char made[256];     /* the seed's tables that were missing */
    char found[256];    /* the seed's tables that were there: nothing of them is altered */
    char remarks[1024]; /* what in them will hinder meterbeat, a sentence a line */
};

/*
 * The seed's tables where they are missing, then the schema "meterbeat" up to this program's
 * version, in one transaction. Safe to repeat, and for two at once (an advisory lock: the second
 * finds all made). False: ERR_FATAL "schema_new" (a newer meterbeat made it), "seed_table" (a table
 * of the seed's lacks a column), "database_privilege", or as pg_query.
 */
MUST_CHECK bool schema_init(struct pg *p, struct schema_report *ret_report, struct err *e);
/* For a program's start. False: ERR_FATAL "schema_missing", "schema_old", "schema_new" or
 * "seed_table", with what to do in the text; or as pg_query. */
MUST_CHECK bool schema_check(struct pg *p, struct err *e);

#endif
