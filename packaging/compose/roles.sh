#!/usr/bin/env bash
# PostgreSQL's first start: the database, its owner, who makes the tables, and the programs' login, a member of the least roles.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres -v programs="${METERBEAT_DATABASE_USER:-meterbeat}" <<'SQL'
-- not as arguments, which everybody on the machine can see
\getenv owner_password METERBEAT_OWNER_PASSWORD
\getenv password METERBEAT_DATABASE_PASSWORD
CREATE ROLE meterbeat_owner LOGIN PASSWORD :'owner_password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE ROLE :"programs" LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE DATABASE meterbeat OWNER meterbeat_owner;
REVOKE ALL ON DATABASE meterbeat FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE meterbeat TO :"programs";
\connect meterbeat
GRANT USAGE, CREATE ON SCHEMA public TO meterbeat_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"programs";
-- what they may is granted by common/store/schema/roles.sql, once the tables are there
SELECT format('CREATE ROLE %I NOLOGIN', role)
    FROM unnest('{meterbeat_worker,meterbeat_producer,meterbeat_admin}'::text[]) AS role WHERE to_regrole(role) IS NULL \gexec
GRANT meterbeat_worker, meterbeat_producer TO :"programs";
SQL
