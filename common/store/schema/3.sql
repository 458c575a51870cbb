-- Version 3: units, time zones, registers, bills and coverage of series.
ALTER TABLE meterbeat.series
    ADD seed_type      integer,                -- what seed_meter says of it; null: as before version 3, ESPI's codes
    ADD seed_unit      integer,                -- SEED's code, or 1000 + ESPI's uom
    ADD numerator      double precision NOT NULL DEFAULT 1, -- a sum in the feed's uom, times this,
    ADD denominator    double precision NOT NULL DEFAULT 1, -- over this, is the sum in seed_unit
    ADD time_zone      text,                   -- of its days and months; null: local_timezone
    ADD register       boolean,                -- accumulation 1: true = differences are stored; null: not known yet
    ADD register_s     bigint,                 -- of a register: its last reading, start and value,
    ADD register_value bigint,                 -- from which the next window's first difference is taken
    ADD register_exponent bigint;

ALTER TABLE meterbeat.day                      -- how much of the day its readings cover; null: not known
    ADD covered_s integer,                     -- seconds, each counted once
    ADD gaps      integer,                     -- holes between the day's first and last reading
    ADD estimated integer,                     -- readings of an estimated quality
    ADD first_s   bigint,                      -- start of the first reading, epoch seconds
    ADD end_s     bigint;                      -- end of the last one

CREATE TABLE meterbeat.coverage (              -- how much of a (series, month) its sum stands on
    series_id   bigint NOT NULL REFERENCES meterbeat.series (id) ON DELETE CASCADE,
    month_start timestamptz NOT NULL,
    month_end   timestamptz NOT NULL,
    covered_s   bigint,                        -- null: not known, the readings say no length
    expected_s  bigint NOT NULL,               -- 23- and 25-hour days count as what they are
    gaps        integer,                       -- holes, those at the month's ends among them
    readings    bigint NOT NULL,
    estimated   bigint NOT NULL,
    PRIMARY KEY (series_id, month_start)
);

CREATE TABLE meterbeat.record_option (         -- what a person decides about a record's feed; absent: what the feed says
    record_id    bigint PRIMARY KEY,           -- seed_ts_parser_record.id
    time_zone    text,                         -- 'feed' or an IANA zone; null: local_timezone
    heat_content text,                         -- of gas by volume, such as '1037 Btu/ft3'
    registers    text CHECK (registers IN ('deltas', 'differences')) -- what accumulation 1 holds; null: judged by values
);
