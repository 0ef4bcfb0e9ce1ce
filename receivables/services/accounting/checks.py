"""Prove the books: every invariant that the database can show, recomputed from the append-only rows.

Each check counts what it looked at and how much of it is wrong; a gap other than zero is a defect, never a warning.
The same checks run in tests, in the crash harness and in production (``quittance verify``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.services.accounting.report_checks import (
    DECLARED_TWICE,
    GAP_OF_RECEIPTS,
    GAP_OF_SALES,
    LINES_OF_RECEIPTS,
    LINES_OF_SALES,
)
from receivables.services.accounting.sealing import verify_chain
from receivables.store.collecting.claims import BORN_ON
from receivables.store.customer_file.standings import STANDINGS, WRONG_STANDINGS
from receivables.store.settlement.lettered import ASKED_FOR, LETTERED
from receivables.store.work import to_json

if TYPE_CHECKING:
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: ``looked_at`` rows, ``gap`` of them (or minor units) wrong."""

    code: str
    title: str
    looked_at: int
    gap: int


@dataclass(frozen=True, slots=True)
class _Check:
    code: str
    title: str
    looked_at: str
    gap: str


_MOVED = "sum(CASE WHEN debit THEN open_minor ELSE -open_minor END)"


CHECKS = (
    _Check(
        "I3",
        "messages that nobody could process (buried)",
        "SELECT (SELECT count(*) FROM inbox WHERE supplier_id = :supplier) "
        "+ (SELECT count(*) FROM outbox WHERE supplier_id = :supplier)",
        "SELECT (SELECT count(*) FROM inbox WHERE supplier_id = :supplier AND state = 'buried' AND reason IS NULL) "
        "+ (SELECT count(*) FROM outbox WHERE supplier_id = :supplier AND state = 'buried' AND reason IS NULL)",
    ),
    _Check(
        "I4",
        "one entry per payment, per return and per return that failed, one line on 411 for each",
        "SELECT count(*) FROM entries WHERE supplier_id = :supplier "
        "AND source_kind IN ('receipt', 'return', 'return_failed')",
        "SELECT count(*) FROM (SELECT entry.source_ref FROM entries AS entry LEFT JOIN postings AS posting "
        "ON posting.supplier_id = :supplier AND posting.entry_id = entry.entry_id AND posting.customer_id IS NOT NULL "
        "LEFT JOIN receivable_items AS item ON item.supplier_id = :supplier "
        "AND item.posting_id = posting.posting_id AND item.reference = entry.source_ref "
        "WHERE entry.supplier_id = :supplier AND entry.source_kind IN ('receipt', 'return', 'return_failed') "
        "GROUP BY entry.source_kind, entry.source_ref HAVING count(item.posting_id) <> 1) AS wrong",
    ),
    _Check(
        "I5",
        "entries balance, and the ledger sums to zero",
        "SELECT count(*) FROM entries WHERE supplier_id = :supplier",
        "SELECT count(*) FROM (SELECT entry.entry_id FROM entries AS entry LEFT JOIN postings AS posting "
        "ON posting.supplier_id = :supplier AND posting.entry_id = entry.entry_id "
        "WHERE entry.supplier_id = :supplier GROUP BY entry.entry_id, posting.currency "
        "HAVING coalesce(sum(debit_minor) - sum(credit_minor), 1) <> 0) AS wrong",
    ),
    _Check(
        "I5-BACK",
        "what is taken back is taken back whole: a reversal mirrors its entry on every account, and each invoice that "
        "was replaced has one, in cents",
        "SELECT count(*) FROM replacements WHERE supplier_id = :supplier",
        "SELECT (SELECT coalesce(sum(abs(minor)), 0) FROM (SELECT coalesce(reverses_id, entry_id) AS pair_id, account, "
        "posting.customer_id, posting.invoice_id, currency, sum(debit_minor - credit_minor) AS minor "
        "FROM entries AS entry JOIN postings AS posting USING (supplier_id, entry_id) WHERE supplier_id = :supplier "
        "AND (reverses_id IS NOT NULL OR EXISTS (SELECT 1 FROM entries AS back WHERE back.supplier_id = :supplier "
        "AND back.reverses_id = entry.entry_id)) GROUP BY 1, 2, 3, 4, 5) AS both_entries) "
        "+ (SELECT count(*) FROM replacements AS taken JOIN entries AS sale ON sale.supplier_id = :supplier "
        "AND sale.source_kind IN ('invoice', 'opening') AND sale.source_ref = taken.replaced_id::text "
        "WHERE taken.supplier_id = :supplier AND NOT EXISTS (SELECT 1 FROM entries AS back "
        "WHERE back.supplier_id = :supplier AND back.reverses_id = sale.entry_id AND back.source_kind = 'reversal')) "
        "+ (SELECT coalesce(sum(item.open_minor), 0) FROM replacements AS taken JOIN receivable_items AS item "
        "ON item.supplier_id = :supplier AND item.invoice_id = taken.replaced_id WHERE taken.supplier_id = :supplier)",
    ),
    _Check(
        "I6",
        "open amount of every 411 line = its amount less its allocations",
        "SELECT count(*) FROM receivable_items WHERE supplier_id = :supplier",
        "WITH used AS (SELECT posting_id, sum(amount_minor) AS used_minor FROM ("
        "SELECT debit_posting_id AS posting_id, amount_minor FROM allocations WHERE supplier_id = :supplier UNION ALL "
        "SELECT credit_posting_id, amount_minor FROM allocations WHERE supplier_id = :supplier) AS both_sides "
        "GROUP BY posting_id), line AS (SELECT posting_id, debit_minor + credit_minor AS amount_minor FROM postings "
        "JOIN entries USING (supplier_id, entry_id) WHERE supplier_id = :supplier AND customer_id IS NOT NULL "
        "AND source_kind <> 'doubtful') "
        "SELECT count(*) FROM line FULL JOIN receivable_items AS item "
        "ON item.supplier_id = :supplier AND item.posting_id = line.posting_id "
        "LEFT JOIN used ON used.posting_id = line.posting_id "
        "WHERE (item.supplier_id = :supplier OR item.supplier_id IS NULL) AND (item.posting_id IS NULL "
        "OR line.posting_id IS NULL OR item.amount_minor <> line.amount_minor "
        "OR item.open_minor <> line.amount_minor - coalesce(used.used_minor, 0))",
    ),
    _Check(
        "I7",
        "balanced letterings sum to zero; no allocation below zero; no ended lettering in use",
        "SELECT count(*) FROM letterings WHERE supplier_id = :supplier",
        "SELECT (SELECT count(*) FROM (SELECT item.lettering_id FROM receivable_items AS item "
        "JOIN letterings AS joined USING (supplier_id, lettering_id) WHERE supplier_id = :supplier AND joined.balanced "
        "GROUP BY item.lettering_id HAVING sum(CASE WHEN debit THEN amount_minor ELSE -amount_minor END) <> 0 "
        "OR max(open_minor) > 0) AS unbalanced) "
        "+ (SELECT count(*) FROM (SELECT 1 FROM allocations WHERE supplier_id = :supplier "
        "GROUP BY debit_posting_id, credit_posting_id HAVING sum(amount_minor) < 0) AS negative) "
        "+ (SELECT count(*) FROM receivable_items JOIN lettering_ends USING (supplier_id, lettering_id) "
        "WHERE supplier_id = :supplier) "
        "+ (SELECT count(*) FROM receivable_items AS item WHERE supplier_id = :supplier "
        "AND (lettering_id IS NULL) <> (open_minor = amount_minor))",
    ),
    _Check(
        "I7-AIM",
        "no payment settles more of an invoice than somebody meant it for, in cents",
        "SELECT count(*) FROM receivable_items WHERE supplier_id = :supplier AND kind = 'receipt'",
        "SELECT coalesce(sum(greatest(paid.minor - coalesce(aim.minor, 0), 0)), 0) FROM (SELECT credit.attempt_id, "
        "debit.invoice_id, max(allocation.minor) AS minor FROM (SELECT debit_posting_id, credit_posting_id, "
        "sum(amount_minor) AS minor FROM allocations WHERE supplier_id = :supplier GROUP BY 1, 2) AS allocation "
        "JOIN receivable_items AS debit ON debit.supplier_id = :supplier "
        "AND debit.posting_id = allocation.debit_posting_id AND debit.kind = 'invoice' "
        "JOIN receivable_items AS credit ON credit.supplier_id = :supplier "
        "AND credit.posting_id = allocation.credit_posting_id AND credit.kind = 'receipt' "
        "GROUP BY credit.attempt_id, debit.invoice_id) AS paid LEFT JOIN (SELECT attempt_id, invoice_id, "
        "sum(amount_minor) AS minor FROM (SELECT attempt_id, invoice_id, amount_minor FROM reservations "
        "WHERE supplier_id = :supplier UNION ALL SELECT attempt_id, invoice_id, amount_minor FROM aim_choices "
        "WHERE supplier_id = :supplier) AS meant GROUP BY attempt_id, invoice_id) AS aim "
        "USING (attempt_id, invoice_id)",
    ),
    _Check(
        "I8",
        "exposure of every customer = its open 411 postings, in cents",
        "SELECT count(*) FROM customers WHERE supplier_id = :supplier",
        "SELECT coalesce(sum(abs(coalesce(ledger.minor, 0) - coalesce(open_items.minor, 0))), 0) FROM "
        "(SELECT customer_id, currency, sum(debit_minor - credit_minor) AS minor FROM postings "
        "WHERE supplier_id = :supplier AND customer_id IS NOT NULL GROUP BY customer_id, currency) AS ledger "
        f"FULL JOIN (SELECT customer_id, currency, {_MOVED} AS minor FROM receivable_items "
        "WHERE supplier_id = :supplier GROUP BY customer_id, currency) AS open_items USING (customer_id, currency)",
    ),
    _Check(
        "I8-FLIGHT",
        "what is on its way is reserved on its invoices, and nothing else is",
        "SELECT count(*) FROM payment_attempts WHERE supplier_id = :supplier",
        "SELECT count(*) FROM reservations AS reservation JOIN payment_attempts AS attempt "
        "USING (supplier_id, attempt_id) WHERE supplier_id = :supplier "
        "AND ((reservation.state = 'processing') <> (attempt.state = 'processing') "
        "OR (reservation.state = 'consumed') <> (attempt.state = 'succeeded'))",
    ),
    _Check(
        "I8-DOUBTFUL",
        "416 holds what is open of debts older than open proceedings of their customer, in cents",
        "SELECT count(*) FROM insolvencies WHERE supplier_id = :supplier",
        "WITH carried AS (SELECT posting.invoice_id, sum(debit_minor - credit_minor) AS minor FROM postings AS posting "
        "JOIN entries USING (supplier_id, entry_id) WHERE supplier_id = :supplier AND source_kind = 'doubtful' "
        "AND account LIKE '416%' GROUP BY posting.invoice_id), "
        "doubted AS (SELECT item.invoice_id, sum(item.open_minor) AS minor FROM insolvencies AS proceedings "
        "JOIN invoices AS invoice USING (supplier_id, customer_id) JOIN receivable_items AS item "
        "USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND proceedings.state = 'open' "
        f"AND {BORN_ON} < proceedings.opened_on AND item.kind = 'invoice' AND item.debit "
        "GROUP BY item.invoice_id) SELECT coalesce(sum(abs(coalesce(carried.minor, 0) - coalesce(doubted.minor, 0))), "
        "0) FROM carried FULL JOIN doubted USING (invoice_id)",
    ),
    _Check(
        "I8-STANDING",
        "the kept standing of every customer = the sum of their open lines by age",
        STANDINGS,
        WRONG_STANDINGS,
    ),
    _Check(
        "I9",
        "every movement of cash is announced once, and told at most once as 212",
        "SELECT count(*) FROM collections WHERE supplier_id = :supplier",
        "SELECT (SELECT count(*) FROM collections AS movement WHERE supplier_id = :supplier AND NOT EXISTS ("
        "SELECT 1 FROM outbox WHERE supplier_id = :supplier AND kind = 'cash.collected' "
        "AND event_key = movement.invoice_id || '/' || movement.sequence)) "
        "+ (SELECT count(*) FROM outbox WHERE supplier_id = :supplier AND kind = 'cash.collected' AND NOT EXISTS ("
        "SELECT 1 FROM collections AS movement WHERE supplier_id = :supplier "
        "AND outbox.event_key = movement.invoice_id || '/' || movement.sequence)) "
        "+ (SELECT count(*) FROM (SELECT invoice_id FROM statuses WHERE supplier_id = :supplier AND code = '212' "
        "AND direction = 'out' GROUP BY invoice_id, substring(message_id FROM '_212_[0-9]+-([0-9]+)#') "
        "HAVING count(*) > 1) AS told_twice)",
    ),
    _Check(
        "I10",
        "212 per invoice = cash and set-offs lettered on it, per credit note = minus its set-offs, never beyond its "
        "total; the split adds up, in cents",
        "SELECT count(*) FROM invoices WHERE supplier_id = :supplier",
        f"WITH lettered AS ({LETTERED}), "
        "told AS (SELECT invoice_id, kind, sum(amount_minor) AS minor, sum((SELECT "
        "sum((part ->> 'amount_minor')::bigint) FROM jsonb_array_elements(split) AS part)) AS split_minor "
        "FROM collections WHERE supplier_id = :supplier GROUP BY invoice_id, kind), "
        f"claim AS ({ASKED_FOR}), "
        "sums AS (SELECT invoice_id, sum(minor) AS minor FROM told GROUP BY invoice_id) "
        "SELECT (SELECT coalesce(sum(abs(coalesce(lettered.minor, 0) - coalesce(told.minor, 0)) "
        "+ abs(coalesce(told.minor, 0) - coalesce(told.split_minor, 0))), 0) "
        "FROM lettered FULL JOIN told USING (invoice_id, kind)) "
        "+ (SELECT coalesce(sum(greatest(sums.minor - greatest(coalesce(claim.minor, 0), 0), 0) "
        "+ greatest(least(coalesce(claim.minor, 0), 0) - sums.minor, 0)), 0) "
        "FROM sums LEFT JOIN claim USING (invoice_id)) "
        "+ (SELECT coalesce(sum(abs(minor)), 0) FROM (SELECT sum(amount_minor) AS minor FROM collections "
        "WHERE supplier_id = :supplier AND kind = 'set_off' GROUP BY currency) AS set_offs)",
    ),
    _Check(
        "I10-RATE",
        "of an invoice paid in full, and of a credit note used up, the 212 hold what its VAT table holds at each rate, "
        "in cents",
        "SELECT count(*) FROM invoices WHERE supplier_id = :supplier",
        f"WITH claim AS ({ASKED_FOR}), "
        # one pass over four kinds of parts: joined to each other, fifty thousand invoices took half a minute
        "parts AS (SELECT invoice_id, CAST(vat ->> 'rate' AS numeric) AS rate, sign(claim.minor) * "
        "(CAST(vat ->> 'taxable_minor' AS bigint) + CAST(vat ->> 'tax_minor' AS bigint)) AS owed, 0 AS told, "
        "0 AS moved, 0 AS moves, 0 AS claimed, 0 AS claims FROM claim CROSS JOIN jsonb_array_elements(vat_rows) AS vat "
        "UNION ALL SELECT invoice_id, NULL, 0, 0, 0, 0, minor, 1 FROM claim WHERE prepaid_minor = 0 "
        "UNION ALL SELECT invoice_id, NULL, 0, 0, amount_minor, 1, 0, 0 FROM collections "
        "WHERE supplier_id = :supplier "
        "UNION ALL SELECT invoice_id, CAST(part ->> 'rate' AS numeric), 0, CAST(part ->> 'amount_minor' AS bigint), "
        "0, 0, 0, 0 FROM collections CROSS JOIN jsonb_array_elements(split) AS part WHERE supplier_id = :supplier), "
        "sums AS (SELECT invoice_id, rate, sum(owed) - sum(told) AS gap, sum(sum(owed)) OVER whole AS owed, "
        "sum(sum(moved)) OVER whole AS moved, sum(sum(moves)) OVER whole AS moves, "
        "sum(sum(claimed)) OVER whole AS claimed, sum(sum(claims)) OVER whole AS claims FROM parts "
        "GROUP BY invoice_id, rate WINDOW whole AS (PARTITION BY invoice_id)) "
        "SELECT coalesce(sum(abs(gap)), 0) FROM sums WHERE rate IS NOT NULL AND claims > 0 AND moves > 0 "
        "AND claimed = owed AND claimed = moved",
    ),
    _Check(
        "I10-VAT",
        "VAT waiting for collection (44574) goes to 44571 with the cash: all when the invoice is paid, none when all "
        "came back, in cents",
        "SELECT count(*) FROM invoices WHERE supplier_id = :supplier AND vat_on_collection",
        "SELECT (SELECT coalesce(sum(abs(waiting.minor)), 0) FROM (SELECT posting.invoice_id, "
        "sum(debit_minor - credit_minor) AS minor FROM postings AS posting JOIN invoices AS invoice "
        "USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND account LIKE '44574%' "
        "AND invoice.vat_on_collection AND NOT EXISTS (SELECT 1 FROM receivable_items AS item "
        "WHERE item.supplier_id = :supplier AND item.invoice_id = invoice.invoice_id AND item.open_minor > 0) "
        "AND NOT EXISTS (SELECT 1 FROM assignments AS taken WHERE taken.supplier_id = :supplier "
        "AND taken.invoice_id = invoice.invoice_id AND taken.state = 'assigned') "  # its debtor has not paid yet
        "AND EXISTS (SELECT 1 FROM collections AS movement WHERE movement.supplier_id = :supplier "
        "AND movement.invoice_id = invoice.invoice_id) GROUP BY posting.invoice_id) AS waiting) "
        "+ (SELECT coalesce(sum(abs(moved.minor)), 0) FROM (SELECT sum(debit_minor - credit_minor) AS minor "
        "FROM postings AS posting JOIN entries AS entry USING (supplier_id, entry_id) WHERE supplier_id = :supplier "
        "AND entry.source_kind NOT IN ('invoice', 'opening', 'reversal', 'waived_vat') AND account LIKE '445%' "
        "GROUP BY posting.invoice_id, entry_id) AS moved) "
        "+ (SELECT coalesce(sum(abs(moved.minor)), 0) FROM (SELECT sum(debit_minor - credit_minor) AS minor "
        "FROM postings AS posting JOIN entries AS entry USING (supplier_id, entry_id) WHERE supplier_id = :supplier "
        "AND entry.source_kind NOT IN ('invoice', 'opening', 'reversal', 'waived_vat') AND account LIKE '44574%' "
        "AND NOT EXISTS (SELECT 1 FROM collections AS movement "
        "WHERE movement.supplier_id = :supplier AND movement.invoice_id = posting.invoice_id "
        "HAVING sum(amount_minor) <> 0) GROUP BY posting.invoice_id) AS moved)",
    ),
    _Check(
        "I11",
        "receipts declared for each period (Flux 10) = receipts that the books hold for it, per invoice and rate, in "
        "cents",
        LINES_OF_RECEIPTS,
        GAP_OF_RECEIPTS,
    ),
    _Check(
        "I11-SALES",
        "sales declared for each period (Flux 10) = base and VAT of its invoices less its credit notes, per invoice "
        "and rate, in cents",
        LINES_OF_SALES,
        GAP_OF_SALES,
    ),
    _Check(
        "I11-ROADS",
        "no receipt is declared twice: by Flux 10 and by 212, or in two periods, in cents",
        LINES_OF_RECEIPTS,
        DECLARED_TWICE,
    ),
    _Check(
        "I14",
        "numbers of every series without gap and without double",
        "SELECT count(*) FROM invoices WHERE supplier_id = :supplier AND serial IS NOT NULL",
        "SELECT count(*) FROM (SELECT series.series FROM number_series AS series LEFT JOIN series_starts AS start "
        "ON start.supplier_id = :supplier AND start.series = series.series AND start.year = series.year "
        "LEFT JOIN invoices AS invoice "
        "ON invoice.supplier_id = :supplier AND invoice.series = series.series AND invoice.issue_year = series.year "
        "WHERE series.supplier_id = :supplier AND series.series <> 'customer' "
        "GROUP BY series.series, series.year, series.last_number, start.last_number "
        "HAVING count(invoice.serial) <> series.last_number - coalesce(start.last_number, 0) "
        "OR coalesce(max(invoice.serial), start.last_number, 0) <> series.last_number) AS wrong",
    ),
    _Check(
        "I15",
        "no row joins two suppliers: every reference carries the supplier",
        "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace",
        "SELECT count(*) FROM pg_constraint AS reference WHERE contype = 'f' "
        "AND connamespace = 'public'::regnamespace "
        "AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = conrelid AND attname = 'supplier_id') "
        "AND NOT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = conrelid AND attname = 'supplier_id' "
        "AND attnum = ANY(reference.conkey))",
    ),
    _Check(
        "I17",
        "no dispute is for more than its invoice; every 206, 207, 208, 210 and 213 that was acted on stands in one",
        "SELECT (SELECT count(*) FROM disputes WHERE supplier_id = :supplier) + (SELECT count(*) FROM statuses "
        "WHERE supplier_id = :supplier AND direction = 'in' AND code IN ('206', '207', '208', '210', '213'))",
        "SELECT (SELECT count(*) FROM disputes AS dispute JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND dispute.closed_at IS NULL AND dispute.merged_into IS NULL "
        "AND dispute.amount_minor > invoice.payable_minor) "
        "+ (SELECT count(*) FROM statuses AS status WHERE status.supplier_id = :supplier AND status.direction = 'in' "
        "AND status.code IN ('206', '207', '208', '210', '213') AND NOT EXISTS (SELECT 1 FROM dispute_events AS event "
        "JOIN disputes AS dispute USING (supplier_id, dispute_id) WHERE event.supplier_id = :supplier "
        "AND event.message_id = status.message_id AND dispute.invoice_id = status.invoice_id) "
        "AND NOT EXISTS (SELECT 1 FROM inbox WHERE supplier_id = :supplier AND state = 'buried' "
        "AND external_id LIKE '%' || status.flow_ref))",
    ),
)

NOT_SHOWN = {
    "I1": "what was acknowledged is in the inbox: proved by the crash test",
    "I2": "the inbox holds nothing that was not sent: proved by the crash test",
}
"""Invariants that the database cannot show: over what happened outside it."""


def run_checks(work: Work) -> list[Finding]:
    """Every check over one supplier's rows, in the order of their codes."""
    findings = [
        Finding(check.code, check.title, int(work.scalar(check.looked_at)), int(work.scalar(check.gap)))
        for check in CHECKS
    ]
    sealed = verify_chain(work)
    findings.append(
        Finding("I12", "every entry has its audit row, and the sealed chain is whole", sealed.rows, sealed.faults)
    )
    return findings


def state_hash(work: Work) -> str:
    """A fingerprint of the books that the order of facts must not change.

    It covers balances, open amounts, allocations by business reference, exposure, and the sum of 212 per invoice and
    rate; not letter codes, ids, entry numbers or the amounts of single messages.
    """
    state = {name: [list(row.values()) for row in work.rows(sql)] for name, sql in _STATE.items()}
    return hashlib.sha256(to_json(state).encode()).hexdigest()


_STATE = {
    "balances": "SELECT account, currency, sum(debit_minor - credit_minor)::bigint AS minor FROM postings "
    "WHERE supplier_id = :supplier GROUP BY account, currency ORDER BY account, currency",
    "open": "SELECT kind, reference, open_minor FROM receivable_items WHERE supplier_id = :supplier "
    "ORDER BY kind, reference, open_minor",
    "allocations": "SELECT debit.reference AS debit, credit.reference AS credit, "
    "sum(allocation.amount_minor)::bigint AS minor FROM allocations AS allocation "
    "JOIN receivable_items AS debit ON debit.supplier_id = :supplier "
    "AND debit.posting_id = allocation.debit_posting_id "
    "JOIN receivable_items AS credit ON credit.supplier_id = :supplier "
    "AND credit.posting_id = allocation.credit_posting_id "
    "WHERE allocation.supplier_id = :supplier GROUP BY debit.reference, credit.reference "
    "HAVING sum(allocation.amount_minor) <> 0 ORDER BY debit.reference, credit.reference",
    "exposure": f"SELECT account_code, currency, {_MOVED}::bigint AS minor FROM receivable_items AS item "
    "JOIN customers USING (supplier_id, customer_id) WHERE supplier_id = :supplier "
    "GROUP BY account_code, currency ORDER BY account_code, currency",
    "in flight": "SELECT invoice.number, sum(reservation.amount_minor)::bigint AS minor FROM reservations "
    "AS reservation JOIN invoices AS invoice USING (supplier_id, invoice_id) WHERE supplier_id = :supplier "
    "AND reservation.state = 'processing' GROUP BY invoice.number ORDER BY invoice.number",
    "collected": "SELECT invoice.number, part ->> 'rate' AS rate, sum((part ->> 'amount_minor')::bigint)::bigint "
    "AS minor FROM collections AS movement JOIN invoices AS invoice USING (supplier_id, invoice_id) "
    "CROSS JOIN jsonb_array_elements(movement.split) AS part WHERE supplier_id = :supplier "
    "GROUP BY invoice.number, part ->> 'rate' HAVING sum((part ->> 'amount_minor')::bigint) <> 0 "
    "ORDER BY invoice.number, part ->> 'rate'",
    "attempts": "SELECT coalesce((SELECT min(reference) FROM receivable_items AS item WHERE "
    "item.supplier_id = :supplier AND item.attempt_id = attempt.attempt_id AND item.kind = 'receipt'), payment_ref) "
    "AS payment_ref, state FROM payment_attempts AS attempt WHERE supplier_id = :supplier "
    "AND payment_ref IS NOT NULL ORDER BY 1",
}
