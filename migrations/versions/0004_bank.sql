-- The bank: our accounts there, its statements, every line once, and what each line turned out to be.

CREATE TABLE statements (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    statement_id uuid NOT NULL,
    sha256 text NOT NULL,
    filename text NOT NULL,
    format text NOT NULL,
    account text NOT NULL,
    currency char(3) NOT NULL,
    from_on date,
    to_on date,
    opening_minor bigint,
    closing_minor bigint,
    lines integer NOT NULL,
    fresh_lines integer NOT NULL,
    remarks jsonb NOT NULL DEFAULT '[]',
    imported_by text NOT NULL,
    imported_at timestamptz NOT NULL,
    -- How many of its lines were gone through; what came of them, once that is all.
    done_lines integer NOT NULL DEFAULT 0,
    report jsonb,
    finished_at timestamptz,
    PRIMARY KEY (supplier_id, statement_id),
    UNIQUE (supplier_id, sha256, account, currency)
);
CREATE INDEX statements_unfinished ON statements (supplier_id) WHERE finished_at IS NULL;
CREATE INDEX statements_by_account ON statements (supplier_id, account, to_on DESC);
CREATE INDEX statements_by_day ON statements (supplier_id, imported_at DESC);

-- Files that somebody brought: the archive holds them for the whole house, this says whose they are.
CREATE TABLE statement_files (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    sha256 text NOT NULL,
    filename text NOT NULL,
    brought_by text NOT NULL,
    brought_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, sha256)
);

-- Accounts whose statements are ours to read; one that nobody said yes to is asked about first.
CREATE TABLE statement_accounts (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    account text NOT NULL,
    label text NOT NULL,
    accepted_by text NOT NULL,
    accepted_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, account)
);

-- What the bank told, for good: ``amount_minor`` above zero came in, below went out.
CREATE TABLE bank_lines (
    supplier_id uuid NOT NULL,
    line_id uuid NOT NULL,
    line_key text NOT NULL,
    -- Shared by the parts of a movement that the bank booked as one sum.
    entry_key text NOT NULL,
    statement_id uuid NOT NULL,
    account text NOT NULL,
    booked_on date NOT NULL,
    value_on date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    currency char(3) NOT NULL,
    counterparty text NOT NULL DEFAULT '',
    counterparty_iban text,
    remittance text NOT NULL DEFAULT '',
    structured_reference text,
    end_to_end_id text,
    mandate_ref text,
    batch_ref text,
    bank_code text,
    return_code text,
    charges_minor bigint,
    details jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL CHECK (state IN ('new', 'matched', 'proposed', 'unidentified', 'payout', 'debits', 'returned',
                                         'refunded', 'not_ours', 'split')),
    reason text,
    score integer,
    customer_id uuid,
    attempt_id uuid,
    settled_by text,
    -- How often it was taken for something: a receipt's key books once.
    round integer NOT NULL DEFAULT 1 CHECK (round > 0),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, line_id),
    UNIQUE (supplier_id, line_key),
    FOREIGN KEY (supplier_id, statement_id) REFERENCES statements,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, attempt_id) REFERENCES payment_attempts
);
CREATE INDEX bank_lines_by_state ON bank_lines (supplier_id, state, booked_on DESC, line_id);
CREATE INDEX bank_lines_by_day ON bank_lines (supplier_id, booked_on DESC, line_id DESC);
CREATE INDEX bank_lines_by_entry ON bank_lines (supplier_id, entry_key);
CREATE INDEX bank_lines_by_statement ON bank_lines (supplier_id, statement_id);
CREATE INDEX bank_lines_by_attempt ON bank_lines (supplier_id, attempt_id) WHERE attempt_id IS NOT NULL;

-- A movement that one format told and another had told before: each format tells it once.
CREATE TABLE entry_aliases (
    supplier_id uuid NOT NULL,
    told_key text NOT NULL,
    entry_key text NOT NULL,
    format text NOT NULL,
    statement_id uuid NOT NULL,
    PRIMARY KEY (supplier_id, told_key),
    UNIQUE (supplier_id, entry_key, format),
    FOREIGN KEY (supplier_id, statement_id) REFERENCES statements
);

-- Cheques and bills that went to the bank together (remise); the bank's line answers with their sum.
CREATE TABLE deposits (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    deposit_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('cheque', 'bill')),
    reference text NOT NULL,
    deposited_on date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    state text NOT NULL CHECK (state IN ('at_the_bank', 'banked')),
    line_id uuid,
    made_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, deposit_id),
    UNIQUE (supplier_id, kind, reference),
    FOREIGN KEY (supplier_id, line_id) REFERENCES bank_lines
);

-- Cheques, bills (LCR, BOR), cash and foreign transfers written down by hand or from a file.
CREATE TABLE hand_receipts (
    supplier_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('cheque', 'bill', 'cash', 'transfer')),
    payment_ref text NOT NULL,
    customer_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    -- The number on the cheque or bill; the name of who drew it where it is not the customer.
    number text NOT NULL DEFAULT '',
    drawer text NOT NULL DEFAULT '',
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    received_on date NOT NULL,
    due_on date,
    state text NOT NULL CHECK (state IN ('held', 'deposited', 'banked', 'bounced')),
    deposit_id uuid,
    recorded_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, receipt_id),
    UNIQUE (supplier_id, payment_ref),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, attempt_id) REFERENCES payment_attempts,
    FOREIGN KEY (supplier_id, deposit_id) REFERENCES deposits
);
CREATE INDEX hand_receipts_by_state ON hand_receipts (supplier_id, state, received_on DESC, receipt_id);

-- What a line may be, best first; replaced whenever the line is looked at again.
CREATE TABLE match_proposals (
    supplier_id uuid NOT NULL,
    proposal_id uuid NOT NULL,
    line_id uuid NOT NULL,
    rank integer NOT NULL CHECK (rank > 0),
    round integer NOT NULL CHECK (round > 0),
    customer_id uuid NOT NULL,
    score integer NOT NULL,
    -- Reasons with their points; invoices with amounts; what is left over or missing.
    reasons jsonb NOT NULL,
    aims jsonb NOT NULL,
    rest_minor bigint NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, proposal_id),
    UNIQUE (supplier_id, line_id, round, rank),
    FOREIGN KEY (supplier_id, line_id) REFERENCES bank_lines,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);

-- Who paid for whom, as people confirmed it; never what a rule guessed.
CREATE TABLE confirmed_payers (
    supplier_id uuid NOT NULL,
    confirmation_id uuid NOT NULL,
    line_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    payer_iban text,
    payer_name text NOT NULL,
    confirmed_by text NOT NULL,
    -- Below zero where a confirmation was taken back.
    weight integer NOT NULL CHECK (weight IN (-1, 1)),
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, confirmation_id),
    FOREIGN KEY (supplier_id, line_id) REFERENCES bank_lines,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX confirmed_payers_by_iban ON confirmed_payers (supplier_id, payer_iban) WHERE payer_iban IS NOT NULL;
CREATE INDEX confirmed_payers_by_name ON confirmed_payers (supplier_id, payer_name);

-- Likely payers are asked whether an unidentified receipt is theirs.
CREATE TABLE payer_questions (
    supplier_id uuid NOT NULL,
    question_id uuid NOT NULL,
    line_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('asked', 'ours', 'not_ours', 'closed')),
    said text,
    -- The invoices that the customer says it is for.
    invoices uuid[] NOT NULL DEFAULT '{}',
    answered_by text,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    answered_at timestamptz,
    PRIMARY KEY (supplier_id, question_id),
    UNIQUE (supplier_id, line_id, customer_id),
    FOREIGN KEY (supplier_id, line_id) REFERENCES bank_lines,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX payer_questions_by_customer ON payer_questions (supplier_id, customer_id) WHERE state = 'asked';

-- Under what matching looks for invoices and customers. Columns and equality only: with row-level security, PostgreSQL
-- uses no index on an expression whose function might leak.
ALTER TABLE invoices ADD COLUMN compact_number text
    GENERATED ALWAYS AS (regexp_replace(upper(number), '[^A-Z0-9]', '', 'g')) STORED;
ALTER TABLE invoices ADD COLUMN tail_number text
    GENERATED ALWAYS AS (ltrim(substring(number FROM '([0-9]+)[^0-9]*$'), '0')) STORED;
CREATE INDEX invoices_by_compact ON invoices (supplier_id, compact_number);
CREATE INDEX invoices_by_tail ON invoices (supplier_id, tail_number, issue_year DESC);
CREATE INDEX receivable_items_by_open ON receivable_items (supplier_id, open_minor, due_on)
    WHERE open_minor > 0 AND kind = 'invoice';

-- The keys of every name that a customer has or had: payments/matching/names.py. Derived, and read with the customer
-- beside it, so that it needs no reference: half of what writing a hundred thousand customers' keys costs.
CREATE TABLE payer_keys (
    supplier_id uuid NOT NULL,
    key text NOT NULL,
    customer_id uuid NOT NULL,
    PRIMARY KEY (supplier_id, key, customer_id)
);
