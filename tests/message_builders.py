"""A conversation with a file and a note, for tests of pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.keeping import KeptFile
from portal.documents.attachments import Attachments
from portal.documents.message_files import keep_message_files
from receivables.domain.conversations.messages import Channel, Side, Subject
from receivables.services.conversations.messaging import Say, say, write_note

if TYPE_CHECKING:
    from uuid import UUID

    from portal_house import House

TALKS: dict[UUID, dict[str, str]] = {}


def message_things(house: House) -> dict[str, str]:
    """A message with a file about the paid invoice, by its id; made once."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in TALKS:
        subject = Subject(house.customer_id, house.invoices["paid"].invoice_id)
        author = house.people["customer"]
        with house.services.works.begin(supplier_id) as work:
            files = Attachments((KeptFile(b"%PDF-1.7 said", "0a1b2c3d-bon.pdf", "application/pdf"),))
            documents = keep_message_files(house.services, work, files)
            actor = f"person {author.person_id}"
            command = Say(
                subject, Side.CUSTOMER, Channel.PAGE, actor, author.name, "Il manque deux cartons.", "1", documents
            )
            done = say(work, command)
            say(work, Say(subject, Side.SUPPLIER, Channel.PAGE, "test", "Camille", "Ils partent demain.", "2"))
            write_note(work, subject, "test", "Camille", "Vu avec l'entrepôt.", once="1")
        TALKS[supplier_id] = {"said": str(done.message_id)}
    return TALKS[supplier_id]
