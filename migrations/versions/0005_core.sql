-- The customer's file: who looks after it, whom to write to, what was said and done about it, what is to be done.

CREATE TABLE customer_files (
    supplier_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- The collector who looks after the customer; a person of the register.
    collector_id uuid,
    -- Which scenario and which figures it belongs to, in the supplier's own words.
    segment text NOT NULL DEFAULT 'standard' CHECK (segment <> ''),
    note text,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, customer_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX customer_files_by_collector ON customer_files (supplier_id, collector_id) WHERE collector_id IS NOT NULL;

CREATE TABLE customer_contacts (
    supplier_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('billing', 'payment', 'manager', 'purchasing', 'legal', 'other')),
    email text CHECK (email = lower(email)),
    phone text,
    language text NOT NULL DEFAULT 'fr',
    -- Mails to it came back, or it asked for none.
    mail_state text NOT NULL DEFAULT 'good' CHECK (mail_state IN ('good', 'bounced', 'stopped')),
    note text,
    removed_at timestamptz,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, contact_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX customer_contacts_by_customer ON customer_contacts (supplier_id, customer_id);
CREATE INDEX customer_contacts_by_email ON customer_contacts (supplier_id, email) WHERE email IS NOT NULL;

-- What was said and done about an account: calls, reminders, promises, messages, decisions. One line, one sentence.
CREATE TABLE account_events (
    supplier_id uuid NOT NULL,
    event_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id uuid,
    kind text NOT NULL CHECK (kind <> ''),
    actor text NOT NULL,
    -- Whether the customer may read it too.
    shown boolean NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}',
    happened_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, event_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX account_events_by_customer ON account_events (supplier_id, customer_id, happened_at DESC, event_id DESC);
CREATE INDEX account_events_by_invoice ON account_events (supplier_id, invoice_id, happened_at DESC)
    WHERE invoice_id IS NOT NULL;

-- What somebody has to do: a call, a letter, a declaration of a claim. One for each cause.
CREATE TABLE tasks (
    supplier_id uuid NOT NULL,
    task_id uuid NOT NULL,
    task_key text NOT NULL,
    kind text NOT NULL CHECK (kind <> ''),
    customer_id uuid,
    invoice_id uuid,
    facts jsonb NOT NULL DEFAULT '{}',
    due_on date NOT NULL,
    assigned_to uuid,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'dropped')),
    outcome text,
    note text,
    done_by text,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, task_id),
    UNIQUE (supplier_id, task_key),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX tasks_open ON tasks (supplier_id, due_on, task_id) WHERE state = 'open';
CREATE INDEX tasks_of_customer ON tasks (supplier_id, customer_id) WHERE state = 'open';
-- Tasks are dropped by the beginning of their key, byte by byte.
CREATE INDEX tasks_open_by_key ON tasks (supplier_id, task_key COLLATE "C") WHERE state = 'open';
