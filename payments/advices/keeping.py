"""Advices kept: what was read, what the customer confirmed of it, and the file itself as evidence.

An advice is no receipt: nothing is booked, reserved or held back from reminders by it. It is evidence for the bank line
that comes with its amount (docs/matching.md), and the day that it names is announced on its invoices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from payments.advices.errors import AdviceError
from payments.advices.understanding import in_minor
from payments.paying.announcing import BELIEVED, MOST_AHEAD, announce_transfer
from receivables.errors import NotFoundError
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.customer_file.customers import lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.advices.reading import ReadAdvice
    from payments.advices.understanding import Understood
    from receivables.store.work import Work

MOST_PER_DAY = 20
"""Advices that one customer may send in a day."""
MOST_SHOWN = 50
OLDEST = timedelta(days=120)
_ADVICE = (
    "SELECT advice_id, customer_id, form, document_id, sha256, currency, told_minor, total_minor, paid_on, reference, "
    "state, actor, read_at, confirmed_at, attempt_id, used_at FROM remittance_advices WHERE supplier_id = :supplier "
)


@dataclass(frozen=True, slots=True)
class Advice:
    """An advice; ``told_minor`` is the file's own sum, ``total_minor`` what the customer confirmed.

    ``state`` is ``read``, ``confirmed``, ``used`` (its money came: ``attempt_id`` is the payment) or ``withdrawn``.
    """

    advice_id: UUID
    customer_id: UUID
    form: str
    document_id: UUID
    sha256: str
    currency: str
    told_minor: int | None
    total_minor: int | None
    paid_on: date | None
    reference: str | None
    state: str
    actor: str
    read_at: datetime
    confirmed_at: datetime | None
    attempt_id: UUID | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line as it was read, with the invoice that it was understood as."""

    position: int
    said: str
    invoice_id: UUID | None
    number: str | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What the customer says: so much for each invoice (a credit note below zero), paid on a day."""

    amounts: Mapping[UUID, int]
    paid_on: date | None
    reference: str = ""


def keep_advice(  # noqa: PLR0917 -- an advice, what it was read from and by whom
    work: Work, customer_id: UUID, read: ReadAdvice, lines: Sequence[Understood], evidence: tuple[UUID, str], actor: str
) -> UUID:
    """Keep what was read; ``evidence`` is the document and its hash. The same file sent again is the same advice.

    Raises:
        AdviceError: ``advice.nothing_named``, ``advice.several_currencies``, ``advice.too_many``.
    """
    document_id, sha256 = evidence
    lock_customers(work, [customer_id])
    known = _kept_before(work, customer_id, sha256)
    if known is not None:
        return known
    currency = _currency_of(lines)
    _check_rate(work, customer_id)
    advice_id = new_id()
    work.insert(
        "remittance_advices",
        [
            {
                "advice_id": advice_id,
                "customer_id": customer_id,
                "form": read.form,
                "document_id": document_id,
                "sha256": sha256,
                "currency": currency,
                "told_minor": in_minor(read.told_minor, currency) if read.told_minor else None,
                "paid_on": read.paid_on,
                "actor": actor,
                "read_at": now(),
            }
        ],
    )
    work.insert(
        "advice_lines",
        [
            {
                "advice_id": advice_id,
                "position": position,
                "said": each.said,
                "invoice_id": each.invoice.invoice_id if each.invoice else None,
                "amount_minor": each.amount_minor if each.invoice else in_minor(each.amount_minor, currency),
            }
            for position, each in enumerate(lines, start=1)
        ],
    )
    work.audit(actor, "advice.read", str(advice_id), sha256=sha256, lines=len(lines))
    return advice_id


def _kept_before(work: Work, customer_id: UUID, sha256: str) -> UUID | None:
    """The advice of this customer that was read from the same file."""
    known: UUID | None = work.scalar(
        "SELECT advice_id FROM remittance_advices WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND sha256 = :sha256 AND state <> 'withdrawn' ORDER BY read_at LIMIT 1",
        customer=customer_id,
        sha256=sha256,
    )
    return known


def confirm_advice(work: Work, advice: Advice, said: Confirmed, actor: str) -> None:
    """Take what the customer confirms, once; the bank line of its amount will be held against it.

    Raises:
        AdviceError: ``advice.not_waiting``, ``advice.nothing_named``, ``advice.bad_day``, ``advice.not_theirs``.
    """
    lock_customers(work, [advice.customer_id])
    if get_advice(work, advice.customer_id, advice.advice_id).state != "read":
        raise AdviceError("advice.not_waiting", "This advice was settled before.", "Cet avis est déjà traité.")
    total = sum(said.amounts.values())
    if total <= 0:
        raise _nothing_named()
    if said.paid_on and not today() - OLDEST <= said.paid_on <= today() + MOST_AHEAD:
        raise AdviceError(
            "advice.bad_day",
            "Give the day of your payment: within the last four months or the next one.",
            "Donnez le jour de votre paiement : dans les quatre derniers mois ou le mois à venir.",
        )
    numbers = _check_theirs(work, advice, list(said.amounts))
    work.execute(
        "UPDATE remittance_advices SET state = 'confirmed', total_minor = :total, paid_on = :day, "
        "reference = :reference, confirmed_at = :at WHERE supplier_id = :supplier AND advice_id = :id",
        id=advice.advice_id,
        total=total,
        day=said.paid_on,
        reference=said.reference or None,
        at=now(),
    )
    work.insert(
        "advised_invoices",
        [
            {"advice_id": advice.advice_id, "invoice_id": invoice_id, "amount_minor": minor}
            for invoice_id, minor in said.amounts.items()
        ],
    )
    _announce(work, said, actor)
    work.audit(actor, "advice.confirmed", str(advice.advice_id), amount_minor=total, invoices=numbers)
    facts = {"amount_minor": total, "currency": advice.currency, "invoices": ", ".join(numbers)}
    note_event(work, AccountEvent(advice.customer_id, "advice.confirmed", actor, shown=True, facts=facts))


def withdraw_advice(work: Work, advice: Advice, actor: str) -> None:
    """Take an advice back: nothing is held against it any more.

    Raises:
        AdviceError: ``advice.used``: its money came, and says what it was for.
    """
    lock_customers(work, [advice.customer_id])
    if get_advice(work, advice.customer_id, advice.advice_id).state == "used":
        raise AdviceError(
            "advice.used",
            "The payment of this advice has come: there is nothing to take back. Write to us if it is wrong.",
            "Le paiement de cet avis est arrivé : il n'y a plus rien à retirer. Écrivez-nous s'il est inexact.",
        )
    work.execute(
        "UPDATE remittance_advices SET state = 'withdrawn' WHERE supplier_id = :supplier AND advice_id = :id",
        id=advice.advice_id,
    )
    work.audit(actor, "advice.withdrawn", str(advice.advice_id))


def get_advice(work: Work, customer_id: UUID, advice_id: UUID) -> Advice:
    """One advice of a customer.

    Raises:
        NotFoundError: ``advice.not_found``.
    """
    row = work.row(_ADVICE + "AND customer_id = :customer AND advice_id = :id", customer=customer_id, id=advice_id)
    if row is None:
        raise NotFoundError("advice.not_found", "There is no such advice.", "Cet avis n'existe pas.")
    return _advice(row)


def advices_of(work: Work, customer_id: UUID | None = None) -> list[Advice]:
    """The advices of a customer, or of all, the latest first."""
    rows = work.rows(
        _ADVICE + "AND (CAST(:customer AS uuid) IS NULL OR customer_id = :customer) AND state <> 'withdrawn' "
        "ORDER BY read_at DESC LIMIT :most",
        customer=customer_id,
        most=MOST_SHOWN,
    )
    return [_advice(row) for row in rows]


def lines_of(work: Work, advice_id: UUID) -> list[KeptLine]:
    """The lines of an advice, as they stand in the file."""
    rows = work.rows(
        "SELECT position, said, invoice_id, number, amount_minor FROM advice_lines LEFT JOIN invoices "
        "USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND advice_id = :id ORDER BY position",
        id=advice_id,
    )
    return [KeptLine(**row) for row in rows]


def amounts_of(work: Work, advice_id: UUID) -> list[tuple[UUID, str, int]]:
    """What was confirmed: invoice, number and amount, by number."""
    rows = work.rows(
        "SELECT invoice_id, number, amount_minor FROM advised_invoices JOIN invoices USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND advice_id = :id ORDER BY number",
        id=advice_id,
    )
    return [(row["invoice_id"], row["number"], row["amount_minor"]) for row in rows]


def _announce(work: Work, said: Confirmed, actor: str) -> None:
    """Say on each invoice that its money is on its way, where that is still believed."""
    if said.paid_on is None or not today() - BELIEVED <= said.paid_on <= today() + MOST_AHEAD:
        return
    paid = {invoice_id: minor for invoice_id, minor in said.amounts.items() if minor > 0}
    for due in due_on_invoices(work, list(paid)):
        if due.payable_minor > 0 and not due.assigned_minor:
            announce_transfer(work, due.invoice_id, min(paid[due.invoice_id], due.payable_minor), said.paid_on, actor)


def _check_theirs(work: Work, advice: Advice, invoice_ids: Sequence[UUID]) -> list[str]:
    rows = work.rows(
        "SELECT number FROM invoices WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND invoice_id = ANY(:ids) AND currency = :currency ORDER BY number",
        customer=advice.customer_id,
        ids=list(invoice_ids),
        currency=advice.currency,
    )
    if len(rows) != len(invoice_ids):
        raise AdviceError(
            "advice.not_theirs",
            "An invoice of this advice is not yours, or in another currency. Choose again.",
            "Une facture de cet avis n'est pas la vôtre, ou est dans une autre monnaie. Choisissez à nouveau.",
        )
    return [row["number"] for row in rows]


def _currency_of(lines: Sequence[Understood]) -> str:
    currencies = {each.invoice.currency for each in lines if each.invoice}
    if not currencies:
        raise _nothing_named()
    if len(currencies) > 1:
        raise AdviceError(
            "advice.several_currencies",
            "This advice names invoices in several currencies. Send one for each payment.",
            "Cet avis nomme des factures en plusieurs monnaies. Envoyez-en un par paiement.",
        )
    return currencies.pop()


def _nothing_named() -> AdviceError:
    return AdviceError(
        "advice.nothing_named",
        "No invoice of yours stands in it with an amount. Check the file, or choose the invoices on the payment page.",
        "Aucune de vos factures n'y figure avec un montant. Vérifiez le fichier, ou choisissez-les à la page Payer.",
    )


def _check_rate(work: Work, customer_id: UUID) -> None:
    sent = work.scalar(
        "SELECT count(*) FROM remittance_advices WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND read_at > :since",
        customer=customer_id,
        since=now() - timedelta(days=1),
    )
    if sent >= MOST_PER_DAY:
        raise AdviceError(
            "advice.too_many",
            f"{MOST_PER_DAY} advices came today. Put several payments into one list.",
            f"{MOST_PER_DAY} avis sont arrivés aujourd'hui. Réunissez plusieurs paiements en une liste.",
        )


def _advice(row: RowMapping) -> Advice:
    return Advice(**row)
