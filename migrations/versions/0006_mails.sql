-- How mails look, who wants none, and what is sent every week.

-- Which kind of mail it is (portal/mail/kinds.py), and where one click ends mails like it (RFC 8058); most have none.
ALTER TABLE mails ADD COLUMN kind text NOT NULL DEFAULT 'other' CHECK (kind ~ '^[a-z][a-z_]{0,39}$');
ALTER TABLE mails ADD COLUMN unsubscribe_url text CHECK (unsubscribe_url ~ '^https?://');
CREATE INDEX mails_newest ON mails (supplier_id, created_at DESC, mail_id DESC);

-- What a supplier wants of its mails.
CREATE TABLE mail_settings (
    supplier_id uuid PRIMARY KEY REFERENCES suppliers,
    -- Whether the invoice goes with its mail as a PDF.
    attach_invoice boolean NOT NULL DEFAULT false,
    -- Whether staff get the digest of the week, on Mondays.
    digest boolean NOT NULL DEFAULT true,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL
);

-- Who wants none of a kind of mail: by the SHA-256 of the address, so that nothing is kept of who has gone.
CREATE TABLE mail_wishes (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    address_hash bytea NOT NULL CHECK (length(address_hash) = 32),
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,39}$'),
    wanted boolean NOT NULL,
    -- By whom: the link of a mail, or a person on their own page.
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, address_hash, kind)
);
