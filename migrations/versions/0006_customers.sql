-- People of customers, requests for an account, data that customers give.

-- A colleague whom a customer's administrator lets in: nothing happens before the mailbox itself has said yes.
CREATE TABLE customer_invitations (
    supplier_id uuid NOT NULL,
    invitation_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    email text NOT NULL CHECK (email = lower(email)),
    name text NOT NULL CHECK (name <> ''),
    language text NOT NULL DEFAULT 'fr' CHECK (language IN ('fr', 'en')),
    rights text[] NOT NULL DEFAULT '{}' CHECK (rights <@ ARRAY['pay', 'dispute', 'administer']),
    token_hash bytea NOT NULL,
    invited_by text NOT NULL,
    invited_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'accepted', 'withdrawn')),
    settled_at timestamptz,
    PRIMARY KEY (supplier_id, invitation_id),
    UNIQUE (supplier_id, token_hash),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE UNIQUE INDEX customer_invitations_sent ON customer_invitations (supplier_id, customer_id, email)
    WHERE state = 'sent';
CREATE INDEX customer_invitations_by_age ON customer_invitations (supplier_id, customer_id, invited_at DESC);

-- Whom customers reach at the supplier, and when: of one person, or of the house (no person).
CREATE TABLE contact_desks (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    desk_id uuid NOT NULL,
    -- The person of the register; nobody for the house's own.
    person_id uuid,
    name text NOT NULL CHECK (name <> ''),
    phone text CHECK (phone <> ''),
    email text CHECK (email = lower(email)),
    hours text CHECK (hours <> ''),
    hours_en text CHECK (hours_en <> ''),
    removed_at timestamptz,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, desk_id),
    UNIQUE NULLS NOT DISTINCT (supplier_id, person_id),
    CHECK (num_nonnulls(phone, email) > 0)
);

-- Which terms and conditions stood beside the button when a payment began, in which language, and who pressed.
CREATE TABLE terms_shown (
    supplier_id uuid NOT NULL,
    shown_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    version_id uuid NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    language text NOT NULL,
    actor text NOT NULL,
    shown_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, shown_id),
    UNIQUE (supplier_id, attempt_id, version_id),
    FOREIGN KEY (supplier_id, attempt_id) REFERENCES payment_attempts,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, version_id) REFERENCES terms_versions
);

-- What a customer says that one of its payments is for (avis de paiement): an advice, never a receipt.
CREATE TABLE remittance_advices (
    supplier_id uuid NOT NULL,
    advice_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    form text NOT NULL CHECK (form IN ('pdf', 'csv', 'camt')),
    document_id uuid NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    currency char(3) NOT NULL,
    -- What the file itself says that is paid, where it says so.
    told_minor bigint CHECK (told_minor > 0),
    -- What the customer confirmed.
    total_minor bigint CHECK (total_minor > 0),
    paid_on date,
    reference text,
    state text NOT NULL DEFAULT 'read' CHECK (state IN ('read', 'confirmed', 'withdrawn')),
    actor text NOT NULL,
    read_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    PRIMARY KEY (supplier_id, advice_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, document_id) REFERENCES documents
);
CREATE INDEX remittance_advices_by_customer ON remittance_advices (supplier_id, customer_id, read_at DESC);
CREATE INDEX remittance_advices_by_amount ON remittance_advices (supplier_id, total_minor, currency)
    WHERE state = 'confirmed';
CREATE INDEX remittance_advices_by_news ON remittance_advices (supplier_id, confirmed_at)
    WHERE confirmed_at IS NOT NULL;

-- What was read in the file, line by line, and the invoice that each line was understood as.
CREATE TABLE advice_lines (
    supplier_id uuid NOT NULL,
    advice_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    said text NOT NULL,
    invoice_id uuid,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (supplier_id, advice_id, position),
    FOREIGN KEY (supplier_id, advice_id) REFERENCES remittance_advices,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);

-- What the customer confirmed: so much for each invoice; a credit note that was deducted stands below zero.
CREATE TABLE advised_invoices (
    supplier_id uuid NOT NULL,
    advice_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    PRIMARY KEY (supplier_id, advice_id, invoice_id),
    FOREIGN KEY (supplier_id, advice_id) REFERENCES remittance_advices,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);

-- A customer says that its name, address or numbers are others now; the supplier looks at it before invoices say so.
CREATE TABLE company_changes (
    supplier_id uuid NOT NULL,
    change_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- The fields that shall change, with what stood there and what shall stand there.
    wanted jsonb NOT NULL,
    said text,
    actor text NOT NULL,
    asked_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'taken', 'refused', 'withdrawn')),
    decided_by text,
    decided_at timestamptz,
    reason text,
    PRIMARY KEY (supplier_id, change_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE UNIQUE INDEX company_changes_asked ON company_changes (supplier_id, customer_id) WHERE state = 'asked';
CREATE INDEX company_changes_by_age ON company_changes (supplier_id, asked_at DESC);

-- Whether strangers may ask a supplier for an account, and the words that greet them.
CREATE TABLE account_openings (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    is_open boolean NOT NULL DEFAULT false,
    welcome text,
    welcome_en text,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id)
);

-- A company asks to become a customer: held until its mailbox has confirmed it, then decided by somebody.
CREATE TABLE account_requests (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    request_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    company text NOT NULL CHECK (company <> ''),
    siren text,
    vat_id text,
    person text NOT NULL CHECK (person <> ''),
    email text NOT NULL CHECK (email = lower(email)),
    phone text,
    language text NOT NULL DEFAULT 'fr' CHECK (language IN ('fr', 'en')),
    address jsonb NOT NULL,
    -- What the company would like to owe at most.
    wanted_minor bigint CHECK (wanted_minor > 0),
    currency char(3) NOT NULL DEFAULT 'EUR',
    said text,
    -- The terms and conditions that were agreed to by a click.
    version_id uuid,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'asked', 'approved', 'refused')),
    decided_by text,
    decided_at timestamptz,
    reason text,
    customer_id uuid,
    limit_minor bigint CHECK (limit_minor >= 0),
    PRIMARY KEY (supplier_id, request_id),
    UNIQUE (supplier_id, token_hash),
    FOREIGN KEY (supplier_id, version_id) REFERENCES terms_versions,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX account_requests_by_age ON account_requests (supplier_id, asked_at DESC);
