"""Proposals as kept: what a line may be, best first, replaced by a new round whenever the line is looked at again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from config.clock import new_id, now
from payments.errors import PaymentError
from payments.matching.outcomes import CreditUse
from payments.matching.points import Reason
from receivables.services.settlement.waiving import Waiver
from receivables.store.collecting.claims import OUTSIDE
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from payments.banking.lines import BankLine
    from payments.matching.readings import Reading
    from receivables.store.work import Work

PAGE = 25


@dataclass(frozen=True, slots=True)
class AimedInvoice:
    """An invoice of a proposal: what it would get, what it asks for now, in minor units."""

    invoice_id: UUID
    number: str
    amount_minor: int
    open_minor: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A reading of a line, for people to decide. ``rest_minor`` above zero stays credit, below zero stays open."""

    proposal_id: UUID
    line_id: UUID
    rank: int
    customer_id: UUID
    customer_name: str
    account_code: str
    score: int
    reasons: tuple[Reason, ...]
    aims: tuple[AimedInvoice, ...]
    credits: tuple[CreditUse, ...]
    waiver: Waiver | None
    rest_minor: int
    made_at: datetime

    @property
    def is_stale(self) -> bool:
        """Whether an invoice of it asks for less by now than it would get."""
        return any(each.amount_minor > each.open_minor for each in self.aims)


def keep_proposals(work: Work, read: Iterable[tuple[BankLine, Sequence[Reading]]]) -> None:
    """Write the readings of lines as a new round of proposals, as one set; none where they read as before."""
    read = list(read)
    rounds = _rounds(work, [line.line_id for line, _ in read])
    standing = _standing(work, rounds)
    rows = [
        {
            "proposal_id": new_id(),
            "line_id": line.line_id,
            "rank": rank,
            "round": rounds.get(line.line_id, 0) + 1,
            **_as_kept(reading),
        }
        for line, readings in read
        if standing.get(line.line_id) != [_gist(_as_kept(reading)) for reading in readings]
        for rank, reading in enumerate(readings, start=1)
    ]
    if rows:
        work.execute(
            "INSERT INTO match_proposals (supplier_id, proposal_id, line_id, rank, round, customer_id, score, reasons, "
            "aims, rest_minor, made_at) SELECT :supplier, proposal_id, line_id, rank, round, customer_id, score, "
            "reasons, aims, rest_minor, :at FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (proposal_id uuid, "
            "line_id uuid, rank integer, round integer, customer_id uuid, score integer, reasons jsonb, aims jsonb, "
            "rest_minor bigint)",
            given=to_json(rows),
            at=now(),
        )


def proposals_of(work: Work, line_ids: Sequence[UUID]) -> dict[UUID, list[Proposal]]:
    """The latest proposals of lines, best first."""
    rows = work.rows(
        f"{_SELECT} WHERE proposal.supplier_id = :supplier AND proposal.line_id = ANY(:ids) AND proposal.round = ("
        "SELECT max(round) FROM match_proposals AS latest WHERE latest.supplier_id = :supplier "
        "AND latest.line_id = proposal.line_id) ORDER BY proposal.line_id, rank",
        ids=list(line_ids),
    )
    found: dict[UUID, list[Proposal]] = {}
    numbers = _numbers(work, rows)
    for row in rows:
        found.setdefault(row["line_id"], []).append(_proposal(row, numbers))
    return found


def get_proposal(work: Work, proposal_id: UUID) -> Proposal:
    """One proposal.

    Raises:
        PaymentError: ``match.unknown_proposal``.
    """
    row = work.row(f"{_SELECT} WHERE proposal.supplier_id = :supplier AND proposal_id = :id", id=proposal_id)
    if row is None:
        raise PaymentError(
            "match.unknown_proposal",
            "There is no such proposal. Look at the line again.",
            "Cette proposition n'existe pas. Regardez la ligne de nouveau.",
        )
    return _proposal(row, _numbers(work, [row]))


_SELECT = (
    "SELECT proposal.*, customer.name, customer.account_code FROM match_proposals AS proposal "
    "JOIN customers AS customer ON customer.supplier_id = :supplier AND customer.customer_id = proposal.customer_id"
)


def _rounds(work: Work, line_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = work.rows(
        "SELECT line_id, max(round) AS round FROM match_proposals WHERE supplier_id = :supplier "
        "AND line_id = ANY(:ids) GROUP BY line_id",
        ids=list(line_ids),
    )
    return {row["line_id"]: row["round"] for row in rows}


def _standing(work: Work, rounds: dict[UUID, int]) -> dict[UUID, list[str]]:
    """What was proposed for lines in their latest round, best first, as `_gist`."""
    rows = work.rows(
        "SELECT line_id, customer_id, score, reasons, aims, rest_minor FROM match_proposals AS proposal "
        "JOIN jsonb_to_recordset(CAST(:rounds AS jsonb)) AS latest (line_id uuid, round integer) "
        "USING (line_id, round) WHERE supplier_id = :supplier ORDER BY line_id, rank",
        rounds=to_json([{"line_id": line_id, "round": latest} for line_id, latest in rounds.items()]),
    )
    found: dict[UUID, list[str]] = {}
    for row in rows:
        found.setdefault(row["line_id"], []).append(_gist({name: row[name] for name in _KEPT}))
    return found


_KEPT = ("customer_id", "score", "reasons", "aims", "rest_minor")


def _as_kept(reading: Reading) -> dict[str, Any]:
    return {
        "customer_id": reading.customer_id,
        "score": reading.score,
        "reasons": [{"code": each.code, "points": each.points, "about": each.about} for each in reading.reasons],
        "aims": _told(reading),
        "rest_minor": reading.outcome.rest_minor,
    }


def _gist(kept: dict[str, Any]) -> str:
    """A proposal as one text, the same for what is about to be written and for what PostgreSQL gives back."""
    return json.dumps(json.loads(to_json(kept)), sort_keys=True)


def _told(reading: Reading) -> dict[str, Any]:
    """A reading's outcome as kept."""
    outcome = reading.outcome
    waiver = outcome.waiver
    return {
        "invoices": [{"id": invoice_id, "minor": minor} for invoice_id, minor in outcome.aims],
        "credits": [
            {"kind": each.kind, "source": each.source_id, "invoice": each.invoice_id, "minor": each.amount_minor}
            for each in outcome.set_offs
        ],
        "waiver": waiver and {"kind": waiver.kind, "minor": waiver.amount_minor, "invoice": waiver.invoice_id},
    }


def _numbers(work: Work, rows: Iterable[RowMapping]) -> dict[str, tuple[str, int]]:
    """Number and open amount of every invoice in these proposals."""
    ids = {each["id"] for row in rows for each in row["aims"]["invoices"]}
    found = work.rows(
        "SELECT invoice_id, number, (coalesce((SELECT sum(open_minor) FROM receivable_items AS item WHERE "
        "item.supplier_id = :supplier AND item.invoice_id = invoice.invoice_id AND kind = 'invoice'), 0) "
        f"+ {OUTSIDE})::bigint AS open_minor FROM invoices AS invoice WHERE supplier_id = :supplier "
        "AND invoice_id = ANY(:ids)",
        ids=sorted(UUID(each) for each in ids),
    )
    return {str(row["invoice_id"]): (row["number"], row["open_minor"]) for row in found}


def _proposal(row: RowMapping, numbers: dict[str, tuple[str, int]]) -> Proposal:
    told = row["aims"]
    waiver = told["waiver"]
    return Proposal(
        proposal_id=row["proposal_id"],
        line_id=row["line_id"],
        rank=row["rank"],
        customer_id=row["customer_id"],
        customer_name=row["name"],
        account_code=row["account_code"],
        score=row["score"],
        reasons=tuple(Reason(each["code"], each["points"], each["about"]) for each in row["reasons"]),
        aims=tuple(
            AimedInvoice(UUID(each["id"]), numbers[each["id"]][0], each["minor"], numbers[each["id"]][1])
            for each in told["invoices"]
        ),
        credits=tuple(
            CreditUse(each["kind"], UUID(each["source"]), UUID(each["invoice"]), each["minor"])
            for each in told["credits"]
        ),
        waiver=Waiver(waiver["kind"], waiver["minor"], UUID(waiver["invoice"])) if waiver else None,
        rest_minor=row["rest_minor"],
        made_at=row["made_at"],
    )
