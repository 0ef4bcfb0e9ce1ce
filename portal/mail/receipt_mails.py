"""The mail to a payer: the receipt of a payment, or that it is on its way, failed, came back unpaid, was refunded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from payments.banking.by_hand import printed_reference
from payments.paying.told import find_payment
from payments.refunds.sending import went_by_transfer
from payments.refunds.telling import refunded_minor
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.mail.readers import reader_of
from portal.mailbox.addresses import named_reply_address
from portal.words import catalogue, day, money, note_text
from receivables.domain.conversations.messages import Subject
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from payments.paying.told import ToldPayment
    from portal.wiring import Services
    from receivables.store.outbox import Announcement
    from receivables.store.work import Work

_WORDS = {
    "paid": (
        note_text("%(supplier)s : paiement reçu, %(amount)s"),
        note_text("Nous avons bien reçu votre paiement. Merci."),
        note_text("Voir et imprimer le reçu"),
        note_text("reçu le %(day)s"),
    ),
    "in_flight": (
        note_text("%(supplier)s : paiement en cours, %(amount)s"),
        note_text(
            "Votre paiement est en cours. Pour un prélèvement, la banque répond sous 14 jours ouvrés. Vous n'avez rien "
            "à faire."
        ),
        note_text("Suivre ce paiement"),
        note_text("en cours, pas encore reçu"),
    ),
    "failed": (
        note_text("%(supplier)s : votre paiement de %(amount)s n'a pas abouti"),
        note_text(
            "Votre banque a rejeté votre paiement. Rien n'a été encaissé. Vérifiez votre compte, ou payez par un autre "
            "moyen."
        ),
        note_text("Payer de nouveau"),
        note_text("à payer de nouveau"),
    ),
    "returned": (
        note_text("%(supplier)s : votre paiement de %(amount)s est revenu impayé"),
        note_text(
            "Votre banque a repris votre paiement du %(day)s : cette somme est de nouveau à payer. Si vous l'avez déjà "
            "réglée autrement, la page le montre."
        ),
        note_text("Payer de nouveau"),
        note_text("à payer de nouveau"),
    ),
}
_REFUND = (
    note_text("%(supplier)s : remboursement de %(amount)s"),
    note_text(
        "Nous vous avons remboursé. L'argent revient sur la carte ou le compte d'où il venait, selon votre banque sous "
        "quelques jours."
    ),
    note_text("Nous vous avons remboursé par virement. L'argent arrive sur votre compte sous un jour ouvré ou deux."),
    note_text("Voir ce paiement"),
    note_text("remboursés sur un paiement de %(paid)s reçu le %(day)s"),
)
_REFUNDED = "refunded"
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
        reader = reader_of(work, customer, "payment")
        if reader is None:
            return
        spoken = reader.spoken
        page = receipt_page(payment, told, supplier_name(work), spoken, _link(services, work, payment, told))
        values = _values(payment, spoken) | {"client": customer.name}
        envelope = _envelope(
            services, work, payment, kind=f"receipt_{told}", email=reader.email, key=told, values=values
        )
        keep_page(work, page, envelope)


def write_refund_mail(services: Services, supplier_id: UUID, fact: Announcement) -> None:
    """Write the mail of a refund, where its customer has an address and the money did not come back to us."""
    refund_ref = str(fact.payload["refund_ref"])
    with services.works.begin(supplier_id) as work:
        payment = find_payment(work, UUID(fact.payload["attempt_id"]))
        minor = refunded_minor(work, payment.attempt_id, refund_ref) if payment else 0
        customer = get_customer(work, payment.customer_id) if payment else None
        reader = reader_of(work, customer, "payment") if customer else None
        if payment is None or customer is None or reader is None or minor <= 0:
            return
        spoken = reader.spoken
        refund = Refund(
            minor,
            by_transfer=went_by_transfer(refund_ref),
            open_again=tuple(
                (due.number, due.open_minor)
                for due in due_on_invoices(work, [part.invoice_id for part in payment.parts])
                if due.open_minor > 0
            ),
        )
        url = _link(services, work, payment, _REFUNDED)
        page = refund_page(payment, refund, supplier_name(work), spoken, url)
        values = _values(payment, spoken) | {
            "client": customer.name,
            "montant": money(minor, payment.currency, spoken),
        }
        envelope = _envelope(
            services, work, payment, kind=f"receipt_{_REFUNDED}", email=reader.email, key=refund_ref, values=values
        )
        keep_page(work, page, envelope)


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back, in minor units; ``open_again``: invoices of the payment with what is to be paid on them."""

    amount_minor: int
    by_transfer: bool
    open_again: tuple[tuple[str, int], ...] = ()


def refund_page(payment: ToldPayment, refund: Refund, supplier: str, spoken: str, url: str) -> MailPage:
    """What the mail about a refund says: how much, by which road, and what is to be paid now."""
    speak = catalogue(spoken).gettext
    amount = money(refund.amount_minor, payment.currency, spoken)
    told = {
        "supplier": supplier,
        "amount": amount,
        "paid": money(payment.received_minor, payment.currency, spoken),
        "day": day(payment.received_on, spoken) if payment.received_on else "",
    }
    subject, to_source, by_transfer, button, caption = (speak(each) % told for each in _REFUND)
    left = speak(note_text("Reste à payer sur %(number)s"))
    facts = [(speak("Facture"), ", ".join(part.number for part in payment.parts))] if payment.parts else []
    facts += [
        (left % {"number": number}, money(minor, payment.currency, spoken)) for number, minor in refund.open_again
    ]
    return MailPage(
        subject=subject,
        preheader=caption,
        greeting=speak("Bonjour,"),
        paragraphs=(by_transfer if refund.by_transfer else to_source,),
        figure=(amount, caption),
        facts=tuple(facts),
        button=(button, url),
        language=spoken,
    )


def receipt_page(payment: ToldPayment, told: str, supplier: str, spoken: str, url: str) -> MailPage:
    """What the mail about a payment says; ``told`` is one of the keys of the words above."""
    speak, values = catalogue(spoken).gettext, _values(payment, spoken)
    subject, opening, button, caption = (
        speak(each) % {"supplier": supplier, "day": values["jour"], "amount": values["montant"]}
        for each in _WORDS[told]
    )
    several = len(payment.parts) > 1
    facts = [
        (part.number, money(part.amount_minor, payment.currency, spoken))
        if several
        else (speak("Facture"), part.number)
        for part in payment.parts
    ]
    if payment.reference and told == "paid":
        facts.append((speak(note_text("Référence")), printed_reference(payment.reference)))
    return MailPage(
        subject=subject,
        preheader=f"{values['montant']}, {values['factures']}",
        greeting=speak("Bonjour,"),
        paragraphs=(opening,),
        figure=(values["montant"], caption),
        facts=tuple(facts),
        button=(button, url),
        language=spoken,
    )


def _envelope(
    services: Services, work: Work, payment: ToldPayment, *, kind: str, email: str, key: str, values: dict[str, str]
) -> Envelope:
    """To the payer; answers go to the conversation about the invoice, or about the account where it paid several."""
    invoice_id = payment.parts[0].invoice_id if payment.parts else None
    about = Subject(payment.customer_id, invoice_id if len(payment.parts) == 1 else None)
    answers = named_reply_address(services.settings, services.keyring, work, about, email, name=supplier_name(work))
    return Envelope(kind, f"receipt/{payment.attempt_id}/{key}", email, invoice_id, reply_to=answers, values=values)


def _values(payment: ToldPayment, spoken: str) -> dict[str, str]:
    return {
        "montant": money(payment.received_minor or payment.amount_minor, payment.currency, spoken),
        "jour": day(payment.received_on, spoken) if payment.received_on else "",
        "factures": ", ".join(part.number for part in payment.parts) or "-",
    }


def _link(services: Services, work: Work, payment: ToldPayment, told: str) -> str:
    """Where to see the payment; where it came to nothing, where to pay again."""
    if len(payment.parts) == 1:
        link = services.pay_link(work, payment.parts[0].invoice_id, "mail")
        return link if told in UNPAID else f"{link}/receipts/{payment.attempt_id}"
    own = f"{services.settings.public_url}/c"
    return f"{own}/pay" if told in UNPAID else f"{own}/payments/{payment.attempt_id}"


def _is_told_elsewhere(work: Work, payment: ToldPayment) -> bool:
    """Whether it was collected by a standing agreement, whose failure has its own mail (`portal.mail.debit_mails`)."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM collections_announced AS told WHERE told.supplier_id = :supplier "
            "AND told.attempt_id = :attempt AND (:failed OR EXISTS (SELECT 1 FROM debits "
            "WHERE debits.supplier_id = :supplier AND debits.attempt_id = told.attempt_id)))",
            attempt=payment.attempt_id,
            failed=payment.state == "failed",
        )
    )
