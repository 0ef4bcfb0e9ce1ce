"""Builders of credit: orders and deliveries as an order system tells them, limits, what a decision says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ledger_builders import customer_facts

from config.clock import today
from receivables.domain.risk.commitments import DELIVERY, ORDER, NamedCommitment
from receivables.domain.risk.credit import LimitKind
from receivables.services.risk.deciding import AskDecision, decide_credit
from receivables.services.risk.derogating import AskDerogation, ask_derogation
from receivables.services.risk.insolvency import NewInsolvency, end_insolvency, note_insolvency
from receivables.services.risk.limiting import NewLimit, set_limit
from receivables.services.risk.ordering import TellCommitment, tell_commitment
from receivables.store.customer_file.customers import find_or_create_customer

if TYPE_CHECKING:
    from uuid import UUID

    from portal_house import House

    from receivables.services.risk.deciding import Decided
    from receivables.store.risk.commitments import Told
    from receivables.store.work import Work


def buyer(work: Work, name: str = "Boulangerie Martin", siren: str | None = "732829320") -> UUID:
    """A customer that has bought nothing yet."""
    return find_or_create_customer(work, customer_facts(name, siren)).customer_id


def tell(work: Work, kind: str, reference: str, customer_id: UUID, amount_minor: int, **more: Any) -> Told:
    """An order or a delivery of today."""
    values = {"began_on": today(), "currency": "EUR", "actor": "api", **more}
    return tell_commitment(
        work,
        TellCommitment(kind=kind, reference=reference, customer_id=customer_id, amount_minor=amount_minor, **values),
    )


def order(work: Work, customer_id: UUID, amount_minor: int = 10000, reference: str = "CMD-1", **more: Any) -> Told:
    """A firm order."""
    return tell(work, ORDER, reference, customer_id, amount_minor, **more)


def deliver(work: Work, customer_id: UUID, amount_minor: int = 10000, reference: str = "BL-1", **more: Any) -> Told:
    """A delivery, of the order CMD-1 where nothing else is said."""
    return tell(work, DELIVERY, reference, customer_id, amount_minor, **{"order_reference": "CMD-1", **more})


def named(kind: str, reference: str) -> NamedCommitment:
    """What an invoice says it is for."""
    return NamedCommitment(kind, reference)


def limit(work: Work, customer_id: UUID, amount_minor: int, kind: LimitKind = LimitKind.INTERNAL, **more: Any) -> UUID:
    """A limit from today."""
    return set_limit(work, NewLimit(kind, amount_minor, "bilan 2025", "person test", customer_id=customer_id, **more))


def ask(work: Work, customer_id: UUID, amount_minor: int = 0, currency: str = "EUR") -> Decided:
    """A decision."""
    return decide_credit(work, AskDecision(customer_id, amount_minor, "api", currency))


def codes(decided: Decided) -> list[str]:
    """Why it is not OK."""
    return [each.code for each in decided.decision.reasons]


THINGS: dict[UUID, dict[str, str]] = {}


def credit_things(house: House) -> dict[str, str]:
    """A limit, a derogation and proceedings that are over, of a customer of their own; made once for a house."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in THINGS:
        with house.services.works.begin(supplier_id) as work:
            who = buyer(work, "Scierie du Menez", None)
            wish = AskDerogation(who, 100, today() + timedelta(days=3), "essai", "person test")
            told = NewInsolvency(who, "sauvegarde", today() - timedelta(days=4), "BODACC", "person test")
            insolvency_id = note_insolvency(work, told)
            end_insolvency(work, insolvency_id, today(), "person test")
            THINGS[supplier_id] = {
                "credit_limit": str(limit(work, who, 100)),
                "derogation": str(ask_derogation(work, wish)),
                "insolvency": str(insolvency_id),
            }
    return THINGS[supplier_id]
