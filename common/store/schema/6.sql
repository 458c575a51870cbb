-- Version 6. Each section stands by itself.

-- Runs whose message is gone: what that is told by (common/store/lost_run.h).
ALTER TABLE meterbeat.run
    ADD COLUMN queue      text,               -- where its message is or was; null: the configured work queue
    ADD COLUMN expires_at timestamptz,        -- of its message; null: never
    ADD COLUMN enqueued_at timestamptz,       -- when its message came, or comes, to the end of its queue; null: not known
    ADD COLUMN missed_at  timestamptz,        -- since when its message is missed
    ADD COLUMN renewals   integer NOT NULL DEFAULT 0; -- messages promised anew since it was last begun
CREATE INDEX run_enqueued ON meterbeat.run (queue, enqueued_at) WHERE started_at >= enqueued_at;
CREATE INDEX run_expires ON meterbeat.run (expires_at) WHERE state IN ('waiting', 'running', 'retrying');

-- What a person corrects of a feed, by record.
ALTER TABLE meterbeat.record_option
    ADD multiplier text,                       -- ESPI's powerOfTenMultiplier in place of the feed's
    ADD cost_scale text,                       -- what a cost of 1 is worth; null: 0.00001
    ADD shift      text,                       -- seconds added to each start, or 'milliseconds'
    ADD meter      text,                       -- the usage point of readings that the feed gives none
    ADD service    text,                       -- what is metered, whatever the feed says
    ADD generation bigint NOT NULL DEFAULT 0;  -- grows with each change of the five above
CREATE TABLE meterbeat.record_change (         -- who decided what about a record, and when
    id        bigserial PRIMARY KEY,
    record_id bigint NOT NULL,
    name      text NOT NULL,
    before    text NOT NULL,
    after     text NOT NULL,
    who       text NOT NULL,                   -- user@host (database role)
    at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX record_change_record ON meterbeat.record_change (record_id, id);
ALTER TABLE meterbeat.day
    ADD generation bigint NOT NULL DEFAULT 0;  -- of the corrections its values were written with
ALTER TABLE meterbeat.series
    ADD superseded boolean NOT NULL DEFAULT false; -- a decision about its record has made another meter of it
CREATE INDEX series_record ON meterbeat.series (record_id);
-- Ids of ticks are made with it: who may publish, but not read this, cannot know them before they are promised.
CREATE TABLE meterbeat.installation (
    is_only  boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    tick_key text NOT NULL
);
INSERT INTO meterbeat.installation (tick_key) VALUES (gen_random_uuid()::text || gen_random_uuid()::text);

-- The rules of local time that days and ticks are cut by (common/store/zone_rules.h).
CREATE TABLE meterbeat.zone_rules (
    zone     text PRIMARY KEY,                  -- IANA name
    rules    text NOT NULL,                     -- start:offset of each stretch from 2000 to 2038, seconds
    tzdata   text NOT NULL,                     -- the version they came with; '': unknown
    host     text NOT NULL,                     -- the machine they are from
    noted_at timestamptz NOT NULL DEFAULT now()
);

-- How far a worker's own clock is ahead of the database's, as of when it was last seen.
ALTER TABLE meterbeat.worker ADD COLUMN clock_ahead_ms bigint;

-- When a day was booked last with other readings than before, for the audit of what was booked lately; null: before this version.
ALTER TABLE meterbeat.day ADD COLUMN booked_at timestamptz;
ALTER TABLE meterbeat.day ALTER COLUMN booked_at SET DEFAULT now();
CREATE INDEX day_booked ON meterbeat.day (booked_at);

-- Series that are the same energy: of one usage point as quarters of an hour and as hours, net, a register.
ALTER TABLE meterbeat.series
    ADD energy_group text,                     -- null: no amount of energy or volume
    ADD energy_part  text NOT NULL DEFAULT '', -- '': the whole; else a tariff's, a phase's part of it
    ADD energy_rank  bigint NOT NULL DEFAULT 0; -- the lowest of a part counts
CREATE INDEX series_energy ON meterbeat.series (energy_group);
-- Which meter counts for a month: counted_by null = this one, else that one, whose month is the same energy.
CREATE VIEW meterbeat.counted AS
    SELECT c.series_id, c.month_start, s.meter_id,
           (SELECT b.meter_id FROM meterbeat.series b
              JOIN meterbeat.coverage v ON v.series_id = b.id AND v.month_start = c.month_start AND v.readings > 0
             WHERE b.energy_group = s.energy_group AND b.id <> s.id AND NOT b.superseded
               AND (s.superseded OR (b.energy_part = '' AND s.energy_part <> '')
                    OR (b.energy_part = s.energy_part
                        AND (-floor(20.0 * coalesce(v.covered_s, 0) / greatest(v.expected_s, 1)), b.energy_rank, b.id)
                          < (-floor(20.0 * coalesce(c.covered_s, 0) / greatest(c.expected_s, 1)), s.energy_rank, s.id)))
             ORDER BY b.energy_part <> '', -floor(20.0 * coalesce(v.covered_s, 0) / greatest(v.expected_s, 1)),
                      b.energy_rank, b.id LIMIT 1) AS counted_by
      FROM meterbeat.coverage c JOIN meterbeat.series s ON s.id = c.series_id;
