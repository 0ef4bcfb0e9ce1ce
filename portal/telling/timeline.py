"""What happened, told in the reader's words: one sentence per event, with the detail that a reader asks for next.

Clocks of several houses meet in a time line, and platforms tell whole seconds only: events of one second are put in
the order in which such things happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from einvoice.lifecycle.reasons import REASONS
from einvoice.lifecycle.statuses import status
from portal.telling.dispute_words import reason_words
from portal.telling.references import told_reference
from portal.words import day, gettext, language, money, ngettext, note_text, percent
from receivables.domain.money import Money, MoneyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from receivables.store.customer_file.happenings import Happening


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a time line; ``tone`` and ``icon`` as for badges."""

    at: datetime
    title: str
    detail: str
    tone: str = "plain"
    icon: str = "dot"


_FORMS = {
    "original": note_text("Original reçu"),
    "facturx": note_text("Factur-X (PDF)"),
    "cii": note_text("XML CII"),
    "ubl": note_text("XML UBL"),
    "cdar": note_text("Message de cycle de vie"),
    "attachment": note_text("Pièce jointe"),
    "claim": note_text("Note de débit (PDF)"),
}
_FLOWS = {
    "to_send": (note_text("Prête à partir vers la plateforme agréée"), "flight", "clock"),
    "in_doubt": (note_text("Envoi à la plateforme à vérifier"), "part", "alert"),
    "sent": (note_text("Envoyée à la plateforme agréée"), "flight", "send"),
    "accepted": (note_text("Acceptée par la plateforme agréée"), "paid", "check"),
    "refused": (note_text("Refusée par la plateforme agréée"), "late", "alert"),
}
_STATUS_FLOWS = {
    "to_send": (note_text("Statut prêt à partir vers la plateforme"), "flight", "clock"),
    "in_doubt": (note_text("Envoi du statut à vérifier"), "part", "alert"),
    "sent": (note_text("Statut envoyé à la plateforme"), "flight", "send"),
    "accepted": (note_text("Statut accepté par la plateforme"), "paid", "check"),
    "refused": (note_text("Statut refusé par la plateforme"), "late", "alert"),
}
_BAD_STATUSES = frozenset({"207", "208", "210", "213", "221", "501"})
COLLECTED = "212"
_GOOD_STATUSES = frozenset({"205", "211", COLLECTED})
_COLLECTED_AMOUNT = "MEN"
"""Kind of an amount in a status: collected, including VAT."""


def form_name(form: str) -> str:
    """What a form of document is called."""
    return gettext(_FORMS.get(form, form))


_STEPS = (
    *("issued", "link", "document", "flow", "status", "dispute"),
    *("mail", "attempt", "cash", "waived", "unlettered", "lettered"),
)
"""Kinds of events in the order in which they happen to an invoice."""
_AFTER_CASH = len(_STEPS)


def _order(each: Happening, answered_at: datetime | None = None) -> tuple[datetime, int, str]:
    """Where an event stands: by its second, then by its step; statuses by code, what tells of cash after the cash.

    ``answered_at`` is the first status that came back: we may learn later that the platform had accepted the invoice.
    """
    facts, at = each.facts, each.at
    rank = _STEPS.index(each.kind) if each.kind in _STEPS else _STEPS.index("link")
    detail = ""
    if each.kind == "status":
        detail = facts["code"]
        rank = _AFTER_CASH if facts["code"] == COLLECTED else rank
    elif each.kind == "flow" and facts["flow"] == "invoice":
        at = min(at, answered_at or at)
    elif each.kind == "flow" or (each.kind == "document" and facts["form"] == "cdar"):
        rank = _AFTER_CASH + (1 if each.kind == "document" else 2)
    return at.replace(microsecond=0), rank, detail


def tell(happenings: Iterable[Happening], *, of_many: bool = False) -> list[Told]:
    """Happenings as lines of a time line, newest first; ``of_many`` names the invoice in each."""
    known = list(happenings)
    answers = (each.at for each in known if each.kind == "status" and each.facts["direction"] == "in")
    answered_at = min(answers, default=None)
    ordered = sorted(known, key=lambda each: _order(each, answered_at), reverse=True)
    lines = [TELLERS[each.kind](each.at, each.facts) for each in ordered]
    if not of_many:
        return lines
    return [_with_number(line, each.facts.get("number")) for line, each in zip(lines, ordered, strict=True)]


def contested(happenings: Iterable[Happening]) -> Told | None:
    """The last answer of the recipient or a platform, where it is one that somebody has to do something about."""
    answers = [each for each in happenings if each.kind == "status" and each.facts["direction"] == "in"]
    last = max(answers, key=_order, default=None)
    return _status(last.at, last.facts) if last and last.facts["code"] in _BAD_STATUSES else None


def _with_number(line: Told, number: str | None) -> Told:
    if not number or number in line.title:
        return line
    detail = " · ".join(part for part in (number, line.detail) if part)
    return Told(line.at, line.title, detail, line.tone, line.icon)


def _issued(at: datetime, facts: dict[str, Any]) -> Told:
    if facts["is_credit"]:
        title = gettext("Avoir %(number)s émis") % {"number": facts["number"]}
        return Told(at, title, money(facts["amount_minor"], facts["currency"]), "plain", "credit")
    if facts["is_claim"]:
        title = gettext("Note de débit %(number)s établie")
    elif facts["is_taken_over"]:
        title = gettext("Facture %(number)s reprise d'un autre logiciel")
    else:
        title = gettext("Facture %(number)s émise")
    title %= {"number": facts["number"]}
    detail = gettext("%(amount)s, échéance le %(day)s") % {
        "amount": money(facts["amount_minor"], facts["currency"]),
        "day": day(facts["due_on"]),
    }
    return Told(at, title, detail, "plain", "invoice")


def _cash(at: datetime, facts: dict[str, Any]) -> Told:
    amount = money(abs(facts["amount_minor"]), facts["currency"])
    if facts["movement"] == "set_off":
        if (facts["amount_minor"] > 0) is facts["is_credit"]:
            title = gettext("Imputation d'un avoir retirée : %(amount)s") % {"amount": amount}
            return Told(at, title, "", "plain", "back")
        return Told(at, gettext("Avoir imputé : %(amount)s") % {"amount": amount}, "", "paid", "credit")
    if facts["reason"] == "return_failed" and facts["amount_minor"] > 0:
        title = gettext("Remboursement non abouti : %(amount)s") % {"amount": amount}
        return Told(at, title, told_reference(facts["reference"]), "paid", "check")
    if facts["amount_minor"] > 0:
        return Told(
            at,
            gettext("Paiement reçu : %(amount)s") % {"amount": amount},
            told_reference(facts["reference"]),
            "paid",
            "check",
        )
    titles = {
        "refund": gettext("Remboursement : %(amount)s"),
        "chargeback": gettext("Paiement repris par la banque : %(amount)s"),
        "correction": gettext("Paiement porté sur la facture rectificative : %(amount)s"),
        "return": gettext("Prélèvement revenu impayé : %(amount)s"),
        "bounced": gettext("Chèque ou virement revenu impayé : %(amount)s"),
        "reallocation": gettext("Paiement porté ailleurs : %(amount)s"),
    }
    title = titles.get(facts["reason"] or "", gettext("Paiement annulé : %(amount)s"))
    return Told(at, title % {"amount": amount}, told_reference(facts["reference"]), "late", "back")


_FAILURES = {
    "card_declined": note_text("Carte refusée par la banque"),
    "insufficient_funds": note_text("Provision insuffisante"),
    "expired_card": note_text("Carte expirée"),
    "generic_decline": note_text("Carte refusée par la banque"),
    "authentication_required": note_text("Authentification non terminée"),
    "payment_intent_authentication_failure": note_text("Authentification non terminée"),
    "debit_not_authorized": note_text("Prélèvement contesté par le titulaire"),
    "bank_account_closed": note_text("Compte bancaire clos"),
}


def _waived(at: datetime, facts: dict[str, Any]) -> Told:
    titles = {
        "discount": gettext("Escompte accordé : %(amount)s"),
        "waiver": gettext("Écart de règlement soldé : %(amount)s"),
        "charge": gettext("Frais retenus par la banque, soldés : %(amount)s"),
        "waived_back": gettext("Remise reprise, le paiement étant revenu : %(amount)s"),
    }
    amount = money(facts["amount_minor"], facts["currency"])
    tone, icon = ("late", "back") if facts["waived"] == "waived_back" else ("plain", "check")
    return Told(at, titles[facts["waived"]] % {"amount": amount}, "", tone, icon)


def _failure(code: str | None) -> str:
    """Why a payment failed, in words where the provider's code is a common one."""
    return gettext(_FAILURES.get(code, code)) if code else ""


def _attempt(at: datetime, facts: dict[str, Any]) -> Told:
    amount = money(facts["amount_minor"], facts["currency"])
    if facts["state"] == "failed":
        title = gettext("Paiement de %(amount)s non abouti") % {"amount": amount}
        return Told(at, title, _failure(facts["failure_code"]), "late", "alert")
    return Told(
        at,
        gettext("Paiement de %(amount)s en cours") % {"amount": amount},
        gettext("La banque confirme un prélèvement sous 14 jours ouvrés."),
        "flight",
        "transfer",
    )


_MEANINGS = {
    "211": note_text("Paiement annoncé : rien n'est encaissé tant que l'argent n'est pas là."),
    "214": note_text("La facture est visée par qui devait la contrôler avant paiement."),
    "221": note_text("Elle n'est pas arrivée au bon endroit : l'adresse électronique du destinataire est à vérifier."),
    "224": note_text("Un sous-traitant demande à être payé directement."),
    "225": note_text("La créance est cédée : seul l'affactureur est à payer."),
    "226": note_text("Cession confidentielle : le client n'en sait rien."),
    "227": note_text("Le compte à payer a changé : il se vérifie par un autre canal avant tout paiement."),
    "228": note_text("L'affactureur ne prend pas cette créance : elle se paie au fournisseur."),
}
"""What statuses mean that most readers never met."""
_UNKNOWN = note_text("Statut inconnu de nous : gardé tel quel, sans effet.")


def _status(at: datetime, facts: dict[str, Any]) -> Told:
    known = status(facts["code"])
    name = known.english if language() == "en" else known.french
    taken_back = any(each["amount"].startswith("-") for each in facts["amounts"])
    bad = known.code in _BAD_STATUSES or taken_back
    tone = "late" if bad else "paid" if known.code in _GOOD_STATUSES else "plain"
    sense = gettext("Statut %(code)s reçu") if facts["direction"] == "in" else gettext("Statut %(code)s envoyé")
    sense %= {"code": known.code}
    reasons = ", ".join(told for each in facts["reasons"] if (told := _reason(each)))
    meaning = gettext(_MEANINGS.get(known.code, "") if known.known else _UNKNOWN)
    detail = " · ".join(part for part in (sense, _split(facts["amounts"]), reasons, facts["note"], meaning) if part)
    icon = "back" if taken_back else "alert" if bad else "check" if tone == "paid" else "send"
    return Told(at, name, detail, tone, icon)


def _reason(reason: dict[str, str] | str) -> str:
    """A reason of a status in words."""
    given = {"code": reason} if isinstance(reason, str) else reason
    known = REASONS.get(given["code"])
    if known is None:
        return given.get("label") or given["code"] or ""  # one may ask for an action and give no reason
    return known.english if language() == "en" else known.french


def _split(amounts: list[dict[str, Any]]) -> str:
    """What a 212 declares as collected, by VAT rate."""
    parts = [each for each in amounts if each["kind"] == _COLLECTED_AMOUNT]
    told = [
        gettext("%(amount)s à %(rate)s")
        % {"amount": _told_amount(each["amount"], each["currency"]), "rate": percent(Decimal(each["rate"]))}
        for each in parts
        if each["rate"] is not None
    ]
    return ", ".join(told)


def _told_amount(amount: str, currency: str | None) -> str:
    """An amount that somebody tells; as they wrote it where no currency has such an amount."""
    try:
        return money(Money.of(Decimal(amount), currency or "").minor, currency or "")
    except (MoneyError, ValueError):
        return " ".join(part for part in (amount, currency) if part)


def _document(at: datetime, facts: dict[str, Any]) -> Told:
    title = gettext("Document archivé : %(form)s") % {"form": form_name(facts["form"])}
    return Told(at, title, facts["filename"], "plain", "archive")


def _flow(at: datetime, facts: dict[str, Any]) -> Told:
    words = _FLOWS if facts["flow"] == "invoice" else _STATUS_FLOWS
    title, tone, icon = words[facts["state"]]
    told = facts["refusal"] or [] if facts["state"] == "refused" else []  # an accepted file's remarks are no news
    remarks = [f"{each['reason']} : {each['message']}" for each in told]
    tracked = "" if facts["state"] == "accepted" else gettext("Numéro de suivi : %(id)s") % {"id": facts["tracking_id"]}
    return Told(at, gettext(title), " · ".join(remarks) or tracked, tone, icon)


def _lettered(at: datetime, facts: dict[str, Any]) -> Told:
    title = gettext("Lettrage %(code)s") if facts["balanced"] else gettext("Lettrage partiel %(code)s")
    detail = gettext("Date comptable : %(day)s") % {"day": day(facts["lettered_on"])}
    return Told(at, title % {"code": facts["code"]}, detail, "plain", "letters")


_END_REASONS = {
    "completed or parted by a new line": note_text("Complété ou défait par une nouvelle écriture"),
    "reallocated": note_text("Imputation changée"),
}


def _unlettered(at: datetime, facts: dict[str, Any]) -> Told:
    title = gettext("Fin du lettrage %(code)s") % {"code": facts["code"]}
    return Told(at, title, gettext(_END_REASONS.get(facts["reason"], facts["reason"])), "plain", "letters")


_PURPOSES = {"document": note_text("Imprimé sur la facture"), "mail": note_text("Envoyé par courriel")}


def _link(at: datetime, facts: dict[str, Any]) -> Told:
    purpose = gettext(_PURPOSES.get(facts["purpose"], facts["purpose"]))
    return Told(at, gettext("Lien de paiement créé"), purpose, "plain", "link")


def _revoked(at: datetime, facts: dict[str, Any]) -> Told:
    count = facts["links"]
    detail = ngettext("%(count)s lien", "%(count)s liens", count) % {"count": count}
    return Told(at, gettext("Liens de paiement retirés"), detail, "part", "lock")


_MAILS = {
    "to_send": note_text("Courriel écrit"),
    "sent": note_text("Courriel envoyé"),
    "failed": note_text("Courriel non envoyé"),
}


def _mail(at: datetime, facts: dict[str, Any]) -> Told:
    tone = "late" if facts["state"] == "failed" else "plain"
    detail = gettext("« %(subject)s » à %(recipient)s") % facts
    title = _MAILS[facts["state"]]
    return Told(at, gettext(title), detail, tone, "mail")


_DISPUTES = {
    "claimed": (note_text("Problème signalé : %(reason)s"), "part", "alert"),
    "answered": (note_text("Réponse au client : %(reason)s"), "plain", "mail"),
    "documents_sent": (note_text("Documents envoyés : %(reason)s"), "flight", "send"),
    "accepted": (note_text("Réclamation acceptée : %(reason)s"), "paid", "check"),
    "partly": (note_text("Réclamation acceptée en partie : %(reason)s"), "part", "half"),
    "rejected": (note_text("Facture maintenue : %(reason)s"), "late", "back"),
    "closed": (note_text("Refus traité : %(reason)s"), "plain", "check"),
}


def _dispute(at: datetime, facts: dict[str, Any]) -> Told:
    words, tone, icon = _DISPUTES[facts["act"]]
    amount = money(facts["amount_minor"], facts["currency"]) if facts["amount_minor"] else ""
    detail = " · ".join(part for part in (amount, facts["said"]) if part)
    return Told(at, gettext(words) % {"reason": reason_words(facts["reason"])}, detail, tone, icon)


TELLERS: dict[str, Callable[[datetime, dict[str, Any]], Told]] = {
    "issued": _issued,
    "cash": _cash,
    "waived": _waived,
    "attempt": _attempt,
    "status": _status,
    "document": _document,
    "flow": _flow,
    "lettered": _lettered,
    "unlettered": _unlettered,
    "link": _link,
    "revoked": _revoked,
    "mail": _mail,
    "dispute": _dispute,
}
"""How each kind of event is told."""
