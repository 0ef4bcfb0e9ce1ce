"""Where a reader is and can go from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from flask import current_app, request
from werkzeug.exceptions import HTTPException

from portal.access.context import place
from portal.access.principals import lets_in
from portal.access.roles import Door, Role, access_of
from portal.words import gettext, note_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.access.people import Membership


class Room(StrEnum):
    """Where an entry of the menu stands."""

    ALWAYS = "always"
    """In the row, on every screen."""
    WIDE = "wide"
    """In the row on a wide screen, behind the button on a phone."""
    MORE = "more"
    """Behind the button."""


class Group(StrEnum):
    """What somebody is about to do, for the menu behind the button."""

    HOME = "home"
    """Stands first, without a name."""
    CHASE = "chase"
    CASH = "cash"
    BILL = "bill"
    STEER = "steer"
    HOUSE = "house"


GROUP_NAMES = {
    Group.CHASE: note_text("Relancer"),
    Group.CASH: note_text("Encaisser"),
    Group.BILL: note_text("Facturer"),
    Group.STEER: note_text("Piloter"),
    Group.HOUSE: note_text("Régler"),
}
CUSTOMER_PAGES = (
    (("/c/",), note_text("Accueil"), Room.ALWAYS, None),
    (("/c/invoices",), note_text("Factures"), Room.ALWAYS, None),
    (("/c/pay",), note_text("Payer"), Room.WIDE, None),
    (("/c/receipts", "/c/advices"), note_text("Paiements"), Room.ALWAYS, None),
    (("/c/statement",), note_text("Relevé"), Room.WIDE, None),
    (("/c/mandates",), note_text("Prélèvements"), Room.WIDE, None),
    (("/c/plans",), note_text("Délais"), Room.WIDE, None),
    (("/c/messages",), note_text("Messages"), Room.WIDE, None),
    (("/c/company", "/c/export"), note_text("Société"), Room.MORE, None),
    (("/c/people",), note_text("Personnes"), Room.MORE, None),
)
STAFF_PAGES = (
    (("/s/",), note_text("Accueil"), Group.HOME),
    (("/s/problems",), note_text("À traiter"), Group.HOME),
    (("/s/work", "/s/customers"), note_text("À relancer"), Group.CHASE),
    (("/s/messages",), note_text("Messages"), Group.CHASE),
    (("/s/disputes",), note_text("Litiges"), Group.CHASE),
    (("/s/dunning",), note_text("Relances"), Group.CHASE),
    (("/s/promises",), note_text("Promesses"), Group.CHASE),
    (("/s/claims",), note_text("Intérêts de retard"), Group.CHASE),
    (("/s/requests", "/s/desk"), note_text("Demandes"), Group.CHASE),
    (("/s/mails",), note_text("Courriels"), Group.CHASE),
    (("/s/indicators",), note_text("Indicateurs"), Group.STEER),
    (("/s/credit",), note_text("Crédit client"), Group.STEER),
    (("/s/scores",), note_text("Notes de paiement"), Group.STEER),
    (("/s/insurance",), note_text("Assurance-crédit"), Group.STEER),
    (("/s/factoring",), note_text("Affacturage"), Group.STEER),
    (("/s/invoices",), note_text("Factures"), Group.BILL),
    (("/s/invoicing",), note_text("Brouillons et modèles"), Group.BILL),
    (("/s/clients",), note_text("Clients"), Group.BILL),
    (("/s/items",), note_text("Articles"), Group.BILL),
    (("/s/imports",), note_text("Importer"), Group.BILL),
    (("/s/purchases",), note_text("Achats"), Group.BILL),
    (("/s/reports",), note_text("Déclarations"), Group.BILL),
    (("/s/platform", "/s/platform/flows"), note_text("Plateforme"), Group.BILL),
    (("/s/directory",), note_text("Annuaire"), Group.BILL),
    (("/s/bank", "/s/receipts"), note_text("Banque"), Group.CASH),
    (("/s/matching",), note_text("Rapprochement"), Group.CASH),
    (("/s/treasury", "/s/payments"), note_text("Trésorerie"), Group.CASH),
    (("/s/debits",), note_text("Prélèvements"), Group.CASH),
    (("/s/exports",), note_text("Exports et clôture"), Group.HOUSE),
    (("/s/settings/audit",), note_text("Journal d'audit"), Group.HOUSE),
    (("/s/jobs",), note_text("Travaux"), Group.HOUSE),
    (("/s/opening",), note_text("Reprendre l'existant"), Group.HOUSE),
    (("/s/people",), note_text("Équipe et accès"), Group.HOUSE),
    (("/s/settings", "/s/company", "/s/webhooks", "/s/iban"), note_text("Réglages"), Group.HOUSE),
    (("/s/programs",), note_text("Programmes"), Group.HOUSE),
)
"""Addresses (the first that the caller may open counts; the pages below all of them belong to it), name, and with what
it stands."""
DAYS: dict[Role, tuple[str, ...]] = {
    Role.OWNER: (
        *("/s/", "/s/invoices", "/s/work"),
        *("/s/problems", "/s/messages", "/s/disputes", "/s/bank", "/s/treasury", "/s/clients", "/s/indicators"),
        "/s/settings",
    ),
    Role.ACCOUNTANT: (
        *("/s/", "/s/invoices", "/s/bank"),
        *("/s/problems", "/s/work", "/s/messages", "/s/matching", "/s/treasury", "/s/purchases", "/s/reports"),
        *("/s/indicators", "/s/exports"),
    ),
    Role.COLLECTOR: (
        *("/s/", "/s/work", "/s/messages"),
        *("/s/problems", "/s/disputes", "/s/dunning", "/s/promises", "/s/invoices", "/s/matching", "/s/indicators"),
    ),
    Role.CREDIT_MANAGER: (
        *("/s/", "/s/credit", "/s/work"),
        *("/s/problems", "/s/scores", "/s/insurance", "/s/indicators", "/s/messages", "/s/disputes", "/s/requests"),
        "/s/invoices",
    ),
    Role.SALES: ("/s/", "/s/clients", "/s/credit", "/s/invoices", "/s/messages", "/s/disputes"),
    Role.AUDITOR: (
        *("/s/", "/s/invoices", "/s/exports"),
        *("/s/problems", "/s/bank", "/s/treasury", "/s/reports", "/s/indicators", "/s/settings/audit"),
    ),
}
"""The pages of every day, by role: the first ``ON_PHONE`` stand in the row of a phone, the others are seen on a desk
without opening anything; every other page is one press further."""
ON_PHONE = 3
FEW = 4
"""A group of no more pages than these is shown whole: a fold that hides one page costs more than it saves."""
OWN_PAGES = (("/me", note_text("Mon accès")),)
"""Addresses and names of what is a person's own: how they sign in, where they are signed in."""
OPENABLE_FORMS = frozenset(
    {
        "validation.check",
        "customer_iban.check",
        "customer_iban.check_by_link",
        "iban.propose",
        "dispute.send",
        "dispute.send_by_link",
        "exports.check",
        "claims.make",
        "disputes_noted.note",
        "claims.change_terms",
        "people.send",
        "people.accept",
        "account_opening.send",
        "account_opening.settle",
        "advices.send",
        "advices.confirm",
        "customer_company.ask",
        "desk.keep",
        "messages.say_on_account",
        "messages.say_on_invoice",
        "link_messages.send",
        "link_messages.settle",
        "message_templates.keep",
        "invoice_form.save",
        "invoice_plans.begin",
        "invoice_plans.change",
        "invoice_follow.credit",
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
    group: Group | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One group of the column: what is always seen, and what opens."""

    name: str
    seen: tuple[Entry, ...]
    folded: tuple[Entry, ...]

    @property
    def is_open(self) -> bool:
        """Whether we are on one of the pages that are folded away."""
        return any(each.current for each in self.folded)


@dataclass(frozen=True, slots=True)
class Menu:
    """The main pages of the caller: in the row, and behind the button."""

    row: tuple[Entry, ...]
    more: tuple[Entry, ...]
    own: tuple[Entry, ...] = ()
    """What concerns the person, wherever they are."""

    @property
    def groups(self) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
        """What is behind the button, by what somebody is about to do; without names where there are no groups."""
        groups = list(dict.fromkeys(each.group for each in self.more))
        return tuple(
            (_name_of(group), tuple(each for each in self.more if each.group is group))
            for group in sorted(groups, key=lambda each: list(Group).index(each) if each else -1)
        )

    @property
    def sections(self) -> tuple[Section, ...]:
        """All pages by what somebody is about to do, for the column beside the page; none where there are no groups."""
        entries = tuple(dict.fromkeys((*self.row, *self.more)))
        return tuple(
            _section(group, tuple(each for each in entries if each.group is group))
            for group in Group
            if any(each.group is group for each in entries)
        )

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
    pages = _staff_pages(place().role) if place().is_staff else CUSTOMER_PAGES
    open_to_caller = _open_addresses()
    found = []
    for addresses, name, room, group in pages:
        href = next((each for each in addresses if each.rstrip("/") in open_to_caller), None)
        if href is not None:
            found.append((href, addresses, name, room, group))
    section = max((root for _, roots, _, _, _ in found for root in roots if _is_below(root)), key=len, default="")
    entries = [
        Entry(href, gettext(name), room, _current(href) if section in roots else "", group)
        for href, roots, name, room, group in found
    ]
    return Menu(
        tuple(each for each in entries if each.room is not Room.MORE),
        tuple(each for each in entries if each.room is not Room.ALWAYS),
        tuple(
            Entry(href, gettext(name), Room.MORE, _current(href) if _is_below(href) else "")
            for href, name in OWN_PAGES
            if href in open_to_caller
        ),
    )


def opens(path: str) -> bool:
    """Whether the caller may open the page at ``path``: a link to what looks like nothing helps nobody."""
    try:
        endpoint, _ = current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return False
    access = access_of(current_app.view_functions.get(endpoint))
    return access is not None and (access.door is not Door.SESSION or lets_in(access, place()))


def initials(name: str) -> str:
    """Up to two letters that stand for a company."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


def _staff_pages(role: Role) -> tuple[tuple[tuple[str, ...], str, Room, Group], ...]:
    """The pages of the back office, each where somebody of this role looks for it."""
    day = DAYS[role]
    phone = day[:ON_PHONE]
    rooms = {each: Room.ALWAYS if each in phone else Room.WIDE for each in day}
    return tuple((addresses, name, rooms.get(addresses[0], Room.MORE), group) for addresses, name, group in STAFF_PAGES)


def _name_of(group: Group | None) -> str:
    return gettext(GROUP_NAMES[group]) if group in GROUP_NAMES else ""


def _section(group: Group, entries: tuple[Entry, ...]) -> Section:
    """One group of the column; whole where it is small, and never only a fold."""
    if len(entries) <= FEW:
        return Section(_name_of(group), entries, ())
    seen = tuple(each for each in entries if each.room is not Room.MORE) or entries[:1]
    return Section(_name_of(group), seen, tuple(each for each in entries if each not in seen))


def _open_addresses() -> frozenset[str]:
    """Addresses without parameters that the caller may read here, without a slash at their end."""
    known = current_app.extensions.setdefault("quittance.open_addresses", {})
    membership = place()
    key = membership.role, membership.rights
    if key not in known:
        known[key] = frozenset(_find_open_addresses(membership))
    found: frozenset[str] = known[key]
    return found


def _find_open_addresses(membership: Membership) -> Iterator[str]:
    for rule in current_app.url_map.iter_rules():
        access = access_of(current_app.view_functions.get(rule.endpoint))
        if access and access.door is Door.SESSION and lets_in(access, membership) and "GET" in (rule.methods or ()):
            yield rule.rule.rstrip("/")


def _is_below(root: str) -> bool:
    return request.path == root or (not root.endswith("/") and request.path.startswith(f"{root}/"))


def _current(href: str) -> str:
    return "page" if request.path.rstrip("/") == href.rstrip("/") else "true"
