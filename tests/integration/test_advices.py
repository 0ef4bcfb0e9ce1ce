"""A customer's remittance advice: read, confirmed, and evidence for the bank line of its amount; never a receipt."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from matching_builders import bill, credit_line, first_proposal, match, open_of

from config.clock import new_id, today
from einvoice.keeping import KeptFile, keep_document
from payments.advices.errors import AdviceError
from payments.advices.keeping import Advice, Confirmed, confirm_advice, get_advice, keep_advice, withdraw_advice
from payments.advices.reading import read_table
from payments.advices.understanding import understand
from payments.matching.confirming import Part, confirm_line, confirm_proposal, undo_match
from receivables.services.accounting.checks import run_checks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


@pytest.fixture
def work(works: Works, supplier: Supplier) -> Iterator[Work]:
    """One transaction; the books are whole at its end."""
    with works.begin(supplier.supplier_id) as begun:
        yield begun
        begun.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert [finding for finding in run_checks(begun) if finding.gap] == []


def advise(work: Work, customer_id: UUID, rows: Mapping[str, str]) -> Advice:
    """An advice with a row for each number, read and kept."""
    text = "Facture;Montant\n" + "".join(f"{number};{amount}\n" for number, amount in rows.items())
    content = f"{text}{new_id()};\n".encode()
    kept = KeptFile(content, f"{hashlib.sha256(content).hexdigest()[:8]}-avis.csv", "text/csv")
    document = keep_document(work, None, "attachment", kept, None, until=today() + timedelta(days=3650))
    read = read_table(content)
    lines = understand(work, customer_id, read)
    advice_id = keep_advice(work, customer_id, read, lines, (document, kept.sha256), "person test")
    return get_advice(work, customer_id, advice_id)


def three_bills(work: Work) -> tuple[Invoice, Invoice, Invoice]:
    """Three invoices of one customer, of which two together make 2,400.00."""
    first, second = bill(work, 140_000), bill(work, 100_000)
    return first, second, bill(work, 240_000)


def test_lines_name_the_customers_own_invoices_and_nobody_elses(work: Work) -> None:
    own, other = bill(work, 5_000), bill(work, 7_000, name="Une Autre SAS")
    read = read_table(f"Facture;Montant\n{own.number};50,00\n{other.number};70,00\n".encode())
    assert [each.invoice and each.invoice.number for each in understand(work, own.customer_id, read)] == [
        own.number,
        None,
    ]


def test_an_advice_that_names_no_invoice_is_refused(work: Work) -> None:
    own = bill(work, 5_000)
    with pytest.raises(AdviceError) as refused:
        advise(work, own.customer_id, {"X-2019-99999": "50,00"})
    assert refused.value.code == "advice.nothing_named"


def test_a_confirmed_advice_and_the_payers_name_book_what_it_says(work: Work) -> None:
    first, second, third = three_bills(work)
    advice = advise(work, first.customer_id, {first.number: "1400,00", second.number: "1000,00"})
    amounts = {first.invoice_id: 140_000, second.invoice_id: 100_000}
    confirm_advice(work, advice, Confirmed(amounts, None), "person test")
    assert [open_of(work, each) for each in (first, second, third)] == [140_000, 100_000, 240_000], "no receipt"
    line = match(work, credit_line(work, 240_000, "VIREMENT", payer="DUPONT ET FILS SARL", booked_on=today()))
    proposal = None if line.state == "matched" else first_proposal(work, line.line_id)
    said = line.reason or "" if proposal is None else " ".join(each.code for each in proposal.reasons)
    assert "sum.advised" in said


def test_an_advice_alone_proposes_and_books_nothing(work: Work) -> None:
    first, second, _ = three_bills(work)
    advice = advise(work, first.customer_id, {first.number: "1400,00", second.number: "500,00"})
    amounts = {first.invoice_id: 140_000, second.invoice_id: 50_000}
    confirm_advice(work, advice, Confirmed(amounts, None), "person test")
    line = match(work, credit_line(work, 190_000, "VIREMENT", payer="HOLDING LENOIR", booked_on=today()))
    assert line.state == "proposed"
    aims = {each.invoice_id: each.amount_minor for each in first_proposal(work, line.line_id).aims}
    assert aims == amounts


def test_a_withdrawn_advice_says_nothing_any_more(work: Work) -> None:
    first, second, _ = three_bills(work)
    advice = advise(work, first.customer_id, {first.number: "1400,00", second.number: "500,00"})
    amounts = {first.invoice_id: 140_000, second.invoice_id: 50_000}
    confirm_advice(work, advice, Confirmed(amounts, None), "person test")
    withdraw_advice(work, get_advice(work, first.customer_id, advice.advice_id), "person test")
    line = match(work, credit_line(work, 190_000, "VIREMENT", payer="HOLDING LENOIR", booked_on=today()))
    assert line.state == "unidentified"


def test_an_advice_is_confirmed_once_and_for_ones_own_invoices(work: Work) -> None:
    own, other = bill(work, 5_000), bill(work, 7_000, name="Une Autre SAS")
    advice = advise(work, own.customer_id, {own.number: "50,00"})
    with pytest.raises(AdviceError, match="not yours"):
        confirm_advice(work, advice, Confirmed({other.invoice_id: 7_000}, None), "person test")
    confirm_advice(work, advice, Confirmed({own.invoice_id: 5_000}, None), "person test")
    with pytest.raises(AdviceError, match="settled before"):
        confirm_advice(work, advice, Confirmed({own.invoice_id: 5_000}, None), "person test")


def confirmed(work: Work, owed: Mapping[UUID, int], numbers: Mapping[str, str], customer_id: UUID) -> Advice:
    """An advice that its customer has confirmed."""
    advice = advise(work, customer_id, numbers)
    confirm_advice(work, advice, Confirmed(owed, None), "person test")
    return get_advice(work, customer_id, advice.advice_id)


def test_an_advice_is_used_by_the_payment_that_it_announced_and_waits_again_when_that_is_undone(work: Work) -> None:
    first, second, _ = three_bills(work)
    owed = {first.invoice_id: 140_000, second.invoice_id: 50_000}
    advice = confirmed(work, owed, {first.number: "1400,00", second.number: "500,00"}, first.customer_id)
    line = match(work, credit_line(work, 190_000, "VIREMENT", payer="HOLDING LENOIR", booked_on=today()))
    attempt_id = confirm_proposal(work, first_proposal(work, line.line_id), "person test")
    used = get_advice(work, first.customer_id, advice.advice_id)
    assert (used.state, used.attempt_id) == ("used", attempt_id)
    assert used.used_at is not None
    with pytest.raises(AdviceError, match="has come"):
        withdraw_advice(work, used, "person test")
    undo_match(work, line.line_id, "person test", "erreur")
    again = get_advice(work, first.customer_id, advice.advice_id)
    assert (again.state, again.attempt_id, again.used_at) == ("confirmed", None, None)


def test_a_payment_uses_one_advice_and_none_that_names_other_invoices(work: Work) -> None:
    first, second, third = three_bills(work)
    other = confirmed(work, {third.invoice_id: 100_000}, {third.number: "1000,00"}, first.customer_id)
    older = confirmed(work, {second.invoice_id: 100_000}, {second.number: "1000,00"}, first.customer_id)
    newer = confirmed(work, {second.invoice_id: 100_000}, {second.number: "1000.00"}, first.customer_id)
    line = match(work, credit_line(work, 100_000, "VIREMENT", payer="INCONNU", booked_on=today()))
    confirm_line(work, line.line_id, [Part(first.customer_id, 100_000, {second.invoice_id: 100_000})], "person test")
    states = [get_advice(work, first.customer_id, each.advice_id).state for each in (other, older, newer)]
    assert states == ["confirmed", "used", "confirmed"]
