-- Version 6. Each section stands by itself.

-- Runs whose message is gone: what that is told by (common/books/lost.h).
ALTER TABLE meterbeat.run
    ADD COLUMN queue      text,               -- where its message is or was; null: the configured work queue
    ADD COLUMN expires_at timestamptz,        -- of its message; null: never
    ADD COLUMN enqueued_at timestamptz,       -- when its message came, or comes, to the end of its queue; null: not known
    ADD COLUMN missed_at  timestamptz,        -- since when its message is missed
    ADD COLUMN renewals   integer NOT NULL DEFAULT 0; -- messages promised anew since it was last begun
CREATE INDEX run_enqueued ON meterbeat.run (queue, enqueued_at) WHERE started_at >= enqueued_at;
CREATE INDEX run_expires ON meterbeat.run (expires_at) WHERE state IN ('waiting', 'running', 'retrying');
