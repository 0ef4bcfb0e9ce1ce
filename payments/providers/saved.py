"""Methods that customers let us keep (a card, a SEPA mandate at the provider): noted, ended, never usable again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import now
from payments.errors import PaymentError
from payments.gateways.port import FactKind
from payments.providers.customers import customers_behind
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from payments.gateways.port import PaymentFact
    from payments.reconcile import GatewayOf
    from receivables.store.work import Work, Works

USABLE, ENDED = "usable", "ended"


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A kept method: ``label`` is how its owner knows it, ``kind`` is ``card`` or ``sepa_debit``."""

    account_id: UUID
    method_ref: str
    customer_id: UUID
    customer_ref: str
    kind: str
    label: str
    mandate_ref: str | None


def find_method(work: Work, customer_id: UUID, account_id: UUID, method_ref: str) -> SavedMethod:
    """A method that this customer let us keep, also one that has ended.

    Raises:
        PaymentError: ``method.unknown``.
    """
    row = work.row(
        "SELECT account_id, method_ref, customer_id, customer_ref, kind, label, mandate_ref FROM saved_methods "
        "JOIN provider_customers USING (supplier_id, account_id, customer_id) WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND account_id = :account AND method_ref = :ref",
        customer=customer_id,
        account=account_id,
        ref=method_ref,
    )
    if row is None:
        raise _unknown()
    return SavedMethod(**row)


def note_methods(work: Work, account_id: UUID, facts: Sequence[PaymentFact]) -> None:
    """Note methods that were kept or ended, in whatever order that is told: an ended one never comes back.

    The object of a detached method names no customer; the event does, so that an end told first is kept too.
    """
    told = [fact for fact in facts if fact.kind in {FactKind.METHOD_SAVED, FactKind.METHOD_ENDED}]
    owners = customers_behind(work, account_id, {fact.customer_ref for fact in told if fact.customer_ref})
    rows = [
        {
            "method_ref": fact.method_ref,
            "customer_id": owners[fact.customer_ref],
            "kind": fact.method,
            "label": fact.method_label or fact.method,
            "state": USABLE if fact.kind is FactKind.METHOD_SAVED else ENDED,
            "at": fact.occurred_at,
        }
        for fact in told
        if fact.customer_ref in owners
    ]
    for row in rows:
        work.execute(
            "INSERT INTO saved_methods (supplier_id, account_id, method_ref, customer_id, kind, label, state, "
            "saved_at, changed_at) VALUES (:supplier, :account, :method_ref, :customer_id, :kind, :label, :state, "
            ":at, :at) ON CONFLICT (supplier_id, account_id, method_ref) DO UPDATE "
            "SET changed_at = EXCLUDED.changed_at, label = EXCLUDED.label, "
            "state = CASE WHEN saved_methods.state = 'ended' THEN 'ended' ELSE EXCLUDED.state END",
            account=account_id,
            **row,
        )
    _end(work, account_id, [fact for fact in told if fact.kind is FactKind.METHOD_ENDED])


def note_mandates(work: Work, account_id: UUID, facts: Sequence[PaymentFact]) -> None:
    """Note under which mandate a kept account is debited: the charge names it, the method does not."""
    mandates = {fact.method_ref: fact.mandate_ref for fact in facts if fact.method_ref and fact.mandate_ref}
    if mandates:
        work.execute(
            "UPDATE saved_methods AS method SET mandate_ref = given.mandate_ref "
            "FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (method_ref text, mandate_ref text) "
            "WHERE supplier_id = :supplier AND account_id = :account AND method.method_ref = given.method_ref "
            "AND method.mandate_ref IS NULL",
            account=account_id,
            given=to_json([{"method_ref": ref, "mandate_ref": mandate} for ref, mandate in mandates.items()]),
        )


def end_method(works: Works, supplier_id: UUID, method: SavedMethod, actor: str, gateway_of: GatewayOf) -> None:
    """Forget a kept method: first here, so that nothing charges it any more, then at the provider.

    Raises:
        GatewayError: the provider did not answer; it is not charged from here any more, and asking again is safe.
        PaymentError: ``method.unknown``.
    """
    with works.begin(supplier_id) as work:
        changed = work.execute(
            "UPDATE saved_methods SET state = 'ended', reason = coalesce(reason, :reason), changed_at = :at "
            "WHERE supplier_id = :supplier AND account_id = :account AND method_ref = :ref",
            account=method.account_id,
            ref=method.method_ref,
            reason=f"ended by {actor}",
            at=now(),
        )
        if not changed:
            raise _unknown()
        work.audit(actor, "saved_method.ended", method.method_ref, customer=str(method.customer_id))
        gateway = gateway_of(work, method.account_id)
    gateway.end_method(method.method_ref)


def _unknown() -> PaymentError:
    return PaymentError(
        "method.unknown", "There is no such saved method.", "Ce moyen de paiement n'est pas enregistré."
    )


def _end(work: Work, account_id: UUID, ended: Sequence[PaymentFact]) -> None:
    """End methods that are known, also where the fact names no customer: a mandate that became inactive."""
    for fact in ended:
        work.execute(
            "UPDATE saved_methods SET state = 'ended', changed_at = :at, reason = coalesce(reason, :reason), "
            "mandate_ref = coalesce(mandate_ref, :mandate) "
            "WHERE supplier_id = :supplier AND account_id = :account AND method_ref = :ref",
            account=account_id,
            ref=fact.method_ref,
            reason=fact.failure_code or "ended at the provider",
            mandate=fact.mandate_ref,
            at=fact.occurred_at,
        )
