"""What we say as the seller: once, to the buyer, by the rules; a confidential status never to the buyer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from builders import line
from click.testing import CliRunner
from ledger_builders import attempt, received

from config import safe_xml
from config.clock import new_id
from einvoice.document import Identifier
from einvoice.kept import issued_document
from einvoice.lifecycle import sending
from einvoice.lifecycle.cdar import read_cdar
from einvoice.lifecycle.factoring import account_detail, own_account, read_account
from einvoice.lifecycle.history import codes_of
from einvoice.lifecycle.message import AttachedFile, Detail, Note, StatusMessageError, StatusParty
from einvoice.lifecycle.parties import buyer_party
from einvoice.lifecycle.sending import MessageInvalidError
from einvoice.lifecycle.statuses import LifecycleError
from einvoice.submission import NotAcceptedYetError
from einvoice.validation.verdict import Layer, LayerResult, Report, Verdict
from portal.cli import main
from portal.cli import statuses as statuses_command
from receivables.domain.settlement.lettering import Item
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.accounting.checks import run_checks
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.settling import _moves
from receivables.store.customer_file.happenings import life_of_invoice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from uuid import UUID

    from click.testing import Result
    from story_builders import Story

    from einvoice.lifecycle.message import StatusMessage
    from einvoice.lifecycle.sending import SellerStatuses
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

FACTOR_ACCOUNT = read_account("Affactureur SA", "FR76 3000 6000 0112 3456 7890 189", "agrifrppxxx")
PROOF = AttachedFile(b"%PDF-1.7 bon de livraison", "bon-de-livraison.pdf", "application/pdf")


def deposited(story: Story) -> Invoice:
    """An invoice that the platform has."""
    issued = story.issue()
    story.until(lambda: "200" in story.codes())
    return issued.invoice


def queue(
    story: Story, invoice: Invoice, code: str, statuses: SellerStatuses | None = None, **told: object
) -> str | None:
    """Queue a status in a transaction of its own."""
    with story.services.works.begin(story.id) as work:
        given: dict[str, object] = {"key": "test", **told}
        return (statuses or story.services.seller_statuses).queue(work, invoice.invoice_id, code, **given)  # type: ignore[arg-type]


def messages(story: Story) -> list[StatusMessage]:
    """What the platform holds of our statuses, read back from the very bytes it got."""
    rows = story.rows(
        "SELECT sha256 FROM platform_flows JOIN documents USING (supplier_id, document_id) "
        "WHERE supplier_id = :supplier AND kind = 'status' ORDER BY platform_flows.created_at"
    )
    return [read_cdar(safe_xml.parse(story.services.archive.get(row["sha256"]))) for row in rows]


def test_a_cancellation_goes_once_from_the_seller_to_the_buyer(story: Story) -> None:
    invoice = deposited(story)
    first = queue(story, invoice, "220", key="F2")
    assert queue(story, invoice, "220", key="F2") == first
    story.settle()
    (message,) = messages(story)
    assert message.message_id == first
    assert (message.status, message.issuer.role, message.issuer.siren) == ("220", "SE", story.siren)
    (recipient,) = message.recipients
    assert (recipient.role, recipient.siren) == ("BY", "552100554")
    assert recipient.address is not None
    assert message.invoice.seller is not None
    assert message.invoice.seller.siren == story.siren
    assert message.invoice.deposited_at is not None
    assert [flow for flow in story.flows() if flow[0] == "status"] == [("status", "accepted", 1)]
    assert "220" in story.codes("out")


def test_what_a_seller_may_not_say_is_refused_before_anything_is_kept(story: Story) -> None:
    invoice = deposited(story)
    for code, refusal in (("205", "lifecycle.not_ours"), ("209", "lifecycle.nothing_to_complete")):
        with pytest.raises(LifecycleError) as refused:
            queue(story, invoice, code)
        assert refused.value.code == refusal
    with pytest.raises(StatusMessageError) as by_cash:
        queue(story, invoice, "212")
    assert by_cash.value.code == "status.by_cash"
    queue(story, invoice, "220")
    with pytest.raises(LifecycleError) as closed:
        queue(story, invoice, "225", details=(account_detail(FACTOR_ACCOUNT),))
    assert closed.value.code == "lifecycle.closed"
    assert [message.status for message in messages(story)] == ["220"]


def test_an_invoice_that_is_on_its_way_has_to_be_there_first(story: Story) -> None:
    invoice = story.issue().invoice
    assert queue(story, invoice, "220") is None, "no flow is planned yet: no platform has it"
    story.worker.drain_outbox_of(story.id)
    with pytest.raises(LifecycleError) as early:
        queue(story, invoice, "220")
    assert early.value.code == "lifecycle.not_deposited"


def test_nothing_is_said_of_an_invoice_that_no_platform_has(plain_story: Story) -> None:
    invoice = plain_story.issue().invoice
    assert queue(plain_story, invoice, "220") is None
    assert plain_story.flows() == []
    assert plain_story.codes("out") == []


def test_documents_travel_in_the_answer_to_their_request(story: Story) -> None:
    """208 Suspendue asks for what is missing; 209 Complétée brings it (MDT-96), and the platform's rules accept it."""
    invoice = deposited(story)
    assert story.platform is not None
    story.platform.play(invoice.number, story.siren, status="208", reason="JUSTIF_ABS")
    story.until(lambda: "208" in story.codes())
    queue(
        story, invoice, "209", details=(Detail(1, notes=(Note("Voici le bon de livraison."),)),), attachments=(PROOF,)
    )
    story.settle()
    (message,) = messages(story)
    assert message.attachments == (PROOF,)
    assert message.note == "Voici le bon de livraison."
    assert ("status", "accepted", 1) in story.flows()


def test_more_than_a_parser_would_read_is_refused_with_the_limit(story: Story) -> None:
    invoice = deposited(story)
    assert story.platform is not None
    story.platform.play(invoice.number, story.siren, status="208", reason="JUSTIF_ABS")
    story.until(lambda: "208" in story.codes())
    most = AttachedFile(b"\0" * sending.MAX_ATTACHED_BYTES, "x.pdf", "application/pdf")
    with pytest.raises(StatusMessageError) as refused:
        queue(story, invoice, "209", attachments=(most, PROOF))
    assert refused.value.code == "status.attachments_too_large"
    queue(story, invoice, "209", attachments=(most,))
    (message,) = messages(story)
    assert message.attachments == (most,), "what is within the limit is read back whole by the careful parser"


def test_factoring_names_the_account_to_pay_and_takes_it_back(story: Story) -> None:
    invoice = deposited(story)
    queue(story, invoice, "225", key="1", details=(account_detail(FACTOR_ACCOUNT, "Créance cédée"),))
    queue(story, invoice, "227", key="2", details=(account_detail(replace(FACTOR_ACCOUNT, holder="Autre")),))
    own = own_account(issued_document(invoice))
    assert own is not None
    queue(story, invoice, "228", key="3", details=(account_detail(own),))
    story.settle()
    told = [(each.status, [(d.kind, d.term, d.text) for d in each.details[0].data]) for each in messages(story)]
    iban, bic = "FR7630006000011234567890189", "AGRIFRPPXXX"
    assert told == [
        ("225", [("CBB", "BT-84", iban), ("CBB", "BT-86", bic), ("CBB", "BT-85", "Affactureur SA")]),
        ("227", [("CBB", "BT-84", iban), ("CBB", "BT-86", bic), ("CBB", "BT-85", "Autre")]),
        ("228", [("CBB", "BT-84", iban), ("CBB", "BT-86", "AGRIFRPP"), ("CBB", "BT-85", "Atelier Lumière")]),
    ]
    assert [flow for flow in story.flows() if flow[0] == "status"] == [("status", "accepted", 1)] * 3


# --- what must not reach the buyer -----------------------------------------------------------------------------------

FACTOR = StatusParty("DL", (Identifier("404833048", "0002"),), "Affactureur SA", Identifier("404833048", "0225"))


@pytest.mark.parametrize("factor", [None, FACTOR])
def test_a_confidential_assignment_never_reaches_the_buyer(story: Story, factor: StatusParty | None) -> None:
    invoice = deposited(story)
    queue(story, invoice, "226", factor=factor)
    story.settle()
    (message,) = messages(story)
    assert [party.role for party in message.recipients] == ["DL" if factor else "WK"]
    (sent,) = story.rows("SELECT sha256 FROM documents WHERE supplier_id = :supplier AND form = 'cdar'")
    content = story.services.archive.get(sent["sha256"]).decode()
    buyer = issued_document(invoice).buyer
    assert buyer.siren
    assert buyer.siren not in content
    assert buyer.name not in content
    assert ("status", "accepted", 1) in story.flows()
    with story.services.works.begin(story.id) as work:
        told = {
            each.facts["code"]
            for each in life_of_invoice(work, invoice.invoice_id, internal=False)
            if "code" in each.facts
        }
        known = {
            each.facts["code"]
            for each in life_of_invoice(work, invoice.invoice_id, internal=True)
            if "code" in each.facts
        }
    assert "226" not in told, "the customer reads this time line in the portal"
    assert "226" in known


def test_a_planted_confidential_message_to_the_buyer_is_stopped(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bug: somebody forgets the exception and addresses 226 like every other status."""
    invoice = deposited(story)
    monkeypatch.setattr(sending, "_recipients", lambda _code, document, _factor: (buyer_party(document.buyer),))
    with pytest.raises(StatusMessageError) as refused:
        queue(story, invoice, "226")
    assert refused.value.code == "cdar.confidential"
    assert messages(story) == []
    assert "226" not in story.codes("out")
    queue(story, invoice, "225", details=(account_detail(FACTOR_ACCOUNT),))


def test_a_factor_that_is_the_buyer_under_another_role_is_refused(story: Story) -> None:
    invoice = deposited(story)
    buyer = buyer_party(issued_document(invoice).buyer)
    for disguised in (
        replace(buyer, role="DL"),
        replace(FACTOR, address=buyer.address),
        replace(FACTOR, identifiers=buyer.identifiers),
    ):
        with pytest.raises(StatusMessageError) as refused:
            queue(story, invoice, "226", factor=disguised)
        assert refused.value.code == "cdar.confidential"
    assert messages(story) == []


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_a_message_that_breaks_the_rules_is_not_planned(story: Story) -> None:
    invoice = deposited(story)

    class Strict:
        def check_cdar(self, _: bytes) -> Report:
            return Report((LayerResult(Layer.XSD, Verdict.INVALID),), ())

    statuses = replace(story.services.seller_statuses, validator=Strict())
    with pytest.raises(MessageInvalidError):
        queue(story, invoice, "220", statuses)
    assert messages(story) == []
    assert "220" not in story.codes("out")


def test_two_racers_cancel_an_invoice_once(story: Story) -> None:
    """Two people at two screens: the second sees what the first has said."""
    invoice = deposited(story)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda key: _try(story, invoice, key), ("one", "two")))
    assert sorted(told) == ["lifecycle.closed", "queued"]
    assert [message.status for message in messages(story)] == ["220"]


def test_a_planted_race_without_the_lock_cancels_twice(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bug that the test before must catch: both read the history before either has written."""
    invoice = deposited(story)
    meeting = Barrier(2)

    def read_together(work: Work, invoice_id: UUID) -> list[str]:
        codes = codes_of(work, invoice_id)
        meeting.wait(5)
        return codes

    monkeypatch.setattr(sending, "lock_customers", lambda *_: None)
    monkeypatch.setattr(sending, "codes_of", read_together)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda key: _try(story, invoice, key), ("one", "two")))
    assert told == ["queued", "queued"]


def _try(story: Story, invoice: Invoice, key: str) -> str:
    try:
        queue(story, invoice, "220", key=key)
    except LifecycleError as error:
        return error.code
    return "queued"


@pytest.mark.parametrize(
    ("account", "code"),
    [
        (("", "FR7630006000011234567890189", None), "status.no_holder"),
        (("Factor", "FR7630006000011234567890188", None), "status.bad_iban"),
        (("Factor", "FR7630006000011234567890189", "AGRIFR"), "status.bad_bic"),
    ],
)
def test_an_account_that_cannot_be_paid_is_refused(account: tuple[str, str, str | None], code: str) -> None:
    with pytest.raises(StatusMessageError) as refused:
        read_account(*account)
    assert refused.value.code == code
    assert refused.value.sentence_fr


# --- the books at the platform ---------------------------------------------------------------------------------------


def earlier(invoice: Invoice) -> list[dict[str, str]]:
    return [{"number": invoice.number, "issue_date": invoice.issued_on.isoformat()}]


def test_a_set_off_sends_its_pair(story: Story) -> None:
    """212 plus on the invoice, minus on the credit note: together no cash at all."""
    invoice = deposited(story)
    note = story.issue(line(quantity=1), type_code="381", preceding_invoices=earlier(invoice)).invoice
    story.until(lambda: len([flow for flow in story.flows() if flow[:2] == ("status", "accepted")]) == 2)
    story.settle()
    told = {each.invoice.number: each for each in messages(story)}
    assert [(d.kind, d.amount, d.rate) for d in told[invoice.number].details[0].data] == [
        ("MEN", Decimal("60.00"), Decimal(20)),
        ("RAP", Decimal("60.00"), None),
    ]
    assert [(d.kind, d.amount, d.rate) for d in told[note.number].details[0].data] == [
        ("MEN", Decimal("-60.00"), Decimal(20))
    ]
    assert told[note.number].note == "Avoir imputé sur une facture"
    assert told[note.number].invoice.type_code == "381"


def test_a_correction_tells_the_cash_that_moved_and_then_cancels(story: Story) -> None:
    """The old invoice's 212 come before its 220, after which the platform takes nothing more for it."""
    invoice = deposited(story)
    story.pay(invoice, 12000)
    story.settle()
    corrective = story.issue(line(quantity=1), type_code="384", preceding_invoices=earlier(invoice)).invoice
    story.until(lambda: "220" in story.codes("out"))
    story.settle()
    assert [
        (each.invoice.number, each.status) for each in messages(story) if each.invoice.number == invoice.number
    ] == [
        (invoice.number, "212"),
        (invoice.number, "212"),
        (invoice.number, "220"),
    ]
    sums: dict[str, Decimal] = {}
    for each in messages(story):
        for amount in each.amounts:
            if amount.kind == "MEN":
                sums[each.invoice.number] = sums.get(each.invoice.number, Decimal(0)) + amount.amount
    assert sums == {invoice.number: Decimal(0), corrective.number: Decimal("60.00")}
    (cancelled,) = [each for each in messages(story) if each.status == "220"]
    assert cancelled.note is not None
    assert corrective.number in cancelled.note
    assert {state for kind, state, _ in story.flows()} == {"accepted"}
    with story.services.works.begin(story.id) as work:
        assert [finding for finding in run_checks(work) if finding.gap] == []


def test_nothing_is_cancelled_before_its_correction_is_there(story: Story) -> None:
    invoice = deposited(story)
    corrective = story.issue(line(quantity=1), type_code="384", preceding_invoices=earlier(invoice)).invoice
    with pytest.raises(NotAcceptedYetError):
        story.services.canceller.cancel(story.id, invoice.invoice_id, corrective.invoice_id)
    assert "220" not in story.codes("out")
    story.until(lambda: "220" in story.codes("out"))


def test_a_refused_invoice_is_not_cancelled_once_more(story: Story) -> None:
    invoice = deposited(story)
    assert story.platform is not None
    story.platform.play(invoice.number, story.siren, status="210", reason="TX_TVA_ERR", comment="Le taux est faux.")
    story.until(lambda: "210" in story.codes())
    story.issue(line(quantity=1), type_code="384", preceding_invoices=earlier(invoice))
    story.settle()
    assert "220" not in story.codes("out")
    assert all(state == "done" for _, state, _ in story.outbox())


# --- what is told of cash --------------------------------------------------------------------------------------------


def test_two_receipts_of_one_second_are_two_messages(story: Story) -> None:
    invoice = deposited(story)
    for _ in range(2):
        story.pay(invoice, 6000)
    story.until(lambda: story.codes("out") == ["212", "212"])
    story.settle()
    first, second = messages(story)
    assert first.set_at == second.set_at
    assert first.message_id != second.message_id
    assert [state for kind, state, _ in story.flows() if kind == "status"] == ["accepted", "accepted"]


def test_nothing_is_told_before_the_money_is_there(story: Story) -> None:
    """A debit on its way and a transfer that the buyer announces (211) are no receipts; then the money is."""
    invoice = deposited(story)
    assert story.platform is not None
    with story.services.works.begin(story.id) as work:
        flying = attempt(work, invoice)
        record_facts(work, [AttemptMoved(flying, AttemptState.PROCESSING, "pi_flying")])
    story.platform.play(invoice.number, story.siren, status="211", amount="120.00")
    story.until(lambda: "211" in story.codes())
    story.settle()
    assert story.codes("out") == []
    assert story.rows("SELECT 1 FROM collections WHERE supplier_id = :supplier") == []
    with story.services.works.begin(story.id) as work:
        record_facts(work, [received(flying, 12000, "pi_flying")])
    story.until(lambda: story.codes("out") == ["212"])


@pytest.mark.parametrize("kind", ["write_off", "bad_debt", "difference", "reversal"])
def test_what_settles_an_invoice_without_money_is_never_told(kind: str) -> None:
    """Whatever a debt is given up by, or taken back: only receipts and credit notes move what a 212 says."""
    day = date(2026, 10, 1)

    def line_of(kind: str, *, debit: bool) -> Item:
        at = datetime(2026, 10, 1, tzinfo=UTC)
        return Item(new_id(), new_id(), kind, debit, 1, 1, kind, day, day, at, "EUR", invoice_id=new_id())

    assert _moves(line_of("invoice", debit=True), line_of(kind, debit=False), 1) == []
    assert len(_moves(line_of("invoice", debit=True), line_of("receipt", debit=False), 1)) == 1
    assert len(_moves(line_of("invoice", debit=True), line_of("credit_note", debit=False), 1)) == 2


# --- by hand ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(story: Story, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """``quittance status send`` in the house of the story."""

    @contextmanager
    def this_house() -> Iterator[Services]:
        yield story.services

    monkeypatch.setattr(statuses_command, "services_of_house", this_house)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["status", "send", *arguments, "--supplier", story.siren, "--year", "2026"])

    return run


def test_a_person_says_that_an_invoice_is_factored_and_that_it_is_no_more(
    story: Story, command: Callable[..., Result]
) -> None:
    invoice = deposited(story)
    account = ("--holder", "Affactureur SA", "--iban", "FR7630006000011234567890189")
    for _ in range(2):  # pressed twice, said once
        said = command(invoice.number, "225", *account, "--note", "Créance cédée")
        assert said.exit_code == 0, said.output
        assert "225 Factored" in said.output
    assert command(invoice.number, "228").exit_code == 0
    assert command(invoice.number, "226", "--factor", "404833048").exit_code == 0
    story.settle()
    assert [each.status for each in messages(story)] == ["225", "228", "226"]
    assert [state for kind, state, _ in story.flows() if kind == "status"] == ["accepted"] * 3
    acts = story.rows(
        "SELECT details FROM audit_rows WHERE supplier_id = :supplier AND act = 'status.queued' ORDER BY audit_id"
    )
    assert [row["details"]["code"] for row in acts] == ["225", "225", "228", "226"]


def test_what_cannot_be_said_is_refused_with_a_sentence(
    story: Story, command: Callable[..., Result], tmp_path: Path
) -> None:
    invoice = deposited(story)
    proof = tmp_path / "bon.pdf"
    proof.write_bytes(b"%PDF-1.7")
    for arguments, word in (
        ((invoice.number, "225"), "give --holder and --iban"),
        ((invoice.number, "220", "--factor", "404833048"), "--factor is for 226 only"),
        ((invoice.number, "209", "--attach", str(proof)), "lifecycle.nothing_to_complete"),
        (("F2026-09999", "220"), "invoice.not_found"),
        ((invoice.number, "227", "--holder", "X", "--iban", "FR00"), "status.bad_iban"),
    ):
        said = command(*arguments)
        assert said.exit_code != 0
        assert word in said.output, said.output
    assert messages(story) == []
