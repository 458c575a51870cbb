/* The text of the .sql files of common/store/schema, in a C file that the build makes of them. */
#ifndef METERBEAT_STORE_SCHEMA_SQL_H
#define METERBEAT_STORE_SCHEMA_SQL_H

/* Least rights: prints as it is, for psql. */
extern const char schema_sql_roles[];
extern const char schema_sql_seed[];
/* [0] = 1.sql: brings version 0 to 1, and so on. */
extern const char *const schema_sql_migrations[];
extern const int schema_sql_version; /* the last one */

#endif
