"""Changes of a customer's own data: asked for by the customer, looked at by the supplier, then said on invoices.

Contacts are the customer's to change. What stands on invoices is not: who changes an address or a name can have goods
and documents sent elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from config.clock import new_id, now
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.store.customer_file.customers import lock_customers
from receivables.store.customer_file.details import change_customer, customer_details
from receivables.store.customer_file.journal import AccountEvent, note_event
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.customer_file.details import CustomerDetails
    from receivables.store.work import Work

OWN_FIELDS = ("name", "vat_id", "email")
PLACE_FIELDS = ("siret", "line1", "line2", "postcode", "city", "country", "phone")
FIELDS = (*OWN_FIELDS, *PLACE_FIELDS)
"""What a customer may ask to have changed. Not its SIREN: another SIREN is another customer."""
MAX_FIELD = 120
MAX_SAID = 500
MOST_SHOWN = 50
_SELECT = (
    "SELECT change_id, customer_id, customers.name AS customer_name, wanted, said, actor, asked_at, state, decided_at, "
    "reason FROM company_changes JOIN customers USING (supplier_id, customer_id) WHERE supplier_id = :supplier "
)


@dataclass(frozen=True, slots=True)
class CompanyChange:
    """A request: ``wanted`` is what stood in a field and what shall stand there; ``state`` is ``asked`` at first."""

    change_id: UUID
    customer_id: UUID
    customer_name: str
    wanted: Mapping[str, tuple[str, str]]
    said: str | None
    actor: str
    asked_at: datetime
    state: str
    decided_at: datetime | None
    reason: str | None


def data_of(details: CustomerDetails) -> dict[str, str]:
    """The fields of a customer that it may ask to have changed, as they stand."""
    own = {name: getattr(details, name) or "" for name in OWN_FIELDS}
    return own | {name: getattr(details.place, name) or "" for name in PLACE_FIELDS}


def ask_change(work: Work, customer_id: UUID, given: Mapping[str, str], said: str, actor: str) -> UUID:
    """Ask for other data; a request that still waits gives way to this one.

    Raises:
        ReceivablesError: ``company.nothing_changed``, ``company.no_name``, ``company.too_long``.
    """
    lock_customers(work, [customer_id])
    before = data_of(customer_details(work, customer_id))
    told = {name: " ".join(given.get(name, before[name]).split()) for name in FIELDS}
    told["country"] = told["country"].upper() or before["country"]
    wanted = {name: (before[name], told[name]) for name in FIELDS if told[name] != before[name]}
    _check(told, wanted, said)
    at, change_id = now(), new_id()
    work.execute(
        "UPDATE company_changes SET state = 'withdrawn', decided_at = :at WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND state = 'asked'",
        customer=customer_id,
        at=at,
    )
    work.execute(
        "INSERT INTO company_changes (supplier_id, change_id, customer_id, wanted, said, actor, asked_at) "
        "VALUES (:supplier, :id, :customer, CAST(:wanted AS jsonb), :said, :actor, :at)",
        id=change_id,
        customer=customer_id,
        wanted=to_json(wanted),
        said=said or None,
        actor=actor,
        at=at,
    )
    work.audit(actor, "company_change.asked", str(change_id), customer=str(customer_id), fields=sorted(wanted))
    note_event(work, AccountEvent(customer_id, "company.asked", actor, shown=True))
    return change_id


def take_change(work: Work, change_id: UUID, actor: str) -> CompanyChange:
    """Say of the customer what it asked for; invoices of before stay as they are.

    Raises:
        NotFoundError: ``company_change.not_found``.
        ConflictError: ``company_change.decided``, ``customer.exists``.
    """
    change = _waiting(work, change_id)
    details = customer_details(work, change.customer_id)
    to = {name: new or None for name, (_, new) in change.wanted.items()}
    place = details.place
    changed = replace(
        details,
        name=to.get("name") or details.name,
        vat_id=to.get("vat_id", details.vat_id),
        email=to.get("email", details.email),
        place=replace(
            place,
            siret=to.get("siret", place.siret),
            line1=to.get("line1", place.line1),
            line2=to.get("line2", place.line2),
            postcode=to.get("postcode", place.postcode),
            city=to.get("city", place.city),
            country=to.get("country") or place.country,
            phone=to.get("phone", place.phone),
        ),
    )
    change_customer(work, change.customer_id, changed, actor)
    _decide(work, change, "taken", actor, "")
    return change


def refuse_change(work: Work, change_id: UUID, actor: str, reason: str) -> CompanyChange:
    """Leave everything as it is, and say why.

    Raises:
        NotFoundError: ``company_change.not_found``.
        ConflictError: ``company_change.decided``.
        ReceivablesError: ``company_change.no_reason``.
    """
    change = _waiting(work, change_id)
    if not reason.strip():
        raise ReceivablesError(
            "company_change.no_reason", "Say why: the customer reads it.", "Dites pourquoi : le client le lira."
        )
    _decide(work, change, "refused", actor, reason.strip()[:MAX_SAID])
    return change


def get_change(work: Work, change_id: UUID) -> CompanyChange:
    """One request.

    Raises:
        NotFoundError: ``company_change.not_found``.
    """
    row = work.row(_SELECT + "AND change_id = :id", id=change_id)
    if row is None:
        raise NotFoundError("company_change.not_found", "There is no such request.", "Cette demande n'existe pas.")
    return _change(row)


def changes_of(work: Work, customer_id: UUID | None = None, *, only_asked: bool = False) -> Sequence[CompanyChange]:
    """Requests of a customer, or of all, the latest first."""
    rows = work.rows(
        _SELECT + "AND (CAST(:customer AS uuid) IS NULL OR customer_id = :customer) AND state <> 'withdrawn' "
        "AND (NOT :only_asked OR state = 'asked') ORDER BY asked_at DESC LIMIT :most",
        customer=customer_id,
        only_asked=only_asked,
        most=MOST_SHOWN,
    )
    return [_change(row) for row in rows]


def _waiting(work: Work, change_id: UUID) -> CompanyChange:
    lock_customers(work, [get_change(work, change_id).customer_id])
    change = get_change(work, change_id)
    if change.state != "asked":
        raise ConflictError(
            "company_change.decided", "This request was decided before.", "Cette demande est déjà tranchée."
        )
    return change


def _decide(work: Work, change: CompanyChange, state: str, actor: str, reason: str) -> None:
    work.execute(
        "UPDATE company_changes SET state = :state, decided_by = :actor, decided_at = :at, reason = :reason "
        "WHERE supplier_id = :supplier AND change_id = :id",
        id=change.change_id,
        state=state,
        actor=actor,
        at=now(),
        reason=reason or None,
    )
    work.audit(actor, f"company_change.{state}", str(change.change_id), customer=str(change.customer_id))
    note_event(work, AccountEvent(change.customer_id, f"company.{state}", actor, shown=True, facts={"reason": reason}))


def _check(told: Mapping[str, str], wanted: Mapping[str, object], said: str) -> None:
    if not wanted:
        raise ReceivablesError(
            "company.nothing_changed",
            "Nothing is different from what we know. Change a field first.",
            "Rien ne diffère de ce que nous savons. Changez d'abord un champ.",
        )
    if not told["name"]:
        raise ReceivablesError("company.no_name", "A company needs a name.", "Une société a besoin d'un nom.")
    if len(said) > MAX_SAID or any(len(each) > MAX_FIELD for each in told.values()):
        raise ReceivablesError(
            "company.too_long",
            f"Use at most {MAX_FIELD} characters for a field and {MAX_SAID} for the message.",
            f"Employez au plus {MAX_FIELD} signes par champ et {MAX_SAID} pour le message.",
        )


def _change(row: RowMapping) -> CompanyChange:
    wanted = {name: (was, to) for name, (was, to) in row["wanted"].items()}
    return CompanyChange(**{**row, "wanted": wanted})
