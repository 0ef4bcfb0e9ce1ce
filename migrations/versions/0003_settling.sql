-- What credit notes and corrective invoices say of earlier ones, and what people decide about set-offs by hand.

-- The earlier invoices that a document of ours names (BT-25, year of BT-26), by number: the earlier one may come later.
CREATE TABLE named_invoices (
    supplier_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    kind text NOT NULL CHECK (kind IN ('credits', 'replaces')),
    number text NOT NULL,
    issue_year integer NOT NULL,
    -- How much of a credit note is for this invoice; the whole where it does not say.
    amount_minor bigint CHECK (amount_minor > 0),
    PRIMARY KEY (supplier_id, invoice_id, position),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX named_invoices_by_number ON named_invoices (supplier_id, number, issue_year);

-- An invoice that a corrective one took the place of, once.
CREATE TABLE replacements (
    supplier_id uuid NOT NULL,
    replaced_id uuid NOT NULL,
    by_id uuid NOT NULL,
    replaced_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, replaced_id),
    UNIQUE (supplier_id, by_id),
    FOREIGN KEY (supplier_id, replaced_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, by_id) REFERENCES invoices,
    CHECK (replaced_id <> by_id)
);

-- Set-offs asked for (above zero) or undone (below) by hand: they change how much of a credit note is for an invoice.
CREATE TABLE set_off_choices (
    supplier_id uuid NOT NULL,
    choice_id uuid NOT NULL,
    credit_note_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    actor text NOT NULL,
    reason text,
    chosen_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, choice_id),
    FOREIGN KEY (supplier_id, credit_note_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    CHECK (amount_minor > 0 OR reason IS NOT NULL)
);
CREATE INDEX set_off_choices_by_note ON set_off_choices (supplier_id, credit_note_id);
CREATE INDEX set_off_choices_by_invoice ON set_off_choices (supplier_id, invoice_id);

-- The line by which an invoice is taken back.
ALTER TABLE receivable_items DROP CONSTRAINT receivable_items_kind_check;
ALTER TABLE receivable_items ADD CONSTRAINT receivable_items_kind_check
    CHECK (kind IN ('invoice', 'credit_note', 'receipt', 'refund', 'refund_failed', 'reversal'));
