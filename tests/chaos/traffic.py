"""The traffic of a crash test, made from a seed: who owes what, which events are told, and what must come of it.

Everything expected follows from this plan alone: it imports nothing of the product, and ids tell what they stand for
(``pi_<supplier>_<payment>_<cents>``). The plan is written to a file, which the checker reads.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]

SUPPLIERS = 3
CUSTOMERS = 12
HOT_SHARE = 0.4
"""Part of the invoices that go to the first customer of each supplier: its row is where workers meet."""
REPEATED = 0.30
REFUNDED = 0.08
WINDOW = 400
"""An event comes up to this many places later than its payment: returns overtake receipts."""
BEGAN = 1_790_000_000
"""Unix time of the first payment; a delivery's signature has the time of its sending."""


@dataclass(slots=True)
class Invoice:
    """An invoice and what its customer must end up owing."""

    invoice_id: str
    supplier: int
    customer: int
    number: str
    payable_minor: int
    vat_rows: list[tuple[str, int, int]]
    vat_on_collection: bool
    collected_minor: int = 0


@dataclass(slots=True)
class Payment:
    """An attempt and the money it brought: ``refunds`` are cents by refund id."""

    attempt_id: str
    supplier: int
    customer: int
    ref: str
    amount_minor: int
    began: int
    targets: dict[str, int]
    paid: bool = True
    refunds: dict[str, int] = field(default_factory=dict)
    open_minor: int = 0
    allocated: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Delivery:
    """One event sent once; repeats share ``event_id`` and body."""

    supplier: int
    event_id: str
    body: str


@dataclass(slots=True)
class Traffic:
    """A whole plan."""

    seed: int
    suppliers: list[Json]
    invoices: list[Invoice]
    payments: list[Payment]
    deliveries: list[Delivery]

    def write(self, path: Path) -> None:
        """Keep the plan for the checker."""
        path.write_text(json.dumps(asdict(self)))


def plan_traffic(seed: int, deliveries: int, window: int = WINDOW) -> Traffic:
    """``deliveries`` events, about 30 % of them repeats, two or three kinds per payment, shuffled over ``window``."""
    random = Random(seed)
    suppliers = [_supplier(number, random) for number in range(SUPPLIERS)]
    invoices: list[Invoice] = []
    payments: list[Payment] = []
    events: list[tuple[float, Delivery]] = []
    distinct = int(deliveries / (1 + REPEATED))
    while len(events) < distinct:
        for payment in _case(random, invoices, payments):
            place = len(events)
            events += [(place + random.uniform(0, window), each) for each in _events_of(payment, random)]
    repeats = random.choices(events, k=max(deliveries - len(events), 0))
    events += [(place + random.uniform(0, window), each) for place, each in repeats]
    events.sort(key=lambda placed: placed[0])
    _settle(invoices, payments)
    return Traffic(seed, suppliers, invoices, payments, [each for _, each in events])


def made_id(kind: int, supplier: int, number: int) -> str:
    """A UUID that says what it is for: kind (1 supplier, 2 customer, 3 invoice, 4 attempt), supplier, number."""
    return str(UUID(f"01990000-{kind:02x}{supplier:02x}-7000-8000-{number:012x}"))


def _supplier(number: int, random: Random) -> Json:
    return {
        "supplier_id": made_id(1, number, 0),
        "name": f"Fournisseur {number}",
        "secret": f"whsec_{random.randbytes(16).hex()}",
        "customers": [made_id(2, number, customer) for customer in range(CUSTOMERS)],
    }


def _case(random: Random, invoices: list[Invoice], payments: list[Payment]) -> list[Payment]:
    """One way in which customers pay, with its invoices and payments."""
    supplier = random.randrange(SUPPLIERS)
    customer = 0 if random.random() < HOT_SHARE else random.randrange(1, CUSTOMERS)

    def bill() -> Invoice:
        invoices.append(_invoice(random, supplier, customer, len(invoices)))
        return invoices[-1]

    def pay(amount: int, *targets: tuple[Invoice, int], paid: bool = True) -> Payment:
        number = len(payments)
        payment = Payment(
            attempt_id=made_id(4, supplier, number),
            supplier=supplier,
            customer=customer,
            ref=f"pi_{supplier}_{number:06d}_{amount}",
            amount_minor=amount,
            began=BEGAN + 60 * number,
            targets={invoice.invoice_id: part for invoice, part in targets},
            paid=paid,
        )
        payments.append(payment)
        return payment

    made = random.choices(_CASES, weights=_WEIGHTS)[0](random, bill, pay)
    for payment in made:
        if payment.paid and random.random() < REFUNDED:
            _refund(random, payment)
    return made


def _in_full(_random: Random, bill: Callable[[], Invoice], pay: Callable[..., Payment]) -> list[Payment]:
    invoice = bill()
    return [pay(invoice.payable_minor, (invoice, invoice.payable_minor))]


def _in_parts(random: Random, bill: Callable[[], Invoice], pay: Callable[..., Payment]) -> list[Payment]:
    invoice = bill()
    first = random.randrange(1, invoice.payable_minor)
    return [pay(part, (invoice, part)) for part in (first, invoice.payable_minor - first)]


def _short(random: Random, bill: Callable[[], Invoice], pay: Callable[..., Payment]) -> list[Payment]:
    invoice = bill()
    part = random.randrange(1, invoice.payable_minor)
    return [pay(part, (invoice, part))]


def _twice(_random: Random, bill: Callable[[], Invoice], pay: Callable[..., Payment]) -> list[Payment]:
    invoice = bill()
    return [pay(invoice.payable_minor, (invoice, invoice.payable_minor)) for _ in range(2)]


def _two_at_once(_random: Random, bill: Callable[[], Invoice], pay: Callable[..., Payment]) -> list[Payment]:
    targets = [(invoice, invoice.payable_minor) for invoice in (bill(), bill())]
    return [pay(sum(part for _, part in targets), *targets)]


def _given_up(_random: Random, bill: Callable[[], Invoice], pay: Callable[..., Payment]) -> list[Payment]:
    invoice = bill()
    return [pay(invoice.payable_minor, (invoice, invoice.payable_minor), paid=False)]


_CASES = (_in_full, _in_parts, _short, _twice, _two_at_once, _given_up)
_WEIGHTS = (50, 12, 12, 12, 9, 5)


def _invoice(random: Random, supplier: int, customer: int, number: int) -> Invoice:
    rows = []
    for rate, permille in (("20", 200), ("5.5", 55))[: random.choice((1, 2))]:
        base = random.randrange(1_000, 500_000)
        rows.append((rate, base, base * permille // 1000))
    return Invoice(
        invoice_id=made_id(3, supplier, number),
        supplier=supplier,
        customer=customer,
        number=f"F2026-{number:06d}",
        payable_minor=sum(base + tax for _, base, tax in rows),
        vat_rows=rows,
        vat_on_collection=random.random() < 0.8,
    )


def _refund(random: Random, payment: Payment) -> None:
    """All of it, part of it, or two parts."""
    how = random.randrange(3)
    whole = payment.amount_minor
    parts = [whole] if how == 0 or whole < 4 else [whole // 4, whole // 3][:how]
    payment.refunds = {f"re_{payment.ref[3:]}_{index}_{part}": part for index, part in enumerate(parts)}


def _settle(invoices: list[Invoice], payments: list[Payment]) -> None:
    """What the books must hold: refunds take from their receipt, the rest pays invoices in the order of its begin."""
    room = {invoice.invoice_id: invoice.payable_minor for invoice in invoices}
    by_id = {invoice.invoice_id: invoice for invoice in invoices}
    for payment in sorted(payments, key=lambda each: each.began):
        left = payment.amount_minor - sum(payment.refunds.values()) if payment.paid else 0
        for invoice_id in sorted(payment.targets):
            part = min(payment.targets[invoice_id], left, room[invoice_id])
            payment.allocated[invoice_id] = part
            by_id[invoice_id].collected_minor += part
            room[invoice_id] -= part
            left -= part
        payment.open_minor = left


def _events_of(payment: Payment, random: Random) -> list[Delivery]:
    told: list[Delivery] = []

    def tell(kind: str, subject: Json) -> None:
        event_id = f"evt_{subject['id'][3:]}_{kind}"
        event = {
            "id": event_id,
            "object": "event",
            "type": kind,
            "created": payment.began + 5,
            "livemode": False,
            "data": {"object": subject},
        }
        told.append(Delivery(payment.supplier, event_id, json.dumps(event)))

    metadata = {"supplier_id": made_id(1, payment.supplier, 0), "attempt_id": payment.attempt_id}
    money = {"currency": "eur", "metadata": metadata, "livemode": False}
    session = money | {
        "id": f"cs_{payment.ref[3:]}",
        "object": "checkout.session",
        "payment_intent": payment.ref if payment.paid else None,
        "status": "complete" if payment.paid else "expired",
        "payment_status": "paid" if payment.paid else "unpaid",
        "amount_total": payment.amount_minor,
        "payment_method_types": ["card"],
    }
    if not payment.paid:
        tell("checkout.session.expired", session)
        return told
    intent = money | {
        "id": payment.ref,
        "object": "payment_intent",
        "status": "succeeded",
        "amount": payment.amount_minor,
        "amount_received": payment.amount_minor,
        "payment_method_types": ["card"],
        "latest_charge": f"ch_{payment.ref[3:]}",
    }
    charge = money | {
        "id": f"ch_{payment.ref[3:]}",
        "object": "charge",
        "payment_intent": payment.ref,
        "status": "succeeded",
        "captured": True,
        "amount": payment.amount_minor,
        "amount_captured": payment.amount_minor,
        "failure_code": None,
        "payment_method_details": {"type": "card"},
    }
    kinds = [
        ("checkout.session.completed", session),
        ("payment_intent.succeeded", intent),
        ("charge.succeeded", charge),
    ]
    for kind, subject in random.sample(kinds, random.choice((2, 3))):
        tell(kind, subject)
    for refund_id, amount in payment.refunds.items():
        refund = money | {
            "id": refund_id,
            "object": "refund",
            "payment_intent": payment.ref,
            "charge": charge["id"],
            "status": "succeeded",
            "amount": amount,
            "created": payment.began + 10,
            "destination_details": {"type": "card"},
        }
        for kind in ("refund.created", "refund.updated"):
            tell(kind, refund)
    return told
