"""Payments that no program told: cheques, bills (LCR, BOR), cash, transfers from abroad, written down by a person.

A cheque lies on 5112 until the bank has it, cash on 530. A bill is no money until it is paid: it is on its way, its
invoices keep asking, and VAT on collection falls due on the day the bank brings it (CGI art. 269-2-c). A transfer typed
before the statement comes is kept as a line of the bank's, which the statement's own line then finds instead of
doubling it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from payments.banking.deposits import COUNTERS, note_bounced
from payments.banking.importing import kept_line
from payments.banking.lines import insert_lines, settle_line
from payments.banking.telling_apart import HAND
from payments.errors import PaymentError
from payments.statements.line import StatementLine
from receivables.domain.money import Money
from receivables.domain.parties import CustomerKind
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState, MoneyReturned
from receivables.services.settlement.paying import NewPayment, RecordPayment, begin_payment, noon, record_payment
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.customers import lock_customers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from receivables.services.settlement.waiving import Waiver
    from receivables.store.work import Work

KINDS = ("cheque", "bill", "cash", "transfer")
CASH_LIMIT_MINOR = 100_000
"""1,000.00 EUR: the most that a business may pay in cash, and a resident consumer too (C. mon. fin. art. D112-3)."""
MAX_TEXT = 120
PAGE = 50


@dataclass(frozen=True, slots=True)
class HandReceipt:
    """A payment to write down, in minor units; ``aims`` says which invoices it is for.

    Attributes:
        reference: What makes it this payment and no other: cheque or bill number, or the writer's own key. The same
            kind, customer and reference are written once.
        drawer: Who signed, where it is not the customer.
        due_on: Of a bill.
        account: Ours, for a transfer: the account that it came to.
        waiver: What banks kept of a transfer, or what is given up.
    """

    kind: str
    customer_id: UUID
    amount_minor: int
    currency: str
    received_on: date
    reference: str
    aims: Mapping[UUID, int] = field(default_factory=dict)
    drawer: str = ""
    due_on: date | None = None
    account: str = ""
    waiver: Waiver | None = None
    chosen_by: str = "collector"


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """A payment that was written down."""

    receipt_id: UUID
    kind: str
    payment_ref: str
    customer_id: UUID
    attempt_id: UUID
    number: str
    drawer: str
    amount_minor: int
    currency: str
    received_on: date
    due_on: date | None
    state: str
    deposit_id: UUID | None
    customer: str

    @property
    def may_bounce(self) -> bool:
        """Whether it may still turn out to be worth nothing without a line of the bank's that says so."""
        return self.kind in COUNTERS and (self.state == "held" or (self.kind == "bill" and self.state == "deposited"))


_SELECT = (
    "SELECT receipt_id, receipt.kind, payment_ref, receipt.customer_id, attempt_id, number, drawer, amount_minor, "
    "currency, received_on, due_on, state, deposit_id, customer.name AS customer FROM hand_receipts AS receipt "
    "JOIN customers AS customer USING (supplier_id, customer_id) WHERE supplier_id = :supplier"
)


def warnings_on(work: Work, receipt: HandReceipt | KeptReceipt) -> list[tuple[str, str]]:
    """What the law says about a payment that was made all the same: sentences, English and French."""
    if receipt.kind != "cash" or receipt.currency != "EUR" or receipt.amount_minor <= CASH_LIMIT_MINOR:
        return []
    kind = work.scalar(
        "SELECT kind FROM customers WHERE supplier_id = :supplier AND customer_id = :id", id=receipt.customer_id
    )
    limit = Money(CASH_LIMIT_MINOR)
    who = ("A business", "Un professionnel") if kind != CustomerKind.CONSUMER else ("A resident", "Un résident")
    told = (
        f"{who[0]} may not pay more than {limit} in cash (C. mon. fin. D112-3). The payment is recorded; the fine is "
        "up to 5 %, owed by both sides (L112-7)."
    )
    told_fr = (
        f"{who[1]} ne peut pas payer plus de {limit} en espèces (C. mon. fin. D112-3). Le paiement est enregistré ; "
        "l'amende va jusqu'à 5 %, due solidairement (L112-7)."
    )
    return [(told, told_fr)]


def record_by_hand(work: Work, receipt: HandReceipt, actor: str) -> KeptReceipt:
    """Write a payment down and letter it with what it is for; the same one is written once. A bill is on its way.

    Raises:
        PaymentError: ``hand.wrong`` with what is wrong.
        ReceivablesError: those of ``record_payment``.
    """
    _check(receipt)
    lock_customers(work, [receipt.customer_id])
    payment_ref = reference_key(receipt)
    known = get_receipt_by_ref(work, payment_ref)
    if known is not None:
        return known
    if receipt.kind == "bill":
        return _keep(work, receipt, payment_ref, _await_bill(work, receipt), actor)
    line_id: UUID | None = None
    counter = COUNTERS.get(receipt.kind, "cash")
    if receipt.kind == "transfer":
        line_id, payment_ref, counter = *_typed_line(work, receipt, actor), "bank"
    attempt_id = record_payment(
        work,
        RecordPayment(
            payment_ref=payment_ref,
            customer_id=receipt.customer_id,
            amount_minor=receipt.amount_minor,
            currency=receipt.currency,
            received_on=receipt.received_on,
            method=receipt.kind,
            road="bank" if line_id else "hand",
            counter=counter,
            aims=receipt.aims,
            actor=actor,
            chosen_by=receipt.chosen_by,
            waiver=receipt.waiver,
        ),
    )
    if line_id:
        settle_line(
            work,
            line_id,
            "matched",
            reason="bank.typed",
            customer_id=receipt.customer_id,
            attempt_id=attempt_id,
            settled_by=actor,
        )
    return _keep(work, receipt, reference_key(receipt), attempt_id, actor)


def _await_bill(work: Work, receipt: HandReceipt) -> UUID:
    """A bill is a promise: a payment on its way, which `payments.banking.deposits.clear_deposit` makes money."""
    attempt_id = new_id()
    begin_payment(
        work,
        NewPayment(
            attempt_id=attempt_id,
            customer_id=receipt.customer_id,
            road="hand",
            method=receipt.kind,
            amount_minor=receipt.amount_minor,
            currency=receipt.currency,
            aims=receipt.aims,
            state=AttemptState.PROCESSING,
            began_at=noon(receipt.received_on),
            chosen_by=receipt.chosen_by,
            payment_ref=reference_key(receipt),
        ),
    )
    return attempt_id


def bounce(work: Work, receipt_id: UUID, *, reason: str, returned_on: date, actor: str) -> None:
    """A cheque or bill that still lies here will not be paid (refused, withdrawn, lost): the customer owes again.

    One that the bank credited comes back as a line of the bank's, with its fee: that line books it
    (`payments.banking.undoing.take_for_return`). A bill at the bank that nobody paid on its day brings no line at all.

    Raises:
        PaymentError: ``hand.unknown``, ``hand.not_here``, ``bank.no_reason``.
    """
    receipt = get_receipt(work, receipt_id)
    lock_customers(work, [receipt.customer_id])
    receipt = get_receipt(work, receipt_id)
    if not receipt.may_bounce:
        raise PaymentError(
            "hand.not_here",
            "This paper is not here any more. Where the bank took it back, open that line of the statement and say "
            "that it is a return.",
            "Ce titre n'est plus ici. Si la banque l'a repris, ouvrez cette ligne du relevé et dites que c'est un "
            "retour.",
        )
    if not reason.strip():
        raise PaymentError("bank.no_reason", "Say why: the trail keeps it.", "Dites pourquoi : la piste le garde.")
    back = MoneyReturned(
        f"{receipt.payment_ref}/bounced",
        receipt.payment_ref,
        "bounced",
        receipt.amount_minor,
        receipt.currency,
        noon(returned_on),
        COUNTERS[receipt.kind],
    )
    given_up = AttemptMoved(receipt.attempt_id, AttemptState.FAILED, receipt.payment_ref, "bounced")
    record_facts(work, [given_up if receipt.kind == "bill" else back])  # a bill brought no money yet
    note_bounced(work, receipt.payment_ref)
    work.audit(actor, "hand.bounced", str(receipt_id), reason=reason.strip())


def get_receipt(work: Work, receipt_id: UUID) -> KeptReceipt:
    """One payment that was written down.

    Raises:
        PaymentError: ``hand.unknown``.
    """
    row = work.row(f"{_SELECT} AND receipt_id = :id", id=receipt_id)
    if row is None:
        raise PaymentError("hand.unknown", "There is no such payment.", "Il n'y a pas de paiement de ce numéro.")
    return KeptReceipt(**row)


def get_receipt_by_ref(work: Work, payment_ref: str) -> KeptReceipt | None:
    """The payment written down under a key (`reference_key`), or ``None``."""
    row = work.row(f"{_SELECT} AND payment_ref = :ref", ref=payment_ref)
    return KeptReceipt(**row) if row else None


def list_receipts(
    work: Work,
    *,
    states: Sequence[str] = (),
    kinds: Sequence[str] = KINDS,
    deposit_id: UUID | None = None,
    after: UUID | None = None,
    size: int = PAGE,
) -> tuple[list[KeptReceipt], bool]:
    """A page of payments written down, newest first, and whether there are more."""
    rows = work.rows(
        f"{_SELECT} AND receipt.kind = ANY(:kinds) {'AND state = ANY(:states)' if states else ''} "
        f"{'AND deposit_id = :deposit' if deposit_id else ''} {'AND receipt_id < :after' if after else ''} "
        "ORDER BY receipt_id DESC LIMIT :limit",
        kinds=list(kinds),
        limit=size + 1,
        **({"states": list(states)} if states else {}),
        **({"deposit": deposit_id} if deposit_id else {}),
        **({"after": after} if after else {}),
    )
    return [KeptReceipt(**row) for row in rows[:size]], len(rows) > size


def reference_key(receipt: HandReceipt) -> str:
    """The key of what is written down: the same paper of the same customer is one payment."""
    return f"hand:{receipt.kind}:{receipt.customer_id}:{' '.join(receipt.reference.split())}"


def printed_reference(reference: str) -> str:
    """What stands on the paper, of a key that :func:`reference_key` made; any other reference is told as it is."""
    parts = reference.split(":", maxsplit=3)
    return parts[3] if len(parts) == 4 and parts[0] == "hand" and parts[1] in KINDS else reference  # noqa: PLR2004 -- the parts of a key


def _typed_line(work: Work, receipt: HandReceipt, actor: str) -> tuple[UUID, str]:
    """A line of the bank's as somebody typed it, on a statement of its own; its id and the key of its payment."""
    statement_id, at = new_id(), now()
    work.execute(
        "INSERT INTO statements (supplier_id, statement_id, sha256, filename, format, account, currency, from_on, "
        "to_on, lines, fresh_lines, done_lines, imported_by, imported_at, finished_at) VALUES (:supplier, :id, :key, "
        "'', :hand, :account, :currency, :day, :day, 1, 1, 1, :actor, :at, :at)",
        id=statement_id,
        key=reference_key(receipt),
        hand=HAND,
        account=receipt.account,
        currency=receipt.currency,
        day=receipt.received_on,
        actor=actor,
        at=at,
    )
    told = StatementLine(
        place="",
        booked_on=receipt.received_on,
        value_on=receipt.received_on,
        amount_minor=receipt.amount_minor,
        currency=receipt.currency,
        counterparty=receipt.drawer,
        remittance=receipt.reference,
        charges_minor=receipt.waiver.amount_minor if receipt.waiver else None,
    )
    key = f"hand:{statement_id.hex}"
    line = kept_line(told, statement_id, receipt.account, (key, key))
    insert_lines(work, [line])
    return line.line_id, line.payment_ref


def _keep(work: Work, receipt: HandReceipt, payment_ref: str, attempt_id: UUID, actor: str) -> KeptReceipt:
    receipt_id, at = new_id(), now()
    work.execute(
        "INSERT INTO hand_receipts (supplier_id, receipt_id, kind, payment_ref, customer_id, attempt_id, number, "
        "drawer, amount_minor, currency, received_on, due_on, state, recorded_by, created_at, changed_at) VALUES "
        "(:supplier, :id, :kind, :ref, :customer, :attempt, :number, :drawer, :amount, :currency, :day, :due, :state, "
        ":actor, :at, :at)",
        id=receipt_id,
        kind=receipt.kind,
        ref=payment_ref,
        customer=receipt.customer_id,
        attempt=attempt_id,
        number=" ".join(receipt.reference.split()),
        drawer=receipt.drawer.strip()[:MAX_TEXT],
        amount=receipt.amount_minor,
        currency=receipt.currency,
        day=receipt.received_on,
        due=receipt.due_on,
        state="held" if receipt.kind in COUNTERS else "banked",
        actor=actor,
        at=at,
    )
    work.audit(actor, "hand.recorded", str(receipt_id), kind=receipt.kind, amount_minor=receipt.amount_minor)
    return get_receipt(work, receipt_id)


def _check(receipt: HandReceipt) -> None:
    problems = (
        (receipt.kind not in KINDS, "The kind is unknown.", "Le moyen de paiement est inconnu."),
        (receipt.amount_minor <= 0, "The amount must be above zero.", "Le montant doit être supérieur à zéro."),
        (
            not receipt.reference.strip(),
            "Give the number of the paper, or a reference of your own.",
            "Donnez le numéro du titre, ou une référence à vous.",
        ),
        (len(receipt.reference) > MAX_TEXT, "The reference is too long.", "La référence est trop longue."),
        (
            receipt.received_on > today(),
            "The day of receipt lies in the future.",
            "La date de réception est dans l'avenir.",
        ),
        (
            receipt.kind == "bill" and receipt.due_on is None,
            "A bill has a day on which it is paid.",
            "Un effet a une échéance.",
        ),
        (
            receipt.kind == "transfer" and not receipt.account,
            "Say on which of your accounts the transfer came.",
            "Dites sur quel compte le virement est arrivé.",
        ),
    )
    for is_wrong, sentence, sentence_fr in problems:
        if is_wrong:
            raise PaymentError("hand.wrong", sentence, sentence_fr)
