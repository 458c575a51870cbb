-- Version 4: Green Button Connect My Data. What utilities do differently is a column here, not a branch in the code.
-- A text called sealed holds "v1.KEY-ID.BASE64": encrypted under a key that is not in this database, bound to its
-- table, column and row (common/store/secret.h).
CREATE TABLE meterbeat.custodian (          -- a Data Custodian: a utility's Green Button server
    id                  bigserial PRIMARY KEY,
    name                text NOT NULL UNIQUE,
    base_url            text NOT NULL,      -- .../espi/1_1/resource; requests with its token go to no other host
    style               text NOT NULL DEFAULT 'rest' CHECK (style IN ('rest', 'seed')), -- how URLs are made
    token_url           text NOT NULL DEFAULT '',  -- OAuth 2.0 token endpoint
    client_id           text NOT NULL DEFAULT '',
    client_secret       text,               -- sealed
    client_auth         text NOT NULL DEFAULT 'basic' CHECK (client_auth IN ('basic', 'body')),
    scope               text NOT NULL DEFAULT '',  -- sent with client_credentials
    certificate         text,               -- sealed PEM: who we are, for mutual TLS
    private_key         text,               -- sealed PEM
    min_parameter       text NOT NULL DEFAULT 'published-min', -- Con Edison also writes publishedMin
    max_parameter       text NOT NULL DEFAULT 'published-max',
    time_format         text NOT NULL DEFAULT 'rfc3339' CHECK (time_format IN ('rfc3339', 'epoch')),
    ceiling_s           integer NOT NULL DEFAULT 0 CHECK (ceiling_s BETWEEN 0 AND 2592000), -- nothing newer is asked for
    accepts_future      boolean NOT NULL DEFAULT false, -- or else the maximum is clamped to now
    max_window_days     integer NOT NULL DEFAULT 366 CHECK (max_window_days BETWEEN 1 AND 366),
    pending_status      integer NOT NULL DEFAULT 202, -- besides 202: what an impatient question is answered with
    poll_s              integer NOT NULL DEFAULT 300 CHECK (poll_s BETWEEN 1 AND 10800), -- first pause after a 202; it doubles
    poll_max_s          integer NOT NULL DEFAULT 3600 CHECK (poll_max_s BETWEEN 1 AND 10800),
    pending_limit_s     integer NOT NULL DEFAULT 172800 CHECK (pending_limit_s BETWEEN 1 AND 2592000), -- then it is dead
    asks_if_changed     boolean NOT NULL DEFAULT true,  -- sends ETag and Last-Modified back
    requests_at_once    integer NOT NULL DEFAULT 2 CHECK (requests_at_once BETWEEN 1 AND 1000),
    requests_per_minute integer NOT NULL DEFAULT 60 CHECK (requests_per_minute BETWEEN 1 AND 100000),
    created_at          timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE meterbeat.authorization (      -- a customer's consent as OAuth tokens, or the custodian's own of client_credentials
    id             bigserial PRIMARY KEY,
    custodian_id   bigint NOT NULL REFERENCES meterbeat.custodian (id) ON DELETE CASCADE,
    grant_type     text NOT NULL CHECK (grant_type IN ('none', 'bearer', 'refresh_token', 'client_credentials')),
    access_token   text,                    -- sealed
    expires_at     timestamptz,             -- of the access token; null: never
    refresh_token  text,                    -- sealed; a one-time one is replaced with each refresh
    generation     bigint NOT NULL DEFAULT 0, -- grows with each new token: who lost a race sees that another has it
    asked_at       timestamptz,             -- a refresh was sent and its answer is not stored: unknown if it was used up
    refused_at     timestamptz,             -- the custodian takes it no more: its records wait for a person
    refusal        text,
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX authorization_of_client ON meterbeat.authorization (custodian_id)
    WHERE grant_type = 'client_credentials';

CREATE TABLE meterbeat.subscription (       -- what a record asks a custodian for; a record without one has the seed's style
    record_id        bigint PRIMARY KEY,    -- of seed_ts_parser_record
    custodian_id     bigint NOT NULL REFERENCES meterbeat.custodian (id) ON DELETE CASCADE,
    kind             text NOT NULL CHECK (kind IN ('subscription', 'bulk', 'path')),
    resource         text NOT NULL,         -- the id; for path: what follows base_url, "Subscription/7/UsagePoint/1/..."
    authorization_id bigint NOT NULL REFERENCES meterbeat.authorization (id) ON DELETE CASCADE
);
CREATE INDEX subscription_authorization ON meterbeat.subscription (authorization_id);

CREATE TABLE meterbeat.pending (            -- asked for, answered "202 Accepted": the record waits and no worker does
    record_id    bigint NOT NULL,
    is_named     boolean NOT NULL,          -- a window asked for by name, not the record's next one
    from_s       bigint NOT NULL,
    to_s         bigint NOT NULL,
    asked_at     timestamptz NOT NULL,
    poll_url     text NOT NULL,             -- what is asked again
    polls        integer NOT NULL DEFAULT 1,
    next_poll_at timestamptz NOT NULL,
    deadline     timestamptz NOT NULL,
    urls         text,                      -- JSON list, once a BatchList has come: they are fetched instead
    PRIMARY KEY (record_id, is_named, from_s, to_s)
);

CREATE TABLE meterbeat.validator (          -- what the last whole answer of a record said about itself
    record_id     bigint PRIMARY KEY,
    url           text NOT NULL,
    etag          text NOT NULL DEFAULT '',
    last_modified text NOT NULL DEFAULT '',
    last_date     text NOT NULL,            -- the record's after that answer: set back by hand, it wants all anew
    last_ts       bigint NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE meterbeat.host_gate (          -- requests to a host by all workers: those under way, and those of the last minute
    id          bigserial PRIMARY KEY,
    host        text NOT NULL,              -- name:port
    holder      text NOT NULL,              -- the task
    taken_at    timestamptz NOT NULL,
    until       timestamptz NOT NULL,       -- then its worker has died and the place is free
    released_at timestamptz
);
CREATE INDEX host_gate_host ON meterbeat.host_gate (host, taken_at);

CREATE TABLE meterbeat.resource (           -- what a custodian said once and later answers refer to by href: reading types, ...
    custodian_id bigint NOT NULL REFERENCES meterbeat.custodian (id) ON DELETE CASCADE,
    kind         text NOT NULL,             -- UsagePoint, MeterReading, ReadingType, LocalTimeParameters
    self         text NOT NULL,             -- href without scheme, host and outer slashes
    up           text NOT NULL DEFAULT '',
    entry        text NOT NULL,             -- as an Atom entry of XML
    seen_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (custodian_id, kind, self)
);
CREATE INDEX resource_self ON meterbeat.resource (custodian_id, self);
CREATE INDEX resource_up ON meterbeat.resource (custodian_id, up);
