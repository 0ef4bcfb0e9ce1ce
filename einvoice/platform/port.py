"""What we ask of an approved platform, whatever its dialect: send a flow, ask about it, fetch what comes back.

A flow (*flux*) is one invoice, one life-cycle message or one report. The tracking id is ours and deterministic: after a
crash or a time-out the sender asks by it before it sends again, so that nothing is ever sent twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from einvoice.errors import EInvoiceError

if TYPE_CHECKING:
    from datetime import datetime

MAX_TRACKING_ID = 64
"""Characters of a tracking id (XP Z12-013 ``NotOnlyUuid``)."""


class Syntax(StrEnum):
    """The syntax of a flow's file; ``FRR`` is the e-reporting file (Flux 10)."""

    CII = "CII"
    UBL = "UBL"
    FACTUR_X = "Factur-X"
    CDAR = "CDAR"
    FRR = "FRR"


class ProcessingRule(StrEnum):
    """How the platform is to treat a flow."""

    B2B = "B2B"
    B2B_INTERNATIONAL = "B2BInt"
    B2C = "B2C"
    B2G = "B2G"
    B2G_INTERNATIONAL = "B2GInt"
    OUT_OF_SCOPE = "OutOfScope"
    B2G_OUT_OF_SCOPE = "B2GOutOfScope"
    ARCHIVE_ONLY = "ArchiveOnly"
    NOT_APPLICABLE = "NotApplicable"
    UNDEFINED = "Undefined"


class Profile(StrEnum):
    """The profile of an invoice flow."""

    BASIC = "Basic"
    CIUS = "CIUS"
    EXTENDED = "Extended-CTC-FR"
    UNDEFINED = "Undefined"


class AckStatus(StrEnum):
    """The platform's acknowledgement. ``OK`` means technically accepted; *Déposée* (200) comes as a flow of its own."""

    PENDING = "Pending"
    OK = "Ok"
    ERROR = "Error"


class Direction(StrEnum):
    """``IN`` comes from the platform to us, ``OUT`` goes from us to the platform."""

    IN = "In"
    OUT = "Out"


class DocType(StrEnum):
    """Which file of a flow to fetch."""

    ORIGINAL = "Original"
    CONVERTED = "Converted"
    READABLE_VIEW = "ReadableView"


@dataclass(frozen=True, slots=True)
class Flow:
    """A file to send. ``tracking_id`` has at most 64 characters (see ``tracking_id_for``), ``name`` at most 255."""

    tracking_id: str
    name: str
    syntax: Syntax
    content: bytes
    processing_rule: ProcessingRule | None = None
    profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class SentFlow:
    """The platform took the file: its id for it and its own time."""

    flow_id: str
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class AckDetail:
    """One remark of an acknowledgement: ``level`` Error or Warning, ``item`` where, ``reason`` a code or rule id."""

    level: str
    item: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class FlowState:
    """What the platform says of a flow. ``flow_type`` is e.g. CustomerInvoiceLC; ``updated_at`` is the platform's."""

    flow_id: str
    tracking_id: str | None
    flow_type: str
    syntax: str
    direction: str
    status: AckStatus
    details: tuple[AckDetail, ...]
    submitted_at: datetime
    updated_at: datetime
    name: str
    processing_rule: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class FlowPage:
    """One page of a search; ``next_cursor`` is None on the last."""

    flows: tuple[FlowState, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook of ours at the platform: its id there, and the key with which it signs."""

    webhook_ref: str
    signing_key: bytes = field(repr=False)


class PlatformError(EInvoiceError):
    """A call to the platform failed.

    ``in_doubt`` says that the call may have had its effect all the same: ask by tracking id before sending again.
    """

    def __init__(self, code: str, sentence: str, sentence_fr: str, *, in_doubt: bool = False) -> None:
        super().__init__(code, sentence, sentence_fr)
        self.in_doubt = in_doubt


class PlatformUnreachableError(PlatformError):
    """``platform.unreachable``: no connection, a time-out, a failure inside the platform, or no readable answer."""

    def __init__(self, sentence: str, sentence_fr: str, *, in_doubt: bool = False) -> None:
        super().__init__("platform.unreachable", sentence, sentence_fr, in_doubt=in_doubt)


class PlatformRefusedError(PlatformError):
    """``platform.refused``: the platform refuses the call (4xx) with its own ``error_code`` and ``http_status``.

    ``told`` is what it says of the reason, in its own words.
    """

    def __init__(self, sentence: str, sentence_fr: str, *, error_code: str, http_status: int, told: str = "") -> None:
        super().__init__("platform.refused", sentence, sentence_fr)
        self.error_code = error_code
        self.http_status = http_status
        self.told = told or sentence


class PlatformBusyError(PlatformError):
    """``platform.busy``: come back later (429, 503), after ``retry_after_s`` seconds where the platform says so."""

    def __init__(
        self,
        sentence: str,
        sentence_fr: str,
        *,
        retry_after_s: float | None,
        code: str = "platform.busy",
        in_doubt: bool = False,
        http_status: int | None = None,
    ) -> None:
        super().__init__(code, sentence, sentence_fr, in_doubt=in_doubt)
        self.retry_after_s = retry_after_s
        self.http_status = http_status


class PlatformPausedError(PlatformBusyError):
    """``platform.paused``: it failed too often in a row, so that nothing is asked of it for a while (circuit breaker).

    The call was not made. ``retry_after_s`` says when the next one may try.
    """

    def __init__(self, sentence: str, sentence_fr: str, *, retry_after_s: float) -> None:
        super().__init__(sentence, sentence_fr, retry_after_s=retry_after_s, code="platform.paused")


class PlatformAddressError(PlatformError):
    """``platform.address_refused``: the platform's name leads to an address that we do not call (a private one)."""

    def __init__(self, sentence: str, sentence_fr: str) -> None:
        super().__init__("platform.address_refused", sentence, sentence_fr)


class AccountClosedError(PlatformError):
    """``platform.account_closed``: this access was closed by a human; open it again, or tell the buyer directly."""

    def __init__(self, label: str) -> None:
        super().__init__(
            "platform.account_closed",
            f"The access to {label} is closed: open it again to send what still concerns its invoices.",
            f"L'accès à {label} est clos : rouvrez-le pour envoyer ce qui concerne encore ses factures.",
        )


class PlatformUnauthorisedError(PlatformError):
    """``platform.unauthorised``: our credentials are not accepted, also with a fresh token."""

    def __init__(self, sentence: str, sentence_fr: str) -> None:
        super().__init__("platform.unauthorised", sentence, sentence_fr)


class Platform(Protocol):
    """An approved platform. Every method may raise one of the ``PlatformError`` above."""

    def send_flow(self, flow: Flow) -> SentFlow:
        """Hand over a file; its acknowledgement comes later."""
        ...

    def find_flow(self, tracking_id: str, number: str | None = None) -> FlowState | None:
        """The flow that we sent under ``tracking_id``, or None where the platform has none: then it may be sent.

        ``number`` is that of its invoice, for platforms that keep no tracking id.
        """
        ...

    def search(
        self, updated_after: datetime, cursor: str | None = None, *, direction: Direction | None = None
    ) -> FlowPage:
        """Flows changed after ``updated_after`` (strictly, by the platform's clock), oldest first, page by page."""
        ...

    def flow_state(self, flow_id: str) -> FlowState:
        """What the platform says of one flow."""
        ...

    def fetch(self, flow_id: str, doc_type: DocType = DocType.ORIGINAL) -> bytes:
        """One file of a flow."""
        ...

    def health(self) -> bool:
        """Whether the service answers its health check."""
        ...

    def subscribe(self, callback_url: str, *, direction: Direction | None = None) -> Subscription:
        """Have the platform call ``callback_url`` when a flow changes; the key is told here and never again."""
        ...

    def subscriptions(self) -> tuple[str, ...]:
        """The ids of our subscriptions."""
        ...

    def unsubscribe(self, webhook_ref: str) -> None:
        """End a subscription; one that is gone already is no error."""
        ...


def tracking_id_for(*facts: str) -> str:
    """A tracking id of 64 characters that is the same for the same facts, e.g. supplier, "212", message id."""
    return hashlib.sha256("\x1f".join(facts).encode()).hexdigest()
