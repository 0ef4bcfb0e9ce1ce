-- Exports that the worker makes: who asked for what about whom, and the file until it expires.

CREATE TABLE exports (
    supplier_id uuid NOT NULL,
    export_id uuid NOT NULL,
    job_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind <> ''),
    options jsonb NOT NULL,
    language text NOT NULL,
    asked_by uuid NOT NULL,
    -- About one customer alone; none where it is about the house.
    customer_id uuid,
    state text NOT NULL CHECK (state IN ('waiting', 'ready', 'expired')),
    filename text,
    mime text,
    size_bytes bigint,
    sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    asked_at timestamptz NOT NULL,
    ready_at timestamptz,
    expires_at timestamptz,
    PRIMARY KEY (supplier_id, export_id),
    UNIQUE (supplier_id, job_id),
    FOREIGN KEY (supplier_id, job_id) REFERENCES jobs,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    CHECK ((state = 'waiting') = (expires_at IS NULL)),
    CHECK ((expires_at IS NULL) = (filename IS NULL))
);
CREATE INDEX exports_by_person ON exports (supplier_id, asked_by, export_id DESC);
CREATE INDEX exports_kept ON exports (supplier_id, expires_at) WHERE state = 'ready';

-- The file in pieces, so that nobody holds it whole; emptied when it expires.
CREATE TABLE export_pieces (
    supplier_id uuid NOT NULL,
    export_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    content bytea NOT NULL,
    PRIMARY KEY (supplier_id, export_id, position),
    FOREIGN KEY (supplier_id, export_id) REFERENCES exports
);

-- How often a job was taken since a line of it had an outcome: one that kills its worker each time is given up.
ALTER TABLE jobs ADD COLUMN tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0);

-- Every job of the house, the newest first.
CREATE INDEX jobs_by_starter ON jobs (supplier_id, started_by, job_id DESC);

-- An advice of payment is used by the money that it announced, until that is matched otherwise.
ALTER TABLE remittance_advices ADD COLUMN attempt_id uuid, ADD COLUMN used_at timestamptz;
ALTER TABLE remittance_advices DROP CONSTRAINT remittance_advices_state_check;
ALTER TABLE remittance_advices ADD CONSTRAINT remittance_advices_state_check
    CHECK (state IN ('read', 'confirmed', 'used', 'withdrawn'));
ALTER TABLE remittance_advices
    ADD CHECK ((attempt_id IS NULL) = (used_at IS NULL) AND (state <> 'used' OR attempt_id IS NOT NULL));
-- The check of the new key reads rows of every supplier, which no policy lets anybody do.
ALTER TABLE remittance_advices NO FORCE ROW LEVEL SECURITY;
ALTER TABLE payment_attempts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE remittance_advices ADD FOREIGN KEY (supplier_id, attempt_id) REFERENCES payment_attempts;
ALTER TABLE remittance_advices FORCE ROW LEVEL SECURITY;
ALTER TABLE payment_attempts FORCE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX remittance_advices_by_payment ON remittance_advices (supplier_id, attempt_id)
    WHERE attempt_id IS NOT NULL;
