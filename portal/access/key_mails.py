"""A word by mail whenever a person's keys change: whoever did not do it learns of it (ASVS 6.3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import new_id, now
from portal.access.sign_in_mail import SIGN_IN_MAILS
from portal.mail.book import Envelope, as_house, keep_mail, mail_of
from portal.mail.page import MailPage
from portal.words import catalogue, known_language, moment, note_text

if TYPE_CHECKING:
    from portal.access.principals import Principal
    from portal.wiring import Services

CHANGES = {
    "passkey_added": note_text("Une clé d'accès a été ajoutée"),
    "passkey_removed": note_text("Une clé d'accès a été retirée"),
    "authenticator_added": note_text("Une application de codes a été ajoutée"),
    "authenticator_removed": note_text("L'application de codes a été retirée"),
    "recovery_made": note_text("De nouveaux codes de secours ont été faits"),
}


def tell_key_change(services: Services, known: Principal, change: str, device: str) -> None:
    """Write the mail about one of :data:`CHANGES`."""
    page = key_page(
        change, device, known.person.name, f"{services.settings.public_url}/me", known_language(known.person.language)
    )
    envelope = Envelope("keys_changed", f"{SIGN_IN_MAILS}keys/{new_id()}", known.person.email)
    with services.works.begin(known.memberships[0].supplier_id) as work:
        keep_mail(work, mail_of(as_house(page, envelope.kind), envelope))


def key_page(change: str, device: str, name: str, url: str, spoken: str) -> MailPage:
    """What is said of a change of keys."""
    speak = catalogue(spoken)
    said = speak.gettext(CHANGES[change])
    return MailPage(
        subject=said,
        preheader=speak.gettext("Si c'était vous, il n'y a rien à faire."),
        greeting=speak.gettext("Bonjour %(name)s,") % {"name": name},
        paragraphs=(
            speak.gettext("La façon de vous connecter vient de changer. Si c'était vous, il n'y a rien à faire."),
            speak.gettext("Sinon, ouvrez « Mon accès », fermez vos sessions et prévenez votre administrateur."),
        ),
        facts=(
            (speak.gettext("Changement"), said),
            (speak.gettext("Appareil"), device or speak.gettext("inconnu")),
            (speak.gettext("Quand"), moment(now(), spoken)),
        ),
        button=(speak.gettext("Ouvrir « Mon accès »"), url),
        language=spoken,
    )
