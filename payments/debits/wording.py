"""What a SEPA mandate says: the wording that the schemes prescribe, in French and in English, and all else of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from payments.debits.mandates import Mandate

_TITLES = {
    "fr": {"core": "Mandat de prélèvement SEPA", "b2b": "Mandat de prélèvement SEPA interentreprises"},
    "en": {"core": "SEPA Direct Debit Mandate", "b2b": "SEPA Business-to-Business Direct Debit Mandate"},
}
# Authority and rights: EPC392-08 (mandate formats), in the wording that banks in France use for it.
_AUTHORITY = {
    "fr": (
        "En signant ce mandat, vous autorisez (A) {creditor} à envoyer des instructions à votre banque pour débiter "
        "votre compte, et (B) votre banque à débiter votre compte conformément aux instructions de {creditor}."
    ),
    "en": (
        "By signing this mandate form, you authorise (A) {creditor} to send instructions to your bank to debit your "
        "account and (B) your bank to debit your account in accordance with the instructions from {creditor}."
    ),
}
_RIGHTS = {
    "fr": {
        "core": (
            "Vous bénéficiez d'un droit à remboursement par votre banque, selon les conditions décrites dans la "
            "convention que vous avez passée avec elle. Toute demande de remboursement doit être présentée dans les "
            "8 semaines suivant la date de débit de votre compte pour un prélèvement autorisé, et sans tarder, au plus "
            "tard dans les 13 mois, pour un prélèvement non autorisé."
        ),
        "b2b": (
            "Ce mandat est dédié aux prélèvements SEPA interentreprises. Il n'est pas destiné aux particuliers. Vous "
            "n'avez pas droit à un remboursement par votre banque une fois que votre compte est débité, mais vous "
            "pouvez demander à votre banque de ne pas débiter votre compte jusqu'au jour de l'échéance. Transmettez ce "
            "mandat à votre banque : elle doit le confirmer avant le premier prélèvement."
        ),
    },
    "en": {
        "core": (
            "As part of your rights, you are entitled to a refund from your bank under the terms and conditions of "
            "your agreement with your bank. A refund must be claimed within 8 weeks starting from the date on which "
            "your account was debited, and without delay, within 13 months at the latest, for a debit that you did not "
            "authorise."
        ),
        "b2b": (
            "This mandate is only intended for business-to-business transactions. You are not entitled to a refund "
            "from your bank after your account has been debited, but you are entitled to request your bank not to "
            "debit your account up until the day on which the payment is due. Give this mandate to your bank: it has "
            "to confirm it before the first debit."
        ),
    },
}
_NOTICE = {
    "fr": "Chaque prélèvement vous est annoncé au moins {days} jours avant, avec son montant et sa date.",
    "en": "Each debit is announced to you at least {days} days before, with its amount and its date.",
}
_KINDS = {
    "fr": {True: "Paiement ponctuel", False: "Paiement récurrent"},
    "en": {True: "One-off payment", False: "Recurrent payment"},
}
_LABELS = {
    "fr": ("Créancier", "Identifiant créancier SEPA (ICS)", "Référence unique du mandat (RUM)", "Type de paiement"),
    "en": ("Creditor", "Creditor identifier", "Mandate reference", "Type of payment"),
}
_PAYER = {"fr": ("Titulaire du compte", "IBAN"), "en": ("Account holder", "IBAN")}


@dataclass(frozen=True, slots=True)
class MandateWords:
    """A mandate as its payer reads it: facts as pairs of name and value, then the paragraphs."""

    language: str
    title: str
    facts: tuple[tuple[str, str], ...]
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it as one text: what the signature is about."""
        told = [f"{name} : {value}" for name, value in self.facts]
        return "\n".join((self.title, *told, *self.paragraphs))


@dataclass(frozen=True, slots=True)
class Terms:
    """What a mandate is about before anybody filled in an account."""

    creditor: str
    ics: str
    scheme: str
    once: bool
    notice_days: int


def words_of(terms: Terms, language: str) -> MandateWords:
    """What a payer reads before they give an account; there is no reference yet."""
    facts = _creditor_facts(terms, None, language)
    return MandateWords(language, _TITLES[language][terms.scheme], facts, _paragraphs(terms, language))


def words_for(mandate: Mandate, creditor: str, language: str) -> MandateWords:
    """A mandate with its reference and its payer, as it is signed."""
    terms = Terms(creditor, mandate.ics, mandate.scheme, mandate.once, mandate.notice_days)
    holder, iban = _PAYER[language]
    facts = (
        *_creditor_facts(terms, mandate.rum, language),
        (holder, mandate.debtor_name),
        (iban, f"•••• {mandate.iban_last4}"),
    )
    return MandateWords(language, _TITLES[language][mandate.scheme], facts, _paragraphs(terms, language))


def words_for_bank(mandate: Mandate, creditor: str, language: str, iban: str) -> MandateWords:
    """The same mandate with its whole IBAN: what the creditor's bank is shown where a debit is contested (MD01)."""
    words = words_for(mandate, creditor, language)
    label = _PAYER[language][1]
    grouped = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    facts = tuple((name, grouped if name == label else told) for name, told in words.facts)
    return replace(words, facts=facts)


def _creditor_facts(terms: Terms, rum: str | None, language: str) -> tuple[tuple[str, str], ...]:
    creditor, ics, reference, kind = _LABELS[language]
    told = [(creditor, terms.creditor), (ics, terms.ics)]
    if rum:
        told.append((reference, rum))
    return (*told, (kind, _KINDS[language][terms.once]))


def _paragraphs(terms: Terms, language: str) -> tuple[str, ...]:
    return (
        _AUTHORITY[language].format(creditor=terms.creditor),
        _RIGHTS[language][terms.scheme],
        _NOTICE[language].format(days=terms.notice_days),
    )
