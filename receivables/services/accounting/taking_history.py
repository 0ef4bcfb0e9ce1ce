"""Take over what was settled before these books began: letters of before, read-only, beside the books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.domain.accounting.former_books import fingerprints, payments_of
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.errors import ConflictError
from receivables.services.accounting.taking_over import opening_of
from receivables.store.accounting.former_lines import customers_named, standing_marks
from receivables.store.accounting.openings import alias_customers, customers_by_alias
from receivables.store.customer_file.customers import open_customer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from receivables.domain.accounting.former_books import LetterGroup
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class TakenGroup:
    """What became of the letters of a group: ``done``, ``known`` (they stand already) or ``stranger``."""

    state: str
    customer_id: UUID | None = None


def take_history(
    work: Work, opening_id: UUID, groups: Sequence[LetterGroup], *, file_sha256: str, opens_customers: bool
) -> list[TakenGroup]:
    """Add the lines of ``groups`` to the history that an opening brought, as sets; a line that stands is left alone.

    Customers are those of the opening, by their codes there, or the one of that very name; another is a stranger, or
    opened where ``opens_customers``. No entry, no item and no event comes of it.

    Raises:
        NotFoundError: ``opening.unknown``.
        ConflictError: ``opening.undone``.
    """
    work.scalar("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"former:{work.supplier_id}")
    if opening_of(work, opening_id)["state"] != "booked":
        raise ConflictError("opening.undone", "This opening was undone before.", "Cette reprise a déjà été annulée.")
    customers = _customers(work, groups, opening_id, opens_customers=opens_customers)
    marks = [fingerprints(group) for group in groups]
    standing = standing_marks(work, [mark for of_group in marks for mark in of_group])
    lines: list[dict[str, Any]] = []
    payments: list[dict[str, Any]] = []
    taken: list[TakenGroup] = []
    at = now()
    for group, of_group in zip(groups, marks, strict=True):
        customer_id = customers.get(group.code)
        fresh = [mark for mark in of_group if mark not in standing]
        if customer_id is None:
            taken.append(TakenGroup("stranger"))
            continue
        taken.append(TakenGroup("done" if fresh else "known", customer_id))
        if fresh:
            owner: dict[str, Any] = {"opening_id": opening_id, "customer_id": customer_id, "taken_at": at}
            rows = _lines(group, of_group, {**owner, "file_sha256": file_sha256})
            lines += [row for row in rows if row["fingerprint"] not in standing]
            payments += _payments(group, rows, owner) if len(fresh) == len(of_group) else []
    work.insert("former_lines", lines)
    work.insert("former_payments", payments)
    return taken


def _customers(
    work: Work, groups: Sequence[LetterGroup], opening_id: UUID, *, opens_customers: bool
) -> dict[str, UUID]:
    """The customer of each account of before; who is found by name or opened is known by this code from now on."""
    names = {group.code: group.name for group in groups}
    found = customers_by_alias(work, list(names))
    named = customers_named(work, [name for code, name in names.items() if code not in found])
    fresh: dict[str, UUID] = {}
    for code, name in sorted(names.items()):
        if code in found:
            continue
        customer_id = named.pop(name.lower(), None)
        if customer_id is None and opens_customers:
            facts = CustomerFacts(name, CustomerKind.BUSINESS, party={"country": "FR"})
            customer_id = open_customer(work, facts).customer_id
        if customer_id is not None:
            fresh[code] = customer_id
    alias_customers(work, {**found, **fresh}, opening_id)
    return {**found, **fresh}


def _lines(group: LetterGroup, marks: Sequence[str], told: Mapping[str, Any]) -> list[dict[str, Any]]:
    group_id, gap, lettered_on = new_id(), group.gap_minor, group.lettered_on
    return [
        {
            "line_id": new_id(),
            "group_id": group_id,
            "account": line.account,
            "day": line.day,
            "due_on": line.due_on,
            "due_told": line.due_told,
            "kind": line.kind,
            "piece": line.piece,
            "label": line.label,
            "debit_minor": line.debit_minor,
            "credit_minor": line.credit_minor,
            "currency": line.currency,
            "letters": line.letters,
            "lettered_on": lettered_on,
            "gap_minor": gap,
            "fingerprint": mark,
            "place": line.place,
            **told,
        }
        for line, mark in zip(group.lines, marks, strict=True)
    ]


def _payments(group: LetterGroup, rows: Sequence[Mapping[str, Any]], told: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "line_id": rows[payment.line]["line_id"],
            "position": position,
            "due_on": payment.due_on,
            "paid_on": payment.paid_on,
            "amount_minor": payment.amount_minor,
            "currency": group.lines[payment.line].currency,
            **told,
        }
        for position, payment in enumerate(payments_of(group), 1)
    ]
