"""Whom a mail about a customer's account goes to: the address on the account, another one where mails come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.mailbox.returning import is_closed
from portal.words import known_language
from receivables.store.customer_file.contacts import recipient_for

if TYPE_CHECKING:
    from receivables.domain.parties import Customer
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Reader:
    """An address that mails arrive at, and the language there."""

    email: str
    spoken: str


def reader_of(work: Work, customer: Customer, role: str = "billing") -> Reader | None:
    """Who reads about a customer's account; ``None`` where no address is known that works.

    The customer's own address as long as nothing came back from it, then the contact for ``role`` and any other.
    """
    if customer.email is not None and not is_closed(work, customer.email):
        return Reader(customer.email, known_language(customer.language))
    contact = recipient_for(work, customer.customer_id, role)
    return Reader(contact.email, known_language(contact.language)) if contact and contact.email else None
