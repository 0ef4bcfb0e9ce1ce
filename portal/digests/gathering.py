"""What somebody of the staff is told of their week: never a customer or an amount that their pages would not show.

Who has a portfolio, or looks after customers, reads about those; everybody else of these roles about all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from portal.access.roles import Role
from receivables.services.collecting.worklist import Wanted, worklist
from receivables.store.mail.digests import WEEK, cashed_in, looks_after_some, open_disputes

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from config.database import Database
    from receivables.domain.collecting.worklist import Account
    from receivables.store.mail.digests import Cashed, Contested
    from receivables.store.work import Work

READERS = (Role.OWNER, Role.ACCOUNTANT, Role.CREDIT_MANAGER, Role.COLLECTOR, Role.SALES)
"""Whose week it is; an auditor looks when there is something to look at."""
SHOWN = 5
"""Customers and disputes that a mail names."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody of the staff; ``portfolio``: they see only the customers that are theirs.

    ``reads_worklist``: the list of what is to be done is a page of theirs; sales have none.
    """

    person_id: UUID
    email: str
    name: str
    language: str
    portfolio: bool
    reads_worklist: bool = True


@dataclass(frozen=True, slots=True)
class Digest:
    """The week that begins on ``monday``; ``is_own``: only about the reader's customers."""

    monday: date
    is_own: bool
    cashed: tuple[Cashed, ...]
    late: tuple[Account, ...]
    contested: tuple[Contested, ...]
    reads_worklist: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing worth a mail."""
        return not (self.cashed or self.late or self.contested)


def readers_of(database: Database, supplier_id: UUID) -> list[Reader]:
    """Everybody who gets the digest, each once; a portfolio counts where any of their roles has one."""
    with database.register() as connection:
        rows = connection.execute(
            text(
                "SELECT person_id, email, people.name, language, bool_or(portfolio) AS portfolio, "
                "bool_or(role <> :sales) AS reads_worklist "
                "FROM memberships JOIN people USING (person_id) WHERE member_of = :supplier AND role = ANY(:roles) "
                "AND ended_at IS NULL GROUP BY person_id, email, people.name, language ORDER BY email"
            ),
            {"supplier": supplier_id, "roles": [role.value for role in READERS], "sales": Role.SALES.value},
        ).mappings()
        return [Reader(**row) for row in rows]


def last_monday(today: date) -> date:
    """The Monday with which the last whole week began."""
    return today - timedelta(days=today.weekday()) - WEEK


def gather(work: Work, reader: Reader, today: date) -> Digest:
    """What one reader is told today of the last whole week."""
    monday = last_monday(today)
    own = reader.person_id if reader.portfolio or looks_after_some(work, reader.person_id) else None
    late = [each.account for each in worklist(work, today, Wanted(collector_id=own))]
    late.sort(key=lambda account: (-account.late_minor, account.name))
    return Digest(
        monday,
        own is not None,
        cashed_in(work, monday, own),
        tuple(late),
        open_disputes(work, own),
        reader.reads_worklist,
    )
