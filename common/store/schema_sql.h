/* The text of the .sql files in common/store/schema, in a C file that the build generates. */
#ifndef METERBEAT_STORE_SCHEMA_SQL_H
#define METERBEAT_STORE_SCHEMA_SQL_H

/* Least privilege: printed as it is, for psql. */
extern const char schema_sql_roles[];
extern const char schema_sql_seed[];
/* [0] = 1.sql: upgrades version 0 to 1, and so on. */
extern const char *const schema_sql_migrations[];
extern const int schema_sql_version; /* the last one */

#endif
