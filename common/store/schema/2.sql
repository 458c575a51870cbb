-- Version 2: what a task returned, so that its sender can be told after a crash too.
ALTER TABLE meterbeat.run
    ADD COLUMN result text                 -- JSON; of a done run, NULL: nothing was returned
    CHECK (octet_length(result) <= 65536);

-- How often the broker has refused it: rows for a queue that is not there go behind all others.
ALTER TABLE meterbeat.outbox ADD COLUMN refused integer NOT NULL DEFAULT 0;

-- Tasks that are not to run, for workers that start after the ones that were told.
CREATE TABLE meterbeat.revoked (
    task_id    text PRIMARY KEY CHECK (length(task_id) BETWEEN 1 AND 255),
    revoked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX revoked_age ON meterbeat.revoked (revoked_at);
