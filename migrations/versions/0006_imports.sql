-- Files that are taken in line by line, with their progress and their report.

CREATE TABLE jobs (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    job_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind <> ''),
    filename text NOT NULL,
    content_sha256 text NOT NULL,
    options jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'finished', 'stopped')),
    total integer NOT NULL CHECK (total >= 0),
    done integer NOT NULL DEFAULT 0,
    known integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    held_until timestamptz,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (supplier_id, job_id),
    CHECK (done + known + refused <= total)
);
CREATE INDEX jobs_running ON jobs (supplier_id, job_id) WHERE state = 'running';
CREATE INDEX jobs_by_file ON jobs (supplier_id, kind, content_sha256);

-- One line of the file, or one document of it; the input stays so that what is refused can be given back.
CREATE TABLE job_lines (
    supplier_id uuid NOT NULL,
    job_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    label text NOT NULL,
    input bytea NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'known', 'refused')),
    result jsonb NOT NULL DEFAULT '{}',
    code text,
    sentence text,
    sentence_fr text,
    PRIMARY KEY (supplier_id, job_id, position),
    FOREIGN KEY (supplier_id, job_id) REFERENCES jobs
);
CREATE INDEX job_lines_waiting ON job_lines (supplier_id, job_id, position) WHERE state = 'waiting';
CREATE INDEX job_lines_refused ON job_lines (supplier_id, job_id, position) WHERE state = 'refused';

-- Which column of a supplier's file is what, remembered by the headings of the file.
CREATE TABLE column_mappings (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    purpose text NOT NULL,
    headings_hash text NOT NULL,
    columns jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, purpose, headings_hash)
);

-- What was brought, to the byte: the evidence behind a job and an opening.
CREATE TABLE brought_files (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    filename text NOT NULL,
    content bytea NOT NULL,
    brought_by text NOT NULL,
    brought_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, sha256)
);

-- Going live: what was open before, booked once as à-nouveaux. An invoice of before was issued elsewhere; one that was
-- opened wrongly and taken back leaves its number free.
ALTER TABLE invoices DROP CONSTRAINT invoices_origin_check;
ALTER TABLE invoices ADD CONSTRAINT invoices_origin_check CHECK (origin IN ('own', 'finished', 'opening'));
ALTER TABLE invoices ADD COLUMN opening_id uuid;
ALTER TABLE invoices ADD CHECK ((origin = 'opening') = (opening_id IS NOT NULL));
ALTER TABLE invoices DROP CONSTRAINT invoices_supplier_id_number_issue_year_key;
CREATE UNIQUE INDEX invoices_by_number ON invoices (supplier_id, number, issue_year, opening_id) NULLS NOT DISTINCT;

CREATE TABLE openings (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    opening_id uuid NOT NULL,
    opened_on date NOT NULL,
    source text NOT NULL CHECK (source IN ('table', 'fec')),
    filename text NOT NULL,
    file_sha256 text NOT NULL,
    options jsonb NOT NULL,
    report jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('booked', 'undone')),
    booked_by text NOT NULL,
    booked_at timestamptz NOT NULL,
    undone_by text,
    undone_reason text,
    undone_at timestamptz,
    PRIMARY KEY (supplier_id, opening_id),
    CHECK ((state = 'undone') = (undone_at IS NOT NULL))
);
CREATE UNIQUE INDEX one_opening_of_a_file ON openings (supplier_id, file_sha256) WHERE state = 'booked';
-- The check of the new key reads rows of every supplier, which no policy lets anybody do.
ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY;
ALTER TABLE invoices ADD FOREIGN KEY (supplier_id, opening_id) REFERENCES openings DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE invoices FORCE ROW LEVEL SECURITY;

CREATE TABLE opened_items (
    supplier_id uuid NOT NULL,
    opening_id uuid NOT NULL,
    position integer NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id uuid,
    attempt_id uuid,
    kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note', 'payment')),
    reference text NOT NULL,
    open_minor bigint NOT NULL CHECK (open_minor > 0),
    currency char(3) NOT NULL,
    PRIMARY KEY (supplier_id, opening_id, position),
    FOREIGN KEY (supplier_id, opening_id) REFERENCES openings,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    CHECK ((kind = 'payment') = (invoice_id IS NULL))
);
CREATE UNIQUE INDEX opened_items_by_invoice ON opened_items (supplier_id, invoice_id) WHERE invoice_id IS NOT NULL;

-- What customers were called elsewhere (comptes auxiliaires), so that a second file finds them.
CREATE TABLE customer_aliases (
    supplier_id uuid NOT NULL,
    code text NOT NULL CHECK (code <> ''),
    customer_id uuid NOT NULL,
    PRIMARY KEY (supplier_id, code),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);

-- Numbers that a series gave elsewhere, in the year in which it goes on here.
CREATE TABLE series_starts (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    series text NOT NULL,
    year integer NOT NULL,
    last_number integer NOT NULL CHECK (last_number > 0),
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, series, year)
);
