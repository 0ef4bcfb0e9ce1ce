"""Refund orders: money to give back, asked for by one person, agreed by a second one where it is much, sent once.

What a payment holds is read from the books: what came in on it less what went back. Orders that are not booked yet are
deducted, so that two of them never give more back than there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now
from payments.debits.accounts import read_iban
from payments.errors import PaymentError
from payments.refunds.holdings import held_by
from receivables.domain.money import Money
from receivables.store.customer_file.customers import lock_customers
from receivables.store.four_eyes import one_person_limit, set_one_person_limit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from payments.refunds.holdings import Held
    from receivables.store.work import Work

LIMIT_FIELD = "refund_limit_minor"
"""Field of the supplier's profile: up to this much, in cents of euro, one person is enough."""
DEFAULT_LIMIT_MINOR = 500_00
ADDS_UP = timedelta(days=1)
"""Refunds that one person orders for one customer within this time count as one."""
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class NewRefund:
    """A wish to give money back.

    Attributes:
        order_id: A UUIDv7 (``config.clock.new_id``); the same one asks once, and is the provider's idempotency key.
        road: ``provider`` (back the way it came) or ``transfer`` (to ``transfer_iban``, in a pain.001 file).
        actor: Who asks, as the audit trail names them.
        of_customer: Set where a customer asks for their own credit: somebody of the supplier always has to agree.
    """

    order_id: UUID
    attempt_id: UUID
    amount_minor: int
    road: str
    reason: str
    actor: str
    transfer_iban: str | None = None
    of_customer: UUID | None = None


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """A refund order as it stands; ``state`` is to_agree, to_send, sent, done, failed or refused."""

    order_id: UUID
    attempt_id: UUID
    payment_ref: str
    amount_minor: int
    currency: str
    road: str
    reason: str
    asked_by: str
    asked_at: datetime
    state: str
    agreed_by: str | None
    agreed_at: datetime | None
    refund_ref: str | None
    failure: str | None
    transfer_iban: str | None
    tries: int
    tried_at: datetime | None
    changed_at: datetime


_COLUMNS = (
    "order_id, attempt_id, payment_ref, amount_minor, currency, road, reason, asked_by, asked_at, state, agreed_by, "
    "agreed_at, refund_ref, failure, transfer_iban, tries, tried_at, changed_at"
)


def refund_limit(work: Work) -> int:
    """Above how many cents of euro a second person has to agree."""
    return one_person_limit(work, LIMIT_FIELD, DEFAULT_LIMIT_MINOR)


def set_refund_limit(work: Work, minor: int, actor: str) -> bool:
    """Up to ``minor`` cents of euro one person is enough from now on; false where the supplier has no profile yet."""
    changed = set_one_person_limit(work, LIMIT_FIELD, minor)
    if changed:
        work.audit(actor, "refund.limit_set", LIMIT_FIELD, minor=minor)
    return changed


def ask_refund(work: Work, wish: NewRefund) -> RefundOrder:
    """Order a refund; the same ``order_id`` orders once. Below the limit it goes at once, above it waits for a second.

    Raises:
        PaymentError: ``refund.nothing_held``, ``refund.too_much``, ``refund.bad_amount``, ``refund.no_reason``,
            ``refund.contested``, ``refund.no_road``, ``refund.bad_iban``, ``refund.not_yours``.
    """
    customer_id = work.scalar(
        "SELECT customer_id FROM payment_attempts WHERE supplier_id = :supplier AND attempt_id = :id",
        id=wish.attempt_id,
    )
    lock_customers(work, [customer_id] if customer_id else [])
    known = find_refund(work, wish.order_id)
    if known is not None:
        return known
    held = held_by(work, wish.attempt_id)
    if held is None:
        raise PaymentError(
            "refund.nothing_held",
            "No money was booked on this payment, so there is nothing to refund. Wait until it is booked.",
            "Aucun argent n'a été comptabilisé sur ce paiement : il n'y a rien à rembourser. Attendez qu'il le soit.",
        )
    _check(held, wish)
    iban = _iban(wish)
    state = "to_agree" if _wants_second(work, held, wish, iban) else "to_send"
    _write_order(work, wish, held, state, iban)
    work.audit(
        wish.actor,
        "refund.asked",
        str(wish.order_id),
        attempt_id=wish.attempt_id,
        amount_minor=wish.amount_minor,
        reason=wish.reason.strip(),
    )
    return get_refund(work, wish.order_id)


def _write_order(work: Work, wish: NewRefund, held: Held, state: str, iban: str | None) -> None:
    work.execute(
        "INSERT INTO refund_orders (supplier_id, order_id, attempt_id, payment_ref, amount_minor, currency, road, "
        "reason, asked_by, asked_at, state, transfer_iban, changed_at) VALUES (:supplier, :id, :attempt, :payment, "
        ":amount, :currency, :road, :reason, :actor, :at, :state, :iban, :at)",
        id=wish.order_id,
        attempt=wish.attempt_id,
        payment=held.payment_ref,
        amount=wish.amount_minor,
        currency=held.currency,
        road=wish.road,
        reason=wish.reason.strip(),
        actor=wish.actor,
        state=state,
        iban=iban,
        at=now(),
    )


def agree_refund(work: Work, order_id: UUID, actor: str) -> RefundOrder:
    """The second pair of eyes says yes: the order may go. Saying it twice changes nothing.

    Raises:
        PaymentError: ``refund.unknown``, ``refund.same_person``, ``refund.decided``, ``refund.contested`` or
            ``refund.money_gone``: the money went back by another road since it was asked for.
    """
    lock_payer(work, order_id)
    order = _to_decide(work, order_id, actor)
    if order.state != "to_agree":
        return order
    if (gone := why_gone(work, order)) is not None:
        raise gone
    work.execute(
        "UPDATE refund_orders SET state = 'to_send', agreed_by = :actor, agreed_at = :at, changed_at = :at "
        "WHERE supplier_id = :supplier AND order_id = :id AND state = 'to_agree'",
        id=order_id,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "refund.agreed", str(order_id), amount_minor=order.amount_minor)
    return get_refund(work, order_id)


def refuse_refund(work: Work, order_id: UUID, actor: str, why: str) -> RefundOrder:
    """No: the order ends, and what it held back may be asked for again. Whoever asked may take it back this way.

    Raises:
        PaymentError: ``refund.unknown``, ``refund.no_reason``, ``refund.decided`` where it has gone already.
    """
    order = _locked(work, order_id)
    if order.state == "refused":
        return order
    if order.state != "to_agree":
        raise _decided()
    if not why.strip():
        raise _no_reason()
    work.execute(
        "UPDATE refund_orders SET state = 'refused', failure = :why, changed_at = :at "
        "WHERE supplier_id = :supplier AND order_id = :id",
        id=order_id,
        why=why.strip()[:LONGEST_REASON],
        at=now(),
    )
    work.audit(actor, "refund.refused", str(order_id), reason=why.strip()[:LONGEST_REASON])
    return get_refund(work, order_id)


def lock_payer(work: Work, *order_ids: UUID) -> None:
    """Lock the customers of orders, as whoever books money does: nothing goes back on another road meanwhile."""
    rows = work.rows(
        "SELECT DISTINCT attempt.customer_id FROM refund_orders AS refund JOIN payment_attempts AS attempt "
        "USING (supplier_id, attempt_id) WHERE supplier_id = :supplier AND refund.order_id = ANY(:ids)",
        ids=list(order_ids),
    )
    lock_customers(work, [row["customer_id"] for row in rows])


def why_gone(work: Work, order: RefundOrder) -> PaymentError | None:
    """Why an order must not go any more: what it gives back went back already, or the payer's bank holds it."""
    held = held_by(work, order.attempt_id)
    if held is not None and held.contested:
        return _contested()
    if held is None or held.left_minor < 0:  # orders on their way are deducted, this one among them
        return PaymentError(
            "refund.money_gone",
            "This money went back by another road since the refund was asked for: it would go back twice. Refuse it.",
            "Cet argent est reparti par une autre voie depuis la demande : il serait rendu deux fois. Refusez-la.",
        )
    return None


def find_refund(work: Work, order_id: UUID) -> RefundOrder | None:
    """One order, or ``None``."""
    row = work.row(
        f"SELECT {_COLUMNS} FROM refund_orders WHERE supplier_id = :supplier AND order_id = :id",
        id=order_id,
    )
    return RefundOrder(**row) if row else None


def get_refund(work: Work, order_id: UUID) -> RefundOrder:
    """One order.

    Raises:
        PaymentError: ``refund.unknown``.
    """
    found = find_refund(work, order_id)
    if found is None:
        raise PaymentError(
            "refund.unknown",
            "This refund is not known here: look for it in the list of refunds.",
            "Ce remboursement n'est pas connu ici : cherchez-le dans la liste des remboursements.",
        )
    return found


def refunds_of(work: Work, attempt_id: UUID) -> list[RefundOrder]:
    """The orders of one payment, oldest first."""
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM refund_orders WHERE supplier_id = :supplier AND attempt_id = :id "
        "ORDER BY asked_at, order_id",
        id=attempt_id,
    )
    return [RefundOrder(**row) for row in rows]


def list_refunds(work: Work, states: Sequence[str], *, after: UUID | None = None, limit: int = 50) -> list[RefundOrder]:
    """Orders in these states, newest first: one more than ``limit``, so that a list knows whether it goes on."""
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM refund_orders WHERE supplier_id = :supplier AND state = ANY(:states) "
        "AND (CAST(:after AS uuid) IS NULL OR order_id < :after) ORDER BY order_id DESC LIMIT :limit",
        states=list(states),
        after=after,
        limit=limit + 1,
    )
    return [RefundOrder(**row) for row in rows]


def _check(held: Held, wish: NewRefund) -> None:
    """Refuse what must not be ordered."""
    if wish.of_customer is not None and wish.of_customer != held.customer_id:
        raise PaymentError("refund.not_yours", "This payment is not yours.", "Ce paiement n'est pas l'un des vôtres.")
    if not wish.reason.strip():
        raise _no_reason()
    if wish.amount_minor <= 0:
        raise PaymentError("refund.bad_amount", "Give an amount above zero.", "Indiquez un montant au-dessus de zéro.")
    if held.contested:
        raise _contested()
    most = min(held.left_minor, held.credit_minor - held.ordered_minor) if wish.of_customer else held.left_minor
    if wish.amount_minor > most:
        raise PaymentError(
            "refund.too_much",
            f"Only {Money(most, held.currency)} of this payment may still be refunded: the rest went back already, "
            "is about to, or pays an invoice.",
            f"Il ne reste que {Money(most, held.currency)} à rembourser sur ce paiement : le reste est déjà reparti, "
            "est en train de l'être, ou règle une facture.",
        )
    if wish.road not in {"provider", "transfer"} or (wish.road == "provider" and held.account_id is None):
        raise PaymentError(
            "refund.no_road",
            "This payment did not come through a payment provider: refund it by bank transfer.",
            "Ce paiement n'est pas passé par un prestataire : remboursez-le par virement.",
        )


def _wants_second(work: Work, held: Held, wish: NewRefund, iban: str | None) -> bool:
    """Whether somebody else has to agree.

    Orders of one payment add up, and those of one customer within a day, so that a large one cannot be cut into small
    ones; an account number that the money did not come from, a currency of unknown worth, and a customer's own wish
    always want a second look.
    """
    alone = work.scalar(
        "SELECT coalesce(sum(refund.amount_minor), 0)::bigint FROM refund_orders AS refund "
        "JOIN payment_attempts AS attempt USING (supplier_id, attempt_id) WHERE supplier_id = :supplier "
        "AND (refund.attempt_id = :attempt OR (attempt.customer_id = :customer AND refund.asked_at > :since)) "
        "AND refund.agreed_by IS NULL AND refund.state IN ('to_send', 'sent', 'done')",
        attempt=wish.attempt_id,
        customer=held.customer_id,
        since=now() - ADDS_UP,
    )
    elsewhere = iban is not None and iban != held.payer_iban
    return (
        wish.of_customer is not None
        or elsewhere
        or held.currency != "EUR"
        or wish.amount_minor + alone > refund_limit(work)
    )


def _iban(wish: NewRefund) -> str | None:
    """Where a transfer goes, checked; ``None`` on another road."""
    if wish.road != "transfer":
        return None
    try:
        return read_iban(wish.transfer_iban or "").iban
    except PaymentError as error:
        raise PaymentError(
            "refund.bad_iban",
            "Give the IBAN to which the money goes, of an account in the SEPA area: a character is wrong or missing.",
            "Indiquez l'IBAN sur lequel rendre l'argent, dans la zone SEPA : un caractère est faux ou manque.",
        ) from error


def _to_decide(work: Work, order_id: UUID, actor: str) -> RefundOrder:
    order = _locked(work, order_id)
    if order.state == "refused":
        raise _decided()
    if order.state == "to_agree" and _who(order.asked_by) == _who(actor):
        raise PaymentError(
            "refund.same_person",
            "You asked for this refund yourself: somebody else has to agree.",
            "Vous avez demandé ce remboursement vous-même : une autre personne doit l'accorder.",
        )
    return order


def _who(actor: str) -> str:
    """The person behind an actor, whichever of their memberships they act by."""
    return actor.removeprefix("person ")


def _locked(work: Work, order_id: UUID) -> RefundOrder:
    work.row(
        "SELECT order_id FROM refund_orders WHERE supplier_id = :supplier AND order_id = :id FOR UPDATE", id=order_id
    )
    return get_refund(work, order_id)


def _contested() -> PaymentError:
    return PaymentError(
        "refund.contested",
        "The payer's bank has taken this money back already (chargeback). Accept the chargeback instead: a refund "
        "would give the money back twice.",
        "La banque du payeur a déjà repris cet argent (contestation). Acceptez plutôt la contestation : un "
        "remboursement rendrait l'argent deux fois.",
    )


def _decided() -> PaymentError:
    return PaymentError(
        "refund.decided",
        "This refund is decided already; nothing was changed.",
        "Ce remboursement est déjà décidé ; rien n'a été changé.",
    )


def _no_reason() -> PaymentError:
    return PaymentError(
        "refund.no_reason", "Say why: the reason is kept.", "Dites pourquoi : le motif est gardé au journal."
    )
