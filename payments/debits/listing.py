"""What pages show of debits: mandates, files, returns; a page at a time, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from config.clock import today
from payments.debits.schedule import LAPSE_MONTHS
from payments.errors import PaymentError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAGE = 50
MANDATE_FILTERS: dict[str, str] = {
    "live": "mandate.state IN ('usable', 'to_confirm', 'blocked')",
    "to_confirm": "mandate.state = 'to_confirm'",
    "blocked": "mandate.state = 'blocked'",
    "lapsed": "mandate.state IN ('usable', 'to_confirm') AND coalesce(mandate.last_used_on, "
    "CAST(mandate.signed_at AT TIME ZONE 'Europe/Paris' AS date)) + make_interval(months => :lapse) <= :today",
    "ended": "mandate.state = 'ended' AND mandate.signed_at IS NOT NULL",
    "all": "mandate.state <> 'drafted' AND mandate.signed_at IS NOT NULL",
}
"""What a list of mandates can be narrowed to."""


def list_mandates(
    work: Work, narrowed: str, *, wanted: str = "", after: UUID | None = None, limit: int = PAGE
) -> Sequence[RowMapping]:
    """Mandates with their customers, newest first; one more than ``limit`` where there are more."""
    return work.rows(
        "SELECT mandate.mandate_id, mandate.rum, mandate.scheme, mandate.once, mandate.state, mandate.debtor_name, "
        "mandate.iban_last4, mandate.signed_at, mandate.last_used_on, mandate.customer_id, "
        "customer.name AS customer_name FROM mandates AS mandate JOIN customers AS customer "
        "USING (supplier_id, customer_id) WHERE mandate.supplier_id = :supplier "
        f"AND {MANDATE_FILTERS[narrowed]} AND (:wanted = '' OR mandate.rum ILIKE :like OR customer.name ILIKE :like "
        "OR mandate.debtor_name ILIKE :like) AND (CAST(:after AS uuid) IS NULL OR mandate.mandate_id < :after) "
        "AND :lapse > 0 AND CAST(:today AS date) IS NOT NULL ORDER BY mandate.mandate_id DESC LIMIT :limit",
        wanted=wanted,
        like=f"%{wanted.replace('%', '').replace('_', '')}%",
        after=after,
        lapse=LAPSE_MONTHS,
        today=today(),
        limit=limit + 1,
    )


def list_planned(work: Work, *, limit: int = PAGE) -> Sequence[RowMapping]:
    """Debits that are in no file yet, the nearest first; one more than ``limit`` where there are more."""
    return work.rows(
        "SELECT debit_id, debits.invoice_id, invoice.number, invoice.customer_id, customer.name AS customer_name, "
        "debits.amount_minor, debits.currency, collect_on, debits.state, tries, chosen_by, notified_at, "
        "mandate.scheme, mandate.rum, mandate.mandate_id FROM debits JOIN invoices AS invoice "
        "USING (supplier_id, invoice_id) "
        "JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = invoice.customer_id JOIN mandates AS mandate "
        "ON mandate.supplier_id = :supplier AND mandate.mandate_id = debits.mandate_id "
        "WHERE debits.supplier_id = :supplier AND debits.state IN ('planned', 'notified') "
        "ORDER BY collect_on, debit_id LIMIT :limit",
        limit=limit + 1,
    )


def list_batches(work: Work, *, after: UUID | None = None, limit: int = PAGE) -> Sequence[RowMapping]:
    """Files for the bank, newest first; one more than ``limit`` where there are more."""
    return work.rows(
        f"SELECT {_BATCH} FROM debit_batches AS batch WHERE supplier_id = :supplier "
        "AND (CAST(:after AS uuid) IS NULL OR batch_id < :after) ORDER BY batch_id DESC LIMIT :limit",
        after=after,
        limit=limit + 1,
    )


_BATCH = (
    "batch_id, batch_ref, kind, format, scheme, collect_on, amount_minor, debits, filename, sha256, state, answer, "
    "made_by, made_at, (SELECT count(*) FROM debits WHERE debits.supplier_id = :supplier "
    "AND debits.batch_id = batch.batch_id AND debits.state IN ('rejected', 'returned')) AS came_back"
)


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A file to download: always the same bytes."""

    filename: str
    content: bytes


def find_batch(work: Work, batch_id: UUID) -> RowMapping:
    """One file, without its content.

    Raises:
        PaymentError: ``debit.unknown_file``.
    """
    row = work.row(
        f"SELECT {_BATCH} FROM debit_batches AS batch WHERE supplier_id = :supplier AND batch_id = :id", id=batch_id
    )
    if row is None:
        _no_file()
    return row


def batch_file(work: Work, batch_id: UUID) -> BatchFile:
    """The content of a file.

    Raises:
        PaymentError: ``debit.unknown_file``.
    """
    row = work.row(
        "SELECT filename, content FROM debit_batches WHERE supplier_id = :supplier AND batch_id = :id", id=batch_id
    )
    if row is None:
        _no_file()
    return BatchFile(row["filename"], bytes(row["content"]))


def debits_in(work: Work, batch_id: UUID, *, after: str = "", limit: int = PAGE) -> Sequence[RowMapping]:
    """The debits of a file, by their end-to-end ids; one more than ``limit`` where there are more."""
    return work.rows(
        "SELECT debit_id, debits.invoice_id, invoice.number, customer.name AS customer_name, debits.amount_minor, "
        "debits.currency, sequence, debits.state, return_code, returned_on, end_to_end_id, tries FROM debits "
        "JOIN invoices AS invoice USING (supplier_id, invoice_id) JOIN customers AS customer "
        "ON customer.supplier_id = :supplier AND customer.customer_id = invoice.customer_id "
        "WHERE debits.supplier_id = :supplier AND batch_id = :batch AND end_to_end_id > :after "
        "ORDER BY end_to_end_id LIMIT :limit",
        batch=batch_id,
        after=after,
        limit=limit + 1,
    )


def list_returns(work: Work, *, after: str = "", limit: int = PAGE) -> Sequence[RowMapping]:
    """R-transactions, newest first, with what was done; one more than ``limit`` where there are more."""
    values: dict[str, Any] = {"after": after, "limit": limit + 1}
    return work.rows(
        "SELECT back.return_ref, back.kind, back.code, back.amount_minor, back.fee_minor, back.currency, "
        "back.returned_on, back.state, back.done, back.debit_id, attempt.customer_id, customer.name AS customer_name, "
        "(SELECT array_agg(invoice.number ORDER BY invoice.number) FROM reservations AS part "
        "JOIN invoices AS invoice USING (supplier_id, invoice_id) WHERE part.supplier_id = :supplier "
        "AND part.attempt_id = back.attempt_id) AS numbers FROM debit_returns AS back "
        "JOIN payment_attempts AS attempt USING (supplier_id, attempt_id) JOIN customers AS customer "
        "ON customer.supplier_id = :supplier AND customer.customer_id = attempt.customer_id "
        "WHERE back.supplier_id = :supplier AND (:after = '' OR (back.returned_on, back.return_ref) < ("
        "SELECT returned_on, return_ref FROM debit_returns WHERE supplier_id = :supplier AND return_ref = :after)) "
        "ORDER BY back.returned_on DESC, back.return_ref DESC LIMIT :limit",
        **values,
    )


def debits_under(work: Work, mandate_id: UUID, *, limit: int = 20) -> Sequence[RowMapping]:
    """The latest debits under a mandate."""
    return work.rows(
        "SELECT debit_id, debits.invoice_id, invoice.number, debits.amount_minor, debits.currency, collect_on, "
        "debits.state, return_code, tries FROM debits JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND mandate_id = :mandate ORDER BY debits.created_at DESC LIMIT :limit",
        mandate=mandate_id,
        limit=limit,
    )


def has_debit(work: Work, debit_id: UUID) -> bool:
    """Whether this supplier has that debit."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM debits WHERE supplier_id = :supplier AND debit_id = :id)", id=debit_id
        )
    )


def _no_file() -> NoReturn:
    raise PaymentError(
        "debit.unknown_file", "There is no such file for the bank.", "Ce fichier pour la banque n'existe pas."
    )
