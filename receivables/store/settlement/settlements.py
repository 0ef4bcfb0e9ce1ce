"""What documents say of earlier ones, and what people decided about set-offs, in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice, NamedInvoice
    from receivables.store.work import Work

CREDITS, REPLACES = "credits", "replaces"

_NAMED = "named_invoices AS named WHERE named.supplier_id = :supplier AND named.kind = 'credits' AND "
_NOTE = (
    "CROSS JOIN LATERAL (SELECT note.customer_id, note.currency, note.payable_minor FROM invoices AS note "
    "WHERE note.supplier_id = :supplier AND note.invoice_id = named.invoice_id OFFSET 0) AS note "
)
_AIMS = (
    "SELECT named.invoice_id AS note_id, aim.invoice_id, coalesce(named.amount_minor, note.payable_minor) AS minor "
    f"FROM (SELECT * FROM {_NAMED} named.invoice_id = ANY(:ids)) AS named {_NOTE} "
    "CROSS JOIN LATERAL (SELECT aim.invoice_id FROM invoices AS aim WHERE aim.supplier_id = :supplier "
    "AND aim.number = named.number AND aim.issue_year = named.issue_year AND aim.customer_id = note.customer_id "
    "AND aim.currency = note.currency OFFSET 0) AS aim "
    "UNION ALL SELECT named.invoice_id, aim.invoice_id, coalesce(named.amount_minor, note.payable_minor) "
    "FROM (SELECT invoice_id, number, issue_year, customer_id, currency FROM invoices WHERE supplier_id = :supplier "
    "AND invoice_id = ANY(:ids)) AS aim "
    f"CROSS JOIN LATERAL (SELECT named.invoice_id, named.amount_minor FROM {_NAMED} named.number = aim.number "
    "AND named.issue_year = aim.issue_year AND NOT named.invoice_id = ANY(:ids) OFFSET 0) AS named "
    f"{_NOTE} WHERE note.customer_id = aim.customer_id AND note.currency = aim.currency"
)
"""What credit notes are for: an earlier invoice of the same customer and currency, which is why a year is needed.

Each table is read for the rows of the one before it (``OFFSET 0``): where PostgreSQL knows little of them yet, it would
rather join all invoices of a customer with each other first, which is their square.
"""


def load_aims(
    work: Work, documents: list[UUID], aims: dict[tuple[UUID, UUID], int], followers: dict[UUID, UUID]
) -> set[UUID]:
    """Read what credit notes among and for ``documents`` are for, and what took the place of what.

    ``aims`` gets the amount by credit note and invoice, ``followers`` the corrective invoice by the one that it
    replaced. Returns every document that is joined to ``documents`` by these.
    """
    rows = work.rows(
        f"SELECT note_id, invoice_id, sum(minor)::bigint AS minor FROM ({_AIMS} "
        "UNION ALL SELECT credit_note_id, invoice_id, amount_minor FROM set_off_choices WHERE supplier_id = :supplier "
        "AND (credit_note_id = ANY(:ids) OR invoice_id = ANY(:ids))) AS aims GROUP BY note_id, invoice_id",
        ids=documents,
    )
    found = {(row["note_id"], row["invoice_id"]): row["minor"] for row in rows}
    following = _followers(work, documents)
    aims.update(found)
    followers.update(following)
    return {each for pair in (*found, *following.items()) for each in pair}


def _followers(work: Work, documents: list[UUID]) -> dict[UUID, UUID]:
    """By replaced invoice the one that took its place, where the claim is on the same customer in the same currency."""
    rows = work.rows(
        "SELECT replaced_id, by_id FROM replacements WHERE supplier_id = :supplier "
        "AND (replaced_id = ANY(:ids) OR by_id = ANY(:ids)) AND "  # of the few found, never of all invoices
        "(SELECT (customer_id, currency) FROM invoices WHERE supplier_id = :supplier AND invoice_id = replaced_id) = "
        "(SELECT (customer_id, currency) FROM invoices WHERE supplier_id = :supplier AND invoice_id = by_id)",
        ids=documents,
    )
    return {row["replaced_id"]: row["by_id"] for row in rows}


def note_names(work: Work, invoice: Invoice, names: Sequence[NamedInvoice]) -> None:
    """Keep which earlier invoices a credit note or a corrective invoice names."""
    work.insert(
        "named_invoices",
        [
            {
                "invoice_id": invoice.invoice_id,
                "position": position,
                "kind": REPLACES if invoice.is_correction else CREDITS,
                "number": each.number,
                "issue_year": each.issue_year,
                "amount_minor": each.amount_minor,
            }
            for position, each in enumerate(names, start=1)
        ],
    )


def named_by(work: Work, invoice: Invoice, kind: str) -> list[UUID]:
    """The documents that name ``invoice``, oldest first: those that came before it too."""
    rows = work.rows(
        "SELECT invoice_id FROM named_invoices WHERE supplier_id = :supplier AND kind = :kind AND number = :number "
        "AND issue_year = :year ORDER BY invoice_id",
        kind=kind,
        number=invoice.number,
        year=invoice.issued_on.year,
    )
    return [row["invoice_id"] for row in rows]


def follower_of(work: Work, invoice_id: UUID) -> UUID | None:
    """The corrective invoice that took the place of an invoice."""
    by_id: UUID | None = work.scalar(
        "SELECT by_id FROM replacements WHERE supplier_id = :supplier AND replaced_id = :id", id=invoice_id
    )
    return by_id


def latest_of(work: Work, invoice_id: UUID) -> UUID:
    """The invoice that its customer owes now instead of ``invoice_id``: itself, or the last that took its place.

    An invoice that was corrected because it was another customer's is followed by none: it is none of his business.
    """
    latest: UUID = work.scalar(
        "WITH RECURSIVE chain AS (SELECT CAST(:id AS uuid) AS invoice_id, 0 AS step UNION ALL "
        "SELECT by_id, step + 1 FROM chain JOIN replacements ON replacements.supplier_id = :supplier "
        "AND replaced_id = chain.invoice_id JOIN invoices AS old ON old.supplier_id = :supplier "
        "AND old.invoice_id = replaced_id JOIN invoices AS new ON new.supplier_id = :supplier "
        "AND new.invoice_id = by_id AND new.customer_id = old.customer_id AND new.currency = old.currency) "
        "SELECT invoice_id FROM chain ORDER BY step DESC LIMIT 1",
        id=invoice_id,
    )
    return latest


def note_replacement(work: Work, replaced_id: UUID, by_id: UUID) -> None:
    """Keep that ``by_id`` took the place of ``replaced_id``."""
    work.execute(
        "INSERT INTO replacements (supplier_id, replaced_id, by_id, replaced_at) "
        "VALUES (:supplier, :replaced, :by, :at)",
        replaced=replaced_id,
        by=by_id,
        at=now(),
    )


def move_reservations(work: Work, replaced_id: UUID, by_id: UUID) -> None:
    """What was meant for a replaced invoice is meant for the one that took its place."""
    work.execute(
        "UPDATE reservations SET invoice_id = :by WHERE supplier_id = :supplier AND invoice_id = :replaced",
        replaced=replaced_id,
        by=by_id,
    )


def move_aims(work: Work, replaced_id: UUID, by_id: UUID, actor: str) -> None:
    """What was chosen for a replaced invoice is chosen for the one that took its place: two more choices each."""
    for row in work.rows(
        "SELECT attempt_id, sum(amount_minor)::bigint AS minor FROM aim_choices WHERE supplier_id = :supplier "
        "AND invoice_id = :replaced GROUP BY attempt_id HAVING sum(amount_minor) <> 0",
        replaced=replaced_id,
    ):
        note_aim(work, AimChoice(row["attempt_id"], replaced_id, -row["minor"], actor, "replaced"))
        note_aim(work, AimChoice(row["attempt_id"], by_id, row["minor"], actor, "replaced"))


@dataclass(frozen=True, slots=True)
class AimChoice:
    """Somebody changed by ``amount_minor`` how much of a payment is for an invoice; less of it has a reason."""

    attempt_id: UUID
    invoice_id: UUID
    amount_minor: int
    actor: str
    reason: str | None = None


def note_aim(work: Work, choice: AimChoice) -> None:
    """Keep a choice about what a payment is for."""
    work.execute(
        "INSERT INTO aim_choices (supplier_id, choice_id, attempt_id, invoice_id, amount_minor, actor, reason, "
        "chosen_at) VALUES (:supplier, :choice, :attempt, :invoice, :amount, :actor, :reason, :at)",
        choice=new_id(),
        attempt=choice.attempt_id,
        invoice=choice.invoice_id,
        amount=choice.amount_minor,
        actor=choice.actor,
        reason=choice.reason,
        at=now(),
    )


@dataclass(frozen=True, slots=True)
class SetOffChoice:
    """Somebody changed by ``amount_minor`` how much of a credit note is for an invoice; less of it has a reason."""

    credit_note_id: UUID
    invoice_id: UUID
    amount_minor: int
    actor: str
    reason: str | None = None


def note_choice(work: Work, choice: SetOffChoice) -> None:
    """Keep a choice about a set-off."""
    work.execute(
        "INSERT INTO set_off_choices (supplier_id, choice_id, credit_note_id, invoice_id, amount_minor, actor, reason, "
        "chosen_at) VALUES (:supplier, :choice, :note, :invoice, :amount, :actor, :reason, :at)",
        choice=new_id(),
        note=choice.credit_note_id,
        invoice=choice.invoice_id,
        amount=choice.amount_minor,
        actor=choice.actor,
        reason=choice.reason,
        at=now(),
    )
