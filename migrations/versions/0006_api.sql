-- Programs that call: clients, scopes, tokens, answers kept by Idempotency-Key.

CREATE TABLE api_clients (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    client_id uuid NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    secret_hash bytea NOT NULL,
    -- The secret before this one, good until then: a program is changed over without a pause.
    previous_hash bytea,
    previous_until timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    rotated_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (supplier_id, client_id)
);

ALTER TABLE api_tokens ADD COLUMN token_id uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE api_tokens ALTER COLUMN token_id DROP DEFAULT;
ALTER TABLE api_tokens ADD CONSTRAINT api_tokens_by_id UNIQUE (supplier_id, token_id);
-- What it may be used for; NULL: everything, as every token before there were scopes.
ALTER TABLE api_tokens ADD COLUMN scopes text[];
-- Whose it is: a client's (short-lived, by OAuth 2), a person's own, or the house's.
ALTER TABLE api_tokens ADD COLUMN client_id uuid;
ALTER TABLE api_tokens ADD COLUMN person_id uuid;
ALTER TABLE api_tokens ADD COLUMN expires_at timestamptz;
ALTER TABLE api_tokens ADD COLUMN last_used_at timestamptz;
-- The check of the new key reads rows of every supplier, which no policy lets anybody do.
ALTER TABLE api_tokens NO FORCE ROW LEVEL SECURITY;
ALTER TABLE api_tokens ADD CONSTRAINT api_tokens_of_client
    FOREIGN KEY (supplier_id, client_id) REFERENCES api_clients (supplier_id, client_id);
ALTER TABLE api_tokens FORCE ROW LEVEL SECURITY;
CREATE INDEX api_tokens_of_client ON api_tokens (supplier_id, client_id, created_at) WHERE client_id IS NOT NULL;

-- What a call with an Idempotency-Key answered, byte for byte.
CREATE TABLE api_requests (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    request_key text NOT NULL,
    input_hash bytea NOT NULL,
    status smallint,
    headers jsonb,
    answer bytea,
    created_at timestamptz NOT NULL,
    answered_at timestamptz,
    PRIMARY KEY (supplier_id, request_key)
);
