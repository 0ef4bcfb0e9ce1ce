-- Scores, opinions of agencies, credit insurance, claims assigned to a factor.

-- The score of each customer at the end of a day, with what it is made of; the formula is named by its version.
CREATE TABLE scores (
    supplier_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    scored_on date NOT NULL,
    formula integer NOT NULL CHECK (formula > 0),
    -- Tenths of a point; none where too little is known.
    tenths integer CHECK (tenths BETWEEN 0 AND 1000),
    class text NOT NULL CHECK (class IN ('A', 'B', 'C', 'D', 'E', 'insufficient')),
    facts jsonb NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, customer_id, scored_on, formula),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX scores_by_day ON scores (supplier_id, scored_on DESC, formula);

-- The block list: what somebody decided last about a customer stands.
CREATE TABLE score_blocks (
    supplier_id uuid NOT NULL,
    block_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    blocked boolean NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    actor text NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, block_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX score_blocks_by_customer ON score_blocks (supplier_id, customer_id, decided_at DESC);

-- An account at an agency or an insurer that is asked over the network; files need none.
CREATE TABLE bureau_accounts (
    supplier_id uuid NOT NULL,
    account_id uuid NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('agency', 'insurer')),
    driver text NOT NULL CHECK (driver <> ''),
    base_url text NOT NULL,
    sealed_key bytea NOT NULL,
    active boolean NOT NULL DEFAULT true,
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, account_id)
);
CREATE UNIQUE INDEX one_bureau_account ON bureau_accounts (supplier_id, purpose, driver) WHERE active;

-- What an agency said of a company on a day: kept as it was told, with our reading of it.
CREATE TABLE agency_reports (
    supplier_id uuid NOT NULL,
    report_id uuid NOT NULL,
    agency text NOT NULL CHECK (agency <> ''),
    customer_id uuid NOT NULL,
    siren text NOT NULL,
    reported_on date NOT NULL,
    -- In the agency's own words, and on 0 to 100 where its driver says how to read it.
    score_text text,
    score integer CHECK (score BETWEEN 0 AND 100),
    trend text CHECK (trend IN ('up', 'flat', 'down')),
    advised_minor bigint CHECK (advised_minor >= 0),
    currency char(3) NOT NULL,
    legal_events jsonb NOT NULL DEFAULT '[]',
    told jsonb NOT NULL,
    told_sha256 text NOT NULL,
    source text NOT NULL CHECK (source IN ('file', 'http')),
    taken_by text NOT NULL,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, report_id),
    UNIQUE (supplier_id, agency, customer_id, told_sha256),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX agency_reports_by_customer ON agency_reports (supplier_id, customer_id, agency, reported_on DESC);

-- A credit insurance policy (police d'assurance-crédit) with the days that its terms count.
CREATE TABLE insurance_policies (
    supplier_id uuid NOT NULL,
    policy_id uuid NOT NULL,
    insurer text NOT NULL CHECK (insurer <> ''),
    policy_number text NOT NULL CHECK (policy_number <> ''),
    currency char(3) NOT NULL,
    terms jsonb NOT NULL,
    starts_on date NOT NULL,
    ends_on date,
    noted_by text NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, policy_id),
    UNIQUE (supplier_id, insurer, policy_number, starts_on)
);

-- What the insurer decided about a customer (agrément): asked, granted, reduced, refused, cancelled.
CREATE TABLE insurer_decisions (
    supplier_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    policy_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('permanent', 'temporary')),
    state text NOT NULL CHECK (state IN ('asked', 'granted', 'reduced', 'refused', 'cancelled')),
    asked_minor bigint CHECK (asked_minor > 0),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency char(3) NOT NULL,
    decided_on date NOT NULL,
    -- A cancellation takes effect at once or some days later.
    effective_on date NOT NULL,
    ends_on date,
    reference text NOT NULL,
    source text NOT NULL CHECK (source IN ('file', 'http', 'hand')),
    noted_by text NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, decision_id),
    UNIQUE (supplier_id, policy_id, customer_id, reference, state),
    FOREIGN KEY (supplier_id, policy_id) REFERENCES insurance_policies,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX insurer_decisions_by_customer ON insurer_decisions (supplier_id, customer_id, effective_on DESC);

-- An overdue invoice that the insurer was told of (déclaration d'impayé, demande d'intervention).
CREATE TABLE insurance_declarations (
    supplier_id uuid NOT NULL,
    declaration_id uuid NOT NULL,
    policy_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    deadline_on date NOT NULL,
    declared_on date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    reference text NOT NULL,
    declared_by text NOT NULL,
    declared_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, declaration_id),
    UNIQUE (supplier_id, policy_id, invoice_id),
    FOREIGN KEY (supplier_id, policy_id) REFERENCES insurance_policies,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);

-- A factor (société d'affacturage) and the account that customers pay instead of ours.
CREATE TABLE factors (
    supplier_id uuid NOT NULL,
    factor_id uuid NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    siren text CHECK (siren ~ '^[0-9]{9}$'),
    address text,
    holder text NOT NULL,
    iban text NOT NULL,
    bic text,
    mention text NOT NULL,
    -- Percent of a claim that it pays in advance; the rest is its guarantee fund, less fees.
    advance_percent integer NOT NULL CHECK (advance_percent BETWEEN 0 AND 100),
    recourse boolean NOT NULL,
    confidential boolean NOT NULL,
    active boolean NOT NULL DEFAULT true,
    noted_by text NOT NULL,
    noted_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, factor_id)
);

-- An invoice whose claim belongs to a factor (225), in confidence (226), or no longer (228).
CREATE TABLE assignments (
    supplier_id uuid NOT NULL,
    assignment_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    factor_id uuid NOT NULL,
    confidential boolean NOT NULL,
    recourse boolean NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    -- What the factor is still owed of it, or still holds.
    open_minor bigint NOT NULL CHECK (open_minor >= 0 AND open_minor <= amount_minor),
    currency char(3) NOT NULL,
    state text NOT NULL CHECK (state IN ('assigned', 'given_back', 'paid')),
    -- The account to pay as it was told: a factor may change its own (227).
    holder text NOT NULL,
    iban text NOT NULL,
    bic text,
    assigned_on date NOT NULL,
    assigned_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, assignment_id),
    CHECK ((state = 'assigned') = (open_minor > 0)),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, factor_id) REFERENCES factors
);
CREATE UNIQUE INDEX one_assignment ON assignments (supplier_id, invoice_id) WHERE state = 'assigned';
CREATE INDEX assignments_by_customer ON assignments (supplier_id, customer_id) WHERE state = 'assigned';
CREATE INDEX assignments_by_factor ON assignments (supplier_id, factor_id, assigned_on DESC, assignment_id DESC);

-- What happened to an assigned claim, each with its entry: the claim at any date is the sum of these.
CREATE TABLE assignment_moves (
    supplier_id uuid NOT NULL,
    move_id uuid NOT NULL,
    assignment_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('assigned', 'paid', 'given_back', 'received_by_us', 'taken_again')),
    -- Above zero where the factor gets the claim, below where it leaves it.
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    entry_id uuid NOT NULL,
    moved_on date NOT NULL,
    actor text NOT NULL,
    reason text,
    moved_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, move_id),
    FOREIGN KEY (supplier_id, assignment_id) REFERENCES assignments,
    FOREIGN KEY (supplier_id, entry_id) REFERENCES entries
);
CREATE INDEX assignment_moves_by_assignment ON assignment_moves (supplier_id, assignment_id, move_id);

-- What goes between the factor and us without a claim of its own: advances, fees, the guarantee fund, what we pay it.
CREATE TABLE factor_moves (
    supplier_id uuid NOT NULL,
    move_id uuid NOT NULL,
    factor_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('advance', 'commission', 'interest', 'paid_to_factor')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    moved_on date NOT NULL,
    reference text NOT NULL CHECK (reference <> ''),
    entry_id uuid NOT NULL,
    actor text NOT NULL,
    moved_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, move_id),
    UNIQUE (supplier_id, factor_id, kind, reference),
    FOREIGN KEY (supplier_id, factor_id) REFERENCES factors,
    FOREIGN KEY (supplier_id, entry_id) REFERENCES entries
);

-- Lines of 411 by which a claim leaves to a factor and comes back.
ALTER TABLE receivable_items DROP CONSTRAINT receivable_items_kind_check;
ALTER TABLE receivable_items ADD CONSTRAINT receivable_items_kind_check
    CHECK (kind IN ('invoice', 'credit_note', 'receipt', 'refund', 'refund_failed', 'reversal',
                    'discount', 'waiver', 'charge', 'waived_back', 'gain', 'gain_back', 'assigned', 'assigned_back'));
