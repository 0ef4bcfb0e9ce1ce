"""Conversations of the demonstration: one that waits for an answer, one that is closed, with a note and a template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.access.people import find_person
from portal.mail.message_mails import write_message_mail
from receivables.domain.conversations.messages import Channel, Side, Subject, Template
from receivables.services.conversations.messaging import Say, close_thread, say, set_template, write_note

if TYPE_CHECKING:
    from uuid import UUID

    from portal.access.people import Person
    from portal.wiring import Services
    from receivables.services.conversations.messaging import Said
    from receivables.store.work import Work


def add_messages(services: Services, supplier_id: UUID, customer_id: UUID, payer: str, collector: str) -> int:
    """Let the customer and the collector (by their addresses) talk; returns how many conversations there are."""
    customer, colleague = (find_person(services.database, each) for each in (payer, collector))
    assert customer is not None  # noqa: S101 -- the story lets both in before
    assert colleague is not None  # noqa: S101 -- same
    with services.works.begin(supplier_id) as work:
        invoices = work.rows(
            "SELECT invoice_id FROM invoices WHERE supplier_id = :supplier AND customer_id = :customer "
            "AND type_code = '380' ORDER BY issued_on DESC, invoice_id LIMIT 1",
            customer=customer_id,
        )
        account = Subject(customer_id)
        _say(work, account, customer, "Bonjour, notre service comptable déménage : rien ne change pour vos factures.")
        done = _say(work, account, colleague, "Bonjour, merci de nous prévenir. Bon déménagement !", Side.SUPPLIER)
        write_message_mail(services, work, done.thread, done.message_id)
        close_thread(work, done.thread.thread_id, _actor(colleague))
        for row in invoices:
            about = Subject(customer_id, row["invoice_id"])
            _say(work, about, customer, "Bonjour, pouvez-vous confirmer le numéro de commande de cette facture ?")
            note = "Le commercial cherche le bon de commande ; réponse promise avant jeudi."
            write_note(work, about, _actor(colleague), colleague.name, note, once="demo")
        body = "Bonjour,\n\nLe bon de commande de la facture {facture} est joint.\n\nCordialement,\n{signature}"
        set_template(work, Template(None, "Bon de commande joint", body), _actor(colleague))
    return 1 + len(invoices)


def _say(work: Work, subject: Subject, person: Person, said: str, side: Side = Side.CUSTOMER) -> Said:
    return say(work, Say(subject, side, Channel.PAGE, _actor(person), person.name, said, f"demo {said[:20]}"))


def _actor(person: Person) -> str:
    return f"person {person.person_id}"
