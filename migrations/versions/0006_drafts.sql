-- Invoices being written, templates, and what is issued again and again.

-- An invoice as it was typed: kept at every step, and no document before it is issued.
CREATE TABLE invoice_drafts (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    draft_id uuid NOT NULL,
    -- The customer that it is for; absent while it is for somebody new.
    customer_id uuid,
    typed jsonb NOT NULL,
    -- What the list shows of it.
    label text NOT NULL DEFAULT '',
    total_minor bigint,
    currency text NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    origin text NOT NULL CHECK (origin IN ('blank', 'copy', 'template', 'recurring', 'deposit', 'correction')),
    -- The invoice that it copies, completes or corrects.
    about_id uuid,
    -- Why it was not issued by itself, in both languages.
    reason jsonb,
    -- Counted from 1: two windows cannot overwrite each other unseen.
    revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'issued', 'discarded')),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, draft_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, about_id) REFERENCES invoices
);
CREATE INDEX invoice_drafts_open ON invoice_drafts (supplier_id, draft_id DESC) WHERE state = 'open';
CREATE INDEX invoice_drafts_by_customer ON invoice_drafts (supplier_id, customer_id);
CREATE INDEX invoice_drafts_about ON invoice_drafts (supplier_id, about_id);

-- What is typed again and again, without its customer.
CREATE TABLE invoice_templates (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    template_id uuid NOT NULL,
    name text NOT NULL CHECK (name <> '' AND length(name) <= 80),
    typed jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    removed_by text,
    removed_at timestamptz,
    PRIMARY KEY (supplier_id, template_id)
);
CREATE UNIQUE INDEX invoice_templates_by_name ON invoice_templates (supplier_id, lower(name)) WHERE removed_at IS NULL;

-- What is invoiced at intervals (abonnement, loyer, forfait): each date once, also after a stop.
CREATE TABLE recurring_invoices (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    recurring_id uuid NOT NULL,
    customer_id uuid,
    name text NOT NULL CHECK (name <> '' AND length(name) <= 80),
    typed jsonb NOT NULL,
    rhythm text NOT NULL CHECK (rhythm IN ('week', 'month', 'two_months', 'quarter', 'half_year', 'year')),
    starts_on date NOT NULL,
    ends_on date CHECK (ends_on >= starts_on),
    -- Issued by itself; otherwise a draft is laid ready.
    automatic boolean NOT NULL,
    state text NOT NULL DEFAULT 'on' CHECK (state IN ('on', 'paused', 'ended')),
    -- The next date, and how many came before it: dates are counted from the first, so that a 31st stays one.
    next_on date NOT NULL,
    position integer NOT NULL DEFAULT 0 CHECK (position >= 0),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, recurring_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX recurring_invoices_due ON recurring_invoices (supplier_id, next_on) WHERE state = 'on';
CREATE INDEX recurring_invoices_by_customer ON recurring_invoices (supplier_id, customer_id);

-- What became of one date: the request is frozen when its day comes, so that a repetition asks for the same.
CREATE TABLE recurring_dates (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    recurring_id uuid NOT NULL,
    date_on date NOT NULL,
    request text NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'issued', 'drafted')),
    invoice_id uuid,
    draft_id uuid,
    planned_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, recurring_id, date_on),
    FOREIGN KEY (supplier_id, recurring_id) REFERENCES recurring_invoices,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, draft_id) REFERENCES invoice_drafts
);
CREATE INDEX recurring_dates_planned ON recurring_dates (supplier_id, recurring_id) WHERE state = 'planned';
CREATE INDEX recurring_dates_by_invoice ON recurring_dates (supplier_id, invoice_id);
CREATE INDEX recurring_dates_by_draft ON recurring_dates (supplier_id, draft_id);
