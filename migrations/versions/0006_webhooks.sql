-- What the outside may know of, and the addresses of the supplier that it is told to.

-- Written in the transaction that makes an event true. Numbered after it, by one writer at a time, so that positions
-- follow commits: whoever has read up to one has read everything up to it. Ids alone: no name and no word of anybody.
CREATE TABLE event_log (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    event_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind <> ''),
    customer_id uuid,
    invoice_id uuid,
    data jsonb NOT NULL,
    happened_at timestamptz NOT NULL,
    -- In which order it was written: the ids of one millisecond are in none.
    written bigint GENERATED ALWAYS AS IDENTITY,
    position bigint CHECK (position > 0),
    PRIMARY KEY (supplier_id, event_id)
);
CREATE UNIQUE INDEX event_log_by_position ON event_log (supplier_id, position) WHERE position IS NOT NULL;
CREATE INDEX event_log_to_number ON event_log (supplier_id, written) WHERE position IS NULL;

CREATE TABLE event_heads (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    last_position bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (supplier_id)
);

CREATE TABLE webhook_endpoints (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    endpoint_id uuid NOT NULL,
    label text NOT NULL CHECK (label <> ''),
    url text NOT NULL,
    -- None: every kind, those of later versions as well.
    kinds text[] NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'removed')),
    -- Why it is no longer called: by a person, or the code of what it kept answering.
    reason text,
    sealed_secret bytea NOT NULL,
    -- While both sides change to a new secret, the one before signs as well.
    sealed_before bytea,
    before_until timestamptz,
    -- Failures in a row since when, and until when nobody calls for that.
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    paused_until timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, endpoint_id)
);

-- One event for one address, or a test of it.
CREATE TABLE webhook_deliveries (
    supplier_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    -- None: a test.
    event_id uuid,
    kind text NOT NULL,
    cause text NOT NULL CHECK (cause IN ('event', 'replay', 'test')),
    state text NOT NULL DEFAULT 'to_send' CHECK (state IN ('to_send', 'delivered', 'failed')),
    tries integer NOT NULL DEFAULT 0,
    last_status integer,
    last_error text,
    next_try_at timestamptz,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, delivery_id),
    FOREIGN KEY (supplier_id, endpoint_id) REFERENCES webhook_endpoints,
    FOREIGN KEY (supplier_id, event_id) REFERENCES event_log
);
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (supplier_id, endpoint_id, delivery_id DESC);

-- Every call that was made, with the beginning of its answer.
CREATE TABLE webhook_attempts (
    supplier_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    status integer,
    error text,
    answer text NOT NULL DEFAULT '',
    duration_ms integer NOT NULL CHECK (duration_ms >= 0),
    tried_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, delivery_id, number),
    FOREIGN KEY (supplier_id, delivery_id) REFERENCES webhook_deliveries
);
