-- Flows of every kind, over every platform that a supplier has or had; documents that belong to no invoice of ours.

ALTER TABLE documents ALTER COLUMN invoice_id DROP NOT NULL;
ALTER TABLE documents DROP CONSTRAINT documents_form_check;
ALTER TABLE documents ADD CONSTRAINT documents_form_check
    CHECK (form IN ('original', 'facturx', 'cii', 'ubl', 'cdar', 'flux10', 'received', 'attachment'));

ALTER TABLE platform_flows ALTER COLUMN invoice_id DROP NOT NULL;
ALTER TABLE platform_flows DROP CONSTRAINT platform_flows_kind_check;
ALTER TABLE platform_flows ADD CONSTRAINT platform_flows_kind_check
    CHECK (kind IN ('invoice', 'status', 'report', 'buyer_status'));
-- What the flow is about where it is no invoice of ours: a declaration, or an invoice received.
ALTER TABLE platform_flows ADD COLUMN subject_id uuid;
-- A flow that a platform refused for its form may be sent anew: the same subject, the next attempt, a new tracking id.
ALTER TABLE platform_flows ADD COLUMN attempt integer NOT NULL DEFAULT 1 CHECK (attempt > 0);
ALTER TABLE platform_flows ADD COLUMN submitted_at timestamptz;
-- What the platform is told beside the file: {"processing_rule": ..., "profile": ...}, the same each time it is sent.
ALTER TABLE platform_flows ADD COLUMN told jsonb NOT NULL DEFAULT '{}';
-- When the last try to send began: a platform's search may know of it only a while later.
ALTER TABLE platform_flows ADD COLUMN tried_at timestamptz;
-- When to ask next whether the platform has judged the flow, and how often it was asked: at growing intervals.
ALTER TABLE platform_flows ADD COLUMN ask_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE platform_flows ADD COLUMN asks integer NOT NULL DEFAULT 0;
CREATE INDEX platform_flows_to_ask ON platform_flows (supplier_id, account_id, ask_at) WHERE state = 'sent';
CREATE INDEX platform_flows_by_change ON platform_flows (supplier_id, changed_at DESC);
CREATE INDEX platform_flows_by_subject ON platform_flows (supplier_id, subject_id) WHERE subject_id IS NOT NULL;

-- An earlier platform is followed until its flows are settled, then closed.
ALTER TABLE platform_accounts ADD COLUMN closed_at timestamptz;
-- Public buyers may be served through another account (Chorus Pro) than everybody else.
ALTER TABLE platform_accounts ADD COLUMN serves text NOT NULL DEFAULT 'all' CHECK (serves IN ('all', 'public'));
DROP INDEX one_active_platform;
CREATE UNIQUE INDEX one_active_platform ON platform_accounts (supplier_id, serves) WHERE active;

-- Where a platform calls us: its id for the subscription, and the key with which it signs.
CREATE TABLE platform_hooks (
    supplier_id uuid NOT NULL,
    account_id uuid NOT NULL,
    webhook_ref text NOT NULL,
    sealed_signing_key bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('live', 'ended')),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, account_id, webhook_ref),
    FOREIGN KEY (supplier_id, account_id) REFERENCES platform_accounts
);

-- The circuit breaker of a platform: failures in a row and the last one's sentence, since when it is open, and when it
-- may be asked again (also the moment that a 429 or 503 named, with no failure at all).
CREATE TABLE platform_calls (
    supplier_id uuid NOT NULL,
    account_id uuid NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    reason text,
    opened_at timestamptz,
    retry_at timestamptz,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, account_id),
    FOREIGN KEY (supplier_id, account_id) REFERENCES platform_accounts
);

-- The worker asks often who has something to do: facts by their kind, mails that wait.
DROP INDEX outbox_to_do;
CREATE INDEX outbox_to_do ON outbox (supplier_id, kind, next_try_at, outbox_id) WHERE state = 'new';
CREATE INDEX mails_to_send ON mails (supplier_id, created_at) WHERE state = 'to_send';
