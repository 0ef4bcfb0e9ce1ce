-- What payment providers know: our customers there, saved methods, every movement on their account, payouts, disputes.

-- Which methods an account offers and from which amounts, what it may do for us, when its secret was changed.
ALTER TABLE gateway_accounts ADD COLUMN settings jsonb NOT NULL DEFAULT '{}';
ALTER TABLE gateway_accounts ADD COLUMN secret_rotated_at timestamptz;

CREATE TABLE provider_customers (
    supplier_id uuid NOT NULL,
    account_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    customer_ref text NOT NULL,
    -- The account number that this customer alone transfers to (virtual IBAN): holder, iban, bic, country.
    transfer_to jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, account_id, customer_id),
    UNIQUE (supplier_id, account_id, customer_ref),
    FOREIGN KEY (supplier_id, account_id) REFERENCES gateway_accounts,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);

CREATE TABLE saved_methods (
    supplier_id uuid NOT NULL,
    account_id uuid NOT NULL,
    method_ref text NOT NULL,
    customer_id uuid NOT NULL,
    kind text NOT NULL,
    label text NOT NULL,
    mandate_ref text,
    state text NOT NULL CHECK (state IN ('usable', 'ended')),
    reason text,
    saved_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, account_id, method_ref),
    FOREIGN KEY (supplier_id, account_id) REFERENCES gateway_accounts,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX saved_methods_by_customer ON saved_methods (supplier_id, customer_id);

-- Every movement on the account that the provider keeps for us: gross and fee signed as they change its balance.
CREATE TABLE provider_movements (
    supplier_id uuid NOT NULL,
    account_id uuid NOT NULL,
    movement_ref text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('payment', 'refund', 'refund_failed', 'dispute', 'dispute_won', 'fee',
                                       'payout', 'payout_failed', 'other')),
    -- The payment, refund, dispute or payout that moved, by the provider's id: what the books hold it under.
    object_ref text NOT NULL,
    gross_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    payout_ref text,
    -- The payout whose entry booked this movement's fee to 627; none while it is not booked.
    fee_booked_by text,
    moved_at timestamptz NOT NULL,
    available_on date,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, account_id, movement_ref),
    FOREIGN KEY (supplier_id, account_id) REFERENCES gateway_accounts
);
CREATE INDEX provider_movements_by_payout ON provider_movements (supplier_id, payout_ref) WHERE payout_ref IS NOT NULL;
CREATE INDEX provider_movements_by_object ON provider_movements (supplier_id, object_ref);
CREATE INDEX provider_movements_unbooked ON provider_movements (supplier_id, account_id, currency)
    WHERE fee_booked_by IS NULL AND fee_minor <> 0;
CREATE INDEX provider_movements_by_day ON provider_movements (supplier_id, account_id, moved_at);

CREATE TABLE payouts (
    supplier_id uuid NOT NULL,
    payout_ref text NOT NULL,
    account_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    fee_minor bigint NOT NULL DEFAULT 0,
    currency char(3) NOT NULL,
    state text NOT NULL CHECK (state IN ('on_its_way', 'paid', 'failed', 'banked')),
    automatic boolean NOT NULL DEFAULT true,
    arrival_on date NOT NULL,
    -- The text by which the bank's line is recognised.
    descriptor text,
    line_id uuid,
    gap_minor bigint,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, payout_ref),
    FOREIGN KEY (supplier_id, account_id) REFERENCES gateway_accounts
);
CREATE INDEX payouts_open ON payouts (supplier_id, arrival_on) WHERE state <> 'banked';

-- Payers' complaints to their bank (chargebacks, SEPA returns told as disputes).
CREATE TABLE provider_disputes (
    supplier_id uuid NOT NULL,
    dispute_ref text NOT NULL,
    account_id uuid NOT NULL,
    payment_ref text NOT NULL,
    attempt_id uuid,
    amount_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'answered', 'won', 'lost')),
    answer_until timestamptz,
    evidence_sha256 text,
    answered_by text,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, dispute_ref),
    FOREIGN KEY (supplier_id, account_id) REFERENCES gateway_accounts
);
CREATE INDEX provider_disputes_by_payment ON provider_disputes (supplier_id, payment_ref);

-- Money that we give back: asked for by one person, above a limit agreed by another, carried out once.
CREATE TABLE refund_orders (
    supplier_id uuid NOT NULL,
    order_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    payment_ref text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    road text NOT NULL CHECK (road IN ('provider', 'transfer')),
    reason text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('to_agree', 'to_send', 'sent', 'done', 'failed', 'refused')),
    agreed_by text,
    agreed_at timestamptz,
    refund_ref text,
    failure text,
    transfer_iban text,
    -- How often the provider was asked, and when first: it forgets an idempotency key after a day.
    tries integer NOT NULL DEFAULT 0,
    tried_at timestamptz,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, order_id),
    FOREIGN KEY (supplier_id, attempt_id) REFERENCES payment_attempts,
    CHECK (agreed_by IS NULL OR agreed_by <> asked_by)
);
CREATE UNIQUE INDEX one_order_per_refund ON refund_orders (supplier_id, refund_ref) WHERE refund_ref IS NOT NULL;
CREATE INDEX refund_orders_by_attempt ON refund_orders (supplier_id, attempt_id);
CREATE INDEX refund_orders_open ON refund_orders (supplier_id, asked_at) WHERE state IN ('to_agree', 'to_send', 'sent');

-- Each day: what the provider says against what the books say.
CREATE TABLE provider_comparisons (
    supplier_id uuid NOT NULL,
    account_id uuid NOT NULL,
    compared_on date NOT NULL,
    currency char(3) NOT NULL,
    kind text NOT NULL,
    provider_count integer NOT NULL,
    provider_minor bigint NOT NULL,
    books_count integer NOT NULL,
    books_minor bigint NOT NULL,
    differing jsonb NOT NULL DEFAULT '[]',
    compared_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, account_id, compared_on, currency, kind),
    FOREIGN KEY (supplier_id, account_id) REFERENCES gateway_accounts
);
