"""Whom customers reach at the supplier, and when: their collector's own desk, or the house's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.store.work import Work

MAX_TEXT = 120
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:h|am|pm)\b)")
_COLUMNS = "person_id, name, phone, email, hours, hours_en"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where customers call and write; ``person_id`` is the person of the register, nobody for the house's own."""

    person_id: UUID | None
    name: str
    phone: str | None = None
    email: str | None = None
    hours: str | None = None
    hours_en: str | None = None

    def hours_in(self, language: str) -> str | None:
        """The hours in the reader's language, where they were said in it; no line ends between ``17`` and ``h``."""
        told = (self.hours_en or self.hours) if language == "en" else self.hours
        return _BEFORE_UNIT.sub("\u00a0", told) if told else told

    @property
    def dialled(self) -> str:
        """The telephone number as a dialler takes it."""
        return "".join(c for c in self.phone or "" if c.isdigit() or c == "+")


def desk_for(work: Work, customer_id: UUID | None) -> Desk | None:
    """The desk of a customer's collector, else the house's, else the contact that invoices are issued with."""
    row = work.row(
        f"SELECT {_COLUMNS} FROM contact_desks WHERE supplier_id = :supplier AND removed_at IS NULL AND (person_id IS "
        "NULL OR person_id = (SELECT collector_id FROM customer_files WHERE supplier_id = :supplier "
        "AND customer_id = :customer)) ORDER BY person_id IS NULL LIMIT 1",
        customer=customer_id,
    )
    if row is not None:
        return Desk(**row)
    told = work.row(
        "SELECT profile->'contact'->>'name' AS name, profile->'contact'->>'phone' AS phone, "
        "profile->'contact'->>'email' AS email, suppliers.name AS supplier FROM supplier_profiles "
        "JOIN suppliers USING (supplier_id) WHERE supplier_id = :supplier"
    )
    if told is None or not (told["phone"] or told["email"]):
        return None
    return Desk(None, told["name"] or told["supplier"], told["phone"], told["email"])


def desks_of(work: Work) -> Sequence[Desk]:
    """Every desk, the house's first."""
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM contact_desks WHERE supplier_id = :supplier AND removed_at IS NULL "
        "ORDER BY person_id IS NOT NULL, name"
    )
    return [Desk(**row) for row in rows]


def keep_desk(work: Work, desk: Desk, actor: str) -> None:
    """Say where a person, or the house, is reached.

    Raises:
        ReceivablesError: ``desk.no_name``, ``desk.no_way``, ``desk.too_long``.
    """
    _check(desk)
    work.execute(
        "INSERT INTO contact_desks (supplier_id, desk_id, person_id, name, phone, email, hours, hours_en, changed_by, "
        "changed_at) VALUES (:supplier, :id, :person, :name, :phone, :email, :hours, :hours_en, :actor, :at) "
        "ON CONFLICT (supplier_id, person_id) DO UPDATE SET name = excluded.name, phone = excluded.phone, "
        "email = excluded.email, hours = excluded.hours, hours_en = excluded.hours_en, removed_at = NULL, "
        "changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        id=new_id(),
        person=desk.person_id,
        name=desk.name,
        phone=desk.phone,
        email=desk.email,
        hours=desk.hours,
        hours_en=desk.hours_en,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "desk.kept", str(desk.person_id or "house"))


def remove_desk(work: Work, person_id: UUID | None, actor: str) -> None:
    """Show a desk no more: customers of that person see the house's."""
    work.execute(
        "UPDATE contact_desks SET removed_at = :at, changed_by = :actor, changed_at = :at "
        "WHERE supplier_id = :supplier AND person_id IS NOT DISTINCT FROM :person AND removed_at IS NULL",
        person=person_id,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "desk.removed", str(person_id or "house"))


def _check(desk: Desk) -> None:
    if not desk.name:
        raise ReceivablesError("desk.no_name", "Say who answers.", "Dites qui répond.")
    if not (desk.phone or desk.email):
        raise ReceivablesError(
            "desk.no_way",
            "Give a telephone number or an e-mail address: customers want to reach somebody.",
            "Donnez un téléphone ou une adresse électronique : les clients veulent joindre quelqu'un.",
        )
    if any(len(each or "") > MAX_TEXT for each in (desk.name, desk.phone, desk.email, desk.hours, desk.hours_en)):
        raise ReceivablesError(
            "desk.too_long", f"Use at most {MAX_TEXT} characters.", f"Employez au plus {MAX_TEXT} signes."
        )
