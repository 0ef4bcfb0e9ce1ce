"""A reminder as a letter (PDF/A): for a window envelope, with the ways to pay and who signs; same input, same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from config.typeset import compile_pdf
from einvoice.formats.page_qr import Transfer, draw_epc, draw_link
from portal.dunning.words import FORMAL_NOTICE, label, late_words
from portal.words import day
from receivables.domain.money import Money
from receivables.store.work import to_json

if TYPE_CHECKING:
    from portal.dunning.view import ReminderView
    from receivables.domain.collecting.reminders import Reminder

TEMPLATE = Path(__file__).parent / "letter.typ"
_LABELS = (
    "sir",
    "number",
    "issued",
    "due",
    "late",
    "amount",
    "total",
    "pay",
    "transfer",
    "reference",
    "check",
    "greetings",
    "registered",
    "subject",
    "page",
    "holder",
    "ways",
)


def reminder_letter(reminder: Reminder, view: ReminderView) -> bytes:
    """The letter of a reminder as PDF.

    Raises:
        TypesetError: ``page.missing_glyph``: a name has characters that the font lacks.
    """
    spoken, seller = view.language, view.seller
    told = {
        "language": spoken,
        "words": {name: label(name, spoken) for name in _LABELS},
        "colour": seller.branding.colour,
        "logo": seller.branding.logo_svg or "",
        "seller": {"name": seller.name, "lines": seller.lines, "legal": seller.legal, "reach": seller.reach},
        "buyer": {"name": view.name, "lines": view.lines},
        "place": f"{seller.city}, {_date_line(view)}" if seller.city else _date_line(view),
        "day": (view.day.year, view.day.month, view.day.day),
        "registered": reminder.channel == "registered",
        "formal": reminder.step.template == FORMAL_NOTICE,
        "title": view.words.subject,
        "opening": view.words.opening,
        "closing": view.words.closing,
        "rows": [
            {
                "number": row.number,
                "issued": day(row.issued_on, spoken),
                "due": day(row.due_on, spoken),
                "late": late_words(row.late_days, spoken),
                "amount": row.amount,
            }
            for row in view.rows
        ],
        "total": view.total,
        "account": {"holder": seller.holder, "iban": seller.iban, "bic": seller.bic},
        "reference": view.reference,
        "url": view.rows[0].url,
        "signatory": view.signatory,
    }
    data = {"view": to_json(told), "link": draw_link(view.rows[0].url)}
    transfer = _transfer(reminder, view)
    return compile_pdf(TEMPLATE, data | ({"transfer": transfer} if transfer else {}))


def _date_line(view: ReminderView) -> str:
    return f"le {day(view.day, 'fr')}" if view.language == "fr" else day(view.day, view.language)


def _transfer(reminder: Reminder, view: ReminderView) -> str | None:
    """The code by which a banking app fills the transfer in; only for one sum in euros."""
    totals = reminder.totals
    if set(totals) != {"EUR"} or not view.seller.iban:
        return None
    amount = Money(totals["EUR"], "EUR").decimal
    account = view.seller
    return draw_epc(Transfer(account.holder, account.iban, account.bic or None, amount, view.reference))
