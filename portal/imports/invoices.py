"""A table of invoices: one row per line of an invoice, joined by the supplier's own reference, as our JSON.

Only what a column says goes into the request: everything else is derived as for any invoice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from portal.imports.cells import CellError, missing, read_answer, read_day, read_number
from portal.imports.columns import Field
from portal.imports.sheets import folded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from portal.imports.columns import Columns
    from portal.imports.sheets import Row, Table

PURPOSE = "invoices"
FIELDS = (
    Field(
        "reference", "Référence", "Reference", ("N° pièce", "Numéro", "N° facture", "Number", "Pièce"), required=True
    ),
    Field(
        "buyer_name", "Client", "Customer", ("Nom", "Nom du client", "Raison sociale", "Name", "Buyer"), required=True
    ),
    Field("buyer_siren", "SIREN", "SIREN", ("SIREN client", "SIREN du client")),
    Field("buyer_siret", "SIRET", "SIRET", ("SIRET client",)),
    Field("buyer_vat_id", "N° TVA", "VAT number", ("TVA intracommunautaire", "Numéro de TVA", "N° TVA client")),
    Field("buyer_line1", "Adresse", "Address", ("Rue", "Street", "Adresse 1")),
    Field("buyer_postcode", "Code postal", "Postcode", ("CP", "Zip")),
    Field("buyer_city", "Ville", "City", ("Commune", "Localité", "Town")),
    Field("buyer_country", "Pays", "Country", ("Code pays",)),
    Field("buyer_email", "E-mail", "Email", ("Courriel", "Adresse e-mail", "Mail")),
    Field("consumer", "Particulier", "Consumer", ()),
    Field("type", "Nature de pièce", "Kind", ("Type", "Type de pièce")),
    Field("issue_date", "Date", "Issue date", ("Date de facture", "Date d'émission", "Date pièce")),
    Field("due_date", "Échéance", "Due date", ("Date d'échéance",)),
    Field("currency", "Devise", "Currency", ()),
    Field("buyer_reference", "Référence de l'acheteur", "Buyer reference", ("Service", "Code service")),
    Field("purchase_order", "N° de commande", "Purchase order", ("Commande", "Bon de commande", "Engagement")),
    Field("preceding", "Facture d'origine", "Preceding invoice", ("Facture créditée",)),
    Field("preceding_date", "Date de la facture d'origine", "Preceding invoice date", ()),
    Field("name", "Désignation", "Item", ("Article", "Libellé", "Produit", "Designation", "Line"), required=True),
    Field("description", "Description", "Description", ("Détail",)),
    Field("quantity", "Quantité", "Quantity", ("Qté", "Qte", "Qty")),
    Field("unit", "Unité", "Unit", ("Code unité",)),
    Field(
        "net_price", "Prix unitaire HT", "Net price", ("PU HT", "Prix HT", "Prix unitaire", "Montant HT"), required=True
    ),
    Field("vat_rate", "Taux de TVA", "VAT rate", ("TVA", "TVA %", "Taux TVA", "VAT"), required=True),
    Field("vat_category", "Catégorie de TVA", "VAT category", ()),
    Field("vat_exemption", "Code VATEX", "VATEX code", ("Motif d'exonération",)),
    Field("nature", "Biens ou services", "Goods or services", ("Nature",)),
    Field("prepaid_amount", "Déjà payé", "Prepaid", ("Acompte versé", "Montant déjà payé")),
    Field("note", "Note", "Note", ("Commentaire", "Remarque")),
)
KINDS = {
    **dict.fromkeys(("", "facture", "invoice", "fac", "f", "380"), "380"),
    **dict.fromkeys(("avoir", "creditnote", "credit", "av", "a", "381"), "381"),
    **dict.fromkeys(("acompte", "facturedacompte", "deposit", "d", "386"), "386"),
    **dict.fromkeys(("rectificative", "facturerectificative", "correction", "384"), "384"),
}
NATURES = {
    **dict.fromkeys(("biens", "bien", "goods", "marchandises", "livraison"), "goods"),
    **dict.fromkeys(("services", "service", "prestation", "prestations"), "services"),
}
HEAD = tuple(each.key for each in FIELDS if each.key not in {"name", "description", "quantity", "unit", "net_price"})
DAYS = ("issue_date", "due_date", "preceding_date")
_OF_LINE = frozenset({"vat_rate", "vat_category", "nature", "vat_exemption"})


@dataclass(frozen=True, slots=True)
class Piece:
    """An invoice of the table: its reference, its rows, and our JSON, or why there is none."""

    reference: str
    rows: tuple[Row, ...]
    request: bytes | None
    fault: CellError | None = None
    names_another: bool = False
    """Whether it names an earlier invoice, which may stand below it in the file: that one is issued first."""


def pieces_of(table: Table, columns: Columns) -> list[Piece]:
    """The invoices of a table in the order in which they first appear; rows of one need not stand together."""
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        groups.setdefault(columns.read(row, "reference"), []).append(row)
    return [_piece(reference, tuple(rows), columns) for reference, rows in groups.items()]


def _piece(reference: str, rows: tuple[Row, ...], columns: Columns) -> Piece:
    try:
        if not reference:
            raise missing(columns.name("reference"))
        given = _request(rows, columns)
    except CellError as error:
        return Piece(reference, rows, None, error)
    content = json.dumps(given, ensure_ascii=False, sort_keys=True).encode()
    return Piece(reference, rows, content, names_another="preceding_invoices" in given)


def _request(rows: tuple[Row, ...], columns: Columns) -> dict[str, Any]:
    head = {key: _one(rows, columns, key) for key in HEAD if key not in _OF_LINE}
    given: dict[str, Any] = {
        "buyer": _buyer(head, columns),
        "lines": [_line(row, columns) for row in rows],
        "type_code": _kind(head["type"], columns),
    }
    for key in ("currency", "buyer_reference", "purchase_order"):
        given[key] = head[key]
    for key in ("issue_date", "due_date"):
        given[key] = read_day(head[key], columns.name(key)).isoformat() if head[key] else None
    if head["prepaid_amount"]:
        given["prepaid_amount"] = _number(head["prepaid_amount"], columns, "prepaid_amount")
    if head["note"]:
        given["notes"] = [{"text": head["note"]}]
    if head["preceding"]:
        given["preceding_invoices"] = [_preceding(head, columns)]
    given["vat_exemptions"] = _exemptions(rows, columns)
    _turn_credit(given)
    return {key: value for key, value in given.items() if value}


def _turn_credit(given: dict[str, Any]) -> None:
    """A credit note written below zero, or as an invoice below zero, as many programs do: a 381 of positive amounts."""
    total = sum(Decimal(line["quantity"]) * Decimal(line["net_price"]) for line in given["lines"])
    if total >= 0 or given["type_code"] not in {"380", "381"}:
        return
    given["type_code"] = "381"
    for line in given["lines"]:
        line["quantity"] = format(-Decimal(line["quantity"]), "f")


def _one(rows: Iterable[Row], columns: Columns, key: str) -> str:
    """What the rows of an invoice say of the whole of it: in the first or in all, and never two things.

    Raises:
        CellError: ``cell.differs``.
    """
    said = list(dict.fromkeys(found for row in rows if (found := columns.read(row, key))))
    if len(said) > 1:
        name = columns.name(key)
        raise CellError(
            "cell.differs",
            f"{name}: the rows of this invoice say {said[0]!r} and {said[1]!r}.",
            f"{name} : les lignes de cette facture disent « {said[0]} » et « {said[1]} ».",
        )
    return said[0] if said else ""


def _buyer(head: dict[str, str], columns: Columns) -> dict[str, Any]:
    address = {key: head[f"buyer_{key}"] for key in ("line1", "postcode", "city")}
    buyer: dict[str, Any] = {
        "name": head["buyer_name"],
        "siren": _digits(head["buyer_siren"]),
        "siret": _digits(head["buyer_siret"]),
        "vat_id": head["buyer_vat_id"].replace(" ", ""),
        "address": {**{key: value for key, value in address.items() if value}, "country": _country(head)},
        "contact": {"email": head["buyer_email"]} if head["buyer_email"] else None,
        "consumer": read_answer(head["consumer"], columns.name("consumer")),
    }
    if not buyer["name"]:
        raise missing(columns.name("buyer_name"))
    return {key: value for key, value in buyer.items() if value}


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum())


def _country(head: dict[str, str]) -> str:
    country = head["buyer_country"].strip().upper()
    return "FR" if country in {"", "FRANCE"} else country


def _kind(text: str, columns: Columns) -> str:
    kind = KINDS.get(folded(text))
    if kind is None:
        name = columns.name("type")
        raise CellError(
            "cell.unknown_kind",
            f"{name}: {text!r} is none of facture, avoir, acompte, rectificative.",
            f"{name} : « {text} » n'est ni facture, ni avoir, ni acompte, ni rectificative.",
        )
    return kind


def _preceding(head: dict[str, str], columns: Columns) -> dict[str, str]:
    if not head["preceding_date"]:
        return {"number": head["preceding"]}
    day = read_day(head["preceding_date"], columns.name("preceding_date"))
    return {"number": head["preceding"], "issue_date": day.isoformat()}


def _line(row: Row, columns: Columns) -> dict[str, Any]:
    quantity = columns.read(row, "quantity")
    rate = columns.read(row, "vat_rate")
    category = columns.read(row, "vat_category").upper() or "S"
    line: dict[str, Any] = {
        "name": columns.need(row, "name"),
        "description": columns.read(row, "description"),
        "quantity": _number(quantity, columns, "quantity") if quantity else "1",
        "unit": columns.read(row, "unit").upper(),
        "net_price": _number(columns.need(row, "net_price"), columns, "net_price"),
        "vat_category": category,
    }
    if rate and category == "S":
        line["vat_rate"] = _number(rate, columns, "vat_rate")
    nature = columns.read(row, "nature")
    if nature:
        line["nature"] = _nature(nature, columns)
    return {key: value for key, value in line.items() if value}


def _number(text: str, columns: Columns, key: str) -> str:
    """An exact number in one spelling, so that 50,10 and 50.1 are the same request."""
    value = read_number(text, columns.name(key))
    return format(value.normalize(), "f") if value else "0"


def _nature(text: str, columns: Columns) -> str:
    nature = NATURES.get(folded(text))
    if nature is None:
        name = columns.name("nature")
        raise CellError(
            "cell.unknown_nature",
            f"{name}: {text!r} is neither goods nor services.",
            f"{name} : « {text} » n'est ni biens ni services.",
        )
    return nature


def _exemptions(rows: Iterable[Row], columns: Columns) -> list[dict[str, str]]:
    """One exemption per category that names one."""
    found = {
        columns.read(row, "vat_category").upper(): code.upper()
        for row in rows
        if (code := columns.read(row, "vat_exemption")) and columns.read(row, "vat_category")
    }
    return [{"vat_category": category, "code": code} for category, code in found.items()]
