"""What a file of open items would book: read, checked and added up, before anything is booked."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from portal.imports.columns import chosen, recalled
from portal.imports.sheets import read_table
from portal.opening.documents import document_of
from portal.opening.items import FIELDS, PLATFORM_HERE, PURPOSE, TYPES, Choices, item_of, letters_of, with_vat
from receivables.domain.accounting.fec_opening import open_of_fec
from receivables.domain.accounting.fec_reading import NAMES, open_fec
from receivables.domain.accounting.opening import ItemKind, NewOpening, OpenItem, Sums, sums_of
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.errors import ReceivablesError
from receivables.services.accounting.taking_over import check_opening

if TYPE_CHECKING:
    from collections.abc import Mapping

    from einvoice.composing.seller import SellerProfile
    from portal.imports.columns import Columns
    from portal.imports.kept import BroughtFile
    from portal.imports.sheets import Table
    from receivables.domain.accounting.fec_opening import OpenLine
    from receivables.store.work import Work

TABLE, FEC = "table", "fec"
_HEADING_NAMES = 12
"""Field names of the law in a heading that make the file a FEC."""


@dataclass(slots=True)
class OpeningPlan:
    """A file as it is understood, what it would book, and everything that keeps it from being booked."""

    opening: NewOpening
    faults: list[tuple[str, ReceivablesError]]
    table: Table | None = None
    columns: Columns | None = None
    settled_groups: int = 0
    sums: list[Sums] = field(default_factory=list)
    customers: int = 0
    unknown_vat: int = 0
    through_platform: int = 0
    """Invoices of businesses that went by another platform: who tells their receipts was chosen."""
    waiting: int = 0
    """Items whose VAT waits for the money: it falls due when that comes."""

    @property
    def is_ready(self) -> bool:
        """Whether it may be booked."""
        return not self.faults and bool(self.opening.items) and not (self.columns and self.columns.missing)


def is_fec(content: bytes) -> bool:
    """Whether the heading is that of a FEC (LPF art. A47 A-1)."""
    heading = content[:2000].split(b"\n", 1)[0].decode("latin-1").lower()
    return sum(name.lower() in heading for name in NAMES) >= _HEADING_NAMES


def plan_opening(
    work: Work,
    file: BroughtFile,
    choices: Choices,
    *,
    profile: SellerProfile | None,
    actor: str,
    stated_minor: Mapping[str, int] | None = None,
    choice: Mapping[str, str] | None = None,
) -> OpeningPlan:
    """Read a file of open items, with what a person said of it; changes nothing.

    Raises:
        ReceivablesError, UnsafeXmlError: it cannot be read at all.
    """
    if is_fec(file.content):
        plan = _of_fec(file, choices, stated_minor, actor)
    else:
        plan = _of_table(work, file, choices, stated_minor, actor, choice)
    items = [replace(each, document=document_of(each, profile)) for each in plan.opening.items]
    plan.opening = replace(plan.opening, items=items)
    plan.sums = sums_of(items)
    plan.customers = len({each.code or each.customer.name for each in items})
    plan.unknown_vat = sum(not each.is_vat_told for each in items)
    plan.through_platform = sum(each.declared and each.customer.kind is CustomerKind.BUSINESS for each in items)
    plan.waiting = sum(each.waiting_vat_minor > 0 for each in items)
    if choices.receipts_told_by == PLATFORM_HERE:
        plan.faults += _untellable(items, profile)
    plan.faults += [(each.reference if each else "", error) for each, error in check_opening(work, plan.opening)]
    return plan


def _untellable(items: list[OpenItem], profile: SellerProfile | None) -> list[tuple[str, ReceivablesError]]:
    """What keeps receipts from being told from here: the message names both companies by their SIREN."""
    told = [each for each in items if each.declared and each.customer.kind is CustomerKind.BUSINESS]
    faults = [(each.reference, _no_siren(each)) for each in told if not each.customer.siren]
    return [("", _no_company()), *faults] if told and profile is None else list(faults)


def _no_siren(item: OpenItem) -> ReceivablesError:
    return ReceivablesError(
        "opening.no_siren",
        f"{item.reference}: its receipts can be told from here only with the SIREN of {item.customer.name}.",
        f"{item.reference} : pour déclarer ses encaissements d'ici, il faut le SIREN de {item.customer.name}.",
    )


def _no_company() -> ReceivablesError:
    return ReceivablesError(
        "opening.no_company",
        "Receipts can be told from here once your company is described: fill in its page first.",
        "Pour déclarer les encaissements d'ici, votre société doit être décrite : complétez d'abord sa fiche.",
    )


def _opening(source: str, file: BroughtFile, choices: Choices, actor: str, **told: Any) -> NewOpening:
    return NewOpening(
        opened_on=choices.opened_on,
        source=source,
        filename=file.filename,
        file_sha256=hashlib.sha256(file.content).hexdigest(),
        options={
            "terms_days": choices.terms_days,
            "on_collection": choices.on_collection,
            "rate": str(choices.rate) if choices.rate is not None else None,
            "receipts_told_by": choices.receipts_told_by,
        },
        actor=actor,
        **told,
    )


def _of_table(  # noqa: PLR0917 -- called in one place, with what that was given
    work: Work,
    file: BroughtFile,
    choices: Choices,
    stated: Mapping[str, int] | None,
    actor: str,
    choice: Mapping[str, str] | None,
) -> OpeningPlan:
    table = read_table(file.content)
    columns = chosen(FIELDS, table, choice) if choice is not None else recalled(work, PURPOSE, FIELDS, table)
    items: list[OpenItem] = []
    faults: list[tuple[str, ReceivablesError]] = []
    letters: dict[tuple[str, int], int] = {}
    for row in table.rows if not columns.missing else ():
        try:
            item = item_of(row, columns, choices)
        except ReceivablesError as error:
            faults.append((f"n° {row.line}", error))
            continue
        items.append(item)
        key, count = letters_of(row, columns, item)
        letters[key] = max(letters.get(key, 0), count)
    opening = _opening(TABLE, file, choices, actor, items=items, stated_minor=dict(stated or {}), letters=letters)
    return OpeningPlan(opening, faults, table, columns)


def _of_fec(file: BroughtFile, choices: Choices, stated: Mapping[str, int] | None, actor: str) -> OpeningPlan:
    found = open_of_fec(open_fec(file.filename, file.content), choices.opened_on)
    items = _with_own_references([_item(each, choices) for each in found.lines])
    balance = {"EUR": found.balance_minor, **(stated or {})}
    opening = _opening(FEC, file, choices, actor, items=items, stated_minor=balance, letters=found.letters)
    return OpeningPlan(opening, [], settled_groups=found.settled_groups)


def _with_own_references(items: list[OpenItem]) -> list[OpenItem]:
    """Items whose reference is their own: à-nouveaux often bear one piece (``AN``) for all accounts."""
    told = Counter((each.reference, each.issued_on.year) for each in items if each.kind is not ItemKind.PAYMENT)
    found = []
    for item in items:
        if item.kind is ItemKind.PAYMENT or told[item.reference, item.issued_on.year] == 1:
            found.append(item)
            continue
        sense = "-AV" if item.kind is ItemKind.CREDIT_NOTE else ""
        found.append(replace(item, reference=f"{item.reference}-{item.code}{sense}"))
    return found


def _item(line: OpenLine, choices: Choices) -> OpenItem:
    kind = ItemKind.INVOICE
    if not line.is_debit:
        kind = ItemKind.CREDIT_NOTE if line.is_sale or "avoir" in line.label.lower() else ItemKind.PAYMENT
    item = OpenItem(
        customer=CustomerFacts(line.name, CustomerKind.BUSINESS, party={"country": "FR"}),
        code=line.code,
        kind=kind,
        reference=line.piece,
        issued_on=line.piece_on,
        due_on=line.piece_on + timedelta(days=choices.terms_days),
        total_minor=line.total_minor,
        open_minor=line.open_minor,
        vat_on_collection=line.vat_waits if line.tax_minor is not None else choices.on_collection,
        type_code=TYPES[kind],
        place=line.line,
    )
    return with_vat(item, line.tax_minor, None, choices)
