"""The life-cycle statuses (*statuts du cycle de vie*) of an invoice: who sets them, where they go, what ends them.

Codes and issuers: Dossier général v3.2 table 8 (200-213); France_RFE CDAR rules 1.4 (214-228, 501). The list is open:
a code that is not in the table is kept as it came, with ``known`` false. Statuses form an append-only list; after the
transmission phase (200 or 213, 201, 202 or 213, 203) they may come in any order (XP Z12-014 annex B, 1.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from einvoice.errors import EInvoiceError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Phase(StrEnum):
    """MDT-77: the part of the life cycle that a status belongs to."""

    TRANSMISSION = "305"
    """Between platforms: deposit, routing, delivery."""
    PROCESSING = "23"
    """Between buyer and seller."""


class Actor(StrEnum):
    """Who may set a status."""

    SELLER_PLATFORM = "PA-E"
    BUYER_PLATFORM = "PA-R"
    SELLER = "seller"
    BUYER = "buyer"
    FACTOR = "factor"
    APPROVER = "approver"
    SUBCONTRACTOR = "subcontractor"
    STATE = "PPF"


class ToState(StrEnum):
    """Whether the platform passes a status to the public portal (PPF)."""

    NO = "no"
    YES = "yes"
    IF_VAT_ON_RECEIPT = "if VAT falls due on receipt"
    """Only for VAT due on collection (*encaissements*), CGI 290 A."""


@dataclass(frozen=True, slots=True)
class Status:
    """One status: ``code`` is MDT-105, ``phase`` MDT-77, ``document_status`` MDT-88 (None outside the CDV lists)."""

    code: str
    french: str
    english: str
    actors: frozenset[Actor] = frozenset()
    phase: Phase | None = None
    document_status: str | None = None
    to_state: ToState = ToState.NO
    terminal: bool = False
    needs_reason: bool = False
    """A reason code (MDT-113) is compulsory: BR-FR-CDV-15."""
    known: bool = True


class LifecycleError(EInvoiceError):
    """A status that may not be sent now: ``lifecycle.*``; the sentence says why."""


def _in(
    phase: Phase,
    code: str,
    french: str,
    english: str,
    document_status: str,
    *actors: Actor,
    to_state: ToState = ToState.NO,
    terminal: bool = False,
    needs_reason: bool = False,
) -> Status:
    return Status(
        code, french, english, frozenset(actors), phase, document_status, to_state, terminal, needs_reason=needs_reason
    )


_platform = partial(_in, Phase.TRANSMISSION)
_party = partial(_in, Phase.PROCESSING)
_PA_E, _PA_R, _BUYER, _SELLER, _FACTOR = (
    Actor.SELLER_PLATFORM,
    Actor.BUYER_PLATFORM,
    Actor.BUYER,
    Actor.SELLER,
    Actor.FACTOR,
)

STATUSES: dict[str, Status] = {
    status.code: status
    for status in (
        _platform("200", "Déposée", "Submitted", "10", _PA_E, to_state=ToState.YES),
        _platform("201", "Émise par la plateforme", "Issued by the platform", "51", _PA_E),
        _platform("202", "Reçue par la plateforme", "Received by the platform", "43", _PA_R),
        _platform("203", "Mise à disposition", "Made available", "48", _PA_R),
        _party("204", "Prise en charge", "Taken in charge", "45", _BUYER),
        _party("205", "Approuvée", "Approved", "1", _BUYER),
        _party("206", "Approuvée partiellement", "Partly approved", "49", _BUYER, needs_reason=True),
        _party("207", "En litige", "Disputed", "46", _BUYER, needs_reason=True),
        _party("208", "Suspendue", "Suspended", "39", _BUYER, needs_reason=True),
        _party("209", "Complétée", "Completed", "37", _SELLER),
        _party("210", "Refusée", "Refused", "50", _BUYER, to_state=ToState.YES, terminal=True, needs_reason=True),
        _party("211", "Paiement transmis", "Payment sent", "47", _BUYER, _SELLER),
        _party("212", "Encaissée", "Payment received", "47", _SELLER, to_state=ToState.IF_VAT_ON_RECEIPT),
        _platform(
            "213", "Rejetée", "Rejected", "8", _PA_E, _PA_R, to_state=ToState.YES, terminal=True, needs_reason=True
        ),
        _party("214", "Visée", "Endorsed", "5", Actor.APPROVER),
        _party("220", "Annulée", "Cancelled", "5", _SELLER, terminal=True),
        _party("221", "Erreur de routage", "Routing error", "5", _BUYER, _PA_R),
        _party("224", "Demande de paiement direct", "Direct payment request", "5", Actor.SUBCONTRACTOR),
        _party("225", "Affacturée", "Factored", "5", _SELLER, _FACTOR),
        _party("226", "Affacturée confidentiel", "Factored confidentially", "5", _SELLER, _FACTOR),
        _party("227", "Changement de compte à payer", "Change of account to pay", "5", _SELLER, _FACTOR),
        _party("228", "Non affacturée", "Not factored", "5", _SELLER, _FACTOR),
        Status(
            "501",
            "Irrecevable",
            "Inadmissible",
            frozenset({Actor.STATE, _PA_E, _PA_R}),
            terminal=True,
            needs_reason=True,
        ),
        Status("601", "Statut rejeté", "Status rejected", frozenset({Actor.STATE}), needs_reason=True),
    )
}
"""Every status that we know, by code (MDT-105)."""

CLOSING = frozenset({"210", "213", "220"})
"""Nothing more is sent for an invoice that is refused, rejected or replaced; the books still record the money."""

_REACHED_THE_PLATFORM = frozenset({"200", "201", "202", "203", "204", "205", "206", "207", "208", "211", "221"})
"""Any of these proves that the invoice was deposited, also where the platform does not pass on its 200."""


def status(code: str) -> Status:
    """The status of ``code``; an unknown code gives a status that is labelled by its code and marked unknown."""
    return STATUSES.get(code) or Status(code, code, code, known=False)


def closed_by(history: Sequence[str]) -> str | None:
    """The first code of ``history`` that closed the invoice (210, 213 or 220), or None while it is open."""
    return next((code for code in history if code in CLOSING), None)


def has_reached_platform(history: Sequence[str]) -> bool:
    """Whether the statuses of an invoice prove that a platform has it."""
    return not _REACHED_THE_PLATFORM.isdisjoint(history)


def check_sendable(code: str, history: Sequence[str]) -> None:
    """Check that we, as the seller, may send ``code`` for an invoice with the statuses of ``history``.

    Raises:
        LifecycleError: ``lifecycle.not_ours`` (a status of the buyer or of a platform), ``lifecycle.not_deposited``,
            ``lifecycle.closed`` (after 210, 213, 220) or ``lifecycle.nothing_to_complete`` (a 209 without a 208).
    """
    wanted = status(code)
    if Actor.SELLER not in wanted.actors:
        raise LifecycleError(
            "lifecycle.not_ours",
            f"Status {code} {wanted.english} is not one that a seller sets; do not send it.",
            f"Le statut {code} {wanted.french} n'est pas un statut du vendeur ; ne l'envoyez pas.",
        )
    closing = closed_by(history)
    if closing:
        raise LifecycleError(
            "lifecycle.closed",
            f"Status {code} cannot follow {closing} {status(closing).english}: the invoice is closed for the State.",
            f"Le statut {code} ne peut suivre {closing} {status(closing).french} : la facture est close pour l'État.",
        )
    if not has_reached_platform(history):
        raise LifecycleError(
            "lifecycle.not_deposited",
            f"Status {code} must wait: the platform has not said yet that the invoice is deposited (200).",
            f"Le statut {code} doit attendre : la plateforme n'a pas encore dit la facture déposée (200).",
        )
    if code == "209" and not _is_suspended(history):
        raise LifecycleError(
            "lifecycle.nothing_to_complete",
            "Status 209 Completed answers a 208 Suspended, and none is open.",
            "Le statut 209 Complétée répond à un 208 Suspendue, et aucun n'est en cours.",
        )


BUYER_STATUSES = ("204", "205", "206", "207", "208", "210", "211")
"""What a buyer may say of an invoice received."""
_DECISIONS = frozenset({"205", "206", "207", "208"})
_AFTER_CLOSING = frozenset({"220", "225", "226", "227", "228", "501", "601"})
"""What may still be said of an invoice that is refused, rejected or replaced."""


def check_sendable_by_buyer(code: str, history: Sequence[str]) -> None:
    """Check that we, as the buyer, may send ``code`` for an invoice received with the statuses of ``history``.

    The rule (XP Z12-014 annex B, 1.2): the statuses of the processing phase come in any order and at any time, with
    three limits. Nothing follows 210, 213 or 220; 204 is said once; 205 is not repeated before another answer.

    Raises:
        LifecycleError: ``lifecycle.not_buyers`` (a status of the seller or of a platform), ``lifecycle.closed`` or
            ``lifecycle.said_already``.
    """
    wanted = status(code)
    if code not in BUYER_STATUSES:
        raise LifecycleError(
            "lifecycle.not_buyers",
            f"Status {code} {wanted.english} is not one that a buyer sets; choose one of {', '.join(BUYER_STATUSES)}.",
            f"Le statut {code} {wanted.french} n'est pas un statut de l'acheteur ; choisissez parmi "
            f"{', '.join(BUYER_STATUSES)}.",
        )
    closing = closed_by(history)
    if closing:
        raise LifecycleError(
            "lifecycle.closed",
            f"Status {code} cannot follow {closing} {status(closing).english}: the invoice is closed. Write to the "
            "seller, who issues a new one.",
            f"Le statut {code} ne peut suivre {closing} {status(closing).french} : la facture est close. Écrivez au "
            "vendeur, qui en émettra une nouvelle.",
        )
    last = next((each for each in reversed(history) if each in _DECISIONS), None)
    if (code == "204" and code in history) or (code == "205" and last == code):
        raise LifecycleError(
            "lifecycle.said_already",
            f"Status {code} {wanted.english} was said already, and the seller knows it.",
            f"Le statut {code} {wanted.french} a déjà été dit, et le vendeur le sait.",
        )


def sendable_by_buyer(history: Sequence[str]) -> tuple[str, ...]:
    """The statuses that :func:`check_sendable_by_buyer` lets through now."""

    def may(code: str) -> bool:
        try:
            check_sendable_by_buyer(code, history)
        except LifecycleError:
            return False
        return True

    return tuple(code for code in BUYER_STATUSES if may(code))


def out_of_order(code: str, before: Sequence[str], after: Sequence[str]) -> tuple[str, str] | None:
    """The two codes, first and second, that cannot stand in this order, or None where all is in order.

    ``before`` and ``after`` are what was *set* before and after ``code``, whenever it arrived: late news is no fault.
    """
    closing = closed_by(before)
    if closing and status(code).known and code not in _AFTER_CLOSING:
        return closing, code
    if code in CLOSING:
        second = next((each for each in after if status(each).known and each not in _AFTER_CLOSING), None)
        return (code, second) if second else None
    return None


def _is_suspended(history: Sequence[str]) -> bool:
    answers = [code for code in history if code in {"208", "209"}]
    return bool(answers) and answers[-1] == "208"
