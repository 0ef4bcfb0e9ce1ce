-- Mails: what they need.

-- From which address of its own a supplier writes to its customers, and the key that signs there (DKIM, RFC 6376).
-- It counts from the moment at which its public half was seen in the DNS of the address's domain.
CREATE TABLE mail_senders (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    sender_id uuid NOT NULL,
    address text NOT NULL CHECK (address ~ '^[a-z0-9._+-]+@[a-z0-9.-]+$' AND length(address) <= 254),
    selector text NOT NULL CHECK (selector ~ '^[a-z0-9]{1,63}$'),
    -- The private key as PEM, sealed by the house's secret.
    sealed_key bytea NOT NULL,
    public_key text NOT NULL,
    -- 'asked': nobody has seen the record; 'lost': it was there and is gone; 'ended': given up.
    state text NOT NULL CHECK (state IN ('asked', 'proven', 'lost', 'ended')),
    fault text,
    -- What the domain says of itself (RFC 7208, RFC 7489), for the hints beside the record.
    spf text,
    dmarc text,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    checked_at timestamptz,
    next_check_at timestamptz NOT NULL,
    proven_at timestamptz,
    lost_at timestamptz,
    PRIMARY KEY (supplier_id, sender_id),
    CHECK (state <> 'proven' OR proven_at IS NOT NULL),
    CHECK (state <> 'lost' OR lost_at IS NOT NULL)
);
CREATE UNIQUE INDEX mail_senders_current ON mail_senders (supplier_id) WHERE state <> 'ended';

-- What a supplier's address is known to have returned is looked up before each mail goes.
CREATE INDEX customer_contacts_closed ON customer_contacts (supplier_id, email) WHERE mail_state <> 'good';
