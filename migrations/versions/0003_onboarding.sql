-- Connecting a platform: what each test call showed; and problems that a person has dealt with.

-- The verdict of one test of an account, step by step: [{"step": ..., "outcome": ..., "why": ..., "facts": {...}}].
CREATE TABLE platform_trials (
    supplier_id uuid NOT NULL,
    trial_id uuid NOT NULL,
    account_id uuid NOT NULL,
    steps jsonb NOT NULL,
    tried_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, trial_id),
    FOREIGN KEY (supplier_id, account_id) REFERENCES platform_accounts
);
CREATE INDEX platform_trials_by_account ON platform_trials (supplier_id, account_id, tried_at DESC);

-- A cause of trouble is dealt with up to now; what happens for the same cause later is shown again.
CREATE TABLE troubles_set_aside (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    cause text NOT NULL,
    person_id uuid NOT NULL,
    note text NOT NULL CHECK (note <> ''),
    set_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, cause, set_at)
);
