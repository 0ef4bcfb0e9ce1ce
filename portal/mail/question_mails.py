"""The mail to a customer who is asked whether a payment is theirs; it says no more than their page does."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from payments.matching.asking import question_to_tell
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.mail.readers import reader_of
from portal.words import catalogue, day, money, note_text
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from portal.wiring import Services
    from receivables.store.outbox import Announcement

_SUBJECT = note_text("%(supplier)s : ce paiement de %(amount)s est-il le vôtre ?")
_OPENING = note_text(
    "Nous avons reçu %(amount)s le %(day)s sans savoir de qui ni pour quelle facture. Si ce paiement est le vôtre, "
    "dites-nous ce qu'il règle ; sinon, répondez non."
)
_NOTE = note_text("Nous ne demandons ni mot de passe ni compte bancaire.")


def write_question_mail(services: Services, supplier_id: UUID, fact: Announcement) -> None:
    """Ask by mail, once, where the question still stands and the customer has an address."""
    with services.works.begin(supplier_id) as work:
        told = question_to_tell(work, UUID(fact.payload["question_id"]))
        if told is None:
            return
        customer_id, question = told
        reader = reader_of(work, get_customer(work, customer_id), "payment")
        if reader is None:
            return
        spoken = reader.spoken
        amount = money(question.amount_minor, question.currency, spoken)
        page = question_page(
            amount,
            day(question.booked_on, spoken),
            f"{services.settings.public_url}/c/questions/{question.question_id}",
            supplier_name(work),
            spoken,
        )
        envelope = Envelope("question", f"question/{question.question_id}", reader.email, values={"montant": amount})
        keep_page(work, page, envelope)


def question_page(amount: str, on: str, url: str, supplier: str, spoken: str) -> MailPage:
    """What the question says."""
    speak = catalogue(spoken).gettext
    told = {"supplier": supplier, "amount": amount, "day": on}
    return MailPage(
        subject=speak(_SUBJECT) % told,
        preheader=speak(_NOTE),
        greeting=speak("Bonjour,"),
        paragraphs=(speak(_OPENING) % told,),
        figure=(amount, speak(note_text("reçu le %(day)s")) % told),
        button=(speak(note_text("Répondre dans mon espace")), url),
        note=speak(_NOTE),
        language=spoken,
    )
