"""Messages between a customer and the people of a supplier: one conversation per invoice, one per account.

What both sides read is a :class:`Message`. A :class:`Note` is for the supplier's people alone and is another type, from
another table: whoever shows messages to a customer has no note in hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

MAX_SAID = 4000
"""Characters of one message that is written on a page."""
MAX_MAILED = 20_000
"""Characters kept of one message that came by mail; its end is cut off, and said to be."""
MAX_TEMPLATE = 3000
PLACES = ("client", "facture", "reste", "echeance", "societe", "signature")
"""What a template may leave open, in braces: customer, invoice, what is left to pay, due date, us, who writes."""
_PLACE = re.compile(r"\{([^{}]*)\}")


class Side(StrEnum):
    """Who speaks."""

    CUSTOMER = "customer"
    SUPPLIER = "supplier"


class Channel(StrEnum):
    """By which way a message came."""

    PAGE = "page"
    LINK = "link"
    """From a pay link, confirmed by the customer's own mailbox."""
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a conversation is about: an invoice of a customer, or the account where there is none."""

    customer_id: UUID
    invoice_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation. ``waiting_since``: since when the customer waits for an answer; ``None`` where nobody does."""

    thread_id: UUID
    customer_id: UUID
    invoice_id: UUID | None
    state: str
    assigned_to: UUID | None
    last_customer_at: datetime | None
    last_supplier_at: datetime | None
    waiting_since: datetime | None
    opened_at: datetime
    changed_at: datetime

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return Subject(self.customer_id, self.invoice_id)

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do with it."""
        return self.state == "open"

    @property
    def has_messages(self) -> bool:
        """Whether there is anything that the customer may read; one with notes alone does not exist for them."""
        return self.last_customer_at is not None or self.last_supplier_at is not None


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a message."""

    position: int
    document_id: UUID
    filename: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Message:
    """Something said, for both sides. ``address`` is where a mail says to come from, ``known`` whether it is theirs."""

    message_id: UUID
    side: Side
    channel: Channel
    actor: str
    author: str
    address: str | None
    known: bool
    said: str
    left_out: tuple[str, ...]
    said_at: datetime
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the supplier's people tell each other."""

    note_id: UUID
    actor: str
    author: str
    said: str
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Template:
    """A text with open places, in French and, where it is given, in English."""

    template_id: UUID | None
    name: str
    body_fr: str
    body_en: str | None = None

    def body(self, language: str) -> str:
        """The text in ``language``; French where there is no other."""
        return self.body_en if language == "en" and self.body_en else self.body_fr


def readable(said: str) -> str:
    """``said`` without signs that nobody can read, and without empty ends; one kind of line end."""
    lines = said.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(each for each in lines if each.isprintable() or each in "\n\t").strip()


def check_template(template: Template) -> None:
    """Refuse a text that cannot be filled in.

    Raises:
        ReceivablesError: ``template.no_name``, ``template.no_text``, ``template.too_long``, ``template.unknown_place``.
    """
    if not template.name.strip():
        raise ReceivablesError("template.no_name", "Give the template a name.", "Donnez un nom au modèle.")
    if not template.body_fr.strip():
        raise ReceivablesError(
            "template.no_text", "Write the French text of the template.", "Écrivez le texte français du modèle."
        )
    for body in (template.body_fr, template.body_en or ""):
        if len(body) > MAX_TEMPLATE:
            raise ReceivablesError(
                "template.too_long",
                f"The text is longer than {MAX_TEMPLATE} characters: shorten it.",
                f"Le texte dépasse {MAX_TEMPLATE} caractères : raccourcissez-le.",
            )
        unknown = [each for each in _PLACE.findall(body) if each not in PLACES]
        if unknown:
            places = ", ".join(f"{{{each}}}" for each in PLACES)
            raise ReceivablesError(
                "template.unknown_place",
                f"{{{unknown[0]}}} is nothing that can be filled in. There are: {places}.",
                f"{{{unknown[0]}}} ne peut pas être rempli. Il y a : {places}.",
            )


def fill(body: str, values: Mapping[str, str]) -> str:
    """``body`` with its places filled; a place without a value (no invoice, for instance) stays as it is, to be seen.

    What is filled in is not looked through again: a customer may be called ``{reste}``.
    """
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), body)
