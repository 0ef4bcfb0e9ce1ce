"""Direct debits in plain words: states, reasons and tasks, for both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.debits.reasons import reason_of
from portal.telling.states import Badge
from portal.words import fitted, gettext, language, note_text

if TYPE_CHECKING:
    from datetime import date


MANDATE_STATES = {
    "usable": Badge(note_text("Utilisable"), "paid", "check"),
    "to_confirm": Badge(note_text("Attend la banque du payeur"), "part", "clock"),
    "blocked": Badge(note_text("Bloqué"), "late", "lock"),
    "lapsed": Badge(note_text("Caduc"), "plain", "clock"),
    "ended": Badge(note_text("Terminé"), "plain", "back"),
    "drafted": Badge(note_text("Non signé"), "plain", "unknown"),
}
DEBIT_STATES = {
    "planned": Badge(note_text("À annoncer"), "plain", "clock"),
    "notified": Badge(note_text("Annoncé"), "plain", "mail"),
    "in_file": Badge(note_text("Dans un fichier"), "flight", "invoice"),
    "sent": Badge(note_text("À la banque"), "flight", "transfer"),
    "collected": Badge(note_text("Encaissé"), "paid", "check"),
    "rejected": Badge(note_text("Rejeté"), "late", "alert"),
    "returned": Badge(note_text("Revenu impayé"), "late", "back"),
    "cancelled": Badge(note_text("Abandonné"), "plain", "back"),
}
BATCH_STATES = {
    "made": Badge(note_text("À déposer à la banque"), "part", "upload"),
    "sent": Badge(note_text("Déposé"), "flight", "transfer"),
    "accepted": Badge(note_text("Accepté"), "flight", "check"),
    "rejected": Badge(note_text("Refusé par la banque"), "late", "alert"),
    "credited": Badge(note_text("Crédité"), "paid", "check"),
}
COLLECTION_STATES = {
    "announced": Badge(note_text("Annoncé"), "plain", "mail"),
    "collected": Badge(note_text("Présenté"), "flight", "transfer"),
    "withdrawn": Badge(note_text("Retiré"), "plain", "back"),
    "failed": Badge(note_text("Échoué"), "late", "alert"),
}
SCHEMES = {"core": note_text("Prélèvement SEPA (Core)"), "b2b": note_text("Prélèvement interentreprises (B2B)")}
TASKS = {
    "new_iban": (
        note_text("L'IBAN d'un mandat est faux"),
        note_text("Le mandat est bloqué. Demandez au client d'y changer le compte, dans son espace."),
    ),
    "account_closed": (
        note_text("Le compte d'un client est clôturé"),
        note_text("Son mandat a pris fin. Appelez-le : il doit en signer un autre ou payer autrement."),
    ),
    "account_blocked": (
        note_text("Le compte d'un client est bloqué"),
        note_text("Rien n'est représenté. Vérifiez sa situation avant de livrer de nouveau."),
    ),
    "switch_method": (
        note_text("Le compte d'un client ne peut pas être prélevé"),
        note_text("Convenez avec lui d'un autre moyen de paiement, ou d'un autre compte."),
    ),
    "duplicate": (
        note_text("La banque voit un prélèvement en double"),
        note_text("Cherchez la cause chez nous d'abord : comparez les deux fichiers avant tout nouvel envoi."),
    ),
    "unauthorised": (
        note_text("Un client conteste l'autorisation d'un prélèvement"),
        note_text("Tous ses prélèvements sont arrêtés. Gardez le mandat signé et sa preuve, puis appelez-le."),
    ),
    "mandate_data": (
        note_text("Les données d'un mandat sont fausses ou manquent"),
        note_text("Comparez RUM et date de signature avec le mandat, puis corrigez ou faites-en signer un autre."),
    ),
    "deceased": (
        note_text("Le titulaire d'un compte est décédé"),
        note_text("Tous ses prélèvements sont arrêtés. Prenez contact avec la succession."),
    ),
    "refused_by_payer": (
        note_text("Un client a refusé un prélèvement"),
        note_text("Appelez-le : la banque ne dit pas pourquoi. Rien n'est représenté."),
    ),
    "regulatory": (
        note_text("La banque invoque un motif réglementaire"),
        note_text("Complétez nom et adresse avec la banque avant toute nouvelle présentation."),
    ),
    "authorise_ics": (
        note_text("La banque d'un client bloque notre identifiant créancier"),
        note_text("Demandez-lui d'autoriser notre ICS auprès de sa banque, puis débloquez le mandat."),
    ),
    "unknown_ics": (
        note_text("La banque ne connaît pas notre identifiant créancier"),
        note_text("Vérifiez l'ICS dans les réglages avec votre banque avant tout autre fichier."),
    ),
    "ask_bank": (
        note_text("Un prélèvement est revenu pour un motif à éclaircir"),
        note_text("Demandez à votre banque ce que veut dire ce code. Rien n'est représenté."),
    ),
    "answer_recall": (
        note_text("Une banque rappelle une opération"),
        note_text("Répondez sous quinze jours : rendez l'argent, ou dites pourquoi vous le gardez."),
    ),
    "ask_payer": (
        note_text("Un client s'est fait rembourser un prélèvement"),
        note_text("Demandez-lui pourquoi avant toute relance."),
    ),
    "file_rejected": (
        note_text("La banque a refusé un fichier de prélèvements"),
        note_text("Lisez le motif, corrigez-en la cause, puis planifiez de nouveau : les factures sont libérées."),
    ),
    "credit_differs": (
        note_text("Un crédit ne correspond pas à son fichier de prélèvements"),
        note_text("Importez la réponse de la banque (pain.002) : elle dit lesquels ont été rejetés."),
    ),
    "no_address": (
        note_text("Un prélèvement ne peut pas être annoncé"),
        note_text("Ce client n'a pas d'adresse électronique : complétez-la, ou abandonnez le prélèvement."),
    ),
}
_UNKNOWN_TASK = (note_text("Un prélèvement demande votre attention"), note_text("Ouvrez-le et lisez son motif."))
_DONE = {
    "mandate_blocked": note_text("mandat bloqué"),
    "mandate_ended": note_text("mandat terminé"),
    "all_ended": note_text("tous les prélèvements du client arrêtés"),
    "dispute": note_text("litige ouvert, pas de relance avant réponse"),
    "task": note_text("tâche ouverte"),
}
CANCELLED_FOR = {
    "insolvent": note_text("gelée par une procédure collective"),
    "assigned": note_text("cédée à un affactureur"),
    "nothing_left": note_text("déjà réglée, contestée ou suspendue"),
    "mandate_lapsed": note_text("mandat caduc"),
    "mandate_blocked": note_text("mandat bloqué"),
    "mandate_ended": note_text("mandat terminé"),
    "autopay_off": note_text("accord terminé"),
    "method_ended": note_text("moyen de paiement retiré"),
}


def shown(badges: dict[str, Badge], state: str) -> Badge:
    """A state with its words in the reader's language."""
    return badges[state].spoken()


def reason_words(code: str, day: date) -> str:
    """What a return code means."""
    reason = reason_of(code, day)
    return fitted(reason.english if language() == "en" else reason.french)


def task_words(what: str) -> tuple[str, str]:
    """A task: what happened, what to do."""
    title, step = TASKS.get(what, _UNKNOWN_TASK)
    return gettext(title), gettext(step)


def done_words(done: list[str]) -> list[str]:
    """What was done about a return."""
    told = []
    for each in done:
        what, _, detail = each.partition(":")
        if what == "retry":
            told.append(gettext("nouvelle présentation le %(day)s") % {"day": detail})
        elif what == "level" and detail != "1":
            told.append(gettext("relances reprises au niveau %(level)s") % {"level": detail})
        elif what in _DONE:
            told.append(gettext(_DONE[what]))
    return told


def dropped_words(reason: str | None) -> str:
    """Why a debit was given up."""
    return gettext(CANCELLED_FOR.get(reason or "", note_text("abandonné")))
