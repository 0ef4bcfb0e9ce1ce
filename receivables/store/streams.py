"""Rows of long queries as they come: a server-side cursor, so that a year of entries never stands in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

AT_ONCE = 2_000
"""Rows that are fetched together."""


def stream(work: Work, sql: str, **values: Any) -> Iterator[RowMapping]:
    """The rows of a query one by one; ``:supplier`` is bound to the supplier of this work."""
    statement = text(sql).execution_options(yield_per=AT_ONCE)
    yield from work.connection.execute(statement, {"supplier": work.supplier_id, **values}).mappings()
