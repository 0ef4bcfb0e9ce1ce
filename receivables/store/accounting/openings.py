"""Openings in PostgreSQL: what was taken over when these books began, and what customers were called before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.errors import ConflictError
from receivables.store.customer_file.customers import ALIAS_STANDS
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.accounting.opening import NewOpening, OpenItem
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.domain.parties import CustomerFacts
    from receivables.store.work import Work

PAGE = 50


def insert_opening(work: Work, opening: NewOpening, report: Sequence[Mapping[str, Any]]) -> UUID:
    """Write an opening; a file is opened once while it stands.

    Raises:
        ConflictError: ``opening.file_known``.
    """
    opening_id = new_id()
    fresh = work.execute(
        "INSERT INTO openings (supplier_id, opening_id, opened_on, source, filename, file_sha256, options, report, "
        "state, booked_by, booked_at) VALUES (:supplier, :opening, :day, :source, :filename, :sha256, "
        "CAST(:options AS jsonb), CAST(:report AS jsonb), 'booked', :actor, :at) "
        "ON CONFLICT (supplier_id, file_sha256) WHERE state = 'booked' DO NOTHING",
        opening=opening_id,
        day=opening.opened_on,
        source=opening.source,
        filename=opening.filename,
        sha256=opening.file_sha256,
        options=to_json(dict(opening.options)),
        report=to_json({"sums": list(report), "stated_minor": dict(opening.stated_minor)}),
        actor=opening.actor,
        at=now(),
    )
    if not fresh:
        raise ConflictError(
            "opening.file_known",
            "This very file was taken over before. Undo that first, or take another file.",
            "Ce fichier même a déjà été repris. Annulez d'abord cette reprise, ou prenez un autre fichier.",
        )
    return opening_id


def list_openings(work: Work, after: UUID | None = None) -> tuple[list[RowMapping], bool]:
    """Openings, newest first, and whether there are more."""
    rows = work.rows(
        "SELECT opening_id, opened_on, source, filename, report, state, booked_at FROM openings "
        "WHERE supplier_id = :supplier AND (CAST(:after AS uuid) IS NULL OR opening_id < :after) "
        "ORDER BY opening_id DESC LIMIT :most",
        after=after,
        most=PAGE + 1,
    )
    return list(rows[:PAGE]), len(rows) > PAGE


def opened_items(work: Work, opening_id: UUID, after: int = 0, most: int = PAGE) -> tuple[list[RowMapping], bool]:
    """Items of an opening with what is open of them now, in their order, and whether there are more."""
    rows = work.rows(
        "SELECT position, opened.customer_id, customer.name, opened.invoice_id, opened.attempt_id, opened.kind, "
        "opened.reference, opened.open_minor, opened.currency, item.open_minor AS left_minor "
        "FROM opened_items AS opened JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = opened.customer_id JOIN receivable_items AS item ON item.supplier_id = :supplier "
        "AND (item.invoice_id = opened.invoice_id AND item.kind IN ('invoice', 'credit_note') "
        "OR item.attempt_id = opened.attempt_id AND item.kind = 'receipt') "
        "WHERE opened.supplier_id = :supplier AND opening_id = :opening AND position > :after "
        "ORDER BY position LIMIT :most",
        opening=opening_id,
        after=after,
        most=most + 1,
    )
    return list(rows[:most]), len(rows) > most


def receipts_told_here(work: Work, invoice: Invoice) -> bool:
    """Whether the supplier chose that its platform here tells what is collected on a taken-over invoice (212)."""
    return bool(
        work.scalar(
            "SELECT options->>'receipts_told_by' = 'here' FROM invoices JOIN openings USING (supplier_id, opening_id) "
            "WHERE supplier_id = :supplier AND invoice_id = :invoice",
            invoice=invoice.invoice_id,
        )
    )


def standing_numbers(work: Work, items: Sequence[OpenItem]) -> set[tuple[str, int]]:
    """Which of these numbers, with their years, stand in these books already."""
    rows = work.rows(
        "SELECT number, issue_year FROM invoices WHERE supplier_id = :supplier AND number = ANY(:numbers) "
        "AND (opening_id IS NULL OR EXISTS (SELECT 1 FROM openings WHERE openings.supplier_id = :supplier "
        "AND openings.opening_id = invoices.opening_id AND openings.state = 'booked'))",
        numbers=sorted({each.reference for each in items}),
    )
    return {(row["number"], row["issue_year"]) for row in rows}


def customers_by_alias(work: Work, codes: Sequence[str]) -> dict[str, UUID]:
    """Customers by what they were called elsewhere, in an opening that was not undone."""
    rows = work.rows(
        "SELECT DISTINCT code, customer_id FROM customer_aliases AS alias WHERE supplier_id = :supplier "
        f"AND code = ANY(:codes) AND {ALIAS_STANDS}",
        codes=sorted(set(codes)),
    )
    return {row["code"]: row["customer_id"] for row in rows}


def customer_named(work: Work, facts: CustomerFacts, *, coded: bool) -> UUID | None:
    """The one customer of this name whose e-mail address does not speak against it.

    For an account with a code (``coded``) only one that no other code stands for.
    """
    rows = work.rows(
        "SELECT customer_id, email FROM customers WHERE supplier_id = :supplier AND lower(name) = lower(:name) "
        "AND (email IS NULL OR CAST(:email AS text) IS NULL OR email = lower(:email)) "
        "AND NOT (:coded AND EXISTS (SELECT 1 FROM customer_aliases AS alias WHERE alias.supplier_id = :supplier "
        f"AND alias.customer_id = customers.customer_id AND {ALIAS_STANDS})) LIMIT 2",
        name=facts.name,
        email=facts.email,
        coded=coded,
    )
    return rows[0]["customer_id"] if len(rows) == 1 else None


def alias_customers(work: Work, aliases: Mapping[str, UUID], opening_id: UUID) -> None:
    """Keep what an opening calls customers; it is forgotten when the opening is undone, unless another says it too."""
    work.insert(
        "customer_aliases",
        [{"code": code, "customer_id": each, "opening_id": opening_id} for code, each in aliases.items()],
        on_conflict="ON CONFLICT DO NOTHING",
    )
