-- How long documents are kept, what finds them and their evidence again, and how blocks of the audit trail are hashed.

-- Ten years from the close of the accounting year (C. com. art. L123-22), which is the calendar year for every document
-- that is there already. Filled while the column gets its type: no row is updated, no guard is lifted.
ALTER TABLE documents ADD COLUMN retain_until date;
ALTER TABLE documents ALTER COLUMN retain_until TYPE date
    USING make_date(extract(year FROM created_at AT TIME ZONE 'Europe/Paris')::integer + 10, 12, 31);
ALTER TABLE documents ALTER COLUMN retain_until SET NOT NULL;
-- The default is for the release before this one, which may still run while a house is brought up to date.
ALTER TABLE documents ALTER COLUMN retain_until
    SET DEFAULT make_date(extract(year FROM now() AT TIME ZONE 'Europe/Paris')::integer + 10, 12, 31);

CREATE INDEX documents_by_content ON documents (supplier_id, sha256 COLLATE "C");
CREATE INDEX audit_rows_by_object ON audit_rows (supplier_id, object);

-- Scheme 1 hashes the rows of a block as one text, scheme 2 hashes the hashes of its rows, so that one row can be shown
-- to be in its block without showing the others. Blocks of before, and of a release that still runs, are scheme 1.
ALTER TABLE audit_seals ADD COLUMN scheme smallint NOT NULL DEFAULT 1 CHECK (scheme IN (1, 2));
