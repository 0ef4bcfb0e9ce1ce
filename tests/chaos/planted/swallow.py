"""Planted bug: an error while posting is logged, and the message marked as done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chaos.planted.planting import plant

from portal.background import duties
from portal.cli import main
from receivables.store.inbox import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from payments.gateways.port import Gateway
    from receivables.store.inbox import Message
    from receivables.store.work import Work

UNLUCKY = "7"
"""The posting of one payment in sixteen fails, whichever of its events tells of it."""


def _receive_or_shrug(
    work: Work, messages: Sequence[Message], gateway_for: Callable[[Work], Gateway]
) -> list[Settlement]:
    failed = [message for message in messages if _attempt_of(message).endswith(UNLUCKY)]
    settled: list[Settlement] = _receive(work, [message for message in messages if message not in failed], gateway_for)
    return settled + [Settlement(message.inbox_id, "done", "something went wrong") for message in failed]


def _attempt_of(message: Message) -> str:
    return str(json.loads(message.body)["data"]["object"]["metadata"]["attempt_id"])


_receive = plant(duties, "receive_events", _receive_or_shrug)

if __name__ == "__main__":
    main()
