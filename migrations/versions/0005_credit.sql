-- Credit: orders and deliveries not invoiced, limits, decisions, derogations, insolvency proceedings.

-- Firm orders (commandes fermes) and deliveries: what a customer will owe before there is an invoice. As the supplier's
-- order system told them last; left_minor is what neither a delivery nor an invoice has taken yet.
CREATE TABLE commitments (
    supplier_id uuid NOT NULL,
    commitment_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('order', 'delivery')),
    -- The supplier's own number: of the order (BT-14), of the despatch advice (BT-16).
    reference text NOT NULL CHECK (reference <> ''),
    -- Of a delivery: the reference of its order, whether or not that was told yet.
    order_reference text,
    -- Of an order: the buyer's purchase order (BT-13).
    buyer_reference text,
    currency char(3) NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    weight_percent smallint NOT NULL CHECK (weight_percent BETWEEN 0 AND 100),
    began_on date NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    left_minor bigint NOT NULL CHECK (left_minor >= 0 AND left_minor <= amount_minor),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, commitment_id),
    UNIQUE (supplier_id, kind, reference),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
) WITH (fillfactor = 80);
CREATE INDEX commitments_left ON commitments (supplier_id, customer_id) WHERE left_minor > 0;
CREATE INDEX commitments_by_customer ON commitments (supplier_id, customer_id, began_on DESC, commitment_id DESC);
CREATE INDEX commitments_by_buyer_reference ON commitments (supplier_id, customer_id, buyer_reference)
    WHERE buyer_reference IS NOT NULL;
CREATE INDEX commitments_by_order ON commitments (supplier_id, order_reference) WHERE order_reference IS NOT NULL;

-- Every version that was told, with the day from which it counts.
CREATE TABLE commitment_versions (
    supplier_id uuid NOT NULL,
    commitment_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    weight_percent smallint NOT NULL,
    order_reference text,
    buyer_reference text,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    reason text,
    effective_on date NOT NULL,
    told_by text NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, commitment_id, version),
    FOREIGN KEY (supplier_id, commitment_id) REFERENCES commitments
);

-- Which orders and deliveries an invoice says that it is for (BT-13, BT-14, BT-16), or was told to be for afterwards.
CREATE TABLE billed_references (
    supplier_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('order', 'purchase_order', 'delivery')),
    reference text NOT NULL CHECK (reference <> ''),
    -- How much of the invoice is for it, VAT included; as much as it takes where nobody said.
    amount_minor bigint CHECK (amount_minor > 0),
    -- A deposit invoice asks for money in advance: nothing of its order is invoiced by it.
    deposit boolean NOT NULL,
    told_by text NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, invoice_id, kind, reference),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX billed_references_by_reference ON billed_references (supplier_id, reference);
CREATE INDEX billed_references_of_deposits ON billed_references (supplier_id, customer_id) WHERE deposit;

-- Deposit invoices, and invoices from which deposits were deducted: few, and looked for with every exposure.
CREATE INDEX invoices_about_deposits ON invoices (supplier_id, customer_id)
    WHERE type_code IN ('386', '500', '503') OR process LIKE '_4';

-- What is open, with all that an exposure and a decision read of it.
DROP INDEX receivable_items_open;
CREATE INDEX receivable_items_open ON receivable_items (supplier_id, customer_id, due_on)
    INCLUDE (currency, debit, open_minor, kind, invoice_id) WHERE open_minor > 0;
-- All of a customer's account, settled lines too: its page, its statement, its score, its exposure on a past day.
CREATE INDEX receivable_items_by_customer ON receivable_items (supplier_id, customer_id, due_on);

-- When money of an attempt was first on its way, and when that ended: for the exposure of a past day.
ALTER TABLE payment_attempts ADD COLUMN flew_at timestamptz;
ALTER TABLE payment_attempts ADD COLUMN landed_at timestamptz;
ALTER TABLE payment_attempts NO FORCE ROW LEVEL SECURITY;
UPDATE payment_attempts SET flew_at = created_at WHERE state = 'processing';
ALTER TABLE payment_attempts FORCE ROW LEVEL SECURITY;
CREATE INDEX payment_attempts_flying ON payment_attempts (supplier_id, customer_id) WHERE state = 'processing';
CREATE INDEX payment_attempts_flown ON payment_attempts (supplier_id, customer_id) WHERE flew_at IS NOT NULL;
CREATE INDEX provider_disputes_open ON provider_disputes (supplier_id, attempt_id) WHERE state IN ('open', 'answered');

-- By which rules is decided; every version is kept, the newest counts.
CREATE TABLE credit_policies (
    supplier_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    rules jsonb NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, version)
);

-- How much may be owed: our own limit, a temporary one, an insurer's, and that of a group (under its parent's SIREN).
CREATE TABLE credit_limits (
    supplier_id uuid NOT NULL,
    limit_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('internal', 'temporary', 'insured', 'insured_temporary', 'group')),
    customer_id uuid,
    group_siren text CHECK (group_siren ~ '^[0-9]{9}$'),
    currency char(3) NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    valid_from date NOT NULL,
    valid_until date CHECK (valid_until >= valid_from),
    reason text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    -- Replaced by a newer one of its kind, or at its end.
    ended_at timestamptz,
    PRIMARY KEY (supplier_id, limit_id),
    CHECK ((kind = 'group') = (group_siren IS NOT NULL)),
    CHECK ((kind = 'group') = (customer_id IS NULL)),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE UNIQUE INDEX one_limit ON credit_limits (supplier_id, customer_id, kind, currency)
    WHERE ended_at IS NULL AND customer_id IS NOT NULL;
CREATE UNIQUE INDEX one_group_limit ON credit_limits (supplier_id, group_siren, currency)
    WHERE ended_at IS NULL AND group_siren IS NOT NULL;
CREATE INDEX credit_limits_by_customer ON credit_limits (supplier_id, customer_id, set_at DESC);
CREATE INDEX credit_limits_ending ON credit_limits (supplier_id, valid_until) WHERE ended_at IS NULL;

-- Whose subsidiary a company is, by SIREN; the newest row of a company counts, without a parent it stands alone.
CREATE TABLE company_parents (
    supplier_id uuid NOT NULL,
    siren text NOT NULL CHECK (siren ~ '^[0-9]{9}$'),
    position integer NOT NULL CHECK (position > 0),
    parent_siren text CHECK (parent_siren ~ '^[0-9]{9}$' AND parent_siren <> siren),
    source text NOT NULL,
    noted_by text NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, siren, position)
);
CREATE INDEX company_parents_by_parent ON company_parents (supplier_id, parent_siren) WHERE parent_siren IS NOT NULL;

-- More than the limit, for a time: asked for by one person, agreed by another.
CREATE TABLE derogations (
    supplier_id uuid NOT NULL,
    derogation_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    expires_on date NOT NULL,
    reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('asked', 'agreed', 'refused', 'ended')),
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    decided_by text CHECK (decided_by <> asked_by OR state IN ('refused', 'ended')),
    decided_at timestamptz,
    note text,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, derogation_id),
    CHECK (state <> 'agreed' OR decided_by IS NOT NULL),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX derogations_alive ON derogations (supplier_id, customer_id) WHERE state IN ('asked', 'agreed');
CREATE INDEX derogations_newest ON derogations (supplier_id, derogation_id DESC);

-- What was decided about a sale, with everything that it was decided from.
CREATE TABLE credit_decisions (
    supplier_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency char(3) NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('OK', 'WARN', 'REVIEW', 'BLOCK')),
    reasons jsonb NOT NULL,
    facts jsonb NOT NULL,
    policy_version integer NOT NULL CHECK (policy_version >= 0),
    purpose text,
    asked_by text NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, decision_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX credit_decisions_by_customer ON credit_decisions (supplier_id, customer_id, decision_id DESC);

-- Whether a limit is exceeded, as it was told last: of a customer, or of a group ('group/' and its SIREN).
CREATE TABLE limit_watches (
    supplier_id uuid NOT NULL,
    subject text NOT NULL,
    currency char(3) NOT NULL,
    exceeded boolean NOT NULL,
    crossings integer NOT NULL DEFAULT 0,
    exposure_minor bigint NOT NULL,
    limit_minor bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, subject, currency)
);

-- Proceedings (procédures collectives) of a customer: nobody chases what is older than their opening.
CREATE TABLE insolvencies (
    supplier_id uuid NOT NULL,
    insolvency_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('sauvegarde', 'redressement', 'liquidation')),
    opened_on date NOT NULL,
    published_on date CHECK (published_on >= opened_on),
    source text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'ended')),
    ended_on date,
    noted_by text NOT NULL,
    noted_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, insolvency_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE UNIQUE INDEX one_open_insolvency ON insolvencies (supplier_id, customer_id) WHERE state = 'open';
