"""``/api/v1/customers``: what a customer owes and has to their credit, by program; below zero where we owe it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, g
from werkzeug.wrappers import Response  # noqa: TC002 -- read where the view is registered

from portal.access.context import services
from portal.access.roles import api_clients
from portal.api.answers import REFUSALS, answer, refuse
from portal.api.invoices import know_the_caller
from receivables.domain.money import Money
from receivables.errors import NotFoundError
from receivables.services.credits import available_credits

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work

customers = Blueprint("api_customers", __name__, url_prefix="/api/v1")
customers.before_request(know_the_caller)
for _kind in REFUSALS:
    customers.register_error_handler(_kind, refuse)


@customers.get("/customers/<account_code>")
@api_clients
def show_customer(account_code: str) -> Response:
    """One customer by their account (``C00012``): what is open by currency, and their credits, oldest first."""
    with services().works.begin(g.supplier_id) as work:
        row = work.row(
            "SELECT customer_id, account_code, name, siren FROM customers WHERE supplier_id = :supplier "
            "AND account_code = :code",
            code=account_code,
        )
        if row is None:
            raise NotFoundError("customer.not_found", f"There is no customer {account_code}.")
        return answer({**row, "open": _open(work, row["customer_id"]), "credits": _credits(work, row["customer_id"])})


def _open(work: Work, customer_id: UUID) -> dict[str, str]:
    """What they owe less their credits, by currency: below zero where they have more credit than debts."""
    rows = work.rows(
        "SELECT currency, sum(CASE WHEN debit THEN open_minor ELSE -open_minor END)::bigint AS minor "
        "FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer AND open_minor > 0 "
        "GROUP BY currency ORDER BY currency",
        customer=customer_id,
    )
    return {row["currency"]: str(Money(row["minor"], row["currency"]).decimal) for row in rows}


def _credits(work: Work, customer_id: UUID) -> list[dict[str, Any]]:
    return [
        {
            "kind": each.kind,
            "reference": each.reference,
            "date": each.on,
            "amount": str(Money(each.amount_minor, each.currency).decimal),
            "open": str(Money(each.open_minor, each.currency).decimal),
            "currency": each.currency,
            "invoice_id": each.invoice_id,
            "payment_id": each.attempt_id,
        }
        for each in available_credits(work, customer_id)
    ]
