"""What was declared by Flux 10 against what the books hold: the queries of the invariants I11."""

from __future__ import annotations

from receivables.domain.invoicing.invoices import CREDIT_NOTES

LINES_OF_RECEIPTS = "SELECT count(*) FROM report_lines WHERE supplier_id = :supplier AND amount_minor IS NOT NULL"
LINES_OF_SALES = "SELECT count(*) FROM report_lines WHERE supplier_id = :supplier AND taxable_minor IS NOT NULL"

_NEWEST = (
    "SELECT * FROM (SELECT DISTINCT ON (kind, starts_on) report_id, kind, starts_on, ends_on, state, created_at "
    "FROM reports WHERE supplier_id = :supplier ORDER BY kind, starts_on, version DESC) AS version "
    "WHERE state <> 'refused'"
)
"""The version that counts of each declared period; a refused one waits for a human, who was told."""
_DECLARED_BY_US = (
    "invoice.routing IN ('b2c', 'b2b_international') AND NOT EXISTS (SELECT 1 FROM platform_flows AS flow "
    "WHERE flow.supplier_id = :supplier AND flow.invoice_id = invoice.invoice_id AND flow.kind = 'invoice')"
)
"""Sales and receipts that go to the State by Flux 10; what a platform has, it declares itself."""
_KNOWN_THEN = (
    "(fact.created_at <= newest.created_at "
    "OR newest.state <> 'prepared' AND fact.created_at < now() - interval '2 hours')"
)
"""Booked when the version was made; or since, and the rectifying report that it asks for has had its time."""
_SENSE = f"CASE WHEN invoice.type_code IN ({', '.join(repr(c) for c in sorted(CREDIT_NOTES))}) THEN -1 ELSE 1 END"

GAP_OF_RECEIPTS = (
    f"WITH newest AS ({_NEWEST}), held AS (SELECT report_id, fact.invoice_id, "
    "CAST(part ->> 'rate' AS numeric) AS rate, sum(CAST(part ->> 'amount_minor' AS bigint)) AS minor FROM newest "
    "JOIN collections AS fact ON fact.supplier_id = :supplier AND collected_on BETWEEN starts_on AND ends_on "
    "JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = fact.invoice_id "
    "CROSS JOIN jsonb_array_elements(split) AS part WHERE newest.kind = 'payments' AND vat_on_collection "
    f"AND {_DECLARED_BY_US} AND {_KNOWN_THEN} AND EXISTS (SELECT 1 FROM jsonb_array_elements(vat_rows) AS vat "
    "WHERE CAST(vat ->> 'rate' AS numeric) = CAST(part ->> 'rate' AS numeric) "
    "AND vat ->> 'category' NOT IN ('AE', 'K', 'G')) GROUP BY 1, 2, 3), "
    "declared AS (SELECT report_id, invoice_id, rate, sum(amount_minor) AS minor FROM newest "
    "JOIN report_lines USING (report_id) WHERE supplier_id = :supplier AND kind = 'payments' GROUP BY 1, 2, 3) "
    "SELECT coalesce(sum(abs(coalesce(held.minor, 0) - coalesce(declared.minor, 0))), 0) "
    "FROM held FULL JOIN declared USING (report_id, invoice_id, rate)"
)
"""I11, in cents."""

GAP_OF_SALES = (
    f"WITH newest AS ({_NEWEST}), sold AS (SELECT invoice_id, issued_on AS day, 1 AS times, created_at "
    "FROM invoices WHERE supplier_id = :supplier AND opening_id IS NULL UNION ALL "
    "SELECT replaced_id, new.issued_on, -1, new.created_at FROM replacements JOIN invoices AS new "
    "ON new.supplier_id = :supplier AND new.invoice_id = by_id JOIN invoices AS old ON old.supplier_id = :supplier "
    "AND old.invoice_id = replaced_id WHERE replacements.supplier_id = :supplier AND old.routing = 'b2c'), "
    "held AS (SELECT report_id, invoice.invoice_id, CAST(vat ->> 'rate' AS numeric) AS rate, "
    f"sum(times * {_SENSE} * CAST(vat ->> 'taxable_minor' AS bigint)) AS base, "
    f"sum(times * {_SENSE} * CAST(vat ->> 'tax_minor' AS bigint)) AS tax "
    "FROM newest JOIN sold AS fact ON fact.day BETWEEN starts_on AND ends_on "
    "JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = fact.invoice_id "
    "CROSS JOIN jsonb_array_elements(vat_rows) AS vat WHERE newest.kind = 'transactions' "
    f"AND {_DECLARED_BY_US} AND {_KNOWN_THEN} GROUP BY 1, 2, 3), "
    "declared AS (SELECT report_id, invoice_id, rate, sum(taxable_minor) AS base, sum(tax_minor) AS tax "
    "FROM newest JOIN report_lines USING (report_id) WHERE supplier_id = :supplier AND kind = 'transactions' "
    "GROUP BY 1, 2, 3) SELECT coalesce(sum(abs(coalesce(held.base, 0) - coalesce(declared.base, 0)) "
    "+ abs(coalesce(held.tax, 0) - coalesce(declared.tax, 0))), 0) "
    "FROM held FULL JOIN declared USING (report_id, invoice_id, rate)"
)
"""I11-SALES, in cents; a consumer's invoice that was replaced is taken off on the day of its corrective one."""

DECLARED_TWICE = (
    f"WITH newest AS ({_NEWEST}), declared AS (SELECT invoice_id, sequence, rate, count(*) AS times, "
    "sum(abs(amount_minor)) AS minor FROM newest JOIN report_lines USING (report_id) "
    "WHERE supplier_id = :supplier AND kind = 'payments' GROUP BY 1, 2, 3) "
    "SELECT coalesce(sum(minor), 0) FROM declared WHERE times > 1 OR EXISTS (SELECT 1 FROM statuses AS told "
    "WHERE told.supplier_id = :supplier AND told.invoice_id = declared.invoice_id AND code = '212' "
    "AND direction = 'out' AND substring(message_id FROM '_212_[0-9]+-([0-9]+)#') = declared.sequence::text)"
)
"""I11-ROADS, in cents."""
