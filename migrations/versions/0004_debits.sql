-- Our own SEPA direct debits: mandates, files for the bank, every debit, and standing agreements to be debited.

-- What a supplier needs to debit: its ICS, and what it agreed with its bank. The account is the one of its transfers.
CREATE TABLE debit_settings (
    supplier_id uuid PRIMARY KEY REFERENCES suppliers,
    ics text NOT NULL,
    creditor text NOT NULL,
    format text NOT NULL CHECK (format IN ('pain.008.001.08', 'pain.008.001.02')),
    notice_days integer NOT NULL CHECK (notice_days BETWEEN 1 AND 30),
    core_days integer NOT NULL CHECK (core_days BETWEEN 1 AND 10),
    b2b_days integer NOT NULL CHECK (b2b_days BETWEEN 1 AND 10),
    -- The bank takes files until this time of a banking day, in Paris.
    cutoff time NOT NULL,
    -- After how many days a debit that lacked funds is presented once more; 0 for never.
    retry_days integer NOT NULL CHECK (retry_days = 0 OR retry_days BETWEEN 5 AND 10),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE mandates (
    supplier_id uuid NOT NULL,
    mandate_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- Référence unique du mandat; identifiant créancier SEPA of the creditor at signature.
    rum text NOT NULL CHECK (rum ~ '^[A-Za-z0-9+?/:().,''-]{1,35}$'),
    ics text NOT NULL,
    scheme text NOT NULL CHECK (scheme IN ('core', 'b2b')),
    once boolean NOT NULL DEFAULT false,
    -- Days between the announcement and the debit, as agreed in this mandate.
    notice_days integer NOT NULL DEFAULT 14 CHECK (notice_days BETWEEN 1 AND 30),
    origin text NOT NULL CHECK (origin IN ('portal', 'taken_over')),
    debtor_name text NOT NULL,
    sealed_iban bytea NOT NULL,
    iban_last4 text NOT NULL,
    bic text,
    state text NOT NULL CHECK (state IN ('drafted', 'to_confirm', 'usable', 'blocked', 'ended')),
    reason text,
    signed_at timestamptz,
    signed_by text,
    evidence jsonb,
    evidence_sha256 text,
    last_used_on date,
    uses integer NOT NULL DEFAULT 0,
    -- The account changed since the last debit that the bank credited: the next one has to say so.
    amended boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, mandate_id),
    UNIQUE (supplier_id, rum),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX mandates_by_customer ON mandates (supplier_id, customer_id);

-- A new account under the same mandate: asked for, then confirmed by its signer.
CREATE TABLE mandate_amendments (
    supplier_id uuid NOT NULL,
    amendment_id uuid NOT NULL,
    mandate_id uuid NOT NULL,
    sealed_iban bytea NOT NULL,
    iban_last4 text NOT NULL,
    old_last4 text NOT NULL,
    bic text,
    debtor_name text NOT NULL,
    state text NOT NULL CHECK (state IN ('drafted', 'confirmed', 'dropped')),
    evidence jsonb,
    evidence_sha256 text,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, amendment_id),
    FOREIGN KEY (supplier_id, mandate_id) REFERENCES mandates
);
CREATE INDEX mandate_amendments_by_mandate ON mandate_amendments (supplier_id, mandate_id);

-- Codes sent by mail, by which a person confirms what they read; the code is derived from the id and kept nowhere.
CREATE TABLE consent_codes (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    code_id uuid NOT NULL,
    object_id uuid NOT NULL,
    recipient text NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (supplier_id, code_id)
);
CREATE INDEX consent_codes_by_object ON consent_codes (supplier_id, object_id, sent_at DESC);

CREATE TABLE debit_batches (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    batch_id uuid NOT NULL,
    batch_ref text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('debits', 'transfers')),
    format text NOT NULL,
    scheme text,
    collect_on date NOT NULL,
    amount_minor bigint NOT NULL,
    debits integer NOT NULL,
    filename text NOT NULL,
    sha256 text NOT NULL,
    content bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('made', 'sent', 'accepted', 'rejected', 'credited')),
    answer jsonb,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, batch_id),
    UNIQUE (supplier_id, batch_ref)
);

CREATE TABLE debits (
    supplier_id uuid NOT NULL,
    debit_id uuid NOT NULL,
    mandate_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    -- The payment that it became when its file was made.
    attempt_id uuid,
    batch_id uuid,
    end_to_end_id text NOT NULL,
    sequence text CHECK (sequence IN ('OOFF', 'FRST', 'RCUR', 'FNAL')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL CHECK (currency = 'EUR'),
    collect_on date NOT NULL,
    -- The day and the amount that the payer was told.
    told_for date,
    told_minor bigint,
    notified_at timestamptz,
    state text NOT NULL CHECK (state IN ('planned', 'notified', 'in_file', 'sent', 'collected', 'rejected', 'returned',
                                         'cancelled')),
    reason text,
    return_code text,
    returned_on date,
    tries integer NOT NULL DEFAULT 1,
    last boolean NOT NULL DEFAULT false,
    -- The bank's line by which it was credited.
    credited_by uuid,
    chosen_by text NOT NULL CHECK (chosen_by IN ('payer', 'collector', 'rule')),
    planned_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, debit_id),
    UNIQUE (supplier_id, end_to_end_id),
    FOREIGN KEY (supplier_id, mandate_id) REFERENCES mandates,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, attempt_id) REFERENCES payment_attempts,
    FOREIGN KEY (supplier_id, batch_id) REFERENCES debit_batches,
    CHECK ((attempt_id IS NULL) = (batch_id IS NULL))
);
-- Never two debits of one invoice on their way.
CREATE UNIQUE INDEX one_live_debit ON debits (supplier_id, invoice_id)
    WHERE state IN ('planned', 'notified', 'in_file', 'sent');
CREATE INDEX debits_open ON debits (supplier_id, collect_on) WHERE state IN ('planned', 'notified', 'in_file', 'sent');
CREATE INDEX debits_by_attempt ON debits (supplier_id, attempt_id);
CREATE INDEX debits_by_mandate ON debits (supplier_id, mandate_id);
CREATE INDEX debits_by_batch ON debits (supplier_id, batch_id);

-- R-transactions, by whichever road they were told: once each, with what was done about them.
CREATE TABLE debit_returns (
    supplier_id uuid NOT NULL,
    return_ref text NOT NULL,
    attempt_id uuid NOT NULL,
    debit_id uuid,
    kind text NOT NULL CHECK (kind IN ('reject', 'return')),
    code text NOT NULL,
    amount_minor bigint NOT NULL,
    fee_minor bigint NOT NULL DEFAULT 0,
    currency char(3) NOT NULL,
    returned_on date NOT NULL,
    -- waiting: the return was told before the credit that it takes back.
    state text NOT NULL CHECK (state IN ('waiting', 'done')),
    done jsonb NOT NULL DEFAULT '[]',
    line_id uuid,
    told_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, return_ref),
    FOREIGN KEY (supplier_id, attempt_id) REFERENCES payment_attempts,
    FOREIGN KEY (supplier_id, debit_id) REFERENCES debits
);
CREATE INDEX debit_returns_by_day ON debit_returns (supplier_id, returned_on DESC, return_ref);
CREATE INDEX debit_returns_by_debit ON debit_returns (supplier_id, debit_id);

-- What somebody has to do about debits.
CREATE TABLE debit_tasks (
    supplier_id uuid NOT NULL,
    task_id uuid NOT NULL,
    task_key text NOT NULL,
    what text NOT NULL,
    code text,
    customer_id uuid,
    invoice_id uuid,
    mandate_id uuid,
    batch_id uuid,
    state text NOT NULL CHECK (state IN ('open', 'done')),
    note text,
    done_by text,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, task_id),
    UNIQUE (supplier_id, task_key),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, mandate_id) REFERENCES mandates,
    FOREIGN KEY (supplier_id, batch_id) REFERENCES debit_batches
);
CREATE INDEX debit_tasks_open ON debit_tasks (supplier_id, opened_at) WHERE state = 'open';

-- A customer agreed that invoices are collected when they fall due, through a mandate of ours or a method saved with a
-- provider; each collection is announced fourteen days before.
CREATE TABLE autopay (
    supplier_id uuid NOT NULL,
    autopay_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    mandate_id uuid,
    account_id uuid,
    method_ref text,
    state text NOT NULL CHECK (state IN ('on', 'off')),
    agreed_by text NOT NULL,
    agreed_at timestamptz NOT NULL,
    evidence jsonb NOT NULL,
    ended_by text,
    ended_at timestamptz,
    PRIMARY KEY (supplier_id, autopay_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, mandate_id) REFERENCES mandates,
    CHECK ((mandate_id IS NULL) = (method_ref IS NOT NULL)),
    CHECK ((method_ref IS NULL) = (account_id IS NULL))
);
CREATE UNIQUE INDEX one_autopay ON autopay (supplier_id, customer_id) WHERE state = 'on';

CREATE TABLE collections_announced (
    supplier_id uuid NOT NULL,
    announcement_id uuid NOT NULL,
    autopay_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    collect_on date NOT NULL,
    state text NOT NULL CHECK (state IN ('announced', 'collected', 'withdrawn', 'failed')),
    attempt_id uuid,
    debit_id uuid,
    reason text,
    told_at timestamptz,
    announced_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, announcement_id),
    FOREIGN KEY (supplier_id, autopay_id) REFERENCES autopay,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, debit_id) REFERENCES debits
);
CREATE UNIQUE INDEX one_announcement ON collections_announced (supplier_id, invoice_id) WHERE state = 'announced';
