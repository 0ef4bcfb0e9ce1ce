"""Disputes (litiges): what is claimed about an invoice, by whom, and where it stands.

A dispute is a bundle of claims about one invoice for one reason: what the customer wrote on our page, and the statuses
that their platform sent. Its standing is *computed* from everything said and done about it, sorted by when that
happened, never from the order of arrival: the same facts in any order end in the same disputes. Reasons are the codes
of the life cycle (MDT-113, rule BR-FR-CDV-CL-09).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime
    from uuid import UUID

MERGE_WINDOW = timedelta(hours=72)
"""Two claims of different origin for the same reason on the same invoice, no further apart, are one dispute."""
ANSWER_WORKING_DAYS, CLOSE_WORKING_DAYS = 2, 15
"""Until when a customer has a first answer, and an outcome."""
OTHER, DOCUMENT_MISSING = "AUTRE", "JUSTIF_ABS"
APPROVED, PARTLY_APPROVED, IN_DISPUTE, SUSPENDED = "205", "206", "207", "208"
CLAIMING = frozenset({PARTLY_APPROVED, IN_DISPUTE, SUSPENDED})
"""Statuses of a buyer that open or feed a dispute."""
REFUSING = frozenset({"210", "213"})
"""Statuses that end the invoice for the State: refused by the buyer, rejected by a platform."""
ENDED = {"210": "refused", "213": "rejected", "220": "cancelled"}
"""Statuses after which nobody asks for money, and why; 220 is ours: a corrective invoice took its place."""


class Scope(StrEnum):
    """How much of the invoice is disputed."""

    WHOLE = "whole"
    LINES = "lines"
    AMOUNT = "amount"


class Origin(StrEnum):
    """From where a dispute came first."""

    PORTAL = "portal"
    PLATFORM = "platform"
    STAFF = "staff"
    PAYMENT = "payment"
    """A payment was short, and somebody asked why."""


class State(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    INFO_NEEDED = "info_needed"
    """The customer waits for a document of ours."""
    ACCEPTED = "accepted"
    PARTLY = "partly"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    """The invoice itself was refused or rejected: an internal credit and a new invoice are to be made."""


UNDECIDED = frozenset({State.OPEN, State.INFO_NEEDED})


class Team(StrEnum):
    """Who answers."""

    COLLECTOR = "collector"
    ACCOUNTING = "accounting"
    SALES_ADMINISTRATION = "sales_administration"
    SALES = "sales"
    LOGISTICS = "logistics"
    QUALITY = "quality"


_TEAMS = {
    Team.COLLECTOR: "AUTRE RETRAIT_MAN_SERV CONTACT_ACHTR",
    Team.ACCOUNTING: "COORD_BANC_ERR TX_TVA_ERR MONTANTTOTAL_ERR CALCUL_ERR NON_CONFORME DOUBLON REJ_SEMAN REJ_UNI "
    "REJ_COH REJ_CONT_B2G REJ_REF_PJ REJ_ASS_PJ SUPPR_COMP_AVOIR TRANSF_PMNT_REGIE",
    Team.SALES_ADMINISTRATION: "DOUBLE_FACT DEST_INC DEST_ERR CMD_ERR ADR_ERR SIRET_ERR CODE_ROUTAGE_ERR "
    "REF_CT_ABSENT REF_ERR JUSTIF_ABS REJ_ADR ROUTAGE_ERR",
    Team.SALES: "TRANSAC_INC EMMET_INC CONTRAT_TERM PU_ERR REM_ERR MODPAI_ERR ST_CT_NON_DECLAR",
    Team.LOGISTICS: "QTE_ERR ART_ERR LIVR_INCOMP",
    Team.QUALITY: "QUALITE_ERR",
}
TEAM_OF = {code: team for team, codes in _TEAMS.items() for code in codes.split()}
"""Who answers which reason."""
FRAUD_CHECK = frozenset({"COORD_BANC_ERR"})
"""Somebody may have put another account on our invoice: call the customer back before anything is changed."""


def team_of(reason: str) -> Team:
    """Who answers a reason; the collector where nobody else does."""
    return TEAM_OF.get(reason, Team.COLLECTOR)


class EventKind(StrEnum):
    """What happened to a dispute. The three last only tell what follows from something else."""

    CLAIMED = "claimed"
    """Somebody wrote on our page, or told the collector."""
    STATUS = "status"
    """A status of the life cycle that claims: 206, 207, 208, 210, 213."""
    ANSWERED = "answered"
    DOCUMENTS_SENT = "documents_sent"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    PARTLY = "partly"
    REJECTED = "rejected"
    CLOSED = "closed"
    """What a refusal asked for is done."""
    APPROVED = "approved"
    REFUSED = "refused"
    MERGED = "merged"


DECISIONS = {
    EventKind.ACCEPTED: State.ACCEPTED,
    EventKind.PARTLY: State.PARTLY,
    EventKind.REJECTED: State.REJECTED,
}
"""Outcomes that we decide."""
CLAIMS = frozenset({EventKind.CLAIMED, EventKind.STATUS})
ANSWERS = frozenset({EventKind.ANSWERED, EventKind.DOCUMENTS_SENT, *DECISIONS})
"""What a customer hears from us."""


@dataclass(frozen=True, slots=True)
class DisputeEvent:
    """Something said or done. ``actor`` is who, ``said`` their words, ``facts`` the rest (amounts in minor units)."""

    kind: EventKind
    happened_at: datetime
    actor: str
    said: str | None = None
    status_code: str | None = None
    message_id: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> Origin:
        """Of a claim: from where it came."""
        return Origin.PLATFORM if self.kind is EventKind.STATUS else Origin(self.facts["origin"])

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Where it stands among others, whenever it arrived."""
        return self.happened_at, self.status_code or "", self.message_id or ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A status that speaks of the whole invoice: 205 approved, 210 refused, 213 rejected."""

    code: str
    at: datetime
    message_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What the facts come to. ``closed_at`` is set once nothing is left to do."""

    state: State
    scope: Scope
    amount_minor: int | None
    line_ids: tuple[str, ...]
    origin: Origin
    owner: str
    opened_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as it is kept: ``amount_minor`` is what is disputed, ``None`` for the whole invoice."""

    dispute_id: UUID
    customer_id: UUID
    invoice_id: UUID
    reason: str
    scope: Scope
    amount_minor: int | None
    currency: str
    line_ids: tuple[str, ...]
    opened_from: Origin
    state: State
    owner: str
    answer_due_on: date
    close_due_on: date
    opened_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.closed_at is None

    @property
    def platform_status(self) -> str:
        """The status by which the customer's own platform would say the same."""
        return SUSPENDED if self.reason == DOCUMENT_MISSING else IN_DISPUTE


def claims_of(events: Iterable[DisputeEvent]) -> list[DisputeEvent]:
    """The claims among ``events``, in the order in which they were made."""
    return sorted((each for each in events if each.kind in CLAIMS), key=lambda each: each.order)


def decision_of(events: Iterable[DisputeEvent]) -> DisputeEvent | None:
    """Our first decision, which stands."""
    return min((each for each in events if each.kind in DECISIONS), key=lambda each: each.order, default=None)


def belongs(claim: DisputeEvent, events: Sequence[DisputeEvent]) -> bool:
    """Whether ``claim`` is about the same dispute as ``events``, which are for the same reason on the same invoice.

    It is within 72 hours of one of its claims; later where it comes from the same side and we have not decided before.
    """
    decided = decision_of(events)
    still_asked = decided is None or claim.happened_at <= decided.happened_at
    return any(
        abs(claim.happened_at - each.happened_at) <= MERGE_WINDOW
        or (still_asked and (claim.origin is Origin.PLATFORM) == (each.origin is Origin.PLATFORM))
        for each in claims_of(events)
    )


def stand(reason: str, events: Sequence[DisputeEvent], turns: Iterable[Turn]) -> Standing:
    """Where a dispute stands after ``events`` (with at least one claim), and ``turns`` of its invoice."""
    claims = claims_of(events)
    turns = sorted(turns, key=lambda each: (each.at, each.code, each.message_id))
    decided = decision_of(events)
    state, ended_at = _end(reason, events, turns, decided)
    told = next((each for each in reversed(claims) if "scope" in each.facts), None)
    facts = told.facts if told else {}
    assigned = [each.facts["owner"] for each in events if each.kind is EventKind.ASSIGNED]
    answers = [each.happened_at for each in events if each.kind in ANSWERS]
    return Standing(
        state,
        Scope(facts.get("scope", Scope.WHOLE)),
        facts.get("amount_minor"),
        tuple(facts.get("line_ids", ())),
        claims[0].origin,
        assigned[-1] if assigned else team_of(reason),
        claims[0].happened_at,
        min(answers, default=None),
        ended_at,
    )


def _end(
    reason: str, events: Sequence[DisputeEvent], turns: Sequence[Turn], decided: DisputeEvent | None
) -> tuple[State, datetime | None]:
    """The state, and since when nothing is left to do."""
    if any(each.status_code in REFUSING for each in events if each.kind is EventKind.STATUS):
        return State.REFUSED, max((e.happened_at for e in events if e.kind is EventKind.CLOSED), default=None)
    if decided is not None:
        return DECISIONS[decided.kind], decided.happened_at
    refused_at = min((each.at for each in turns if each.code in REFUSING), default=None)
    if refused_at is not None:
        return State.REFUSED, refused_at
    return _discuss(reason, events, turns)


def _discuss(reason: str, events: Sequence[DisputeEvent], turns: Sequence[Turn]) -> tuple[State, datetime | None]:
    """Claims, documents and approvals in the order in which they happened."""
    talk: list[tuple[datetime, str, str]] = [
        (each.happened_at, each.status_code or each.kind, each.message_id or "")
        for each in events
        if each.kind in CLAIMS or each.kind is EventKind.DOCUMENTS_SENT
    ]
    talk += [(each.at, each.code, each.message_id) for each in turns if each.code == APPROVED]
    state, ended_at = State.OPEN, None
    asks = State.INFO_NEEDED if reason == DOCUMENT_MISSING else State.OPEN
    claimed = False
    for at, what, _ in sorted(talk):
        if what == APPROVED:
            state, ended_at = (State.WITHDRAWN, at) if claimed else (state, ended_at)
        elif what == EventKind.DOCUMENTS_SENT:
            state = State.OPEN if state is State.INFO_NEEDED else state
        else:
            state, ended_at, claimed = (State.INFO_NEEDED if what == SUSPENDED else asks), None, True
    return state, ended_at
