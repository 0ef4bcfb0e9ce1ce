"""Messages found by their words, with row-level security on.

PostgreSQL looks into an index only with comparisons that cannot tell anything of a row that the reader may not see
(``LEAKPROOF``). Those of ``ILIKE`` and of full-text search (``@@``) are not declared so, and declaring them takes a
superuser who vouches for them; so both read every message of the supplier. Equality and order of plain text are. So the
words of a message are rows of their own (``message_words``), kept by the database as messages are written, under the
same policies as every table; a word is looked for by its beginning, which is a range of that table's key. A function
that runs as somebody else and returns ids would be quicker to write, and one forgotten condition away from a leak.

Words are taken without accents and case (``words_of`` in the schema, for messages and for what is looked for alike).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from receivables.store.work import Work

MOST_WORDS = 6
"""More words of a search are not looked at: six beginnings leave little to choose from."""
_BEGINS = (
    "SELECT message_id FROM message_words WHERE supplier_id = :supplier "
    'AND word >= CAST(:word_{n} AS text) COLLATE "C" AND word < CAST(:word_{n} || chr(1114111) AS text) COLLATE "C"'
)
"""Words that begin with one: everything before the same with the last of all characters behind it."""


def holding(work: Work, wanted: str) -> tuple[str, dict[str, Any]]:
    """A query for the ids of messages in which each word of ``wanted`` begins a word, with its values."""
    words = work.scalar("SELECT words_of(:wanted)", wanted=wanted)[:MOST_WORDS]
    if not words:
        return "SELECT message_id FROM message_words WHERE false", {}
    sql = " INTERSECT ".join(_BEGINS.format(n=n) for n in range(len(words)))
    return sql, {f"word_{n}": word for n, word in enumerate(words)}
