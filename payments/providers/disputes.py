"""Payers' complaints to their bank: kept as the provider tells them, in any order, and answered once with evidence."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from config.clock import now
from payments.errors import PaymentError
from payments.gateways.port import FactKind, GatewayRefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from payments.gateways.port import DisputeEvidence, PaymentFact
    from payments.reconcile import GatewayOf
    from receivables.store.work import Work, Works

STATES = {FactKind.DISPUTED: "open", FactKind.DISPUTE_LOST: "lost", FactKind.DISPUTE_WON: "won"}
"""Where a dispute stands after each fact; the last two are final."""
ANSWERED = "gateway.answered"
"""The code with which a provider takes no second answer."""


@dataclass(frozen=True, slots=True)
class PaidAttempt:
    """The attempt behind a booked payment, its customer, and the account that it was paid through."""

    attempt_id: UUID
    account_id: UUID | None
    customer_id: UUID


def payments_behind(work: Work, payment_refs: Collection[str]) -> dict[str, PaidAttempt]:
    """The booked payments among these, by the provider's reference; what is not booked (yet) is left out."""
    rows = work.rows(
        "SELECT item.reference, attempt_id, attempt.account_id, attempt.customer_id FROM receivable_items AS item "
        "JOIN payment_attempts AS attempt USING (supplier_id, attempt_id) "
        "WHERE supplier_id = :supplier AND item.kind = 'receipt' AND item.reference = ANY(:refs)",
        refs=list(payment_refs),
    )
    return {row["reference"]: PaidAttempt(row["attempt_id"], row["account_id"], row["customer_id"]) for row in rows}


def note_disputes(work: Work, facts: Sequence[PaymentFact], payments: Mapping[str, PaidAttempt]) -> None:
    """Keep what is told of disputes about ``payments``: told in any order, the same facts end in the same rows."""
    for fact in facts:
        payment = payments.get(fact.payment_ref)
        if fact.kind not in STATES or payment is None or payment.account_id is None:
            continue
        work.execute(
            "INSERT INTO provider_disputes (supplier_id, dispute_ref, account_id, payment_ref, attempt_id, "
            "amount_minor, currency, reason, state, answer_until, opened_at, changed_at) VALUES (:supplier, :ref, "
            ":account, :payment, :attempt, :amount, :currency, :reason, :state, :until, :at, :now) "
            "ON CONFLICT (supplier_id, dispute_ref) DO UPDATE SET changed_at = EXCLUDED.changed_at, "
            "answer_until = coalesce(EXCLUDED.answer_until, provider_disputes.answer_until), "
            "state = CASE WHEN provider_disputes.state IN ('won', 'lost') OR EXCLUDED.state = 'open' "
            "THEN provider_disputes.state ELSE EXCLUDED.state END",
            ref=fact.object_ref,
            account=payment.account_id,
            payment=fact.payment_ref,
            attempt=payment.attempt_id,
            amount=fact.amount.minor,
            currency=fact.amount.currency,
            reason=fact.failure_code or "",
            state=STATES[fact.kind],
            until=fact.answer_until,
            at=fact.occurred_at,
            now=now(),
        )


def answer_dispute(  # noqa: PLR0917 -- who, what, with what, by whom, through whom
    works: Works, supplier_id: UUID, dispute_ref: str, evidence: DisputeEvidence, actor: str, gateway_of: GatewayOf
) -> None:
    """Hand in our evidence, once. The provider is asked outside a transaction; a repeat after a crash is safe.

    What is about to be handed in is noted before: where its answer was lost and the provider says at the next try that
    it is answered, it was this.

    Raises:
        PaymentError: ``dispute.unknown``, or ``dispute.answered``: it is answered or decided.
        GatewayError: the provider did not take it.
    """
    digest = sha256(evidence.content).hexdigest()
    with works.begin(supplier_id) as work:
        account_id, earlier = _begin_answer(work, dispute_ref, digest, actor)
        gateway = gateway_of(work, account_id)
    try:
        gateway.answer_dispute(dispute_ref, evidence)
    except GatewayRefusedError as error:
        was_ours = error.code == ANSWERED and earlier is not None
        works.run(supplier_id, lambda work: _note_handed_in(work, dispute_ref, earlier, answered=was_ours))
        if not was_ours:
            raise
        if earlier != digest:
            raise _answered(dispute_ref, "answered") from error
    works.run(supplier_id, lambda work: _conclude_answer(work, dispute_ref, digest, actor))


def _begin_answer(work: Work, dispute_ref: str, digest: str, actor: str) -> tuple[UUID, str | None]:
    """Note what is about to be handed in; the account that it goes to, and what an earlier try left in doubt."""
    row = work.row(
        "SELECT account_id, state, evidence_sha256 FROM provider_disputes WHERE supplier_id = :supplier "
        "AND dispute_ref = :ref",
        ref=dispute_ref,
    )
    if row is None:
        raise PaymentError("dispute.unknown", "There is no such dispute.", "Ce litige n'existe pas.")
    if row["state"] != "open":
        raise _answered(dispute_ref, row["state"])
    if row["evidence_sha256"] is None:
        _note_handed_in(work, dispute_ref, digest, answered=False)
    work.audit(actor, "provider_dispute.answering", dispute_ref, evidence_sha256=digest)
    return row["account_id"], row["evidence_sha256"]


def _note_handed_in(work: Work, dispute_ref: str, digest: str | None, *, answered: bool) -> None:
    work.execute(
        "UPDATE provider_disputes SET evidence_sha256 = :digest, changed_at = :at, "
        "state = CASE WHEN :answered AND state = 'open' THEN 'answered' ELSE state END "
        "WHERE supplier_id = :supplier AND dispute_ref = :ref",
        ref=dispute_ref,
        digest=digest,
        answered=answered,
        at=now(),
    )


def _conclude_answer(work: Work, dispute_ref: str, digest: str, actor: str) -> None:
    _note_handed_in(work, dispute_ref, digest, answered=True)
    work.execute(
        "UPDATE provider_disputes SET answered_by = :actor WHERE supplier_id = :supplier AND dispute_ref = :ref",
        ref=dispute_ref,
        actor=actor,
    )
    work.audit(actor, "provider_dispute.answered", dispute_ref, evidence_sha256=digest)


def _answered(dispute_ref: str, state: str) -> PaymentError:
    return PaymentError(
        "dispute.answered",
        f"The dispute {dispute_ref} is {state}: evidence is handed in once, while it is open.",
        f"Le litige {dispute_ref} n'est plus ouvert : les preuves se déposent une seule fois.",
    )
