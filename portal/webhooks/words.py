"""Events, deliveries and answers in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.webhooks.payloads import TEST
from portal.words import gettext, note_text

if TYPE_CHECKING:
    from portal.webhooks.log import Delivery

FAMILIES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        note_text("Factures"),
        (
            ("invoice.issued", note_text("Une facture ou un avoir a reçu son numéro")),
            ("invoice.files_made", note_text("Les fichiers d'une facture (PDF, XML) sont prêts")),
            ("invoice.replaced", note_text("Une facture est remplacée par une rectificative")),
            ("invoice.status", note_text("Le cycle de vie d'une facture avance")),
            ("invoice.overdue", note_text("Une facture est échue sans règlement complet")),
            ("invoice.paid", note_text("Une facture est entièrement réglée")),
            ("invoice.part_paid", note_text("Une facture est réglée en partie")),
            ("invoice.payment_reversed", note_text("Un règlement repart d'une facture")),
        ),
    ),
    (
        note_text("Paiements"),
        (
            ("payment.received", note_text("De l'argent est arrivé d'un client")),
            ("payment.returned", note_text("De l'argent est retourné à un client")),
            ("payment.in_flight", note_text("Un paiement est en route")),
            ("payment.failed", note_text("Un paiement a échoué")),
        ),
    ),
    (
        note_text("Litiges et messages"),
        (
            ("dispute.opened", note_text("Un client conteste une facture")),
            ("dispute.changed", note_text("Le litige change d'état ou de montant")),
            ("dispute.closed", note_text("Le litige est tranché")),
            ("message.received", note_text("Un client a écrit")),
            ("message.sent", note_text("Un message est parti vers un client")),
        ),
    ),
    (
        note_text("Promesses et délais"),
        (
            ("promise.made", note_text("Un client promet de payer")),
            ("promise.kept", note_text("La promesse est tenue")),
            ("promise.partly", note_text("La promesse est tenue en partie")),
            ("promise.broken", note_text("La promesse est rompue")),
            ("promise.withdrawn", note_text("La promesse est retirée")),
            ("plan.proposed", note_text("Un échéancier est proposé")),
            ("plan.accepted", note_text("L'échéancier est accepté")),
            ("plan.refused", note_text("L'échéancier est refusé")),
            ("plan.withdrawn", note_text("L'échéancier est retiré")),
            ("plan.late", note_text("Une échéance du plan est en retard")),
            ("plan.kept", note_text("L'échéancier est tenu")),
            ("plan.broken", note_text("L'échéancier est rompu")),
            ("plan.expired", note_text("La proposition d'échéancier a expiré")),
            ("plan.reopened", note_text("L'échéancier reprend : un paiement est reparti")),
        ),
    ),
    (
        note_text("Relances et intérêts"),
        (
            ("reminder.sent", note_text("Une relance ou une mise en demeure est partie")),
            ("claim.made", note_text("Des intérêts de retard sont réclamés")),
        ),
    ),
    (
        note_text("Crédit et risque"),
        (
            ("credit.over_limit", note_text("L'encours dépasse la limite")),
            ("credit.back_within", note_text("L'encours est revenu sous la limite")),
            ("limit.set", note_text("Une limite de crédit est fixée")),
            ("limit.ended", note_text("Une limite de crédit prend fin")),
            ("derogation.asked", note_text("Une dérogation est demandée")),
            ("derogation.agreed", note_text("La dérogation est accordée")),
            ("derogation.refused", note_text("La dérogation est refusée")),
            ("score.fell", note_text("La note de paiement d'un client baisse")),
            ("insolvency.noted", note_text("Une procédure collective est notée")),
            ("insolvency.published", note_text("Une procédure est publiée au BODACC")),
            ("insolvency.converted", note_text("Une procédure change de nature")),
            ("insolvency.ended", note_text("Une procédure est terminée")),
        ),
    ),
)
"""Every kind of event by family, as forms and lists name them."""
_NAMES = {kind: name for _, kinds in FAMILIES for kind, name in kinds} | {TEST: note_text("Essai")}
_STATES = {
    "to_send": ("part", "clock", note_text("À envoyer")),
    "delivered": ("paid", "check", note_text("Reçu")),
    "failed": ("late", "alert", note_text("Abandonné")),
}
_CAUSES = {
    "event": note_text("Événement"),
    "replay": note_text("Renvoi"),
    "test": note_text("Essai"),
}
_ERRORS = {
    "address.refused": note_text("L'adresse mène dans un réseau privé : elle n'est pas appelée."),
    "webhook.bad_certificate": note_text("Le certificat du serveur n'est pas valable : renouvelez-le."),
    "webhook.unreachable": note_text("Le serveur ne répond pas : vérifiez qu'il tourne et que l'adresse est juste."),
    "webhook.too_slow": note_text("Pas de réponse en 15 secondes : répondez d'abord, traitez ensuite."),
    "webhook.endpoint_disabled": note_text("L'adresse était désactivée : rien n'est parti."),
}
_REASONS = {
    "webhook.by_person": note_text("Désactivée par une personne."),
    "webhook.gone": note_text("Le serveur a répondu 410 : il ne veut plus rien recevoir."),
    "webhook.failed_for_days": note_text("Aucune bonne réponse depuis cinq jours."),
}


def event_name(kind: str) -> str:
    """A kind of event in words; the kind itself where a later version wrote it."""
    return gettext(_NAMES[kind]) if kind in _NAMES else kind


def families() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every kind with its words, by family."""
    return [(gettext(family), [(kind, gettext(name)) for kind, name in kinds]) for family, kinds in FAMILIES]


def state_of(delivery: Delivery) -> tuple[str, str, str]:
    """Tone, symbol and word for where a delivery stands."""
    tone, symbol, word = _STATES[delivery.state]
    return tone, symbol, gettext(word)


def cause_name(cause: str) -> str:
    """Why something was sent."""
    return gettext(_CAUSES[cause])


def answer_words(status: int | None, error: str | None) -> str:
    """An answer in a sentence: its status, or why there is none."""
    if error is not None:
        return gettext(_ERRORS[error]) if error in _ERRORS else error
    if status is None:
        return ""
    if 300 <= status < 400:  # noqa: PLR2004 -- RFC 9110, 15.4
        return gettext("HTTP %(status)s : une redirection n'est pas suivie, donnez l'adresse finale.") % {
            "status": status
        }
    if status < 300:  # noqa: PLR2004 -- RFC 9110, 15.3
        return gettext("Bien reçu (HTTP %(status)s)") % {"status": status}
    if status < 500:  # noqa: PLR2004 -- RFC 9110, 15.5
        return gettext("Refusé par votre programme (HTTP %(status)s)") % {"status": status}
    return gettext("Votre serveur a échoué (HTTP %(status)s)") % {"status": status}


def reason_words(reason: str | None) -> str:
    """Why an address is disabled."""
    return gettext(_REASONS[reason]) if reason in _REASONS else reason or ""
