-- Messages between customers and collectors, about an invoice or the account, with notes that stay inside.

-- One conversation per invoice, and one per account. What the customer may see of it has a time in the columns last_*.
CREATE TABLE message_threads (
    supplier_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id uuid,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    -- The person of the register who answers; the customer's collector where it is nobody.
    assigned_to uuid,
    last_customer_at timestamptz,
    last_supplier_at timestamptz,
    -- Since when the customer waits for an answer.
    waiting_since timestamptz,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, thread_id),
    UNIQUE NULLS NOT DISTINCT (supplier_id, customer_id, invoice_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX message_threads_by_age ON message_threads (supplier_id, changed_at DESC, thread_id DESC);
CREATE INDEX message_threads_waiting ON message_threads (supplier_id, waiting_since) WHERE waiting_since IS NOT NULL;

-- What both sides read. Notes of the supplier's people are in a table of their own, so that no page for customers can
-- show one by forgetting a condition.
CREATE TABLE messages (
    supplier_id uuid NOT NULL,
    message_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    side text NOT NULL CHECK (side IN ('customer', 'supplier')),
    channel text NOT NULL CHECK (channel IN ('page', 'link', 'mail')),
    actor text NOT NULL,
    -- The name under which both sides know who wrote.
    author text NOT NULL,
    -- The address that a mail came from; anybody can write any address there.
    address text,
    -- Whether that address is one of the customer's.
    known boolean NOT NULL DEFAULT true,
    said text NOT NULL,
    -- Files that came with a mail and were not taken, each with the reason.
    left_out text[] NOT NULL DEFAULT '{}',
    -- The form or the mail that said it: told twice, it is said once.
    once text NOT NULL,
    said_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, message_id),
    UNIQUE (supplier_id, thread_id, once),
    FOREIGN KEY (supplier_id, thread_id) REFERENCES message_threads
);
CREATE INDEX messages_by_thread ON messages (supplier_id, thread_id, said_at, message_id);

CREATE TABLE message_files (
    supplier_id uuid NOT NULL,
    message_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    document_id uuid NOT NULL,
    PRIMARY KEY (supplier_id, message_id, position),
    FOREIGN KEY (supplier_id, message_id) REFERENCES messages,
    FOREIGN KEY (supplier_id, document_id) REFERENCES documents
);

-- For the supplier's people alone.
CREATE TABLE internal_notes (
    supplier_id uuid NOT NULL,
    note_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    actor text NOT NULL,
    author text NOT NULL,
    said text NOT NULL,
    once text NOT NULL,
    said_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, note_id),
    UNIQUE (supplier_id, thread_id, once),
    FOREIGN KEY (supplier_id, thread_id) REFERENCES message_threads
);
CREATE INDEX internal_notes_by_thread ON internal_notes (supplier_id, thread_id, said_at, note_id);

-- Until when somebody has read a conversation.
CREATE TABLE thread_reads (
    supplier_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    person_id uuid NOT NULL,
    side text NOT NULL CHECK (side IN ('customer', 'supplier')),
    read_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, thread_id, person_id),
    FOREIGN KEY (supplier_id, thread_id) REFERENCES message_threads
);

-- Addresses that our mails are answered to: what comes there is said by ``recipient`` about this invoice or account.
CREATE TABLE reply_addresses (
    supplier_id uuid NOT NULL,
    address_hash bytea NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id uuid,
    recipient text NOT NULL,
    made_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (supplier_id, address_hash),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX reply_addresses_by_customer ON reply_addresses (supplier_id, customer_id);

-- Written by whoever held a pay link, and said only once the customer's own mailbox has confirmed it.
CREATE TABLE held_messages (
    supplier_id uuid NOT NULL,
    held_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    author text NOT NULL,
    recipient text NOT NULL,
    said text NOT NULL,
    held_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'said', 'refused')),
    settled_at timestamptz,
    PRIMARY KEY (supplier_id, held_id),
    UNIQUE (supplier_id, token_hash),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX held_messages_by_invoice ON held_messages (supplier_id, invoice_id, held_at);

-- Texts that collectors write often, with places that are filled in: {client}, {facture}, {reste}...
CREATE TABLE message_templates (
    supplier_id uuid NOT NULL,
    template_id uuid NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    body_fr text NOT NULL CHECK (body_fr <> ''),
    body_en text,
    changed_by text NOT NULL,
    removed_at timestamptz,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, template_id)
);
