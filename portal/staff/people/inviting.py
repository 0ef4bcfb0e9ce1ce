"""Inviting a colleague: they are known from now on, and a mail tells them how they get in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import new_id
from portal.access.members import IN_PORTFOLIO, member_of
from portal.access.people import add_membership, add_person, clean_email
from portal.access.sign_in_mail import Mail
from portal.mail.book import keep_mail
from portal.mail.page import MailPage, brand_of, write_page
from portal.staff.people.words import ROLES
from portal.words import catalogue
from receivables.errors import ConflictError, ReceivablesError

if TYPE_CHECKING:
    from uuid import UUID

    from portal.access.people import Person
    from portal.access.roles import Role
    from portal.wiring import Services

MOST_NAME = 120


def invite_colleague(
    services: Services,
    supplier_id: UUID,
    email: str,
    name: str,
    role: Role,
    *,
    portfolio: bool,
    language: str,
    actor: str,
) -> Person:
    """Let a person in at a supplier, and write them the mail that says so.

    Raises:
        ReceivablesError: ``person.email_invalid``, ``person.name_missing``.
        ConflictError: ``person.already_staff``.
    """
    if clean_email(email) is None:
        raise ReceivablesError(
            "person.email_invalid",
            "This address is incomplete: name@company.com is the form.",
            "Cette adresse est incomplète : il faut une forme comme nom@entreprise.fr.",
        )
    said = " ".join(name.split())[:MOST_NAME]
    if not said:
        raise ReceivablesError("person.name_missing", "Enter the person's name.", "Saisissez le nom de la personne.")
    person = add_person(services.database, email, said, language=language)
    if member_of(services.database, supplier_id, person.person_id):
        raise ConflictError(
            "person.already_staff",
            "This person is in already: change their role on their page.",
            "Cette personne a déjà accès : changez son rôle sur sa page.",
        )
    add_membership(services.database, person.person_id, supplier_id, role, portfolio=portfolio and role in IN_PORTFOLIO)
    _tell(services, supplier_id, person, role, actor)
    return person


def _tell(services: Services, supplier_id: UUID, person: Person, role: Role, actor: str) -> None:
    speak = catalogue(person.language)
    with services.works.begin(supplier_id) as work:
        brand = brand_of(work)
        page = MailPage(
            subject=speak.gettext("%(supplier)s vous donne accès à son espace") % {"supplier": brand.name},
            preheader=speak.gettext("Connectez-vous avec cette adresse, sans mot de passe."),
            greeting=speak.gettext("Bonjour %(name)s,") % {"name": person.name},
            paragraphs=(
                speak.gettext("Vous pouvez maintenant travailler dans l'espace de %(supplier)s.")
                % {"supplier": brand.name},
                speak.gettext("Saisissez votre adresse sur la page de connexion : un lien vous sera envoyé."),
            ),
            facts=(
                (speak.gettext("Adresse"), person.email),
                (speak.gettext("Rôle"), speak.gettext(ROLES[role][0])),
            ),
            button=(speak.gettext("Se connecter"), f"{services.settings.public_url}/sign-in"),
            language=person.language,
            sender=brand,
        )
        text_body, html_body = write_page(page)
        keep_mail(work, Mail(f"invitation/{new_id()}", person.email, page.subject, text_body, html_body))
        work.audit(actor, "person.invited", str(person.person_id), role=role.value)
