"""Invoices received, as lists and pages read them: each with its state, what was said of it, and its duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from einvoice.receiving.examination import document_from_json
from einvoice.receiving.history import COUNTS
from einvoice.validation.file_report import FileKind, FileReport
from einvoice.validation.verdict import Report, Verdict
from receivables.domain.invoicing.invoices import CREDIT_NOTES
from receivables.errors import NotFoundError
from receivables.store.work import literally, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from einvoice.document import Document
    from receivables.store.work import Work

PAGE = 50
"""Invoices of one page of the list."""
NEW, DUPLICATE, UNREADABLE = "new", "duplicate", "unreadable"
"""States of what nobody has answered; any other state is the code of the last status that counts."""
FILTERS: dict[str, tuple[str, ...] | None] = {
    "all": None,
    "to_do": (NEW, DUPLICATE, UNREADABLE, "204", "207", "208", "209"),
    "approved": ("205", "206"),
    "paid": ("211", "212"),
    "closed": ("210", "213", "220"),
}
"""The states that each choice of the list shows."""
_TELLING = ["204", "205", "206", "207", "208", "209", "210", "211", "212", "213", "220"]
"""Statuses that say how things stand; the others tell of transport or of factoring."""
# What closes an invoice wins; news of money is as fresh as its arrival, since a receipt is dated on its day.
_STATED = (
    "WITH listed AS (SELECT invoice.*, report ->> 'verdict' AS verdict, "  # noqa: S608 -- our own
    "(SELECT earlier.received_id FROM received_invoices AS earlier WHERE earlier.supplier_id = invoice.supplier_id "
    "AND earlier.seller_ref = invoice.seller_ref AND earlier.number = invoice.number "
    "AND extract(year FROM earlier.issued_on) = extract(year FROM invoice.issued_on) "
    "AND (earlier.created_at, earlier.received_id) < (invoice.created_at, invoice.received_id) "
    "ORDER BY earlier.created_at, earlier.received_id LIMIT 1) AS duplicate_of, "
    "(SELECT said.code FROM received_statuses AS said WHERE said.supplier_id = invoice.supplier_id "
    f"AND said.received_id = invoice.received_id AND said.code = ANY(:telling) AND {COUNTS} "
    "ORDER BY said.code IN ('210', '213', '220') DESC, "
    "CASE WHEN said.code = '212' THEN greatest(said.set_at, said.created_at) ELSE said.set_at END DESC, "
    "said.created_at DESC LIMIT 1) AS said "
    "FROM received_invoices AS invoice WHERE invoice.supplier_id = :supplier), "
    f"stated AS (SELECT *, CASE WHEN said IS NOT NULL THEN said WHEN form = '{UNREADABLE}' THEN '{UNREADABLE}' "
    f"WHEN duplicate_of IS NOT NULL THEN '{DUPLICATE}' ELSE '{NEW}' END AS state FROM listed) "
)


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """One line of the list; amounts in minor units. ``state`` is one of ours or the code of the last status."""

    received_id: UUID
    number: str | None
    seller_name: str | None
    type_code: str | None
    issued_on: date | None
    due_on: date | None
    currency: str | None
    total_minor: int | None
    payable_minor: int | None
    verdict: Verdict
    state: str
    duplicate_of: UUID | None
    received_at: datetime
    filename: str

    @property
    def is_credit_note(self) -> bool:
        """Whether the amounts reduce what we owe."""
        return self.type_code in CREDIT_NOTES


@dataclass(frozen=True, slots=True)
class Purchase:
    """An invoice received with everything known of it; ``document`` is None where it could not be read or is long."""

    line: PurchaseLine
    account_id: UUID
    flow_ref: str
    document_id: UUID
    sha256: str
    mime: str
    size_bytes: int
    form: str
    seller_ref: str | None
    buyer_ref: str | None
    processing_rule: str | None
    document: Document | None
    report: FileReport


_OF_PAGE = (
    "account_id",
    "flow_ref",
    "document_id",
    "sha256",
    "mime",
    "size_bytes",
    "form",
    "seller_ref",
    "buyer_ref",
    "processing_rule",
)
_COLUMNS = (
    "stated.received_id, number, seller_name, type_code, issued_on, due_on, currency, total_minor, payable_minor, "
    "verdict, state, duplicate_of, received_at, filename"
)


def list_purchases(
    work: Work, *, narrowed: str = "all", wanted: str = "", after: UUID | None = None, limit: int = PAGE
) -> list[PurchaseLine]:
    """Invoices received, newest first, from the one behind ``after``; one more than ``limit`` where there are more."""
    rows = work.rows(
        f"{_STATED} SELECT {_COLUMNS} FROM stated JOIN documents USING (supplier_id, document_id) "  # noqa: S608 -- our own
        "WHERE (CAST(:states AS text[]) IS NULL OR state = ANY(:states)) "
        "AND (CAST(:wanted AS text) IS NULL OR number ILIKE :wanted OR seller_name ILIKE :wanted "
        "OR seller_ref ILIKE :wanted) "
        "AND (CAST(:after AS uuid) IS NULL OR (received_at, stated.received_id) < (SELECT received_at, received_id "
        "FROM received_invoices WHERE supplier_id = :supplier AND received_id = :after)) "
        "ORDER BY received_at DESC, stated.received_id DESC LIMIT :limit",
        telling=_TELLING,
        states=list(states) if (states := FILTERS[narrowed]) else None,
        wanted=f"%{literally(wanted)}%" if wanted else None,
        after=after,
        limit=limit + 1,
    )
    return [_line(row) for row in rows]


def get_purchase(work: Work, received_id: UUID) -> Purchase:
    """One invoice received.

    Raises:
        NotFoundError: ``purchase.not_found``.
    """
    row = work.row(
        f"{_STATED} SELECT {_COLUMNS}, account_id, flow_ref, document_id, sha256, mime, size_bytes, "  # noqa: S608 -- our own
        "stated.form, kind, seller_ref, buyer_ref, processing_rule, document, stated.report AS judged FROM stated "
        "JOIN documents USING (supplier_id, document_id) WHERE stated.received_id = :received",
        telling=_TELLING,
        received=received_id,
    )
    if row is None:
        raise NotFoundError("purchase.not_found", "There is no such invoice received; look at the list again.")
    return Purchase(
        _line(row),
        **{name: row[name] for name in _OF_PAGE},
        document=document_from_json(row["document"]) if row["document"] else None,
        report=FileReport(row["filename"], FileKind(row["kind"]), Report.from_json(to_json(row["judged"]))),
    )


def life_of_purchase(work: Work, received_id: UUID) -> Sequence[RowMapping]:
    """Every status of an invoice received, oldest first, with how its latest flow stands where it is ours."""
    return work.rows(
        "SELECT message_id, code, direction, set_at, reasons, amounts, note, "
        "(SELECT flow.state FROM platform_flows AS flow WHERE flow.supplier_id = said.supplier_id "
        "AND flow.document_id = said.document_id ORDER BY flow.attempt DESC LIMIT 1) AS flow_state, "
        "(SELECT flow.refusal FROM platform_flows AS flow WHERE flow.supplier_id = said.supplier_id "
        "AND flow.document_id = said.document_id ORDER BY flow.attempt DESC LIMIT 1) AS refusal "
        "FROM received_statuses AS said WHERE supplier_id = :supplier AND received_id = :received "
        "ORDER BY set_at, created_at",
        received=received_id,
    )


def paid_before(work: Work, purchase: Purchase) -> set[str]:
    """The accounts that this seller's earlier invoices asked to be paid to: a new one deserves a telephone call."""
    rows = work.rows(
        "SELECT document #> '{payment,accounts}' AS accounts FROM received_invoices WHERE supplier_id = :supplier "
        "AND seller_ref = :seller AND created_at < (SELECT created_at FROM received_invoices "
        "WHERE supplier_id = :supplier AND received_id = :received) "
        "AND document #> '{payment,accounts}' IS NOT NULL ORDER BY created_at DESC LIMIT 20",
        seller=purchase.seller_ref,
        received=purchase.line.received_id,
    )
    return {plain_account(each["number"]) for row in rows for each in row["accounts"]}


def plain_account(number: str) -> str:
    """An account number without its spaces, to compare."""
    return "".join(number.split()).upper()


def _line(row: RowMapping) -> PurchaseLine:
    told: dict[str, Any] = {name: row[name] for name in PurchaseLine.__dataclass_fields__}
    return PurchaseLine(**{**told, "verdict": Verdict(row["verdict"])})
