"""A list of cheques, bills or cash from a file (CSV): each row is written down by itself, or says why it was not.

Columns, in any order, by name: ``type`` (cheque, effet, especes, virement), ``client`` (account code, SIREN or exact
name), ``montant``, ``date``, ``reference``; and where there are any ``factures`` (numbers, with spaces between),
``tireur``, ``echeance``, ``devise``, ``compte``. English names are read too.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.banking.by_hand import HandReceipt, get_receipt_by_ref, record_by_hand, reference_key
from payments.errors import PaymentError
from payments.statements.errors import StatementError
from payments.statements.fields import currency_of, day_of, decoded, minor_of
from receivables.errors import ReceivablesError
from receivables.services.settlement.paying import spread

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work, Works

MAX_ROWS = 2_000
"""Rows of one file."""
_NAMES = {
    "type": "kind",
    "kind": "kind",
    "client": "customer",
    "customer": "customer",
    "montant": "amount",
    "amount": "amount",
    "date": "on",
    "reference": "reference",
    "numero": "reference",
    "factures": "invoices",
    "facture": "invoices",
    "invoices": "invoices",
    "tireur": "drawer",
    "drawer": "drawer",
    "echeance": "due",
    "due": "due",
    "devise": "currency",
    "currency": "currency",
    "compte": "account",
    "account": "account",
}
_WANTED = ("type", "client", "montant", "date", "reference")
_KINDS = {
    "cheque": "cheque",
    "effet": "bill",
    "lcr": "bill",
    "bor": "bill",
    "traite": "bill",
    "bill": "bill",
    "especes": "cash",
    "cash": "cash",
    "virement": "transfer",
    "transfer": "transfer",
}
_DAYS = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})", re.ASCII),
    re.compile(r"(?P<d>\d{2})[/.](?P<m>\d{2})[/.](?P<y>\d{4}|\d{2})", re.ASCII),
)


@dataclass(frozen=True, slots=True)
class RowResult:
    """What came of a row: ``recorded``, ``known`` or ``refused`` with a sentence."""

    number: int
    state: str
    sentence: str = ""
    sentence_fr: str = ""
    receipt_id: UUID | None = None


def record_list(works: Works, supplier_id: UUID, content: bytes, actor: str) -> list[RowResult]:
    """Write down the rows of a list, each in a transaction of its own: one that is wrong stops no other.

    Raises:
        PaymentError: ``list.not_readable``, ``list.columns``, ``list.too_long``: nothing was written down.
    """
    results = []
    for number, row in _rows(content):

        def once(work: Work, number: int = number, row: Mapping[str, str] = row) -> RowResult:
            return _record(work, number, row, actor)

        try:
            results.append(works.run(supplier_id, once))
        except PaymentError as error:
            results.append(RowResult(number, "refused", str(error), error.sentence_fr))
        except ReceivablesError as error:
            results.append(RowResult(number, "refused", str(error), str(error)))
    return results


def _rows(content: bytes) -> list[tuple[int, dict[str, str]]]:
    text = decoded(content)
    head = text.partition("\n")[0]
    separator = max(";,\t", key=head.count)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise PaymentError(
            "list.not_readable",
            f"The file is no CSV table ({error}). Export it again.",
            f"Le fichier n'est pas un tableau CSV ({error}). Exportez-le à nouveau.",
        ) from error
    names = [_NAMES.get(_plain(cell), "") for cell in table[0]] if table else []
    missing = [french for french in _WANTED if _NAMES[french] not in names]
    if missing:
        told = ", ".join(missing)
        raise PaymentError(
            "list.columns",
            f"The first row must name the columns; missing: {told}.",
            f"La première ligne doit nommer les colonnes ; il manque : {told}.",
        )
    if len(table) - 1 > MAX_ROWS:
        raise PaymentError(
            "list.too_long",
            f"The list has more than {MAX_ROWS} rows: cut it.",
            f"La liste a plus de {MAX_ROWS} lignes : coupez-la.",
        )
    rows = [(number, dict(zip(names, row, strict=False))) for number, row in enumerate(table[1:], 2)]
    return [(number, row) for number, row in rows if any(cell.strip() for cell in row.values())]


def _record(work: Work, number: int, row: Mapping[str, str], actor: str) -> RowResult:
    place = f"l. {number}"
    kind = _KINDS.get(_plain(row.get("kind", "")))
    if kind is None:
        raise StatementError("list.kind", "The type is unknown.", "Le type est inconnu.", place)
    currency = currency_of(row.get("currency") or "EUR", place)
    amount_minor = minor_of(row.get("amount", ""), currency, place)
    received_on = _day(row.get("on", ""), place)
    customer_id = _customer(work, row.get("customer", ""), place)
    aims = _aims(work, customer_id, (row.get("invoices", ""), amount_minor, currency), received_on, place)
    receipt = HandReceipt(
        kind=kind,
        customer_id=customer_id,
        amount_minor=amount_minor,
        currency=currency,
        received_on=received_on,
        reference=row.get("reference", ""),
        aims=aims,
        drawer=row.get("drawer", ""),
        due_on=_day(row["due"], place) if row.get("due", "").strip() else None,
        account="".join(row.get("account", "").split()),
        chosen_by="payer" if row.get("invoices", "").strip() else "law",
    )
    known = get_receipt_by_ref(work, reference_key(receipt))
    if known:
        return RowResult(number, "known", receipt_id=known.receipt_id)
    return RowResult(number, "recorded", receipt_id=record_by_hand(work, receipt, actor).receipt_id)


def _aims(work: Work, customer_id: UUID, told: tuple[str, int, str], received_on: date, place: str) -> dict[UUID, int]:
    """What a row pays: the invoices that it names, in their order; where it names none, the oldest due first."""
    named, amount_minor, currency = told
    numbers = named.split()
    if not numbers:
        return spread(work, customer_id, amount_minor, currency, received_on)
    rows = work.rows(
        "SELECT invoice.invoice_id, invoice.number, item.open_minor FROM invoices AS invoice JOIN receivable_items AS "
        "item USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND invoice.customer_id = :customer "
        "AND item.kind = 'invoice' AND invoice.number = ANY(:numbers) ORDER BY item.due_on, invoice.number",
        customer=customer_id,
        numbers=numbers,
    )
    missing = sorted(set(numbers) - {row["number"] for row in rows})
    if missing:
        raise StatementError(
            "list.invoice",
            f"The customer has no invoice {', '.join(missing)}.",
            f"Le client n'a pas de facture {', '.join(missing)}.",
            place,
        )
    aims: dict[UUID, int] = {}
    for row in rows:
        part = min(row["open_minor"], amount_minor)
        if part > 0:
            aims[row["invoice_id"]] = part
            amount_minor -= part
    return aims


def _customer(work: Work, told: str, place: str) -> UUID:
    """The customer of an account code, a SIREN or an exact name; never a guess."""
    rows = work.rows(
        "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND (account_code = :told OR siren = :digits "
        "OR lower(name) = lower(:told)) LIMIT 2",
        told=told.strip(),
        digits="".join(told.split()),
    )
    if len(rows) != 1:
        raise StatementError(
            "list.customer",
            f"{told[:60]!r} is {'several customers' if rows else 'no customer'}: give the account code or the SIREN.",
            f"{told[:60]!r} désigne {'plusieurs clients' if rows else 'aucun client'} : donnez le code du compte ou "
            "le SIREN.",
            place,
        )
    found: UUID = rows[0]["customer_id"]
    return found


def _day(told: str, place: str) -> date:
    for shape in _DAYS:
        if parts := shape.fullmatch(told.strip()):
            return day_of(parts["y"], parts["m"], parts["d"], place)
    return day_of(told[:10], "", "", place)


def _plain(text: str) -> str:
    """A name without accents, in small letters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z]", "", plain.lower())
