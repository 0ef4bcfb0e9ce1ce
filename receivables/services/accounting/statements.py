"""The statement of account (relevé de compte) of a customer over some days: what the books say, to the cent.

Opening balance, every movement of the customer's account 411 with its letters, closing balance; then what is open on
the last day, and how old it is. It is read as of that day: later movements and later lettering are not there yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from receivables.domain.settlement.terms import Instalment, parts_left

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.store.work import Work

AGES = ("not_due", "to_30", "to_60", "to_90", "over_90")
"""How many days past due: none, 1-30, 31-60, 61-90, more."""
_STEPS = (0, 30, 60, 90)

_USED = (
    "SELECT posting_id, sum(amount_minor)::bigint AS used FROM (SELECT debit_posting_id, credit_posting_id, "
    "allocation.amount_minor, greatest(effective_on, debit.booked_on, credit.booked_on) AS counts_on "
    "FROM allocations AS allocation JOIN receivable_items AS debit ON debit.supplier_id = :supplier "
    "AND debit.posting_id = debit_posting_id JOIN receivable_items AS credit ON credit.supplier_id = :supplier "
    "AND credit.posting_id = credit_posting_id WHERE allocation.supplier_id = :supplier "
    "AND (CAST(:customer AS uuid) IS NULL OR allocation.customer_id = :customer)) AS allocation "
    "CROSS JOIN LATERAL (VALUES (debit_posting_id), (credit_posting_id)) AS side (posting_id) "
    "WHERE counts_on <= :day GROUP BY posting_id"
)
"""What of each line was allocated by the day."""
_LETTERS = (
    "(SELECT code FROM letterings AS lettering JOIN lettering_lines AS joined USING (supplier_id, lettering_id) "
    "LEFT JOIN lettering_ends AS ended USING (supplier_id, lettering_id) "
    "WHERE lettering.supplier_id = :supplier AND joined.posting_id = item.posting_id "
    "AND lettered_on <= :day AND (ended_at IS NULL OR (ended_at AT TIME ZONE 'Europe/Paris')::date > :day) "
    "ORDER BY lettered_at DESC LIMIT 1)"
)
"""The letters that a line carried on the day: upper case where its group balances."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the account: ``told_on`` is the day of its document; ``balance_minor`` stands after it."""

    booked_on: date
    told_on: date
    kind: str
    reference: str
    due_on: date
    debit_minor: int
    credit_minor: int
    letters: str | None
    balance_minor: int


@dataclass(frozen=True, slots=True)
class OpenLine:
    """What is open of one line on a day, above zero where the customer owes it; one for each instalment."""

    customer_id: UUID
    account_code: str
    customer_name: str
    kind: str
    reference: str
    booked_on: date
    due_on: date
    amount_minor: int
    open_minor: int
    currency: str
    invoice_id: UUID | None

    def age(self, day: date) -> str:
        """One of :data:`AGES` by what is past due, or ``credit`` for what is in the customer's favour."""
        if self.open_minor < 0:
            return "credit"
        late = (day - self.due_on).days
        return AGES[sum(late > step for step in _STEPS)]


@dataclass(slots=True)
class Statement:
    """A customer's account in one currency from ``since`` to ``until``, both days included, in minor units."""

    currency: str
    since: date
    until: date
    opening_minor: int
    movements: list[Movement] = field(default_factory=list)
    open_lines: list[OpenLine] = field(default_factory=list)

    @property
    def closing_minor(self) -> int:
        """The balance on the last day."""
        return self.movements[-1].balance_minor if self.movements else self.opening_minor

    @property
    def debit_minor(self) -> int:
        """What was debited."""
        return sum(each.debit_minor for each in self.movements)

    @property
    def credit_minor(self) -> int:
        """What was credited."""
        return sum(each.credit_minor for each in self.movements)

    @property
    def ages(self) -> dict[str, int]:
        """What is open by how old it is, ``credit`` apart: the sum is the closing balance."""
        found = dict.fromkeys((*AGES, "credit"), 0)
        for line in self.open_lines:
            found[line.age(self.until)] += line.open_minor
        return found


def statements_of(work: Work, customer_id: UUID, since: date, until: date) -> list[Statement]:
    """The statements of a customer, one for each currency that its account has, EUR first."""
    rows = work.rows(
        "SELECT item.currency, item.booked_on, coalesce(entry.document_on, item.booked_on) AS told_on, kind, "
        "reference, item.due_on, debit, item.amount_minor, "
        f"CASE WHEN item.booked_on >= :since THEN {_LETTERS} END AS letters FROM receivable_items AS item "
        "JOIN postings AS posting ON posting.supplier_id = :supplier AND posting.posting_id = item.posting_id "
        "JOIN entries AS entry ON entry.supplier_id = :supplier AND entry.entry_id = posting.entry_id "
        "WHERE item.supplier_id = :supplier AND item.customer_id = :customer AND item.booked_on <= :day "
        "ORDER BY item.currency <> 'EUR', item.currency, item.booked_on, entry.created_at, item.posting_id",
        customer=customer_id,
        since=since,
        day=until,
    )
    found: dict[str, Statement] = {}
    for row in rows:
        statement = found.setdefault(row["currency"], Statement(row["currency"], since, until, 0))
        signed = row["amount_minor"] if row["debit"] else -row["amount_minor"]
        if row["booked_on"] < since:
            statement.opening_minor += signed
            continue
        statement.movements.append(
            Movement(
                booked_on=row["booked_on"],
                told_on=row["told_on"],
                kind=row["kind"],
                reference=row["reference"],
                due_on=row["due_on"],
                debit_minor=max(signed, 0),
                credit_minor=max(-signed, 0),
                letters=row["letters"],
                balance_minor=statement.closing_minor + signed,
            )
        )
    for line in open_lines(work, until, customer_id):
        found[line.currency].open_lines.append(line)
    return list(found.values())


def open_lines(work: Work, day: date, customer_id: UUID | None = None) -> list[OpenLine]:
    """What was open on a day, of one customer or of all; their sum is the balance of account 411 on that day."""
    rows = work.rows(
        f"WITH used AS ({_USED}) "
        "SELECT item.customer_id, account_code, customer.name AS customer_name, item.kind, reference, item.booked_on, "
        "item.due_on, item.amount_minor, item.currency, item.invoice_id, debit, "
        "item.amount_minor - coalesce(used, 0) AS open_minor, "
        "CASE WHEN item.kind = 'invoice' THEN (SELECT jsonb_agg(jsonb_build_array(part.due_on, part.amount_minor) "
        "ORDER BY position) FROM instalments AS part WHERE part.supplier_id = :supplier "
        "AND part.invoice_id = item.invoice_id) END AS parts "
        "FROM receivable_items AS item JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = item.customer_id LEFT JOIN used ON used.posting_id = item.posting_id "
        "WHERE item.supplier_id = :supplier AND item.booked_on <= :day "
        "AND (CAST(:customer AS uuid) IS NULL OR item.customer_id = :customer) "
        "AND item.amount_minor > coalesce(used, 0) "
        "ORDER BY account_code, item.currency, item.due_on, item.posting_id",
        customer=customer_id,
        day=day,
    )
    found: list[OpenLine] = []
    for row in rows:
        facts = {name: row[name] for name in OpenLine.__slots__ if name not in {"due_on", "open_minor"}}
        for part in _parts(row["due_on"], row["amount_minor"], row["open_minor"], row["parts"]):
            open_minor = part.amount_minor if row["debit"] else -part.amount_minor
            found.append(OpenLine(**facts, due_on=part.due_on, open_minor=open_minor))
    return found


def _parts(
    due_on: date, amount_minor: int, open_minor: int, parts: Sequence[tuple[str, int]] | None
) -> list[Instalment]:
    """What is open, by the instalments in which it falls due: earlier ones are settled first."""
    if not parts:
        return [Instalment(due_on, open_minor)]
    told = [Instalment(date.fromisoformat(day), minor) for day, minor in parts]
    return parts_left(told, amount_minor - open_minor)
