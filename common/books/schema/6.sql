-- Version 6. Each section stands by itself.

-- Runs whose message is gone: what that is told by (common/books/lost.h).
ALTER TABLE meterbeat.run
    ADD COLUMN queue      text,               -- where its message is or was; null: the configured work queue
    ADD COLUMN expires_at timestamptz,        -- of its message; null: never
    ADD COLUMN missed_at  timestamptz,        -- since when its queue holds fewer messages than runs wait for them
    ADD COLUMN renewals   integer NOT NULL DEFAULT 0; -- messages promised anew since it was last begun
