-- What the database itself refuses, whatever the code does.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Table % is append-only: write a reversal instead of changing or removing a row.', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION require_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gap bigint;
BEGIN
    SELECT max(abs(difference)) INTO gap FROM (
        SELECT sum(debit_minor) - sum(credit_minor) AS difference FROM postings
        WHERE supplier_id = NEW.supplier_id AND entry_id = NEW.entry_id GROUP BY currency
    ) AS per_currency;
    IF gap <> 0 THEN
        RAISE EXCEPTION 'Entry % does not balance: debit and credit differ by % minor units.', NEW.entry_id, gap
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_balance();

-- One round trip for the webhook road: the supplier is set and the events stored in one call.
-- The answer says which external ids are new, so that a repeated delivery is known as such.
CREATE FUNCTION accept_events(supplier uuid, event_source text, events jsonb) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    stored integer;
BEGIN
    PERFORM set_config('app.supplier_id', supplier::text, true);
    INSERT INTO inbox (supplier_id, source, external_id, body)
        SELECT supplier, event_source, event ->> 'id', decode(event ->> 'body', 'base64')
        FROM jsonb_array_elements(events) AS event
        ON CONFLICT (supplier_id, source, external_id) DO NOTHING;
    GET DIAGNOSTICS stored = ROW_COUNT;
    RETURN stored;
END $$;
