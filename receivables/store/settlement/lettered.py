"""What is lettered on documents, and what they ask for, read again from the books: for the checks."""

from __future__ import annotations

LETTERED = (
    "SELECT debit.invoice_id, CASE credit.kind WHEN 'receipt' THEN 'cash' ELSE 'set_off' END AS kind, "
    "sum(allocation.amount_minor) AS minor FROM allocations AS allocation JOIN receivable_items AS debit "
    "ON debit.supplier_id = :supplier AND debit.posting_id = allocation.debit_posting_id AND debit.kind = 'invoice' "
    "JOIN receivable_items AS credit ON credit.supplier_id = :supplier "
    "AND credit.posting_id = allocation.credit_posting_id AND credit.kind IN ('receipt', 'credit_note') "
    "WHERE allocation.supplier_id = :supplier GROUP BY 1, 2 UNION ALL "
    "SELECT credit.invoice_id, 'set_off', -sum(allocation.amount_minor) FROM allocations AS allocation "
    "JOIN receivable_items AS credit ON credit.supplier_id = :supplier "
    "AND credit.posting_id = allocation.credit_posting_id AND credit.kind = 'credit_note' "
    "JOIN receivable_items AS debit ON debit.supplier_id = :supplier "
    "AND debit.posting_id = allocation.debit_posting_id AND debit.kind <> 'reversal' "
    "WHERE allocation.supplier_id = :supplier GROUP BY 1"
)
"""What is lettered on invoices by receipts and credit notes, and on credit notes, below zero, by invoices."""
ASKED_FOR = (
    "SELECT invoice_id, CASE WHEN debit THEN abs(payable_minor) ELSE -abs(payable_minor) END AS minor, "
    "prepaid_minor, vat_rows FROM receivable_items JOIN invoices USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND kind IN ('invoice', 'credit_note')"
)
"""What a document asks for: above zero on its customer's account, or below."""
