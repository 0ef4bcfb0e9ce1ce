-- Declarations to the State (e-reporting, Flux 10): one per period and kind, with every line that it adds up.

CREATE TABLE reports (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    report_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('transactions', 'payments')),
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    due_on date NOT NULL,
    type_code text NOT NULL CHECK (type_code IN ('IN', 'RE')),
    version integer NOT NULL CHECK (version > 0),
    number text NOT NULL,
    regime text NOT NULL,
    totals jsonb NOT NULL,
    -- handed: the platform took it (its acknowledgement); accepted: the State said 300.
    state text NOT NULL CHECK (state IN ('prepared', 'handed', 'accepted', 'refused')),
    -- What the State answered: {"code": "300" or "301", "set_at": ..., "reasons": [{"code": ..., "label": ...}], "note": ...}
    answer jsonb,
    document_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, report_id),
    UNIQUE (supplier_id, number),
    UNIQUE (supplier_id, kind, starts_on, version),
    FOREIGN KEY (supplier_id, document_id) REFERENCES documents,
    CHECK (ends_on > starts_on),
    CHECK (due_on > ends_on)
);

-- What a declared amount is made of: an invoice (10.1, 10.3), or a movement of its cash (10.2, 10.4), per rate.
-- Amounts stand as the books hold them, in minor units of the currency, credit notes and refunds below zero; those in
-- EUR are what is declared, and absent where nobody knows them. Such a line is not in the file: untold says why.
CREATE TABLE report_lines (
    supplier_id uuid NOT NULL,
    report_id uuid NOT NULL,
    line integer NOT NULL,
    block text NOT NULL CHECK (block IN ('10.1', '10.2', '10.3', '10.4')),
    invoice_id uuid NOT NULL,
    sequence integer,
    happened_on date NOT NULL,
    category text,
    rate numeric(5, 2) NOT NULL,
    taxable_minor bigint,
    tax_minor bigint,
    tax_eur_minor bigint,
    amount_minor bigint,
    amount_eur_minor bigint,
    currency char(3) NOT NULL,
    untold text,
    PRIMARY KEY (supplier_id, report_id, line),
    FOREIGN KEY (supplier_id, report_id) REFERENCES reports,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    CHECK ((block IN ('10.2', '10.4')) = (sequence IS NOT NULL AND amount_minor IS NOT NULL)),
    CHECK ((block IN ('10.1', '10.3')) = (taxable_minor IS NOT NULL AND tax_minor IS NOT NULL)),
    CHECK (currency <> 'EUR' OR (tax_eur_minor IS NOT DISTINCT FROM tax_minor
        AND amount_eur_minor IS NOT DISTINCT FROM amount_minor)),
    CHECK (untold IS NOT NULL OR coalesce(tax_eur_minor, amount_eur_minor) IS NOT NULL)
);
CREATE INDEX report_lines_by_invoice ON report_lines (supplier_id, invoice_id);
CREATE INDEX collections_by_day ON collections (supplier_id, collected_on);

-- Why a period could not be declared, or not wholly, until it is: one row per period and cause.
CREATE TABLE report_troubles (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    kind text NOT NULL CHECK (kind IN ('transactions', 'payments')),
    starts_on date NOT NULL,
    code text NOT NULL,
    sentence text NOT NULL,
    sentence_fr text NOT NULL,
    noted_at timestamptz NOT NULL,
    cleared_at timestamptz,
    PRIMARY KEY (supplier_id, kind, starts_on, code)
);
