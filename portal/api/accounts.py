"""``/api/v1/customers/{id}/statement`` and ``/api/v1/documents``: an account at a day, and files, by program."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID  # noqa: TC003 -- a model reads it

from flask import Response, url_for
from pydantic import Field

from config.clock import today
from portal.access.context import services
from portal.api.answers import CallRefusedError
from portal.api.door import open_blueprint
from portal.api.named import customer_of
from portal.api.operations import operation
from portal.api.shapes import Amount, Day, Input, Output, PageAnswer, PageQuery, written
from receivables.errors import NotFoundError
from receivables.services.accounting.statements import statements_of

if TYPE_CHECKING:
    from receivables.services.accounting.statements import Statement
    from receivables.store.work import Work

accounts = open_blueprint("api_accounts")

USUAL_DAYS = 90
MOST_DAYS = 3660


class SpanQuery(Input):
    """From when to when, both days included."""

    since: Annotated[Day | None, Field(description=f"Without it, {USUAL_DAYS} days before `until`.")] = None
    until: Annotated[Day | None, Field(description="Without it, today.")] = None


class MovementShape(Output):
    """One line of the account."""

    booked_on: date
    told_on: Annotated[date, Field(description="The day of its document.")]
    kind: str
    reference: str
    due_on: date
    debit: Amount
    credit: Amount
    letters: str | None
    balance: Amount


class OpenLineShape(Output):
    """What is open of one line on the last day; below zero where it is in the customer's favour."""

    kind: str
    reference: str
    due_on: date
    amount: Amount
    open: Amount
    age: str
    invoice_id: UUID | None


class AccountStatement(Output):
    """A customer's account in one currency, as it stood on the last day."""

    currency: str
    since: date
    until: date
    opening: Amount
    debit: Amount
    credit: Amount
    closing: Amount
    movements: list[MovementShape]
    open_lines: list[OpenLineShape]
    ages: dict[str, Amount]


class StatementsShape(Output):
    """One statement for each currency, EUR first."""

    statements: list[AccountStatement]


class DocumentQuery(PageQuery):
    """Which documents."""

    invoice: Annotated[UUID | None, Field(description="Of this invoice alone.")] = None


class DocumentShape(Output):
    """A file as archived: never changed, found again by its SHA-256."""

    document_id: UUID
    invoice_id: UUID | None
    form: str
    filename: str
    mime: str
    sha256: str
    size_bytes: int
    created_at: datetime
    retain_until: Annotated[date | None, Field(description="Until when it is kept at least.")]
    url: str


class DocumentList(PageAnswer):
    """A page of documents, the newest first."""

    documents: list[DocumentShape]


@accounts.get("/customers/<customer>/statement")
@operation("customers:read", "Statement of account", "Relevé de compte d'un client", StatementsShape, query=SpanQuery)
def statement(work: Work, customer: str, query: SpanQuery) -> StatementsShape:
    """Opening balance, movements with their letters, closing balance, and what is open by age, as of the last day."""
    until = query.until or today()
    since = query.since or until - timedelta(days=min(USUAL_DAYS, (until - date.min).days))
    if not 0 <= (until - since).days <= MOST_DAYS:
        raise CallRefusedError(
            422,
            "statement.bad_span",
            f"since is not after until, and at most {MOST_DAYS} days before it.",
            f"since n'est pas après until, et le précède d'au plus {MOST_DAYS} jours.",
        )
    found = statements_of(work, customer_of(work, customer), since, until)
    return StatementsShape(statements=[_statement(each) for each in found])


@accounts.get("/documents")
@operation("invoices:read", "List documents", "Lister les documents", DocumentList, query=DocumentQuery)
def documents(work: Work, query: DocumentQuery) -> DocumentList:
    """Documents of invoices, the newest first."""
    rows = work.rows(
        "SELECT document_id, invoice_id, form, filename, mime, sha256, size_bytes, created_at, retain_until "
        "FROM documents WHERE supplier_id = :supplier AND invoice_id IS NOT NULL "
        "AND (CAST(:invoice AS uuid) IS NULL OR invoice_id = :invoice) "
        "AND (CAST(:after AS uuid) IS NULL OR document_id < :after) ORDER BY document_id DESC LIMIT :limit",
        invoice=query.invoice,
        after=query.after,
        limit=query.limit + 1,
    )
    shown = [
        DocumentShape(**row, url=url_for("api_accounts.fetch", document_id=row["document_id"]))
        for row in rows[: query.limit]
    ]
    return DocumentList(documents=shown, next_after=shown[-1].document_id if len(rows) > query.limit else None)


@accounts.get("/documents/<uuid:document_id>")
@operation("invoices:read", "Fetch a document", "Récupérer un document", "*/*")
def fetch(work: Work, document_id: UUID) -> Response:
    """A document of an invoice, exactly as archived."""
    row = work.row(
        "SELECT filename, mime, sha256 FROM documents WHERE supplier_id = :supplier AND document_id = :id "
        "AND invoice_id IS NOT NULL",
        id=document_id,
    )
    if row is None:
        raise NotFoundError("document.not_found", "There is no such document.", "Ce document n'existe pas.")
    file = Response(services().archive.get(row["sha256"]), mimetype=row["mime"])
    file.headers.set("Content-Disposition", "attachment", filename=row["filename"])
    file.headers["ETag"] = f'"{row["sha256"]}"'
    return file


def _statement(told: Statement) -> AccountStatement:
    currency = told.currency
    return AccountStatement(
        currency=currency,
        since=told.since,
        until=told.until,
        opening=written(told.opening_minor, currency),
        debit=written(told.debit_minor, currency),
        credit=written(told.credit_minor, currency),
        closing=written(told.closing_minor, currency),
        movements=[
            MovementShape(
                booked_on=each.booked_on,
                told_on=each.told_on,
                kind=each.kind,
                reference=each.reference,
                due_on=each.due_on,
                debit=written(each.debit_minor, currency),
                credit=written(each.credit_minor, currency),
                letters=each.letters,
                balance=written(each.balance_minor, currency),
            )
            for each in told.movements
        ],
        open_lines=[
            OpenLineShape(
                kind=each.kind,
                reference=each.reference,
                due_on=each.due_on,
                amount=written(each.amount_minor, currency),
                open=written(each.open_minor, currency),
                age=each.age(told.until),
                invoice_id=each.invoice_id,
            )
            for each in told.open_lines
        ],
        ages={name: written(minor, currency) for name, minor in told.ages.items()},
    )
