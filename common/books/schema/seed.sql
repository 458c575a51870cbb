-- The seed's own tables, made only where they are missing: names, columns and types are the seed's.
-- Against a database that SEED's Django made, nothing of them is altered (design.md, contract PostgreSQL).
CREATE TABLE IF NOT EXISTS seed_ts_parser_record (
    last_ts            bigint,
    id                 serial PRIMARY KEY,
    url                character varying(500),
    last_date          character varying(50),
    min_date_parameter character varying(20),
    max_date_parameter character varying(20),
    building_id        character varying(100),
    active             character varying(10),
    time_type          character varying(50),
    date_pattern       character varying(100),
    sub_id             character(200)
);
