-- Promises to pay, and payment plans.

CREATE TABLE promises (
    supplier_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    source text NOT NULL CHECK (source IN ('customer', 'collector')),
    said_by text NOT NULL,
    contact_id uuid,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    promised_on date NOT NULL,
    -- Two banking days later: until then nobody says that it was broken.
    judged_on date NOT NULL CHECK (judged_on >= promised_on),
    state text NOT NULL CHECK (state IN ('pending', 'kept', 'partly', 'broken', 'withdrawn')),
    kept_minor bigint NOT NULL DEFAULT 0,
    reason text,
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, promise_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX promises_by_customer ON promises (supplier_id, customer_id, made_at DESC);
CREATE INDEX promises_pending ON promises (supplier_id, judged_on) WHERE state = 'pending';
CREATE INDEX promises_kept ON promises (supplier_id, judged_on) WHERE state = 'kept';

CREATE TABLE promised_invoices (
    supplier_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (supplier_id, promise_id, invoice_id),
    FOREIGN KEY (supplier_id, promise_id) REFERENCES promises,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX promised_invoices_by_invoice ON promised_invoices (supplier_id, invoice_id);

CREATE TABLE plans (
    supplier_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    proposed_by text NOT NULL,
    source text NOT NULL CHECK (source IN ('customer', 'collector')),
    currency char(3) NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor > 0),
    -- Whether interest runs on while the plan is kept.
    interest boolean NOT NULL,
    -- Days after an instalment's day before the whole falls due again.
    grace_days integer NOT NULL CHECK (grace_days BETWEEN 0 AND 60),
    language text NOT NULL,
    -- The version of the policy that looked at it (0: the usual one), and the rules that it does not meet.
    policy_version integer NOT NULL,
    beyond jsonb NOT NULL DEFAULT '[]',
    state text NOT NULL CHECK (state IN ('proposed', 'accepted', 'refused', 'kept', 'broken', 'withdrawn')),
    decided_by text,
    reason text,
    proposed_at timestamptz NOT NULL,
    accepted_at timestamptz,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, plan_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX plans_by_customer ON plans (supplier_id, customer_id, proposed_at DESC);
CREATE INDEX plans_under_way ON plans (supplier_id, plan_id) WHERE state = 'accepted';
CREATE INDEX plans_by_state ON plans (supplier_id, state, plan_id);

CREATE TABLE plan_invoices (
    supplier_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (supplier_id, plan_id, invoice_id),
    FOREIGN KEY (supplier_id, plan_id) REFERENCES plans,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX plan_invoices_by_invoice ON plan_invoices (supplier_id, invoice_id);

CREATE TABLE plan_instalments (
    supplier_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    due_on date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (supplier_id, plan_id, position),
    FOREIGN KEY (supplier_id, plan_id) REFERENCES plans
);

-- The customer's click: who, when, to which words (with their hash), from where.
CREATE TABLE plan_signatures (
    supplier_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    person_id uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    words text NOT NULL,
    words_sha256 text NOT NULL,
    language text NOT NULL,
    ip text NOT NULL,
    user_agent text NOT NULL,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, plan_id),
    FOREIGN KEY (supplier_id, plan_id) REFERENCES plans
);

-- What the customer was told of an instalment: that it comes, that it is late.
CREATE TABLE plan_notices (
    supplier_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    position integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('soon', 'late')),
    told_on date NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, plan_id, position, kind),
    FOREIGN KEY (supplier_id, plan_id, position) REFERENCES plan_instalments
);

-- What the supplier agrees to without looking: each change is a new version.
CREATE TABLE plan_policies (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    version integer NOT NULL CHECK (version > 0),
    rules jsonb NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, version)
);
