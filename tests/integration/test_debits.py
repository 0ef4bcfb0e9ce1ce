"""Our own direct debits from the signature to the books and back, on the real database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from debit_builders import (
    ICS,
    KEYRING,
    OTHER_IBAN,
    OTHER_ICS,
    announce,
    balances,
    bank_line,
    come_near,
    debit_of,
    due_invoice,
    in_file,
    pain002,
    rejected_debit,
    set_up,
    signed,
)
from dispute_builders import claim
from ledger_builders import customer_facts
from lxml import etree

from config.clock import now, today
from payments.banking.lines import get_line
from payments.debits import batching
from payments.debits.amending import ask_amendment, confirm_amendment
from payments.debits.answers import take_answer
from payments.debits.bank import recognise_debit
from payments.debits.batching import make_files
from payments.debits.mandates import confirm_by_bank, end_mandate, find_mandate
from payments.debits.pain import xsd_of
from payments.debits.planning import debits_to_tell, list_collectables, note_told, plan_debit
from payments.debits.reactions import react_to_return
from payments.debits.tasks import close_task, open_tasks
from payments.errors import PaymentError
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.conversations.disputes import disputes_on

if TYPE_CHECKING:
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


@pytest.fixture
def work(works: Works, supplier: Supplier) -> Work:
    with works.begin(supplier.supplier_id) as opened:
        set_up(opened)
        yield opened  # type: ignore[misc]


def credit(work: Work, *invoices: object) -> None:
    """The bank credits the debits of these invoices, each part as one sum."""
    parts: dict[str, int] = {}
    for invoice in invoices:
        debit = debit_of(work, invoice)  # type: ignore[arg-type]
        reference = f"{debit['batch_ref']}-{debit['sequence']}"
        parts[reference] = parts.get(reference, 0) + debit["amount_minor"]
    for reference, amount in parts.items():
        assert recognise_debit(work, bank_line(work, amount, batch_ref=reference))


def test_a_signed_mandate_an_announced_debit_and_its_credit_pay_the_invoice(work: Work) -> None:
    invoice = due_invoice(work)
    mandate = signed(work, invoice.customer_id)
    (debit_id,) = announce(work, invoice)
    assert debits_to_tell(work) == []  # told once
    assert due_on_invoice(work, invoice.invoice_id).state == "due"  # a planned debit takes nothing of the invoice
    come_near(work, [debit_id])
    made = make_files(work, KEYRING, "accountant")
    assert (len(made.batch_ids), made.debits, made.dropped) == (1, 1, {})
    due = due_on_invoice(work, invoice.invoice_id)
    assert (due.state, due.in_flight_minor) == ("in_flight", 10000)
    credit(work, invoice)
    assert due_on_invoice(work, invoice.invoice_id).state == "paid"
    assert debit_of(work, invoice)["state"] == "collected"
    assert balances(work)["512000"] == 10000
    assert find_mandate(work, mandate.mandate_id).uses == 1


def test_complaint_12_a_camt_054_return_reopens_the_invoice_with_its_fee_and_its_negative_212(work: Work) -> None:
    invoice = due_invoice(work)
    signed(work, invoice.customer_id)
    in_file(work, invoice)
    credit(work, invoice)
    debit = debit_of(work, invoice)
    line = bank_line(work, -10450, end_to_end_id=debit["end_to_end_id"], return_code="MD06", charges_minor=450)
    assert recognise_debit(work, line)
    assert get_line(work, line.line_id).state == "returned"
    due = due_on_invoice(work, invoice.invoice_id)
    assert (due.state, due.open_minor) == ("due", 10000)
    assert balances(work)["627000"] == 450
    assert balances(work)["512000"] == -450
    movements = work.rows(
        "SELECT amount_minor, reason, split FROM collections WHERE supplier_id = :supplier AND invoice_id = :id "
        "ORDER BY sequence",
        id=invoice.invoice_id,
    )
    assert [row["amount_minor"] for row in movements] == [10000, -10000]
    assert movements[1]["reason"] == "return"
    (dispute,) = disputes_on(work, invoice.invoice_id)
    assert dispute.is_open  # nobody is reminded before the payer said why
    assert debit_of(work, invoice)["return_code"] == "MD06"
    with pytest.raises(PaymentError, match="disputed"):
        plan_debit(work, invoice.invoice_id, "collector")


def test_a_return_told_before_its_credit_waits_and_ends_in_the_same_books(work: Work) -> None:
    invoice = due_invoice(work)
    signed(work, invoice.customer_id)
    in_file(work, invoice)
    debit = debit_of(work, invoice)
    back = bank_line(work, -10000, end_to_end_id=debit["end_to_end_id"], return_code="AM04")
    assert recognise_debit(work, back)
    assert debit_of(work, invoice)["state"] == "in_file"
    assert balances(work).get("512000") is None
    credit(work, invoice)
    assert debit_of(work, invoice)["state"] == "returned"
    assert balances(work).get("512000") is None  # came and went
    assert due_on_invoice(work, invoice.invoice_id).open_minor == 10000
    assert recognise_debit(work, back)  # told again: nothing more
    again = bank_line(work, -10000, end_to_end_id=debit["end_to_end_id"], return_code="AM04")
    assert not recognise_debit(work, again)  # a second return of one debit is somebody else's business


def test_a_batch_of_which_the_bank_rejected_one_is_credited_without_it(work: Work) -> None:
    first, second = due_invoice(work), due_invoice(work)
    signed(work, first.customer_id)
    in_file(work, first, second)
    rejected, kept = debit_of(work, first), debit_of(work, second)
    assert {rejected["sequence"], kept["sequence"]} == {"FRST", "RCUR"}
    reference = f"{rejected['batch_ref']}-{rejected['sequence']}"
    part = (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{reference}</OrgnlPmtInfId>"
        f"{rejected_debit(rejected['end_to_end_id'], 'AC01')}</OrgnlPmtInfAndSts>"
    )
    taken = take_answer(work, pain002(rejected["batch_ref"], group="<GrpSts>PART</GrpSts>", parts=part), "accountant")
    assert (taken.state, taken.rejected) == ("accepted", 1)
    assert due_on_invoice(work, first.invoice_id).in_flight_minor == 0
    assert find_mandate(work, rejected["mandate_id"]).state == "blocked"
    assert [task["what"] for task in open_tasks(work)] == ["new_iban"]
    credit(work, second)
    assert due_on_invoice(work, second.invoice_id).state == "paid"
    assert work.scalar("SELECT state FROM debit_batches WHERE supplier_id = :supplier") == "credited"
    repeated = take_answer(work, pain002(rejected["batch_ref"], group="<GrpSts>PART</GrpSts>", parts=part), "x")
    assert repeated.rejected == 0


def test_a_credit_that_does_not_add_up_waits_for_the_banks_answer(work: Work) -> None:
    first, second = due_invoice(work), due_invoice(work, customer=customer_facts("Garage du Port", "552100554"))
    signed(work, first.customer_id)
    signed(work, second.customer_id, debtor_name="Garage du Port", iban=OTHER_IBAN)
    in_file(work, first, second)
    rejected = debit_of(work, first)
    assert rejected["sequence"] == debit_of(work, second)["sequence"] == "FRST"
    line = bank_line(work, 10000, batch_ref=f"{rejected['batch_ref']}-FRST")
    assert recognise_debit(work, line)
    assert (get_line(work, line.line_id).state, balances(work).get("512000")) == ("new", None)
    part = (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{rejected['batch_ref']}-FRST</OrgnlPmtInfId>"
        f"{rejected_debit(rejected['end_to_end_id'], 'AM04')}</OrgnlPmtInfAndSts>"
    )
    take_answer(work, pain002(rejected["batch_ref"], parts=part), "accountant")
    assert get_line(work, line.line_id).state == "debits"
    assert due_on_invoice(work, second.invoice_id).state == "paid"
    assert due_on_invoice(work, first.invoice_id).state == "due"


def test_a_file_that_the_bank_refuses_frees_every_invoice_and_is_one_task(work: Work) -> None:
    invoices = [due_invoice(work) for _ in range(3)]
    mandate = signed(work, invoices[0].customer_id)
    in_file(work, *invoices)
    reference = debit_of(work, invoices[0])["batch_ref"]
    group = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf>"
    assert take_answer(work, pain002(reference, group=group), "accountant").state == "rejected"
    assert [task["what"] for task in open_tasks(work)] == ["file_rejected"]
    assert {due_on_invoice(work, each.invoice_id).state for each in invoices} == {"due"}
    assert find_mandate(work, mandate.mandate_id).state == "usable"
    (task,) = open_tasks(work)
    assert close_task(work, task["task_id"], "accountant", "Corrigé")
    assert not open_tasks(work)
    assert len(announce(work, *invoices)) == 3  # they may be collected again


def test_a_debit_that_lacked_funds_is_presented_once_more_and_no_further(work: Work) -> None:
    set_up(work, retry_days=5)
    invoice = due_invoice(work)
    signed(work, invoice.customer_id)
    in_file(work, invoice)
    credit(work, invoice)
    first = debit_of(work, invoice)
    recognise_debit(work, bank_line(work, -10000, end_to_end_id=first["end_to_end_id"], return_code="AM04"))
    second = debit_of(work, invoice)
    assert (second["state"], second["tries"]) == ("planned", 2)
    assert second["collect_on"] >= today() + timedelta(days=5)
    (told,) = debits_to_tell(work)
    assert told.once_more
    note_told(work, [told])
    come_near(work, [second["debit_id"]])
    make_files(work, KEYRING, "accountant")
    credit(work, invoice)
    recognise_debit(work, bank_line(work, -10000, end_to_end_id=second["end_to_end_id"], return_code="AM04"))
    assert debit_of(work, invoice)["debit_id"] == second["debit_id"]  # no third one


@pytest.mark.parametrize(
    ("code", "state", "task"),
    [
        ("AC04", "ended", "account_closed"),
        ("AC06", "blocked", "account_blocked"),
        ("MD01", "ended", "unauthorised"),
        ("MD07", "ended", "deceased"),
        ("MS02", "usable", "refused_by_payer"),
        ("SL01", "blocked", "authorise_ics"),
        ("BE05", "usable", "unknown_ics"),
        ("RR04", "usable", "regulatory"),
        ("ZZ99", "usable", "ask_bank"),
    ],
)
def test_each_code_does_to_the_mandate_what_its_row_says(work: Work, code: str, state: str, task: str) -> None:
    set_up(work, retry_days=5)
    invoice = due_invoice(work)
    mandate = signed(work, invoice.customer_id)
    in_file(work, invoice)
    credit(work, invoice)
    debit = debit_of(work, invoice)
    recognise_debit(work, bank_line(work, -10000, end_to_end_id=debit["end_to_end_id"], return_code=code))
    assert find_mandate(work, mandate.mandate_id).state == state
    assert [each["what"] for each in open_tasks(work)] == [task]
    assert debit_of(work, invoice)["debit_id"] == debit["debit_id"]  # never tried again by itself


def test_a_refund_told_by_a_provider_stops_the_same_things_once(work: Work) -> None:
    invoice = due_invoice(work)
    mandate = signed(work, invoice.customer_id)
    in_file(work, invoice)
    attempt_id = debit_of(work, invoice)["attempt_id"]
    done = react_to_return(work, attempt_id, "debit_not_authorized", now())
    assert "all_ended" in done
    assert react_to_return(work, attempt_id, "debit_not_authorized", now()) == []
    assert find_mandate(work, mandate.mandate_id).state == "ended"


def test_whoever_paid_meanwhile_is_not_debited_and_nobody_for_more_than_they_were_told(work: Work) -> None:
    paid, disputed, kept = due_invoice(work), due_invoice(work), due_invoice(work)
    signed(work, paid.customer_id)
    debits = announce(work, paid, disputed, kept)
    claim(work, disputed)
    work.execute(
        "UPDATE receivable_items SET open_minor = 0 WHERE supplier_id = :supplier AND invoice_id = :id",
        id=paid.invoice_id,
    )
    work.execute(
        "UPDATE debits SET amount_minor = 4000 WHERE supplier_id = :supplier AND invoice_id = :id", id=kept.invoice_id
    )
    come_near(work, debits)
    made = make_files(work, KEYRING, "accountant")
    assert made.debits == 1
    assert set(made.dropped.values()) == {"nothing_left"}
    assert debit_of(work, kept)["amount_minor"] == 4000


def test_an_invoice_is_never_planned_twice(work: Work) -> None:
    invoice = due_invoice(work)
    signed(work, invoice.customer_id)
    assert plan_debit(work, invoice.invoice_id, "a") == plan_debit(work, invoice.invoice_id, "b")
    assert invoice.invoice_id not in {each.invoice_id for each in list_collectables(work)}


def test_a_mandate_that_was_not_used_for_36_months_is_shown_and_not_used(work: Work) -> None:
    invoice = due_invoice(work)
    mandate = signed(work, invoice.customer_id)
    (debit_id,) = announce(work, invoice)
    work.execute(
        "UPDATE mandates SET signed_at = signed_at - interval '36 months' WHERE supplier_id = :supplier AND "
        "mandate_id = :id",
        id=mandate.mandate_id,
    )
    assert find_mandate(work, mandate.mandate_id).stands_on(today()) == "lapsed"
    come_near(work, [debit_id])
    made = make_files(work, KEYRING, "accountant")
    assert (made.debits, made.dropped) == (0, {debit_id: "mandate_lapsed"})
    assert list_collectables(work) == []
    with pytest.raises(PaymentError) as refused:
        plan_debit(work, invoice.invoice_id, "collector")
    assert refused.value.code == "debit.no_mandate"


def test_a_planted_use_of_a_lapsed_mandate_would_be_seen(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: with the check taken out, the lapsed mandate is debited."""
    invoice = due_invoice(work)
    mandate = signed(work, invoice.customer_id)
    (debit_id,) = announce(work, invoice)
    work.execute(
        "UPDATE mandates SET signed_at = signed_at - interval '40 months' WHERE supplier_id = :supplier AND "
        "mandate_id = :id",
        id=mandate.mandate_id,
    )
    come_near(work, [debit_id])
    monkeypatch.setattr("payments.debits.mandates.Mandate.is_usable", lambda self, _day: self.state == "usable")
    assert batching.make_files(work, KEYRING, "accountant").debits == 1


def test_a_b2b_mandate_waits_for_the_payers_bank_and_is_not_for_consumers(work: Work) -> None:
    invoice = due_invoice(work)
    mandate = signed(work, invoice.customer_id, scheme="b2b")
    assert mandate.state == "to_confirm"
    with pytest.raises(PaymentError, match="no mandate"):
        plan_debit(work, invoice.invoice_id, "collector")
    confirm_by_bank(work, mandate.mandate_id, "collector")
    in_file(work, invoice)
    (file,) = work.rows("SELECT content, scheme FROM debit_batches WHERE supplier_id = :supplier")
    assert file["scheme"] == "b2b"
    assert b"<Cd>B2B</Cd>" in bytes(file["content"])
    work.execute("UPDATE customers SET kind = 'consumer' WHERE supplier_id = :supplier")
    with pytest.raises(PaymentError) as refused:
        signed(work, invoice.customer_id, scheme="b2b")
    assert refused.value.code == "debit.consumer_b2b"


def test_a_revoked_mandate_gives_up_what_is_not_with_the_bank_yet(work: Work) -> None:
    invoice = due_invoice(work)
    mandate = signed(work, invoice.customer_id)
    (debit_id,) = announce(work, invoice)
    assert end_mandate(work, mandate.mandate_id, "customer", "revoked") == [debit_id]
    assert debit_of(work, invoice)["state"] == "cancelled"


def test_the_first_debit_after_a_change_of_account_says_so_and_the_next_does_not(work: Work) -> None:
    first, second, third = due_invoice(work), due_invoice(work), due_invoice(work)
    mandate = signed(work, first.customer_id)
    in_file(work, first)
    credit(work, first)
    asked = ask_amendment(
        work, KEYRING, mandate.mandate_id, name="Boulangerie Martin", iban=OTHER_IBAN, actor="customer"
    )
    confirm_amendment(work, asked.amendment_id, "customer", {}, "1" * 64)
    assert find_mandate(work, mandate.mandate_id).iban_last4 == OTHER_IBAN[-4:]
    for invoice, amended in ((second, True), (third, False)):
        in_file(work, invoice)
        content = bytes(
            work.scalar(
                "SELECT content FROM debit_batches WHERE supplier_id = :supplier AND batch_id = :id",
                id=debit_of(work, invoice)["batch_id"],
            )
        )
        assert (b"SMNDA" in content) is amended
        assert OTHER_IBAN.encode() in content
        credit(work, invoice)


def test_a_changed_ics_is_told_with_the_next_debit(work: Work) -> None:
    first, second = due_invoice(work), due_invoice(work)
    signed(work, first.customer_id)
    set_up(work, ics=OTHER_ICS)
    for invoice, told in ((first, True), (second, False)):
        in_file(work, invoice)
        batch_id = debit_of(work, invoice)["batch_id"]
        content = bytes(
            work.scalar(
                "SELECT content FROM debit_batches WHERE supplier_id = :supplier AND batch_id = :id", id=batch_id
            )
        )
        assert (ICS.encode() in content) is told
        assert OTHER_ICS.encode() in content
        credit(work, invoice)


@pytest.mark.parametrize("schema", ["pain.008.001.08", "pain.008.001.02"])
def test_both_versions_of_the_file_pass_their_grammar(work: Work, schema: str) -> None:
    set_up(work, format=schema)
    invoices = [due_invoice(work) for _ in range(2)]
    signed(work, invoices[0].customer_id, debtor_name="Société des Œufs & Cie « Façade »")
    made = in_file(work, *invoices)
    content = bytes(work.scalar("SELECT content FROM debit_batches WHERE supplier_id = :supplier"))
    root = etree.fromstring(content)
    assert xsd_of(schema).validate(root)
    assert etree.QName(root).namespace.endswith(schema)
    assert next(each.text for each in root.iter("{*}CtrlSum")) == "200.00"
    assert {each.text for each in root.iter("{*}SeqTp")} == {"FRST", "RCUR"}
    assert len(made.batch_ids) == 1
    assert not xsd_of("pain.008.001.02" if schema.endswith("08") else "pain.008.001.08").validate(root)


def test_a_file_that_breaks_its_grammar_is_not_made(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = due_invoice(work)
    signed(work, invoice.customer_id)
    monkeypatch.setattr(batching, "part_ref", lambda reference, sequence: f"{reference}-{sequence}" + "x" * 40)
    with pytest.raises(PaymentError) as refused, work.connection.begin_nested():
        in_file(work, invoice)
    assert refused.value.code == "debit.file_invalid"
