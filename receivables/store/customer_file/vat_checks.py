"""What VIES said of VAT numbers in PostgreSQL: kept as evidence for supplies without VAT (CGI art. 262 ter, I)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 -- a field's type
from enum import StrEnum
from typing import TYPE_CHECKING

from config.clock import new_id

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from receivables.store.work import Work

MOST_LISTED = 10
_FIELDS = "vat_id, answer, name, address, consultation, reason, asked_by, asked_at"


class Answer(StrEnum):
    """What is known of a number."""

    VALID = "valid"
    INVALID = "invalid"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class VatAnswer:
    """What VIES said; ``consultation`` is its number of the consultation, given where the asker named itself."""

    answer: Answer
    name: str | None = None
    address: str | None = None
    consultation: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class VatCheck:
    """One check: what was answered, and when."""

    vat_id: str
    told: VatAnswer
    asked_by: str
    asked_at: datetime


def checks_of(work: Work, vat_id: str) -> list[VatCheck]:
    """The checks of a number, the newest first."""
    rows = work.rows(
        f"SELECT {_FIELDS} FROM vat_checks WHERE supplier_id = :supplier AND vat_id = :vat_id "
        "ORDER BY asked_at DESC LIMIT :most",
        vat_id=vat_id,
        most=MOST_LISTED,
    )
    return [_check(row) for row in rows]


def keep_check(work: Work, check: VatCheck) -> None:
    """Keep what was answered."""
    told = check.told
    work.execute(
        f"INSERT INTO vat_checks (supplier_id, check_id, {_FIELDS}) VALUES (:supplier, :id, :vat_id, :answer, :name, "
        ":address, :consultation, :reason, :asked_by, :asked_at)",
        id=new_id(),
        vat_id=check.vat_id,
        answer=told.answer,
        name=told.name,
        address=told.address,
        consultation=told.consultation,
        reason=told.reason,
        asked_by=check.asked_by,
        asked_at=check.asked_at,
    )
    work.audit(check.asked_by, "vat_number.checked", check.vat_id, answer=told.answer, consultation=told.consultation)


def _check(row: RowMapping) -> VatCheck:
    told = VatAnswer(Answer(row["answer"]), row["name"], row["address"], row["consultation"], row["reason"])
    return VatCheck(row["vat_id"], told, row["asked_by"], row["asked_at"])
