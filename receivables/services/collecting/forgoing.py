"""Forgo late interest: give up what was asked for or has run, with a reason; correct what was asked for too much.

What was in the books goes out of them by a credit note on the claim, set off at once; what was paid becomes credit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from config.law import accounts_on
from receivables.domain.accounting.ledger import OTHER_JOURNAL, Chart, Entry, signed, without_zeros
from receivables.domain.invoicing.invoices import CLAIM_CREDIT, CLAIM_SERIES, NamedInvoice
from receivables.domain.money import Money
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.claiming import NewClaim, write_claim_row
from receivables.services.collecting.reckoning import reckon
from receivables.services.settlement.settling import Cause, load_settling, settle, write_settling
from receivables.store.collecting.claims import CORRECTED, GIVEN_UP, claims_on, get_claim, lines_of_claim
from receivables.store.customer_file.customers import lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.settlement.books import write_entries, write_items
from receivables.store.settlement.settlements import note_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from receivables.store.collecting.claims import Claim, ClaimLine
    from receivables.store.work import Work

CLAIM_CREDITED = "claim_credit"
"""Source kind of the entry of a credit note on a claim."""
MOST_REASON = 500
"""Characters."""


@dataclass(frozen=True, slots=True)
class Share:
    """What is forgone of one late invoice, in minor units."""

    late_id: UUID
    interest_minor: int
    indemnity_minor: int

    @property
    def amount_minor(self) -> int:
        """Both together."""
        return self.interest_minor + self.indemnity_minor


def waive_claim(work: Work, claim_id: UUID, amount_minor: int | None, *, reason: str, actor: str) -> int:
    """Give up what is open of a claim, or ``amount_minor`` of it (interest before indemnities); returns how much.

    Raises:
        NotFoundError: ``claim.not_found``.
        ReceivablesError: ``claim.no_reason``.
        ConflictError: ``claim.more_than_open``.
    """
    reason = check_reason(reason)
    claim = _locked(work, claim_id)
    amount = claim.open_minor if amount_minor is None else amount_minor
    if not 0 < amount <= claim.open_minor:
        left = Money(claim.open_minor, claim.currency)
        raise ConflictError(
            "claim.more_than_open",
            f"{left} of {claim.number} is open: give up an amount above zero and at most that.",
            f"Il reste {left} sur {claim.number} : abandonnez un montant supérieur à zéro, et au plus celui-là.",
        )
    _forgo(work, claim, _shares(lines_of_claim(work, claim_id), amount), GIVEN_UP, reason=reason, actor=actor)
    return amount


def waive_running(work: Work, late_id: UUID, through: date, *, reason: str, actor: str) -> int:
    """Give up what has run on an invoice to the end of ``through`` and was never asked for; returns how much.

    Raises:
        ReceivablesError: ``claim.no_reason``, ``interest.rate_unknown``.
        ConflictError: ``claim.nothing``.
    """
    reason = check_reason(reason)
    lock_customers(work, [get_invoice(work, late_id).customer_id])
    found = next(iter(reckon(work, [late_id], through)), None)
    if found is None or not found.claimable_minor:
        raise ConflictError("claim.nothing", "Nothing has run on this invoice.", "Rien n'a couru sur cette facture.")
    share = Share(late_id, found.interest_minor, found.indemnity_minor)
    _note(work, [share], None, GIVEN_UP, reason=reason, note_id=None, actor=actor)
    facts = {
        "number": found.late.number,
        "amount_minor": share.amount_minor,
        "currency": found.late.currency,
        "reason": reason,
    }
    note_event(
        work,
        AccountEvent(found.late.customer_id, "interest.waived", actor, shown=False, facts=facts, invoice_id=late_id),
    )
    return share.amount_minor


def correct_claims(work: Work, late_ids: Sequence[UUID], *, reason: str, actor: str) -> int:
    """Take back what was asked for too much on these invoices for the time claimed, by the facts now; returns how much.

    A payment found late with an earlier cash day, or a dispute that was accepted, makes interest shrink. The other
    way nothing is to be done: what has run more, after a payment went back, is claimable again by itself.
    """
    taken_back = 0
    for late_id in late_ids:
        claims = [_locked(work, each) for each in claims_on(work, late_id)]
        if not claims:
            continue
        (found,) = reckon(work, [late_id], max(each.through_on for each in claims))
        if found.why_not == "assigned":
            continue  # what ran before the factor took it stays right
        excess = found.excess_minor
        for claim in reversed(claims):
            line = next(each for each in lines_of_claim(work, claim.claim_id) if each.late_id == late_id)
            interest = min(excess, line.interest_minor - line.waived_interest_minor)
            lost = line.indemnity_minor - line.waived_indemnity_minor if not found.interest.is_late else 0
            indemnity = lost if not found.interest.frozen_minor and not found.late.facts.disputed_minor else 0
            if interest + indemnity:
                share = Share(late_id, interest, indemnity)
                _forgo(work, claim, [share], CORRECTED, reason=check_reason(reason), actor=actor)
                excess -= interest
                taken_back += share.amount_minor
    return taken_back


def _locked(work: Work, claim_id: UUID) -> Claim:
    claim = get_claim(work, claim_id)
    lock_customers(work, [claim.customer_id])
    return get_claim(work, claim_id)


def check_reason(reason: str) -> str:
    """A reason in one line.

    Raises:
        ReceivablesError: ``claim.no_reason``.
    """
    reason = " ".join(reason.split())[:MOST_REASON]
    if not reason:
        raise ReceivablesError(
            "claim.no_reason",
            "Say why it is given up: the trail keeps it, and the customer reads it.",
            "Dites pourquoi vous y renoncez : le journal le garde et le client le lit.",
        )
    return reason


def _shares(lines: Sequence[ClaimLine], amount_minor: int) -> list[Share]:
    """What of each line is given up: interest of all of them first, the oldest first."""
    interest = {each.late_id: 0 for each in lines}
    indemnity = dict(interest)
    for each in lines:
        interest[each.late_id] = min(each.interest_minor - each.waived_interest_minor, amount_minor)
        amount_minor -= interest[each.late_id]
    for each in lines:
        indemnity[each.late_id] = min(each.indemnity_minor - each.waived_indemnity_minor, amount_minor)
        amount_minor -= indemnity[each.late_id]
    shares = (Share(late_id, interest[late_id], indemnity[late_id]) for late_id in interest)
    return [each for each in shares if each.amount_minor]


def _forgo(work: Work, claim: Claim, shares: Sequence[Share], kind: str, *, reason: str, actor: str) -> None:
    """Note what is forgone of a claim; in the books by a credit note, outside them by asking for less."""
    total = sum(each.amount_minor for each in shares)
    note_id = _credit(work, claim, shares, total) if claim.entered_on else None
    if note_id is None:
        work.execute(
            "UPDATE interest_claims SET outside_minor = outside_minor - :less, changed_at = :at "
            "WHERE supplier_id = :supplier AND claim_id = :id",
            less=total,
            id=claim.claim_id,
            at=now(),
        )
    _note(work, shares, claim.claim_id, kind, reason=reason, note_id=note_id, actor=actor)
    work.audit(actor, f"claim.{kind}", str(claim.claim_id), number=claim.number, amount_minor=total, reason=reason)
    facts = {"number": claim.number, "amount_minor": total, "currency": claim.currency, "reason": reason}
    note_event(
        work,
        AccountEvent(claim.customer_id, f"claim.{kind}", actor, shown=True, facts=facts, invoice_id=claim.claim_id),
    )


def _note(
    work: Work,
    shares: Sequence[Share],
    claim_id: UUID | None,
    kind: str,
    *,
    reason: str,
    note_id: UUID | None,
    actor: str,
) -> None:
    at = now()
    work.insert(
        "interest_waivers",
        [
            {
                "waiver_id": new_id(),
                "late_id": each.late_id,
                "claim_id": claim_id,
                "interest_minor": each.interest_minor,
                "indemnity_minor": each.indemnity_minor,
                "kind": kind,
                "reason": reason,
                "note_id": note_id,
                "waived_by": actor,
                "waived_at": at,
            }
            for each in shares
        ],
    )


def _credit(work: Work, claim: Claim, shares: Sequence[Share], total: int) -> UUID:
    """A credit note on a claim in the books: its entry, its line on 411, set off at once."""
    day = today()
    row = NewClaim(claim.customer_id, claim.currency, total, day, CLAIM_CREDIT, CLAIM_SERIES[1])
    write_claim_row(work, row, day)
    note = get_invoice(work, row.invoice_id)
    note_names(work, note, [NamedInvoice(claim.number, claim.issued_on.year, total)])
    entry = _entry(claim, shares, note.number, row.invoice_id)
    write_entries(work, [entry])
    line = next(each for each in entry.postings if each.customer_id is not None)
    write_items(
        work,
        [
            {
                "posting_id": line.posting_id,
                "customer_id": claim.customer_id,
                "invoice_id": row.invoice_id,
                "attempt_id": None,
                "reference": note.number,
                "kind": "credit_note",
                "debit": False,
                "amount_minor": total,
                "open_minor": total,
                "currency": claim.currency,
                "booked_on": day,
                "due_on": day,
                "ranked_at": datetime.combine(day, time(), tzinfo=UTC),
                "lettering_id": None,
            }
        ],
    )
    work.audit("core", f"{CLAIM_CREDITED}.booked", entry.source_ref, entry_id=entry.entry_id)
    settling = load_settling(work, [row.invoice_id])
    settle(settling, [row.invoice_id], Cause("set_off", None, day))
    write_settling(work, settling, "core")
    return row.invoice_id


def _entry(claim: Claim, shares: Sequence[Share], number: str, note_id: UUID) -> Entry:
    day = today()
    chart = Chart(**accounts_on(day))
    interest, indemnity = sum(each.interest_minor for each in shares), sum(each.indemnity_minor for each in shares)
    return Entry(
        entry_id=new_id(),
        journal=OTHER_JOURNAL,
        booked_on=day,
        source_kind=CLAIM_CREDITED,
        source_ref=str(note_id),
        document_ref=number,
        label=claim.customer_name,
        currency=claim.currency,
        postings=without_zeros(
            (
                signed(
                    new_id(), chart.customers, -interest - indemnity, customer_id=claim.customer_id, invoice_id=note_id
                ),
                signed(new_id(), chart.interest, interest, invoice_id=note_id),
                signed(new_id(), chart.indemnity, indemnity, invoice_id=note_id),
            )
        ),
    )
