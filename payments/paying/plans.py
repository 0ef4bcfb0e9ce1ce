"""What a payer wants to pay, held against the books: the form is only a wish."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.clock import today
from payments.errors import PaymentError
from payments.paying.methods import CARD
from receivables.domain.money import Money
from receivables.errors import NotFoundError
from receivables.services.invoicing.dues import due_on_invoices
from receivables.services.settlement.paying import spread
from receivables.store.accounting.factors import standing_assignments
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from uuid import UUID

    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.work import Work

MOST_INVOICES = 100
"""Invoices in one payment: what a page shows and a person can check."""


@dataclass(frozen=True, slots=True)
class CreditChoice:
    """An open credit that the payer wants to use: a credit note by its ``invoice_id``, a payment by its ``attempt_id``.

    ``amount_minor`` is how much of it, as much as is needed where it is not said.
    """

    invoice_id: UUID | None = None
    attempt_id: UUID | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class AimsPlan:
    """What is to be paid, in minor units.

    Either ``wishes`` by invoice (``None``: what is asked for now), or ``amount_minor`` of ``currency``, which goes to
    the oldest debts of ``customer_id`` first (C. civ. art. 1342-10). ``customer_id`` also says whose invoices may be
    named. ``discount`` takes the early-payment discount of the one invoice that is paid whole; ``expected_minor`` is
    the amount that the payer was shown with it. ``how`` names the choice for the evidence.
    """

    wishes: Mapping[UUID, int | None] = field(default_factory=dict)
    amount_minor: int | None = None
    currency: str | None = None
    customer_id: UUID | None = None
    credits: tuple[CreditChoice, ...] = ()
    discount: bool = False
    expected_minor: int | None = None
    how: str = "by_invoice"


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """A payer pressed the button: what for, how, where to come back to, in which language.

    Attributes:
        actor: Who pressed, as the audit trail names them: ``payer`` behind a link, a person's id who is signed in.
        press_key: One press of one form: sent twice it is one press.
        save_method: The payer, signed in, asked to keep the method; one that cannot be kept is simply not.
        terms: The version of the terms and conditions that stood beside the button, as the form says it.
    """

    supplier_id: UUID
    supplier_name: str
    plan: AimsPlan
    return_url: str
    language: str
    lifetime: timedelta
    method: str = CARD
    second_payment_confirmed: bool = False
    actor: str = "payer"
    press_key: str | None = None
    save_method: bool = False
    terms: str = ""


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """A plan that the books allow: what each invoice gets (``aims``), with what is due on each."""

    customer_id: UUID
    currency: str
    dues: Mapping[UUID, InvoiceDue]
    aims: Mapping[UUID, int]
    oldest_first: bool

    @property
    def total_minor(self) -> int:
        """What all of it comes to, before credits."""
        return sum(self.aims.values())


def customer_of(work: Work, plan: AimsPlan) -> UUID:
    """Whose plan it is; only then may the customer be locked and the books be read.

    Raises:
        NotFoundError: ``invoice.not_found``: there is none, or it is another customer's.
        PaymentError: ``payment.nothing_chosen``, ``payment.too_many``, ``payment.assigned``.
    """
    if len(plan.wishes) > MOST_INVOICES:
        raise PaymentError(
            "payment.too_many",
            f"One payment is for at most {MOST_INVOICES} invoices. Choose fewer.",
            f"Un paiement porte sur {MOST_INVOICES} factures au plus. Choisissez-en moins.",
        )
    customer_id = plan.customer_id
    for invoice_id in plan.wishes:
        invoice = get_invoice(work, invoice_id)
        if customer_id not in {None, invoice.customer_id}:
            raise NotFoundError("invoice.not_found", "There is no such invoice.")
        customer_id = invoice.customer_id
        if invoice.is_assigned or standing_assignments(work, [invoice_id], told_to_customer=True):
            raise PaymentError(
                "payment.assigned",
                "This invoice is payable to the factor that it names: paying here would not settle it.",
                "Cette facture est à régler à l'affactureur qu'elle nomme : un paiement ici ne l'éteindrait pas.",
            )
    if customer_id is None or not (plan.wishes or plan.amount_minor is not None):
        raise PaymentError(
            "payment.nothing_chosen",
            "No invoice and no amount was chosen. Choose what you want to pay.",
            "Aucune facture ni aucun montant n'est choisi. Choisissez ce que vous voulez payer.",
        )
    return customer_id


def check_plan(work: Work, plan: AimsPlan, customer_id: UUID, *, confirmed: bool = True) -> CheckedPlan:
    """Hold ``plan`` against the books; for a payment the customer is locked, for a preview it need not be.

    ``confirmed`` says that the payer knows of what is in flight on the same invoices.

    Raises:
        PaymentError: ``payment.in_flight``, ``payment.not_above_zero``, ``payment.nothing_due``,
            ``payment.less_due`` (an invoice asks for less than the plan says), ``payment.mixed_currencies``.
    """
    _demand_above_zero(plan)
    wishes = dict(plan.wishes)
    if plan.amount_minor is not None:
        wishes = _oldest_first(work, customer_id, plan.amount_minor, plan.currency or "EUR")
    dues = {due.invoice_id: due for due in due_on_invoices(work, list(wishes))}
    currencies = {due.currency for due in dues.values()} | ({plan.currency} if plan.currency else set())
    if len(currencies) != 1:
        raise PaymentError(
            "payment.mixed_currencies",
            "One payment is in one currency. Pay the invoices of each currency by themselves.",
            "Un paiement se fait dans une seule monnaie. Réglez à part les factures de chaque monnaie.",
        )
    in_flight = sum(due.in_flight_minor for due in dues.values())
    if in_flight and not confirmed:
        raise _in_flight(Money(in_flight, *currencies))
    aims = {invoice_id: _aim(due, wishes[invoice_id]) for invoice_id, due in dues.items()}
    return CheckedPlan(customer_id, currencies.pop(), dues, aims, plan.amount_minor is not None)


def _demand_above_zero(plan: AimsPlan) -> None:
    wished = [each for each in (*plan.wishes.values(), plan.amount_minor) if each is not None]
    if min(wished, default=1) <= 0:
        raise PaymentError(
            "payment.not_above_zero",
            "An amount to pay is above zero. Correct it.",
            "Un montant à payer est supérieur à zéro. Corrigez-le.",
        )


def _oldest_first(work: Work, customer_id: UUID, amount_minor: int, currency: str) -> dict[UUID, int | None]:
    aims = spread(work, customer_id, amount_minor, currency, today())
    placed = sum(aims.values())
    if not placed:
        raise nothing_due()
    if placed < amount_minor:
        asked, most = Money(amount_minor, currency), Money(placed, currency)
        raise PaymentError(
            "payment.less_due",
            f"All that is to be paid comes to {most}, which is less than {asked}. Lower the amount.",
            f"Tout ce qui est à payer fait {most}, moins que {asked}. Baissez le montant.",
        )
    return dict(aims)


def _aim(due: InvoiceDue, wished: int | None) -> int:
    """What an invoice gets: never more than it asks for, and never silently less than was wished."""
    if due.payable_minor <= 0:
        raise nothing_due()
    amount = due.asked_minor if wished is None else wished
    if amount > due.payable_minor:
        left, asked = Money(due.payable_minor, due.currency), Money(amount, due.currency)
        raise PaymentError(
            "payment.less_due",
            f"Invoice {due.number} asks for {left} now, not for {asked}. Look again and choose the amount.",
            f"La facture {due.number} ne demande plus que {left}, et non {asked}. Vérifiez et choisissez le montant.",
        )
    return amount


def _in_flight(amount: Money) -> PaymentError:
    return PaymentError(
        "payment.in_flight",
        f"A payment of {amount} is already on its way. Confirm that you want to pay the rest as well.",
        f"Un paiement de {amount} est déjà en cours. Confirmez que vous voulez payer le reste en plus.",
    )


def nothing_due() -> PaymentError:
    """``payment.nothing_due``."""
    return PaymentError(
        "payment.nothing_due",
        "Nothing is to be paid on this invoice. No payment was started.",
        "Rien n'est à payer sur cette facture. Aucun paiement n'a été lancé.",
    )
