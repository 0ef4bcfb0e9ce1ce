"""The kinds of mails that the house writes: to whom, and which of them a supplier may word in its own way.

What the law or safety words (codes, changes of account, notices of debits, formal notices) keeps the house's words:
``is_worded`` says for which kinds ``receivables.store.mail.texts`` counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.words import catalogue, note_text

if TYPE_CHECKING:
    from collections.abc import Iterator

CUSTOMER, STAFF, PERSON = "customer", "staff", "person"
"""Whom a kind goes to: the supplier's customers, its own people, whoever signs in or signs."""


_WHY = {
    CUSTOMER: note_text("Vous recevez ce courriel parce que vous ou votre société êtes client de %(supplier)s."),
    STAFF: note_text("Vous recevez ce courriel parce que vous travaillez dans l'espace de %(supplier)s."),
    PERSON: note_text("Vous recevez ce courriel parce que cette adresse ouvre un espace Quittance."),
}
_ASKED = note_text("Vous recevez ce courriel parce que cette adresse vient d'être donnée à %(supplier)s.")


@dataclass(frozen=True, slots=True)
class MailKind:
    """``places`` may stand in braces in a supplier's own words; ``may_stop``: whether a reader may want none.

    ``is_secret``: its link or code opens something to one mailbox alone, so that no staff read it in the book.
    ``why`` says at its end why one gets it, where the group's sentence is not true.
    """

    name: str
    to: str = CUSTOMER
    is_worded: bool = False
    places: tuple[str, ...] = ()
    may_stop: bool = False
    is_secret: bool = False
    why: str | None = None


_INVOICE = ("societe", "client", "facture", "montant", "echeance")
_PAYMENT = ("societe", "client", "factures", "montant", "jour")
_DISPUTE = ("societe", "client", "facture", "motif", "montant")
_PLAN = ("societe", "client", "montant")
_COMPANY = ("societe", "client")

KINDS: dict[str, MailKind] = {
    "invoice": MailKind(note_text("Facture"), is_worded=True, places=_INVOICE),
    "receipt_paid": MailKind(note_text("Paiement reçu (reçu)"), is_worded=True, places=_PAYMENT),
    "receipt_in_flight": MailKind(note_text("Paiement en cours"), is_worded=True, places=_PAYMENT),
    "receipt_failed": MailKind(note_text("Paiement qui n'a pas abouti"), is_worded=True, places=_PAYMENT),
    "receipt_returned": MailKind(note_text("Paiement revenu impayé"), is_worded=True, places=_PAYMENT),
    "receipt_refunded": MailKind(note_text("Remboursement"), is_worded=True, places=_PAYMENT),
    "reminder_before": MailKind(note_text("Rappel avant l'échéance"), may_stop=True),
    "reminder": MailKind(note_text("Relance")),
    "claim": MailKind(note_text("Intérêts de retard (note de débit)"), is_worded=True, places=_INVOICE),
    "dispute_received": MailKind(note_text("Litige : bien reçu"), is_worded=True, places=_DISPUTE),
    "dispute_answered": MailKind(note_text("Litige : réponse"), is_worded=True, places=_DISPUTE),
    "dispute_documents": MailKind(note_text("Litige : documents envoyés"), is_worded=True, places=_DISPUTE),
    "dispute_accepted": MailKind(note_text("Litige : accepté"), is_worded=True, places=_DISPUTE),
    "dispute_partly": MailKind(note_text("Litige : accepté en partie"), is_worded=True, places=_DISPUTE),
    "dispute_rejected": MailKind(note_text("Litige : refusé"), is_worded=True, places=_DISPUTE),
    "message": MailKind(note_text("Message au client")),
    "message_held": MailKind(note_text("Message à confirmer"), is_secret=True),
    "question": MailKind(note_text("Ce paiement est-il le vôtre ?"), is_worded=True, places=("societe", "montant")),
    "promise": MailKind(note_text("Promesse de règlement notée"), is_worded=True, places=_PLAN),
    "plan_offered": MailKind(note_text("Échéancier proposé"), is_worded=True, places=_PLAN),
    "plan_received": MailKind(note_text("Proposition d'échéancier reçue"), is_worded=True, places=_PLAN),
    "plan_agreed": MailKind(note_text("Échéancier accepté"), is_worded=True, places=_PLAN),
    "plan_refused": MailKind(note_text("Échéancier refusé au client"), is_worded=True, places=_PLAN),
    "plan_withdrawn": MailKind(note_text("Échéancier retiré")),
    "plan_soon": MailKind(note_text("Échéance à venir"), is_worded=True, places=_PLAN),
    "plan_late": MailKind(note_text("Échéance en retard")),
    "plan_broken": MailKind(note_text("Échéancier rompu")),
    "plan_kept": MailKind(note_text("Échéancier soldé"), is_worded=True, places=_PLAN),
    "plan_expired": MailKind(note_text("Proposition d'échéancier périmée")),
    "plan_reopened": MailKind(note_text("Échéancier : paiement revenu impayé")),
    "debit_announced": MailKind(note_text("Prélèvement annoncé")),
    "debit_again": MailKind(note_text("Prélèvement présenté de nouveau")),
    "debit_moved": MailKind(note_text("Prélèvement reporté")),
    "debit_why": MailKind(note_text("Prélèvement repris : pourquoi ?")),
    "collection": MailKind(note_text("Encaissement annoncé")),
    "collection_failed": MailKind(note_text("Encaissement échoué")),
    "iban_changed": MailKind(note_text("Nouveau compte bancaire")),
    "opening_confirm": MailKind(note_text("Ouverture de compte : à confirmer"), is_secret=True, why=_ASKED),
    "opening_accepted": MailKind(
        note_text("Ouverture de compte : acceptée"), is_worded=True, places=_COMPANY, why=_ASKED
    ),
    "opening_refused": MailKind(
        note_text("Ouverture de compte : refusée"), is_worded=True, places=_COMPANY, why=_ASKED
    ),
    "company_taken": MailKind(note_text("Coordonnées reprises"), is_worded=True, places=_COMPANY),
    "company_refused": MailKind(note_text("Coordonnées non reprises"), is_worded=True, places=_COMPANY),
    "customer_invited": MailKind(note_text("Invitation d'un client"), is_secret=True, why=_ASKED),
    "colleague_invited": MailKind(note_text("Accès d'un collègue"), to=STAFF, is_secret=True, why=_ASKED),
    "iban_proposed": MailKind(note_text("Compte bancaire : changement proposé"), to=STAFF),
    "iban_alone": MailKind(note_text("Compte bancaire : confirmation par courriel"), to=STAFF, is_secret=True),
    "message_told": MailKind(note_text("Un client a écrit"), to=STAFF),
    "contest_open": MailKind(note_text("Paiement contesté"), to=STAFF),
    "contest_lost": MailKind(note_text("Contestation perdue"), to=STAFF),
    "contest_won": MailKind(note_text("Contestation gagnée"), to=STAFF),
    "indicators": MailKind(note_text("Indicateurs par courriel"), to=STAFF),
    "digest": MailKind(note_text("Résumé de la semaine"), to=STAFF, may_stop=True),
    "mail_returned": MailKind(note_text("Un courriel est revenu"), to=STAFF),
    "webhook_stopped": MailKind(note_text("Webhook arrêté"), to=STAFF),
    "job_done": MailKind(note_text("Long travail terminé"), to=STAFF),
    "sender_proven": MailKind(note_text("Votre adresse d'envoi est prête"), to=STAFF),
    "sender_lost": MailKind(note_text("Votre adresse d'envoi ne sert plus"), to=STAFF),
    "export_ready": MailKind(note_text("Export prêt"), to=PERSON),
    "consent_code": MailKind(note_text("Code de signature"), to=PERSON, is_secret=True, why=_ASKED),
    "sign_in": MailKind(note_text("Lien de connexion"), to=PERSON, is_secret=True),
    "proof_code": MailKind(note_text("Code de confirmation"), to=PERSON, is_secret=True),
    "keys_changed": MailKind(note_text("Clés de connexion changées"), to=PERSON, is_secret=True),
}
"""By the name that stands in ``mails.kind`` and in ``mail_texts.kind``."""


SECRET = tuple(key for key, kind in KINDS.items() if kind.is_secret or kind.to == PERSON)
"""Kinds that nobody but their reader may read."""


def why_of(kind: str, supplier: str, spoken: str) -> str:
    """Why one gets a mail of ``kind``: the last sentence of its small print."""
    found = KINDS[kind]
    return catalogue(spoken).gettext(found.why or _WHY[found.to]) % {"supplier": supplier}


def worded_kinds() -> Iterator[tuple[str, MailKind]]:
    """The kinds that a supplier may word in its own way, in the order of :data:`KINDS`."""
    return ((key, kind) for key, kind in KINDS.items() if kind.is_worded)
