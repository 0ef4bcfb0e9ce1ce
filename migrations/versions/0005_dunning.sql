-- Dunning: scenarios as data, what was sent to whom and why, with the letter or mail itself.

CREATE TABLE dunning_settings (
    supplier_id uuid PRIMARY KEY REFERENCES suppliers,
    -- Reminders go out by themselves every open day; otherwise somebody sends them from the list.
    automatic boolean NOT NULL,
    -- Nothing goes out before or after these times of an open day, in Paris.
    opens_at time NOT NULL,
    closes_at time NOT NULL CHECK (closes_at > opens_at),
    -- At most one reminder by mail, and one call, in so many days.
    mail_every_days integer NOT NULL CHECK (mail_every_days BETWEEN 5 AND 60),
    call_every_days integer NOT NULL CHECK (call_every_days BETWEEN 7 AND 60),
    -- The time that a formal notice leaves, in days.
    notice_days integer NOT NULL CHECK (notice_days BETWEEN 8 AND 15),
    -- Who signs letters, and as what.
    signatory text NOT NULL DEFAULT '',
    signatory_title text NOT NULL DEFAULT '',
    -- When the worker looks next; nobody is looked for without.
    next_run_at timestamptz,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL
);

-- What happens when, for the customers of a segment: the newest version counts, the ones before say why it was so.
CREATE TABLE dunning_scenarios (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    scenario_id uuid NOT NULL,
    segment text NOT NULL CHECK (segment <> ''),
    version integer NOT NULL CHECK (version > 0),
    name text NOT NULL,
    steps jsonb NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, scenario_id),
    UNIQUE (supplier_id, segment, version)
);

-- Nobody reminds this customer until a day, and somebody said why.
CREATE TABLE dunning_stops (
    supplier_id uuid NOT NULL,
    stop_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    why text NOT NULL CHECK (why <> ''),
    until_on date NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    ended_by text,
    ended_at timestamptz,
    PRIMARY KEY (supplier_id, stop_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers
);
CREATE INDEX dunning_stops_by_customer ON dunning_stops (supplier_id, customer_id) WHERE ended_at IS NULL;

-- Files that go with a mail; their bytes are in the archive.
CREATE TABLE mail_files (
    supplier_id uuid NOT NULL,
    mail_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    filename text NOT NULL,
    mime text NOT NULL,
    sha256 text NOT NULL,
    size_bytes bigint NOT NULL,
    PRIMARY KEY (supplier_id, mail_id, position),
    FOREIGN KEY (supplier_id, mail_id) REFERENCES mails
);

-- A mail may be looked at once more before it goes (held_by says by whom), wait for an hour, and come back.
ALTER TABLE mails ADD COLUMN held_by text;
ALTER TABLE mails ADD COLUMN reply_to text;
ALTER TABLE mails ADD COLUMN tries integer NOT NULL DEFAULT 0;
ALTER TABLE mails ADD COLUMN next_try_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE mails ADD COLUMN reason text;
ALTER TABLE mails DROP CONSTRAINT mails_state_check;
ALTER TABLE mails ADD CONSTRAINT mails_state_check
    CHECK (state IN ('to_send', 'sent', 'failed', 'withdrawn', 'bounced'));
GRANT SELECT (next_try_at) ON mails TO quittance_register;

-- One reminder to one customer: a mail, a letter, a call to make, or a file to hand on.
CREATE TABLE dunning_notices (
    supplier_id uuid NOT NULL,
    notice_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    scenario_id uuid NOT NULL,
    channel text NOT NULL CHECK (channel IN ('mail', 'letter', 'registered', 'call', 'task')),
    level integer NOT NULL CHECK (level BETWEEN 0 AND 6),
    template text NOT NULL,
    -- Whom it went to, as known that day.
    contact jsonb NOT NULL,
    mail_id uuid,
    -- The letter as it was made, in the archive.
    sha256 text,
    filename text,
    written_by text NOT NULL,
    approved_by text,
    state text NOT NULL CHECK (state IN ('written', 'posted', 'withdrawn')),
    reason text,
    -- When a letter was handed to the post, and its number there.
    posted_on date,
    tracking text,
    written_on date NOT NULL,
    written_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, notice_id),
    FOREIGN KEY (supplier_id, customer_id) REFERENCES customers,
    FOREIGN KEY (supplier_id, scenario_id) REFERENCES dunning_scenarios,
    FOREIGN KEY (supplier_id, mail_id) REFERENCES mails
);
CREATE INDEX dunning_notices_by_customer ON dunning_notices (supplier_id, customer_id, written_at DESC);
CREATE INDEX dunning_notices_by_day ON dunning_notices (supplier_id, written_at DESC, notice_id DESC);
CREATE INDEX dunning_notices_by_mail ON dunning_notices (supplier_id, mail_id) WHERE mail_id IS NOT NULL;

-- The invoices of a reminder: how much was asked for, at which step, counted from which day.
CREATE TABLE dunned_invoices (
    supplier_id uuid NOT NULL,
    notice_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    step text NOT NULL,
    level integer NOT NULL,
    -- The day from which it is late: of the invoice, or of its instalment.
    late_from date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    why text NOT NULL,
    PRIMARY KEY (supplier_id, notice_id, invoice_id),
    FOREIGN KEY (supplier_id, notice_id) REFERENCES dunning_notices,
    FOREIGN KEY (supplier_id, invoice_id) REFERENCES invoices
);
CREATE INDEX dunned_invoices_by_invoice ON dunned_invoices (supplier_id, invoice_id);
