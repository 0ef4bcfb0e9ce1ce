"""A reminder as people read it: parties, invoices, sums and sentences, ready for a mail or a letter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.law.days import on_or_after
from einvoice.document_parties import Address
from einvoice.kept import issued_document
from einvoice.production import Branding
from payments.bank_accounts import active_account_of
from portal.dunning.words import ACCRUED, words_for
from portal.words import catalogue, day, known_language, money
from receivables.domain.collecting.reminders import CONSUMER
from receivables.errors import ReceivablesError
from receivables.services.collecting.dunning import rules_of
from receivables.services.collecting.reckoning import last_day_known, reckon
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.invoicing.invoices import get_invoice, issued_days

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from portal.dunning.words import Words
    from portal.wiring import Services
    from receivables.domain.collecting.reminders import Reminder
    from receivables.store.work import Work

WARNED_DAYS = 8
"""Until when a last warning asks to be answered."""


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice of a reminder; ``amount`` is as printed, ``url`` leads to its page."""

    invoice_id: UUID
    number: str
    issued_on: date
    due_on: date
    late_days: int
    amount: str
    url: str


@dataclass(frozen=True, slots=True)
class Seller:
    """Who writes: name, postal lines, legal mention, how to reach them, the account that payers are told now."""

    name: str
    lines: tuple[str, ...]
    legal: str
    reach: tuple[str, ...]
    city: str
    holder: str
    iban: str
    bic: str
    branding: Branding


@dataclass(frozen=True, slots=True)
class ReminderView:
    """Everything that a message says, in the language of whom it goes to."""

    language: str
    words: Words
    seller: Seller
    name: str
    lines: tuple[str, ...]
    rows: tuple[InvoiceRow, ...]
    total: str
    reference: str
    signatory: tuple[str, str]
    day: date
    kind: str


def view_reminder(
    services: Services, work: Work, reminder: Reminder, written_on: date, *, shown_only: bool = False
) -> ReminderView:
    """What a reminder says, with a link minted for each invoice; ``shown_only`` mints none."""
    customer = get_customer(work, reminder.customer_id)
    spoken = known_language(reminder.recipient.language if reminder.recipient else None, customer.language)
    seller, settings = seller_of(work), rules_of(work).settings
    issued = issued_days(work, [part.invoice_id for part in reminder.parts])
    rows = tuple(
        InvoiceRow(
            part.invoice_id,
            part.number,
            issued[part.invoice_id],
            part.late_from,
            max((written_on - part.late_from).days, 0),
            money(part.amount_minor, part.currency, spoken),
            f"{services.settings.public_url}/p/…"
            if shown_only
            else services.pay_link(work, part.invoice_id, "reminder"),
        )
        for part in sorted(reminder.parts, key=lambda each: (each.late_from, each.number))
    )
    total = " + ".join(money(minor, currency, spoken) for currency, minor in sorted(reminder.totals.items()))
    values = {
        "supplier": seller.name,
        "total": total,
        "due": day(min(each.due_on for each in rows), spoken),
        "until": day(on_or_after(written_on + timedelta(days=WARNED_DAYS)), spoken),
        "days": str(settings.notice_days),
        "accrued": _accrued(work, reminder, written_on, spoken) if customer.kind != CONSUMER else "",
    }
    return ReminderView(
        spoken,
        words_for(reminder.step.template, customer.kind).filled(values, spoken),
        seller,
        customer.name,
        _buyer_lines(work, rows[-1].invoice_id),
        rows,
        total,
        " ".join(each.number for each in rows[:4]) + (" …" if len(rows) > 4 else ""),  # noqa: PLR2004 -- fits a line
        (settings.signatory or seller.name, settings.signatory_title),
        written_on,
        customer.kind,
    )


def seller_of(work: Work) -> Seller:
    """Who writes, from the profile; the account is the one that payers are told now."""
    profile: dict[str, Any] = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    account = active_account_of(work)
    address, contact = profile.get("address") or {}, profile.get("contact") or {}
    name = profile.get("name") or supplier_name(work)
    legal = [name, profile.get("legal_form"), profile.get("registration"), profile.get("vat_id")]
    return Seller(
        name,
        _address_lines(address),
        " · ".join(part for part in legal if part),
        tuple(part for part in (contact.get("phone"), contact.get("email")) if part),
        address.get("city") or "",
        account.holder if account else "",
        account.printed if account else "",
        (account.bic or "") if account else "",
        Branding(profile.get("colour") or Branding().colour, profile.get("logo_svg")),
    )


def _buyer_lines(work: Work, invoice_id: UUID) -> tuple[str, ...]:
    """The postal address of the buyer, as the last of these invoices has it."""
    invoice = get_invoice(work, invoice_id)
    if invoice.is_taken_over or not invoice.document.get("document"):
        party = work.scalar(
            "SELECT party FROM customers WHERE supplier_id = :supplier AND customer_id = :id", id=invoice.customer_id
        )
        return _address_lines(party or {})
    address = issued_document(invoice).buyer.address
    return _address_lines({name: getattr(address, name) for name in Address.__dataclass_fields__})


def _address_lines(address: dict[str, Any]) -> tuple[str, ...]:
    town = " ".join(part for part in (address.get("postcode"), address.get("city")) if part)
    country = address.get("country") or "FR"
    lines = (address.get("line1"), address.get("line2"), address.get("line3"), town, country if country != "FR" else "")
    return tuple(line for line in lines if line)


def _accrued(work: Work, reminder: Reminder, written_on: date, spoken: str) -> str:
    """What interest and indemnities come to, where the law's rate is known; the sentence stands without it."""
    ids = [part.invoice_id for part in reminder.parts]
    through = last_day_known(written_on)
    try:
        found = [each for each in reckon(work, ids, through) if each.why_not is None]
    except ReceivablesError:
        return ""
    currencies = {each.late.currency for each in found}
    interest = sum(each.interest_minor for each in found)
    if len(currencies) != 1 or not interest:
        return ""
    (currency,) = currencies
    return catalogue(spoken).gettext(ACCRUED) % {
        "day": day(through, spoken),
        "interest": money(interest, currency, spoken),
        "indemnity": money(sum(each.indemnity_minor for each in found), currency, spoken),
    }
