"""A conversation as the supplier's people see it: messages and notes in the order in which they were written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.words import gettext, note_text
from receivables.domain.conversations.messages import Channel, Side

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from receivables.domain.conversations.messages import Message, Note

_CHANNELS = {
    Channel.PAGE: "",
    Channel.LINK: note_text("depuis le lien de paiement, confirmé par courriel"),
    Channel.MAIL: note_text("par courriel"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the conversation; ``message`` is ``None`` for a note."""

    kind: str
    author: str
    said: str
    at: datetime
    how: str
    message: Message | None = None


def show_entries(messages: Sequence[Message], notes: Sequence[Note]) -> list[Entry]:
    """Messages with notes between them."""
    entries = [
        Entry("theirs" if each.side is Side.CUSTOMER else "ours", each.author, each.said, each.said_at, how(each), each)
        for each in messages
    ]
    entries += [Entry("note", each.author, each.said, each.said_at, gettext("note interne")) for each in notes]
    return sorted(entries, key=lambda each: each.at)


def how(message: Message) -> str:
    """By which way a message came, where it is worth saying."""
    words = _CHANNELS[message.channel]
    return gettext(words) if words else ""
