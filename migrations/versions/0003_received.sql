-- Invoices that the supplier receives as a buyer through its platform, and their life.

CREATE TABLE received_invoices (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    received_id uuid NOT NULL,
    account_id uuid NOT NULL,
    flow_ref text NOT NULL,
    document_id uuid NOT NULL,
    form text NOT NULL CHECK (form IN ('facturx', 'cii', 'ubl', 'unreadable')),
    -- What the file is: the kind of the validation report, e.g. 'facturx', 'ubl-invoice', 'flux10', 'unknown'.
    kind text NOT NULL,
    -- SIREN, else VAT number, else another legal number, else the name: with the number and the year of issue it tells
    -- one invoice from another. A second row of the same three is a duplicate (DOUBLON), computed where it is shown.
    seller_ref text,
    seller_name text,
    buyer_ref text,
    number text,
    type_code text,
    issued_on date,
    due_on date,
    currency char(3),
    total_minor bigint,
    payable_minor bigint,
    processing_rule text,
    -- The invoice as our model, without the contents of its attachments; NULL where it could not be read into it.
    document jsonb,
    report jsonb NOT NULL,
    -- By the platform's clock.
    received_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, received_id),
    UNIQUE (supplier_id, account_id, flow_ref),
    FOREIGN KEY (supplier_id, document_id) REFERENCES documents,
    FOREIGN KEY (supplier_id, account_id) REFERENCES platform_accounts
);
CREATE INDEX received_invoices_by_number ON received_invoices (supplier_id, seller_ref, number);
CREATE INDEX received_invoices_by_day ON received_invoices (supplier_id, received_at DESC, received_id DESC);

CREATE TABLE received_statuses (
    supplier_id uuid NOT NULL,
    received_id uuid NOT NULL,
    message_id text NOT NULL,
    code text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    set_at timestamptz NOT NULL,
    reasons jsonb NOT NULL DEFAULT '[]',
    amounts jsonb NOT NULL DEFAULT '[]',
    note text,
    flow_ref text,
    -- The message that we sent. It counts while one of the flows that carry this document is not refused.
    document_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, received_id, message_id),
    FOREIGN KEY (supplier_id, document_id) REFERENCES documents,
    FOREIGN KEY (supplier_id, received_id) REFERENCES received_invoices
);
