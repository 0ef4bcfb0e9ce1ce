"""Mails of the customers' portal: an invitation, a request for an account and its answer, a change of company data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.access.sign_in_mail import Mail
from portal.customer.people.invitations import invitation_token
from portal.mail.book import keep_mail
from portal.mail.page import MailPage, brand_of, write_page
from portal.words import catalogue, known_language

if TYPE_CHECKING:
    from uuid import UUID

    from portal.customer.people.invitations import Invitation
    from portal.wiring import Services
    from receivables.store.work import Work


def write_invitation_mail(services: Services, work: Work, invitation: Invitation, inviter: str, company: str) -> None:
    """Ask a mailbox whether its owner wants to act for a customer."""
    speak = catalogue(known_language(invitation.language))
    sender = brand_of(work)
    values = {"inviter": inviter, "company": company, "supplier": sender.name}
    token = invitation_token(work, services.keyring, invitation.invitation_id)
    page = MailPage(
        subject=speak.gettext("%(supplier)s : %(inviter)s vous invite dans l'espace de %(company)s") % values,
        preheader=speak.gettext("Un clic pour accepter : vos factures au même endroit."),
        greeting=speak.gettext("Bonjour %(name)s,") % {"name": invitation.name},
        paragraphs=(
            speak.gettext("%(inviter)s vous invite à suivre les factures de %(company)s chez %(supplier)s, en ligne.")
            % values,
        ),
        button=(speak.gettext("Voir l'invitation"), f"{services.settings.public_url}/join/{token}"),
        note=speak.gettext("L'invitation vaut sept jours. Vous ne connaissez pas cette société ? Ne faites rien."),
        language=known_language(invitation.language),
        sender=sender,
    )
    _keep(work, f"invitation/{invitation.invitation_id}", invitation.email, page)


def write_request_mail(services: Services, work: Work, request: tuple[UUID, str, str, str, str], token: str) -> None:
    """Ask the mailbox of a request for an account (id, address, name, company, language) whether it is theirs."""
    request_id, email, person, company, spoken = request
    speak, sender = catalogue(known_language(spoken)), brand_of(work)
    values = {"company": company, "supplier": sender.name}
    page = MailPage(
        subject=speak.gettext("%(supplier)s : confirmez votre demande d'ouverture de compte") % values,
        preheader=speak.gettext("Sans votre clic, la demande sera oubliée dans deux jours."),
        greeting=speak.gettext("Bonjour %(name)s,") % {"name": person},
        paragraphs=(
            speak.gettext(
                "Une demande d'ouverture de compte a été faite chez %(supplier)s au nom de %(company)s, avec cette "
                "adresse. Si elle est de vous, confirmez-la : elle partira aussitôt."
            )
            % values,
        ),
        button=(speak.gettext("Lire et confirmer"), f"{services.settings.public_url}/opening/{token}"),
        note=speak.gettext("Sinon, ne faites rien : elle sera oubliée dans deux jours."),
        language=known_language(spoken),
        sender=sender,
    )
    _keep(work, f"opening/{request_id}", email, page)


def write_decision_mail(
    services: Services, work: Work, request: tuple[UUID, str, str, str, str], *, approved: bool, reason: str
) -> None:
    """Tell who asked for an account (id, address, name, company, language) what was decided."""
    request_id, email, person, company, spoken = request
    speak, sender = catalogue(known_language(spoken)), brand_of(work)
    values = {"company": company, "supplier": sender.name}
    yes = speak.gettext("Le compte de %(company)s chez %(supplier)s est ouvert. Connectez-vous avec cette adresse.")
    no = speak.gettext("Nous ne pouvons pas ouvrir de compte à %(company)s pour l'instant.")
    sign_in = (speak.gettext("Se connecter"), f"{services.settings.public_url}/sign-in")
    page = MailPage(
        subject=(
            speak.gettext("%(supplier)s : votre compte est ouvert")
            if approved
            else speak.gettext("%(supplier)s : votre demande d'ouverture de compte")
        )
        % values,
        preheader=company,
        greeting=speak.gettext("Bonjour %(name)s,") % {"name": person},
        paragraphs=((yes if approved else no) % values, *((reason,) if reason else ())),
        button=sign_in if approved else None,
        language=known_language(spoken),
        sender=sender,
    )
    _keep(work, f"opening-answer/{request_id}", email, page)


def write_change_mail(
    services: Services, work: Work, change_id: UUID, reader: tuple[str, str, str], *, taken: bool, reason: str
) -> None:
    """Tell who asked for other company data (address, name, language) what became of it."""
    email, name, spoken = reader
    speak, sender = catalogue(known_language(spoken)), brand_of(work)
    values = {"supplier": sender.name}
    yes = speak.gettext("%(supplier)s a repris vos nouvelles coordonnées. Vos prochaines factures les porteront.")
    no = speak.gettext("%(supplier)s n'a pas repris le changement de coordonnées que vous avez demandé.")
    page = MailPage(
        subject=speak.gettext("%(supplier)s : vos coordonnées") % values,
        preheader="",
        greeting=speak.gettext("Bonjour %(name)s,") % {"name": name},
        paragraphs=((yes if taken else no) % values, *((reason,) if reason else ())),
        button=(speak.gettext("Voir votre compte"), f"{services.settings.public_url}/c/company"),
        language=known_language(spoken),
        sender=sender,
    )
    _keep(work, f"company-change/{change_id}", email, page)


def _keep(work: Work, key: str, recipient: str, page: MailPage) -> None:
    text_body, html_body = write_page(page)
    keep_mail(work, Mail(key, recipient, " ".join(page.subject.split()), text_body, html_body))
