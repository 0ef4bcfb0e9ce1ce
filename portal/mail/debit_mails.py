"""Mails about debits: announcements, codes, failures, and the question why money was taken back; each once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now, today
from payments.autopay.agreements import collections_to_tell
from payments.autopay.agreements import note_told as note_collections_told
from payments.autopay.collecting import run_autopay
from payments.debits.planning import debits_to_tell, note_told
from payments.debits.tasks import NewTask, open_task
from portal.access.sign_in_mail import SIGN_IN_MAILS
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.mail.readers import reader_of
from portal.words import catalogue, day, money, note_text
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from payments.debits.codes import SentCode
    from payments.debits.planning import Told
    from portal.wiring import Services
    from receivables.store.work import Work

LATELY = timedelta(days=3)
_WORDS = {
    "debit_announced": (
        note_text("%(supplier)s : prélèvement de %(amount)s le %(day)s"),
        note_text(
            "Nous prélèverons %(amount)s le %(day)s pour la facture %(number)s, sur votre compte finissant par "
            "%(last4)s (mandat %(rum)s, ICS %(ics)s). Si vous payez avant, ce montant baisse d'autant."
        ),
    ),
    "debit_again": (
        note_text("%(supplier)s : nouvelle présentation d'un prélèvement le %(day)s"),
        note_text(
            "Votre banque n'a pas pu payer le prélèvement de la facture %(number)s. Nous le présenterons une seconde "
            "fois, %(amount)s, le %(day)s, sur votre compte finissant par %(last4)s (mandat %(rum)s, ICS %(ics)s)."
        ),
    ),
    "debit_moved": (
        note_text("%(supplier)s : prélèvement reporté au %(day)s"),
        note_text(
            "Le prélèvement annoncé pour la facture %(number)s se fera plus tard : %(amount)s le %(day)s, sur votre "
            "compte finissant par %(last4)s (mandat %(rum)s, ICS %(ics)s)."
        ),
    ),
    "collection": (
        note_text("%(supplier)s : encaissement de %(amount)s le %(day)s"),
        note_text(
            "Comme convenu, nous encaisserons %(amount)s le %(day)s pour la facture %(number)s (%(label)s). Si vous "
            "payez avant, ce montant baisse d'autant."
        ),
    ),
    "collection_failed": (
        note_text("%(supplier)s : l'encaissement de la facture %(number)s a échoué"),
        note_text(
            "Nous n'avons pas pu encaisser %(amount)s pour la facture %(number)s. Nous ne réessayons pas sans vous : "
            "payez par un autre moyen, ou vérifiez votre compte."
        ),
    ),
    "debit_why": (
        note_text("%(supplier)s : pourquoi ce remboursement ? Facture %(number)s"),
        note_text(
            "Votre banque a repris, à votre demande, le prélèvement de la facture %(number)s. Dites-nous pourquoi sur "
            "la page de la facture : nous ne vous relançons pas avant d'avoir lu votre réponse."
        ),
    ),
}
_ON = note_text("prélevés le %(day)s")
_CAPTIONS = {
    "debit_announced": _ON,
    "debit_again": _ON,
    "debit_moved": _ON,
    "collection": note_text("encaissés le %(day)s"),
    "collection_failed": note_text("à régler autrement"),
}
_BUTTON = note_text("Voir la facture")


def tend_debits(services: Services, supplier_id: UUID) -> None:
    """Everything about debits that needs no hand: plan and collect what was agreed, tell payers, tell what failed."""
    run_autopay(services.works, supplier_id, services.gateway_for)
    services.works.run(supplier_id, lambda work: tell_payers(services, work))


def tell_payers(services: Services, work: Work) -> None:
    """Write the mails that are due; what is written counts as told."""
    debits = debits_to_tell(work)
    note_told(work, [each for each in debits if _tell_debit(services, work, each)])
    told = []
    for each in collections_to_tell(work):
        values = {"label": each.label, "day": each.collect_on}
        key = f"collection/{each.announcement_id}"
        if _write(services, work, each.invoice_id, each.customer_id, key, "collection", each.amount_minor, values):
            told.append(each.announcement_id)
    note_collections_told(work, told)
    for each in collections_to_tell(work, failed=True):
        key = f"collection/{each.announcement_id}/failed"
        _write(services, work, each.invoice_id, each.customer_id, key, "collection_failed", each.amount_minor, {})
    _ask_why(services, work)


def write_code_mail(work: Work, sent: SentCode, language: str) -> None:
    """The mail that carries a code; nobody of the supplier reads it."""
    page = code_page(sent.code, language)
    keep_page(work, page, Envelope("consent_code", f"{SIGN_IN_MAILS}consent/{sent.code_id}", sent.recipient))


def code_page(code: str, spoken: str) -> MailPage:
    """What the mail with a code to sign by says."""
    speak = catalogue(spoken).gettext
    ignore = speak(note_text("Vous n'avez rien demandé ? Ignorez ce message et prévenez votre fournisseur."))
    return MailPage(
        subject=speak(note_text("Votre code de signature")),
        preheader=ignore,
        greeting=speak("Bonjour,"),
        paragraphs=(),
        code=(
            speak(
                note_text("Pour signer, saisissez ce code sur la page où vous l'avez demandé, dans les 15 minutes :")
            ),
            f"{code[:4]}-{code[4:]}",
        ),
        note=ignore,
        language=spoken,
    )


def _tell_debit(services: Services, work: Work, told: Told) -> bool:
    kind = "debit_moved" if told.moved else "debit_again" if told.once_more else "debit_announced"
    values = {"day": told.collect_on, "last4": told.iban_last4, "rum": told.rum, "ics": told.ics}
    key = f"debit/{told.debit_id}/{told.collect_on}"
    if _write(services, work, told.invoice_id, told.customer_id, key, kind, told.amount_minor, values):
        return True
    task = NewTask(f"debit {told.debit_id} untold", "no_address", None, told.customer_id, told.invoice_id)
    open_task(work, task)
    return False


def _ask_why(services: Services, work: Work) -> None:
    """Ask payers who had a debit refunded, once for each return."""
    rows = work.rows(
        "SELECT back.return_ref, back.amount_minor, part.invoice_id, attempt.customer_id FROM debit_returns AS back "
        "JOIN payment_attempts AS attempt USING (supplier_id, attempt_id) JOIN reservations AS part "
        "USING (supplier_id, attempt_id) WHERE back.supplier_id = :supplier AND back.changed_at > :since "
        "AND back.done::text LIKE '%dispute:%'",
        since=now() - LATELY,
    )
    for row in rows:
        key = f"debit-return/{row['return_ref']}/{row['invoice_id']}"
        _write(services, work, row["invoice_id"], row["customer_id"], key, "debit_why", row["amount_minor"], {})


def _write(  # noqa: PLR0917 -- one mail needs all of it
    services: Services,
    work: Work,
    invoice_id: UUID,
    customer_id: UUID,
    key: str,
    kind: str,
    amount_minor: int,
    values: Mapping[str, object],
) -> bool:
    """Put a mail about an invoice into the book, once by its key; whether the customer has an address."""
    reader = reader_of(work, get_customer(work, customer_id), "payment")
    if reader is None:
        return False
    spoken = reader.spoken
    invoice = work.row(
        "SELECT number, currency FROM invoices WHERE supplier_id = :supplier AND invoice_id = :id", id=invoice_id
    )
    assert invoice is not None  # noqa: S101 -- a foreign key leads here
    told = {
        **values,
        "supplier": supplier_name(work),
        "number": invoice["number"],
        "amount": money(amount_minor, invoice["currency"], spoken),
        "day": day(values.get("day") or today(), spoken),  # type: ignore[arg-type]
    }
    page = debit_page(kind, told, services.pay_link(work, invoice_id, "mail"), spoken)
    keep_page(work, page, Envelope(kind, key, reader.email, invoice_id))
    return True


def debit_page(kind: str, told: Mapping[str, object], url: str, spoken: str) -> MailPage:
    """What a mail about a debit or a collection says; the mandate stands in it as the rulebook asks (SDD, 4.3.4)."""
    speak = catalogue(spoken).gettext
    subject, sentence = (speak(each) % told for each in _WORDS[kind])
    shown = {
        note_text("Facture"): told["number"],
        note_text("Compte finissant par"): told.get("last4"),
        note_text("Référence du mandat (RUM)"): told.get("rum"),
        note_text("Identifiant créancier (ICS)"): told.get("ics"),
        note_text("Moyen de paiement"): told.get("label"),
    }
    return MailPage(
        subject=subject,
        preheader=sentence,
        greeting=speak("Bonjour,"),
        paragraphs=(sentence,),
        figure=(str(told["amount"]), speak(_CAPTIONS[kind]) % told) if kind in _CAPTIONS else None,
        facts=tuple((speak(label), str(value)) for label, value in shown.items() if value),
        button=(speak(_BUTTON), url),
        language=spoken,
    )
