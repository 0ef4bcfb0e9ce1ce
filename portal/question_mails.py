"""The mail to a customer who is asked whether a payment is theirs; it says no more than their page does."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from markupsafe import Markup

from payments.matching.asking import question_to_tell
from portal.access.sign_in_mail import Mail
from portal.mails import keep_mail
from portal.words import day, known_language, money
from receivables.store.customers import get_customer
from receivables.store.overviews import supplier_name

if TYPE_CHECKING:
    from portal.wiring import Services
    from receivables.store.outbox import Announcement

_WORDS = {
    "fr": (
        "{supplier} : ce paiement de {amount} est-il le vôtre ?",
        "Bonjour,",
        (
            "Nous avons reçu {amount} le {day} sans savoir de qui ni pour quelle facture. Si ce paiement est le vôtre, "
            "dites-nous ce qu'il règle ; sinon, répondez non. Nous ne demandons ni mot de passe ni compte bancaire."
        ),
        "Répondre dans votre espace :",
    ),
    "en": (
        "{supplier}: is this payment of {amount} yours?",
        "Hello,",
        (
            "We received {amount} on {day} and do not know from whom or for which invoice. If this payment is yours, "
            "tell us what it pays; if not, answer no. We ask for no password and no bank account."
        ),
        "Answer in your account:",
    ),
}


def write_question_mail(services: Services, supplier_id: UUID, fact: Announcement) -> None:
    """Ask by mail, once, where the question still stands and the customer has an address."""
    with services.works.begin(supplier_id) as work:
        told = question_to_tell(work, UUID(fact.payload["question_id"]))
        if told is None:
            return
        customer_id, question = told
        customer = get_customer(work, customer_id)
        if customer.email is None:
            return
        spoken = known_language(customer.language)
        values = {
            "supplier": supplier_name(work),
            "amount": money(question.amount_minor, question.currency, spoken),
            "day": day(question.booked_on, spoken),
        }
        subject, hello, sentence, invite = (each.format(**values) for each in _WORDS[spoken])
        url = f"{services.settings.public_url}/c/questions/{question.question_id}"
        keep_mail(
            work,
            Mail(
                mail_key=f"question/{question.question_id}",
                recipient=customer.email,
                subject=subject,
                text_body=f"{hello}\n\n{sentence}\n\n{invite}\n{url}\n\n{values['supplier']}\n",
                html_body=str(
                    Markup('<p>{}</p><p>{}</p><p><a href="{}">{}</a></p><p>{}</p>').format(
                        hello, sentence, url, invite, values["supplier"]
                    )
                ),
            ),
        )
