"""Life-cycle messages that came in, each to where it belongs: our invoice, an invoice received, or a declaration.

A message is never dropped: what cannot be placed waits for a while, since an invoice may come after its status, and is
then kept for a human with the reason. What is odd is noted all the same, shown, and becomes a task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from config import safe_xml
from config.clock import now
from einvoice.errors import EInvoiceError
from einvoice.lifecycle.cdar import read_cdar
from einvoice.lifecycle.history import note_status
from einvoice.lifecycle.message import COLLECTED
from einvoice.lifecycle.statuses import Actor, out_of_order, status
from einvoice.reactions import react_to_status
from einvoice.receiving.arrival import flow_of
from einvoice.receiving.history import note_received_status
from einvoice.reporting.answers import receive_report_answer
from einvoice.validation.standards import Kind, Standards, Syntax
from einvoice.validation.xsd import Schemas
from receivables.domain.invoicing.invoices import Routing
from receivables.store.inbox import Settlement
from receivables.store.invoicing.invoices import find_by_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from uuid import UUID

    from lxml import etree
    from sqlalchemy import RowMapping

    from einvoice.lifecycle.message import StatusMessage
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.inbox import Message
    from receivables.store.work import Work

OF_DECLARATIONS = "urn.cpro.gouv.fr:1p0:CDV:ereportingF10"
"""MDT-3 of the State's answers about declarations (A7, G7.14)."""
INVOICE_MAY_COME = timedelta(hours=6)
"""How long a status waits for an invoice that we do not know: the two may come in any order."""
COLLECTED_STATUS = "212"
_AGAIN = "~"
"""Between a message id and the flow that brought it, where a platform gives one id to two statuses."""
_SCHEMAS = Schemas()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a status belongs: the table of its life, and what it is about there."""

    table: str
    column: str
    about: UUID
    invoice: Invoice | None = None


def receive_statuses(work: Work, messages: Sequence[Message]) -> list[Settlement]:
    """Note the statuses in ``messages`` where they belong, and act on those of our own invoices."""
    return [_receive(work, message) for message in messages]


def receive_lost(_: Work, messages: Sequence[Message]) -> list[Settlement]:
    """Files that the platform announced and never gave: each is a task."""
    return [
        Settlement(
            each.inbox_id,
            "buried",
            f"flow.unavailable: flow {flow_of(each.external_id)}, {each.body.decode(errors='replace')} "
            "Ask the platform for this file.",
        )
        for each in messages
    ]


def _receive(work: Work, message: Message) -> Settlement:
    try:
        root = safe_xml.parse(message.body)
        told = read_cdar(root)
    except (EInvoiceError, safe_xml.UnsafeXmlError) as error:
        return Settlement(message.inbox_id, "buried", f"{error.code}: {error}")
    fault = _grammar_fault(root)
    if told.guideline == OF_DECLARATIONS:
        return _receive_answer(work, message, told)
    place = _place_of(work, told)
    if place is None:
        return _wait(work, message, told)
    noted = _note(work, place, told, flow_of(message.external_id))
    if noted is None:
        return Settlement(message.inbox_id, "done")
    if place.invoice is not None and fault is None:  # whatever its order: the same statuses end in the same state
        react_to_status(work, place.invoice, noted)
    trouble = fault or _oddity(work, place, noted)
    return Settlement(message.inbox_id, "buried", trouble) if trouble else Settlement(message.inbox_id, "done")


def _place_of(work: Work, told: StatusMessage) -> _Place | None:
    """Ours by the seller's SIREN (MDT-129); without one, ours first, then a received one."""
    seller = told.invoice.seller.siren if told.invoice.seller else None
    ours = work.scalar("SELECT siren FROM suppliers WHERE supplier_id = :supplier")
    issued_on = told.invoice.issued_on
    year = issued_on.year if issued_on else _latest_year(work, told.invoice.number)
    if seller in {None, ours} and year:
        invoice = find_by_number(work, told.invoice.number, year)
        if invoice is not None:
            return _Place("statuses", "invoice_id", invoice.invoice_id, invoice)
    if seller is not None and seller == ours:
        return None
    received_id = work.scalar(
        "SELECT received_id FROM received_invoices WHERE supplier_id = :supplier AND number = :number "
        "AND (CAST(:seller AS text) IS NULL OR seller_ref = :seller) "
        "AND (CAST(:year AS integer) IS NULL OR extract(year FROM issued_on) = :year) ORDER BY created_at LIMIT 1",
        number=told.invoice.number,
        seller=seller,
        year=issued_on.year if issued_on else None,
    )
    return _Place("received_statuses", "received_id", received_id) if received_id else None


def _latest_year(work: Work, number: str) -> int | None:
    """The year of our latest invoice of this number: a 501 need not say the date (BR-FR-CDV-11)."""
    year: int | None = work.scalar(
        "SELECT max(issue_year) FROM invoices WHERE supplier_id = :supplier AND number = :number", number=number
    )
    return year


def _note(work: Work, place: _Place, told: StatusMessage, flow_ref: str) -> StatusMessage | None:
    """Append the status and return it, or None where it stands there already.

    Two statuses under one message id (MDT-4) are two: the official pattern of that id takes its time from the deposit,
    so that two partial payments share one. The second is noted under the id and the flow that brought it.
    """
    if _append(work, place, told, flow_ref):
        return told
    if _is_known(work, place, told):
        return None
    apart = replace(told, message_id=f"{told.message_id}{_AGAIN}{flow_ref}")
    return apart if _append(work, place, apart, flow_ref) else None


def _append(work: Work, place: _Place, told: StatusMessage, flow_ref: str) -> bool:
    if place.invoice is not None:
        return note_status(work, place.about, told, direction="in", flow_ref=flow_ref)
    return note_received_status(work, place.about, told, direction="in", flow_ref=flow_ref)


def _is_known(work: Work, place: _Place, told: StatusMessage) -> bool:
    """Whether this very status stands there: our own message that came back, or the same told twice."""
    amounts = [(each.kind, each.amount) for each in told.amounts]
    return any(
        row["code"] == told.status
        and (
            row["direction"] == "out"
            or (
                row["set_at"] == told.occurred_at
                and row["note"] == told.note
                and _kinds_and_amounts(row) == [(kind, str(amount)) for kind, amount in amounts]
            )
        )
        for row in _life(work, place)
        if row["message_id"].partition(_AGAIN)[0] == told.message_id
    )


def _kinds_and_amounts(row: RowMapping) -> list[tuple[str, str]]:
    return [(each["kind"], each["amount"]) for each in row["amounts"]]


def _life(work: Work, place: _Place) -> Sequence[RowMapping]:
    return work.rows(
        f"SELECT message_id, code, direction, set_at, amounts, note FROM {place.table} "  # noqa: S608 -- our own names
        f"WHERE supplier_id = :supplier AND {place.column} = :about ORDER BY set_at, created_at",
        about=place.about,
    )


def _oddity(work: Work, place: _Place, told: StatusMessage) -> str | None:
    """Why a status that stands in the life of its invoice needs a human all the same."""
    life = [row for row in _life(work, place) if row["message_id"] != told.message_id]
    came = [row for row in life if row["direction"] == "in"]
    wrong = out_of_order(
        told.status,
        [row["code"] for row in came if row["set_at"] < told.occurred_at],
        [row["code"] for row in came if row["set_at"] > told.occurred_at],
    )
    number, code = told.invoice.number, told.status
    if wrong:
        return (
            f"status.out_of_order: {wrong[1]} {status(wrong[1]).english} of {number} was set after {wrong[0]} "
            f"{status(wrong[0]).english}, which closes an invoice. Both are shown; ask the other side which one holds."
        )
    if place.invoice is None or status(code).actors != {Actor.SELLER}:
        return None  # only what nobody but we may say can be unexplained
    if code == COLLECTED_STATUS and (place.invoice.routing is Routing.B2G or _told_by_us(life, told)):
        return None  # Chorus Pro makes the 212 of what it pays itself
    return (
        f"status.unexplained_{code}: the platform shows {code} {status(code).english} on {number}, which we never "
        "sent. Compare its amounts with the receipts in the books, and ask the platform who set it."
    )


def _told_by_us(life: Sequence[RowMapping], told: StatusMessage) -> bool:
    """Whether a 212 of ours says the same amounts: a platform may show it under an id of its own."""
    wanted = sorted(str(each.amount) for each in told.amounts if each.kind == COLLECTED)
    return any(
        sorted(each["amount"] for each in row["amounts"] if each["kind"] == COLLECTED) == wanted
        for row in life
        if row["direction"] == "out" and row["code"] == COLLECTED_STATUS
    )


def _wait(work: Work, message: Message, told: StatusMessage) -> Settlement:
    """The invoice may come after its status; a message that names us nowhere is another company's."""
    ours: str | None = work.scalar("SELECT siren FROM suppliers WHERE supplier_id = :supplier")
    seller = told.invoice.seller.siren if told.invoice.seller else None
    number = told.invoice.number
    named = {seller, told.issuer.siren, *(each.siren for each in told.recipients)} - {None}
    if named and ours not in named:
        told_by = ", ".join(sorted(each for each in named if each))
        return Settlement(
            message.inbox_id,
            "buried",
            f"status.other_seller: status {told.status} for {number} names {told_by}; we are {ours}. "
            "Check which company this platform account belongs to.",
        )
    whose = "which we never issued" if seller in {None, ours} else f"of {seller}, of whom no such invoice came in"
    reason = f"status.unknown_invoice: status {told.status} for {number}, {whose}. Ask the platform for the invoice."
    waits = now() - message.received_at < INVOICE_MAY_COME
    return Settlement(message.inbox_id, "waiting" if waits else "buried", reason)


def _receive_answer(work: Work, message: Message, told: StatusMessage) -> Settlement:
    """The State's answer about a declaration."""
    refused = receive_report_answer(work, told)
    return Settlement(message.inbox_id, "buried" if refused else "done", refused)


def _grammar_fault(root: etree._Element) -> str | None:
    """What the XSD of life-cycle messages says against this one; what could be read of it is noted all the same."""
    findings = _SCHEMAS.check(_grammar(), root)
    if not findings:
        return None
    first = findings[0]
    return (
        f"cdar.breaks_xsd: {len(findings)} fault(s) of grammar, first {first.message} (line {first.line}). What could "
        "be read is shown on the invoice; nothing was done about it. Ask the platform to send it anew."
    )


@cache
def _grammar() -> Path:
    standards = Standards()
    demand = next(each for each in standards.demanded(Syntax.CDAR) if each.kind is Kind.XSD)
    return standards.artefact(demand).path
