"""The transaction in which a payment begins: plan held against the books, credits used, attempt and parts written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from config.clock import new_id, now, today
from config.secrets import fingerprint
from payments.errors import PaymentError
from payments.gateways.port import CheckoutOrder
from payments.paying.basket import deduct, use_credits
from payments.paying.discounts import promise_discount, take_discount
from payments.paying.methods import methods_for
from payments.paying.plans import check_plan, customer_of
from receivables.domain.money import Money
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.settlement.paying import NewPayment, begin_payment
from receivables.store.customer_file.customers import lock_customers
from receivables.store.settlement.attempts import move_attempts
from receivables.store.settlement.terms_shown import note_terms_shown, shown_version
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from payments.paying.basket import Deduction
    from payments.paying.methods import OfferedMethod
    from payments.paying.plans import CheckedPlan, CheckoutRequest
    from receivables.domain.settlement.terms import EarlyDiscount
    from receivables.store.work import Work

MIN_LEFT = timedelta(minutes=5)
"""A checkout about to expire is not offered again."""
MIN_TO_OPEN = timedelta(minutes=30, seconds=30)
"""Providers open no checkout that ends in less than half an hour."""
MIN_LIFETIME = timedelta(minutes=35)
"""So an attempt that could not be opened may be repeated for some minutes before it gives way to a new one."""
NAMED = 3
"""Invoices that are named to the payer; of more the number is told."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment that may go to the provider (``order``), has a page there (``url``), or needs neither."""

    attempt_id: UUID | None
    customer_id: UUID | None = None
    order: CheckoutOrder | None = None
    url: str | None = None
    stale: Sequence[RowMapping] = ()
    """Superseded attempts whose checkout may still be open at the provider."""


@dataclass(slots=True)
class _Asked:
    """What is left to be paid by money."""

    plan: CheckedPlan
    deduction: Deduction
    aims: dict[UUID, int] = field(default_factory=dict)
    promise: tuple[EarlyDiscount, int] | None = None
    save_method: bool = False

    @property
    def money(self) -> Money:
        """What the provider is to collect: the sum of the parts, and nothing on top."""
        return Money(sum(self.aims.values()), self.plan.currency)


def begin(work: Work, request: CheckoutRequest, account_id: UUID | None) -> Begun:
    """Lock the customer, hold the plan against the books, and go on with the open attempt or make a new one.

    Raises:
        PaymentError, NotFoundError: see `payments.checkout.start_checkout`.
    """
    customer_id = customer_of(work, request.plan)
    lock_customers(work, [customer_id])
    if request.press_key and (known := _known_press(work, request, request.press_key)):
        return known
    plan = check_plan(work, request.plan, customer_id, confirmed=request.second_payment_confirmed)
    asked = _asked(work, request, plan)
    _keep_choice(work, request, asked)
    use_credits(work, asked.deduction, request.actor)
    begun = _begin_money(work, request, asked, account_id) if asked.aims else Begun(None, customer_id)
    if request.press_key:
        _note_press(work, request.press_key, begun.attempt_id)
    _note_terms(work, request, begun)
    return begun


def _note_terms(work: Work, request: CheckoutRequest, begun: Begun) -> None:
    """Keep with the payment which terms and conditions its payer was shown, where the supplier has any."""
    shown = shown_version(work, request.terms) if begun.attempt_id else None
    if begun.attempt_id and begun.customer_id and shown:
        by = (request.actor, request.language)
        note_terms_shown(work, begun.attempt_id, begun.customer_id, shown, by)


def _asked(work: Work, request: CheckoutRequest, plan: CheckedPlan) -> _Asked:
    deduction = deduct(work, plan, request.plan.credits)
    asked = _Asked(plan, deduction, dict(deduction.aims))
    if request.plan.discount and len(asked.aims) == 1 and not deduction.uses:
        ((invoice_id, due),) = plan.dues.items()
        asked.promise = take_discount(work, due, request.method)
        asked.aims[invoice_id] = due.payable_minor - asked.promise[1]
        if request.plan.expected_minor not in {None, asked.aims[invoice_id]}:
            raise PaymentError(
                "payment.changed",
                f"With the discount {asked.money} is asked for now, not what you were shown. Look again.",
                f"Avec l'escompte, {asked.money} est demandé maintenant, et non le montant affiché. Vérifiez.",
            )
    return asked


def _begin_money(work: Work, request: CheckoutRequest, asked: _Asked, account_id: UUID | None) -> Begun:
    if account_id is None:
        raise PaymentError(
            "payment.no_provider",
            "This supplier takes no online payments yet. Please pay by bank transfer.",
            "Ce fournisseur n'accepte pas encore le paiement en ligne. Merci de payer par virement.",
        )
    asked.save_method = _check_method(work, asked, request.method).can_be_kept and request.save_method
    at, customer_id = now(), asked.plan.customer_id
    kept: RowMapping | None = None
    for row in _open_attempts(work, asked.aims):
        if _is_same(row, request, asked, account_id) and row["expires_at"] - at > (
            MIN_LEFT if row["checkout_url"] else MIN_TO_OPEN
        ):
            kept = row
            continue
        move_attempts(work, [AttemptMoved(row["attempt_id"], AttemptState.SUPERSEDED)], at)
    stale = _stale(work, asked.aims, account_id, at)
    if kept is not None:
        order = _order(work, request, kept["attempt_id"])
        return Begun(kept["attempt_id"], customer_id, order, kept["checkout_url"], stale)
    attempt_id, expires_at = new_id(), (at + max(request.lifetime, MIN_LIFETIME)).replace(microsecond=0)
    _write(
        work,
        request,
        asked,
        NewPayment(
            attempt_id=attempt_id,
            customer_id=customer_id,
            road="provider",
            method=request.method,
            amount_minor=asked.money.minor,
            currency=asked.plan.currency,
            aims=asked.aims,
            account_id=account_id,
            expires_at=expires_at,
            chosen_by="law" if asked.plan.oldest_first else "payer",
            save_method=asked.save_method,
        ),
    )
    return Begun(attempt_id, customer_id, _order(work, request, attempt_id), None, stale)


def _write(work: Work, request: CheckoutRequest, asked: _Asked, payment: NewPayment) -> None:
    begin_payment(work, payment)
    if asked.promise is not None:
        ((_, due),) = asked.plan.dues.items()
        promise_discount(work, payment.attempt_id, due, *asked.promise)
    numbers = [asked.plan.dues[invoice_id].number for invoice_id in asked.aims]
    work.audit(
        request.actor,
        "payment.begun",
        str(payment.attempt_id),
        invoice=", ".join(numbers),
        amount_minor=payment.amount_minor,
        method=payment.method,
        **({"save_method": True} if payment.save_method else {}),
    )


def _keep_choice(work: Work, request: CheckoutRequest, asked: _Asked) -> None:
    """What the payer said the money is for, as evidence (C. civ. art. 1342-10); a single press is its own."""
    if len(asked.plan.aims) == 1 and not asked.deduction.uses and not asked.plan.oldest_first:
        return
    work.audit(
        request.actor,
        "payment.chosen",
        str(asked.plan.customer_id),
        how="oldest_first" if asked.plan.oldest_first else request.plan.how,
        invoices={asked.plan.dues[each].number: minor for each, minor in asked.plan.aims.items()},
        credits=[
            {
                "credit": use.credit.reference,
                "invoice": asked.plan.dues[use.invoice_id].number,
                "amount_minor": use.amount_minor,
            }
            for use in asked.deduction.uses
        ],
        currency=asked.plan.currency,
    )


def _check_method(work: Work, asked: _Asked, method: str) -> OfferedMethod:
    offered = methods_for(work, asked.plan.customer_id, asked.money, today())
    found = next((each for each in offered if each.method == method), None)
    if found is None or not found.allowed:
        because = found.refusal if found and found.refusal else None
        raise PaymentError(
            "payment.method_refused",
            f"This way of paying is not offered here. {because.sentence if because else ''} Choose another.",
            f"Ce moyen de paiement n'est pas proposé ici. {because.sentence_fr if because else ''} Choisissez-en un "
            "autre.",
        )
    return found


_ATTEMPT = (
    "SELECT attempt.attempt_id, account_id, attempt.method, attempt.amount_minor, save_method, session_ref, "
    "checkout_url, expires_at, (SELECT jsonb_object_agg(part.invoice_id, part.amount_minor) FROM reservations AS part "
    "WHERE part.supplier_id = :supplier AND part.attempt_id = attempt.attempt_id) AS aims, "
    "EXISTS (SELECT 1 FROM promised_discounts AS promise WHERE promise.supplier_id = :supplier "
    "AND promise.attempt_id = attempt.attempt_id) AS promised "
    "FROM payment_attempts AS attempt "
    "WHERE supplier_id = :supplier AND attempt.road = 'provider' AND EXISTS (SELECT 1 FROM reservations AS held "
    "WHERE held.supplier_id = :supplier AND held.attempt_id = attempt.attempt_id AND held.invoice_id = ANY(:invoices) "
)


def _open_attempts(work: Work, aims: Mapping[UUID, int]) -> Sequence[RowMapping]:
    """Attempts that are open on one of these invoices: an invoice has one at most."""
    return work.rows(f"{_ATTEMPT} AND held.state = 'open')", invoices=list(aims))


def _stale(work: Work, aims: Mapping[UUID, int], account_id: UUID, at: datetime) -> Sequence[RowMapping]:
    """What is still to be closed, also where the provider did not answer when it was superseded."""
    return work.rows(
        f"{_ATTEMPT}) AND attempt.state = 'superseded' AND attempt.account_id = :account AND attempt.expires_at > :at",
        invoices=list(aims),
        account=account_id,
        at=at,
    )


def _is_same(row: RowMapping, request: CheckoutRequest, asked: _Asked, account_id: UUID) -> bool:
    aims = {UUID(invoice): minor for invoice, minor in row["aims"].items()}
    return (aims, row["account_id"], row["method"], row["save_method"], row["promised"]) == (
        asked.aims,
        account_id,
        request.method,
        asked.save_method,
        asked.promise is not None,
    )


def _order(work: Work, request: CheckoutRequest, attempt_id: UUID) -> CheckoutOrder:
    """What the provider is to collect, as it was written: the same attempt is always ordered the same."""
    row = work.row(
        "SELECT attempt.amount_minor, attempt.currency, attempt.method, save_method, expires_at, customer.email, "
        "ARRAY(SELECT number FROM reservations JOIN invoices USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND reservations.attempt_id = attempt.attempt_id ORDER BY due_on, number) "
        "AS numbers FROM payment_attempts AS attempt JOIN customers AS customer USING (supplier_id, customer_id) "
        "WHERE supplier_id = :supplier AND attempt_id = :id",
        id=attempt_id,
    )
    assert row is not None  # noqa: S101 -- it was written or found in this transaction
    numbers = row["numbers"]
    told = ", ".join(numbers[:NAMED]) + (f" (+{len(numbers) - NAMED})" if len(numbers) > NAMED else "")
    return CheckoutOrder(
        supplier_id=request.supplier_id,
        attempt_id=attempt_id,
        invoice_number=told,
        description=f"{request.supplier_name}, {told}",
        amount=Money(row["amount_minor"], row["currency"]),
        payer_email=row["email"],
        success_url=request.return_url,
        cancel_url=request.return_url,
        expires_at=row["expires_at"],
        locale=request.language,
        methods=(row["method"],),
        save_method=row["save_method"],
    )


def _known_press(work: Work, request: CheckoutRequest, key: str) -> Begun | None:
    """What an earlier sending of the same form came to; two at once wait for one another at the customer.

    Raises:
        PaymentError: ``payment.form_reused``.
    """
    told: dict[str, Any] = {
        "wishes": {str(invoice): minor for invoice, minor in request.plan.wishes.items()},
        "amount": request.plan.amount_minor,
        "credits": [str(each.invoice_id or each.attempt_id) for each in request.plan.credits],
        "method": request.method,
        "save_method": request.save_method,
        "customer": request.plan.customer_id,
    }
    digest = fingerprint(to_json(told).encode())
    if work.execute(
        "INSERT INTO idempotent_requests (supplier_id, request_key, input_hash, created_at) "
        "VALUES (:supplier, :key, :hash, :at) ON CONFLICT DO NOTHING",
        key=f"press:{key}",
        hash=digest,
        at=now(),
    ):
        return None
    row = work.row(
        "SELECT input_hash, answer ->> 'attempt_id' AS attempt_id FROM idempotent_requests "
        "WHERE supplier_id = :supplier AND request_key = :key",
        key=f"press:{key}",
    )
    if row is None or bytes(row["input_hash"]) != digest:
        raise PaymentError(
            "payment.form_reused",
            "This form was sent before with another choice. Look again, then pay.",
            "Ce formulaire a déjà été envoyé avec un autre choix. Vérifiez, puis payez.",
        )
    if row["attempt_id"] is None:
        return Begun(None)
    attempt_id, at = UUID(row["attempt_id"]), now()
    found = work.row(
        "SELECT state, checkout_url, expires_at FROM payment_attempts WHERE supplier_id = :supplier "
        "AND attempt_id = :id",
        id=attempt_id,
    )
    assert found is not None  # noqa: S101 -- attempts are never deleted
    if found["state"] == AttemptState.CREATED and found["expires_at"] - at > MIN_TO_OPEN:
        return Begun(attempt_id, request.plan.customer_id, _order(work, request, attempt_id))
    live = found["state"] == AttemptState.OPEN and found["expires_at"] - at > MIN_LEFT
    return Begun(attempt_id, url=found["checkout_url"] if live else None)


def _note_press(work: Work, key: str, attempt_id: UUID | None) -> None:
    work.execute(
        "UPDATE idempotent_requests SET answer = CAST(:answer AS jsonb) "
        "WHERE supplier_id = :supplier AND request_key = :key",
        key=f"press:{key}",
        answer=to_json({"attempt_id": attempt_id}),
    )
