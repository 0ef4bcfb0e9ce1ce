-- People: what they are at a supplier, and by what they prove who they are.

ALTER TABLE memberships DROP CONSTRAINT memberships_role_check;
ALTER TABLE memberships ADD CONSTRAINT memberships_role_check CHECK (
    role IN ('owner', 'accountant', 'collector', 'credit_manager', 'sales', 'auditor', 'customer')
);
-- What a customer's person may do besides looking; those of before had everything.
ALTER TABLE memberships ADD COLUMN rights text[] NOT NULL DEFAULT '{}'
    CHECK (rights <@ ARRAY['pay', 'dispute', 'administer']);
UPDATE memberships SET rights = '{administer,dispute,pay}' WHERE role = 'customer';
-- Whether staff see only the customers that are theirs.
ALTER TABLE memberships ADD COLUMN portfolio boolean NOT NULL DEFAULT false;
ALTER TABLE memberships ADD COLUMN ended_at timestamptz;

-- Whether a supplier wants a second proof of its staff besides the link in the mail.
ALTER TABLE suppliers ADD COLUMN second_proof boolean NOT NULL DEFAULT false;

-- What a session was opened with, when its person last proved to be there, and when they gave a second proof.
ALTER TABLE sessions ADD COLUMN session_id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE;
ALTER TABLE sessions ALTER COLUMN session_id DROP DEFAULT;
ALTER TABLE sessions ADD COLUMN device text NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN proved_by text NOT NULL DEFAULT 'mail'
    CHECK (proved_by IN ('mail', 'passkey', 'totp', 'recovery', 'oidc'));
ALTER TABLE sessions ADD COLUMN proved_at timestamptz;
UPDATE sessions SET proved_at = started_at;
ALTER TABLE sessions ALTER COLUMN proved_at SET NOT NULL;
ALTER TABLE sessions ADD COLUMN second_at timestamptz;
CREATE INDEX sessions_of ON sessions (person_id, started_at DESC) WHERE ended_at IS NULL;

-- Keys of people: passkeys, the secret of an authenticator, codes for the day when both are lost.
CREATE TABLE passkeys (
    credential_id bytea PRIMARY KEY,
    passkey_id uuid NOT NULL UNIQUE,
    person_id uuid NOT NULL REFERENCES people,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL CHECK (sign_count >= 0),
    label text NOT NULL CHECK (label <> ''),
    created_at timestamptz NOT NULL,
    used_at timestamptz,
    ended_at timestamptz
);
CREATE INDEX passkeys_of ON passkeys (person_id) WHERE ended_at IS NULL;

CREATE TABLE authenticators (
    authenticator_id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people,
    sealed_secret bytea NOT NULL,
    last_step bigint NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    tries_since timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    ended_at timestamptz
);
CREATE UNIQUE INDEX authenticator_of ON authenticators (person_id)
    WHERE ended_at IS NULL AND confirmed_at IS NOT NULL;

CREATE TABLE recovery_codes (
    person_id uuid NOT NULL REFERENCES people,
    code_hash bytea NOT NULL,
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (person_id, code_hash)
);

-- A code by mail for an act that wants to know once more who is there.
CREATE TABLE proof_codes (
    code_id uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (session_id),
    code_hash bytea NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX proof_codes_of ON proof_codes (session_id, asked_at DESC);

-- Questions put to a browser (a passkey's challenge, the way to a sign-in provider) that were answered: once each.
CREATE TABLE answered_ceremonies (
    token_hash bytea PRIMARY KEY,
    answered_at timestamptz NOT NULL
);

-- Who a person is at the house's sign-in provider.
CREATE TABLE identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    person_id uuid NOT NULL REFERENCES people,
    linked_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (person_id, issuer)
);

-- What somebody wants to give up of a claim, where it is so much that a second person has to agree.
CREATE TABLE write_offs (
    supplier_id uuid NOT NULL,
    write_off_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('to_agree', 'agreed', 'refused')),
    decided_by text,
    decided_at timestamptz,
    PRIMARY KEY (supplier_id, write_off_id),
    FOREIGN KEY (supplier_id, claim_id) REFERENCES interest_claims,
    CHECK (decided_by <> asked_by OR state = 'refused'),
    CHECK ((state = 'to_agree') = (decided_by IS NULL))
);
CREATE UNIQUE INDEX one_open_write_off ON write_offs (supplier_id, claim_id) WHERE state = 'to_agree';
