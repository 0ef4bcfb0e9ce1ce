"""A code by mail for acts of high risk, for whoever has neither passkey nor authenticator: ten minutes, five tries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import new_id, now
from config.secrets import same
from portal.access.codes import in_halves, read_code, spell_code
from portal.access.sign_in_mail import SIGN_IN_MAILS
from portal.mail.book import Envelope, as_house, keep_mail, mail_of
from portal.mail.page import MailPage
from portal.words import catalogue

if TYPE_CHECKING:
    from uuid import UUID

    from portal.access.principals import Principal
    from portal.wiring import Services

LASTS = timedelta(minutes=10)
MOST_TRIES = 5


def send_proof_code(services: Services, known: Principal, language: str) -> None:
    """Write the mail with a code for this session; a code asked for before is worth nothing any more."""
    code_id, at = new_id(), now()
    code = spell_code(services.keyring.derive("proof-code", code_id.bytes))
    with services.database.register() as connection:
        connection.execute(
            text("UPDATE proof_codes SET expires_at = :at WHERE session_id = :session AND expires_at > :at"),
            {"session": known.session.session_id, "at": at},
        )
        connection.execute(
            text(
                "INSERT INTO proof_codes (code_id, session_id, code_hash, asked_at, expires_at) "
                "VALUES (:id, :session, :hash, :at, :expires)"
            ),
            {
                "id": code_id,
                "session": known.session.session_id,
                "hash": services.keyring.derive("proof-code-hash", code.encode()),
                "at": at,
                "expires": at + LASTS,
            },
        )
    with services.works.begin(known.memberships[0].supplier_id) as work:
        envelope = Envelope("proof_code", f"{SIGN_IN_MAILS}proof/{code_id}", known.person.email)
        keep_mail(work, mail_of(as_house(proof_page(code, known.person.name, language), envelope.kind), envelope))


def use_proof_code(services: Services, session_id: UUID, typed: str) -> bool:
    """Use the code of a session up; each call is one of five tries, right or wrong."""
    with services.database.register() as connection:
        row = (
            connection.execute(
                text(
                    "SELECT code_id, code_hash, tries FROM proof_codes WHERE session_id = :session "
                    "AND used_at IS NULL AND expires_at > :at ORDER BY asked_at DESC LIMIT 1 FOR UPDATE"
                ),
                {"session": session_id, "at": now()},
            )
            .mappings()
            .first()
        )
        if row is None or row["tries"] >= MOST_TRIES:
            return False
        right = same(bytes(row["code_hash"]), services.keyring.derive("proof-code-hash", read_code(typed).encode()))
        connection.execute(
            text(
                "UPDATE proof_codes SET tries = tries + 1, used_at = CASE WHEN :right THEN :at END WHERE code_id = :id"
            ),
            {"right": right, "at": now(), "id": row["code_id"]},
        )
    return right


def proof_page(code: str, name: str, spoken: str) -> MailPage:
    """What the mail with a code of confirmation says."""
    speak = catalogue(spoken)
    return MailPage(
        subject=speak.gettext("Votre code de confirmation"),
        preheader=speak.gettext("Il confirme que c'est bien vous, pendant 10 minutes."),
        greeting=speak.gettext("Bonjour %(name)s,") % {"name": name},
        paragraphs=(
            speak.gettext("Une action sensible a été demandée dans votre espace. Pour continuer, saisissez ce code :"),
        ),
        code=(speak.gettext("Code de confirmation"), in_halves(code)),
        note=speak.gettext(
            "Vous n'avez rien demandé ? Ne donnez ce code à personne et fermez vos sessions dans « Mon accès »."
        ),
        language=spoken,
    )
