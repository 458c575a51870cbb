-- The seed's own tables, made only where they are missing: names, columns and types are the seed's.
-- Against a database that SEED's Django made, nothing of them is altered. Whether one is missing is
-- asked first: CREATE TABLE IF NOT EXISTS wants the right to create even where it creates nothing.
DO $$
BEGIN

IF to_regclass('seed_ts_parser_record') IS NULL THEN
    CREATE TABLE seed_ts_parser_record (
        last_ts            bigint,
        id                 serial NOT NULL,
        url                character varying(500),
        last_date          character varying(50),
        min_date_parameter character varying(20),
        max_date_parameter character varying(20),
        building_id        character varying(100),
        active             character varying(10),
        time_type          character varying(50),
        date_pattern       character varying(100),
        sub_id             character(200),
        CONSTRAINT seed_ts_parser_record_pkey PRIMARY KEY (id)
    );
END IF;

-- SEED's row of a building. Here only what a meter's link needs: the snapshot it points to is a
-- table of SEED's with a hundred columns that nothing here reads, so that foreign key is left out.
IF to_regclass('seed_canonicalbuilding') IS NULL THEN
    CREATE TABLE seed_canonicalbuilding (
        id                    serial NOT NULL PRIMARY KEY,
        canonical_snapshot_id integer,
        active                boolean NOT NULL
    );
    CREATE INDEX seed_canonicalbuilding_canonical_snapshot_id
        ON seed_canonicalbuilding (canonical_snapshot_id);
END IF;

IF to_regclass('seed_meter') IS NULL THEN
    CREATE TABLE seed_meter (
        id              serial NOT NULL PRIMARY KEY,
        name            character varying(100) NOT NULL,
        energy_type     integer NOT NULL,
        energy_units    integer NOT NULL,
        custom_meter_id character varying(100) NOT NULL
    );
END IF;

IF to_regclass('seed_meter_canonical_building') IS NULL THEN
    CREATE TABLE seed_meter_canonical_building (
        id                   serial NOT NULL PRIMARY KEY,
        meter_id             integer NOT NULL
            REFERENCES seed_meter (id) DEFERRABLE INITIALLY DEFERRED,
        canonicalbuilding_id integer NOT NULL
            REFERENCES seed_canonicalbuilding (id) DEFERRABLE INITIALLY DEFERRED,
        UNIQUE (meter_id, canonicalbuilding_id)
    );
    CREATE INDEX seed_meter_canonical_building_meter_id
        ON seed_meter_canonical_building (meter_id);
    CREATE INDEX seed_meter_canonical_building_canonicalbuilding_id
        ON seed_meter_canonical_building (canonicalbuilding_id);
END IF;

IF to_regclass('seed_timeseries') IS NULL THEN
    CREATE TABLE seed_timeseries (
        id         serial NOT NULL PRIMARY KEY,
        begin_time timestamp with time zone,
        end_time   timestamp with time zone,
        reading    double precision,
        cost       numeric(11, 4),
        meter_id   integer REFERENCES seed_meter (id) DEFERRABLE INITIALLY DEFERRED
    );
    CREATE INDEX seed_timeseries_meter_id ON seed_timeseries (meter_id);
END IF;

END
$$;
