"""Does a statement add up: opening balance + lines = closing balance; where not, the gap is named, never hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from payments.statements.line import Remark
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from payments.statements.line import Statement, StatementLine

MOST_REMARKS = 500
"""Remarks kept of one account's statements: nobody reads more, and a statement's row holds them."""


def checked(statement: Statement) -> Statement:
    """``statement`` with a remark where it does not add up, and without lines of nothing, which move no money."""
    moving = tuple(line for line in statement.lines if line.amount_minor)
    nothing = len(statement.lines) - len(moving)
    if not nothing:
        return _with_gap(statement)
    remark = Remark(
        "statement.zero_lines",
        f"{nothing} line(s) of 0.00 are information only and were left out.",
        f"{nothing} ligne(s) à 0,00, pour information seulement, ont été laissées de côté.",
    )
    return _with_gap(replace(statement, lines=moving, remarks=(*statement.remarks, remark)))


def by_account(statements: Iterable[Statement]) -> list[Statement]:
    """One statement for each account and currency of a file: a file of a month has one for each day.

    Where a day does not begin with the balance that the day before ended with, a remark says so.
    """
    whole: dict[tuple[str, str], list[Statement]] = {}
    for each in statements:
        whole.setdefault((each.account, each.currency), []).append(each)
    return [_joined(each) if len(each) > 1 else each[0] for each in whole.values()]


def _joined(parts: Sequence[Statement]) -> Statement:
    """Statements of one account that follow each other as one; their movements are numbered through."""
    lines: list[StatementLine] = []
    remarks: list[Remark] = []
    last = 0
    for before, each in zip((None, *parts), parts, strict=False):
        lines += (replace(line, entry=line.entry + last) for line in each.lines)
        last += max((line.entry for line in each.lines), default=0)
        remarks += each.remarks
        if before is not None and None not in (before.closing_minor, each.opening_minor):
            remarks += _break_between(before.closing_minor or 0, each.opening_minor or 0, each.currency)
    return replace(
        parts[0],
        lines=tuple(lines),
        from_on=min((day for each in parts for day in (each.from_on,) if day), default=None),
        to_on=max((day for each in parts for day in (each.to_on,) if day), default=None),
        closing_minor=parts[-1].closing_minor,
        remarks=tuple(remarks[:MOST_REMARKS]),
    )


def _break_between(closing_minor: int, opening_minor: int, currency: str) -> tuple[Remark, ...]:
    if closing_minor == opening_minor:
        return ()
    told = [Money(each, currency) for each in (closing_minor, opening_minor)]
    return (
        Remark(
            "statement.days_do_not_follow",
            "A statement of the file ends with {} and the next one begins with {}: one in between is missing.".format(
                *told
            ),
            "Un relevé du fichier finit à {} et le suivant commence à {} : il en manque un entre les deux.".format(
                *told
            ),
        ),
    )


def _with_gap(statement: Statement) -> Statement:
    opening, closing = statement.opening_minor, statement.closing_minor
    if opening is None or closing is None or statement.is_notice:
        return statement
    gap = closing - opening - statement.total_minor
    if not gap:
        return statement
    amounts = [Money(each, statement.currency) for each in (opening, statement.total_minor, closing, gap)]
    remark = Remark(
        "statement.gap",
        "Opening balance {} plus lines {} is not the closing balance {}: {} missing. Lines may be lacking; ask the "
        "bank for the whole statement.".format(*amounts),
        "Le solde d'ouverture {} plus les lignes {} ne donne pas le solde de clôture {} : écart de {}. Il manque "
        "peut-être des lignes ; demandez à la banque le relevé entier.".format(*amounts),
    )
    return replace(statement, remarks=(*statement.remarks, remark))
