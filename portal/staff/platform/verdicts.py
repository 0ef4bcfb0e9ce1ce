"""The steps of a connection test in words: what was tried, how it ended, what is wrong and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.staff.platform.steps import Outcome, Step, StepName
from portal.words import gettext, note_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class Verdict:
    """One step for people: ``tone`` and ``icon`` as for badges; ``fix`` is the next step, empty where none is."""

    title: str
    outcome: str
    sentence: str
    fix: str
    tone: str
    icon: str


TITLES = {
    StepName.ADDRESS: note_text("Les adresses répondent"),
    StepName.TOKEN: note_text("L'identifiant et le secret sont acceptés"),
    StepName.HEALTH: note_text("Le service des flux est en forme"),
    StepName.SEARCH: note_text("Nous avons le droit de chercher nos flux"),
    StepName.DIRECTORY: note_text("L'annuaire répond"),
    StepName.OURSELVES: note_text("L'annuaire nous connaît à notre adresse de réception"),
    StepName.WEBHOOKS: note_text("La plateforme peut nous prévenir"),
}
OUTCOMES = {
    Outcome.PASSED: (note_text("oui"), "paid", "check"),
    Outcome.FAILED: (note_text("non"), "late", "alert"),
    Outcome.WARNED: (note_text("à voir"), "part", "alert"),
    Outcome.SKIPPED: (note_text("pas essayé"), "plain", "dot"),
}
_NO_ACTION = ""
SENTENCES: dict[str, tuple[str, str]] = {
    "address.unreadable": (
        note_text("%(url)s n'est pas une adresse lisible."),
        note_text("Copiez l'adresse de la documentation de la plateforme, de https:// jusqu'au bout, sans /v1."),
    ),
    "address.not_https": (
        note_text("%(url)s n'est pas une adresse https : le secret voyagerait en clair."),
        note_text("Mettez https:// devant ; une plateforme agréée n'a pas d'adresse http."),
    ),
    "address.unknown_host": (
        note_text("Aucun serveur ne porte le nom %(host)s."),
        note_text("Vérifiez l'orthographe de l'adresse, ou la résolution de noms (DNS) de ce serveur."),
    ),
    "address.private": (
        note_text("%(host)s mène à un réseau privé : nous n'appelons que des adresses publiques."),
        note_text("Donnez l'adresse publique de la plateforme."),
    ),
    "address.timeout": (
        note_text("%(url)s ne prend pas la connexion en 5 secondes."),
        note_text("Vérifiez que le pare-feu de ce serveur laisse sortir vers cette adresse, puis réessayez."),
    ),
    "address.refused": (
        note_text("%(url)s refuse la connexion (%(told)s)."),
        note_text("Vérifiez l'adresse et le port. S'ils sont justes, la plateforme est arrêtée : réessayez plus tard."),
    ),
    "address.certificate": (
        note_text("Le certificat de %(url)s n'est pas valable : %(told)s."),
        note_text("N'allez pas plus loin : vérifiez l'adresse, puis prévenez la plateforme."),
    ),
    "address.no_tls": (
        note_text("%(url)s ne parle pas https (%(told)s)."),
        note_text("Vérifiez l'adresse et le port."),
    ),
    "token.refused": (
        note_text("La plateforme refuse l'identifiant ou le secret (%(told)s)."),
        note_text(
            "Copiez-les de nouveau depuis son espace, sans espace au bout. Un secret renouvelé remplace l'ancien."
        ),
    ),
    "token.no_token": (
        note_text("L'adresse des jetons répond, mais ne donne pas de jeton."),
        note_text(
            "Vérifiez l'adresse des jetons (OAuth 2, « token endpoint ») dans la documentation de la plateforme."
        ),
    ),
    "health.silent": (
        note_text("Le contrôle de santé ne répond pas ; toutes les plateformes ne l'ont pas."),
        note_text("Sans gravité tant que la recherche fonctionne."),
    ),
    "search.no_right": (
        note_text("L'accès est reconnu, mais n'a pas le droit de chercher des flux."),
        note_text("Demandez à la plateforme les droits du service Flow pour ce client ; vérifiez l'organisation."),
    ),
    "search.wrong_address": (
        note_text("Le service des flux n'est pas à cette adresse."),
        note_text("Donnez l'adresse du service Flow sans /v1 ; elle diffère souvent de celle du site."),
    ),
    "directory.none": (
        note_text("Cette plateforme n'annonce pas d'annuaire."),
        note_text("Sans gravité : l'adresse des clients se saisit alors à la main."),
    ),
    "directory.no_right": (
        note_text("L'accès n'a pas le droit d'interroger l'annuaire."),
        note_text("Demandez à la plateforme les droits du service Directory pour ce client."),
    ),
    "directory.refused": (
        note_text("L'annuaire refuse la question : %(told)s"),
        note_text("Vérifiez l'adresse de l'annuaire, sans /v1."),
    ),
    "ourselves.unknown": (
        note_text(
            "L'annuaire ne connaît pas notre SIREN %(siren)s : vos clients et leurs statuts ne nous trouvent pas."
        ),
        note_text("Demandez à votre plateforme de réception de publier votre ligne d'annuaire."),
    ),
    "ourselves.other_address": (
        note_text(
            "L'annuaire nous connaît, mais pas à l'adresse %(address)s de nos factures (BT-34) : il a %(others)s."
        ),
        note_text("Mettez l'une de ces adresses dans votre profil (« endpoint »), ou faites publier la vôtre."),
    ),
    "ourselves.no_platform": (
        note_text("Notre adresse %(address)s est dans l'annuaire sans plateforme de réception."),
        note_text("Choisissez une plateforme de réception : elle est obligatoire depuis le 1er septembre 2026."),
    ),
    "ourselves.no_status": (
        note_text("L'annuaire ne dit pas si notre adresse %(address)s est ouverte."),
        note_text("Demandez-le à la plateforme : une ligne sans statut n'est pas une preuve."),
    ),
    "ourselves.not_open": (
        note_text("Notre adresse %(address)s n'est pas encore ouverte, ou ne l'est plus."),
        note_text("Demandez à votre plateforme de réception de l'ouvrir : les statuts y reviennent."),
    ),
    "webhooks.none": (
        note_text("La plateforme n'offre pas de rappel : nous lui demandons des nouvelles nous-mêmes."),
        _NO_ACTION,
    ),
    "webhooks.no_right": (
        note_text("L'accès n'a pas le droit de s'abonner : nous demandons des nouvelles nous-mêmes."),
        note_text("Rien à faire ; avec ce droit, les nouvelles arriveraient plus vite."),
    ),
    "webhooks.silent": (
        note_text("Le service des rappels ne répond pas : nous demandons des nouvelles nous-mêmes."),
        _NO_ACTION,
    ),
    "any.busy": (
        note_text("La plateforme demande d'attendre avant d'autres appels."),
        note_text("Réessayez dans quelques minutes."),
    ),
    "any.refused": (
        note_text("La plateforme refuse l'appel : %(told)s"),
        note_text("Montrez ce message à l'assistance de la plateforme."),
    ),
    "any.silent": (
        note_text("La plateforme ne répond pas comme il faut : %(told)s"),
        note_text("Réessayez dans quelques minutes. Si cela dure, montrez ce message à son assistance."),
    ),
}
"""By code: what is wrong, and the next step. Steps that pass need no words but their title."""


def put_into_words(steps: Iterable[Step], translate: Callable[[str], str] = gettext) -> list[Verdict]:
    """Steps as people read them, in the language of ``translate``."""
    return [_verdict(each, translate) for each in steps]


def _verdict(step: Step, translate: Callable[[str], str]) -> Verdict:
    outcome, tone, icon = OUTCOMES[step.outcome]
    sentence, fix = SENTENCES.get(step.why, ("", ""))
    facts = {"told": "", "url": "", "host": "", **step.facts}
    return Verdict(
        translate(TITLES[step.name]),
        translate(outcome),
        translate(sentence) % facts if sentence else "",
        translate(fix) if fix else "",
        tone,
        icon,
    )
