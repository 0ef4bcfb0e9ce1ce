-- What was settled before these books began: lines and letters of the former books, to read, never to count.

-- One line of a customer's account (411, 416) under its letters. Undoing its opening hides it: nothing is deleted.
CREATE TABLE former_lines (
    supplier_id uuid NOT NULL,
    line_id uuid NOT NULL,
    opening_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    group_id uuid NOT NULL,
    account text NOT NULL,
    day date NOT NULL,
    due_on date,
    due_told boolean NOT NULL,
    kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note', 'receipt', 'refund', 'other')),
    piece text NOT NULL,
    label text NOT NULL,
    debit_minor bigint NOT NULL CHECK (debit_minor >= 0),
    credit_minor bigint NOT NULL CHECK (credit_minor >= 0),
    currency char(3) NOT NULL,
    letters text NOT NULL CHECK (letters <> ''),
    lettered_on date NOT NULL,
    gap_minor bigint NOT NULL,
    fingerprint text NOT NULL,
    file_sha256 text NOT NULL,
    place integer NOT NULL,
    compact_piece text GENERATED ALWAYS AS (nullif(regexp_replace(upper(piece), '[^A-Z0-9]', '', 'g'), '')) STORED,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, line_id),
    FOREIGN KEY (supplier_id, opening_id) REFERENCES openings,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    CHECK (debit_minor = 0 OR credit_minor = 0)
);
CREATE INDEX former_lines_of_customer ON former_lines (supplier_id, customer_id, day DESC, line_id DESC);
CREATE INDEX former_lines_of_opening ON former_lines (supplier_id, opening_id, line_id);
CREATE INDEX former_lines_by_piece ON former_lines (supplier_id, compact_piece) WHERE compact_piece IS NOT NULL;
CREATE INDEX former_lines_by_fingerprint ON former_lines (supplier_id, fingerprint);

-- What money paid of a former invoice, and when: only of letters that come to zero, so that habits are exact.
CREATE TABLE former_payments (
    supplier_id uuid NOT NULL,
    line_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    opening_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    due_on date NOT NULL,
    paid_on date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, line_id, position),
    FOREIGN KEY (supplier_id, line_id) REFERENCES former_lines,
    FOREIGN KEY (supplier_id, opening_id) REFERENCES openings,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX former_payments_by_day ON former_payments (supplier_id, paid_on);
CREATE INDEX former_payments_of_customer ON former_payments (supplier_id, customer_id, paid_on);

-- By which opening customers were given the codes of elsewhere: undoing it takes them back. Rows of before are of none.
ALTER TABLE customer_aliases NO FORCE ROW LEVEL SECURITY;
ALTER TABLE openings NO FORCE ROW LEVEL SECURITY;
ALTER TABLE customer_aliases ADD COLUMN opening_id uuid;
ALTER TABLE customer_aliases ADD FOREIGN KEY (supplier_id, opening_id) REFERENCES openings;
ALTER TABLE customer_aliases DROP CONSTRAINT customer_aliases_pkey;
ALTER TABLE customer_aliases ADD UNIQUE NULLS NOT DISTINCT (supplier_id, code, opening_id);
ALTER TABLE customer_aliases FORCE ROW LEVEL SECURITY;
ALTER TABLE openings FORCE ROW LEVEL SECURITY;
CREATE INDEX customer_aliases_of_customer ON customer_aliases (supplier_id, customer_id);
