"""Other invoices than those proposed: search, choose amounts, split over several customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from payments.banking.lines import get_line
from payments.errors import PaymentError
from payments.matching.confirming import Part, confirm_line
from payments.matching.deciding import TO_DECIDE
from portal.access.context import actor, work_here
from portal.access.roles import COLLECTING, allow
from portal.customer.disputing import read_amount
from portal.fields import ids_in
from portal.lists import read_list_request
from portal.staff.matching.pages import REFUSALS, UNPROCESSABLE, refusal_words
from portal.staff.matching.shown import KINDS, chosen_waiver
from portal.words import gettext

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping
    from werkzeug import Response

    from payments.banking.lines import BankLine
    from receivables.store.work import Work

blueprint = Blueprint("matching_choice", __name__, url_prefix="/s/matching/lines")

MOST_CUSTOMERS = 3
MOST_INVOICES = 30
"""Amounts in one form, over all its customers: forms have at most 50 fields."""
FOUND = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """One customer of the form: what of the line is theirs, and their open invoices with what was typed."""

    customer_id: UUID
    name: str
    part: str
    invoices: tuple[RowMapping, ...]
    typed: dict[UUID, str]


@blueprint.get("/<uuid:line_id>/choose")
@allow(*COLLECTING)
def show(line_id: UUID) -> Response:
    """Search customers and invoices, and type amounts."""
    return _page(line_id)


@blueprint.post("/<uuid:line_id>/choose")
@allow(*COLLECTING)
def book(line_id: UUID) -> Response:
    """Book what was chosen, all or nothing."""
    try:
        with work_here() as work:
            line = get_line(work, line_id)
            confirm_line(work, line_id, _read_parts(work, line), actor())
    except REFUSALS as error:
        if error.code == "bank.unknown_line":
            abort(404)
        return _page(line_id, refusal_words(error))
    return redirect(url_for("matching.line", line_id=line_id), 303)


def _read_parts(work: Work, line: BankLine) -> list[Part]:
    """What the form says for each of its customers.

    Raises:
        PaymentError: ``match.bad_amount``: something typed is no amount; ``match.nobody_chosen``.
    """
    customers = _customers(request.form.getlist("customer"))
    if not customers:
        raise PaymentError("match.nobody_chosen", "Choose a customer.", "Choisissez un client.")
    parts = []
    for customer_id in customers:
        rows = _open_invoices(work, customer_id, line.currency)
        aims = {
            row["invoice_id"]: minor
            for row in rows
            if (minor := _amount(f"invoice-{row['invoice_id']}", line.currency)) is not None
        }
        part_minor = _amount(f"part-{customer_id}", line.currency)
        rest, bearer = _missing(rows, aims)
        waiver = chosen_waiver(request.form.get("rest", ""), rest, bearer) if len(customers) == 1 else None
        parts.append(Part(customer_id, line.amount_minor if part_minor is None else part_minor, aims, waiver=waiver))
    return parts


def _missing(rows: Sequence[RowMapping], aims: dict[UUID, int]) -> tuple[int, UUID | None]:
    """What the chosen amounts leave open of the last invoice that they do not pay in full."""
    short = [
        (row["open_minor"] - aims[row["invoice_id"]], row["invoice_id"]) for row in rows if row["invoice_id"] in aims
    ]
    return next((each for each in reversed(short) if each[0] > 0), (0, None))


def _amount(field: str, currency: str) -> int | None:
    typed = request.form.get(field, "")[:20].strip()
    if not typed:
        return None
    minor = read_amount(typed, currency)
    if minor is None or minor <= 0:
        raise PaymentError(
            "match.bad_amount",
            f"“{typed}” is no amount above zero.",
            f"« {typed} » n'est pas un montant plus grand que zéro.",
        )
    return minor


def _page(line_id: UUID, wrong: str = "") -> Response:
    asked = read_list_request(request.args)
    chosen = _customers(request.form.getlist("customer") or request.args.getlist("customer"))
    with work_here() as work:
        try:
            line = get_line(work, line_id)
        except PaymentError:
            abort(404)
        if line.state not in TO_DECIDE:
            return redirect(url_for("matching.line", line_id=line_id), 303)
        choices = [choice for each in chosen if (choice := _choice(work, each, line, len(chosen)))]
        found = _search(work, line, asked.wanted, chosen)
    page = render_template(
        "matching/choose.html",
        line=line,
        choices=choices,
        found=found,
        asked=asked,
        chosen=[each.customer_id for each in choices],
        full=len(choices) >= MOST_CUSTOMERS,
        rests={kind: (gettext(label), account) for kind, (label, account) in KINDS.items()},
        rest=request.form.get("rest", "open"),
        wrong=wrong,
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _customers(told: Sequence[str]) -> list[UUID]:
    return ids_in(told)[:MOST_CUSTOMERS]


def _choice(work: Work, customer_id: UUID, line: BankLine, customers: int) -> Choice | None:
    name = work.scalar("SELECT name FROM customers WHERE supplier_id = :supplier AND customer_id = :id", id=customer_id)
    if name is None:
        return None
    rows = tuple(_open_invoices(work, customer_id, line.currency)[: MOST_INVOICES // customers])
    typed = {row["invoice_id"]: request.form.get(f"invoice-{row['invoice_id']}", "")[:20] for row in rows}
    return Choice(customer_id, name, request.form.get(f"part-{customer_id}", "")[:20], rows, typed)


def _open_invoices(work: Work, customer_id: UUID, currency: str) -> Sequence[RowMapping]:
    return work.rows(
        "SELECT invoice_id, reference AS number, open_minor, due_on FROM receivable_items "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND kind = 'invoice' AND open_minor > 0 "
        "AND currency = :currency ORDER BY due_on, reference LIMIT :most",
        customer=customer_id,
        currency=currency,
        most=MOST_INVOICES,
    )


def _search(work: Work, line: BankLine, wanted: str, chosen: Sequence[UUID]) -> Sequence[RowMapping]:
    """Customers by name, account, invoice number or an open amount; without a search, those who owe this amount."""
    minor = read_amount(wanted, line.currency) if wanted else line.amount_minor
    return work.rows(
        "SELECT customer_id, name, account_code, coalesce((SELECT sum(open_minor) FROM receivable_items AS item "
        "WHERE item.supplier_id = :supplier AND item.customer_id = customer.customer_id AND open_minor > 0 "
        "AND kind = 'invoice' AND currency = :currency), 0)::bigint AS open_minor FROM customers AS customer "
        "WHERE supplier_id = :supplier AND customer_id <> ALL(:chosen) AND ((:wanted <> '' AND (name ILIKE :like "
        "OR account_code = upper(:wanted))) OR customer_id IN (SELECT customer_id FROM invoices "
        "WHERE supplier_id = :supplier AND :wanted <> '' AND compact_number = :number) OR customer_id IN ("
        "SELECT customer_id FROM receivable_items WHERE supplier_id = :supplier AND open_minor = :minor "
        "AND open_minor > 0 AND kind = 'invoice' LIMIT 50)) ORDER BY name LIMIT :most",
        wanted=wanted,
        like="%" + wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%",
        number="".join(each for each in wanted.upper() if each.isascii() and each.isalnum()),
        minor=minor or 0,
        currency=line.currency,
        chosen=list(chosen),
        most=FOUND,
    )
