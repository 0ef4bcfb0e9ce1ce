"""The quarantine of a change of account: who is told, when it ends, what a lone owner does (docs/iban.md).

Nobody is ever sent an account number: mails name its last four digits and say where to look it up.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING

from config.clock import now
from payments.bank_accounts import activate_account, change_under_way, is_ripe
from portal.access.roles import BOOKKEEPING
from portal.mail.book import Envelope, dress, keep_mail, keep_mails, mail_of
from portal.mail.page import MailPage
from portal.mail.staff_mails import staff_of
from portal.words import catalogue, known_language, note_text
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from config.database import Database
    from payments.bank_accounts import BankAccount
    from portal.access.people import Person
    from portal.access.sign_in_mail import Mail
    from portal.wiring import Services
    from receivables.store.work import Work

LINK_PURPOSE = "iban-confirm"
_HELLO = note_text("Bonjour,")
_WORDS = {
    "iban_proposed": (
        note_text("%(supplier)s : un changement d'IBAN attend votre confirmation"),
        note_text(
            "%(who)s propose que vos clients paient désormais sur le compte de %(holder)s qui finit par %(last4)s. Si "
            "ce n'est pas prévu, refusez : appelez d'abord cette personne, à un numéro que vous connaissez. Rien ne "
            "change avant 72 heures et votre confirmation."
        ),
    ),
    "iban_alone": (
        note_text("%(supplier)s : confirmez votre changement d'IBAN"),
        note_text(
            "Les 72 heures sont écoulées. Vous êtes seul à pouvoir confirmer le compte qui finit par %(last4)s : "
            "ouvrez ce lien, connecté. Si vous n'avez rien demandé, n'ouvrez rien : refusez le changement et changez "
            "l'accès à votre messagerie."
        ),
    ),
    "iban_changed": (
        note_text("%(supplier)s : notre compte bancaire a changé"),
        note_text(
            "Nos virements arrivent désormais sur le compte de %(holder)s qui finit par %(last4)s. Ne recopiez jamais "
            "un IBAN depuis un courriel, pas même celui-ci : ouvrez le lien de paiement imprimé sur une facture que "
            "vous avez déjà, puis « Vérifier notre IBAN ». En cas de doute, appelez-nous à un numéro que vous "
            "connaissez."
        ),
    ),
}


def deciders_of(database: Database, supplier_id: UUID) -> list[Person]:
    """The people who decide about the account at a supplier."""
    return staff_of(database, supplier_id, BOOKKEEPING)


def name_of(person: Person) -> str:
    """How a person is called in the audit trail."""
    return f"person {person.person_id}"


def tell_deciders(services: Services, work: Work, change: BankAccount, who: str) -> None:
    """Tell everybody else who may confirm that a change was proposed."""
    for person in deciders_of(services.database, work.supplier_id):
        if name_of(person) != change.proposed_by:
            letter = _letter(
                work, "iban_proposed", person.language, change, f"{services.settings.public_url}/s/iban", who=who
            )
            _keep(work, letter, f"iban/{change.bank_account_id}/proposed/{person.person_id}", person.email)


def confirm_key(services: Services, change: BankAccount) -> str:
    """What a lone owner's mailed link carries: only our mail can know it."""
    assert change.bank_account_id is not None  # noqa: S101 -- a change has a row
    return services.keyring.derive(LINK_PURPOSE, change.bank_account_id.bytes).hex()


def is_confirm_key(services: Services, change: BankAccount, given: str) -> bool:
    """Whether ``given`` comes from the mail."""
    return hmac.compare_digest(confirm_key(services, change).encode(), given.encode())


def run_quarantine(services: Services, supplier_id: UUID) -> bool:
    """End a quarantine whose time has come: tell payers and change the account, in one; whether it changed.

    Where only one person decides, they are mailed a link once the 72 hours are over.
    """
    with services.works.begin(supplier_id) as work:
        change = change_under_way(work)
        if change is None or change.bank_account_id is None:
            return False
        if is_ripe(change):
            tell_payers(work, change, services.settings.public_url)
            activate_account(work, change.bank_account_id)
            return True
        if change.state == "proposed" and change.active_from <= now():
            deciders = deciders_of(services.database, supplier_id)
            if [name_of(each) for each in deciders] == [change.proposed_by]:
                _mail_link(services, work, change, deciders[0])
    return False


def tell_payers(work: Work, change: BankAccount, public_url: str) -> int:
    """Write to every customer with an open invoice and an address, once per change; returns how many were new."""
    rows = work.rows(
        "SELECT DISTINCT customer_id, email, language FROM customers "
        "JOIN receivable_items USING (supplier_id, customer_id) "
        "WHERE supplier_id = :supplier AND receivable_items.kind = 'invoice' AND open_minor > 0 AND email IS NOT NULL"
    )
    letters = {
        spoken: _letter(work, "iban_changed", spoken, change, f"{public_url}/c/iban")
        for spoken in {known_language(row["language"]) for row in rows}
    }
    return keep_mails(
        work,
        [
            replace(
                letters[known_language(row["language"])],
                mail_key=f"iban/{change.bank_account_id}/{row['customer_id']}",
                recipient=row["email"],
            )
            for row in rows
        ],
    )


def _mail_link(services: Services, work: Work, change: BankAccount, person: Person) -> None:
    url = f"{services.settings.public_url}/s/iban?key={confirm_key(services, change)}"
    letter = _letter(work, "iban_alone", person.language, change, url)
    _keep(work, letter, f"iban/{change.bank_account_id}/alone", person.email)


def _letter(work: Work, kind: str, language: str | None, change: BankAccount, url: str, *, who: str = "") -> Mail:
    """A mail about the account, to nobody yet."""
    envelope = Envelope(kind, "", "")
    page = iban_page(
        kind,
        {"supplier": supplier_name(work), "who": who, "holder": change.holder, "last4": change.iban[-4:], "url": url},
        known_language(language),
    )
    return mail_of(dress(work, page, envelope), envelope)


def iban_page(kind: str, told: Mapping[str, str], spoken: str) -> MailPage:
    """What a mail about the supplier's bank account says."""
    speak = catalogue(spoken).gettext
    subject, sentence = (speak(each) % told for each in _WORDS[kind])
    return MailPage(
        subject=subject,
        preheader=sentence,
        greeting=speak(_HELLO),
        paragraphs=(sentence,),
        facts=(
            (speak(note_text("Titulaire")), told["holder"]),
            (speak(note_text("Compte finissant par")), told["last4"]),
        ),
        button=(speak(note_text("Voir le compte")), told["url"]) if told["url"] else None,
        language=spoken,
    )


def _keep(work: Work, letter: Mail, key: str, recipient: str) -> None:
    keep_mail(work, replace(letter, mail_key=key, recipient=recipient))
