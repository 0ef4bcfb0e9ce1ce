"""What the inbox holds of a file that a platform has for us: everything about it, while the archive holds its bytes.

The bytes go to the archive before the message goes to the inbox, so that a batch of large files weighs nothing there,
and what is kept is exactly what came.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from einvoice.platform.port import FlowState

MOST_NAME_CHARACTERS = 120
UNNAMED = "sans-nom"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that came: by which account and flow, under which name, and what the platform says of it."""

    account_id: UUID
    flow_ref: str
    name: str
    syntax: str
    flow_type: str
    processing_rule: str | None
    submitted_at: datetime
    sha256: str

    def to_body(self) -> bytes:
        """As the inbox keeps it."""
        return json.dumps(asdict(self), default=str, ensure_ascii=False).encode()

    @classmethod
    def from_body(cls, body: bytes) -> Arrival:
        """The value that :meth:`to_body` wrote."""
        told = json.loads(body)
        told["account_id"] = UUID(told["account_id"])
        told["submitted_at"] = datetime.fromisoformat(told["submitted_at"])
        return cls(**told)


def arrival_of(account_id: UUID, flow: FlowState, sha256: str) -> Arrival:
    """The arrival of ``flow``, whose file is in the archive."""
    return Arrival(
        account_id,
        flow.flow_id,
        clean_name(flow.name),
        flow.syntax,
        flow.flow_type,
        flow.processing_rule,
        flow.submitted_at,
        sha256,
    )


def clean_name(name: str | None) -> str:
    """The last part of a file name as a person may read it: no path, no control characters, no end."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[:MOST_NAME_CHARACTERS].strip() or UNNAMED


def external_id(account_id: UUID, flow_ref: str) -> str:
    """How the inbox names a flow: two platforms may both have a flow 1."""
    return f"{account_id}/{flow_ref}"


def flow_of(external: str) -> str:
    """The platform's own id of the flow in :func:`external_id`; messages of before carry it alone."""
    account, _, flow_ref = external.partition("/")
    try:
        UUID(account)
    except ValueError:
        return external
    return flow_ref or external
