"""Worlds of invoices, credit notes, corrections, attempts and facts made from a seed, told in some order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ledger_builders import MORNING, customer_facts, issue

from config.clock import new_id, now
from receivables.domain.invoicing.invoices import NamedInvoice, Origin
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.lettering import WAIVED
from receivables.domain.settlement.receipts import (
    AttemptMoved,
    AttemptState,
    ContestWon,
    Fact,
    FeeCharged,
    MoneyContested,
    MoneyReceived,
    MoneyReturned,
    MoneyReturnFailed,
    MoneyUnidentified,
    Outcome,
    PayoutBanked,
    PayoutFailed,
    PayoutPaid,
    Transferred,
)
from receivables.services.settlement import waiving
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.setting_off import _settle_again
from receivables.services.settlement.settling import Cause, load_settling, settle, write_settling
from receivables.store.settlement.attempts import load_attempts
from receivables.store.settlement.books import entries_of_lines
from receivables.store.settlement.settlements import AimChoice, SetOffChoice, latest_of, note_aim, note_choice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

CUSTOMERS = (("Boulangerie Martin", "732829320"), ("Garage du Pont", "552100554"))
VAT_TABLES = (
    (("20", 5001, 1000), ("5.5", 3791, 208)),
    (("20", 10000, 2000),),
    (("20", 3333, 667), ("10", 3333, 333), ("5.5", 1, 0)),
    (("20", 8000, 1600), ("5.5", -1000, -55)),
    (("0", 7, 0),),
)
"""(rate, base, tax) in cents; one deducts more than it sells at a rate."""
ROADS = (
    ("provider", "provider_clearing"),
    ("provider", "provider_clearing"),
    ("debit", "bank"),
    ("bank", "bank"),
    ("bank", "suspense"),
    ("hand", "cheques"),
)
"""By which road a payment comes, and on which account its money lies."""


@dataclass(frozen=True)
class NewInvoice:
    """An invoice to be issued in the world's fixed order."""

    customer: int
    rows: tuple[tuple[str, int, int], ...]
    on_collection: bool

    @property
    def total(self) -> int:
        return sum(base + tax for _, base, tax in self.rows)


@dataclass(frozen=True)
class NewAttempt:
    """An attempt to pay parts of one customer's invoices, by card or debit at a provider, by the bank, by hand."""

    attempt_id: UUID
    parts: tuple[tuple[int, int], ...]
    minutes: int
    road: str
    counter: str


@dataclass(frozen=True)
class NewNote:
    """A credit note for some invoices, named by their numbers; ``aims`` are (invoice, how much or all)."""

    number: str
    rows: tuple[tuple[str, int, int], ...]
    aims: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True)
class NewCorrection:
    """A corrective invoice that takes the place of an invoice."""

    number: str
    invoice: int
    rows: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class NewChoice:
    """Somebody changes how much of a credit note (by position) is for an invoice."""

    note: int
    invoice: int
    amount: int


@dataclass(frozen=True)
class NewAim:
    """Somebody changes how much of a payment (by position) is for an invoice."""

    attempt: int
    invoice: int
    amount: int


@dataclass(frozen=True)
class NewWaiver:
    """Somebody gives up a rest of an invoice with a payment (by position)."""

    attempt: int
    invoice: int
    kind: str
    amount: int


Told = Fact | NewNote | NewCorrection | NewChoice | NewAim | NewWaiver


@dataclass
class World:
    """What happened: ``facts`` in their true order, each after the attempt (by position) that it is about."""

    seed: int
    invoices: list[NewInvoice] = field(default_factory=list)
    attempts: list[NewAttempt] = field(default_factory=list)
    notes: list[NewNote] = field(default_factory=list)
    facts: list[tuple[int, Told]] = field(default_factory=list)


def make_world(seed: int) -> World:
    """Two to five invoices of one or two customers, paid part, over, twice, returned, in flight, given up."""
    chance = Random(seed)
    world = World(seed)
    for _ in range(chance.randint(2, 5)):
        customer = chance.randrange(len(CUSTOMERS))
        world.invoices.append(NewInvoice(customer, chance.choice(VAT_TABLES), chance.random() < 0.8))
    for position in range(chance.randint(2, 6)):
        attempt = _attempt(world, chance, position)
        world.attempts.append(attempt)
        world.facts += [(position, fact) for fact in _life(attempt, f"{seed}_{position}", chance)]
    for told in [*_documents(world, chance), *_decisions(world, chance), *_clearing(seed, chance)]:
        world.facts.insert(chance.randint(0, len(world.facts)), (0, told))
    return world


def _decisions(world: World, chance: Random) -> list[Told]:
    """Payments used for other invoices; rests given up, but where a refund failed, which ends a waiver for good."""
    told: list[Told] = []
    failed = {p for p, fact in world.facts if isinstance(fact, MoneyReturnFailed)}
    for position, attempt in enumerate(world.attempts):
        customer = world.invoices[attempt.parts[0][0]].customer
        same = [i for i, each in enumerate(world.invoices) if each.customer == customer]
        if chance.random() < 0.25:
            told.append(NewAim(position, chance.choice(same), chance.choice((300, 2500, 9000))))
        if position not in failed and chance.random() < 0.25:
            invoice = chance.choice(attempt.parts)[0]
            told.append(NewWaiver(position, invoice, chance.choice(sorted(WAIVED)), chance.choice((1, 10, 990))))
    return told


def _clearing(seed: int, chance: Random) -> list[Told]:
    """What moves between our own accounts."""
    told: list[Told] = []
    for number in range(chance.choice((0, 1, 2))):
        ref, net, day = f"po_{seed}_{number}", chance.randint(1, 90000), MORNING.date()
        told.append(PayoutPaid(ref, net, chance.randint(0, 500), "EUR", MORNING))
        told.append(
            PayoutBanked(ref, net, "EUR", day) if chance.random() < 0.7 else PayoutFailed(ref, net, "EUR", MORNING)
        )
        told.append(MoneyUnidentified(f"line_{seed}_{number}", chance.randint(1, 5000), "EUR", day))
        told.append(FeeCharged(f"fee_{seed}_{number}", chance.choice((-35, 35)), "EUR", day, "bank"))
        told.append(Transferred(f"slip_{seed}_{number}", 700, "EUR", day, "cheques", "bank"))
    return told


def _documents(world: World, chance: Random) -> list[Told]:
    """Credit notes on whole invoices, on parts, on several; corrections to more or less; changes by hand."""
    told: list[Told] = []
    for number in range(chance.choice((0, 1, 1, 2))):
        first = chance.randrange(len(world.invoices))
        same = [i for i, each in enumerate(world.invoices) if each.customer == world.invoices[first].customer]
        chosen = {first} | ({chance.choice(same)} if chance.random() < 0.3 else set())
        rows = world.invoices[first].rows if chance.random() < 0.5 else chance.choice(VAT_TABLES)
        aims = tuple((i, None if chance.random() < 0.7 else chance.randint(1, 9000)) for i in sorted(chosen))
        world.notes.append(NewNote(f"N{world.seed}-{number}", rows, aims))
        told.append(world.notes[-1])
        if chance.random() < 0.3:
            told.append(NewChoice(number, chance.choice(same), chance.choice((-2000, -50, 700, 5000))))
    for number, invoice in enumerate(chance.sample(range(len(world.invoices)), chance.choice((0, 0, 1, 1, 2)))):
        rows = world.invoices[invoice].rows if chance.random() < 0.4 else chance.choice(VAT_TABLES)
        told.append(NewCorrection(f"C{world.seed}-{number}", invoice, rows))
    return told


def _attempt(world: World, chance: Random, position: int) -> NewAttempt:
    first = chance.randrange(len(world.invoices))
    chosen = {first}
    if chance.random() < 0.25:
        rivals = [i for i, each in enumerate(world.invoices) if each.customer == world.invoices[first].customer]
        chosen |= set(chance.sample(rivals, min(len(rivals), chance.randint(1, 3))))
    parts = []
    for invoice in sorted(chosen):
        total = world.invoices[invoice].total
        parts.append((invoice, total if chance.random() < 0.5 else chance.randint(1, total)))
    minutes = position if chance.random() < 0.8 else 0  # some begin in the same minute
    road, counter = chance.choice(ROADS)
    return NewAttempt(UUID(int=chance.getrandbits(128), version=4), tuple(parts), minutes, road, counter)


def _life(attempt: NewAttempt, ref: str, chance: Random) -> list[Fact]:
    """What the provider tells about one attempt, in its true order."""
    payment = f"pi_{ref}"
    asked = sum(amount for _, amount in attempt.parts)
    refs = {AttemptState.SUPERSEDED: None, AttemptState.PROCESSING: payment}
    moved: list[Fact] = [AttemptMoved(attempt.attempt_id, *each) for each in refs.items() if chance.random() < 0.3]
    end = chance.random()
    if end < 0.15:
        return [*moved, AttemptMoved(attempt.attempt_id, AttemptState.EXPIRED)]
    if end < 0.3:
        return [*moved, AttemptMoved(attempt.attempt_id, AttemptState.FAILED, payment, "card_declined")]
    if end < 0.35:
        return moved
    amount = asked if chance.random() < 0.8 else max(1, asked + chance.randint(-asked // 2, asked))
    at = MORNING + timedelta(hours=chance.randint(0, 200))
    told = [*moved, MoneyReceived(payment, attempt.attempt_id, amount, "EUR", at, "card", attempt.counter)]
    if chance.random() < 0.1:
        told.append(MoneyReceived(f"{payment}_usd", attempt.attempt_id, 900, "USD", at, "card", attempt.counter))
    if attempt.road == "provider" and chance.random() < 0.2:
        return told + _contest(payment, f"dp_{ref}", amount, at, lost=chance.random() < 0.5)
    left = amount
    for number in range(chance.choice((0, 0, 1, 1, 2, 3))):
        kind = chance.choice(("refund", "refund", "chargeback"))
        back = left if kind == "chargeback" and chance.random() < 0.7 else chance.randint(1, amount)
        if back > left and chance.random() < 0.8:
            back = left
        if back:
            told.append(MoneyReturned(f"re_{ref}_{number}", payment, kind, back, "EUR", at + timedelta(days=number)))
            if kind == "refund" and chance.random() < 0.3:
                told.append(MoneyReturnFailed(f"re_{ref}_{number}", payment, back, "EUR", at + timedelta(days=9)))
            else:
                left = max(0, left - back)
    return told


def _contest(payment: str, ref: str, amount: int, at: datetime, *, lost: bool) -> list[Fact]:
    taken = MoneyContested(ref, payment, amount, "EUR", at)
    if lost:
        return [taken, MoneyReturned(ref, payment, "chargeback", amount, "EUR", at, "contested")]
    return [taken, ContestWon(ref, payment, amount, "EUR", at)]


def open_account(work: Work) -> UUID:
    """The provider's account that the attempts of a world go through."""
    account_id = new_id()
    work.execute(
        "INSERT INTO gateway_accounts (supplier_id, account_id, provider, live, sealed_key, sealed_webhook_secret, "
        "created_at) VALUES (:supplier, :id, 'stripe', false, '', '', :at)",
        id=account_id,
        at=now(),
    )
    return account_id


@dataclass
class Stage:
    """Where a world is played: its issued invoices by position, its provider's account."""

    work: Work
    world: World
    account_id: UUID
    issued: list[Invoice] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)
    documents: dict[Told, Invoice] = field(default_factory=dict)
    chosen: set[Told] = field(default_factory=set)

    def copy(self) -> Stage:
        """This stage as it stands, to go on from."""
        given = (list(self.issued), set(self.begun), dict(self.documents), set(self.chosen))
        return Stage(self.work, self.world, self.account_id, *given)

    def begin(self, position: int) -> None:
        """Begin the attempt at ``position``, once, and issue what it is for."""
        if position in self.begun:
            return
        self.begun.add(position)
        attempt = self.world.attempts[position]
        self.issue_until(max(invoice for invoice, _ in attempt.parts) + 1)
        first = self.issued[attempt.parts[0][0]]
        self.work.execute(
            "INSERT INTO payment_attempts (supplier_id, attempt_id, customer_id, account_id, amount_minor, currency, "
            "state, expires_at, created_at, changed_at, road) "
            "VALUES (:supplier, :id, :customer, :account, :amount, 'EUR', 'created', :at, :at, :at, :road)",
            id=attempt.attempt_id,
            customer=first.customer_id,
            account=self.account_id if attempt.road == "provider" else None,
            road=attempt.road,
            amount=sum(amount for _, amount in attempt.parts),
            at=MORNING + timedelta(minutes=attempt.minutes),
        )
        for invoice, amount in attempt.parts:
            self.work.execute(
                "INSERT INTO reservations (supplier_id, attempt_id, invoice_id, amount_minor, state) "
                "VALUES (:supplier, :attempt, :invoice, :amount, 'released')",
                attempt=attempt.attempt_id,
                invoice=latest_of(self.work, self.issued[invoice].invoice_id),  # whoever pays reads the last one
                amount=amount,
            )

    def draw_up(self, told: Told) -> None:
        """Issue a credit note or a correction, or note a choice; told twice, it is one."""
        if isinstance(told, NewNote | NewCorrection) and told not in self.documents:
            aims = told.aims if isinstance(told, NewNote) else ((told.invoice, None),)
            self.issue_until(max(invoice for invoice, _ in aims) + 1)
            first = self.world.invoices[aims[0][0]]
            self.documents[told] = self._issue(
                NewInvoice(first.customer, told.rows, first.on_collection),
                type_code="381" if isinstance(told, NewNote) else "384",
                origin=Origin.FINISHED,
                number=told.number,
                names=tuple(NamedInvoice(self.issued[invoice].number, 2026, amount) for invoice, amount in aims),
            )
        elif isinstance(told, NewChoice) and told not in self.chosen:
            self.chosen.add(told)
            self.draw_up(self.world.notes[told.note])
            self.issue_until(told.invoice + 1)
            note, invoice = self.documents[self.world.notes[told.note]], self.issued[told.invoice]
            choice = SetOffChoice(note.invoice_id, invoice.invoice_id, told.amount, "Lea", "histoire")
            note_choice(self.work, choice)
            _settle_again(self.work, note, invoice, note.issued_on)
        elif isinstance(told, NewAim | NewWaiver) and told not in self.chosen:
            self.chosen.add(told)
            self.begin(told.attempt)
            self.issue_until(told.invoice + 1)
            self._decide(told)

    def _decide(self, told: NewAim | NewWaiver) -> None:
        """What the services do once they have let a decision pass: it stands whatever comes before or after it."""
        attempt_id = self.world.attempts[told.attempt].attempt_id
        invoice = self.issued[told.invoice]
        if isinstance(told, NewAim):
            aimed = latest_of(self.work, invoice.invoice_id)
            note_aim(self.work, AimChoice(attempt_id, aimed, told.amount, "Lea"))
            settling = load_settling(self.work, [aimed], [attempt_id])
            lines = settling.sheet.lines_of(attempt_id, {"receipt"})
            entries = entries_of_lines(self.work, [line.posting_id for line in lines])
            entry = next(iter(entries.values()), None)
            settle(settling, [aimed], Cause("aimed", None, invoice.issued_on), entry, [attempt_id])
            write_settling(self.work, settling, "Lea")
        else:
            attempt = load_attempts(self.work, [attempt_id], [])[attempt_id]
            settling = load_settling(self.work, [invoice.invoice_id], [attempt_id])
            reference = f"{attempt_id}:{told.kind}:{invoice.number}"
            item = waiving._item(attempt, told.kind, reference, told.amount, "EUR", invoice.issued_on)
            item.invoice_id = invoice.invoice_id
            waiving._add(self.work, settling, attempt, item, "Lea")

    def issue_until(self, count: int) -> None:
        """Issue the world's invoices in their order, up to ``count`` of them."""
        while len(self.issued) < count:
            self.issued.append(self._issue(self.world.invoices[len(self.issued)]))

    def _issue(self, wanted: NewInvoice, **changes: Any) -> Invoice:
        return issue(
            self.work,
            customer=customer_facts(*CUSTOMERS[wanted.customer]),
            vat_rows=tuple(VatRow("S", Decimal(rate), base, tax) for rate, base, tax in wanted.rows),
            total_minor=wanted.total,
            payable_minor=wanted.total,
            vat_on_collection=wanted.on_collection,
            **changes,
        )

    def tell(self, facts: Sequence[tuple[int, Told]], chance: Random, most: int = 10) -> int:
        """Tell ``facts`` in this order in batches of up to ``most``; what has to wait comes again. Returns waits."""
        todo, waits = list(facts), 0
        while todo:
            size = chance.randint(1, most)
            batch, todo = todo[:size], todo[size:]
            for _, told in batch:
                self.draw_up(told)
            money = [(position, fact) for position, fact in batch if isinstance(fact, Fact)]
            for position, _ in money:
                self.begin(position)
            outcomes = record_facts(self.work, [fact for _, fact in money])
            waiting = [told for told, outcome in zip(money, outcomes, strict=True) if outcome is Outcome.WAITING]
            waits += len(waiting)
            todo += waiting
        return waits

    def finish(self, *, with_documents: bool = True) -> None:
        """Issue and begin what no fact spoke of, and let the database check every balance now."""
        self.issue_until(len(self.world.invoices))
        for _, told in self.world.facts if with_documents else ():
            self.draw_up(told)
        for position in range(len(self.world.attempts)):
            self.begin(position)
        self.work.execute("SET CONSTRAINTS ALL IMMEDIATE")


def shuffled(world: World, chance: Random) -> list[tuple[int, Told]]:
    """The world's facts duplicated and shuffled; some are lost at first and polled, with all others, at the end."""
    told = [fact for fact in world.facts for _ in range(chance.choice((1, 1, 2)))]
    chance.shuffle(told)
    kept = [fact for fact in told if chance.random() < 0.8]
    polled = list(world.facts)
    chance.shuffle(polled)
    return kept + polled


def differing(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The parts of two states that are not the same."""
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}
