-- The seed's tables as SEED's Django (1.6, with South) makes them from its models: every column NOT NULL
-- unless the model says null, an index per foreign key, constraints deferred; and more tables and columns than
-- meterbeat knows of. The record table is the one written by hand, with its blank-padded sub_id.
CREATE TABLE seed_buildingsnapshot (
    id serial NOT NULL PRIMARY KEY,
    pm_property_id varchar(255),
    confidence integer CHECK (confidence >= 0)
);
CREATE TABLE seed_canonicalbuilding (
    id serial NOT NULL PRIMARY KEY,
    canonical_snapshot_id integer
        CONSTRAINT canonical_snapshot_id_refs_id_7ea5cf39 REFERENCES seed_buildingsnapshot (id) DEFERRABLE INITIALLY DEFERRED,
    active boolean NOT NULL
);
CREATE INDEX seed_canonicalbuilding_9fd6a0b8 ON seed_canonicalbuilding (canonical_snapshot_id);
CREATE TABLE seed_meter (
    id serial NOT NULL PRIMARY KEY,
    name varchar(100) NOT NULL,
    energy_type integer NOT NULL,
    energy_units integer NOT NULL,
    custom_meter_id varchar(100) NOT NULL
);
CREATE TABLE seed_meter_building_snapshot (
    id serial NOT NULL PRIMARY KEY,
    meter_id integer NOT NULL REFERENCES seed_meter (id) DEFERRABLE INITIALLY DEFERRED,
    buildingsnapshot_id integer NOT NULL REFERENCES seed_buildingsnapshot (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT seed_meter_building_snapshot_meter_id_3c9a2e56_uniq UNIQUE (meter_id, buildingsnapshot_id)
);
CREATE TABLE seed_meter_canonical_building (
    id serial NOT NULL PRIMARY KEY,
    meter_id integer NOT NULL REFERENCES seed_meter (id) DEFERRABLE INITIALLY DEFERRED,
    canonicalbuilding_id integer NOT NULL REFERENCES seed_canonicalbuilding (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT seed_meter_canonical_building_meter_id_5b0c1f1d_uniq UNIQUE (meter_id, canonicalbuilding_id)
);
CREATE TABLE seed_timeseries (
    id serial NOT NULL PRIMARY KEY,
    begin_time timestamp with time zone,
    end_time timestamp with time zone,
    reading double precision,
    cost numeric(11, 4),
    meter_id integer CONSTRAINT meter_id_refs_id_4d3b2a10 REFERENCES seed_meter (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX seed_timeseries_3d2b1e0c ON seed_timeseries (meter_id);
CREATE TABLE seed_ts_parser_record (
    last_ts bigint NOT NULL,
    id serial NOT NULL,
    url varchar(500) NOT NULL,
    last_date varchar(50) NOT NULL,
    min_date_parameter varchar(20) NOT NULL,
    max_date_parameter varchar(20) NOT NULL,
    building_id varchar(100) NOT NULL,
    active varchar(10) NOT NULL,
    time_type varchar(50) NOT NULL,
    date_pattern varchar(100) NOT NULL,
    sub_id character(200) NOT NULL,
    note varchar(40) DEFAULT '' NOT NULL,
    CONSTRAINT seed_ts_parser_record_pkey PRIMARY KEY (id)
);
INSERT INTO seed_canonicalbuilding (active) VALUES (true);
INSERT INTO seed_meter (name, energy_type, energy_units, custom_meter_id) VALUES ('main', 2, 3, 'm-1');
INSERT INTO seed_meter_canonical_building (meter_id, canonicalbuilding_id) VALUES (1, 1);
INSERT INTO seed_ts_parser_record
    VALUES (0, DEFAULT, 'https://utility.example', '01/31/2015', 'Published_Min', 'Published_Max', '1', 'Y', 'date',
            '%m/%d/%Y', 'C8C25FC1', 'by hand');
