"""The mail that carries a sign-in link and its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.access.sign_in import letter_of
from portal.mail.kinds import why_of
from portal.mail.page import HOUSE_BRAND, MailPage, write_page
from portal.words import catalogue, known_language

if TYPE_CHECKING:
    from uuid import UUID

    from portal.access.sign_in import SignInLetter
    from portal.wiring import Services


SIGN_IN_MAILS = "sign-in/"
"""How the keys of these mails begin."""


@dataclass(frozen=True, slots=True)
class MailFile:
    """A file that goes with a mail; its bytes are in the archive."""

    filename: str
    mime: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to put into the book of mails; ``mail_key`` makes it unique there.

    ``held_by`` names who looks at it once more right before it goes. ``reply_to`` is where answers go. ``kind`` is one
    of `portal.mail.kinds.KINDS`; ``unsubscribe_url`` is where one click ends mails like it.
    """

    mail_key: str
    recipient: str
    subject: str
    text_body: str
    html_body: str
    invoice_id: UUID | None = None
    files: tuple[MailFile, ...] = ()
    held_by: str | None = None
    reply_to: str | None = None
    kind: str = "other"
    unsubscribe_url: str | None = None


def sign_in_mail(services: Services, link_id: UUID, language: str | None = None) -> Mail | None:
    """The mail for a link that was asked for, or ``None`` where the link may no longer be used."""
    letter = letter_of(services, link_id)
    if letter is None:
        return None
    page = sign_in_page(letter, known_language(language, letter.person.language))
    text_body, html_body = write_page(page)
    return Mail(f"{SIGN_IN_MAILS}{link_id}", letter.person.email, page.subject, text_body, html_body, kind="sign_in")


def sign_in_page(letter: SignInLetter, spoken: str) -> MailPage:
    """What the mail with a sign-in link says."""
    speak = catalogue(spoken)
    limits = speak.ngettext(
        "Le lien et le code servent une seule fois, pendant %(count)s minute.",
        "Le lien et le code servent une seule fois, pendant %(count)s minutes.",
        letter.minutes,
    ) % {"count": letter.minutes}
    ignore = speak.gettext("Vous n'avez rien demandé ? Ignorez ce message : sans lui, personne n'entre.")
    return MailPage(
        subject=speak.gettext("Votre lien de connexion"),
        preheader=limits,
        greeting=speak.gettext("Bonjour %(name)s,") % {"name": letter.person.name},
        paragraphs=(speak.gettext("Pour vous connecter, ouvrez ce lien dans le navigateur où vous l'avez demandé :"),),
        button=(speak.gettext("Ouvrir mon espace"), letter.address),
        code=(
            speak.gettext("Sur un autre appareil, saisissez ce code :"),
            f"{letter.code[:4]}-{letter.code[4:]}",
        ),
        note=f"{limits}\n{ignore}",
        language=spoken,
        sender=HOUSE_BRAND,
        why=why_of("sign_in", HOUSE_BRAND.name, spoken),
    )
