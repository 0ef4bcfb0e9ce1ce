"""Carrying refund orders out: what a refund would reopen, sending it once, and what became of it.

A provider is asked with the order's id as idempotency key, so that a repetition refunds once. Providers forget keys
after a day: an order in doubt for longer is looked for before it is asked for again. What became of an order is read
from the books alone, so that it does not matter whether the webhook or our own answer came first.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from config.clock import new_id, now, today
from payments.banking.lines import settle_line
from payments.gateways.port import FactKind, GatewayDeclinedError, GatewayError, GatewayRefusedError
from payments.refunds.orders import get_refund, lock_payer, why_gone
from payments.refunds.telling import announce_refunds
from receivables.domain.money import Money
from receivables.domain.settlement.lettering import Item
from receivables.domain.settlement.receipts import MoneyReturned, MoneyReturnFailed
from receivables.services.settlement.paying import noon
from receivables.services.settlement.receipts import record_facts
from receivables.services.settlement.settling import allocate, load_settling

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from payments.banking.lines import BankLine
    from payments.gateways.port import Gateway
    from payments.refunds.holdings import Held
    from payments.refunds.orders import RefundOrder
    from receivables.store.work import Work, Works

log = logging.getLogger("quittance.refunds")

BATCH = 50
KEY_LIVES = timedelta(hours=20)
"""Providers keep idempotency keys for a day; after this long we look before we ask again."""
CLOCKS_DIFFER = timedelta(minutes=5)
"""A refund that our order made is not older than its first try, by the provider's clock."""


_OUR_TRANSFER = re.compile(r"QR[0-9a-f]{32}", re.IGNORECASE)
"""The end-to-end id of a refund by transfer: some banks tell it in its field, others in the text."""


class GatewayOf(Protocol):
    """Finds the provider behind an account of a work's supplier."""

    def __call__(self, work: Work, account_id: UUID, /) -> Gateway:
        """The provider of this account."""


@dataclass(frozen=True, slots=True)
class Reopened:
    """An invoice that a refund would open again, by so much."""

    invoice_id: UUID
    number: str
    amount_minor: int


def what_reopens(work: Work, held: Held, amount_minor: int) -> tuple[Reopened, ...]:
    """The invoices that are open again once ``amount_minor`` of a payment went back, planned and not written.

    Open credit goes first, then what the payment settles, the last due first: as the books would letter it.
    """
    if amount_minor <= 0:
        return ()
    aimed = [
        row["invoice_id"]
        for row in work.rows(
            "SELECT invoice_id FROM reservations WHERE supplier_id = :supplier AND attempt_id = :id "
            "UNION SELECT invoice_id FROM aim_choices WHERE supplier_id = :supplier AND attempt_id = :id",
            id=held.attempt_id,
        )
    ]
    settling = load_settling(work, aimed, [held.attempt_id])
    settling.add_item(
        Item(
            posting_id=new_id(),
            customer_id=held.customer_id,
            kind="refund",
            debit=True,
            amount_minor=amount_minor,
            open_minor=amount_minor,
            reference="preview",
            booked_on=today(),
            due_on=today(),
            ranked_at=now(),
            currency=held.currency,
            attempt_id=held.attempt_id,
        )
    )
    allocate(settling, aimed, "preview", today(), [held.attempt_id])
    deltas: dict[UUID, int] = {}
    for row in settling.allocations:
        item = settling.sheet.items[row["debit_posting_id"]]
        if item.kind == "invoice":
            deltas[item.posting_id] = deltas.get(item.posting_id, 0) + row["amount_minor"]
    opened = [(settling.sheet.items[posting_id], -minor) for posting_id, minor in deltas.items() if minor < 0]
    return tuple(
        Reopened(item.invoice_id, item.reference, minor)
        for item, minor in sorted(opened, key=lambda each: each[0].reference)
        if item.invoice_id
    )


def send_refunds(works: Works, supplier_id: UUID, gateway_of: GatewayOf) -> int:
    """Send what may go through a provider, and note what the books say of what went; returns how many were sent."""
    with works.begin(supplier_id) as work:
        due = [
            row["order_id"]
            for row in work.rows(
                "SELECT order_id FROM refund_orders WHERE supplier_id = :supplier AND state = 'to_send' "
                "AND road = 'provider' ORDER BY asked_at LIMIT :limit",
                limit=BATCH,
            )
        ]
    sent = sum(_send(works, supplier_id, order_id, gateway_of) for order_id in due)
    works.run(supplier_id, settle_refunds)
    return sent


def settle_refunds(work: Work) -> int:
    """Orders whose refund the books hold are done; those whose money came back have failed. Returns how many moved."""
    return work.execute(
        "UPDATE refund_orders AS refund SET state = told.state, changed_at = :at, "
        "failure = CASE told.state WHEN 'failed' THEN coalesce(refund.failure, 'refund.came_back') "
        "ELSE refund.failure END "
        "FROM (SELECT source_ref, CASE WHEN bool_or(source_kind = 'return_failed') THEN 'failed' ELSE 'done' END "
        "AS state FROM entries WHERE supplier_id = :supplier AND source_kind IN ('return', 'return_failed') "
        "AND source_ref IN (SELECT refund_ref FROM refund_orders WHERE supplier_id = :supplier "
        "AND state IN ('sent', 'done')) GROUP BY source_ref) AS told "
        "WHERE refund.supplier_id = :supplier AND refund.refund_ref = told.source_ref "
        "AND refund.state IN ('sent', 'done') AND refund.state <> told.state",
        at=now(),
    )


def transfers_to_make(work: Work, *, limit: int = 500) -> list[RefundOrder]:
    """Refunds by transfer that wait for a file, oldest first, held until this work ends.

    Orders whose money went back by another road meanwhile (a returned debit, a chargeback) fail here.
    """
    waiting = (
        "SELECT order_id FROM refund_orders WHERE supplier_id = :supplier AND state = 'to_send' AND road = 'transfer' "
    )
    found = [row["order_id"] for row in work.rows(f"{waiting} ORDER BY asked_at, order_id LIMIT :most", most=limit)]
    lock_payer(work, *found)
    rows = work.rows(
        f"{waiting} AND order_id = ANY(:ids) ORDER BY asked_at, order_id FOR UPDATE SKIP LOCKED", ids=found
    )
    orders = [get_refund(work, row["order_id"]) for row in rows]
    return [order for order in orders if not _fails(work, order)]


def _fails(work: Work, order: RefundOrder) -> bool:
    """End an order whose money is not there any more; whether it was one."""
    gone = why_gone(work, order)
    if gone is not None:
        note_failed(work, order.order_id, gone.code)
    return gone is not None


def note_sent(work: Work, order_id: UUID, refund_ref: str) -> None:
    """An order left: by the provider's refund, or as a transfer under this end-to-end id. A second note is none."""
    moved = work.execute(
        "UPDATE refund_orders SET state = 'sent', refund_ref = :ref, failure = NULL, changed_at = :at "
        "WHERE supplier_id = :supplier AND order_id = :id AND state = 'to_send'",
        id=order_id,
        ref=refund_ref,
        at=now(),
    )
    if moved:
        work.audit("worker", "refund.sent", str(order_id), refund_ref=refund_ref)


def note_failed(work: Work, order_id: UUID, why: str) -> None:
    """An order will not be carried out: nothing left, and the money may be ordered back again."""
    moved = work.execute(
        "UPDATE refund_orders SET state = 'failed', failure = :why, changed_at = :at "
        "WHERE supplier_id = :supplier AND order_id = :id AND state IN ('to_send', 'sent')",
        id=order_id,
        why=why,
        at=now(),
    )
    if moved:
        work.audit("worker", "refund.failed", str(order_id), reason=why)


def recognise_refunds(work: Work, lines: Sequence[BankLine]) -> None:
    """Lines that are refunds of ours, gone or come back: booked (512), their orders done or failed, the lines settled.

    A line names its refund by the end-to-end id and has its amount; the same line again changes nothing. A refund that
    the payee's bank sent back is the customer's credit again, never a new payment.
    """
    named = {line.line_id: ref for line in lines if (ref := _named_in(line))}
    if not named:
        return
    rows = work.rows(
        "SELECT refund.order_id, refund.refund_ref, attempt.customer_id FROM refund_orders AS refund "
        "JOIN payment_attempts AS attempt USING (supplier_id, attempt_id) WHERE supplier_id = :supplier "
        "AND refund.road = 'transfer' AND refund.state IN ('sent', 'done') AND refund.refund_ref = ANY(:refs)",
        refs=sorted(set(named.values())),
    )
    orders = {row["refund_ref"]: row for row in rows}
    for line in sorted((line for line in lines if line.line_id in named), key=lambda line: line.amount_minor):
        row = orders.get(named[line.line_id])
        if row is not None:
            _book_transfer(work, get_refund(work, row["order_id"]), line, row["customer_id"])


def went_by_transfer(refund_ref: str) -> bool:
    """Whether a refund of the books is a transfer of ours, and no refund of a provider."""
    return _OUR_TRANSFER.fullmatch(refund_ref) is not None


def _named_in(line: BankLine) -> str | None:
    found = _OUR_TRANSFER.search(f"{line.end_to_end_id or ''} {line.remittance}")
    return f"QR{found[0][2:].lower()}" if found else line.end_to_end_id


def _book_transfer(work: Work, order: RefundOrder, line: BankLine, customer_id: UUID) -> None:
    """The refund left the bank on the day of the line, or is there again after it had left."""
    ref, at = order.refund_ref or "", noon(line.booked_on)
    fact: MoneyReturned | MoneyReturnFailed
    if (order.amount_minor, order.currency) == (-line.amount_minor, line.currency):
        reason = None
        fact = MoneyReturned(ref, order.payment_ref, "refund", order.amount_minor, order.currency, at, "bank")
    elif (order.amount_minor, order.currency, order.state) == (line.amount_minor, line.currency, "done"):
        reason = "refund.came_back"
        fact = MoneyReturnFailed(ref, order.payment_ref, order.amount_minor, order.currency, at, line.counter)
    else:
        return
    record_facts(work, [fact])
    if isinstance(fact, MoneyReturned):
        announce_refunds(work, [ref])
    settle_line(
        work,
        line.line_id,
        "refunded",
        reason=reason,
        customer_id=customer_id,
        attempt_id=order.attempt_id,
        settled_by="bank",
    )
    settle_refunds(work)


def _send(works: Works, supplier_id: UUID, order_id: UUID, gateway_of: GatewayOf) -> bool:
    """Ask the provider, outside of any transaction; whether the refund is on its way."""
    with works.begin(supplier_id) as work:
        order = _begin(work, order_id)
        if order is None:
            return False
        account_id = work.scalar(
            "SELECT account_id FROM payment_attempts WHERE supplier_id = :supplier AND attempt_id = :id",
            id=order.attempt_id,
        )
        gateway = gateway_of(work, account_id)
    try:
        refund_ref = _found(works, supplier_id, order, gateway) or gateway.refund(
            order.payment_ref, Money(order.amount_minor, order.currency), str(order.order_id)
        )
    except (GatewayRefusedError, GatewayDeclinedError) as error:
        why = f"{error.code}: {error}"
        works.run(supplier_id, lambda work: note_failed(work, order_id, why))
        return False
    except GatewayError as error:  # in doubt or unreachable: the same order is asked again with the same key
        log.warning("A refund is not certain yet: %s", error, extra={"supplier": str(supplier_id)})
        _note_doubt(works, supplier_id, order_id, f"{error.code}: {error}")
        return False
    works.run(supplier_id, lambda work: note_sent(work, order_id, refund_ref))
    return True


def _begin(work: Work, order_id: UUID) -> RefundOrder | None:
    """Note that the provider is about to be asked, before it is; ``None`` where another worker was faster.

    An order that was never tried fails where its money went back by another road; one in doubt is asked for again.
    """
    lock_payer(work, order_id)
    order = get_refund(work, order_id)
    if order.state != "to_send" or (not order.tries and _fails(work, order)):
        return None
    moved = work.execute(
        "UPDATE refund_orders SET tries = tries + 1, tried_at = coalesce(tried_at, :at), changed_at = :at "
        "WHERE supplier_id = :supplier AND order_id = :id AND state = 'to_send'",
        id=order_id,
        at=now(),
    )
    return get_refund(work, order_id) if moved else None


def _found(works: Works, supplier_id: UUID, order: RefundOrder, gateway: Gateway) -> str | None:
    """The refund that an earlier try made, where its key may be forgotten: of this amount, and of no other order."""
    if order.tried_at is None or now() - order.tried_at < KEY_LIVES:
        return None
    told = [
        each.object_ref
        for each in gateway.fetch_payment(order.payment_ref)
        if each.kind is FactKind.REFUNDED
        and each.amount == Money(order.amount_minor, order.currency)
        and each.occurred_at > order.tried_at - CLOCKS_DIFFER
    ]
    with works.begin(supplier_id) as work:
        taken = {
            row["refund_ref"]
            for row in work.rows(
                "SELECT refund_ref FROM refund_orders WHERE supplier_id = :supplier AND refund_ref = ANY(:refs)",
                refs=told,
            )
        }
    return next((ref for ref in told if ref not in taken), None)


def _note_doubt(works: Works, supplier_id: UUID, order_id: UUID, why: str) -> None:
    with works.begin(supplier_id) as work:
        work.execute(
            "UPDATE refund_orders SET failure = :why, changed_at = :at "
            "WHERE supplier_id = :supplier AND order_id = :id AND state = 'to_send'",
            id=order_id,
            why=why,
            at=now(),
        )
