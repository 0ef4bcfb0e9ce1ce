"""What pages call ways of paying and the states of payments, and how they read amounts that people type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.errors import PaymentError
from portal.telling.states import Badge
from portal.words import gettext, note_text
from receivables.domain.money import Money, MoneyError

if TYPE_CHECKING:
    from payments.paying.told import ToldPayment

MOST_TYPED = 20
"""Characters of a typed amount."""
MOST_MINOR = 10**15
_TYPED = re.compile(r"(?P<whole>\d{1,3}(?:[ .,]\d{3})+|\d{1,15})(?:[.,](?P<part>\d{1,2}))?")
_BLANKS = re.compile(r"[\s\u00a0\u202f€]+")


@dataclass(frozen=True, slots=True)
class MethodWords:
    """A way of paying on the page: its name, what to expect of it, its icon."""

    name: str
    note: str
    icon: str


METHODS = {
    "card": MethodWords(note_text("Carte bancaire"), note_text("Paiement immédiat"), "card"),
    "sepa_debit": MethodWords(
        note_text("Prélèvement SEPA"), note_text("Avec votre IBAN ; réponse sous 14 jours ouvrés"), "bank"
    ),
    "paypal": MethodWords("PayPal", note_text("Avec votre compte ; paiement immédiat"), "wallet"),
    "instant": MethodWords(
        note_text("Virement instantané"), note_text("Dans l'application de votre banque"), "transfer"
    ),
    "transfer": MethodWords(note_text("Virement bancaire"), note_text("Vers un IBAN qui vous est propre"), "bank"),
    "cheque": MethodWords(note_text("Chèque"), "", "receipt"),
    "cash": MethodWords(note_text("Espèces"), "", "receipt"),
}
STATES = {
    "started": Badge(note_text("Paiement commencé"), "plain", "clock"),
    "in_flight": Badge(note_text("Paiement en cours"), "flight", "transfer"),
    "paid": Badge(note_text("Payé"), "paid", "check"),
    "part_back": Badge(note_text("Remboursé en partie"), "part", "half"),
    "refunded": Badge(note_text("Remboursé"), "plain", "back"),
    "returned": Badge(note_text("Impayé : repris par la banque"), "late", "alert"),
    "contested": Badge(note_text("Contesté"), "part", "alert"),
    "failed": Badge(note_text("Rejeté"), "late", "alert"),
    "abandoned": Badge(note_text("Abandonné"), "plain", "back"),
}
"""The states of a payment (`payments.paying.told`) in the words of the payer."""
_SENTENCES = {
    "started": note_text(
        "Ce paiement n'est pas encore confirmé. Si vous venez de payer, la confirmation arrive en quelques secondes : "
        "ne payez pas une seconde fois."
    ),
    "in_flight": note_text("Le paiement est en route. Il n'est pas encore reçu : ce document n'est pas une quittance."),
    "paid": note_text("Le paiement est reçu. Merci."),
    "part_back": note_text("Le paiement a été reçu, puis remboursé en partie."),
    "refunded": note_text("Le paiement a été reçu, puis remboursé."),
    "returned": note_text("Votre banque a repris ce paiement : la somme est de nouveau à payer."),
    "contested": note_text("Ce paiement est contesté auprès de votre banque."),
    "failed": note_text("Votre banque a rejeté ce paiement. Rien n'a été encaissé."),
    "abandoned": note_text("Ce paiement n'a pas été mené à son terme. Rien n'a été débité."),
}
_DEBIT = note_text("Prélèvement en cours, réponse sous 14 jours ouvrés. Ce document n'est pas encore une quittance.")


def method_words(method: str) -> MethodWords:
    """The words of a way of paying, in the reader's language."""
    known = METHODS.get(method)
    if known is None:
        return MethodWords(gettext("Paiement"), "", "receipt")
    return MethodWords(gettext(known.name), gettext(known.note), known.icon)


def payment_badge(state: str) -> Badge:
    """The badge of a payment's state, in the reader's language."""
    return STATES[state].spoken()


def payment_sentence(payment: ToldPayment) -> str:
    """What the state of a payment means, in a sentence."""
    if payment.state == "in_flight" and payment.method in {"", "sepa_debit"}:
        return gettext(_DEBIT)
    return gettext(_SENTENCES[payment.state])


def read_amount(typed: str, currency: str) -> int:
    """Minor units of an amount as people type it: ``1 200,50``, ``1200.5``, ``1.200,50 €``.

    Raises:
        PaymentError: ``payment.bad_amount``: never guessed, a dot before three digits is asked back.
    """
    plain = _BLANKS.sub(" ", typed).strip().removesuffix("EUR").strip()
    found = _TYPED.fullmatch(plain) if len(plain) <= MOST_TYPED else None
    if found is None or _is_ambiguous(plain, found["part"]):
        raise bad_amount()
    whole = re.sub(r"\D", "", found["whole"])
    try:
        return Money.of(f"{whole}.{found['part'] or '0'}", currency).minor
    except MoneyError as error:
        raise bad_amount() from error


def read_minor(given: str | None) -> int | None:
    """Minor units that one of our own forms carries; ``None`` where it carries none.

    Raises:
        PaymentError: ``payment.bad_amount``: it was not our form that wrote it.
    """
    if given is None:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > MOST_TYPED or not 0 < int(given) < MOST_MINOR:
        raise bad_amount()
    return int(given)


def bad_amount() -> PaymentError:
    """``payment.bad_amount``."""
    return PaymentError(
        "payment.bad_amount",
        "This is no amount: write it as 1200.50, above zero. Nothing was started.",
        "Ce n'est pas un montant : écrivez-le ainsi, 1200,50, supérieur à zéro. Rien n'a été lancé.",
    )


def _is_ambiguous(plain: str, part: str | None) -> bool:
    """``1.200`` is a thousand two hundred for one reader, and one and a fifth for another."""
    return part is None and plain.count(".") + plain.count(",") == 1
