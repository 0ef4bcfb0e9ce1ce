-- People: customers' sign-in by a provider, invitations of staff, counters that all processes share.

-- Opened by a provider that is for customers: it never shows the pages of staff.
ALTER TABLE sessions ADD COLUMN customers_only boolean NOT NULL DEFAULT false;

-- Colleagues who were asked and have not answered: they are nobody here until they do.
CREATE TABLE staff_invitations (
    supplier_id uuid NOT NULL,
    invitation_id uuid NOT NULL,
    email text NOT NULL CHECK (email = lower(email)),
    name text NOT NULL CHECK (name <> ''),
    language text NOT NULL CHECK (language IN ('fr', 'en')),
    role text NOT NULL CHECK (role IN ('owner', 'accountant', 'collector', 'credit_manager', 'sales', 'auditor')),
    portfolio boolean NOT NULL,
    token_hash bytea NOT NULL,
    invited_by text NOT NULL,
    invited_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'accepted', 'withdrawn')),
    settled_at timestamptz,
    PRIMARY KEY (supplier_id, invitation_id),
    UNIQUE (supplier_id, token_hash),
    CHECK ((state = 'sent') = (settled_at IS NULL))
);
CREATE UNIQUE INDEX staff_invitations_sent ON staff_invitations (supplier_id, email) WHERE state = 'sent';

-- How often somebody did something in a window of time, and in the one before. Not worth a log: after a crash of the
-- server counting begins again. Keys are keyed hashes: no address of anybody stands here.
CREATE UNLOGGED TABLE rate_counts (
    count_key bytea PRIMARY KEY CHECK (octet_length(count_key) = 32),
    window_s integer NOT NULL CHECK (window_s > 0),
    span bigint NOT NULL,
    hits bigint NOT NULL,
    before bigint NOT NULL,
    let_through boolean NOT NULL,
    until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The register's role deletes nothing anywhere: what is over is forgotten by the owner, and nothing else is.
CREATE FUNCTION forget_rate_counts() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS
$$
    WITH gone AS (DELETE FROM public.rate_counts WHERE until < now() RETURNING 1) SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION forget_rate_counts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_rate_counts() TO quittance_register;
