-- What lists of a million invoices are narrowed and searched by. Columns and ranges only: with row-level security,
-- PostgreSQL uses no index for a comparison that might leak.

ALTER TABLE invoices ADD COLUMN compact_reference text
    GENERATED ALWAYS AS (nullif(regexp_replace(upper(buyer_reference), '[^A-Z0-9]', '', 'g'), '')) STORED;
CREATE INDEX invoices_by_reference ON invoices (supplier_id, compact_reference) WHERE compact_reference IS NOT NULL;
-- An amount that somebody looks for.
CREATE INDEX invoices_by_amount ON invoices (supplier_id, payable_minor, issued_on DESC, invoice_id DESC);
-- Credit notes are few.
CREATE INDEX invoices_in_favour ON invoices (supplier_id, issued_on DESC, invoice_id DESC)
    WHERE type_code IN ('261', '262', '296', '308', '381', '396', '420', '458', '502', '503', '532', '81', '83');

-- What is open, with all that totals, ages and the list of customers read of it: none of them looks at the rows.
DROP INDEX receivable_items_open;
CREATE INDEX receivable_items_open ON receivable_items (supplier_id, customer_id, due_on)
    INCLUDE (currency, debit, amount_minor, open_minor, kind, invoice_id) WHERE open_minor > 0;
