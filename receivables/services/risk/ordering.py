"""Take in orders and deliveries as the supplier's order system tells them, and the invoices that are for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now, today
from receivables.domain.invoicing.invoices import ABOUT_DEPOSITS, CREDIT_NOTES
from receivables.domain.risk.commitments import DELIVERY, ORDER, NamedCommitment, plan_left
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.risk.watching import watch_limits
from receivables.store.customer_file.customers import get_customer, lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event
from receivables.store.risk.commitments import (
    Told,
    find_commitment,
    get_commitment,
    load_around,
    name_commitments,
    references_of,
    versions_of,
    write_left,
)
from receivables.store.risk.credit import current_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

MAX_REFERENCE = 200
OPEN, CLOSED = "open", "closed"


@dataclass(frozen=True, slots=True)
class TellCommitment:
    """What an order system says of an order or a delivery. ``amount_minor`` is minor units, VAT included.

    ``version`` is the system's own count: the highest counts, whichever came last. Without one, what differs from
    before is the next version. ``effective_on`` is the day from which it counts; the day of the order or delivery for
    the first version, today for a later one.
    """

    kind: str
    reference: str
    customer_id: UUID
    currency: str
    amount_minor: int
    began_on: date
    actor: str
    version: int | None = None
    order_reference: str | None = None
    buyer_reference: str | None = None
    weight_percent: int | None = None
    state: str = OPEN
    reason: str | None = None
    effective_on: date | None = None


def tell_commitment(work: Work, told: TellCommitment) -> Told:
    """Take in an order or a delivery, or another version of it; the same again changes nothing.

    Facts are never refused for a limit: what is exceeded by them is told in the same transaction.

    Raises:
        NotFoundError: ``customer.not_found``.
        ReceivablesError: ``order.bad_amount``, ``order.bad_reference``, ``order.bad_weight``, ``order.bad_state``.
        ConflictError: ``order.other_customer``: the reference is another customer's, or in another currency;
            ``order.version_taken``: this version was told with other words.
    """
    _check(told)
    lock_customers(work, [get_customer(work, told.customer_id).customer_id])
    before = find_commitment(work, told.kind, told.reference)
    if before is None:
        work.execute(  # two tellers of one reference: the second waits here, and finds it
            "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))",
            key=f"{work.supplier_id}/{told.kind}/{told.reference}",
        )
        before = find_commitment(work, told.kind, told.reference)
    if before and (before.customer_id, before.currency) != (told.customer_id, told.currency):
        raise ConflictError(
            "order.other_customer",
            f"{told.reference} was told for another customer or in another currency. Close it and use a new reference.",
            f"{told.reference} a été annoncée pour un autre client ou dans une autre devise. Fermez-la et prenez une "
            "autre référence.",
        )
    version = _version(told, before)
    if version is None or not _write_version(work, told, before, version):
        return get_commitment(work, told.kind, told.reference)
    refs = {told.reference, told.order_reference or told.reference, told.buyer_reference or told.reference}
    if before:
        refs |= {before.order_reference or told.reference, before.buyer_reference or told.reference}
    plan_again(work, told.customer_id, told.currency, refs)
    if before and before.state != told.state:
        _note_state(work, told)
    watch_limits(work, [told.customer_id])
    return get_commitment(work, told.kind, told.reference)


def close_commitment(work: Work, kind: str, reference: str, actor: str, reason: str) -> Told:
    """Nothing more will be delivered of an order, or invoiced of a delivery.

    Raises:
        NotFoundError: ``order.not_found`` or ``delivery.not_found``.
    """
    return _turn(work, kind, reference, CLOSED, actor=actor, reason=reason)


def reopen_commitment(work: Work, kind: str, reference: str, actor: str, reason: str) -> Told:
    """An order or delivery that was closed counts again, and is looked at against the limits like a new one.

    Raises:
        NotFoundError: ``order.not_found`` or ``delivery.not_found``.
    """
    return _turn(work, kind, reference, OPEN, actor=actor, reason=reason)


def bill_commitments(work: Work, invoice: Invoice, named: Iterable[NamedCommitment], actor: str) -> None:
    """An invoice was issued: what it names is not waiting to be invoiced any more. Its customer is locked.

    A deposit invoice only says what it asks an advance for; a credit note takes nothing.
    """
    named = tuple(named)
    if invoice.type_code in CREDIT_NOTES:
        return
    if named:
        name_commitments(work, invoice, named, _told_by(actor, deposit=invoice.type_code in ABOUT_DEPOSITS))
    refs = {each.reference for each in named}
    if invoice.is_correction:
        rows = work.rows(
            "SELECT replaced_id FROM replacements WHERE supplier_id = :supplier AND by_id = :by", by=invoice.invoice_id
        )
        refs |= references_of(work, [row["replaced_id"] for row in rows])
    if refs:
        plan_again(work, invoice.customer_id, invoice.currency, refs)


def say_what_for(
    work: Work, invoice: Invoice, named: NamedCommitment, *, actor: str, amount_minor: int | None = None
) -> Told:
    """Say of an issued invoice that it is for an order or a delivery; said twice, the first counts.

    Raises:
        NotFoundError: ``order.not_found`` or ``delivery.not_found``.
        ConflictError: ``order.other_customer``: the invoice is another customer's, or in another currency.
        ReceivablesError: ``order.no_invoice``: a credit note invoices nothing.
    """
    told = get_commitment(work, named.kind, named.reference)
    if (told.customer_id, told.currency) != (invoice.customer_id, invoice.currency):
        raise ConflictError(
            "order.other_customer",
            f"Invoice {invoice.number} is another customer's than {named.reference}, or in another currency.",
            f"La facture {invoice.number} n'est pas du même client que {named.reference}, ou pas de la même devise.",
        )
    if invoice.type_code in CREDIT_NOTES:
        raise ReceivablesError(
            "order.no_invoice",
            f"{invoice.number} is a credit note: it invoices no order and no delivery.",
            f"{invoice.number} est un avoir : il ne facture ni commande ni livraison.",
        )
    lock_customers(work, [invoice.customer_id])
    told_by = _told_by(actor, deposit=invoice.type_code in ABOUT_DEPOSITS) | {"amount_minor": amount_minor}
    name_commitments(work, invoice, [named], told_by)
    plan_again(work, invoice.customer_id, invoice.currency, [named.reference])
    work.audit(actor, f"{named.kind}.invoiced", named.reference, invoice_id=invoice.invoice_id, minor=amount_minor)
    watch_limits(work, [invoice.customer_id])
    return get_commitment(work, named.kind, named.reference)


def plan_again(work: Work, customer_id: UUID, currency: str, references: Iterable[str]) -> None:
    """Work out what is left of everything that these references touch."""
    commitments, billings = load_around(work, customer_id, currency, references)
    write_left(work, plan_left(commitments, billings))


def _told_by(actor: str, *, deposit: bool) -> dict[str, Any]:
    return {"amount_minor": None, "deposit": deposit, "told_by": actor, "told_at": now()}


def _version(told: TellCommitment, before: Told | None) -> int | None:
    """The version that this is; ``None`` where it says nothing new."""
    if told.version is not None or before is None:
        return told.version or 1
    says = (told.amount_minor, told.order_reference, told.buyer_reference, told.state)
    said = (before.amount_minor, before.order_reference, before.buyer_reference, before.state)
    same_weight = told.weight_percent in (None, before.weight_percent)
    return None if says == said and same_weight else before.version + 1


def _write_version(work: Work, told: TellCommitment, before: Told | None, version: int) -> bool:
    """Keep a version; whether it is the newest. What was told before has to be the same.

    Raises:
        ConflictError: ``order.version_taken``.
    """
    weight = told.weight_percent
    if weight is None:
        weight = before.weight_percent if before else _own_weight(work, told.kind)
    said = {
        "amount_minor": told.amount_minor,
        "weight_percent": weight,
        "order_reference": told.order_reference,
        "buyer_reference": told.buyer_reference,
        "state": told.state,
    }
    commitment_id = before.commitment_id if before else _begin(work, told, said, version)
    known = {row["version"]: row for row in versions_of(work, commitment_id)} if before else {}
    if version in known:
        _check_same(told, version, known[version], said)
        return False
    effective = told.effective_on or (max(told.began_on, today()) if known else told.began_on)
    work.insert(
        "commitment_versions",
        [
            {
                "commitment_id": commitment_id,
                "version": version,
                **said,
                "reason": told.reason,
                "effective_on": effective,
                "told_by": told.actor,
                "told_at": now(),
            }
        ],
    )
    work.audit(told.actor, f"{told.kind}.told", told.reference, version=version, minor=told.amount_minor)
    if before is None or version < before.version:
        return before is None
    _advance(work, commitment_id, version, said)
    return True


def _begin(work: Work, told: TellCommitment, said: Mapping[str, Any], version: int) -> UUID:
    """The first row of an order or a delivery; its id."""
    at, commitment_id = now(), new_id()
    first = {"commitment_id": commitment_id, "customer_id": told.customer_id, "kind": told.kind, **said}
    first |= {"reference": told.reference, "currency": told.currency, "version": version, "left_minor": 0}
    work.insert("commitments", [first | {"began_on": told.began_on, "created_at": at, "changed_at": at}])
    return commitment_id


def _check_same(told: TellCommitment, version: int, known: RowMapping, said: Mapping[str, Any]) -> None:
    """A version that was told before says now what it said then.

    Raises:
        ConflictError: ``order.version_taken``.
    """
    if any(known[name] != value for name, value in said.items()):
        raise ConflictError(
            "order.version_taken",
            f"Version {version} of {told.reference} was told with other words. Give the change the next number.",
            f"La version {version} de {told.reference} a été annoncée autrement. Donnez au changement le numéro "
            "suivant.",
        )


def _advance(work: Work, commitment_id: UUID, version: int, said: Mapping[str, Any]) -> None:
    """What holds now is what its newest version says."""
    work.execute(
        "UPDATE commitments SET version = :version, amount_minor = :amount_minor, weight_percent = :weight_percent, "
        "order_reference = :order_reference, buyer_reference = :buyer_reference, state = :state, left_minor = 0, "
        "changed_at = :at WHERE supplier_id = :supplier AND commitment_id = :id",
        id=commitment_id,
        version=version,
        at=now(),
        **said,
    )


def _own_weight(work: Work, kind: str) -> int:
    """A delivery always counts whole: the goods are gone."""
    return current_policy(work).order_weight_percent if kind == ORDER else 100


def _turn(work: Work, kind: str, reference: str, state: str, *, actor: str, reason: str) -> Told:
    told = get_commitment(work, kind, reference)
    lock_customers(work, [told.customer_id])
    told = get_commitment(work, kind, reference)
    return tell_commitment(
        work,
        TellCommitment(
            kind=kind,
            reference=reference,
            customer_id=told.customer_id,
            currency=told.currency,
            amount_minor=told.amount_minor,
            began_on=told.began_on,
            actor=actor,
            order_reference=told.order_reference,
            buyer_reference=told.buyer_reference,
            weight_percent=told.weight_percent,
            state=state,
            reason=reason.strip() or None,
        ),
    )


def _note_state(work: Work, told: TellCommitment) -> None:
    kind = f"{told.kind}.{'closed' if told.state == CLOSED else 'reopened'}"
    facts = {"reference": told.reference, "amount_minor": told.amount_minor, "currency": told.currency}
    note_event(
        work, AccountEvent(told.customer_id, kind, told.actor, shown=False, facts=facts | {"reason": told.reason or ""})
    )


def _check(told: TellCommitment) -> None:
    """Refuse what cannot be an order or a delivery."""
    if not 0 < len(told.reference.strip()) <= MAX_REFERENCE or told.reference != told.reference.strip():
        raise ReceivablesError(
            "order.bad_reference",
            f"A reference has 1 to {MAX_REFERENCE} characters, without blanks around it.",
            f"Une référence compte de 1 à {MAX_REFERENCE} caractères, sans espaces autour.",
        )
    if told.amount_minor < 0:
        raise ReceivablesError(
            "order.bad_amount",
            f"The amount of {told.reference} is below zero. Give what is ordered or delivered, VAT included.",
            f"Le montant de {told.reference} est négatif. Donnez ce qui est commandé ou livré, TTC.",
        )
    if told.weight_percent is not None and not 0 <= told.weight_percent <= 100:  # noqa: PLR2004 -- a percentage
        raise ReceivablesError(
            "order.bad_weight",
            "weight_percent is 0 to 100: how much of the order counts until it is delivered.",
            "weight_percent va de 0 à 100 : ce qui compte de la commande avant livraison.",
        )
    if told.state not in (OPEN, CLOSED) or told.kind not in (ORDER, DELIVERY) or (told.version or 1) < 1:
        raise ReceivablesError(
            "order.bad_state",
            "An order or delivery is open or closed, and its versions count from 1.",
            "Une commande ou une livraison est ouverte (open) ou fermée (closed), et ses versions comptent depuis 1.",
        )
