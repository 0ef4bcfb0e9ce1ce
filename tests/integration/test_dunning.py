"""Reminders on the real books and through a real SMTP server: once, to the right people, never for money that came."""

from __future__ import annotations

import io
import socket
import zipfile
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from ledger_builders import attempt, customer_facts, issue, received

from config.clock import PARIS, now, today
from config.law.days import add_days, on_or_after
from portal.dunning import looking, running
from portal.dunning.bundle import make_litigation_file
from portal.dunning.looking import LOOKS
from portal.dunning.running import Writer, approve_reminder, run_dunning_day, send_reminders
from portal.mail import post
from portal.mail.post import send_due_mails
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.domain.settlement.collected import VatRow
from receivables.errors import ConflictError, NotFoundError
from receivables.services.collecting.dunning import (
    adopt_usual_scenarios,
    keep_settings,
    next_opening,
    opening_after,
    plan_for,
    rules_of,
)
from receivables.services.collecting.limitation import warn_of_limitation
from receivables.services.collecting.tasking import open_tasks
from receivables.services.settlement.receipts import record_facts
from receivables.store.collecting.dunning import (
    DunningSettings,
    get_notice,
    invoices_of,
    list_notices,
    note_posted,
    stop_customer,
    withdraw_letter,
)
from receivables.store.customer_file.contacts import contacts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work

DAY = on_or_after(today() + timedelta(days=1))
"""A working day to come: tests run on Sundays too, and midnight may pass while they run."""
NOON = datetime.combine(DAY, datetime.min.time(), PARIS).replace(hour=12)


@dataclass
class Letterbox:
    """A mail server's side: keeps what it is given, or refuses whom it is told to."""

    kept: list[Any] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 -- same
        self.kept.append(envelope)
        return "250 OK"


@dataclass
class Desk:
    """A supplier that reminds, its mail server, and what tests do there."""

    services: Services
    supplier_id: UUID
    letterbox: Letterbox

    def do(self, act: Any, *values: Any, **named: Any) -> Any:
        return self.services.works.run(self.supplier_id, lambda work: act(work, *values, **named))

    def late(self, days: int, *, minor: int = 10_000, **changes: Any) -> Invoice:
        due_on = DAY - timedelta(days=days)
        values = {"issued_on": due_on - timedelta(days=30), "due_on": due_on, **changes}
        if minor != 10_000:
            values |= {
                "total_minor": minor,
                "payable_minor": minor,
                "vat_rows": (VatRow("S", Decimal(20), minor - minor // 6, minor // 6),),
            }
        return self.do(issue, **values)

    def pay(self, invoice: Invoice, minor: int) -> None:
        def act(work: Work) -> None:
            record_facts(work, [received(attempt(work, invoice, minor), minor)])

        self.do(act)

    def remind(self) -> running.Tally:
        return send_reminders(self.services, self.supplier_id, "worker", DAY)

    def send(self) -> int:
        return send_due_mails(self.services, self.supplier_id, LOOKS)

    def mails(self) -> list[Any]:
        return list(
            self.do(
                lambda work: work.rows(
                    "SELECT mail_id, recipient, subject, text_body, html_body, state, reason FROM mails "
                    "WHERE supplier_id = :supplier ORDER BY created_at"
                )
            )
        )


@pytest.fixture(scope="module")
def letterbox() -> Iterator[tuple[Letterbox, int]]:
    box = Letterbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture
def desk(
    services: Services, supplier: Supplier, letterbox: tuple[Letterbox, int], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    box, port = letterbox
    box.kept.clear()
    box.refused.clear()
    settings = services.settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{port}"})
    monkeypatch.setattr(looking, "now", lambda: NOON)
    made = Desk(replace(services, settings=settings), supplier.supplier_id, box)
    made.do(adopt_usual_scenarios, "owner")
    return made


def test_a_reminder_is_written_once_and_sent_by_smtp(desk: Desk) -> None:
    first, second = desk.late(5), desk.late(9)
    assert (desk.remind().written, desk.remind().written) == (1, 0)
    assert (desk.send(), desk.send()) == (1, 0)
    (envelope,) = desk.letterbox.kept
    told = envelope.content.decode()
    assert envelope.rcpt_tos == ["compta@boulangerie.example"]
    assert first.number in told
    assert second.number in told
    assert "Auto-Submitted: auto-generated" in told
    (notice,) = desk.do(list_notices)
    assert (notice.level, notice.mail_state, notice.totals) == (1, "sent", {"EUR": 20_000})
    assert [row["late_from"] for row in desk.do(invoices_of, notice.notice_id)] == [second.due_on, first.due_on]


def test_what_is_paid_before_the_mail_goes_is_not_asked_for(desk: Desk) -> None:
    invoice = desk.late(5)
    desk.remind()
    desk.pay(invoice, 10_000)
    desk.send()
    assert desk.letterbox.kept == []
    (mail,) = desk.mails()
    assert (mail["state"], mail["reason"]) == ("withdrawn", "paid")


def test_what_is_paid_in_part_is_asked_for_anew_with_the_rest(desk: Desk) -> None:
    invoice = desk.late(5)
    desk.remind()
    desk.pay(invoice, 4_000)
    desk.send()
    assert desk.letterbox.kept == []
    assert desk.remind().written == 1, "the one that was withdrawn counts for nothing"
    desk.send()
    assert desk.do(list_notices)[0].totals == {"EUR": 6_000}
    assert len(desk.letterbox.kept) == 1


def test_money_that_comes_between_the_plan_and_the_writing_is_seen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = desk.late(5)
    real = running.plan_for

    def pay_after_planning(work: Work, *values: Any) -> Any:
        found = real(work, *values)
        monkeypatch.setattr(running, "plan_for", real)
        desk.pay(invoice, 10_000)
        return found

    monkeypatch.setattr(running, "plan_for", pay_after_planning)
    assert desk.remind().written == 0
    assert desk.mails() == []


def test_an_address_that_does_not_exist_is_not_written_to_again(desk: Desk) -> None:
    desk.letterbox.refused["compta@boulangerie.example"] = "550 5.1.1 no such user"
    invoice = desk.late(5)
    desk.remind()
    desk.send()
    assert [each["state"] for each in desk.mails()] == ["bounced"]
    (contact,) = desk.do(contacts_of, [invoice.customer_id])[invoice.customer_id]
    assert contact.mail_state == "bounced"
    assert desk.remind().written == 0
    assert [task.kind for task in desk.do(open_tasks)] == ["mail.returned"]


def test_a_server_that_is_busy_is_asked_again_later(desk: Desk) -> None:
    desk.letterbox.refused["compta@boulangerie.example"] = "451 4.7.1 greylisted"
    desk.late(5)
    desk.remind()
    desk.send()
    assert [each["state"] for each in desk.mails()] == ["to_send"]
    desk.letterbox.refused.clear()
    assert desk.send() == 0, "not before its time"
    desk.do(lambda work: work.execute("UPDATE mails SET next_try_at = :at WHERE supplier_id = :supplier", at=now()))
    assert (desk.send(), len(desk.letterbox.kept)) == (1, 1)


def test_a_refusal_for_policy_leaves_the_address_alone(desk: Desk) -> None:
    desk.letterbox.refused["compta@boulangerie.example"] = "550 5.7.1 you look like spam"
    invoice = desk.late(5)
    desk.remind()
    desk.send()
    assert [each["state"] for each in desk.mails()] == ["failed"]
    assert desk.do(contacts_of, [invoice.customer_id])[invoice.customer_id] == []


def test_no_reminder_goes_at_night_however_it_was_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.late(5)
    desk.remind()
    monkeypatch.setattr(looking, "now", lambda: NOON.replace(hour=22))
    desk.send()
    assert desk.letterbox.kept == []
    waits: datetime = desk.do(
        lambda work: work.scalar("SELECT next_try_at FROM mails WHERE supplier_id = :supplier AND state = 'to_send'")
    )
    assert waits.astimezone(PARIS).replace(tzinfo=None) == datetime.combine(
        add_days(DAY, 1), datetime.min.time().replace(hour=9)
    )


def test_a_mail_that_nobody_may_look_at_is_not_sent(desk: Desk) -> None:
    desk.late(5)
    desk.remind()
    assert post.send_due_mails(desk.services, desk.supplier_id) == 1
    assert desk.letterbox.kept == []
    assert [each["state"] for each in desk.mails()] == ["to_send"]


def test_hours_and_open_days_are_those_of_paris() -> None:
    settings = DunningSettings()
    friday = datetime(2026, 5, 22, 17, 59, tzinfo=PARIS)
    assert next_opening(settings, friday) == friday
    tuesday = datetime(2026, 5, 26, 9, tzinfo=PARIS)
    assert next_opening(settings, friday + timedelta(minutes=1)) == tuesday, "over Whit Monday"
    assert opening_after(settings, friday) == tuesday
    assert next_opening(settings, datetime(2026, 5, 26, 7, tzinfo=PARIS)) == tuesday


def test_the_worker_reminds_once_a_day_of_those_who_want_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.late(5)
    desk.do(keep_settings, DunningSettings(automatic=True), NOON, "owner")
    monkeypatch.setattr(running, "now", lambda: NOON.replace(hour=3))
    assert run_dunning_day(desk.services, desk.supplier_id).written == 0, "in the night it waits"
    monkeypatch.setattr(running, "now", lambda: NOON)
    assert run_dunning_day(desk.services, desk.supplier_id).written == 1
    next_run = desk.do(
        lambda work: work.scalar("SELECT next_run_at FROM dunning_settings WHERE supplier_id = :supplier")
    )
    assert next_run == opening_after(DunningSettings(), NOON)


def climb(desk: Desk, invoice: Invoice, *levels: int, segment: str = "standard") -> None:
    """Let reminders of these levels have been written some weeks ago."""

    def act(work: Work) -> None:
        rules = rules_of(work)
        for level in levels:
            for step in rules.scenarios[segment].at_level(level):
                work.execute(
                    "WITH told AS (INSERT INTO dunning_notices (supplier_id, notice_id, customer_id, scenario_id, "
                    "channel, level, template, contact, written_by, state, written_on, written_at, changed_at) "
                    "VALUES (:supplier, gen_random_uuid(), :customer, :scenario, 'task', :level, 'firm', '{}', 'x', "
                    "'written', :on, :at, :at) RETURNING notice_id) INSERT INTO dunned_invoices (supplier_id, "
                    "notice_id, invoice_id, step, level, late_from, amount_minor, currency, why) SELECT :supplier, "
                    "notice_id, :invoice, :step, :level, :late_from, 1, 'EUR', 'offset' FROM told",
                    customer=invoice.customer_id,
                    scenario=rules.scenarios[segment].scenario_id,
                    level=level,
                    on=DAY - timedelta(days=30),
                    at=now() - timedelta(days=30),
                    invoice=invoice.invoice_id,
                    step=step.key,
                    late_from=invoice.due_on,
                )

    desk.do(act)


def test_a_formal_notice_is_written_as_its_approver_saw_it_or_not_at_all(desk: Desk) -> None:
    invoice = desk.late(60, minor=500_000)
    climb(desk, invoice, 1, 2, 3)
    assert desk.remind().to_approve == 1
    (task,) = desk.do(open_tasks)
    assert (task.kind, task.facts["level"]) == ("dunning.approve", 4)

    def planned() -> str:
        return desk.do(lambda work: plan_for(work, rules_of(work), [invoice.customer_id], DAY)).reminders[0].fingerprint

    seen = planned()
    desk.pay(invoice, 100_000)
    writer = Writer(desk.services, "person 7", DAY)
    with pytest.raises(ConflictError) as refused:
        approve_reminder(writer, desk.supplier_id, invoice.customer_id, seen)
    assert refused.value.code == "dunning.changed"
    notice_id = approve_reminder(writer, desk.supplier_id, invoice.customer_id, planned())
    notice = desk.do(get_notice, notice_id)
    assert (notice.channel, notice.approved_by, notice.totals) == ("registered", "person 7", {"EUR": 400_000})
    pdf = desk.services.archive.get(notice.sha256)
    assert pdf.startswith(b"%PDF")
    with pytest.raises(ConflictError):
        approve_reminder(writer, desk.supplier_id, invoice.customer_id, seen)
    desk.do(note_posted, notice_id, DAY, "1A 234", "person 7")
    assert desk.do(get_notice, notice_id).state == "posted"
    with pytest.raises(NotFoundError):
        desk.do(withdraw_letter, notice_id, "too late", "person 7")


def test_tasks_end_when_their_cause_is_gone(desk: Desk) -> None:
    invoice = desk.late(60, minor=500_000)
    climb(desk, invoice, 1, 2, 3)
    desk.remind()
    assert len(desk.do(open_tasks)) == 1
    desk.pay(invoice, 500_000)
    desk.remind()
    assert desk.do(open_tasks) == []


def test_somebody_is_told_half_a_year_before_a_claim_is_barred(desk: Desk) -> None:
    old, young = desk.late(365 * 4 + 240), desk.late(365 * 4)
    assert desk.do(warn_of_limitation, DAY) == 1
    assert desk.do(warn_of_limitation, DAY) == 0
    (task,) = desk.do(open_tasks)
    assert (task.kind, task.invoice_id, task.facts["number"]) == ("dunning.limitation", old.invoice_id, old.number)
    assert young.invoice_id != old.invoice_id


def test_a_stopped_customer_is_left_alone_even_by_mails_that_were_written(desk: Desk) -> None:
    invoice = desk.late(5)
    desk.remind()
    desk.do(stop_customer, invoice.customer_id, "Accord du directeur", DAY + timedelta(days=9), "person 7")
    desk.send()
    assert desk.letterbox.kept == []
    assert [(each["state"], each["reason"]) for each in desk.mails()] == [("withdrawn", "stopped")]


def test_a_consumer_reads_of_no_costs_in_any_mail(desk: Desk) -> None:
    person = CustomerFacts("Alix Durand", CustomerKind.CONSUMER, email="alix@example.org")
    invoice = desk.late(30, customer=person)
    climb(desk, invoice, 1, segment="consumer")
    desk.remind()
    (mail,) = desk.mails()
    assert "deuxième rappel" in mail["subject"]
    for forbidden in ("40 €", "indemnit", "pénalit", "L441"):
        assert forbidden not in mail["text_body"] + mail["html_body"]


def test_the_litigation_file_holds_debts_reminders_and_their_proofs(desk: Desk) -> None:
    invoice = desk.late(5)
    other = desk.late(5, customer=customer_facts("Garage du Port", "552100554"))
    desk.remind()
    desk.send()
    made = make_litigation_file(desk.services, desk.supplier_id, invoice.customer_id, "person 7")
    with zipfile.ZipFile(io.BytesIO(made.content)) as file:
        names = file.namelist()
        debts = file.read("creances.csv").decode("utf-8-sig")
        reminder = next(file.read(name).decode() for name in names if name.endswith("courteous.txt"))
    assert invoice.number in debts
    assert other.number not in debts
    assert "État : sent" in reminder
    assert "/p/***" in reminder, "no link that pays or shows anything"
    assert {"creances.xlsx", "relances/liste.csv", "echanges/journal.csv", "SHA256SUMS"} <= set(names)
    assert f"preuves/{invoice.number}.zip" in names
    again = make_litigation_file(desk.services, desk.supplier_id, invoice.customer_id, "person 7")
    assert len(again.content) > 0
    desk.pay(invoice, 10_000)
    with pytest.raises(NotFoundError):
        make_litigation_file(desk.services, desk.supplier_id, invoice.customer_id, "person 7")
