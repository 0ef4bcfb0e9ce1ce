-- Lettering by hand: transfers between accounts of customers, money in another currency than its invoice.

-- From which day an allocation counts, for books as of a day: the later day of its two lines; one that is undone, the day
-- of what undid it. Those of before count from the days of their lines.
ALTER TABLE allocations ADD COLUMN effective_on date NOT NULL DEFAULT DATE '1970-01-01';
ALTER TABLE allocations ALTER COLUMN effective_on DROP DEFAULT;

-- Open credit of one account used for another: of another customer (a parent pays for its child), or in another currency.
-- The one account gives it (a return of ref move/<id>), the other has it (a payment of that ref).
CREATE TABLE moved_credits (
    supplier_id uuid NOT NULL,
    move_id uuid NOT NULL,
    from_attempt uuid NOT NULL,
    to_attempt uuid NOT NULL,
    from_customer uuid NOT NULL,
    to_customer uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency char(3) NOT NULL,
    into_minor bigint NOT NULL CHECK (into_minor > 0),
    into_currency char(3) NOT NULL,
    -- What the books held the foreign amount for, in minor units of the euro.
    books_minor bigint CHECK (books_minor > 0),
    reason text,
    actor text NOT NULL,
    moved_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, move_id),
    UNIQUE (supplier_id, to_attempt),
    FOREIGN KEY (supplier_id, from_attempt) REFERENCES payment_attempts,
    FOREIGN KEY (supplier_id, to_attempt) REFERENCES payment_attempts,
    CHECK (from_customer <> to_customer OR currency <> into_currency),
    CHECK ((currency <> into_currency) = (books_minor IS NOT NULL))
);
CREATE INDEX moved_credits_by_source ON moved_credits (supplier_id, from_attempt);
CREATE INDEX allocations_by_day ON allocations (supplier_id, effective_on);
