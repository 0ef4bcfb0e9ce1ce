-- Disputes (litiges) on invoices, and what pauses dunning.

-- What the events of a dispute come to, computed again whenever one is added: statuses may arrive in any order. Where
-- one that came late shows that two disputes are one, the later joins the earlier (merged_into) and is no dispute any more.
CREATE TABLE disputes (
    supplier_id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    reason text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('whole', 'lines', 'amount')),
    amount_minor bigint CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    line_ids text[] NOT NULL DEFAULT '{}',
    opened_from text NOT NULL CHECK (opened_from IN ('portal', 'platform', 'staff')),
    state text NOT NULL
        CHECK (state IN ('open', 'info_needed', 'accepted', 'partly', 'rejected', 'withdrawn', 'refused')),
    owner text NOT NULL,
    answer_due_on date NOT NULL,
    close_due_on date NOT NULL,
    opened_at timestamptz NOT NULL,
    answered_at timestamptz,
    closed_at timestamptz,
    merged_into uuid,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, dispute_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, merged_into) REFERENCES disputes,
    CHECK ((scope = 'whole') = (amount_minor IS NULL))
);
CREATE INDEX disputes_by_invoice ON disputes (supplier_id, invoice_id);
CREATE INDEX disputes_by_age ON disputes (supplier_id, (closed_at IS NULL) DESC, opened_at DESC, dispute_id DESC)
    WHERE merged_into IS NULL;

-- Everything that was said and done about a dispute; a status that fed it is named by its message.
CREATE TABLE dispute_events (
    supplier_id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    sequence integer NOT NULL CHECK (sequence > 0),
    kind text NOT NULL,
    actor text NOT NULL,
    said text,
    status_code text,
    message_id text,
    facts jsonb NOT NULL DEFAULT '{}',
    happened_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, dispute_id, sequence),
    FOREIGN KEY (supplier_id, dispute_id) REFERENCES disputes
);
CREATE UNIQUE INDEX dispute_events_by_message ON dispute_events (supplier_id, dispute_id, message_id)
    WHERE message_id IS NOT NULL;
CREATE INDEX dispute_events_of_message ON dispute_events (supplier_id, message_id) WHERE message_id IS NOT NULL;

-- Nobody is reminded of an invoice before its pause is over (a payment announced by status 211, for instance).
CREATE TABLE dunning_pauses (
    supplier_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    cause text NOT NULL,
    source_ref text NOT NULL,
    until_on date NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, invoice_id, cause, source_ref),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);

-- The few statuses after which nobody asks for the money of an invoice.
CREATE INDEX statuses_that_end ON statuses (supplier_id, invoice_id) WHERE code IN ('210', '213', '220');
