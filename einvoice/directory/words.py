"""What the directory's verdicts say to people: why somebody is not reachable, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class ReachState(StrEnum):
    """Whether an invoice can reach a company through platforms."""

    REACHABLE = "reachable"
    NOT_YET = "not_yet"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    NO_DIRECTORY = "no_directory"
    NOT_FRENCH = "not_french"
    UNAVAILABLE = "unavailable"
    """The directory did not answer, and nothing is kept."""


class ReachReason(StrEnum):
    """Why; the value is stable."""

    OPEN_LINE = "open_line"
    NO_PLATFORM = "no_platform"
    UPCOMING = "upcoming"
    NO_LINE = "no_line"
    CEASED = "ceased"
    NOT_LISTED = "not_listed"
    NO_STATUS = "no_status"
    NO_DIRECTORY = "no_directory"
    ABROAD = "abroad"
    BAD_NUMBER = "bad_number"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class ReachWords:
    """One reason: its state, what it says and what to do, each in French and in English."""

    state: ReachState
    sentence: tuple[str, str]
    step: tuple[str, str]


_TELL_CUSTOMER = (
    (
        "Demandez à votre client sur quelle plateforme il reçoit ses factures, et rappelez-lui que la réception est "
        "obligatoire depuis le 1er septembre 2026 ; en attendant, envoyez-lui la facture par courriel."
    ),
    (
        "Ask your customer on which platform it receives its invoices, and remind it that receiving is compulsory "
        "since 1 September 2026; in the meantime mail it the invoice."
    ),
)
_CHECK_NUMBER = (
    (
        "Vérifiez le SIREN auprès de votre client. S'il est juste, l'entreprise n'est pas encore assujettie ou "
        "pas encore inscrite : la vente est déclarée comme à un particulier."
    ),
    (
        "Check the SIREN with your customer. If it is right, the company is not liable for VAT or not listed yet: the "
        "sale is reported like one to a consumer."
    ),
)

REACH_WORDS: Mapping[ReachReason, ReachWords] = {
    ReachReason.OPEN_LINE: ReachWords(
        ReachState.REACHABLE,
        ("Joignable : l'annuaire donne une adresse active.", "Reachable: the directory has an active address."),
        ("Rien à faire.", "Nothing to do."),
    ),
    ReachReason.NO_PLATFORM: ReachWords(
        ReachState.NOT_YET,
        (
            "Pas encore joignable : l'entreprise est dans l'annuaire, mais n'a désigné aucune plateforme.",
            "Not reachable yet: the company is in the directory but has named no platform.",
        ),
        _TELL_CUSTOMER,
    ),
    ReachReason.UPCOMING: ReachWords(
        ReachState.NOT_YET,
        (
            "Pas encore joignable : son adresse est annoncée, mais n'est pas encore active.",
            "Not reachable yet: its address is announced but not active.",
        ),
        (
            "Attendez que l'adresse soit active, ou demandez à votre client à quelle date elle le sera.",
            "Wait until the address is active, or ask your customer from when it will be.",
        ),
    ),
    ReachReason.NO_LINE: ReachWords(
        ReachState.NOT_YET,
        (
            "Pas encore joignable : l'annuaire connaît l'entreprise, mais ne lui donne aucune adresse.",
            "Not reachable yet: the directory knows the company but has no address for it.",
        ),
        _TELL_CUSTOMER,
    ),
    ReachReason.CEASED: ReachWords(
        ReachState.CLOSED,
        (
            "L'entreprise a cessé son activité : plus rien ne peut lui être transmis.",
            "The company has ceased: nothing can be sent to it any more.",
        ),
        (
            "Vérifiez à qui vous facturez : un repreneur a un autre SIREN.",
            "Check whom you invoice: a successor has another SIREN.",
        ),
    ),
    ReachReason.NOT_LISTED: ReachWords(
        ReachState.UNKNOWN,
        ("L'annuaire ne connaît pas ce SIREN.", "The directory does not know this SIREN."),
        _CHECK_NUMBER,
    ),
    ReachReason.NO_STATUS: ReachWords(
        ReachState.UNKNOWN,
        (
            "L'annuaire donne une adresse sans dire si elle est active : elle ne compte pas comme joignable.",
            "The directory has an address without saying whether it is active: that does not count as reachable.",
        ),
        (
            "Demandez à votre client de confirmer son adresse, ou à votre plateforme de la compléter.",
            "Ask your customer to confirm its address, or your platform to complete it.",
        ),
    ),
    ReachReason.NO_DIRECTORY: ReachWords(
        ReachState.NO_DIRECTORY,
        (
            "Pas d'annuaire ici : aucune plateforme reliée n'en offre un, rien n'est donc connu de cette entreprise.",
            "No directory here: no connected platform offers one, so nothing is known of this company.",
        ),
        (
            "Reliez une plateforme qui offre l'annuaire, ou consultez l'annuaire public sur le site de Chorus Pro.",
            "Connect a platform that offers the directory, or look at the public directory on Chorus Pro's site.",
        ),
    ),
    ReachReason.ABROAD: ReachWords(
        ReachState.NOT_FRENCH,
        (
            "Ce client n'est pas français : l'annuaire ne liste que des SIREN.",
            "This customer is not French: the directory lists SIREN only.",
        ),
        (
            "Envoyez-lui la facture par courriel ; la vente est déclarée par e-reporting.",
            "Mail it the invoice; the sale is reported to the tax office.",
        ),
    ),
    ReachReason.BAD_NUMBER: ReachWords(
        ReachState.UNKNOWN,
        ("Ce numéro n'est pas un SIREN valable.", "This number is no valid SIREN."),
        ("Corrigez le numéro : neuf chiffres avec leur clé.", "Correct the number: nine digits with their key."),
    ),
    ReachReason.NO_ANSWER: ReachWords(
        ReachState.UNAVAILABLE,
        (
            "L'annuaire n'a pas répondu : rien n'est connu de cette entreprise pour l'instant.",
            "The directory did not answer: nothing is known of this company for now.",
        ),
        ("Réessayez dans quelques minutes.", "Try again in some minutes."),
    ),
}
