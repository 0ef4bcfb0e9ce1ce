"""The checker of FEC files: a good file passes, and each rule catches the fault that breaks it."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from config.law import LawUnknownError, account_name, accounts_on
from receivables.domain.accounting.fec import FIELDS, FecLine, file_name, label_of, number_of, plain, write_fec
from receivables.domain.accounting.fec_checking import MOST_TOLD, check_fec
from receivables.domain.accounting.fec_rules import RULES, Weight
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from receivables.domain.accounting.fec_checking import Verdict

SIREN = "732829320"
NAME = f"{SIREN}FEC20261231.txt"
HEAD = "\t".join(FIELDS)
SALE = (
    "VE\tVentes\tVE{n}\t{day}\t{account}\t{name}\t{aux}\t{auxname}\tF{n}\t{day}\tFacture {n}\t{debit}\t{credit}\t"
    "{let}\t{on}\t{valid}\t\t"
)


def line(n: int = 1, **changes: str) -> str:
    """One line of entry ``n``: what is sold, or 411 where an auxiliary is given."""
    values = {
        "n": str(n),
        "day": f"2026010{n}",
        "account": "706000",
        "name": "Prestations",
        "aux": "",
        "auxname": "",
        "debit": "0,00",
        "credit": "100,00",
        "let": "",
        "on": "",
        "valid": "20260131",
    }
    return SALE.format(**{**values, **changes})


def on_411(n: int = 1, **changes: str) -> str:
    """The customer's line of entry ``n``."""
    customer = {"account": "411000", "name": "Clients", "aux": "C1", "auxname": "Boulangerie", "debit": "100,00"}
    return line(n, **{**customer, "credit": "0,00", **changes})


def good() -> list[str]:
    """A sale, and its payment lettered with it."""
    paid = {"account": "512000", "name": "Banques", "debit": "100,00", "credit": "0,00"}
    letters = {"let": "AA", "on": "20260102"}
    return [
        on_411(1, **letters),
        line(1),
        line(2, **paid).replace("VE\tVentes\tVE2", "BQ\tBanque\tBQ1"),
        on_411(2, debit="0,00", credit="100,00", **letters).replace("VE\tVentes\tVE2", "BQ\tBanque\tBQ1"),
    ]


def judged(lines: list[str], *, head: str = HEAD, name: str = NAME, encoding: str = "iso8859-15") -> Verdict:
    return check_fec(name, ("\r\n".join([head, *lines]) + "\r\n").encode(encoding))


def edit(place: int, old: str, new: str) -> Callable[[], Verdict]:
    """The good file with one thing changed in one line."""

    def change() -> Verdict:
        lines = good()
        assert old in lines[place]
        lines[place] = lines[place].replace(old, new, 1)
        return judged(lines)

    return change


def _closing_of_the_result() -> list[str]:
    return [*good(), line(2, account="120000", name="Résultat"), line(2, debit="100,00", credit="0,00")]


def _sides() -> str:
    return HEAD.replace("Debit\tCredit", "Montant\tSens")


PLANTED: dict[str, Callable[[], Verdict]] = {
    "file.name": lambda: judged(good(), name="export.txt"),
    "file.siren": lambda: judged(good(), name="732829321FEC20261231.txt"),
    "file.empty": lambda: judged([]),
    "file.encoding": lambda: judged([on_411(1, auxname="Café"), line(1)], encoding="utf-8"),
    "file.control_signs": edit(1, "Facture 1", "Facture\x07 1"),
    "file.separator": edit(1, "Facture 1", "Facture | 1"),
    "file.blank_line": lambda: judged([*good(), ""]),
    "header.fields": lambda: judged(good(), head=HEAD.replace("PieceRef", "Piece")),
    "line.width": edit(1, "Facture 1", "Facture\t1"),
    "field.missing": edit(1, "\tF1\t", "\t\t"),
    "field.date": edit(1, "20260101", "2026-01-01"),
    "field.amount": edit(1, "100,00", "1 00.00"),
    "field.side": lambda: judged([line(1, debit="100,00", credit="X")], head=_sides()),
    "account.number": edit(1, "706000", "VENTES"),
    "account.name": edit(3, "Clients", "Client"),
    "auxiliary.pair": edit(0, "Boulangerie", ""),
    "journal.name": edit(1, "Ventes", "Journal"),
    "amount.both_sides": edit(1, "0,00\t100,00", "10,00\t110,00"),
    "amount.none": lambda: judged([*good(), line(2, credit="0,00")]),
    "entry.balance": edit(1, "100,00", "99,99"),
    "entry.days": edit(1, "20260101\t706000", "20260102\t706000"),
    "entry.together": lambda: judged([good()[0], *good()[2:], good()[1]]),
    "entry.continuous": lambda: judged([*good(), on_411(5), line(5), on_411(7), line(7)]),
    "entry.result": lambda: judged(_closing_of_the_result()),
    "order.validation": lambda: judged([*good()[2:], on_411(1, valid="20260130"), line(1, valid="20260130")]),
    "date.year": lambda: judged(good(), name=f"{SIREN}FEC20251231.txt"),
    "date.validated_before": lambda: judged([on_411(1, valid="20251231"), line(1, valid="20251231")]),
    "letters.pair": edit(0, "20260102", ""),
    "letters.balance": edit(3, "AA\t20260102", "\t"),
    "letters.day": lambda: judged([each.replace("AA\t20260102", "AA\t20260101") for each in good()]),
    "currency.pair": lambda: judged([f"{good()[0][:-1]}\tUSD", *good()[1:]]),
    "currency.code": lambda: judged([f"{good()[0][:-1]}100,00\tEUR", *good()[1:]]),
    "file.balance": edit(1, "100,00", "99,99"),
}


def test_a_good_file_breaks_no_rule() -> None:
    verdict = judged(good())
    assert (verdict.accepted, verdict.counts, verdict.lines, verdict.entries) == (True, {}, 4, 2)
    assert (verdict.encoding, verdict.separator) == ("ASCII", "tabulation")


def test_every_rule_has_a_planted_fault_and_says_itself_in_two_languages() -> None:
    assert list(PLANTED) == list(RULES)
    assert all(rule.french and rule.english and rule.source for rule in RULES.values())
    assert len({rule.french for rule in RULES.values()}) == len(RULES)


@pytest.mark.parametrize("name", PLANTED)
def test_the_planted_fault_is_caught_by_its_rule(name: str) -> None:
    verdict = PLANTED[name]()
    assert verdict.counts[name] >= 1, verdict.counts
    assert name in {finding.rule.name for finding in verdict.findings}
    assert verdict.accepted == all(RULES[each].weight is Weight.DOUBTFUL for each in verdict.counts)


def test_amount_and_side_bars_and_one_sequence_for_all_journals_are_accepted_too() -> None:
    lines = [on_411(1, debit="100,00", credit="D"), line(1, debit="100,00", credit="C")]
    verdict = judged([each.replace("\t", "|") for each in lines], head=_sides().replace("\t", "|"))
    assert (verdict.accepted, verdict.counts, verdict.separator) == (True, {}, "barre verticale")
    across = [each.replace("BQ1", "VE2") for each in good()]
    assert judged([*across, on_411(3), line(3)]).counts == {}


def test_many_findings_of_one_rule_are_counted_and_only_the_first_told() -> None:
    verdict = judged([each for _ in range(30) for each in (on_411(1, name=""), line(1, name=""))])
    assert verdict.counts["field.missing"] == 60
    assert sum(finding.rule.name == "field.missing" for finding in verdict.findings) == MOST_TOLD


def test_what_we_write_has_18_fields_commas_and_no_separator_inside_a_field() -> None:
    written = FecLine(
        journal="VE",
        number=number_of("VE", 42),
        booked_on=date(2026, 3, 1),
        account="411000",
        account_name="Clients",
        auxiliary="C0001",
        auxiliary_name="Żaba\tet | Fils \u2013 Œuvre\n",
        piece="F2026-00042",
        piece_on=date(2026, 2, 28),
        label=label_of("invoice", "Żaba"),
        debit_minor=123456,
        credit_minor=0,
        letters="AA",
        lettered_on=date(2026, 3, 1),
        validated_on=date(2026, 3, 31),
        foreign_minor=-500,
        currency="JPY",
    )
    out = BytesIO()
    totals = write_fec(out, [written])
    heading, cells = out.getvalue().decode("iso8859-15").split("\r\n")[:2]
    assert heading == HEAD
    assert cells.split("\t")[7:14] == [
        "Zaba et Fils - Œuvre", "F2026-00042", "20260228", "Facture Zaba", "1234,56", "0,00", "AA",
    ]  # fmt: skip
    assert cells.split("\t")[16:] == ["-500", "JPY"]
    assert (totals.lines, totals.debit_minor, totals.replaced) == (1, 123456, 2)


def test_the_file_name_needs_a_siren_and_an_unknown_sign_becomes_a_question_mark() -> None:
    assert file_name(SIREN, date(2026, 12, 31)) == NAME
    with pytest.raises(ReceivablesError, match="SIREN"):
        file_name(None, date(2026, 12, 31))
    assert plain("漢 Ωmega é", "iso8859-15") == "? ?mega é"
    assert plain("漢 é", "utf-8") == "漢 é"
    assert label_of("payout", "payout") == "Versement du prestataire"
    assert label_of("unheard_of", "Autre fait") == "Autre fait"


def test_every_account_of_the_chart_has_a_name_and_an_unknown_one_is_refused() -> None:
    for name, number in accounts_on(date(2026, 11, 1)).items():
        assert account_name(number), name
    assert account_name("419800") == "Rabais, remises, ristournes à accorder et autres avoirs à établir"
    with pytest.raises(LawUnknownError, match="has no name"):
        account_name("999000")
