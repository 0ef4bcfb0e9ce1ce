"""What the page behind a pay link shows: amounts to choose from, ways of paying, what is on its way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from config.clock import now, today
from payments.errors import PaymentError
from payments.paying.announcing import announced_on
from payments.paying.discounts import offered_discount
from payments.paying.told import payments_on
from portal.customer.bank import BankDetails, bank_details, transfer_code
from portal.customer.desk import greet
from portal.customer.payee import Payee, payee_of
from portal.customer.paying import allow_provider_page, shown_methods
from portal.customer.payment_words import read_amount
from portal.customer.terms import note_terms
from portal.telling.dispute_words import show_disputes
from portal.telling.states import credit_left, state_of
from receivables.domain.money import Money
from receivables.services.invoicing.dues import InvoiceDue, due_on_invoice
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.happenings import last_receipt, latest_attempt
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from markupsafe import Markup
    from sqlalchemy import RowMapping

    from payments.paying.announcing import Announcement
    from payments.paying.told import ToldPayment
    from portal.customer.paying import ShownMethod
    from portal.telling.dispute_words import ShownDispute
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.domain.settlement.terms import EarlyDiscount
    from receivables.store.work import Work

FAILURE_TOLD = timedelta(days=3)
"""A failed try is told for this long: the link lives for years."""
UNDECIDED = frozenset({"created", "open"})
"""States of an attempt of which the provider has told nothing yet."""
PART, TOTAL, DISCOUNT, OTHER = "due", "total", "discount", "other"
"""Which amount is to be paid: what is due now, all of it, all of it less the discount, or one of the payer's own."""


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount that the payer may choose, in minor units; ``chosen`` is the one on the button."""

    name: str
    minor: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class PayView:
    """What the page shows; ``look`` is how often it has looked for the confirmation, 0 when nobody comes back.

    ``typed`` is an own amount that could not be read or is more than what is due.
    """

    supplier_name: str
    invoice: Invoice
    due: InvoiceDue
    credit_left_minor: int
    state: str
    today: date
    bank: BankDetails | None
    code: Markup | None
    online: bool
    receipt: RowMapping | None
    attempt: RowMapping | None
    look: int
    disputes: list[ShownDispute]
    amounts: tuple[Amount, ...]
    methods: list[ShownMethod]
    discount: tuple[EarlyDiscount, int] | None
    payments: list[ToldPayment]
    announced: Announcement | None
    typing: bool
    typed: str
    payee: Payee | None = None
    """The factor that alone may be paid, where the customer was told so."""

    @property
    def amount(self) -> Amount:
        """The amount on the button."""
        return next((each for each in self.amounts if each.chosen), Amount(TOTAL, max(self.due.payable_minor, 0)))

    @property
    def may_dispute(self) -> bool:
        """Whether something is left to contest here."""
        return not self.invoice.is_credit_note and self.due.ended_by is None

    @property
    def settled_minor(self) -> int:
        """What is paid or set off already."""
        return self.due.total_minor - self.due.open_minor - self.due.assigned_minor

    @property
    def days_late(self) -> int:
        """Days after the day of the first instalment that is not settled, 0 before."""
        return max((self.today - self.due.next_due_on).days, 0)

    @property
    def awaits(self) -> bool:
        """Whether a payer just came back and the confirmation is not there yet."""
        unpaid = self.state in {"due", "late", "part_paid", "planned"}
        return self.look > 0 and unpaid and self.attempt is not None and self.attempt["state"] in UNDECIDED

    @property
    def arrived(self) -> bool:
        """Whether a payer just came back, and the money of a part is there."""
        return self.look > 0 and self.attempt is not None and self.attempt["state"] == "succeeded"

    @property
    def failed(self) -> bool:
        """Whether the last try failed lately and the amount is still asked for."""
        return failed_lately(self.attempt) and self.due.payable_minor > 0

    @property
    def credit_minor(self) -> int:
        """What came in on this invoice and no invoice took: it is the payer's."""
        return sum(each.credit_minor for each in self.payments)


def failed_lately(attempt: RowMapping | None) -> bool:
    """Whether the last try to pay failed, and so lately that the payer still thinks of it."""
    return attempt is not None and attempt["state"] == "failed" and now() - attempt["changed_at"] < FAILURE_TOLD


def build_view(work: Work, invoice_id: UUID, wished: str, look: int) -> PayView:
    """The page of one invoice; ``wished`` is the amount that the address asks for."""
    invoice = get_invoice(work, invoice_id)
    customer = get_customer(work, invoice.customer_id)
    greet(work, invoice.customer_id)
    note_terms(work)
    due = due_on_invoice(work, invoice_id)
    left_minor = credit_left(work, invoice)
    name = supplier_name(work)
    payee = payee_of(work, invoice)
    is_assigned = invoice.is_assigned or payee is not None
    bank = None if is_assigned else bank_details(work, name, invoice)
    discount = None if is_assigned else offered_discount(work, due)
    attempt = latest_attempt(work, invoice_id)
    if look and not wished:
        wished = _resumed(attempt, due, discount)
    amounts, understood = choose_amount(due, discount, wished)
    chosen = next((each.minor for each in amounts if each.chosen), 0)
    asked = Money(chosen, due.currency)
    online = not is_assigned and allow_provider_page(work)
    return PayView(
        supplier_name=name,
        invoice=invoice,
        due=due,
        credit_left_minor=left_minor,
        state=state_of(invoice, due, today(), left_minor),
        today=today(),
        bank=bank,
        code=transfer_code(bank, asked) if bank and chosen else None,
        online=online,
        receipt=last_receipt(work, invoice_id),
        attempt=attempt,
        look=look,
        disputes=show_disputes(work, invoice, customer.kind),
        amounts=amounts,
        methods=shown_methods(work, customer.customer_id, asked, today()) if online else [],
        discount=discount,
        payments=payments_on(work, invoice_id),
        announced=announced_on(work, invoice_id),
        typing=wished == OTHER or not understood,
        typed="" if wished == OTHER or understood else wished,
        payee=payee,
    )


def _resumed(attempt: RowMapping | None, due: InvoiceDue, discount: tuple[EarlyDiscount, int] | None) -> str:
    """The amount of the payment that a payer comes back from, while it is open: the button goes on with that one."""
    if attempt is None or attempt["state"] not in UNDECIDED or not 0 < attempt["amount_minor"] <= due.payable_minor:
        return ""
    if discount is not None and attempt["amount_minor"] == due.payable_minor - discount[1]:
        return DISCOUNT
    return str(Money(attempt["amount_minor"], due.currency).decimal)


def choose_amount(
    due: InvoiceDue, discount: tuple[EarlyDiscount, int] | None, wished: str
) -> tuple[tuple[Amount, ...], bool]:
    """The amounts to choose from, one of them chosen; and whether ``wished`` was understood and is not too much."""
    if due.payable_minor <= 0:
        return (), True
    offered = [Amount(TOTAL, due.payable_minor)]
    if discount is not None:
        offered.insert(0, Amount(DISCOUNT, due.payable_minor - discount[1]))
    elif due.asked_minor < due.payable_minor:
        offered.insert(0, Amount(PART, due.asked_minor))
    by_name = {each.name: each for each in offered}
    first = offered[0]
    if not wished or wished == OTHER or wished in by_name:
        return _choose(offered, by_name.get(wished, first)), True
    try:
        minor = read_amount(wished, due.currency)
    except PaymentError:
        return _choose(offered, first), False
    if not 0 < minor <= due.payable_minor:
        return _choose(offered, first), False
    same = next((each for each in offered if each.minor == minor and each.name != DISCOUNT), None)
    own = same or Amount(OTHER, minor)
    return _choose(offered if same else [*offered, own], own), True


def _choose(offered: list[Amount], chosen: Amount) -> tuple[Amount, ...]:
    return tuple(replace(each, chosen=each is chosen) for each in offered)
