"""Mails to a supplier's own people about what stopped, came back or is done: one look, one button, once by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from portal.access.people import Person
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.words import catalogue, known_language, note_text
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from uuid import UUID

    from config.database import Database
    from portal.access.roles import Role
    from portal.wiring import Services
    from receivables.store.work import Work

NOTICES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "mail_returned": (
        note_text("%(supplier)s : courriel revenu de %(customer)s"),
        (
            note_text("« %(subject)s » n'a pas pu être remis à %(address)s : %(reason)s"),
            note_text("Vérifiez cette adresse dans la fiche du client : tant qu'elle reste la même, rien n'y part."),
        ),
        note_text("Ouvrir la fiche du client"),
    ),
    "webhook_stopped": (
        note_text("%(supplier)s : le webhook « %(label)s » est arrêté"),
        (
            note_text("%(url)s ne répond plus comme il faut : nous avons cessé de l'appeler."),
            note_text("Rien n'est perdu : réparez, réactivez l'adresse, puis renvoyez ce qui manque."),
        ),
        note_text("Ouvrir le webhook"),
    ),
    "job_done": (
        note_text("%(supplier)s : %(name)s, terminé"),
        (
            note_text("Le travail lancé avec « %(file)s » est terminé."),
            note_text("Lignes prises : %(done)s. Déjà connues : %(known)s. Refusées : %(refused)s."),
        ),
        note_text("Voir le rapport"),
    ),
    "sender_proven": (
        note_text("%(supplier)s : vos courriels partent de %(address)s"),
        (
            note_text("L'entrée DNS est visible : vos courriels aux clients partent désormais de %(address)s."),
            note_text("Laissez cette entrée en place : nous la vérifions chaque jour."),
        ),
        note_text("Voir les réglages d'envoi"),
    ),
    "sender_lost": (
        note_text("%(supplier)s : l'adresse d'envoi n'est plus prouvée"),
        (
            note_text("L'entrée DNS qui prouve %(address)s n'est plus visible, ou ne porte plus notre clé."),
            note_text(
                "Vos courriels partent de nouveau de notre adresse ; les réponses vous parviennent encore 30 jours. "
                "Remettez l'entrée : tout reprend de soi-même."
            ),
        ),
        note_text("Voir l'entrée à remettre"),
    ),
}
"""By kind: subject, paragraphs, and what the button says."""


def staff_of(database: Database, supplier_id: UUID, roles: Iterable[Role]) -> list[Person]:
    """Everybody who has one of these roles at a supplier."""
    with database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT DISTINCT person_id, email, people.name, language "
                "FROM memberships JOIN people USING (person_id) "
                "WHERE member_of = :supplier AND ended_at IS NULL AND role = ANY(:roles) ORDER BY person_id"
            ),
            {"supplier": supplier_id, "roles": [role.value for role in roles]},
        ).mappings()
        return [Person(**row) for row in rows]


def tell_staff(
    services: Services,
    work: Work,
    kind: str,
    people: Iterable[Person],
    *,
    key: str,
    path: str,
    told: Callable[[str], Mapping[str, object]],
) -> int:
    """Write a notice to each of ``people``, once by ``key``; ``told`` fills its places in a language. How many."""
    url, written = f"{services.settings.public_url}{path}", 0
    for person in people:
        spoken = known_language(person.language)
        page = staff_page(kind, {"supplier": supplier_name(work), **told(spoken)}, url, spoken)
        written += keep_page(work, page, Envelope(kind, f"{key}/{person.person_id}", person.email)) is not None
    return written


def staff_page(kind: str, told: Mapping[str, object], url: str, spoken: str) -> MailPage:
    """What a notice says."""
    speak = catalogue(spoken).gettext
    subject, paragraphs, button = NOTICES[kind]
    said = tuple(speak(each) % told for each in paragraphs)
    return MailPage(
        subject=" ".join((speak(subject) % told).split()),
        preheader=said[-1],
        greeting=speak("Bonjour,"),
        paragraphs=said,
        button=(speak(button), url),
        language=spoken,
    )
