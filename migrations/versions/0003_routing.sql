-- By which road each invoice goes and why, and what the directory (annuaire) said of whom.

ALTER TABLE invoices DROP CONSTRAINT invoices_routing_check;
ALTER TABLE invoices ADD CONSTRAINT invoices_routing_check
    CHECK (routing IN ('b2b', 'b2b_international', 'b2c', 'b2g', 'out_of_scope'));

-- One row per invoice, written in the transaction that issues it. Invoices of before have none.
CREATE TABLE routing_decisions (
    supplier_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    road text NOT NULL CHECK (road IN ('platform', 'public', 'report', 'none')),
    reason text NOT NULL,
    duty text NOT NULL CHECK (duty IN ('compulsory', 'early', 'none')),
    facts jsonb NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, invoice_id),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);

-- What the directory answered about a company, with its day: a cache that says how old it is.
CREATE TABLE directory_answers (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    siren text NOT NULL CHECK (siren ~ '^[0-9]{9}$'),
    account_id uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    answer jsonb NOT NULL,
    PRIMARY KEY (supplier_id, siren),
    FOREIGN KEY (supplier_id, account_id) REFERENCES platform_accounts
);

-- The check of a whole customer file, row by row, so that a page can show how far it is.
CREATE TABLE directory_checks (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    check_id uuid NOT NULL,
    label text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done', 'stopped')),
    total integer NOT NULL CHECK (total >= 0),
    done integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (supplier_id, check_id)
);

CREATE TABLE directory_check_rows (
    supplier_id uuid NOT NULL,
    check_id uuid NOT NULL,
    line integer NOT NULL,
    name text NOT NULL,
    given text NOT NULL,
    siren text,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done')),
    verdict jsonb,
    PRIMARY KEY (supplier_id, check_id, line),
    FOREIGN KEY (supplier_id, check_id) REFERENCES directory_checks
);
