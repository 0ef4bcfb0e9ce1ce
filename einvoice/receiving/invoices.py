"""Receive invoices as a buyer: each file is kept as it came, judged, read as far as it can be, and shown.

Nothing that comes in is dropped. What nobody can read is kept and shown as such, and becomes a task.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from config.clock import legal_day, new_id, now
from einvoice.archive.retention import retain_until
from einvoice.keeping import PDF_MIME, XML_MIME, KeptFile, keep_document
from einvoice.receiving.arrival import Arrival
from einvoice.receiving.examination import UNREADABLE, document_to_json, examine
from einvoice.validation.file_report import is_pdf, is_xml
from receivables.store.inbox import Settlement
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from einvoice.archive import ArchivePort
    from einvoice.receiving.examination import Examined
    from einvoice.validation.check import Validator
    from receivables.store.inbox import Message
    from receivables.store.work import Work

OTHER_MIME = "application/octet-stream"
BATCH_S = 2.0
"""Seconds of one batch after which the rest waits for the next: payments stand in the same inbox, and a transaction
must not outlive its time-outs."""
JUDGES_MAY_RETURN = timedelta(hours=1)
"""How long a file that was read waits for rules that did not run; then it is shown as not checked."""
MOST_REMEMBERED = 16
"""Examinations kept for a transaction that has to be repeated."""


@dataclass(frozen=True, slots=True)
class InvoiceReceiver:
    """Receives what is not a life-cycle message. Thread-safe as far as its parts are."""

    archive: ArchivePort
    validator: Validator
    _known: OrderedDict[tuple[str, str], Examined] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, work: Work, messages: Sequence[Message]) -> list[Settlement]:
        """Note each file as an invoice received; those beyond the time of one batch come again at once."""
        end = monotonic() + BATCH_S
        settled: list[Settlement] = []
        for each in messages:
            in_time = not settled or monotonic() < end
            settled.append(self._receive(work, each) if in_time else Settlement(each.inbox_id, "waiting"))
        return settled

    def _receive(self, work: Work, message: Message) -> Settlement:
        arrival = Arrival.from_body(message.body)
        earlier = _delivered(work, arrival)
        if earlier is not None:
            told = None if earlier == arrival.flow_ref else f"received.same_file: it came before as flow {earlier}."
            return Settlement(message.inbox_id, "done", told)
        content = self.archive.get(arrival.sha256)
        examined = self._examine(content, arrival)
        if examined.is_unfinished and now() - message.received_at < JUDGES_MAY_RETURN:
            return Settlement(message.inbox_id, "waiting", "received.not_checked: the rules did not run; tried again.")
        until = retain_until(work, legal_day(message.received_at))
        self.archive.retain(arrival.sha256, until)
        file = KeptFile(content, arrival.name, _mime(content))
        document_id = keep_document(work, None, "received", file, None, until=until)
        _note(work, arrival, document_id, examined)
        self._forget(arrival)
        if examined.form == UNREADABLE:
            return Settlement(message.inbox_id, "buried", _unreadable(arrival))
        return Settlement(message.inbox_id, "done")

    def _examine(self, content: bytes, arrival: Arrival) -> Examined:
        """The examination, remembered until it is noted: a repeated transaction must not pay for it again."""
        key = arrival.sha256, arrival.name
        with self._lock:
            known = self._known.get(key)
        if known is not None and not known.is_unfinished:
            return known
        examined = examine(content, arrival.name, self.validator)
        with self._lock:
            self._known[key] = examined
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return examined

    def _forget(self, arrival: Arrival) -> None:
        with self._lock:
            self._known.pop((arrival.sha256, arrival.name), None)


def _delivered(work: Work, arrival: Arrival) -> str | None:
    """The flow by which this file, to the byte, came before: a platform that delivers twice sends no second invoice."""
    work.scalar(
        "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"received:{work.supplier_id}:{arrival.sha256}"
    )
    found: str | None = work.scalar(
        "SELECT flow_ref FROM received_invoices JOIN documents USING (supplier_id, document_id) "
        "WHERE supplier_id = :supplier AND (sha256 = :sha OR account_id = :account AND flow_ref = :flow) "
        "ORDER BY received_invoices.created_at LIMIT 1",
        sha=arrival.sha256,
        account=arrival.account_id,
        flow=arrival.flow_ref,
    )
    return found


def _note(work: Work, arrival: Arrival, document_id: UUID, examined: Examined) -> UUID:
    received_id, summary = new_id(), examined.summary
    document = document_to_json(examined.document)
    work.execute(
        "INSERT INTO received_invoices (supplier_id, received_id, account_id, flow_ref, document_id, form, kind, "
        "seller_ref, seller_name, buyer_ref, number, type_code, issued_on, due_on, currency, total_minor, "
        "payable_minor, processing_rule, document, report, received_at, created_at) VALUES (:supplier, :id, :account, "
        ":flow, :document_id, :form, :kind, :seller_ref, :seller_name, :buyer_ref, :number, :type_code, :issued_on, "
        ":due_on, :currency, :total_minor, :payable_minor, :rule, CAST(:document AS jsonb), CAST(:report AS jsonb), "
        ":received, :at)",
        id=received_id,
        account=arrival.account_id,
        flow=arrival.flow_ref,
        document_id=document_id,
        form=examined.form,
        kind=examined.report.kind,
        rule=arrival.processing_rule,
        document=to_json(document) if document else None,
        report=examined.report.report.to_json(),
        received=arrival.submitted_at,
        at=now(),
        **{name: getattr(summary, name) for name in summary.__dataclass_fields__},
    )
    work.audit("platform", "purchase.received", str(received_id), number=summary.number, sha256=arrival.sha256)
    return received_id


def _mime(content: bytes) -> str:
    if is_pdf(content):
        return PDF_MIME
    return XML_MIME if is_xml(content) else OTHER_MIME


def _unreadable(arrival: Arrival) -> str:
    return (
        f"received.unreadable: {arrival.name} ({arrival.syntax}, flow {arrival.flow_ref}) is no invoice that can be "
        "read. It is kept as it came, under the purchases: open it there, then ask its sender for a correct file."
    )
