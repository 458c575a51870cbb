-- Least rights for each program: three roles that nobody logs in as. Run by the owner of the tables, who needs
-- CREATEROLE only while a role is missing; safe to repeat, and after each new version. Then for each login:
--     CREATE ROLE w1 LOGIN PASSWORD '...' IN ROLE meterbeat_worker;
DO $roles$
DECLARE
    role  text;
    about record;
    -- what a worker reads and never writes: where secrets are sent, what is asked for whom, when what is due, by
    -- which key ids are made, who has decided what
    worker_reads  CONSTANT text[] := '{custodian,subscription,record_option,record_change,migration,installation,entry,tick}';
    -- what a producer has no business with: secrets above all
    producer_lacks CONSTANT text[] :=
        '{custodian,authorization,subscription,record_option,record_change,resource,validator,series}';
    producer_reads CONSTANT text[] := '{migration,installation,day,dirty_month,coverage}';
BEGIN
    FOREACH role IN ARRAY '{meterbeat_worker,meterbeat_producer,meterbeat_admin}'::text[] LOOP
        IF to_regrole(role) IS NULL THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
        EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), role);
        EXECUTE format('GRANT USAGE ON SCHEMA meterbeat TO %I', role);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA meterbeat FROM %I', role);
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA meterbeat TO %I', role);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA meterbeat TO %I', role);
    END LOOP;

    FOR about IN SELECT relname::text AS name FROM pg_class
                 WHERE relnamespace = 'meterbeat'::regnamespace AND relkind IN ('r', 'p', 'v') LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON meterbeat.%I TO meterbeat_admin', about.name);
        EXECUTE format('GRANT SELECT ON meterbeat.%I TO meterbeat_worker', about.name);
        IF about.name <> ALL (worker_reads || 'authorization'::text) THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON meterbeat.%I TO meterbeat_worker', about.name);
        END IF;
        IF about.name <> ALL (producer_lacks) THEN
            EXECUTE format('GRANT SELECT ON meterbeat.%I TO meterbeat_producer', about.name);
            IF about.name <> ALL (producer_reads) THEN
                EXECUTE format('GRANT INSERT, UPDATE, DELETE ON meterbeat.%I TO meterbeat_producer', about.name);
            END IF;
        END IF;
    END LOOP;
    -- a refresh stores its tokens; whose they are, and of what kind, is not a worker's to change
    GRANT UPDATE (access_token, refresh_token, expires_at, generation, asked_at, refused_at, refusal, updated_at)
        ON meterbeat.authorization TO meterbeat_worker;

    -- the seed's tables, wherever the search path finds them
    GRANT SELECT ON seed_ts_parser_record, seed_canonicalbuilding, seed_meter, seed_meter_canonical_building,
        seed_timeseries TO meterbeat_worker, meterbeat_admin;
    GRANT UPDATE (last_date, last_ts) ON seed_ts_parser_record TO meterbeat_worker;
    GRANT INSERT (name, energy_type, energy_units, custom_meter_id), UPDATE (name, energy_type, energy_units)
        ON seed_meter TO meterbeat_worker;
    GRANT INSERT (meter_id, canonicalbuilding_id) ON seed_meter_canonical_building TO meterbeat_worker;
    GRANT INSERT (meter_id, begin_time, end_time, reading, cost), UPDATE (end_time, reading, cost), DELETE
        ON seed_timeseries TO meterbeat_worker;
    GRANT INSERT, UPDATE, DELETE ON seed_ts_parser_record, seed_canonicalbuilding, seed_meter,
        seed_meter_canonical_building, seed_timeseries TO meterbeat_admin;
    FOR about IN SELECT pg_get_serial_sequence(name, 'id') AS name FROM unnest(
            '{seed_meter,seed_meter_canonical_building,seed_timeseries,seed_ts_parser_record}'::text[]) AS name
                 WHERE pg_get_serial_sequence(name, 'id') IS NOT NULL LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE %s TO meterbeat_admin', about.name);
        IF about.name NOT LIKE '%record%' THEN
            EXECUTE format('GRANT USAGE ON SEQUENCE %s TO meterbeat_worker', about.name);
        END IF;
    END LOOP;
END
$roles$;
