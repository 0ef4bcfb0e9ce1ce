"""What a supplier says of its customers in PostgreSQL: who they are, where they are, and when they pay."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from config.clock import now
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.domain.settlement.payment_terms import CountedFrom, PaymentTerms
from receivables.errors import ConflictError, NotFoundError
from receivables.store.customer_file.customers import find_customer, find_or_create_customer, lock_customers
from receivables.store.work import literally, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.parties import Customer
    from receivables.store.work import Work

MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Place:
    """What of a customer's address and identifiers the books do not need, and its invoices do (BG-7, BG-8)."""

    line1: str | None = None
    line2: str | None = None
    postcode: str | None = None
    city: str | None = None
    country: str = "FR"
    trading_name: str | None = None
    siret: str | None = None
    endpoint: str | None = None
    """BT-49 in scheme 0225; the directory's or the SIREN where absent."""
    phone: str | None = None
    service_code: str | None = None
    """Of a public body: BT-10, its service (code service)."""
    engagement: str | None = None
    """Of a public body: BT-13, its legal commitment."""


@dataclass(frozen=True, slots=True)
class CustomerDetails:
    """Everything that is said of a customer."""

    name: str
    kind: CustomerKind
    siren: str | None = None
    vat_id: str | None = None
    email: str | None = None
    language: str = "fr"
    place: Place = Place()

    @property
    def facts(self) -> CustomerFacts:
        """The same for the books."""
        party = {name: value for name, value in asdict(self.place).items() if value is not None}
        return CustomerFacts(self.name, self.kind, self.siren, self.vat_id, self.email, self.language, party)


def customer_details(work: Work, customer_id: UUID) -> CustomerDetails:
    """What is said of one customer.

    Raises:
        NotFoundError: ``customer.not_found``.
    """
    row = work.row(
        "SELECT name, kind, siren, vat_id, email, language, party FROM customers "
        "WHERE supplier_id = :supplier AND customer_id = :id",
        id=customer_id,
    )
    if row is None:
        raise NotFoundError("customer.not_found", "There is no such customer.", "Ce client n'existe pas.")
    known = {name: value for name, value in row["party"].items() if name in Place.__dataclass_fields__ and value}
    return CustomerDetails(
        row["name"],
        CustomerKind(row["kind"]),
        row["siren"],
        row["vat_id"],
        row["email"],
        row["language"],
        Place(**known),
    )


def add_customer(work: Work, details: CustomerDetails, actor: str) -> Customer:
    """Open a customer with an auxiliary account of its own.

    Raises:
        ConflictError: ``customer.exists``: one with this SIREN, VAT number, or name and address is there.
    """
    known = find_customer(work, details.facts)
    if known is not None:
        raise _exists(known)
    customer = find_or_create_customer(work, details.facts)
    work.audit(actor, "customer.opened", str(customer.customer_id), code=customer.account_code)
    return customer


def change_customer(work: Work, customer_id: UUID, details: CustomerDetails, actor: str) -> None:
    """Say something else of a customer; what was issued stays as it is.

    Raises:
        ConflictError: ``customer.exists``: another customer has this SIREN.
        NotFoundError: ``customer.not_found``.
    """
    lock_customers(work, [customer_id])
    before = customer_details(work, customer_id)
    if details.siren and details.siren != before.siren:
        known = find_customer(work, details.facts)
        if known is not None and known.customer_id != customer_id:
            raise _exists(known)
    facts = details.facts
    work.execute(
        "UPDATE customers SET name = :name, kind = :kind, siren = :siren, vat_id = :vat_id, email = lower(:email), "
        "language = :language, party = CAST(:party AS jsonb) WHERE supplier_id = :supplier AND customer_id = :id",
        id=customer_id,
        name=facts.name,
        kind=facts.kind,
        siren=facts.siren,
        vat_id=facts.vat_id,
        email=facts.email,
        language=facts.language,
        party=to_json(facts.party),
    )
    changed = [name for name, value in asdict(details).items() if value != asdict(before)[name]]
    work.audit(actor, "customer.changed", str(customer_id), fields=changed)


def customer_terms(work: Work, customer_id: UUID) -> PaymentTerms | None:
    """When a customer pays by agreement, or ``None`` where it pays by the supplier's usual terms."""
    row = work.row(
        "SELECT days, counted_from FROM customer_terms WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND days IS NOT NULL",
        customer=customer_id,
    )
    return PaymentTerms(row["days"], CountedFrom(row["counted_from"])) if row else None


def agree_terms(work: Work, customer_id: UUID, terms: PaymentTerms | None, actor: str) -> None:
    """Keep when a customer pays by agreement; ``None`` goes back to the supplier's usual terms."""
    if terms == customer_terms(work, customer_id):
        return
    work.execute(
        "INSERT INTO customer_terms (supplier_id, customer_id, days, counted_from, changed_by, changed_at) "
        "VALUES (:supplier, :customer, :days, :counted, :actor, :at) ON CONFLICT (supplier_id, customer_id) DO UPDATE "
        "SET days = excluded.days, counted_from = excluded.counted_from, changed_by = excluded.changed_by, "
        "changed_at = excluded.changed_at",
        customer=customer_id,
        days=terms.days if terms else None,
        counted=terms.counted_from if terms else CountedFrom.INVOICE,
        actor=actor,
        at=now(),
    )
    said = {"days": terms.days, "counted_from": terms.counted_from} if terms else {}
    work.audit(actor, "customer.terms_agreed", str(customer_id), **said)


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """One row of the list of customers; ``open_minor`` is what it owes in euros, credits deducted."""

    customer_id: UUID
    account_code: str
    name: str
    kind: CustomerKind
    siren: str | None
    vat_id: str | None
    city: str | None
    email: str | None
    open_minor: int


def list_customers(
    work: Work, wanted: str = "", *, kind: CustomerKind | None = None, after: str = "", limit: int = MOST_LISTED
) -> Sequence[ListedCustomer]:
    """Customers by account code; ``after`` is the code of the last one of the page before.

    ``wanted`` is looked for in name, code, SIREN, VAT number and e-mail address.
    """
    rows = work.rows(
        "WITH page AS (SELECT customer_id, account_code, name, kind, siren, vat_id, party ->> 'city' AS city, email "
        "FROM customers WHERE supplier_id = :supplier AND account_code > :after "
        "AND (CAST(:kind AS text) IS NULL OR kind = :kind) AND (:wanted = '' OR name ILIKE :like "
        "OR account_code ILIKE :like OR siren LIKE :digits OR vat_id ILIKE :like OR email ILIKE :like) "
        "ORDER BY account_code LIMIT :limit) "
        "SELECT page.*, coalesce((SELECT sum(CASE WHEN debit THEN open_minor ELSE -open_minor END) "
        "FROM receivable_items AS item WHERE item.supplier_id = :supplier AND item.customer_id = page.customer_id "
        "AND item.open_minor > 0 AND item.currency = 'EUR'), 0)::bigint AS open_minor FROM page ORDER BY account_code",
        after=after,
        kind=kind,
        wanted=wanted,
        like=f"%{literally(wanted)}%",
        digits=f"%{literally(wanted.replace(' ', ''))}%",
        limit=limit,
    )
    return [_listed(row) for row in rows]


def _listed(row: RowMapping) -> ListedCustomer:
    return ListedCustomer(**{**row, "kind": CustomerKind(row["kind"])})


def _exists(known: Customer) -> ConflictError:
    return ConflictError(
        "customer.exists",
        f"{known.name} is a customer already, under {known.account_code}. Open it instead of a second one.",
        f"{known.name} est déjà client, sous le code {known.account_code}. Ouvrez sa fiche plutôt qu'une seconde.",
    )
