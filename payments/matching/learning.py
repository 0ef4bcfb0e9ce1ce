"""What people confirmed about payers: learnt from their choices alone, never from a rule's, and taken back with them.

A payer who is confirmed for several customers (a holding, a factor, a notary) proves none of them any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now
from payments.matching.names import payer_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from payments.banking.lines import BankLine
    from receivables.store.work import Work

PAGE = 50


@dataclass(frozen=True, slots=True)
class KnownPayer:
    """Somebody who pays for a customer, as people confirmed it so many times."""

    customer_id: UUID
    customer_name: str
    payer_iban: str | None
    payer_name: str
    times: int
    customers: int
    """For how many customers this IBAN, or this name where there is no IBAN, is confirmed."""
    last_at: datetime


def learn_payer(work: Work, line: BankLine, customer_ids: Iterable[UUID], actor: str) -> None:
    """Note that a person said whose payment ``line`` is."""
    for customer_id in customer_ids:
        _write(
            work,
            line.line_id,
            customer_id,
            line.counterparty_iban,
            payer_of(line.counterparty, line.remittance),
            actor,
            1,
        )


def unlearn_line(work: Work, line_id: UUID, actor: str) -> None:
    """Take back what was learnt from a line: it was not so."""
    rows = work.rows(
        "SELECT customer_id, payer_iban, payer_name FROM confirmed_payers WHERE supplier_id = :supplier "
        "AND line_id = :line GROUP BY customer_id, payer_iban, payer_name HAVING sum(weight) > 0",
        line=line_id,
    )
    for row in rows:
        _write(work, line_id, row["customer_id"], row["payer_iban"], row["payer_name"], actor, -1)


def forget_payer(work: Work, customer_id: UUID, payer_iban: str | None, payer_name: str, actor: str) -> int:
    """Forget that this payer pays for this customer, however often it was confirmed; returns how often it was."""
    rows = work.rows(
        "SELECT line_id, sum(weight) AS weight FROM confirmed_payers WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND payer_iban IS NOT DISTINCT FROM :iban AND payer_name = :name "
        "GROUP BY line_id HAVING sum(weight) > 0",
        customer=customer_id,
        iban=payer_iban,
        name=payer_name,
    )
    for row in rows:
        _write(work, row["line_id"], customer_id, payer_iban, payer_name, actor, -1)
    if rows:
        work.audit(actor, "payer.forgotten", str(customer_id), payer=payer_name)
    return len(rows)


def known_payers(work: Work, wanted: str = "", start: int = 0) -> list[KnownPayer]:
    """Whom people confirmed, by customer; a page and one row more where there are more."""
    rows = work.rows(
        "WITH sums AS (SELECT customer_id, payer_iban, payer_name, sum(weight) AS times, max(confirmed_at) AS last_at "
        "FROM confirmed_payers WHERE supplier_id = :supplier GROUP BY customer_id, payer_iban, payer_name "
        "HAVING sum(weight) > 0), shared AS (SELECT coalesce(payer_iban, payer_name) AS payer, "
        "count(DISTINCT customer_id) AS customers FROM sums GROUP BY 1) "
        "SELECT sums.customer_id, customer.name AS customer_name, payer_iban, payer_name, times, customers, last_at "
        "FROM sums JOIN shared ON shared.payer = coalesce(payer_iban, payer_name) "
        "JOIN customers AS customer ON customer.supplier_id = :supplier AND customer.customer_id = sums.customer_id "
        "WHERE :wanted = '' OR customer.name ILIKE '%' || :wanted || '%' OR payer_name ILIKE '%' || :wanted || '%' "
        "ORDER BY customer.name, payer_name, payer_iban LIMIT :most OFFSET :start",
        wanted=wanted,
        most=PAGE + 1,
        start=start,
    )
    return [KnownPayer(**row) for row in rows]


def _write(  # noqa: PLR0917 -- one row, column by column
    work: Work, line_id: UUID, customer_id: UUID, iban: str | None, name: str, actor: str, weight: int
) -> None:
    work.execute(
        "INSERT INTO confirmed_payers (supplier_id, confirmation_id, line_id, customer_id, payer_iban, payer_name, "
        "confirmed_by, weight, confirmed_at) VALUES (:supplier, :id, :line, :customer, :iban, :name, :actor, :weight, "
        ":at)",
        id=new_id(),
        line=line_id,
        customer=customer_id,
        iban=iban,
        name=name,
        actor=actor,
        weight=weight,
        at=now(),
    )
