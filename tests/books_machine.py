"""A machine that lives a customer's account at random, beside a model small enough to be read in a minute.

The model knows facts only (what was invoiced, what each payment was for, what came and went, what is disputed) and says
from them what is open. It shares no line with the books: where the two differ, one of them is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from ledger_builders import issue

from config.clock import new_id, today
from receivables.domain.collecting.promises import Source
from receivables.domain.conversations.disputes import Origin, Scope
from receivables.domain.invoicing.invoices import NamedInvoice
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import (
    AttemptMoved,
    AttemptState,
    MoneyReceived,
    MoneyReturned,
    MoneyReturnFailed,
)
from receivables.errors import ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.accounting.closing import close_period
from receivables.services.collecting.chasing import chase_states
from receivables.services.collecting.planning import Proposer, Terms, draft_plan, propose_plan, withdraw_plan
from receivables.services.collecting.promising import NewPromise, make_promise
from receivables.services.conversations.disputing import OpenDispute, open_dispute, reject_dispute
from receivables.services.invoicing.dues import due_on_invoices
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement.aiming import aim, unaim
from receivables.services.settlement.paying import NewPayment, RecordPayment, begin_payment, noon, record_payment
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work

FIRST = date(2026, 10, 1)
AMOUNTS = st.integers(1, 60_000)
DAYS = st.integers(0, 40)
ACTOR = "Lea"


@dataclass
class Owed:
    """An invoice of the model."""

    invoice_id: UUID
    number: str
    total: int
    due_on: date
    disputed: dict[UUID, int] = field(default_factory=dict)


@dataclass
class Paid:
    """A payment of the model: when it began, what it is for, what came and what went back."""

    attempt_id: UUID
    ref: str
    began: date
    aims: dict[UUID, int]
    amount: int
    state: str = "there"
    returned: dict[str, int] = field(default_factory=dict)

    @property
    def net(self) -> int:
        """What is there of it now."""
        return self.amount - sum(self.returned.values()) if self.state == "there" else 0


@dataclass
class Noted:
    """A credit note of the model."""

    invoice_id: UUID
    number: str
    total: int
    on: date
    aims: dict[UUID, int]


@dataclass
class Model:
    """What is open, from the facts: cash as it began, then credit notes, around what is in flight."""

    owed: list[Owed] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)
    noted: list[Noted] = field(default_factory=list)

    def lettered(self) -> dict[tuple[str, UUID], int]:
        """What each payment (by ref) and credit note (by number) settles of each invoice."""
        room = {each.invoice_id: each.total for each in self.owed}
        used: dict[tuple[str, UUID], int] = {}
        payments = sorted((p for p in self.paid if p.state == "there"), key=lambda p: (p.began, p.ref))
        for payment in payments:
            self._take(payment.ref, payment.net, payment.aims, room, used)
        flying = self.flying()
        free = {key: minor - flying.get(key, 0) for key, minor in room.items()}
        for note in sorted(self.noted, key=lambda n: (n.on, n.number)):
            self._take(note.number, note.total, note.aims, free, used)
        return used

    def _take(
        self,
        key: str,
        left: int,
        aims: dict[UUID, int],
        room: dict[UUID, int],
        used: dict[tuple[str, UUID], int],
    ) -> None:
        order = sorted(self.owed, key=lambda o: (o.due_on, o.number))
        for each in (o for o in order if o.invoice_id in aims):
            part = max(min(aims[each.invoice_id], left, room[each.invoice_id]), 0)
            if part:
                used[key, each.invoice_id] = part
                room[each.invoice_id] -= part
                left -= part

    def flying(self) -> dict[UUID, int]:
        """What is on its way, by invoice."""
        found: dict[UUID, int] = {}
        for payment in self.paid:
            if payment.state == "flying":
                for invoice_id, minor in payment.aims.items():
                    found[invoice_id] = found.get(invoice_id, 0) + minor
        return found

    def open(self) -> dict[UUID, int]:
        """What is open, by invoice."""
        used = self.lettered()
        return {
            each.invoice_id: each.total - sum(minor for (_, i), minor in used.items() if i == each.invoice_id)
            for each in self.owed
        }

    def balance(self) -> int:
        """What the account comes to: everything invoiced, less credit notes and money that is there."""
        return sum(o.total for o in self.owed) - sum(n.total for n in self.noted) - sum(p.net for p in self.paid)


class AccountMachine(RuleBasedStateMachine):
    """Everything that may happen to one customer's account, in any order."""

    work: Work
    """The transaction in which a run lives; given by the test, rolled back after it."""
    fault: Any = None
    """A planted bug: a function that changes the model's view of a payment."""

    invoices = Bundle("invoices")
    payments = Bundle("payments")
    flights = Bundle("flights")
    disputes = Bundle("disputes")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.customer: UUID | None = None
        self.closed = False
        self.plans: list[UUID] = []

    @initialize(total=AMOUNTS, target=invoices)
    def first_invoice(self, total: int) -> Owed:
        return self._issue(total, 10)

    @rule(total=AMOUNTS, days=DAYS, target=invoices)
    @precondition(lambda self: len(self.model.owed) < 6)
    def issue(self, total: int, days: int) -> Owed:
        return self._issue(total, days)

    @rule(invoice=invoices, amount=AMOUNTS, days=DAYS, target=payments)
    def pay(self, invoice: Owed, amount: int, days: int) -> Paid:
        """Part of it, all of it, too much."""
        on, ref = FIRST + timedelta(days=days), f"bank:{new_id()}"
        aims = {invoice.invoice_id: min(amount, invoice.total)}
        attempt = record_payment(self.work, self._receipt(ref, amount, on, aims))
        self.model.paid.append(Paid(attempt, ref, on, dict(aims), amount))
        return self.model.paid[-1]

    @rule(payment=payments)
    def pay_twice(self, payment: Paid) -> None:
        """The same money told again is the same money."""
        again = record_payment(self.work, self._receipt(payment.ref, payment.amount, payment.began, {}))
        assert again == payment.attempt_id

    @rule(invoice=invoices, amount=AMOUNTS, days=DAYS, target=flights)
    def set_out(self, invoice: Owed, amount: int, days: int) -> Paid:
        """A debit that is on its way."""
        on, part = FIRST + timedelta(days=days), min(amount, invoice.total)
        payment = Paid(new_id(), f"sdd:{new_id()}", on, {invoice.invoice_id: part}, part, "flying")
        assert self.customer is not None
        begun = NewPayment(
            payment.attempt_id,
            self.customer,
            "debit",
            "sepa_debit",
            part,
            "EUR",
            payment.aims,
            state="processing",
            began_at=noon(on),
        )
        begin_payment(self.work, begun)
        self.model.paid.append(payment)
        return payment

    @rule(flight=flights, fails=st.booleans())
    def land(self, flight: Paid, fails: bool) -> None:  # noqa: FBT001 -- a rule's draw
        if flight.state != "flying":
            return
        if fails:
            record_facts(self.work, [AttemptMoved(flight.attempt_id, AttemptState.FAILED)])
            flight.state = "failed"
        else:
            at = noon(flight.began)
            fact = MoneyReceived(flight.ref, flight.attempt_id, flight.amount, "EUR", at, "sepa_debit", "bank")
            record_facts(self.work, [fact])
            flight.state = "there"

    @rule(payment=payments, amount=AMOUNTS, kind=st.sampled_from(["refund", "return"]), days=DAYS)
    def give_back(self, payment: Paid, amount: int, kind: str, days: int) -> None:
        """A refund, or a return by the bank: never more than there is."""
        back = min(amount, payment.net)
        if back:
            ref = f"back:{new_id()}"
            at = noon(FIRST + timedelta(days=days))
            record_facts(self.work, [MoneyReturned(ref, payment.ref, kind, back, "EUR", at, "bank")])
            payment.returned[ref] = back

    @rule(payment=payments, days=DAYS)
    def refund_fails(self, payment: Paid, days: int) -> None:
        """A refund that did not arrive is with us again."""
        for ref, minor in list(payment.returned.items())[-1:]:
            at = noon(FIRST + timedelta(days=days))
            record_facts(self.work, [MoneyReturnFailed(ref, payment.ref, minor, "EUR", at, "bank")])
            del payment.returned[ref]

    @rule(invoice=invoices, amount=AMOUNTS, days=DAYS)
    @precondition(lambda self: len(self.model.noted) < 4)
    def credit(self, invoice: Owed, amount: int, days: int) -> None:
        """A credit note that names its invoice."""
        on = FIRST + timedelta(days=days)
        minor = min(amount, invoice.total)
        note = issue(
            self.work,
            type_code="381",
            issued_on=on,
            due_on=on,
            names=(NamedInvoice(invoice.number, FIRST.year),),
            **_amounts(minor),
        )
        self.model.noted.append(Noted(note.invoice_id, note.number, minor, on, {invoice.invoice_id: minor}))

    @rule(payment=payments, invoice=invoices, amount=AMOUNTS)
    def letter(self, payment: Paid, invoice: Owed, amount: int) -> None:
        """Use what is open of a payment for an invoice, by hand."""
        used = self.model.lettered()
        free = payment.net - sum(minor for (ref, _), minor in used.items() if ref == payment.ref)
        room = self.model.open()[invoice.invoice_id] - self.model.flying().get(invoice.invoice_id, 0)
        part = min(amount, free, room)
        if part > 0:
            aim(self.work, payment.attempt_id, invoice.invoice_id, part, ACTOR)
            payment.aims[invoice.invoice_id] = used.get((payment.ref, invoice.invoice_id), 0) + part

    @rule(payment=payments, invoice=invoices)
    def unletter(self, payment: Paid, invoice: Owed) -> None:
        if self.model.lettered().get((payment.ref, invoice.invoice_id)):
            unaim(self.work, payment.attempt_id, invoice.invoice_id, None, actor=ACTOR, reason="wrong one")
            payment.aims[invoice.invoice_id] = 0

    @rule(invoice=invoices, amount=AMOUNTS, target=disputes)
    def dispute(self, invoice: Owed, amount: int) -> tuple[Owed, UUID | None]:
        part = min(amount, invoice.total)
        once = str(new_id())
        command = OpenDispute(invoice.invoice_id, "AUTRE", Scope.AMOUNT, "no", Origin.PORTAL, "customer", once, part)
        try:
            found = open_dispute(self.work, command)
        except ReceivablesError:
            return invoice, None
        if found.closed_at is None:  # said again within three days of a decision, it is the dispute that was decided
            invoice.disputed[found.dispute_id] = found.amount_minor or part
        return invoice, found.dispute_id

    @rule(dispute=disputes)
    def stand_by(self, dispute: tuple[Owed, UUID | None]) -> None:
        invoice, dispute_id = dispute
        if dispute_id in invoice.disputed and dispute_id is not None:
            reject_dispute(self.work, dispute_id, ACTOR, "we stand by it")
            del invoice.disputed[dispute_id]

    @rule(invoice=invoices, days=st.integers(1, 20))
    def promise(self, invoice: Owed, days: int) -> None:
        assert self.customer is not None
        on = today() + timedelta(days=days)
        wish = NewPromise(self.customer, {invoice.invoice_id: None}, on, Source.COLLECTOR, "Ada", ACTOR)
        self._try(lambda: make_promise(self.work, wish))

    @rule(invoice=invoices, count=st.integers(2, 5))
    def plan(self, invoice: Owed, count: int) -> None:
        customer = self.customer
        assert customer is not None
        terms, by = Terms(today() + timedelta(days=3), count), Proposer(Source.COLLECTOR, ACTOR)

        def propose() -> None:
            drafted = draft_plan(self.work, customer, [invoice.invoice_id], terms, by)
            self.plans.append(propose_plan(self.work, drafted).plan_id)

        self._try(propose)

    @rule()
    @precondition(lambda self: bool(self.plans))
    def give_plan_up(self) -> None:
        plan_id = self.plans.pop()
        self._try(lambda: withdraw_plan(self.work, plan_id, ACTOR, "they ask for another"))

    @rule(days=st.integers(1, 30))
    @precondition(lambda self: not self.closed)
    def close(self, days: int) -> None:
        """What comes for a closed day is booked on the first open one."""
        self._try(lambda: close_period(self.work, FIRST + timedelta(days=days), ACTOR))
        self.closed = True

    @invariant()
    def the_books_say_what_the_model_says(self) -> None:
        if self.customer is None:
            return
        opened, flying = self.model.open(), self.model.flying()
        if self.fault is not None:
            opened = self.fault(self.model, opened)
        dues = due_on_invoices(self.work, list(opened))
        assert {due.invoice_id: due.open_minor for due in dues} == opened
        assert exposure_of(self.work, self.customer).total_minor == self.model.balance()
        states = chase_states(self.work, list(opened), today())
        for each in self.model.owed:
            state, left = states[each.invoice_id], opened[each.invoice_id]
            held = flying.get(each.invoice_id, 0) + sum(each.disputed.values())
            assert state.chaseable_minor <= max(left - held, 0), "disputed or in flight, and asked for"
            assert state.chaseable_minor + sum(hold.amount_minor for hold in state.holds) == left

    def teardown(self) -> None:
        """Every invariant of the core, and the balance of every entry as the commit would check it."""
        if self.customer is not None:
            self.work.execute("SET CONSTRAINTS ALL IMMEDIATE")
            assert [(each.code, each.gap) for each in run_checks(self.work) if each.gap] == []

    def _issue(self, total: int, days: int) -> Owed:
        due_on = FIRST + timedelta(days=days)
        made = issue(self.work, issued_on=FIRST, due_on=due_on, **_amounts(total))
        self.customer = made.customer_id
        self.model.owed.append(Owed(made.invoice_id, made.number, total, due_on))
        return self.model.owed[-1]

    def _receipt(self, ref: str, amount: int, on: date, aims: dict[UUID, int]) -> RecordPayment:
        assert self.customer is not None
        return RecordPayment(ref, self.customer, amount, "EUR", on, "transfer", "bank", "bank", aims, ACTOR)

    def _try(self, act: Any) -> None:
        """What the core refuses with a sentence changes nothing: the invariant says so."""
        point = self.work.connection.begin_nested()
        try:
            act()
        except ReceivablesError:
            point.rollback()
        else:
            point.commit()


def _amounts(total: int) -> dict[str, Any]:
    """An invoice of ``total`` at one rate."""
    taxable = total * 100 // 120
    return {
        "total_minor": total,
        "payable_minor": total,
        "vat_rows": (VatRow("S", Decimal(20), taxable, total - taxable),),
    }
