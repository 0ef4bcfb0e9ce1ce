"""Letters of the former books in a file, understood line by line: what a dry run shows and a job takes over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from portal.imports.cells import CellError, read_cents, read_day
from portal.imports.columns import Columns, Field, chosen, recalled
from portal.imports.sheets import folded, stream_table
from portal.opening.planning import is_fec
from receivables.domain.accounting.fec_former import former_of_fec
from receivables.domain.accounting.former_books import FormerKind, FormerLine, LetterGroup, can_be_kept, group_lines
from receivables.errors import ReceivablesError
from receivables.store.accounting.former_lines import customers_named
from receivables.store.accounting.openings import customers_by_alias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from portal.imports.sheets import Row, Table
    from receivables.store.work import Work

PURPOSE = "history"
MOST_LINES = 250_000
"""Lettered lines of one file: more is several files, one per year."""
FIELDS = (
    Field("code", "Code client", "Customer code", ("Compte auxiliaire", "CompAuxNum", "Compte client", "Code tiers")),
    Field("name", "Client", "Customer", ("Nom", "Raison sociale", "Nom du client", "Tiers"), required=True),
    Field("account", "Compte", "Account", ("CompteNum", "Compte général")),
    Field("piece", "N° de pièce", "Document", ("Pièce", "N° de facture", "Numéro", "PieceRef"), required=True),
    Field("date", "Date", "Day", ("Date de pièce", "Date d'écriture", "EcritureDate"), required=True),
    Field("due_date", "Échéance", "Due date", ("Date d'échéance",)),
    Field("label", "Libellé", "Wording", ("EcritureLib",)),
    Field("kind", "Nature de pièce", "Kind", ("Type", "Type de pièce", "Nature")),
    Field("debit", "Débit", "Debit", ("Debit",)),
    Field("credit", "Crédit", "Credit", ("Credit",)),
    Field("amount", "Montant", "Amount", ("Montant TTC", "Solde")),
    Field("currency", "Devise", "Currency", ()),
    Field("letters", "Lettrage", "Letters", ("Lettre", "EcritureLet", "Code lettrage"), required=True),
    Field("lettered", "Date de lettrage", "Lettered on", ("DateLet", "Lettré le")),
)
KINDS = {
    **dict.fromkeys(("facture", "invoice", "fac", "f", "380"), FormerKind.INVOICE),
    **dict.fromkeys(("avoir", "creditnote", "av", "a", "381"), FormerKind.CREDIT_NOTE),
    **dict.fromkeys(("reglement", "paiement", "payment", "r", "versement", "encaissement"), FormerKind.RECEIPT),
    **dict.fromkeys(("remboursement", "refund", "impaye", "rejet"), FormerKind.REFUND),
    **dict.fromkeys(("autre", "od", "other", "anouveau"), FormerKind.OTHER),
}
_DEFAULT_ACCOUNT = "411"


@dataclass(frozen=True, slots=True)
class HistoryChoices:
    """What is said of a whole file of letters: until which day, the term where no due day stands, new customers."""

    until: date
    terms_days: int = 30
    opens_customers: bool = True


@dataclass(slots=True)
class HistoryPlan:
    """A file of letters as it is understood; lines that cannot be read stand in ``faults`` and are left out."""

    source: str
    groups: list[LetterGroup]
    faults: list[tuple[str, ReceivablesError]]
    table: Table | None = None
    columns: Columns | None = None
    skipped: int = 0
    """Lines without letters, or after the day of the opening."""
    strangers: list[str] = field(default_factory=list)
    """Names of customers that nobody here has yet."""

    @property
    def lines(self) -> int:
        """How many lines there are to take."""
        return sum(len(group.lines) for group in self.groups)

    @property
    def uneven(self) -> list[LetterGroup]:
        """Letters that do not come to zero."""
        return [group for group in self.groups if group.gap_minor]

    @property
    def customers(self) -> int:
        """How many accounts the letters are of."""
        return len({group.code for group in self.groups})

    @property
    def is_ready(self) -> bool:
        """Whether there is anything to take."""
        return bool(self.groups) and not (self.columns and self.columns.missing)


def plan_history(
    work: Work, content: bytes, choices: HistoryChoices, choice: Mapping[str, str] | None = None
) -> HistoryPlan:
    """Read the settled letters of a FEC or a table until a day; changes nothing.

    Raises:
        ReceivablesError, UnsafeXmlError: it cannot be read at all, or has too many lines.
    """
    if is_fec(content):
        unread: list[int] = []
        groups = group_lines(_bounded(former_of_fec(content, choices.until, choices.terms_days, unread)))
        plan = HistoryPlan("fec", groups, [(f"n° {place}", _unread()) for place in unread])
    else:
        plan = _of_table(work, content, choices, choice)
    plan.strangers = _strangers(work, plan.groups)
    return plan


def _unread() -> ReceivablesError:
    return ReceivablesError(
        "history.unread",
        "The day, the amount in cents or the currency cannot be read, or a word of the line is far too long.",
        "La date, le montant en centimes ou la devise ne se lit pas, ou un mot de la ligne est bien trop long.",
    )


def _bounded(lines: Iterator[FormerLine]) -> Iterator[FormerLine]:
    for count, line in enumerate(lines, 1):
        if count > MOST_LINES:
            raise ReceivablesError(
                "history.too_many",
                f"The file has more than {MOST_LINES} lettered lines. Bring one file per year.",
                f"Le fichier a plus de {MOST_LINES} lignes lettrées. Apportez un fichier par exercice.",
            )
        yield line


def _of_table(work: Work, content: bytes, choices: HistoryChoices, choice: Mapping[str, str] | None) -> HistoryPlan:
    table, rows = stream_table(content)
    columns = chosen(FIELDS, table, choice) if choice is not None else recalled(work, PURPOSE, FIELDS, table)
    plan = HistoryPlan("table", [], [], table, columns)
    if columns.missing:
        return plan
    plan.groups = group_lines(_bounded(_lines(plan, rows, columns, choices)))
    return plan


def _lines(plan: HistoryPlan, rows: Iterator[Row], columns: Columns, choices: HistoryChoices) -> Iterator[FormerLine]:
    for row in rows:
        if not columns.read(row, "letters"):
            plan.skipped += 1
            continue
        try:
            line = line_of(row, columns, choices)
        except ReceivablesError as error:
            plan.faults.append((f"n° {row.line}", error))
            continue
        if line.day > choices.until:
            plan.skipped += 1
        elif can_be_kept(line):
            yield line
        else:
            plan.faults.append((f"n° {row.line}", _unread()))


def line_of(row: Row, columns: Columns, choices: HistoryChoices) -> FormerLine:
    """The line of a row: without a kind, a debit is an invoice and a credit is money.

    Raises:
        CellError: with the column.
    """
    told = columns.read(row, "kind")
    signed = _signed(row, columns, KINDS.get(folded(told)))
    kind = KINDS.get(folded(told)) or (FormerKind.INVOICE if signed > 0 else FormerKind.RECEIPT)
    if told and folded(told) not in KINDS:
        kind = FormerKind.OTHER
    day = read_day(columns.need(row, "date"), columns.name("date"))
    due, lettered = columns.read(row, "due_date"), columns.read(row, "lettered")
    supposed = min(day, choices.until) + timedelta(days=choices.terms_days) if kind is FormerKind.INVOICE else None
    name = columns.need(row, "name")
    return FormerLine(
        place=row.line,
        code=columns.read(row, "code") or name,
        name=name,
        account=columns.read(row, "account") or _DEFAULT_ACCOUNT,
        day=day,
        due_on=read_day(due, columns.name("due_date")) if due else supposed,
        due_told=bool(due),
        kind=kind,
        piece=columns.need(row, "piece"),
        label=columns.read(row, "label"),
        debit_minor=max(signed, 0),
        credit_minor=max(-signed, 0),
        currency=columns.read(row, "currency").upper() or "EUR",
        letters=columns.need(row, "letters"),
        lettered_on=read_day(lettered, columns.name("lettered")) if lettered else None,
    )


def _signed(row: Row, columns: Columns, kind: FormerKind | None) -> int:
    """Debit less credit; of one amount without a side, a credit note's and a payment's is a credit."""
    debit, credit = columns.read(row, "debit"), columns.read(row, "credit")
    signed = (read_cents(debit, columns.name("debit")) if debit else 0) - (
        read_cents(credit, columns.name("credit")) if credit else 0
    )
    if not (debit or credit):
        signed = read_cents(columns.need(row, "amount"), columns.name("amount"))
        if kind in {FormerKind.CREDIT_NOTE, FormerKind.RECEIPT}:
            signed = -abs(signed)
    if not signed:
        raise CellError(
            "history.no_amount",
            "The line has neither a debit nor a credit.",
            "La ligne n'a ni débit ni crédit.",
        )
    return signed


def _strangers(work: Work, groups: list[LetterGroup]) -> list[str]:
    names = {group.code: group.name for group in groups}
    known = customers_by_alias(work, list(names))
    left = {code: name for code, name in names.items() if code not in known}
    named = customers_named(work, list(left.values()))
    return sorted(name for name in left.values() if name.lower() not in named)
