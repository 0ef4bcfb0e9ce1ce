"""Open items from a table: one row per invoice, credit note or payment without use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from stdnum.fr import siren

from portal.imports.cells import CellError, read_answer, read_cents, read_day, read_number
from portal.imports.columns import Field
from portal.imports.sheets import folded
from receivables.domain.accounting.opening import ItemKind, OpenItem, letter_count
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.domain.settlement.collected import VatRow

if TYPE_CHECKING:
    from datetime import date

    from portal.imports.columns import Columns
    from portal.imports.sheets import Row

PURPOSE = "opening"
FIELDS = (
    Field("code", "Code client", "Customer code", ("Compte auxiliaire", "CompAuxNum", "Compte client", "Code tiers")),
    Field("name", "Client", "Customer", ("Nom", "Raison sociale", "Nom du client", "Tiers"), required=True),
    Field("siren", "SIREN", "SIREN", ("SIREN client",)),
    Field("vat_id", "N° TVA", "VAT number", ("TVA intracommunautaire",)),
    Field("email", "E-mail", "Email", ("Courriel", "Mail")),
    Field("line1", "Adresse", "Address", ("Rue",)),
    Field("postcode", "Code postal", "Postcode", ("CP",)),
    Field("city", "Ville", "City", ()),
    Field("country", "Pays", "Country", ()),
    Field("consumer", "Particulier", "Consumer", ()),
    Field("kind", "Nature de pièce", "Kind", ("Type", "Type de pièce")),
    Field("number", "N° de facture", "Number", ("Numéro", "N° pièce", "Pièce", "N° facture", "Facture"), required=True),
    Field("issue_date", "Date", "Issue date", ("Date de facture", "Date pièce", "Date d'émission"), required=True),
    Field("due_date", "Échéance", "Due date", ("Date d'échéance",)),
    Field("total", "Total TTC", "Total", ("Montant TTC", "TTC", "Montant"), required=True),
    Field("open", "Reste dû", "Open", ("Solde", "Reste à payer", "Restant dû")),
    Field("paid", "Déjà réglé", "Paid", ("Réglé", "Encaissé")),
    Field("currency", "Devise", "Currency", ()),
    Field("vat_rate", "Taux de TVA", "VAT rate", ("TVA %", "Taux TVA")),
    Field("vat_amount", "Montant de TVA", "VAT amount", ("TVA", "Montant TVA")),
    Field("on_collection", "TVA à l'encaissement", "VAT on collection", ("Encaissements",)),
    Field("declared", "Déjà déclarée", "Already declared", ("Transmise à une plateforme", "Plateforme")),
    Field("letters", "Dernier lettrage", "Last letters", ("Lettrage",)),
)
KINDS = {
    **dict.fromkeys(("", "facture", "invoice", "fac", "f", "380"), ItemKind.INVOICE),
    **dict.fromkeys(("avoir", "creditnote", "av", "a", "381"), ItemKind.CREDIT_NOTE),
    **dict.fromkeys(("reglement", "paiement", "acompterecu", "payment", "r", "versement"), ItemKind.PAYMENT),
}
TYPES = {ItemKind.INVOICE: "380", ItemKind.CREDIT_NOTE: "381", ItemKind.PAYMENT: "380"}
RATES = tuple(map(Decimal, ("20", "10", "5.5", "2.1", "8.5", "0.9", "13", "1.05", "1.75")))
"""French rates (CGI 278 to 281 nonies, 294 to 297), of which one is recognised from an amount of VAT."""


FORMER_PLATFORM, PLATFORM_HERE = "former", "here"
"""Who sends the 212 of declared invoices: the platform that has the invoice, unless the supplier says otherwise."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What is said of all the items of a file that do not tell it themselves."""

    opened_on: date
    terms_days: int = 30
    on_collection: bool = False
    rate: Decimal | None = None
    """Rate of VAT of items that tell neither rate nor amount; ``None`` leaves their VAT unknown."""
    receipts_told_by: str = FORMER_PLATFORM
    """Who tells the State of what is collected on invoices that went through a platform before (status 212)."""
    history: bool = True
    """Whether the letters of a FEC are taken over too, and customers opened who owe nothing any more."""


def item_of(row: Row, columns: Columns, choices: Choices) -> OpenItem:
    """The open item of a row.

    Raises:
        CellError: with the column.
    """
    total = read_cents(columns.need(row, "total"), columns.name("total"))
    kind = _kind(columns.read(row, "kind"), columns)
    if total < 0 and kind is ItemKind.INVOICE:
        kind = ItemKind.CREDIT_NOTE  # many programs write credit notes as negative invoices
    issued_on = read_day(columns.need(row, "issue_date"), columns.name("issue_date"))
    due = columns.read(row, "due_date")
    told = columns.read(row, "on_collection")
    item = OpenItem(
        customer=_customer(row, columns),
        code=columns.read(row, "code") or None,
        kind=kind,
        reference=columns.need(row, "number"),
        issued_on=issued_on,
        due_on=read_day(due, columns.name("due_date")) if due else issued_on + timedelta(days=choices.terms_days),
        total_minor=abs(total),
        open_minor=_open(row, columns, abs(total)),
        currency=columns.read(row, "currency").upper() or "EUR",
        vat_on_collection=read_answer(told, columns.name("on_collection")) if told else choices.on_collection,
        declared=read_answer(columns.read(row, "declared"), columns.name("declared")),
        type_code=TYPES[kind],
        place=row.line,
    )
    found = with_vat(item, _tax(row, columns), _rate(row, columns), choices)
    if told and item.vat_on_collection and not found.is_vat_told:  # said of this very line: never lost silently
        return replace(found, vat_on_collection=True)
    return found


def letters_of(row: Row, columns: Columns, item: OpenItem) -> tuple[tuple[str, int], int]:
    """How many letter codes the row says its account gave in the year of opening."""
    return (item.code or item.customer.name, item.issued_on.year), letter_count(columns.read(row, "letters"))


def with_vat(item: OpenItem, tax: int | None, rate: Decimal | None, choices: Choices) -> OpenItem:
    """``item`` with its VAT table: as told, else by the rate chosen for all, else one row without a category."""
    if item.kind is ItemKind.PAYMENT:
        return replace(item, vat_on_collection=False)
    if tax is None and rate is None:
        rate = choices.rate
    if tax is None and rate is not None:
        tax = int((item.total_minor * rate / (100 + rate)).quantize(Decimal(1), ROUND_HALF_UP))
    if tax is None:
        return replace(item, vat_rows=(VatRow("", Decimal(0), item.total_minor, 0),), vat_on_collection=False)
    if rate is None:
        rate = rate_of(item.total_minor - tax, tax)
    if rate is None:  # several rates in one amount: how much stands at which rate cannot be told
        row = VatRow("", Decimal(0), item.total_minor - tax, tax)
    else:
        row = VatRow("S" if tax else "E", rate, item.total_minor - tax, tax)
    return replace(
        item,
        vat_rows=(row,),
        vat_on_collection=item.vat_on_collection and tax > 0,
        process="S1" if item.vat_on_collection else None,
    )


def rate_of(base_minor: int, tax_minor: int) -> Decimal | None:
    """The French rate that explains this VAT, to the cents of a long invoice; 0 without VAT, else ``None``."""
    if not tax_minor:
        return Decimal(0)
    near = [each for each in RATES if abs(base_minor * each / 100 - tax_minor) <= max(2, tax_minor // 2000)]
    return near[0] if near else None


def _kind(text: str, columns: Columns) -> ItemKind:
    kind = KINDS.get(folded(text))
    if kind is None:
        name = columns.name("kind")
        raise CellError(
            "cell.unknown_kind",
            f"{name}: {text!r} is none of facture, avoir, règlement.",
            f"{name} : « {text} » n'est ni facture, ni avoir, ni règlement.",
        )
    return kind


def _customer(row: Row, columns: Columns) -> CustomerFacts:
    consumer = read_answer(columns.read(row, "consumer"), columns.name("consumer"))
    country = columns.read(row, "country").upper()
    number = "".join(columns.read(row, "siren").split())
    if number and not siren.is_valid(number):
        raise CellError(
            "cell.bad_siren",
            f"{columns.name('siren')}: {number!r} is no SIREN (its key is wrong).",
            f"{columns.name('siren')} : « {number} » n'est pas un SIREN (clé fausse).",
        )
    party = {key: found for key in ("line1", "postcode", "city") if (found := columns.read(row, key))}
    return CustomerFacts(
        name=columns.need(row, "name"),
        kind=CustomerKind.CONSUMER if consumer else CustomerKind.BUSINESS,
        siren=number or None,
        vat_id="".join(columns.read(row, "vat_id").split()) or None,
        email=columns.read(row, "email") or None,
        party={**party, "country": "FR" if country in {"", "FRANCE"} else country},
    )


def _open(row: Row, columns: Columns, total: int) -> int:
    left, paid = columns.read(row, "open"), columns.read(row, "paid")
    if left:
        return abs(read_cents(left, columns.name("open")))
    return total - abs(read_cents(paid, columns.name("paid"))) if paid else total


def _tax(row: Row, columns: Columns) -> int | None:
    told = columns.read(row, "vat_amount")
    return abs(read_cents(told, columns.name("vat_amount"))) if told else None


def _rate(row: Row, columns: Columns) -> Decimal | None:
    told = columns.read(row, "vat_rate")
    return read_number(told, columns.name("vat_rate")) if told else None
