"""Deduct open credits from a payment: by the payer's choice only, and at once, with no provider involved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.errors import PaymentError
from receivables.services.settlement.aiming import aim
from receivables.services.settlement.credits import available_credits
from receivables.services.settlement.setting_off import SetOff, set_off

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from payments.paying.plans import CheckedPlan, CreditChoice
    from receivables.services.settlement.credits import Credit
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class CreditUse:
    """So much of an open credit goes to an invoice, in minor units."""

    credit: Credit
    invoice_id: UUID
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Deduction:
    """How credits lower a plan: what each pays, and what of each invoice is left for money (``aims``)."""

    uses: tuple[CreditUse, ...]
    aims: Mapping[UUID, int]

    @property
    def credit_minor(self) -> int:
        """What the credits pay."""
        return sum(use.amount_minor for use in self.uses)

    @property
    def to_pay_minor(self) -> int:
        """What is left for money."""
        return sum(self.aims.values())


def deduct(work: Work, plan: CheckedPlan, choices: Sequence[CreditChoice]) -> Deduction:
    """Lay the chosen credits over a plan, the oldest credit on the invoice that falls due first. Changes nothing.

    Raises:
        PaymentError: ``payment.credit_gone``: a credit is not there, not in this currency, or less than was wished.
    """
    left = dict(plan.aims)
    uses: list[CreditUse] = []
    for credit, most in _chosen(work, plan, choices):
        rest = most
        for invoice_id, asked in list(left.items()):
            part = min(asked, rest)
            if part > 0:
                uses.append(CreditUse(credit, invoice_id, part))
                left[invoice_id] -= part
                rest -= part
    return Deduction(tuple(uses), {invoice: minor for invoice, minor in left.items() if minor})


def _chosen(work: Work, plan: CheckedPlan, choices: Sequence[CreditChoice]) -> list[tuple[Credit, int]]:
    found: list[tuple[Credit, int]] = []
    wanted = {(each.invoice_id, each.attempt_id): each for each in choices}
    for credit in available_credits(work, plan.customer_id) if wanted else ():
        key = (credit.invoice_id, None) if credit.kind == "credit_note" else (None, credit.attempt_id)
        choice = wanted.get(key)
        if choice is None or credit.currency != plan.currency:
            continue
        most = credit.open_minor if choice.amount_minor is None else choice.amount_minor
        if 0 < most <= credit.open_minor:
            found.append((credit, most))
            del wanted[key]
    if wanted:
        raise PaymentError(
            "payment.credit_gone",
            "A credit that you chose is not available any more for that amount. Look again and choose.",
            "Un avoir choisi n'est plus disponible pour ce montant. Vérifiez et choisissez de nouveau.",
        )
    return found


def use_credits(work: Work, deduction: Deduction, actor: str) -> None:
    """Settle what the credits pay: credit notes are set off, open payments are aimed."""
    for use in deduction.uses:
        if use.credit.kind == "credit_note" and use.credit.invoice_id:
            set_off(work, SetOff(use.invoice_id, use.credit.invoice_id, use.amount_minor, actor))
        elif use.credit.attempt_id:
            aim(work, use.credit.attempt_id, use.invoice_id, use.amount_minor, actor)
