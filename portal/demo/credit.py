"""Credit in the demonstration: limits, an order with its delivery, a derogation to decide, proceedings."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import today
from portal.access.people import find_person
from receivables.domain.risk.commitments import DELIVERY, ORDER
from receivables.domain.risk.credit import LimitKind
from receivables.services.risk.deciding import AskDecision, decide_credit
from receivables.services.risk.derogating import AskDerogation, ask_derogation
from receivables.services.risk.exposing import exposures
from receivables.services.risk.insolvency import NewInsolvency, note_insolvency
from receivables.services.risk.limiting import NewLimit, set_limit, set_policy
from receivables.services.risk.ordering import TellCommitment, tell_commitment

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.store.work import Work

LIMITED = 6
"""So many of those who owe most have a limit of their own; the others have the house's."""
ROUND = 50_000
"""Limits of people are round: in cents."""


def add_credit(services: Services, supplier_id: UUID, collector: str, payer_id: UUID) -> None:
    """Limits around what is owed, so that some are near and one is exceeded; the smallest debtor is insolvent.

    Whoever signs in as the customer (``payer_id``) is left as they are.
    """
    person = find_person(services.database, collector)
    if person is None:
        return
    actor = f"person {person.person_id}"
    with services.works.begin(supplier_id) as work:
        owed = {key: each.total_minor for key, each in exposures(work).items() if each.total_minor > ROUND}
        owed.pop(payer_id, None)
        ranked = sorted(owed, key=lambda key: (-owed[key], key))
        if len(ranked) <= LIMITED:
            return
        set_policy(work, {"default_limit_minor": 2_000_000}, actor)
        for place, customer_id in enumerate(ranked[:LIMITED]):
            percent = (90, 112, 130, 150, 200, 300)[place]
            amount = -(-owed[customer_id] * percent // 100 // ROUND) * ROUND
            set_limit(work, NewLimit(LimitKind.INTERNAL, amount, "Bilan 2025", actor, customer_id=customer_id))
        _trade(work, ranked[1], actor)
        until = today() + timedelta(days=21)
        ask_derogation(work, AskDerogation(ranked[0], 500_000, until, "Commande de fin d'année, acompte promis", actor))
        opened = today() - timedelta(days=9)
        told = NewInsolvency(ranked[-1], "redressement", opened, "BODACC A n° 221", actor, opened + timedelta(days=5))
        note_insolvency(work, told)


def _trade(work: Work, customer_id: UUID, actor: str) -> None:
    """A firm order, of which a part was delivered; and the decision that was asked for it."""
    day = today() - timedelta(days=6)
    order = TellCommitment(ORDER, "CMD-2026-118", customer_id, "EUR", 384_000, day, "api", buyer_reference="PO-7741")
    tell_commitment(work, order)
    delivered = today() - timedelta(days=2)
    tell_commitment(
        work,
        TellCommitment(
            DELIVERY, "BL-2026-204", customer_id, "EUR", 156_000, delivered, "api", order_reference="CMD-2026-118"
        ),
    )
    decide_credit(work, AskDecision(customer_id, 120_000, actor, purpose="Devis D-318"))
