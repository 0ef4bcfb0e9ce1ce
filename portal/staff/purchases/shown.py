"""An invoice received as its page shows it: everything that a person checks before they approve, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from einvoice.codelists.units import label as unit_name
from einvoice.composing.build import LINK_PREFIX
from einvoice.receiving.answering import may_be_refused
from einvoice.receiving.purchases import paid_before, plain_account
from portal.words import gettext, language, money, number, percent
from receivables.domain.money import Money, MoneyError

if TYPE_CHECKING:
    from decimal import Decimal

    from einvoice.document import Document, Line, Party
    from einvoice.receiving.purchases import Purchase
    from receivables.store.work import Work

MOST_LINES = 200
"""Lines on one page; the files say all."""
MOST_DIGITS = 18
"""Digits of a figure that a page writes out; a stranger's file may state longer ones."""

_FOR_MACHINES = frozenset({"BAR", "TXD"})
"""Notes (BT-21) whose text is a code."""


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line of the invoice."""

    number: str
    name: str
    detail: str
    quantity: str
    price: str
    rate: str
    amount: str


@dataclass(frozen=True, slots=True)
class ShownVat:
    """One row of the VAT table."""

    rate: str
    base: str
    tax: str


@dataclass(frozen=True, slots=True)
class ShownAccount:
    """An account to pay to; ``is_new`` where this seller's earlier invoices named others."""

    number: str
    holder: str | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class ShownPurchase:
    """The content of an invoice received, ready for its page."""

    lines: list[ShownLine]
    more_lines: int
    vat: list[ShownVat]
    without_vat: str
    total_vat: str
    total: str
    prepaid: str
    payable: str
    notes: list[str]
    seller: list[str]
    buyer: list[str]
    references: list[tuple[str, str]]
    terms: str | None
    accounts: list[ShownAccount]
    remittance: str | None
    pay_url: str | None
    attached: list[tuple[str, str | None]]
    """Supporting documents (BG-24): a name, and its address where it is outside the file and safe to follow."""


@dataclass(frozen=True, slots=True)
class Warnings:
    """What somebody must know before they answer."""

    not_for_us: bool
    our_own: bool
    may_be_refused: bool
    new_account: bool


def warn(work: Work, purchase: Purchase, shown: ShownPurchase | None) -> Warnings:
    """What is odd about an invoice received, beside what its verdict says."""
    ours = work.scalar("SELECT siren FROM suppliers WHERE supplier_id = :supplier")
    own = purchase.seller_ref is not None and purchase.seller_ref == ours
    return Warnings(
        not_for_us=purchase.buyer_ref is not None and purchase.buyer_ref != ours and not own,
        our_own=own,
        may_be_refused=may_be_refused(purchase),
        new_account=any(each.is_new for each in shown.accounts) if shown else False,
    )


def show_purchase(work: Work, purchase: Purchase) -> ShownPurchase | None:
    """The content of an invoice received, or None where it could not be read."""
    document = purchase.document
    if document is None:
        return None
    totals, currency = document.totals, document.currency
    return ShownPurchase(
        lines=[_line(each, currency) for each in document.lines[:MOST_LINES]],
        more_lines=max(0, len(document.lines) - MOST_LINES),
        vat=[
            ShownVat(_percent(row.rate), write_amount(row.taxable, currency), write_amount(row.tax, currency))
            for row in document.vat
        ],
        without_vat=write_amount(totals.without_vat, currency),
        total_vat=write_amount(totals.vat, currency),
        total=write_amount(totals.with_vat, currency),
        prepaid=write_amount(-totals.prepaid, currency) if totals.prepaid else "",
        payable=write_amount(totals.payable, currency),
        notes=[note.text for note in document.notes if note.subject not in _FOR_MACHINES],
        seller=_party(document.seller),
        buyer=_party(document.buyer),
        references=_references(document),
        terms=document.payment_terms,
        accounts=_accounts(work, purchase, document),
        remittance=document.payment.remittance if document.payment else None,
        pay_url=_pay_url(document),
        attached=[
            (each.description or each.filename or each.reference, _safe_url(each.url))
            for each in document.attachments
            if not each.reference.startswith(LINK_PREFIX)
        ],
    )


def write_amount(value: Decimal | None, currency: str) -> str:
    """An amount as the reader writes it; as it stands in the file where no currency has such an amount."""
    if value is None:
        return ""
    try:
        return money(Money.of(value, currency).minor, currency)
    except (MoneyError, ValueError):
        return f"{_figure(value)} {currency}"


def _figure(value: Decimal | None) -> str:
    if value is None:
        return ""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or value.adjusted() >= MOST_DIGITS or exponent < -MOST_DIGITS:
        return str(value)[:40]
    return number(value.normalize() if exponent < 0 else value)


def _percent(rate: Decimal | None) -> str:
    if rate is None:
        return gettext("sans TVA")
    return percent(rate) if abs(rate) < 1000 else _figure(rate)  # noqa: PLR2004 -- beyond any rate of VAT


def _line(line: Line, currency: str) -> ShownLine:
    unit = unit_name(line.unit, language(), line.quantity) if line.unit else ""
    return ShownLine(
        number=line.line_id,
        name=line.name,
        detail=" · ".join(part for part in (line.description, line.note) if part),
        quantity=" ".join(part for part in (_figure(line.quantity), unit) if part),
        price=write_amount(line.net_price, currency),
        rate=_percent(line.vat_rate) if line.vat_category else "",
        amount=write_amount(line.net_amount, currency),
    )


def _party(party: Party) -> list[str]:
    """A party as an envelope shows it, with its numbers."""
    address = party.address
    town = " ".join(part for part in (address.postcode, address.city) if part)
    siren = f"SIREN {party.siren}" if party.siren else None
    parts = (party.name, address.line1, address.line2, address.line3, town, address.country, siren, party.vat_id)
    return [part for part in parts if part]


def _references(document: Document) -> list[tuple[str, str]]:
    named = (
        (gettext("Votre commande"), document.purchase_order),
        (gettext("Votre référence"), document.buyer_reference),
        (gettext("Contrat"), document.contract_reference),
        (gettext("Bon de livraison"), document.despatch_advice),
        (gettext("Facture d'origine"), ", ".join(each.number for each in document.preceding)),
    )
    return [(name, value) for name, value in named if value]


def _accounts(work: Work, purchase: Purchase, document: Document) -> list[ShownAccount]:
    accounts = document.payment.accounts if document.payment else ()
    known = paid_before(work, purchase) if accounts else set()
    return [
        ShownAccount(_grouped(each.number), each.holder, bool(known) and plain_account(each.number) not in known)
        for each in accounts
    ]


def _grouped(account: str) -> str:
    plain = plain_account(account)
    return " ".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def _pay_url(document: Document) -> str | None:
    """The seller's payment page (BG-24), where it names one."""
    named = (each.url for each in document.attachments if each.reference.startswith(LINK_PREFIX))
    return next((url for each in named if (url := _safe_url(each))), None)


def _safe_url(url: str | None) -> str | None:
    """An address given by a stranger that a page may offer: https alone; any other is shown in the file only."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme == "https" and parts.hostname else None
