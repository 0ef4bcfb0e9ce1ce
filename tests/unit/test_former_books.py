"""Letters of the former books: how they are grouped, what they say of payments, how a FEC tells them."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta

from import_builders import fec_of

from receivables.domain.accounting.fec_former import former_of_fec
from receivables.domain.accounting.fec_opening import open_of_fec
from receivables.domain.accounting.fec_reading import open_fec, stream_records
from receivables.domain.accounting.former_books import (
    FormerKind,
    FormerLine,
    LetterGroup,
    fingerprints,
    group_lines,
    payments_of,
)

DUE = date(2026, 3, 1)


def line(kind: str, minor: int, *, days: int = 0, place: int = 1, due: int = 0, letters: str = "AA") -> FormerLine:
    """A line of 2026, ``days`` after the first due day; an invoice falls due ``due`` days after it."""
    return FormerLine(
        place=place,
        code="CMART",
        name="Boulangerie Martin",
        account="411000",
        day=DUE + timedelta(days=days),
        due_on=DUE + timedelta(days=due) if kind == "invoice" else None,
        due_told=True,
        kind=FormerKind(kind),
        piece=f"P{place}",
        label="",
        debit_minor=max(minor, 0),
        credit_minor=max(-minor, 0),
        currency="EUR",
        letters=letters,
        lettered_on=date(2026, 5, 1),
    )


def told(*lines: FormerLine) -> list[tuple[int, int, int]]:
    """Invoice, days late and cents of each payment of one group."""
    found = payments_of(LetterGroup(tuple(replace(each, place=place) for place, each in enumerate(lines))))
    return [(each.line, (each.paid_on - each.due_on).days, each.amount_minor) for each in found]


def test_receipts_pay_what_fell_due_first_and_each_part_has_its_own_lateness() -> None:
    assert told(
        line("invoice", 10_000, due=30),
        line("invoice", 5_000, due=0),
        line("receipt", -6_000, days=10),
        line("receipt", -9_000, days=50),
    ) == [(1, 10, 5_000), (0, -20, 1_000), (0, 20, 9_000)]


def test_one_code_over_a_whole_year_is_told_in_one_pass() -> None:
    pairs = 6_000
    began = time.process_time()
    found = told(*(line(kind, sign * 100) for kind, sign in (("invoice", 1), ("receipt", -1)) for _ in range(pairs)))
    assert found == [(nth, 0, 100) for nth in range(pairs)]
    assert time.process_time() - began < 1.5, "receipts times invoices: a year of one code would hold the worker"


def test_what_a_credit_note_settled_has_no_day_of_payment() -> None:
    assert told(line("invoice", 10_000), line("credit_note", -4_000, days=1), line("receipt", -6_000, days=7)) == [
        (0, 7, 6_000)
    ]


def test_an_a_nouveau_takes_its_share_of_the_money_and_tells_no_habit() -> None:
    assert told(line("other", 3_000, days=-60), line("invoice", 5_000), line("receipt", -8_000, days=4)) == [
        (1, 4, 5_000)
    ]


def test_uneven_letters_and_money_that_went_back_tell_nothing() -> None:
    assert told(line("invoice", 10_000), line("receipt", -9_999, days=4)) == []
    assert told(line("invoice", 5_000), line("receipt", -5_000), line("refund", 5_000), line("receipt", -5_000)) == []


def test_the_same_letters_of_two_years_are_two_groups_and_undated_lines_join_the_only_one() -> None:
    first, second = line("invoice", 100, place=1), line("receipt", -100, place=2)
    later = replace(line("invoice", 70, place=3), lettered_on=date(2027, 2, 1))
    undated = replace(line("receipt", -70, place=4), lettered_on=None)
    assert [len(each.lines) for each in group_lines([first, second, later])] == [2, 1]
    assert [each.gap_minor for each in group_lines([later, undated])] == [0]
    assert len(group_lines([first, later, undated])) == 3  # whose the undated one is cannot be told
    assert group_lines([undated])[0].lettered_on == undated.day


def test_letters_given_over_the_turn_of_a_year_stay_one_group_where_only_the_whole_comes_to_zero() -> None:
    invoice = replace(line("invoice", 100, place=1), lettered_on=date(2026, 12, 31))
    paid = replace(line("receipt", -100, place=2), lettered_on=date(2027, 1, 2))
    assert [each.gap_minor for each in group_lines([invoice, paid])] == [0]
    assert [each.gap_minor for each in group_lines([invoice, replace(paid, credit_minor=99)])] == [100, -99]


def test_a_code_given_again_the_year_after_leaves_the_rest_on_the_invoice_that_it_belongs_to() -> None:
    head, *rest = fec_of().decode("iso8859-15").split("\r\n")
    before = [each.replace("|2026", "|2025").replace("FA-1", "FX-1") for each in rest[:5]]
    before = [each.replace("VE|VE|1|", "VE|VE|91|").replace("BQ|BQ|2|", "BQ|BQ|92|") for each in before]
    before = [each.replace("|0,00|1200,00|AB", "|0,00|1199,98|AB") for each in before]
    file = open_fec("x.txt", "\r\n".join([head, *before, *rest]).encode("iso8859-15"))
    left = {each.piece: each.open_minor for each in open_of_fec(file, date(2026, 10, 1)).lines}
    assert left["FX-1"] == 2
    assert "FA-1" not in left


def test_twins_of_one_group_have_marks_of_their_own_and_the_place_in_the_file_has_no_part_in_it() -> None:
    twins = LetterGroup((line("invoice", 100, place=4), line("invoice", 100, place=9)))
    assert len({replace(each, piece="P", place=0) for each in twins.lines}) == 1
    marks = fingerprints(LetterGroup(tuple(replace(each, piece="P") for each in twins.lines)))
    assert len(set(marks)) == 2
    moved = LetterGroup(tuple(replace(each, piece="P", place=each.place + 100) for each in twins.lines))
    assert fingerprints(moved) == marks


def test_a_fec_tells_by_its_entries_what_a_lettered_line_was() -> None:
    found = list(former_of_fec(fec_of(), date(2026, 10, 1), 30, []))
    assert [(each.piece, each.kind, each.signed_minor, each.letters) for each in found] == [
        ("FA-1", FormerKind.INVOICE, 120_000, "AB"),
        ("VIR-1", FormerKind.RECEIPT, -120_000, "AB"),
        ("FA-2", FormerKind.INVOICE, 240_000, "ac"),
        ("VIR-2", FormerKind.RECEIPT, -100_000, "ac"),
    ]
    assert found[0].due_on == date(2026, 8, 9)
    assert found[0].due_told is False
    assert [each.gap_minor for each in group_lines(found)] == [0, 140_000]


def test_lines_after_the_day_are_left_and_lines_that_cannot_be_read_are_numbered() -> None:
    early = list(former_of_fec(fec_of(), date(2026, 8, 31), 30, []))
    assert [each.piece for each in early] == ["FA-1", "VIR-1", "FA-2"]
    unread: list[int] = []
    broken = fec_of().replace(b"|1200,00|0,00|AB", b"|1200,005|0,00|AB")
    assert [each.piece for each in former_of_fec(broken, date(2026, 10, 1), 30, unread)] == ["VIR-1", "FA-2", "VIR-2"]
    assert unread == [2]


def test_a_line_that_no_column_holds_is_numbered_and_does_not_stop_the_others() -> None:
    unread: list[int] = []
    odd = fec_of().replace(b"|1200,00|0,00|AB", b"|99999999999999999,00|0,00|AB")
    odd = odd.replace(b"VIR-1", b"V" * 5_000)
    assert [each.piece for each in former_of_fec(odd, date(2026, 10, 1), 30, unread)] == ["FA-2", "VIR-2"]
    assert len(unread) == 2


def test_a_stream_reads_every_line_as_the_whole_file_does() -> None:
    for content in (fec_of(), fec_of().decode("iso8859-15").replace("\r\n", "\n\n").encode("utf-8-sig")):
        assert [(each.line, each.values) for each in stream_records(content)] == [
            (each.line, each.values) for each in open_fec("x.txt", content).records()
        ]
