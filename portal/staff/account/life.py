"""The whole story of an account: what happened to its invoices, what was said, promised, asked for and decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.telling.account_words import event_words
from portal.telling.timeline import Told, tell
from receivables.store.customer_file.happenings import life_of_customer
from receivables.store.customer_file.journal import journal_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from receivables.store.work import Work

MOST_SHOWN = 24


def life_of_account(work: Work, customer_id: UUID, names: Mapping[str, str], *, internal: bool = True) -> list[Told]:
    """The newest events first; ``names`` says who ``person <id>`` is."""
    told = tell(life_of_customer(work, customer_id), of_many=True)
    for event in journal_of(work, customer_id, internal=internal, limit=MOST_SHOWN):
        words, tone, icon = event_words(event)
        who = names.get(event.actor, "") if internal else ""
        assert event.happened_at is not None  # noqa: S101 -- it was read from the table
        told.append(Told(event.happened_at, words, who, tone, icon))
    return sorted(told, key=lambda each: each.at, reverse=True)[:MOST_SHOWN]
