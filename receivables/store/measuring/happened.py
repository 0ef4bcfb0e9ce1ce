"""What happened in a period, as lines behind indicators: disputes, promises, reminders, bank lines, debits, fees.

Each query yields customer, invoice, reference, kind, day, due day, amount in minor units, and days
(:mod:`receivables.store.measuring.measures` adds them up). ``:since`` and ``:on`` are the first and last day of the
period, ``:from`` and ``:until`` the instants at which it begins and ends in Paris.
"""

from __future__ import annotations

from receivables.domain.invoicing.invoices import CLAIM

_PARIS = "AT TIME ZONE 'Europe/Paris')::date"

DISPUTES = (
    "SELECT dispute.customer_id, dispute.invoice_id, invoice.number AS reference, told.kind, "
    f"(told.at {_PARIS} AS day, told.due_on, least(coalesce(dispute.amount_minor, invoice.payable_minor), "
    f"invoice.payable_minor) AS amount_minor, (told.at {_PARIS} - (dispute.opened_at {_PARIS} AS days "
    "FROM disputes AS dispute JOIN invoices AS invoice USING (supplier_id, invoice_id), LATERAL (VALUES "
    "('answered', dispute.answered_at, dispute.answer_due_on), ('closed', dispute.closed_at, dispute.close_due_on)) "
    "AS told (kind, at, due_on) WHERE dispute.supplier_id = :supplier AND dispute.merged_into IS NULL "
    "AND dispute.currency = :currency AND told.at >= :from AND told.at < :until"
)
"""Disputes that had their first answer, or their outcome: days since they were opened."""
PROMISES = (
    "SELECT customer_id, CAST(NULL AS uuid) AS invoice_id, said_by AS reference, state AS kind, promised_on AS day, "
    "judged_on AS due_on, amount_minor, least(kept_minor, amount_minor) AS kept_minor, 0 AS days FROM promises "
    "WHERE supplier_id = :supplier AND currency = :currency AND state IN ('kept', 'partly', 'broken') "
    "AND judged_on BETWEEN :since AND :on AND changed_at < :until"
)
"""Promises whose day was judged."""
REMINDERS = (
    "SELECT notice.customer_id, dunned.invoice_id, invoice.number AS reference, notice.channel AS kind, "
    "notice.written_on AS day, dunned.late_from AS due_on, dunned.amount_minor, 0 AS days, "
    "EXISTS (SELECT 1 FROM receivable_items AS item JOIN allocations AS moved ON moved.supplier_id = :supplier "
    "AND moved.debit_posting_id = item.posting_id JOIN receivable_items AS credit ON credit.supplier_id = :supplier "
    "AND credit.posting_id = moved.credit_posting_id AND credit.kind = 'receipt' WHERE item.supplier_id = :supplier "
    "AND item.invoice_id = dunned.invoice_id AND moved.amount_minor > 0 AND moved.effective_on <= :on "
    "AND credit.booked_on BETWEEN notice.written_on AND least(notice.written_on + 7, :on)) AS paid "
    "FROM dunning_notices AS notice JOIN dunned_invoices AS dunned USING (supplier_id, notice_id) "
    "JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = dunned.invoice_id "
    "WHERE notice.supplier_id = :supplier AND notice.channel <> 'task' AND notice.state IN ('written', 'posted') "
    "AND dunned.currency = :currency AND notice.written_on BETWEEN :since AND :on"
)
"""Reminders by invoice; ``paid``: money came for it within seven days."""
BANK = (
    "SELECT customer_id, CAST(NULL AS uuid) AS invoice_id, "
    "coalesce(nullif(remittance, ''), counterparty) AS reference, "
    "state AS kind, booked_on AS day, CAST(NULL AS date) AS due_on, amount_minor, 0 AS days, "
    "state = 'matched' AND settled_by = 'rule' AS by_rule FROM bank_lines "
    "WHERE supplier_id = :supplier AND currency = :currency AND amount_minor > 0 "
    "AND state IN ('matched', 'proposed', 'unidentified') AND booked_on BETWEEN :since AND :on"
)
"""Money at the bank that had to be matched; ``by_rule``: nobody had to look."""
ISSUED = (
    "SELECT customer_id, invoice_id, number AS reference, type_code AS kind, issued_on AS day, due_on, "
    "payable_minor AS amount_minor, 0 AS days, invoice_id NOT IN (SELECT invoice_id FROM disputes "
    "WHERE supplier_id = :supplier AND merged_into IS NULL AND opened_at < :until UNION ALL "
    "SELECT invoice_id FROM statuses WHERE supplier_id = :supplier AND code IN ('207', '208', '210', '213') "
    "AND set_at < :until UNION ALL SELECT replaced_id FROM replacements WHERE supplier_id = :supplier "
    "AND replaced_at < :until) AS clean FROM invoices WHERE supplier_id = :supplier AND currency = :currency "
    f"AND issued_on BETWEEN :since AND :on AND type_code <> '{CLAIM}' AND invoice_id IN (SELECT invoice_id "
    "FROM receivable_items WHERE supplier_id = :supplier AND kind = 'invoice')"
)
"""Invoices of the period; ``clean``: right the first time, never disputed, refused, rejected or replaced."""
_RETURNED = "back.state = 'done' AND back.returned_on <= :on"
DEBITS = (
    "SELECT mandate.customer_id, debit.invoice_id, debit.end_to_end_id AS reference, debit.state AS kind, "
    "debit.collect_on AS day, CAST(NULL AS date) AS due_on, debit.amount_minor, 0 AS days, "
    "debit.state IN ('rejected', 'returned') AND (debit.returned_on IS NULL OR debit.returned_on <= :on) AS back "
    "FROM debits AS debit JOIN mandates AS mandate USING (supplier_id, mandate_id) "
    "WHERE debit.supplier_id = :supplier AND debit.currency = :currency "
    "AND debit.state IN ('collected', 'rejected', 'returned') AND debit.collect_on BETWEEN :since AND :on UNION ALL "
    "SELECT customer_id, CAST(NULL AS uuid), coalesce(payment_ref, attempt_id::text), state, "
    f"(created_at {_PARIS}, NULL, amount_minor, 0, state = 'failed' OR EXISTS (SELECT 1 FROM debit_returns AS back "
    f"WHERE back.supplier_id = :supplier AND back.attempt_id = paid.attempt_id AND {_RETURNED}) "
    "FROM payment_attempts AS paid WHERE supplier_id = :supplier AND currency = :currency AND road = 'provider' "
    "AND method = 'sepa_debit' AND state IN ('succeeded', 'failed') AND created_at >= :from AND created_at < :until"
)
"""SEPA debits of which the bank has said something, ours and those of providers; ``back``: rejected or returned."""
FEES = (
    "SELECT CAST(NULL AS uuid) AS customer_id, CAST(NULL AS uuid) AS invoice_id, entry.document_ref AS reference, "
    "entry.source_kind AS kind, entry.booked_on AS day, CAST(NULL AS date) AS due_on, "
    "posting.debit_minor - posting.credit_minor AS amount_minor, 0 AS days FROM postings AS posting "
    "JOIN entries AS entry USING (supplier_id, entry_id) WHERE supplier_id = :supplier "
    "AND posting.currency = :currency AND posting.account = :fees AND entry.booked_on BETWEEN :since AND :on"
)
"""Fees of providers and banks, as booked (627)."""
RECEIVED = (
    "SELECT customer_id, invoice_id, reference, kind, booked_on AS day, CAST(NULL AS date) AS due_on, amount_minor, "
    "0 AS days FROM receivable_items WHERE supplier_id = :supplier AND currency = :currency AND kind = 'receipt' "
    "AND booked_on BETWEEN :since AND :on AND NOT starts_with(reference, 'move/')"
)
"""Money received from customers; credit that moved from one account to another came in once."""
