-- Version 2: what a task returned, so that its sender can be told after a crash too.
ALTER TABLE meterbeat.run
    ADD COLUMN result text                 -- JSON; of a done run, NULL: nothing was returned
    CHECK (octet_length(result) <= 65536);
