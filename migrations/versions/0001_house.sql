-- The house: suppliers, customers, invoices, books, money on its way, messages in and out.
-- Every table of a supplier leads its keys with supplier_id, so that the schema also shards by it. A table that
-- refers to another one of the supplier needs no reference to suppliers of its own.

-- The register: what exists before a supplier is known. Reached by the register role alone.

CREATE TABLE suppliers (
    supplier_id uuid PRIMARY KEY,
    siren text UNIQUE CHECK (siren ~ '^[0-9]{9}$'),
    foreign_id text UNIQUE CHECK (foreign_id <> ''),
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    CHECK (num_nonnulls(siren, foreign_id) = 1)
);

CREATE TABLE people (
    person_id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    name text NOT NULL,
    language text NOT NULL DEFAULT 'fr',
    created_at timestamptz NOT NULL
);

CREATE TABLE memberships (
    person_id uuid NOT NULL REFERENCES people,
    member_of uuid NOT NULL REFERENCES suppliers (supplier_id),
    role text NOT NULL CHECK (role IN ('owner', 'accountant', 'collector', 'auditor', 'customer')),
    customer_id uuid,
    created_at timestamptz NOT NULL,
    CHECK ((role = 'customer') = (customer_id IS NOT NULL)),
    UNIQUE NULLS NOT DISTINCT (person_id, member_of, role, customer_id)
);

CREATE TABLE sign_in_links (
    link_id uuid PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    person_id uuid NOT NULL REFERENCES people,
    browser_hash bytea,
    code_hash bytea NOT NULL,
    code_tries integer NOT NULL DEFAULT 0,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);

-- The supplier and its customers.

CREATE TABLE supplier_profiles (
    supplier_id uuid PRIMARY KEY REFERENCES suppliers,
    profile jsonb NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE customers (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    customer_id uuid NOT NULL,
    account_code text NOT NULL,
    name text NOT NULL,
    siren text,
    vat_id text,
    email text,
    kind text NOT NULL CHECK (kind IN ('business', 'public', 'consumer')),
    party jsonb NOT NULL,
    language text NOT NULL DEFAULT 'fr',
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, customer_id),
    UNIQUE (supplier_id, account_code)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX customers_by_siren ON customers (supplier_id, siren) WHERE siren IS NOT NULL;
CREATE INDEX customers_by_name ON customers (supplier_id, lower(name));

-- Invoices: numbered and posted in one transaction.

CREATE TABLE number_series (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    series text NOT NULL,
    year integer NOT NULL,
    last_number integer NOT NULL CHECK (last_number >= 0),
    PRIMARY KEY (supplier_id, series, year)
);

CREATE TABLE invoices (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    invoice_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    number text NOT NULL CHECK (number <> ''),
    issue_year integer NOT NULL,
    series text,
    serial integer,
    origin text NOT NULL CHECK (origin IN ('own', 'finished')),
    type_code text NOT NULL,
    process text,
    issued_on date NOT NULL,
    due_on date NOT NULL,
    currency char(3) NOT NULL,
    total_minor bigint NOT NULL,
    prepaid_minor bigint NOT NULL,
    payable_minor bigint NOT NULL,
    vat_on_collection boolean NOT NULL,
    vat_rows jsonb NOT NULL,
    document jsonb NOT NULL,
    source_sha256 text,
    routing text NOT NULL CHECK (routing IN ('b2b', 'b2b_international', 'b2c', 'b2g')),
    buyer_reference text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, invoice_id),
    UNIQUE (supplier_id, number, issue_year),
    UNIQUE (supplier_id, series, issue_year, serial),
    CHECK ((origin = 'own') = (series IS NOT NULL AND serial IS NOT NULL)),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX invoices_by_customer ON invoices (supplier_id, customer_id, issued_on DESC, invoice_id DESC);
CREATE INDEX invoices_by_day ON invoices (supplier_id, issued_on DESC, invoice_id DESC);

-- The books: append-only.

CREATE TABLE entries (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    entry_id uuid NOT NULL,
    journal text NOT NULL,
    booked_on date NOT NULL,
    source_kind text NOT NULL,
    source_ref text NOT NULL,
    document_ref text NOT NULL,
    label text NOT NULL,
    reverses_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, entry_id),
    UNIQUE (supplier_id, source_kind, source_ref),
    UNIQUE (supplier_id, reverses_id),
    FOREIGN KEY (supplier_id, reverses_id) REFERENCES entries
);

CREATE TABLE postings (
    supplier_id uuid NOT NULL,
    posting_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    account text NOT NULL,
    customer_id uuid,
    invoice_id uuid,
    debit_minor bigint NOT NULL CHECK (debit_minor >= 0),
    credit_minor bigint NOT NULL CHECK (credit_minor >= 0),
    currency char(3) NOT NULL,
    CHECK ((debit_minor = 0) <> (credit_minor = 0)),
    PRIMARY KEY (supplier_id, posting_id),
    FOREIGN KEY (supplier_id, entry_id) REFERENCES entries,
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX postings_by_entry ON postings (supplier_id, entry_id);
CREATE INDEX postings_by_customer ON postings (supplier_id, customer_id) WHERE customer_id IS NOT NULL;

CREATE TABLE allocations (
    supplier_id uuid NOT NULL,
    allocation_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    debit_posting_id uuid NOT NULL,
    credit_posting_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    cause text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, allocation_id),
    FOREIGN KEY (supplier_id, debit_posting_id) REFERENCES postings,
    FOREIGN KEY (supplier_id, credit_posting_id) REFERENCES postings
);
CREATE INDEX allocations_by_debit ON allocations (supplier_id, debit_posting_id);
CREATE INDEX allocations_by_credit ON allocations (supplier_id, credit_posting_id);
CREATE INDEX allocations_by_customer ON allocations (supplier_id, customer_id);

CREATE TABLE letterings (
    supplier_id uuid NOT NULL,
    lettering_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    year integer NOT NULL,
    code text NOT NULL,
    balanced boolean NOT NULL,
    lettered_on date NOT NULL,
    lettered_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, lettering_id),
    UNIQUE (supplier_id, customer_id, year, code),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);

CREATE TABLE lettering_lines (
    supplier_id uuid NOT NULL,
    lettering_id uuid NOT NULL,
    posting_id uuid NOT NULL,
    PRIMARY KEY (supplier_id, lettering_id, posting_id),
    FOREIGN KEY (supplier_id, lettering_id) REFERENCES letterings,
    FOREIGN KEY (supplier_id, posting_id) REFERENCES postings
);

CREATE TABLE lettering_ends (
    supplier_id uuid NOT NULL,
    lettering_id uuid NOT NULL,
    reason text NOT NULL,
    ended_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, lettering_id),
    FOREIGN KEY (supplier_id, lettering_id) REFERENCES letterings
);

CREATE TABLE collections (
    supplier_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    sequence integer NOT NULL CHECK (sequence > 0),
    entry_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('cash', 'set_off')),
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    currency char(3) NOT NULL,
    split jsonb NOT NULL,
    reason text,
    collected_on date NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, invoice_id, sequence),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, entry_id) REFERENCES entries
);

-- Projections of the books: kept in the same transaction, recomputed by the checks.

CREATE TABLE receivable_items (
    supplier_id uuid NOT NULL,
    posting_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id uuid,
    attempt_id uuid,
    reference text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note', 'receipt', 'refund', 'refund_failed')),
    debit boolean NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    open_minor bigint NOT NULL CHECK (open_minor >= 0 AND open_minor <= amount_minor),
    currency char(3) NOT NULL,
    booked_on date NOT NULL,
    due_on date NOT NULL,
    ranked_at timestamptz NOT NULL,
    lettering_id uuid,
    PRIMARY KEY (supplier_id, posting_id),
    FOREIGN KEY (supplier_id, posting_id) REFERENCES postings
) WITH (fillfactor = 80);
CREATE INDEX receivable_items_open ON receivable_items (supplier_id, customer_id) INCLUDE (debit, open_minor)
    WHERE open_minor > 0;
CREATE INDEX receivable_items_by_invoice ON receivable_items (supplier_id, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX receivable_items_by_reference ON receivable_items (supplier_id, reference);
CREATE INDEX receivable_items_by_lettering ON receivable_items (supplier_id, lettering_id)
    WHERE lettering_id IS NOT NULL;
CREATE INDEX receivable_items_by_attempt ON receivable_items (supplier_id, attempt_id) WHERE attempt_id IS NOT NULL;

CREATE TABLE letter_counters (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    customer_id uuid NOT NULL,
    year integer NOT NULL,
    balanced integer NOT NULL DEFAULT 0,
    partial integer NOT NULL DEFAULT 0,
    PRIMARY KEY (supplier_id, customer_id, year)
);

-- Money on its way: links, attempts and what they reserve.

CREATE TABLE pay_links (
    supplier_id uuid NOT NULL,
    link_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    purpose text NOT NULL,
    minted_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (supplier_id, link_id),
    UNIQUE (supplier_id, token_hash),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX pay_links_by_invoice ON pay_links (supplier_id, invoice_id);

CREATE TABLE gateway_accounts (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    account_id uuid NOT NULL,
    provider text NOT NULL,
    live boolean NOT NULL,
    base_url text,
    sealed_key bytea NOT NULL,
    sealed_webhook_secret bytea NOT NULL,
    sealed_previous_secret bytea,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, account_id)
);
CREATE UNIQUE INDEX one_active_gateway ON gateway_accounts (supplier_id) WHERE active;

CREATE TABLE payment_attempts (
    supplier_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    state text NOT NULL
        CHECK (state IN ('created', 'open', 'processing', 'succeeded', 'failed', 'expired', 'superseded')),
    session_ref text,
    payment_ref text,
    checkout_url text,
    failure_code text,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, attempt_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, account_id) REFERENCES gateway_accounts
);
CREATE INDEX payment_attempts_open ON payment_attempts (supplier_id, created_at)
    WHERE state IN ('created', 'open', 'processing');

CREATE TABLE reservations (
    supplier_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    state text NOT NULL CHECK (state IN ('open', 'processing', 'consumed', 'released')),
    PRIMARY KEY (supplier_id, attempt_id, invoice_id),
    FOREIGN KEY (supplier_id, attempt_id) REFERENCES payment_attempts,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE UNIQUE INDEX one_open_attempt ON reservations (supplier_id, invoice_id) WHERE state = 'open';
CREATE INDEX reservations_by_invoice ON reservations (supplier_id, invoice_id);

-- Messages in and out.

CREATE TABLE inbox (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    inbox_id bigint GENERATED ALWAYS AS IDENTITY,
    source text NOT NULL,
    external_id text NOT NULL,
    body bytea NOT NULL,
    state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'waiting', 'done', 'buried')),
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT now(),
    reason text,
    received_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    PRIMARY KEY (supplier_id, inbox_id),
    UNIQUE (supplier_id, source, external_id)
);
CREATE INDEX inbox_to_do ON inbox (supplier_id, next_try_at, inbox_id) WHERE state IN ('new', 'waiting');

CREATE TABLE outbox (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    outbox_id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    event_key text NOT NULL,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'buried')),
    done_by text[] NOT NULL DEFAULT '{}',
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT now(),
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    PRIMARY KEY (supplier_id, outbox_id),
    UNIQUE (supplier_id, kind, event_key)
);
CREATE INDEX outbox_to_do ON outbox (supplier_id, next_try_at, outbox_id) WHERE state = 'new';

CREATE TABLE idempotent_requests (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    request_key text NOT NULL,
    input_hash bytea NOT NULL,
    answer jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, request_key)
);

CREATE TABLE api_tokens (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    token_hash bytea NOT NULL,
    label text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (supplier_id, token_hash)
);

-- The invoice as a legal document, and its life at the platform.

CREATE TABLE documents (
    supplier_id uuid NOT NULL,
    document_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    form text NOT NULL CHECK (form IN ('original', 'facturx', 'cii', 'ubl', 'cdar')),
    filename text NOT NULL,
    mime text NOT NULL,
    sha256 text NOT NULL,
    size_bytes bigint NOT NULL,
    report jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, document_id),
    UNIQUE (supplier_id, invoice_id, form, filename),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);

CREATE TABLE platform_accounts (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    account_id uuid NOT NULL,
    label text NOT NULL,
    driver jsonb NOT NULL,
    sealed_client_secret bytea NOT NULL,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, account_id)
);
CREATE UNIQUE INDEX one_active_platform ON platform_accounts (supplier_id) WHERE active;

CREATE TABLE platform_flows (
    supplier_id uuid NOT NULL,
    tracking_id text NOT NULL,
    account_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('invoice', 'status')),
    document_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('to_send', 'in_doubt', 'sent', 'accepted', 'refused')),
    flow_ref text,
    refusal jsonb,
    sends integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, tracking_id),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices,
    FOREIGN KEY (supplier_id, document_id) REFERENCES documents,
    FOREIGN KEY (supplier_id, account_id) REFERENCES platform_accounts
);
CREATE INDEX platform_flows_by_invoice ON platform_flows (supplier_id, invoice_id);
CREATE INDEX platform_flows_pending ON platform_flows (supplier_id, created_at)
    WHERE state IN ('to_send', 'in_doubt', 'sent');

CREATE TABLE statuses (
    supplier_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    message_id text NOT NULL,
    code text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    set_at timestamptz NOT NULL,
    reasons jsonb NOT NULL DEFAULT '[]',
    amounts jsonb NOT NULL DEFAULT '[]',
    note text,
    flow_ref text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, invoice_id, message_id),
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);

CREATE TABLE watermarks (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    name text NOT NULL,
    reached_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, name)
);

CREATE TABLE mails (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    mail_id uuid NOT NULL,
    mail_key text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    text_body text NOT NULL,
    html_body text NOT NULL,
    invoice_id uuid,
    state text NOT NULL CHECK (state IN ('to_send', 'sent', 'failed')),
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    PRIMARY KEY (supplier_id, mail_id),
    UNIQUE (supplier_id, mail_key)
);

-- The audit trail: rows appended without a lock, sealed into a hash chain by the worker.

CREATE TABLE audit_rows (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    actor text NOT NULL,
    act text NOT NULL,
    object text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    happened_at timestamptz NOT NULL DEFAULT now(),
    written_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (supplier_id, audit_id)
);
CREATE INDEX audit_rows_to_seal ON audit_rows (supplier_id, written_in, audit_id);

CREATE TABLE audit_seals (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    block bigint NOT NULL CHECK (block > 0),
    audit_ids bigint[] NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    last_xid xid8 NOT NULL,
    last_audit_id bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, block)
);
