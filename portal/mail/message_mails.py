"""Mails about messages: what was answered, to be answered by mail; what came in; what a link's reader has written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.utils import formataddr
from typing import TYPE_CHECKING
from uuid import UUID

from portal.access.people import find_person, get_person, memberships_of
from portal.access.sign_in_mail import MailFile
from portal.documents.message_files import find_message_file, plain_name
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.mailbox.addresses import reply_address
from portal.mailbox.quoting import MARK
from portal.words import catalogue, colon, known_language, note_text
from receivables.domain.conversations.messages import Side
from receivables.store.conversations.messages import messages_in
from receivables.store.customer_file.contacts import closed_addresses, contacts_of, customer_file, recipient_for
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from babel.support import NullTranslations

    from portal.wiring import Services
    from receivables.domain.conversations.messages import Message, Subject, Thread
    from receivables.services.conversations.messaging import Said
    from receivables.store.conversations.holding import Held
    from receivables.store.work import Work

PERSON = "person "
"""How an actor begins that is somebody who signed in."""
MOST_EXCERPT = 400
_ABOVE = note_text("Répondez au-dessus de cette ligne")
_SUBJECTS = {
    True: note_text("%(supplier)s : votre facture %(number)s"),
    False: note_text("%(supplier)s : votre compte client"),
}
_WRITES = {
    True: note_text("%(author)s (%(supplier)s) vous écrit au sujet de la facture %(number)s :"),
    False: note_text("%(author)s (%(supplier)s) vous écrit au sujet de votre compte :"),
}
_WROTE = {
    True: note_text("%(name)s vous a écrit, facture %(number)s"),
    False: note_text("%(name)s vous a écrit"),
}
_CONFIRM = note_text("%(supplier)s : confirmez votre message, facture %(number)s")
_WRITTEN = note_text(
    "Un message a été écrit à %(supplier)s depuis le lien de paiement de la facture %(number)s. S'il est de vous ou de "
    "l'un de vos collègues, lisez-le et confirmez-le : il partira aussitôt."
)
_NOT_YOURS = note_text("Sinon, ne faites rien : il ne partira pas, et sera oublié dans deux jours.")
_FILES = note_text("Pièces jointes : %(files)s")
_BY_MAIL = note_text("Pour répondre, répondez à ce courriel.")
_ON_PAGE = note_text("Lire et répondre sur votre page")
_ON_INVOICE = note_text("Voir la facture et nous écrire")


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a mail goes to; ``signs_in``: whether they have a page of their own."""

    email: str
    language: str
    signs_in: bool


def reader_at(services: Services, work: Work, subject: Subject, messages: list[Message]) -> Reader | None:
    """Who reads an answer: whoever wrote last, where they are known to be the customer's; else the customer's contact.

    Never an address that nobody but the mail itself vouches for.
    """
    last = next((each for each in reversed(messages) if each.side is Side.CUSTOMER and each.known), None)
    contact = recipient_for(work, subject.customer_id, "billing")
    spoken = contact.language if contact else get_customer(work, subject.customer_id).language
    wanted = [_address_of(services, last), contact.email if contact else None]
    for email in wanted:
        if email and not closed_addresses(work, [email]):
            return _reader(services, work, subject, email, spoken)
    return None


def belongs_to_customer(services: Services, work: Work, subject: Subject, email: str) -> bool:
    """Whether an address is one that the customer has told us of: its own, a contact's, or of who signs in."""
    contacts = contacts_of(work, [subject.customer_id])[subject.customer_id]
    if email in {get_customer(work, subject.customer_id).email, *(each.email for each in contacts)}:
        return True
    person = find_person(services.database, email)
    return person is not None and _signs_in(services, work, subject, person.person_id)


def write_message_mail(services: Services, work: Work, thread: Thread, message_id: UUID) -> bool:
    """Put the mail with a message of ours into the book, once; whether there is an address to write to."""
    messages = messages_in(work, thread.thread_id)
    message = next(each for each in messages if each.message_id == message_id)
    reader = reader_at(services, work, thread.subject, messages)
    if reader is None:
        return False
    speak = catalogue(known_language(reader.language))
    answer_to = reply_address(services.settings, services.keyring, work, thread.subject, reader.email)
    supplier = supplier_name(work)
    page = _letter(work, thread, message, supplier, known_language(reader.language))
    page = replace(
        page,
        button=_link(services, work, thread, reader, speak),
        mark=f"{MARK} {speak.gettext(_ABOVE)} -##" if answer_to else None,
        note=speak.gettext(_BY_MAIL) if answer_to else None,
    )
    envelope = Envelope(
        "message",
        f"message/{message_id}",
        reader.email,
        thread.invoice_id,
        _files(work, message),
        reply_to=formataddr((_line(supplier), answer_to)) if answer_to else None,
    )
    keep_page(work, page, envelope)
    return True


def tell_collector(services: Services, work: Work, said: Said) -> bool:
    """Tell whoever answers that a customer has written, once; whether there is such a person."""
    thread = said.thread
    person_id = thread.assigned_to or customer_file(work, thread.customer_id).collector_id
    person = get_person(services.database, person_id) if person_id else None
    if person is None or not said.is_new or not _works_here(services, work, person.person_id):
        return False
    message = next(each for each in messages_in(work, thread.thread_id) if each.message_id == said.message_id)
    values = {
        "number": get_invoice(work, thread.invoice_id).number if thread.invoice_id else "",
        "name": get_customer(work, thread.customer_id).name,
        "author": message.author,
        "url": f"{services.settings.public_url}{staff_path(thread.subject)}",
    }
    page = told_page(values, message.said, known_language(person.language))
    keep_page(work, page, Envelope("message_told", f"message-told/{said.message_id}", person.email, thread.invoice_id))
    return True


def write_held_mail(services: Services, work: Work, held: Held, token: str) -> None:
    """Ask the customer's own mailbox whether a message from a pay link is theirs.

    The mail does not repeat what was written: whoever found the link must not be able to write to the customer.
    """
    values = {
        "supplier": supplier_name(work),
        "number": get_invoice(work, held.invoice_id).number,
        "url": f"{services.settings.public_url}/m/{token}",
    }
    page = held_page(values, known_language(held.language))
    keep_page(work, page, Envelope("message_held", f"held/{held.held_id}", held.recipient, held.invoice_id))


def told_page(values: Mapping[str, str], said: str, spoken: str) -> MailPage:
    """What whoever answers is told; ``values`` are ``name``, ``number`` or nothing, ``author`` and ``url``."""
    speak = catalogue(spoken).gettext
    excerpt = said if len(said) <= MOST_EXCERPT else said[:MOST_EXCERPT].rstrip() + " [...]"
    return MailPage(
        subject=_line(speak(_WROTE[bool(values["number"])]) % values),
        preheader=excerpt,
        greeting="",
        paragraphs=(f"{values['author']}{colon(spoken)}", excerpt),
        button=(speak(note_text("Lire et répondre")), values["url"]),
        note=speak(note_text("Ne répondez pas à ce courriel : le client ne le lirait pas.")),
        language=spoken,
    )


def held_page(values: Mapping[str, str], spoken: str) -> MailPage:
    """What the customer's own mailbox is asked; ``values`` are ``supplier``, ``number`` and ``url``."""
    speak = catalogue(spoken).gettext
    return MailPage(
        subject=_line(speak(_CONFIRM) % values),
        preheader=speak(_NOT_YOURS),
        greeting=speak("Bonjour,"),
        paragraphs=(speak(_WRITTEN) % values,),
        button=(speak(note_text("Lire et confirmer")), values["url"]),
        note=speak(_NOT_YOURS),
        language=spoken,
    )


def thread_path(subject: Subject) -> str:
    """Where a customer who signs in reads a conversation."""
    return f"/c/messages/invoices/{subject.invoice_id}" if subject.invoice_id else "/c/messages/account"


def staff_path(subject: Subject) -> str:
    """Where the supplier's people read it."""
    if subject.invoice_id:
        return f"/s/messages/invoices/{subject.invoice_id}"
    return f"/s/messages/customers/{subject.customer_id}"


def _letter(work: Work, thread: Thread, message: Message, supplier: str, spoken: str) -> MailPage:
    number = get_invoice(work, thread.invoice_id).number if thread.invoice_id else ""
    files = tuple(plain_name(each.filename) for each in message.files)
    return message_page({"supplier": supplier, "author": message.author, "number": number}, message.said, files, spoken)


def message_page(values: Mapping[str, str], said: str, files: tuple[str, ...], spoken: str) -> MailPage:
    """What a message of ours says in its mail; ``values`` are ``supplier``, ``author`` and ``number`` or nothing."""
    speak, has_invoice = catalogue(spoken).gettext, bool(values["number"])
    parts = [speak(_WRITES[has_invoice]) % values]
    parts += [said] if said else []
    parts += [speak(_FILES) % {"files": ", ".join(files)}] if files else []
    return MailPage(
        subject=_line(speak(_SUBJECTS[has_invoice]) % values),
        preheader=said,
        greeting=speak("Bonjour,"),
        paragraphs=tuple(parts),
        language=spoken,
    )


def _files(work: Work, message: Message) -> tuple[MailFile, ...]:
    """The files of a message, for those who have no page to fetch them from."""
    kept = [find_message_file(work, each.document_id) for each in message.files]
    return tuple(MailFile(plain_name(each.filename), each.mime, each.sha256, each.size_bytes) for each in kept if each)


def _link(
    services: Services, work: Work, thread: Thread, reader: Reader, speak: NullTranslations
) -> tuple[str, str] | None:
    """Where to go on: the reader's own page, or the invoice behind its link."""
    if reader.signs_in:
        return speak.gettext(_ON_PAGE), f"{services.settings.public_url}{thread_path(thread.subject)}"
    if thread.invoice_id:
        return speak.gettext(_ON_INVOICE), services.pay_link(work, thread.invoice_id, "mail")
    return None


def _line(text: str) -> str:
    """A header is one line: names of customers and suppliers come from files of others."""
    return " ".join(text.split())


def _works_here(services: Services, work: Work, person_id: UUID) -> bool:
    """Whether somebody is still one of the supplier's people: who has left reads nothing more."""
    found = memberships_of(services.database, person_id)
    return any(each.is_staff and each.supplier_id == work.supplier_id for each in found)


def _reader(services: Services, work: Work, subject: Subject, email: str, language: str) -> Reader:
    person = find_person(services.database, email)
    if person is not None and _signs_in(services, work, subject, person.person_id):
        return Reader(email, person.language, signs_in=True)
    return Reader(email, language, signs_in=False)


def _signs_in(services: Services, work: Work, subject: Subject, person_id: UUID) -> bool:
    return any(
        each.supplier_id == work.supplier_id and each.customer_id == subject.customer_id
        for each in memberships_of(services.database, person_id)
    )


def _address_of(services: Services, message: Message | None) -> str | None:
    """From where a message was written."""
    if message is None or not message.actor.startswith(PERSON):
        return message.address if message else None
    person = get_person(services.database, UUID(message.actor.removeprefix(PERSON)))
    return person.email if person else None
