/* Creates missing tables, version by version, and tells programs whether the schema is complete. */
#ifndef METERBEAT_STORE_SCHEMA_H
#define METERBEAT_STORE_SCHEMA_H

#include "common/base/err.h"
#include "common/store/pg.h"

/* What schema_init made and found; lists are separated by ", ", "" for none. */
struct schema_report {
    int from_version; /* version of the schema "meterbeat"; 0: it did not exist */
    int to_version;
    char made[256];     /* SEED's tables that were missing */
    char found[256];    /* SEED's tables that existed; they are never altered */
    char remarks[1024]; /* what will hinder meterbeat, one sentence per line */
};

/*
 * Creates SEED's tables where they are missing, then brings the schema "meterbeat" to this
 * program's version, in one transaction. Safe to repeat, and for two at once (an advisory lock: the
 * second finds everything done). False: ERR_FATAL "schema_new" (made by a newer meterbeat),
 * "seed_table" (a table of SEED's lacks a column), "database_privilege", or as pg_query.
 */
MUST_CHECK bool schema_init(struct pg *p, struct schema_report *ret_report, struct err *e);
/* Check for a program's start. False: ERR_FATAL "schema_missing", "schema_old", "schema_new" or
 * "seed_table", with the remedy in the text; or as pg_query. */
MUST_CHECK bool schema_check(struct pg *p, struct err *e);

#endif
