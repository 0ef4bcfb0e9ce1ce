"""``/s/settings``: every room of settings, and whether the supplier is ready to issue."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, current_app, render_template

from portal.access.context import place, work_here
from portal.access.principals import lets_in
from portal.access.roles import STAFF, Door, access_of, allow
from portal.staff.settings.readiness import points_of
from portal.words import gettext, note_text

blueprint = Blueprint("settings", __name__, url_prefix="/s/settings")


@dataclass(frozen=True, slots=True)
class SettingsRoom:
    """A page of settings."""

    href: str
    icon: str
    name: str
    meaning: str


ROOMS: tuple[tuple[str, tuple[SettingsRoom, ...]], ...] = (
    (
        note_text("L'entreprise"),
        (
            SettingsRoom("/s/company/identity", "home", note_text("Identité"), note_text("Nom, adresse, TVA, contact")),
            SettingsRoom(
                "/s/company/terms",
                "clock",
                note_text("Conditions de paiement"),
                note_text("Délai, pénalités, escompte"),
            ),
            SettingsRoom("/s/company", "shield", note_text("Taille et TVA"), note_text("Ce dont le calendrier dépend")),
            SettingsRoom("/s/iban", "bank", note_text("Compte bancaire"), note_text("Celui que vos clients voient")),
        ),
    ),
    (
        note_text("Facturer"),
        (
            SettingsRoom(
                "/s/clients", "people", note_text("Clients"), note_text("Coordonnées, délais, numéros de TVA")
            ),
            SettingsRoom("/s/items", "invoice", note_text("Articles"), note_text("Le catalogue, avec prix et TVA")),
            SettingsRoom(
                "/s/settings/series", "letters", note_text("Numérotation"), note_text("Préfixes et prochains numéros")
            ),
            SettingsRoom(
                "/s/settings/terms", "receipt", note_text("Conditions générales de vente"), note_text("Par version")
            ),
            SettingsRoom(
                "/s/platform", "send", note_text("Plateforme agréée"), note_text("Par où partent vos factures")
            ),
        ),
    ),
    (
        note_text("Votre image"),
        (
            SettingsRoom("/s/settings/branding", "half", note_text("Apparence"), note_text("Logo et couleur")),
            SettingsRoom(
                "/s/settings/mail-texts",
                "mail",
                note_text("Textes des courriels"),
                note_text("Vos mots, votre signature"),
            ),
            SettingsRoom("/s/settings/domain", "link", note_text("Votre domaine"), note_text("Payer sous votre nom")),
        ),
    ),
    (
        note_text("Encaisser"),
        (
            SettingsRoom(
                "/s/treasury/accounts", "card", note_text("Prestataires de paiement"), note_text("Carte, prélèvement")
            ),
            SettingsRoom(
                "/s/debits/settings", "transfer", note_text("Prélèvements"), note_text("Identifiant, préavis")
            ),
            SettingsRoom("/s/dunning/settings", "alert", note_text("Relances"), note_text("Heures, rythme, signature")),
        ),
    ),
    (
        note_text("Qui, quoi, et la loi"),
        (
            SettingsRoom("/s/people", "people", note_text("Utilisateurs"), note_text("Rôles, invitations, sessions")),
            SettingsRoom("/s/programs", "lock", note_text("Programmes"), note_text("Accès à l'interface (API)")),
            SettingsRoom("/s/webhooks", "forward", note_text("Webhooks"), note_text("Vos logiciels prévenus")),
            SettingsRoom("/s/settings/audit", "archive", note_text("Journal d'audit"), note_text("Qui a fait quoi")),
            SettingsRoom(
                "/s/settings/law", "shield", note_text("Ce que la loi vous demande"), note_text("Et à partir de quand")
            ),
        ),
    ),
)
"""By what one is about to do; only the rooms that exist and that the caller may enter are shown."""


@blueprint.get("")
@allow(*STAFF)
def show() -> str:
    """The list of what is ready, and the rooms."""
    with work_here() as work:
        points = points_of(work)
    known = _open_here()
    groups = [(gettext(name), [room for room in rooms if room.href in known]) for name, rooms in ROOMS]
    return render_template(
        "settings/home.html",
        points=points,
        missing=sum(point.needed and not point.done for point in points),
        open_here=known,
        groups=[(name, rooms) for name, rooms in groups if rooms],
    )


def _open_here() -> frozenset[str]:
    """Addresses that the caller may read in this house."""
    found = set()
    for rule in current_app.url_map.iter_rules():
        access = access_of(current_app.view_functions.get(rule.endpoint))
        if access and access.door is Door.SESSION and lets_in(access, place()) and "GET" in (rule.methods or ()):
            found.add(rule.rule.rstrip("/"))
    return frozenset(found)
