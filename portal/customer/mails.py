"""Mails of the customers' portal: an invitation, a request for an account and its answer, a change of company data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.customer.people.invitations import invitation_token
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.words import catalogue, known_language
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from portal.customer.people.invitations import Invitation
    from portal.wiring import Services
    from receivables.store.work import Work


def write_invitation_mail(services: Services, work: Work, invitation: Invitation, inviter: str, company: str) -> None:
    """Ask a mailbox whether its owner wants to act for a customer."""
    token = invitation_token(work, services.keyring, invitation.invitation_id)
    told = {"inviter": inviter, "company": company, "supplier": supplier_name(work), "name": invitation.name}
    url = f"{services.settings.public_url}/join/{token}"
    page = invitation_page(told, url, known_language(invitation.language))
    keep_page(work, page, Envelope("customer_invited", f"invitation/{invitation.invitation_id}", invitation.email))


def invitation_page(told: Mapping[str, str], url: str, spoken: str) -> MailPage:
    """What an invitation says; ``told`` are ``inviter``, ``company``, ``supplier`` and the reader's ``name``."""
    speak = catalogue(spoken)
    return MailPage(
        subject=speak.gettext("%(supplier)s : %(inviter)s vous invite dans l'espace de %(company)s") % told,
        preheader=speak.gettext("Un clic pour accepter : vos factures au même endroit."),
        greeting=speak.gettext("Bonjour %(name)s,") % told,
        paragraphs=(
            speak.gettext("%(inviter)s vous invite à suivre les factures de %(company)s chez %(supplier)s, en ligne.")
            % told,
        ),
        button=(speak.gettext("Voir l'invitation"), url),
        note=speak.gettext("L'invitation vaut sept jours. Vous ne connaissez pas cette société ? Ne faites rien."),
        language=spoken,
    )


def write_request_mail(services: Services, work: Work, request: tuple[UUID, str, str, str, str], token: str) -> None:
    """Ask the mailbox of a request for an account (id, address, name, company, language) whether it is theirs."""
    request_id, email, person, company, spoken = request
    told = {"company": company, "supplier": supplier_name(work), "name": person}
    page = request_page(told, f"{services.settings.public_url}/opening/{token}", known_language(spoken))
    keep_page(work, page, Envelope("opening_confirm", f"opening/{request_id}", email))


def request_page(told: Mapping[str, str], url: str, spoken: str) -> MailPage:
    """What asks for a confirmation of a request; ``told`` are ``company``, ``supplier`` and the reader's ``name``."""
    speak = catalogue(spoken)
    return MailPage(
        subject=speak.gettext("%(supplier)s : confirmez votre demande d'ouverture de compte") % told,
        preheader=speak.gettext("Sans votre clic, la demande sera oubliée dans deux jours."),
        greeting=speak.gettext("Bonjour %(name)s,") % told,
        paragraphs=(
            speak.gettext(
                "Une demande d'ouverture de compte a été faite chez %(supplier)s au nom de %(company)s, avec cette "
                "adresse. Si elle est de vous, confirmez-la : elle partira aussitôt."
            )
            % told,
        ),
        button=(speak.gettext("Lire et confirmer"), url),
        note=speak.gettext("Sinon, ne faites rien : elle sera oubliée dans deux jours."),
        language=spoken,
    )


def write_decision_mail(
    services: Services, work: Work, request: tuple[UUID, str, str, str, str], *, approved: bool, reason: str
) -> None:
    """Tell who asked for an account (id, address, name, company, language) what was decided."""
    request_id, email, person, company, spoken = request
    told = {"company": company, "supplier": supplier_name(work), "name": person}
    url = f"{services.settings.public_url}/sign-in"
    page = decision_page(told, url, known_language(spoken), approved=approved, reason=reason)
    kind = "opening_accepted" if approved else "opening_refused"
    keep_page(work, page, Envelope(kind, f"opening-answer/{request_id}", email, values={"client": company}))


def decision_page(told: Mapping[str, str], url: str, spoken: str, *, approved: bool, reason: str) -> MailPage:
    """What was decided about a request; ``told`` are ``company``, ``supplier`` and the reader's ``name``."""
    speak = catalogue(spoken)
    yes = speak.gettext("Le compte de %(company)s chez %(supplier)s est ouvert. Connectez-vous avec cette adresse.")
    no = speak.gettext("Nous ne pouvons pas ouvrir de compte à %(company)s pour l'instant.")
    return MailPage(
        subject=(
            speak.gettext("%(supplier)s : votre compte est ouvert")
            if approved
            else speak.gettext("%(supplier)s : votre demande d'ouverture de compte")
        )
        % told,
        preheader=told["company"],
        greeting=speak.gettext("Bonjour %(name)s,") % told,
        paragraphs=((yes if approved else no) % told, *((reason,) if reason else ())),
        button=(speak.gettext("Se connecter"), url) if approved else None,
        language=spoken,
    )


def write_change_mail(
    services: Services, work: Work, change_id: UUID, reader: tuple[str, str, str], *, taken: bool, reason: str
) -> None:
    """Tell who asked for other company data (address, name, language) what became of it."""
    email, name, spoken = reader
    told = {"supplier": supplier_name(work), "name": name}
    url = f"{services.settings.public_url}/c/company"
    page = change_page(told, url, known_language(spoken), taken=taken, reason=reason)
    kind = "company_taken" if taken else "company_refused"
    keep_page(work, page, Envelope(kind, f"company-change/{change_id}", email, values={"client": name}))


def change_page(told: Mapping[str, str], url: str, spoken: str, *, taken: bool, reason: str) -> MailPage:
    """What became of a wish for other company data; ``told`` are ``supplier`` and the reader's ``name``."""
    speak = catalogue(spoken)
    yes = speak.gettext("%(supplier)s a repris vos nouvelles coordonnées. Vos prochaines factures les porteront.")
    no = speak.gettext("%(supplier)s n'a pas repris le changement de coordonnées que vous avez demandé.")
    summary = speak.gettext("Vos prochaines factures les porteront.") if taken else reason
    return MailPage(
        subject=speak.gettext("%(supplier)s : vos coordonnées") % told,
        preheader=summary or speak.gettext("Ce qu'il en est de votre demande."),
        greeting=speak.gettext("Bonjour %(name)s,") % told,
        paragraphs=((yes if taken else no) % told, *((reason,) if reason else ())),
        button=(speak.gettext("Voir votre compte"), url),
        language=spoken,
    )
