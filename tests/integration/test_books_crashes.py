"""``kill -9`` before every write of what the books do by themselves or in several steps: each thing happens once.

Reminders, mails that come in, plans, closing, claims that enter the books, assignments, verdicts and scores. Each act
is begun again by the next life, as the worker, or a person who presses the button again, would.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from email.message import EmailMessage
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from dispute_builders import claim as dispute_it
from dying import Fuse, die_everywhere
from factor_builders import factor_of
from ledger_builders import issue
from promise_builders import owed, plan_for, promise_for

from config.clock import new_id, today
from config.law.days import on_or_after
from portal.background.factoring import tend_assignments
from portal.background.worker import Worker
from portal.dunning import running
from portal.dunning.running import send_reminders
from portal.mail.book import keep_mail
from portal.mailbox.addresses import reply_address
from portal.mailbox.receiving import SOURCE as MAIL
from portal.mailbox.receiving import receive_mails, take_in
from portal.staff.disputes import acts
from portal.staff.disputes.acts import Actor, accept
from receivables.domain.collecting.promises import Source
from receivables.domain.conversations.disputes import Scope, State
from receivables.domain.conversations.messages import Subject
from receivables.errors import ConflictError
from receivables.services.accounting.checks import run_checks
from receivables.services.accounting.closing import close_period
from receivables.services.collecting.claiming import MakeClaim, make_claim
from receivables.services.collecting.dunning import adopt_usual_scenarios
from receivables.services.collecting.planning import agree_to_plan
from receivables.services.collecting.promising import judge_promises
from receivables.services.collecting.reckoning import set_terms
from receivables.services.conversations.disputing import accept_dispute
from receivables.services.conversations.escalating import escalate_disputes
from receivables.services.factoring.assigning import AssignInvoices, assign_invoices
from receivables.services.risk.scoring import keep_scores
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.store.collecting.claims import InterestTerms
from receivables.store.conversations.disputes import get_dispute
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from uuid import UUID

    from story_builders import Story

    from config.database import Database
    from config.settings import Settings
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.collecting.claims import Claim
    from receivables.store.register import Supplier
    from receivables.store.work import Work

DAY = on_or_after(today() + timedelta(days=1))
REPLIES = "reponses+{token}@fournisseur.example"


@dataclass
class Scene:
    """A supplier whose processes die all the time."""

    services: Services
    supplier_id: UUID
    die: Callable[..., int]

    def do(self, act: Callable[[Work], Any]) -> Any:
        with self.services.works.begin(self.supplier_id) as work:
            return act(work)

    def house(self, works: Works) -> Services:
        """The same house on the connections of a child."""
        return replace(self.services, works=works, database=works.database)

    def die_in(self, act: Callable[[Work], object]) -> int:
        """An act of one transaction, pressed once more after a death behind its commit; returns how many died."""

        def press(works: Works, fuse: Fuse) -> None:
            with suppress(ConflictError):  # "this is done already"
                works.run(self.supplier_id, act)
            fuse.burn()

        return self.die(press)

    def count(self, table: str, condition: str = "true") -> int:
        return int(
            self.do(
                lambda work: work.scalar(f"SELECT count(*) FROM {table} WHERE supplier_id = :supplier AND {condition}")  # noqa: S608 -- names come from the test
            )
        )

    def balance(self, account: str) -> int:
        return int(
            self.do(
                lambda work: work.scalar(
                    "SELECT coalesce(sum(debit_minor - credit_minor), 0) FROM postings WHERE supplier_id = :supplier "
                    "AND starts_with(account, :account)",
                    account=account,
                )
            )
        )


@pytest.fixture
def scene(
    services: Services, supplier: Supplier, database: Database, settings: Settings, tmp_path: Path
) -> Iterator[Scene]:
    here = replace(services, settings=services.settings.model_copy(update={"mail_reply_address": REPLIES}))
    made = Scene(
        here,
        supplier.supplier_id,
        lambda act, every=1: die_everywhere(database, settings, tmp_path, act, every=every, only_writing=True),
    )
    yield made
    assert made.do(lambda work: [each for each in run_checks(work) if each.gap]) == []


def _late(work: Work, days: int = 12) -> Invoice:
    return owed(work, late_days=days)


def _claim(work: Work) -> Claim:
    """Interest and 40 EUR, asked for outside the books."""
    set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15")), "test")
    late = issue(work, issued_on=date(2026, 5, 1), due_on=date(2026, 5, 31))
    return make_claim(work, MakeClaim(late.customer_id, (late.invoice_id,), date(2026, 8, 15), "test"))


def _remind(scene: Scene) -> int:
    return scene.die(lambda works, _: send_reminders(scene.house(works), scene.supplier_id, "worker", DAY))


def test_a_reminder_is_written_once_with_its_mail_by_a_worker_that_dies_everywhere(scene: Scene) -> None:
    scene.do(lambda work: adopt_usual_scenarios(work, "owner"))
    scene.do(_late)
    assert _remind(scene) > 5
    assert scene.count("dunning_notices", "channel = 'mail' AND mail_id IS NOT NULL") == 1
    assert scene.count("dunned_invoices") == scene.count("mails") == 1
    assert scene.count("account_events", "kind = 'dunning.sent'") == 1


def test_a_planted_reminder_whose_mail_goes_before_it_is_caught(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail and the notice are one transaction: a mail that is kept before is kept again by every life."""
    scene.do(lambda work: adopt_usual_scenarios(work, "owner"))
    scene.do(_late)
    lives = list[Works]()

    def keep_first(work: Work, mail: Any) -> UUID | None:
        return lives[-1].run(work.supplier_id, lambda own: keep_mail(own, mail))

    def act(works: Works, _: Fuse) -> None:
        lives.append(works)
        send_reminders(scene.house(works), scene.supplier_id, "worker", DAY)

    monkeypatch.setattr(running, "keep_mail", keep_first)
    scene.die(act, every=3)
    assert scene.count("mails") > 1


def test_a_mail_is_said_once_by_a_worker_that_dies_everywhere(scene: Scene) -> None:
    invoice = scene.do(issue)
    subject, email = Subject(invoice.customer_id, invoice.invoice_id), "compta@boulangerie.example"
    house = scene.services
    address = scene.do(lambda work: reply_address(house.settings, house.keyring, work, subject, email))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Claire <{email}>", address, "Re: facture"
    mail["Message-ID"] = f"<{new_id().hex}@client.example>"
    mail.set_content("Il manque deux cartons.\n")
    mail.add_attachment(b"%PDF-1.7 bon", maintype="application", subtype="pdf", filename="bon.pdf")
    raw = mail.as_bytes()

    def act(works: Works, _: Fuse) -> None:
        here = scene.house(works)
        assert take_in(here, raw).why is None
        Worker(works=works, receivers={MAIL: receive_mails(here)}, subscribers={}).drain_inbox_of(scene.supplier_id)

    assert scene.die(act) > 8
    assert scene.count("messages", "side = 'customer' AND channel = 'mail'") == scene.count("messages") == 1
    assert scene.count("message_files") == 1
    assert scene.count("inbox", "state = 'done'") == scene.count("inbox") == 1


def test_a_plan_is_agreed_to_once_and_takes_the_place_of_a_promise(scene: Scene) -> None:
    invoices = [scene.do(lambda work: owed(work, 900_000)) for _ in range(2)]
    scene.do(lambda work: promise_for(work, invoices[0]))
    plan = scene.do(lambda work: plan_for(work, invoices, 10))
    assert scene.count("plans", "state = 'proposed'") == 1
    assert scene.die_in(lambda work: agree_to_plan(work, plan.plan_id, "test")) > 4
    assert scene.count("plans", "state = 'accepted'") == 1
    assert scene.count("promises", "state = 'withdrawn'") == scene.count("promises") == 1
    assert scene.count("account_events", "kind = 'plan.accepted'") == 1


def test_a_period_is_closed_once_and_its_numbers_have_no_gap(scene: Scene) -> None:
    until = today() - timedelta(days=1)
    for days in (40, 50, 60):
        scene.do(partial(_late, days=days))
    assert scene.die_in(lambda work: close_period(work, until, "test")) > 2
    assert scene.count("period_acts") == scene.count("closed_periods") == 1
    assert scene.count("entry_numbers") == scene.count("entries")
    assert scene.count("entry_numbers", "serial > 3") == 0


def test_a_claim_enters_the_books_once_with_its_first_money(scene: Scene) -> None:
    claim = scene.do(_claim)
    order = RecordPayment(
        "line-1", claim.customer_id, 1000, "EUR", today(), "transfer", "bank", "bank", {claim.claim_id: 1000}, "test"
    )
    assert scene.balance("7631") == 0
    assert scene.die_in(lambda work: record_payment(work, order)) > 8
    assert scene.count("entries", "source_kind = 'claim'") == 1
    assert scene.count("interest_claims", "outside_minor = 0 AND entered_on IS NOT NULL") == 1
    assert -scene.balance("7631") - scene.balance("758") == claim.total_minor
    assert scene.balance("512") == 1000


def test_a_claim_is_assigned_once_and_what_its_debtor_pays_us_is_owed_once(scene: Scene) -> None:
    invoice = scene.do(_late)
    factor = scene.do(lambda work: factor_of(work, confidential=True))
    command = AssignInvoices(factor.factor_id, [invoice.invoice_id], "test", confidential=True)
    assert scene.die_in(lambda work: assign_invoices(work, command)) > 4
    assert scene.count("assignments", "state = 'assigned'") == scene.count("assignments") == 1
    assert scene.count("outbox", "kind = 'assignment.told'") == 1
    money = RecordPayment(
        "line-2",
        invoice.customer_id,
        5000,
        "EUR",
        today(),
        "transfer",
        "bank",
        "bank",
        {invoice.invoice_id: 5000},
        "test",
    )
    scene.do(lambda work: record_payment(work, money))
    assert scene.die(lambda works, _: tend_assignments(scene.house(works), scene.supplier_id)) > 4
    assert scene.count("assignment_moves", "kind = 'received_by_us' AND amount_minor IN (5000, -5000)") == 1
    assert scene.count("account_events", "kind = 'factor.received_by_us'") == 1


def test_verdicts_scores_and_deadlines_are_told_once_by_a_worker_that_dies_everywhere(scene: Scene) -> None:
    invoice = scene.do(lambda work: _late(work, 30))
    scene.do(lambda work: promise_for(work, invoice, days=2, source=Source.COLLECTOR))
    scene.do(lambda work: dispute_it(work, _late(work, 40)))
    later = today() + timedelta(days=60)

    def act(works: Works, _: Fuse) -> None:
        for chore in (judge_promises, keep_scores, escalate_disputes):
            works.run(scene.supplier_id, lambda work, chore=chore: chore(work, later))  # type: ignore[misc]

    assert scene.die(act) > 6
    assert scene.count("promises", "state = 'broken'") == 1
    assert scene.count("account_events", "kind = 'promise.broken'") == 1
    assert scene.count("tasks", "kind = 'promise.broken'") == 1
    assert scene.count("scores") == scene.count("customers")
    assert scene.count("tasks", "kind LIKE 'dispute.%'") == 2


class DiedError(Exception):
    """The process ended here."""


def test_an_accepted_dispute_has_one_credit_note_where_its_decision_died_behind_it(
    plain_story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The credit note is issued first: whoever presses again after a death in between finds it."""
    services, mine = plain_story.services, plain_story.id
    invoice = plain_story.issue().invoice
    with services.works.begin(mine) as work:
        dispute = dispute_it(work, invoice, scope=Scope.AMOUNT, amount_minor=3000)
    actor = Actor(services, mine, "test", "form-1")
    lives = iter([True, False])

    def die_once(*given: Any, **named: Any) -> Any:
        if next(lives):
            raise DiedError
        return accept_dispute(*given, **named)

    monkeypatch.setattr(acts, "accept_dispute", die_once)
    with pytest.raises(DiedError):
        accept(actor, dispute.dispute_id, "Vous avez raison.", None)
    accept(actor, dispute.dispute_id, "Vous avez raison.", None)
    with services.works.begin(mine) as work:
        notes = "SELECT count(*) FROM invoices WHERE supplier_id = :supplier AND type_code = '381'"
        assert work.scalar(notes) == 1
        assert get_dispute(work, dispute.dispute_id).state is State.ACCEPTED
        assert [each for each in run_checks(work) if each.gap] == []
