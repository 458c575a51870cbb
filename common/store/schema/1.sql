-- Version 1 of what meterbeat keeps beyond the seed's tables.
CREATE TABLE meterbeat.entry (             -- a schedule entry's memory: nothing else survives a restart
    name         text PRIMARY KEY,
    definition   text NOT NULL,            -- what it was when last_due_at was written; a change starts afresh
    last_due_at  timestamptz NOT NULL,     -- every due time up to here has been decided (fired or skipped)
    fired_at     timestamptz,              -- of the last tick
    updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE meterbeat.tick (              -- one firing: the key decides, never a clock or a lock (invariant 4)
    entry      text NOT NULL,
    due_at     timestamptz NOT NULL,
    task_id    text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entry, due_at)
);
CREATE INDEX tick_created ON meterbeat.tick (created_at);

CREATE TABLE meterbeat.outbox (            -- promised messages; a row goes when the broker has confirmed it
    id               bigserial PRIMARY KEY,
    task_id          text NOT NULL UNIQUE,
    owner            text,                 -- who promised it and sends it: a run (task id) or a producer; null: whoever relays
    queue            text NOT NULL,
    content_type     text NOT NULL,
    content_encoding text NOT NULL,
    headers          json NOT NULL,        -- not jsonb: the text stays as it was, in its order
    properties       json NOT NULL DEFAULT '{}',
    body             bytea NOT NULL,
    expires_at       timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_owner ON meterbeat.outbox (owner);
CREATE INDEX outbox_created ON meterbeat.outbox (created_at);

CREATE TABLE meterbeat.run (               -- one task id: who runs it and what became of it
    task_id     text PRIMARY KEY,
    task        text NOT NULL,
    record_id   bigint,
    building_id text,
    only_one    boolean NOT NULL DEFAULT false, -- no second open run of this task and record beside it
    arguments   text,                      -- JSON text of [args, kwargs], whole: a lost message is made of it
    parent_id   text,
    root_id     text,
    state       text NOT NULL CHECK (state IN ('waiting', 'running', 'retrying', 'done', 'dead')),
    token       bigint NOT NULL DEFAULT 0, -- grows with each start; a stale holder's writes touch no row
    ended       bigint NOT NULL DEFAULT 0, -- starts that said how they ended; the rest ended with their process
    failed      bigint NOT NULL DEFAULT 0, -- of those, the transient failures: the rung of the retry ladder
    worker      text,
    lease_until timestamptz,               -- running: the lease; waiting: when promised; retrying: when due
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    finished_at timestamptz,
    retry_at    timestamptz,
    progress    text,                      -- how far it is; when done, what it did
    error_kind  text,
    error_code  text,
    error       text
);
-- One open parse of a record's next window at a time; a window asked for by name does not count.
CREATE UNIQUE INDEX run_only_one ON meterbeat.run (task, record_id)
    WHERE only_one AND state IN ('waiting', 'running', 'retrying');
CREATE INDEX run_open ON meterbeat.run (lease_until) WHERE state IN ('waiting', 'running', 'retrying');
CREATE INDEX run_finished ON meterbeat.run (finished_at);
CREATE INDEX run_record ON meterbeat.run (record_id, created_at);

CREATE TABLE meterbeat.series (            -- what one KairosDB series is, and the seed_meter it is summed into
    id              bigserial PRIMARY KEY,
    tag_key         text NOT NULL UNIQUE,  -- the tags in canonical order: the identity in KairosDB
    tags            jsonb NOT NULL,
    source          text NOT NULL,         -- what the feed calls the meter in full: tells equal tags apart
    meter_id        integer NOT NULL,      -- seed_meter.id
    record_id       bigint NOT NULL,       -- the record that last wrote it: whom to ask again
    has_cost        boolean NOT NULL DEFAULT false,
    is_summable     boolean NOT NULL DEFAULT true, -- energy, volume: not power, temperature, a register
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX series_meter ON meterbeat.series (meter_id);

CREATE TABLE meterbeat.day (               -- the books: what KairosDB showed when a local day was last written
    series_id bigint NOT NULL REFERENCES meterbeat.series (id) ON DELETE CASCADE,
    day_start timestamptz NOT NULL,        -- local midnight in local_timezone
    readings  integer NOT NULL,            -- counted back
    costs     integer NOT NULL DEFAULT 0,
    total     double precision NOT NULL DEFAULT 0, -- their sum: a correction shows in it
    cost_total double precision NOT NULL DEFAULT 0,
    record_id bigint NOT NULL,
    PRIMARY KEY (series_id, day_start)
);

CREATE TABLE meterbeat.dirty_month (       -- (series, month) that changed since it was last summed
    series_id   bigint NOT NULL REFERENCES meterbeat.series (id) ON DELETE CASCADE,
    month_start timestamptz NOT NULL,      -- local first of the month, 00:00
    month_end   timestamptz NOT NULL,
    generation  bigint NOT NULL DEFAULT 1, -- grows with each change: what changed during a sum stays dirty
    since       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (series_id, month_start)
);

CREATE TABLE meterbeat.worker (            -- who is there: for `meterbeatctl status`
    name       text PRIMARY KEY,           -- worker@host/pid
    host       text NOT NULL,
    pid        integer NOT NULL,
    queue      text NOT NULL,
    version    text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    task_id    text,                       -- running now
    tasks_done bigint NOT NULL DEFAULT 0
);
