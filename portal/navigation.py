"""Where a reader is and can go from here."""

from __future__ import annotations

from flask import request

from portal.access.context import place
from portal.words import gettext, note_text

CUSTOMER_PAGES = (
    ("/c/", note_text("Accueil")),
    ("/c/invoices", note_text("Factures")),
    ("/c/receipts", note_text("Paiements")),
)
STAFF_PAGES = (
    ("/s/", note_text("Encours")),
    ("/s/invoices", note_text("Factures")),
    ("/s/problems", note_text("À traiter")),
    ("/s/mails", note_text("Courriels")),
)
OPENABLE_FORMS = frozenset({"validation.check"})
"""Endpoints of forms that are sent to the address of their own page."""


def here() -> str:
    """The address of this page; of the start page where this answers a form, whose address cannot be opened."""
    return request.path if request.method == "GET" or request.endpoint in OPENABLE_FORMS else "/"


def navigation() -> list[tuple[str, str]]:
    """The main pages of the caller: address and name."""
    pages = STAFF_PAGES if place().is_staff else CUSTOMER_PAGES
    return [(address, gettext(name)) for address, name in pages]


def initials(name: str) -> str:
    """Up to two letters that stand for a company."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"
