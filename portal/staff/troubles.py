"""What stopped, in the words of somebody who has to do something about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.lifecycle.statuses import status
from portal.words import gettext, language, note_text

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from receivables.store.happenings import Problem


@dataclass(frozen=True, slots=True)
class Trouble:
    """One problem explained: what happened, what to do next, and the technical reason for whoever helps.

    ``said`` is what the recipient wrote about an invoice; ``tries`` counts only what is tried by us.
    """

    at: datetime
    title: str
    step: str
    said: str
    reason: str
    tries: int
    invoice_id: UUID | None
    number: str | None
    tone: str


_BY_CODE = {
    "payment.unknown_attempt": (
        note_text("Un paiement est arrivé sans demande de notre part"),
        note_text("Ouvrez-le chez le prestataire de paiement : remboursez-le, ou rattachez-le à la main à un client."),
    ),
    "payment.not_yet_known": (
        note_text("Un remboursement est arrivé sans son paiement"),
        note_text("Vérifiez chez le prestataire que le paiement d'origine appartient à ce compte."),
    ),
    "inbox.no_receiver": (
        note_text("Un message est arrivé d'une source que personne ne traite"),
        note_text("Vérifiez les adresses de notification configurées chez vos partenaires."),
    ),
    "gateway.malformed_event": (
        note_text("Un message du prestataire de paiement est illisible"),
        note_text("Comparez la version de l'API chez le prestataire avec celle attendue, puis faites renvoyer."),
    ),
    "gateway.mode_mixed": (
        note_text("Un message de test est arrivé sur un compte réel, ou l'inverse"),
        note_text("Remplacez la clé du compte de paiement par celle du bon mode."),
    ),
    "archive": (
        note_text("L'archive a des défauts"),
        note_text("Faites lancer « quittance archive verify », puis restaurez ce qui y est nommé d'une sauvegarde."),
    ),
    "fact": (
        note_text("Un mouvement d'argent ne peut pas être comptabilisé seul"),
        note_text("Lisez le motif, vérifiez chez le prestataire et passez l'écriture qui convient."),
    ),
}
_BY_PLACE = {
    "inbox": (
        note_text("Un message reçu n'a pas pu être traité"),
        note_text("Lisez le motif technique ; rien n'est perdu, le message est conservé tel quel."),
    ),
    "outbox": (
        note_text("Une annonce n'est jamais partie"),
        note_text("Corrigez la cause indiquée par le motif, puis relancez l'annonce."),
    ),
    "stuck": (
        note_text("Une annonce attend depuis plusieurs essais"),
        note_text("Elle repart seule. Si le motif ne change pas, vérifiez la connexion au partenaire."),
    ),
    "refused": (
        note_text("La plateforme agréée a refusé un envoi"),
        note_text("Lisez le motif. Une facture refusée se corrige par un avoir puis une nouvelle facture."),
    ),
    "in_doubt": (
        note_text("La plateforme agréée n'a pas confirmé un envoi"),
        note_text("Nous demandons avant de renvoyer. Si cela dure, contactez la plateforme avec le numéro de suivi."),
    ),
    "status": (
        note_text("Le destinataire ou une plateforme conteste une facture"),
        note_text("Ouvrez la facture, lisez le motif et répondez au client."),
    ),
}
_SELF_HEALING = frozenset({"stuck", "in_doubt"})


def explain(problem: Problem) -> Trouble:
    """A problem in plain words."""
    code = problem.reason.partition(":")[0].strip()
    title, step = _BY_CODE.get(code) or _BY_PLACE[problem.place]
    shown = gettext(title)
    if problem.place == "status":
        known = status(problem.what)
        shown = gettext("%(what)s : %(status)s") % {
            "what": shown,
            "status": f"{known.code} {known.english if language() == 'en' else known.french}",
        }
    return Trouble(
        problem.at,
        shown,
        gettext(step),
        problem.reason if problem.place == "status" else "",
        "" if problem.place == "status" else problem.reason,
        0 if problem.place == "status" else problem.tries,
        problem.invoice_id,
        problem.number,
        "part" if problem.place in _SELF_HEALING else "late",
    )
