"""The mail to a payer: the receipt of a payment, the word that one is on its way, failed, or came back unpaid."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from markupsafe import Markup

from payments.paying.told import find_payment
from portal.access.sign_in_mail import Mail
from portal.mails import keep_mail
from portal.words import day, known_language, money
from receivables.store.customers import get_customer
from receivables.store.overviews import supplier_name

if TYPE_CHECKING:
    from payments.paying.told import ToldPayment
    from portal.wiring import Services
    from receivables.store.outbox import Announcement
    from receivables.store.work import Work

_WORDS = {
    ("fr", "paid"): (
        "{supplier} : paiement reçu",
        "Bonjour,",
        "Nous avons reçu votre paiement de {amount} le {day}, pour {invoices}. Merci.",
        "Voir et imprimer le reçu :",
    ),
    ("en", "paid"): (
        "{supplier}: payment received",
        "Hello,",
        "We received your payment of {amount} on {day}, for {invoices}. Thank you.",
        "View and print the receipt:",
    ),
    ("fr", "in_flight"): (
        "{supplier} : paiement en cours",
        "Bonjour,",
        (
            "Votre paiement de {amount} pour {invoices} est en cours. Pour un prélèvement, la banque répond sous "
            "14 jours ouvrés. Vous n'avez rien à faire."
        ),
        "Suivre ce paiement :",
    ),
    ("en", "in_flight"): (
        "{supplier}: payment on its way",
        "Hello,",
        (
            "Your payment of {amount} for {invoices} is on its way. For a direct debit, the bank answers within "
            "14 working days. There is nothing for you to do."
        ),
        "Follow this payment:",
    ),
    ("fr", "failed"): (
        "{supplier} : votre paiement n'a pas abouti",
        "Bonjour,",
        (
            "Votre banque a rejeté votre paiement de {amount} pour {invoices}. Rien n'a été encaissé. Vérifiez votre "
            "compte, ou payez par un autre moyen."
        ),
        "Payer de nouveau :",
    ),
    ("en", "failed"): (
        "{supplier}: your payment did not go through",
        "Hello,",
        (
            "Your bank rejected your payment of {amount} for {invoices}. Nothing was collected. Check your account, or "
            "pay another way."
        ),
        "Pay again:",
    ),
    ("fr", "returned"): (
        "{supplier} : votre paiement est revenu impayé",
        "Bonjour,",
        (
            "Votre banque a repris votre paiement de {amount} du {day} pour {invoices} : cette somme est de nouveau à "
            "payer. Si vous l'avez déjà réglée autrement, la page le montre."
        ),
        "Payer de nouveau :",
    ),
    ("en", "returned"): (
        "{supplier}: your payment came back unpaid",
        "Hello,",
        (
            "Your bank took back your payment of {amount} of {day} for {invoices}: this amount is to be paid again. "
            "If you have settled it another way, the page shows it."
        ),
        "Pay again:",
    ),
}
UNPAID = frozenset({"failed", "returned"})
"""States that ask for another payment."""


def write_receipt_mail(services: Services, supplier_id: UUID, fact: Announcement) -> None:
    """Write the mail of one payment, where its customer has an address and it still stands as it was told."""
    told = str(fact.payload["state"])
    with services.works.begin(supplier_id) as work:
        payment = find_payment(work, UUID(fact.payload["attempt_id"]))
        if payment is None or payment.state != told or (told in UNPAID and _is_told_elsewhere(work, payment)):
            return  # a debit that was faster than this mail, or money that went back: its own mail tells
        customer = get_customer(work, payment.customer_id)
        if customer.email is None:
            return
        spoken = known_language(customer.language)
        supplier, url = supplier_name(work), _link(services, work, payment, told)
        subject, hello, sentence, invite = _words(payment, told, supplier, spoken)
        keep_mail(
            work,
            Mail(
                mail_key=f"receipt/{payment.attempt_id}/{told}",
                recipient=customer.email,
                subject=subject,
                text_body=f"{hello}\n\n{sentence}\n\n{invite}\n{url}\n\n{supplier}\n",
                html_body=str(
                    Markup('<p>{}</p><p>{}</p><p><a href="{}">{}</a></p><p>{}</p>').format(
                        hello, sentence, url, invite, supplier
                    )
                ),
                invoice_id=payment.parts[0].invoice_id if payment.parts else None,
            ),
        )


def _words(payment: ToldPayment, told: str, supplier: str, spoken: str) -> tuple[str, ...]:
    """Subject, greeting, sentence and the words before the link."""
    values = {
        "supplier": supplier,
        "amount": money(payment.received_minor or payment.amount_minor, payment.currency, spoken),
        "day": day(payment.received_on, spoken) if payment.received_on else "",
        "invoices": ", ".join(part.number for part in payment.parts) or "-",
    }
    return tuple(each.format(**values) for each in _WORDS[spoken, told])


def _link(services: Services, work: Work, payment: ToldPayment, told: str) -> str:
    """Where to see the payment; where it came to nothing, where to pay again."""
    if len(payment.parts) == 1:
        link = services.pay_link(work, payment.parts[0].invoice_id, "mail")
        return link if told in UNPAID else f"{link}/receipts/{payment.attempt_id}"
    own = f"{services.settings.public_url}/c"
    return f"{own}/pay" if told in UNPAID else f"{own}/payments/{payment.attempt_id}"


def _is_told_elsewhere(work: Work, payment: ToldPayment) -> bool:
    """Whether it was collected by a standing agreement, whose failure has a mail of its own (`portal.debit_mails`)."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM collections_announced AS told WHERE told.supplier_id = :supplier "
            "AND told.attempt_id = :attempt AND (:failed OR EXISTS (SELECT 1 FROM debits "
            "WHERE debits.supplier_id = :supplier AND debits.attempt_id = told.attempt_id)))",
            attempt=payment.attempt_id,
            failed=payment.state == "failed",
        )
    )
