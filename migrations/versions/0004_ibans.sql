-- Where transfers go: the supplier's accounts, and a quarantine for every change of them.

CREATE TABLE bank_accounts (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    bank_account_id uuid NOT NULL,
    iban text NOT NULL CHECK (iban ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'),
    bic text,
    holder text NOT NULL,
    label text NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'confirmed', 'active', 'retired', 'refused')),
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    -- Not before this instant: 72 hours after it was proposed.
    active_from timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    reason text,
    told_at timestamptz,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, bank_account_id),
    CHECK (confirmed_by IS NULL OR confirmed_by <> proposed_by)
);
CREATE UNIQUE INDEX one_active_bank_account ON bank_accounts (supplier_id) WHERE state = 'active';
CREATE UNIQUE INDEX one_change_of_bank_account ON bank_accounts (supplier_id) WHERE state IN ('proposed', 'confirmed');
