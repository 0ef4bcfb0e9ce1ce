-- Exports: closed periods, numbers of validated entries, rates of other currencies.

-- The day of the document behind an entry that is booked later than that, because its own period was closed by then.
ALTER TABLE entries ADD COLUMN document_on date CHECK (document_on < booked_on);

-- Until which day the books are closed now; no row before the first close.
CREATE TABLE closed_periods (
    supplier_id uuid PRIMARY KEY REFERENCES suppliers,
    closed_until date,
    changed_at timestamptz NOT NULL
);

-- Who closed the books until which day, and who opened them again from which day, for which reason.
CREATE TABLE period_acts (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    act_id uuid NOT NULL,
    act text NOT NULL CHECK (act IN ('closed', 'reopened')),
    -- The last closed day after the act; none where everything is open again.
    closed_until date,
    reason text,
    actor text NOT NULL,
    acted_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, act_id),
    CHECK (CASE act WHEN 'closed' THEN closed_until IS NOT NULL ELSE reason <> '' END)
);

-- Numbers of entries (EcritureNum), given at their validation: continuous per journal and accounting year.
CREATE TABLE entry_numbers (
    supplier_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    journal text NOT NULL,
    year_ends_on date NOT NULL,
    serial integer NOT NULL CHECK (serial > 0),
    validated_on date NOT NULL,
    validated_by text NOT NULL,
    validated_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, entry_id),
    UNIQUE (supplier_id, journal, year_ends_on, serial),
    FOREIGN KEY (supplier_id, entry_id) REFERENCES entries
);
CREATE INDEX entry_numbers_by_year ON entry_numbers (supplier_id, year_ends_on, validated_on, journal, serial);
CREATE INDEX entries_by_day ON entries (supplier_id, booked_on);

-- Units of a currency for one euro on a day, as central banks quote it.
CREATE TABLE exchange_rates (
    supplier_id uuid NOT NULL REFERENCES suppliers,
    currency char(3) NOT NULL CHECK (currency <> 'EUR'),
    quoted_on date NOT NULL,
    per_euro numeric NOT NULL CHECK (per_euro > 0),
    source text NOT NULL CHECK (source <> ''),
    kept_at timestamptz NOT NULL,
    PRIMARY KEY (supplier_id, currency, quoted_on)
);

-- Nothing is booked in a closed period. Whoever closes one waits for the entries under way and holds back new ones; a
-- transaction that did not know of the close yet is told to begin again (40001), and books on the first open day then.
CREATE FUNCTION refuse_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner uuid;
    until date;
BEGIN
    SELECT supplier_id INTO owner FROM fresh LIMIT 1;
    IF owner IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('periods:' || owner, 0));
    SELECT closed_until INTO until FROM closed_periods WHERE supplier_id = owner;
    IF EXISTS (SELECT 1 FROM fresh WHERE booked_on <= until) THEN
        RAISE EXCEPTION 'The books are closed until %: book on a later day.', until
            USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER closed_periods_stay AFTER INSERT ON entries
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_period();
