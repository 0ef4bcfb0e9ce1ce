"""Payouts: from the account at the provider (511) on their way (580) to the bank (512), with the fees kept (627).

A payout is booked once its movements explain it to the cent: gross amounts less fees are what reaches the bank. One
that they do not explain stays open, with its gap. A payout made by hand cannot be traced to movements, so only the
balances compare; its entry takes the fees that are not booked yet.
"""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from config.clock import now
from payments.clearing.movements import accounts_with_payouts, pull_movements, reach, reached, write_movements
from receivables.domain.settlement.receipts import PayoutBanked, PayoutFailed, PayoutPaid, Transferred
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from payments.banking.lines import BankLine
    from payments.gateways.port import Gateway, ProviderMovement, ToldPayout
    from payments.reconcile import GatewayOf
    from receivables.domain.settlement.receipts import Fact
    from receivables.store.work import Work, Works

log = logging.getLogger("quittance.clearing")

WATERMARK = "provider.payouts"
ARRIVES_WITHIN = timedelta(days=5)
"""Before or after the day that the provider promised: weekends, bank holidays, a bank that takes its time."""
LEAST_WORD = 4
"""Letters of a descriptor's word that is looked for in a bank's text: banks cut and glue what they are given."""


def follow_payouts(works: Works, supplier_id: UUID, gateway_of: GatewayOf, account_id: UUID | None = None) -> int:
    """Follow the payouts of a supplier's accounts, or of one; returns how many were booked or came back.

    Movements are pulled first, for a payout made by hand takes the fees of all that moved before it.

    Raises:
        GatewayError: a provider did not answer; what was told is kept, the next look goes on.
    """
    booked = 0
    for each_id, gateway in accounts_with_payouts(works, supplier_id, gateway_of):
        if account_id in (None, each_id):
            pull_movements(works, supplier_id, each_id, gateway)
            booked += _follow(works, supplier_id, each_id, gateway)
    return booked


def recognise_payout(work: Work, line: BankLine) -> str | None:
    """Whether a bank's line is a payout of ours: amount, currency, day of arrival, and a word of its text.

    Books it from the way (580) to the bank, notes the line, and returns its reference; None where it is none. The
    amount alone proves nothing: a customer may transfer the same.
    """
    text = _letters(f"{line.counterparty} {line.remittance} {line.structured_reference or ''}")
    rows = work.rows(
        "SELECT payout_ref, descriptor, provider FROM payouts JOIN gateway_accounts USING (supplier_id, account_id) "
        "WHERE supplier_id = :supplier AND amount_minor = :amount AND currency = :currency "
        "AND state IN ('on_its_way', 'paid') AND arrival_on BETWEEN :first AND :last "
        "ORDER BY abs(arrival_on - CAST(:day AS date)), arrival_on, payout_ref FOR UPDATE OF payouts",
        amount=line.amount_minor,
        currency=line.currency,
        first=line.booked_on - ARRIVES_WITHIN,
        last=line.booked_on + ARRIVES_WITHIN,
        day=line.booked_on,
    )
    found = next((row for row in rows if _names(text, row["descriptor"], row["provider"])), None)
    if found is None:
        return None
    ref: str = found["payout_ref"]
    record_facts(work, [_banked(ref, line)])
    work.execute(
        "UPDATE payouts SET state = 'banked', line_id = :line, changed_at = :at "
        "WHERE supplier_id = :supplier AND payout_ref = :ref",
        ref=ref,
        line=line.line_id,
        at=now(),
    )
    work.audit("worker", "payout.banked", ref, line=str(line.line_id), amount_minor=line.amount_minor)
    return ref


def _follow(works: Works, supplier_id: UUID, account_id: UUID, gateway: Gateway) -> int:
    begun_at, name = now(), f"{WATERMARK}/{account_id}"
    with works.begin(supplier_id) as work:
        since = reached(work, name, account_id)
        known = _booked(work, account_id)
    booked = 0
    for told in list(gateway.payouts_since(since)):
        if known.get(told.payout_ref) in {told.state, "banked", "failed"}:
            continue
        traceable = told.automatic and (told.complete or told.state == "failed")
        parts = list(gateway.movements_of(told.payout_ref)) if traceable else []
        booked += works.run(supplier_id, partial(keep_payout, account_id=account_id, told=told, parts=parts))
    with works.begin(supplier_id) as work:
        reach(work, name, begun_at)
    return booked


def _booked(work: Work, account_id: UUID) -> dict[str, str]:
    """State by reference of the payouts that have their entry."""
    rows = work.rows(
        "SELECT payout_ref, state FROM payouts JOIN entries USING (supplier_id) WHERE supplier_id = :supplier "
        "AND account_id = :account AND source_kind = 'payout' AND source_ref = payout_ref",
        account=account_id,
    )
    return {row["payout_ref"]: row["state"] for row in rows}


def keep_payout(work: Work, account_id: UUID, told: ToldPayout, parts: Sequence[ProviderMovement]) -> bool:
    """Keep a payout with the movements that it is made of; book it where they explain it. Returns whether that is new.

    The same payout told twice, or by two at once, is one row and one entry.
    """
    write_movements(work, account_id, parts)
    gap = _gap(told, parts) if told.automatic and told.complete else None
    _write_payout(work, account_id, told, gap)
    if gap:
        log.error(
            "The movements of %s are off by %s minor units: it stays open.",
            told.payout_ref,
            gap,
            extra={"supplier": str(work.supplier_id)},
        )
        return False
    if told.automatic and gap is None and told.state != "failed":
        return False  # the provider has not said yet what it is made of
    return _book(work, account_id, told)


def _gap(told: ToldPayout, parts: Sequence[ProviderMovement]) -> int:
    return told.amount.minor - sum(part.gross_minor - part.fee_minor for part in parts)


def _write_payout(work: Work, account_id: UUID, told: ToldPayout, gap: int | None) -> None:
    """What is told of a payout; one that came back, or is at the bank, does not become under way again."""
    work.execute(
        "INSERT INTO payouts (supplier_id, payout_ref, account_id, amount_minor, currency, state, automatic, "
        "arrival_on, descriptor, gap_minor, created_at, changed_at) VALUES (:supplier, :ref, :account, :amount, "
        ":currency, :state, :automatic, :arrival, :descriptor, :gap, :made, :at) "
        "ON CONFLICT (supplier_id, payout_ref) DO UPDATE SET changed_at = EXCLUDED.changed_at, "
        "arrival_on = EXCLUDED.arrival_on, gap_minor = coalesce(EXCLUDED.gap_minor, payouts.gap_minor), "
        "descriptor = coalesce(EXCLUDED.descriptor, payouts.descriptor), "
        "state = CASE WHEN payouts.state IN ('failed', 'banked') OR "
        "(payouts.state = 'paid' AND EXCLUDED.state = 'on_its_way') THEN payouts.state ELSE EXCLUDED.state END",
        ref=told.payout_ref,
        account=account_id,
        amount=told.amount.minor,
        currency=told.amount.currency,
        state=told.state,
        automatic=told.automatic,
        arrival=told.arrival_on,
        descriptor=told.descriptor,
        gap=gap,
        made=told.told_at,
        at=now(),
    )


def _book(work: Work, account_id: UUID, told: ToldPayout) -> bool:
    """Book a payout, with the fees of its movements that no other entry took, and its coming back.

    From the moment it was made the money is not with the provider any more, whether the bank has it or not.
    """
    ref, amount = told.payout_ref, told.amount
    fee = _take_fees(work, account_id, told)
    facts: list[Fact] = [PayoutPaid(ref, amount.minor, fee, amount.currency, told.told_at)]
    if told.state == "failed":
        facts.append(PayoutFailed(ref, amount.minor, amount.currency, _failed_at(work, account_id, ref)))
    outcomes = record_facts(work, facts)
    return "posted" in outcomes


def _failed_at(work: Work, account_id: UUID, ref: str) -> datetime:
    """When the money of a payout came back to the account at the provider; now, where no movement tells."""
    found: datetime | None = work.scalar(
        "SELECT min(moved_at) FROM provider_movements WHERE supplier_id = :supplier AND account_id = :account "
        "AND kind = 'payout_failed' AND object_ref = :ref",
        account=account_id,
        ref=ref,
    )
    return found or now()


def _take_fees(work: Work, account_id: UUID, told: ToldPayout) -> int:
    """Fees that this payout's entry books, in minor units; zero where it is booked already. Its row is locked by now.

    An automatic one takes those of its movements; one made by hand takes all that moved before it.
    """
    if work.scalar(
        "SELECT 1 FROM entries WHERE supplier_id = :supplier AND source_kind = 'payout' AND source_ref = :ref",
        ref=told.payout_ref,
    ):
        return 0
    rows = work.rows(
        "UPDATE provider_movements SET fee_booked_by = :ref WHERE supplier_id = :supplier AND account_id = :account "
        "AND currency = :currency AND fee_booked_by IS NULL AND fee_minor <> 0 "
        "AND (payout_ref = :ref OR NOT :automatic AND payout_ref IS NULL AND moved_at <= :at) RETURNING fee_minor",
        ref=told.payout_ref,
        account=account_id,
        currency=told.amount.currency,
        automatic=told.automatic,
        at=told.told_at,
    )
    fee: int = sum(row["fee_minor"] for row in rows)
    work.execute(
        "UPDATE payouts SET fee_minor = :fee WHERE supplier_id = :supplier AND payout_ref = :ref",
        fee=fee,
        ref=told.payout_ref,
    )
    return fee


def _banked(ref: str, line: BankLine) -> Fact:
    """From the way to the bank; a line that waited on 471 is on 512 already, so it comes from there."""
    if line.counter == "suspense":
        return Transferred(f"payout/{ref}", line.amount_minor, line.currency, line.booked_on, "transfers", "suspense")
    return PayoutBanked(ref, line.amount_minor, line.currency, line.booked_on)


def _names(text: str, descriptor: str | None, provider: str) -> bool:
    """Whether a bank's text names a payout: by a word of its descriptor, or by the provider."""
    words = [_letters(word) for word in re.split(r"\W+", descriptor or "")]
    return any(len(word) >= LEAST_WORD and word in text for word in [*words, _letters(provider)])


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())
