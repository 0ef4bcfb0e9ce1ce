-- Indicators: what is mailed to whom, and when. The figures themselves are computed from the books, never kept.

CREATE TABLE indicator_mailings (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    mailing_id uuid NOT NULL,
    -- Somebody of the staff, of the register; who has left gets nothing.
    person_id uuid NOT NULL,
    rhythm text NOT NULL CHECK (rhythm IN ('daily', 'weekly', 'monthly')),
    -- Whose customers: a collector or a segment; all where empty.
    narrowed jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL CHECK (state IN ('on', 'off')),
    next_on date NOT NULL,
    asked_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, mailing_id)
);
CREATE INDEX indicator_mailings_due ON indicator_mailings (supplier_id, next_on) WHERE state = 'on';

-- Books as of a day begin with what came after it.
CREATE INDEX receivable_items_by_day ON receivable_items (supplier_id, booked_on);
