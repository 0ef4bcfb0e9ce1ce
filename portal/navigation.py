"""Where a reader is and can go from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flask import current_app, request

from portal.access.context import place
from portal.access.roles import Door, access_of
from portal.words import gettext, note_text


class Room(StrEnum):
    """Where an entry of the menu stands."""

    ALWAYS = "always"
    """In the row, on every screen."""
    WIDE = "wide"
    """In the row on a wide screen, behind the button on a phone."""
    MORE = "more"
    """Behind the button."""


CUSTOMER_PAGES = (
    (("/c/",), note_text("Accueil"), Room.ALWAYS),
    (("/c/invoices",), note_text("Factures"), Room.ALWAYS),
    (("/c/pay",), note_text("Payer"), Room.WIDE),
    (("/c/receipts",), note_text("Paiements"), Room.ALWAYS),
    (("/c/mandates",), note_text("Prélèvements"), Room.WIDE),
)
STAFF_PAGES = (
    (("/s/",), note_text("Encours"), Room.ALWAYS),
    (("/s/invoices",), note_text("Factures"), Room.ALWAYS),
    (("/s/disputes",), note_text("Litiges"), Room.WIDE),
    (("/s/purchases",), note_text("Achats"), Room.WIDE),
    (("/s/reports",), note_text("Déclarations"), Room.WIDE),
    (("/s/treasury", "/s/payments"), note_text("Trésorerie"), Room.WIDE),
    (("/s/bank", "/s/receipts"), note_text("Banque"), Room.WIDE),
    (("/s/matching",), note_text("Rapprochement"), Room.WIDE),
    (("/s/problems",), note_text("À traiter"), Room.ALWAYS),
    (("/s/debits",), note_text("Prélèvements"), Room.MORE),
    (("/s/platform", "/s/platform/flows"), note_text("Plateforme"), Room.MORE),
    (("/s/directory",), note_text("Annuaire"), Room.MORE),
    (("/s/mails",), note_text("Courriels"), Room.MORE),
    (("/s/company",), note_text("Entreprise"), Room.MORE),
    (("/s/iban",), note_text("Compte bancaire"), Room.MORE),
)
"""Addresses (the first that the caller may open counts; the pages below all of them belong to it), name, and where it
stands."""
OPENABLE_FORMS = frozenset(
    {
        "validation.check",
        "customer_iban.check",
        "customer_iban.check_by_link",
        "iban.propose",
        "dispute.send",
        "dispute.send_by_link",
    }
)
"""Endpoints of forms that are sent to the address of their own page."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the menu; ``current`` is the value of ``aria-current``, empty for a page where we are not."""

    href: str
    name: str
    room: Room
    current: str


@dataclass(frozen=True, slots=True)
class Menu:
    """The main pages of the caller: in the row, and behind the button."""

    row: tuple[Entry, ...]
    more: tuple[Entry, ...]

    @property
    def always_more(self) -> bool:
        """Whether the button is needed on a wide screen as well."""
        return any(each.room is Room.MORE for each in self.more)

    @property
    def current_in_more(self) -> Entry | None:
        """The page behind the button where we are."""
        return next((each for each in self.more if each.current), None)


def here() -> str:
    """The address of this page; of the start page where this answers a form, whose address cannot be opened."""
    return request.path if request.method == "GET" or request.endpoint in OPENABLE_FORMS else "/"


def navigation() -> Menu:
    """The menu of the caller: pages that exist in this house and that their role opens."""
    pages = STAFF_PAGES if place().is_staff else CUSTOMER_PAGES
    open_to_caller = _open_addresses()
    found = []
    for addresses, name, room in pages:
        href = next((each for each in addresses if each.rstrip("/") in open_to_caller), None)
        if href is not None:
            found.append((href, addresses, name, room))
    section = max((root for _, roots, _, _ in found for root in roots if _is_below(root)), key=len, default="")
    entries = [
        Entry(href, gettext(name), room, _current(href) if section in roots else "")
        for href, roots, name, room in found
    ]
    return Menu(
        tuple(each for each in entries if each.room is not Room.MORE),
        tuple(each for each in entries if each.room is not Room.ALWAYS),
    )


def initials(name: str) -> str:
    """Up to two letters that stand for a company."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


def _open_addresses() -> frozenset[str]:
    """Addresses without parameters that the caller's role may read here, without a slash at their end."""
    role = place().role
    found = set()
    for rule in current_app.url_map.iter_rules():
        access = access_of(current_app.view_functions.get(rule.endpoint))
        if access and access.door is Door.SESSION and role in access.roles and "GET" in (rule.methods or ()):
            found.add(rule.rule.rstrip("/"))
    return frozenset(found)


def _is_below(root: str) -> bool:
    return request.path == root or (not root.endswith("/") and request.path.startswith(f"{root}/"))


def _current(href: str) -> str:
    return "page" if request.path.rstrip("/") == href.rstrip("/") else "true"
