"""The mail that carries a sign-in link and its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from portal.access.sign_in import letter_of
from portal.words import catalogue, known_language

if TYPE_CHECKING:
    from uuid import UUID

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

    ``held_by`` names who looks at it once more right before it goes. ``reply_to`` is where answers go.
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


def sign_in_mail(services: Services, link_id: UUID, language: str | None = None) -> Mail | None:
    """The mail for a link that was asked for, or ``None`` where the link may no longer be used."""
    letter = letter_of(services, link_id)
    if letter is None:
        return None
    speak = catalogue(known_language(language, letter.person.language))
    code = f"{letter.code[:4]}-{letter.code[4:]}"
    hello = speak.gettext("Bonjour %(name)s,") % {"name": letter.person.name}
    open_it = speak.gettext("Pour vous connecter, ouvrez ce lien dans le navigateur où vous l'avez demandé :")
    or_type = speak.gettext("Sur un autre appareil, saisissez ce code :")
    limits = speak.ngettext(
        "Le lien et le code servent une seule fois, pendant %(count)s minute.",
        "Le lien et le code servent une seule fois, pendant %(count)s minutes.",
        letter.minutes,
    ) % {"count": letter.minutes}
    ignore = speak.gettext("Vous n'avez rien demandé ? Ignorez ce message : sans lui, personne n'entre.")
    text_body = "\n\n".join([hello, f"{open_it}\n{letter.address}", f"{or_type} {code}", limits, ignore]) + "\n"
    html_body = Markup(
        '<p>{hello}</p><p>{open_it}</p><p><a href="{address}">{address}</a></p>'
        "<p>{or_type} <strong>{code}</strong></p><p>{limits}<br>{ignore}</p>"
    ).format(
        hello=hello,
        open_it=open_it,
        address=letter.address,
        or_type=or_type,
        code=code,
        limits=limits,
        ignore=ignore,
    )
    return Mail(
        f"{SIGN_IN_MAILS}{link_id}",
        letter.person.email,
        speak.gettext("Votre lien de connexion"),
        text_body,
        str(html_body),
    )
