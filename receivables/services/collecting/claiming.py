"""Claim late interest (note de débit): several late invoices in one document, in a number series of its own.

A claim is its own object: it stays when the principal is paid, and is paid, lettered and waived by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now, today
from receivables.domain.events import claim_made
from receivables.domain.invoicing.invoices import CLAIM, CLAIM_SERIES, Origin, Routing
from receivables.domain.money import Money
from receivables.domain.settlement.collected import VatRow
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.entering import enter_claims
from receivables.services.collecting.reckoning import Reckoned, Terms, reckon, terms_of
from receivables.services.risk.insolvency import follow_doubtful
from receivables.services.risk.watching import watch_limits
from receivables.store.collecting.claims import BOOKED, get_claim
from receivables.store.customer_file.customers import get_customer, lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event
from receivables.store.invoicing.invoices import vat_rows_to_json
from receivables.store.invoicing.numbers import number_wording, take_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.domain.collecting.interest import Stretch
    from receivables.store.collecting.claims import Claim
    from receivables.store.work import Work

TERM_DAYS = 15
"""Interest is due as of right: this is time to check the reckoning before anybody reminds of it."""
MOST_LINES = 100
"""Late invoices in one claim: what a person can check."""


@dataclass(frozen=True, slots=True)
class MakeClaim:
    """Claim what has run on late invoices of one customer to the end of ``through_on``.

    ``expected_minor`` is the total that whoever pressed the button had seen; another one is refused.
    """

    customer_id: UUID
    late_ids: tuple[UUID, ...]
    through_on: date
    actor: str
    expected_minor: int | None = None


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim or a credit note on one, as a row of invoices to be written."""

    customer_id: UUID
    currency: str
    total_minor: int
    due_on: date
    type_code: str = CLAIM
    series: str = CLAIM_SERIES[0]
    invoice_id: UUID = field(default_factory=new_id)


def make_claim(work: Work, command: MakeClaim) -> Claim:
    """Number a claim for interest and announce it; it enters the books now or with its first money, by the terms.

    Raises:
        ReceivablesError: ``claim.consumer``, ``claim.nothing``, ``claim.too_small``, ``claim.too_many``,
            ``claim.several_currencies``, ``claim.other_customer``, ``interest.rate_unknown``.
        ConflictError: ``claim.changed``: money or a dispute came in between.
    """
    lock_customers(work, [command.customer_id])
    terms = terms_of(work)
    asked = [each for each in _reckoned(work, command, terms) if each.claimable_minor]
    total = _checked(work, command, asked, terms)
    day = today()
    row = NewClaim(command.customer_id, asked[0].late.currency, total, day + timedelta(days=TERM_DAYS))
    number = write_claim_row(work, row, day)
    booking = terms.on(day).booking
    _write_claim(work, row.invoice_id, command, asked, total)
    if booking == BOOKED:
        enter_claims(work, [row.invoice_id], day)
        follow_doubtful(work, [command.customer_id])
        watch_limits(work, [command.customer_id])
    work.emit([claim_made(row.invoice_id)])
    work.audit(command.actor, "claim.made", str(row.invoice_id), number=number, amount_minor=total, booking=booking)
    facts = {"number": number, "amount_minor": total, "currency": row.currency, "invoices": len(asked)}
    note_event(
        work,
        AccountEvent(
            command.customer_id, "claim.made", command.actor, shown=True, facts=facts, invoice_id=row.invoice_id
        ),
    )
    return get_claim(work, row.invoice_id)


def _reckoned(work: Work, command: MakeClaim, terms: Terms) -> list[Reckoned]:
    if len(command.late_ids) > MOST_LINES:
        raise ReceivablesError(
            "claim.too_many",
            f"One claim is for at most {MOST_LINES} invoices: make several.",
            f"Une note porte sur {MOST_LINES} factures au plus : faites-en plusieurs.",
        )
    found = reckon(work, command.late_ids, command.through_on, terms)
    if any(each.late.customer_id != command.customer_id for each in found):
        raise ReceivablesError(
            "claim.other_customer",
            "These invoices are of several customers: make a claim for each.",
            "Ces factures sont de plusieurs clients : faites une note pour chacun.",
        )
    return found


def _checked(work: Work, command: MakeClaim, asked: Sequence[Reckoned], terms: Terms) -> int:
    """The total, where it may be claimed."""
    customer = get_customer(work, command.customer_id)
    if customer.kind == "consumer":
        raise ReceivablesError(
            "claim.consumer",
            f"{customer.name} is a consumer: no penalties and no indemnity are due, only the legal rate from a formal "
            "notice on, which a court grants (C. civ. art. 1231-6).",
            f"{customer.name} est un consommateur : ni pénalités ni indemnité ne sont dues, seulement le taux légal à "
            "compter d'une mise en demeure, accordé par le juge (C. civ. art. 1231-6).",
        )
    if not asked:
        raise ReceivablesError(
            "claim.nothing",
            "Nothing may be claimed on these invoices now: they were paid in time, are disputed, or were claimed.",
            "Rien ne peut être réclamé sur ces factures : payées à temps, contestées, ou déjà réclamées.",
        )
    if len({each.late.currency for each in asked}) > 1:
        raise ReceivablesError(
            "claim.several_currencies",
            "These invoices are in several currencies: make a claim for each.",
            "Ces factures sont en plusieurs devises : faites une note par devise.",
        )
    total, least = sum(each.claimable_minor for each in asked), terms.on(today()).least_minor
    currency = asked[0].late.currency
    if total < least:
        raise ReceivablesError(
            "claim.too_small",
            f"{Money(total, currency)} is below the {Money(least, currency)} from which you claim interest (settings).",
            f"{Money(total, currency)} est inférieur aux {Money(least, currency)} à partir desquels vous réclamez des "
            "intérêts (réglages).",
        )
    if command.expected_minor not in (None, total):
        raise ConflictError(
            "claim.changed",
            f"It comes to {Money(total, currency)} now: money or a dispute came in between. Look again, then confirm.",
            f"Le total est désormais de {Money(total, currency)} : un paiement ou un litige est arrivé entre-temps. "
            "Relisez, puis confirmez.",
        )
    return total


def write_claim_row(work: Work, claim: NewClaim, day: date) -> str:
    """Write a claim, or a credit note on one, beside the invoices under the next number of its series."""
    serial = take_number(work, claim.series, day.year)
    number = number_wording(work, claim.series, day.year).number(day.year, serial)
    outside_vat = (VatRow("O", Decimal(0), claim.total_minor, 0),)
    work.insert(
        "invoices",
        [
            {
                "invoice_id": claim.invoice_id,
                "customer_id": claim.customer_id,
                "number": number,
                "issue_year": day.year,
                "series": claim.series,
                "serial": serial,
                "origin": Origin.OWN,
                "type_code": claim.type_code,
                "process": None,
                "issued_on": day,
                "due_on": claim.due_on,
                "currency": claim.currency,
                "total_minor": claim.total_minor,
                "prepaid_minor": 0,
                "payable_minor": claim.total_minor,
                "vat_on_collection": False,
                "vat_rows": vat_rows_to_json(outside_vat),
                "document": {},
                "source_sha256": None,
                "routing": Routing.OUT_OF_SCOPE,
                "buyer_reference": None,
                "created_at": now(),
            }
        ],
    )
    return number


def _write_claim(work: Work, claim_id: UUID, command: MakeClaim, asked: Sequence[Reckoned], total: int) -> None:
    work.execute(
        "INSERT INTO interest_claims (supplier_id, claim_id, customer_id, through_on, outside_minor, made_by, made_at, "
        "changed_at) VALUES (:supplier, :claim, :customer, :through, :total, :actor, :at, :at)",
        claim=claim_id,
        customer=command.customer_id,
        through=command.through_on,
        total=total,
        actor=command.actor,
        at=now(),
    )
    work.insert(
        "claim_lines",
        [
            {
                "claim_id": claim_id,
                "late_id": each.late.invoice_id,
                "interest_minor": each.interest_minor,
                "indemnity_minor": each.indemnity_minor,
                "facts": told_facts(each),
            }
            for each in asked
        ],
    )


def told_facts(reckoned: Reckoned) -> dict[str, Any]:
    """How it was reckoned, as the document shows it: stretches of days, and what was asked for before."""
    return {
        "basis": reckoned.basis,
        "stretches": [_stretch(each) for each in reckoned.interest.stretches],
        "run_minor": reckoned.interest.amount_minor,
        "before_minor": reckoned.late.claimed_minor + reckoned.late.given_up_minor,
    }


def _stretch(each: Stretch) -> list[str | int]:
    return [each.first.isoformat(), each.last.isoformat(), each.base_minor, str(each.percent)]
