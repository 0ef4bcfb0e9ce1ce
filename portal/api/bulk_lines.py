"""Bulk calls: each line is the body of one single call, done by the worker as that call would be, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.banking.by_hand import record_by_hand
from portal.api.customer_shapes import NewCustomer
from portal.api.customers import open_customer
from portal.api.inputs import read_json
from portal.api.orders import TellOrder, tell_order
from portal.api.payments import NewPayment, read_receipt
from portal.documents.issuing import IssueOptions, issue_content
from portal.jobs.jobs import Outcome
from portal.jobs.running import Kind, each_line
from portal.words import note_text
from receivables.domain.risk.commitments import DELIVERY, ORDER
from receivables.errors import ConflictError
from receivables.store.register import get_supplier

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from portal.jobs.jobs import JobLine, JobView
    from portal.wiring import Services
    from receivables.store.work import Work

PREFIX = "api."
"""Before the resource in the name of a job's kind."""
INVOICES_PER_SLICE = 20
EXISTS = "customer.exists"


def _issue(services: Services, supplier_id: UUID, job: JobView, line: JobLine) -> Outcome:
    """An invoice; its request key is the line, so that a line done twice issues once."""
    supplier = get_supplier(services.database, supplier_id)
    assert supplier is not None  # noqa: S101 -- a job belongs to a supplier
    key = f"job/{job.job_id}/{line.position}"
    options = IssueOptions(supplier.reference, actor=job.started_by, request_key=key)
    issued = issue_content(services, line.content, "request", options)
    return Outcome("done", {"number": issued.invoice.number, "invoice_id": str(issued.invoice.invoice_id)})


def _open(work: Work, job: JobView, line: JobLine) -> Outcome:
    """A customer; one that is there already stays as it is."""
    body = read_json(NewCustomer, line.content)
    try:
        customer = open_customer(work, body, job.started_by)
    except ConflictError as error:
        if error.code != EXISTS:
            raise
        return Outcome("known", {"detail": str(error)})
    return Outcome("done", {"account_code": customer.account_code, "customer_id": str(customer.customer_id)})


def _tell(kind: str) -> Callable[[Work, JobView, JobLine], Outcome]:
    def tell(work: Work, job: JobView, line: JobLine) -> Outcome:
        """An order or a delivery; the same again changes nothing."""
        told = tell_order(work, kind, read_json(TellOrder, line.content), job.started_by)
        return Outcome("done", {"reference": told.reference, "version": told.version})

    return tell


def _write_down(work: Work, job: JobView, line: JobLine) -> Outcome:
    """A payment; the same reference is one payment."""
    kept = record_by_hand(work, read_receipt(work, read_json(NewPayment, line.content)), job.started_by)
    return Outcome("done", {"payment_id": str(kept.attempt_id)})


def _in_one_work(
    do: Callable[[Work, JobView, JobLine], Outcome],
) -> Callable[[Services, UUID, JobView, JobLine], Outcome]:
    def run(services: Services, supplier_id: UUID, job: JobView, line: JobLine) -> Outcome:
        return services.works.run(supplier_id, lambda work: do(work, job, line))

    return run


API_KINDS: dict[str, Kind] = {
    f"{PREFIX}invoices": Kind(
        note_text("Factures reçues par l'API"),
        each_line(_issue),
        lines_per_slice=INVOICES_PER_SLICE,
    ),
    f"{PREFIX}customers": Kind(note_text("Clients reçus par l'API"), each_line(_in_one_work(_open))),
    f"{PREFIX}orders": Kind(note_text("Commandes reçues par l'API"), each_line(_in_one_work(_tell(ORDER)))),
    f"{PREFIX}deliveries": Kind(note_text("Livraisons reçues par l'API"), each_line(_in_one_work(_tell(DELIVERY)))),
    f"{PREFIX}payments": Kind(note_text("Paiements reçus par l'API"), each_line(_in_one_work(_write_down))),
}
"""Kinds of jobs that a bulk call starts."""
