"""The mail that asks a colleague whether they want to work here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.access.invitations import LASTS
from portal.access.people import Person
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.staff.people.invitations import invitation_token
from portal.staff.people.words import ROLES
from portal.words import catalogue, known_language
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from portal.access.roles import Role
    from portal.staff.people.invitations import StaffInvitation
    from portal.wiring import Services
    from receivables.store.work import Work


def write_staff_invitation(services: Services, work: Work, invitation: StaffInvitation, inviter: str) -> None:
    """Ask a mailbox whether its owner wants in; in the transaction that invites."""
    token = invitation_token(work, services.keyring, invitation.invitation_id)
    guest = Person(invitation.invitation_id, invitation.email, invitation.name, known_language(invitation.language))
    url = f"{services.settings.public_url}/team/{token}"
    page = colleague_page(supplier_name(work), guest, invitation.role, url, inviter)
    keep_page(work, page, Envelope("colleague_invited", f"invitation/{invitation.invitation_id}", invitation.email))


def colleague_page(supplier: str, person: Person, role: Role, url: str, inviter: str) -> MailPage:
    """What an invitation to the staff of ``supplier`` says, in the language of ``person``."""
    speak = catalogue(person.language)
    values = {"inviter": inviter, "supplier": supplier}
    return MailPage(
        subject=speak.gettext("%(inviter)s vous invite dans l'équipe de %(supplier)s") % values,
        preheader=speak.gettext("Un clic pour accepter, sans mot de passe."),
        greeting=speak.gettext("Bonjour %(name)s,") % {"name": person.name},
        paragraphs=(
            speak.gettext("%(inviter)s vous invite à travailler dans l'espace de %(supplier)s.") % values,
            speak.gettext("Rien n'est ouvert avant votre accord."),
        ),
        facts=(
            (speak.gettext("Adresse"), person.email),
            (speak.gettext("Rôle"), speak.gettext(ROLES[role][0])),
        ),
        button=(speak.gettext("Voir l'invitation"), url),
        note=speak.ngettext(
            "L'invitation vaut %(count)s jour. Vous ne connaissez pas cette société ? Ne faites rien.",
            "L'invitation vaut %(count)s jours. Vous ne connaissez pas cette société ? Ne faites rien.",
            LASTS.days,
        )
        % {"count": LASTS.days},
        language=person.language,
    )
