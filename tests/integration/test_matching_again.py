"""Waiting bank lines are looked at again once something new may explain them, and not otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matching_builders import ask_about, bill, credit_line, first_proposal, match

from payments.banking.lines import get_line
from payments.matching import again
from payments.matching.again import match_again
from payments.matching.asking import get_question, note_answer
from payments.matching.confirming import Part, confirm_line, undo_match
from receivables.services.accounting.checks import run_checks

if TYPE_CHECKING:
    from uuid import UUID

    import pytest

    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

AGENT = "person agent"


def _earlier(work: Work) -> None:
    """What was looked at was looked at an hour ago."""
    work.execute("UPDATE bank_lines SET changed_at = changed_at - interval '1 hour' WHERE supplier_id = :supplier")


def _state(works: Works, supplier: Supplier, line_id: UUID) -> str:
    with works.begin(supplier.supplier_id) as work:
        assert [finding for finding in run_checks(work) if finding.gap] == []
        return get_line(work, line_id).state


def _looked_at_already(works: Works, supplier: Supplier) -> None:
    """Nothing is new: the lines were looked at after everything that is there."""
    with works.begin(supplier.supplier_id) as work:
        work.execute(
            "UPDATE bank_lines SET changed_at = changed_at + interval '1 minute' WHERE supplier_id = :supplier"
        )


def test_a_line_that_came_before_its_invoice_is_booked_once_that_is_issued(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        line_id = credit_line(work, 124_000, "FACT F2026-00001")
        assert match(work, line_id).state == "unidentified"
        _earlier(work)
    assert match_again(works, supplier.supplier_id) == 0, "nothing is new"
    with works.begin(supplier.supplier_id) as work:
        bill(work, 124_000)
    assert match_again(works, supplier.supplier_id) == 1
    assert _state(works, supplier, line_id) == "matched"
    assert match_again(works, supplier.supplier_id) == 0, "nothing waits"


def test_a_payer_whom_somebody_confirmed_explains_the_next_lines(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        first, second = bill(work, 61_037), bill(work, 99_012)
        known, waits = (
            credit_line(work, minor, payer="HOLDING KERGUELEN", counterparty_iban="FR7630004000031234567890143")
            for minor in (61_037, 99_012)
        )
        match(work, known, waits)
        assert get_line(work, waits).state == "proposed"
        confirm_line(work, known, [Part(first.customer_id, 61_037, {first.invoice_id: 61_037})], AGENT)
    match_again(works, supplier.supplier_id)
    assert _state(works, supplier, waits) == "matched"
    with works.begin(supplier.supplier_id) as work:
        assert get_line(work, waits).customer_id == second.customer_id


def test_an_answer_is_news(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = bill(work, 61_037)
        line_id = credit_line(work, 61_037, payer="X")
        match(work, line_id)
        question_id = ask_about(work, line_id, invoice.customer_id)
    _looked_at_already(works, supplier)
    assert match_again(works, supplier.supplier_id) == 0
    with works.begin(supplier.supplier_id) as work:
        _earlier(work)
        question = get_question(work, question_id, invoice.customer_id)
        note_answer(work, question, ours=True, invoices=[invoice.invoice_id], said="", actor="person payer")
    assert match_again(works, supplier.supplier_id) == 1
    with works.begin(supplier.supplier_id) as work:
        assert "who.asked" in {each.code for each in first_proposal(work, line_id).reasons}


def test_what_reads_as_before_is_proposed_once(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        bill(work, 61_037)
        line_id = credit_line(work, 61_037, payer="X")
        assert match(work, line_id).state == "proposed"
        _earlier(work)
        bill(work, 4_400)
    assert match_again(works, supplier.supplier_id) == 1
    with works.begin(supplier.supplier_id) as work:
        assert work.scalar("SELECT max(round) FROM match_proposals WHERE supplier_id = :supplier") == 1
        assert first_proposal(work, line_id).aims
    _looked_at_already(works, supplier)
    assert match_again(works, supplier.supplier_id) == 0


def test_what_a_person_took_back_is_not_booked_again_by_a_rule(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = bill(work, 124_000)
        line_id = credit_line(work, 124_000, f"FACT {invoice.number}")
        assert match(work, line_id).state == "matched"
        undo_match(work, line_id, AGENT, "not theirs")
        _earlier(work)
        bill(work, 4_400)
    assert match_again(works, supplier.supplier_id) == 0
    assert _state(works, supplier, line_id) == "unidentified"


def test_a_turn_takes_so_many_lines_and_the_next_one_the_rest(
    works: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "MOST_AT_ONCE", 2)
    with works.begin(supplier.supplier_id) as work:
        lines = [credit_line(work, minor, payer="X") for minor in (101, 102, 103)]
        match(work, *lines)
        _earlier(work)
        bill(work, 4_400)
        before = {line_id: get_line(work, line_id).changed_at for line_id in lines}

    def looked_at() -> int:
        with works.begin(supplier.supplier_id) as work:
            return sum(get_line(work, line_id).changed_at > at for line_id, at in before.items())

    assert match_again(works, supplier.supplier_id) == 2
    assert looked_at() == 2
    match_again(works, supplier.supplier_id)
    assert looked_at() == 3
