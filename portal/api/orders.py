"""``/api/v1/orders`` and ``/api/v1/deliveries``: what the order system tells before there is an invoice, by program."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, g, request
from werkzeug.wrappers import Response  # noqa: TC002 -- read where the view is registered

from config.clock import today
from portal.access.context import services
from portal.access.roles import api_clients
from portal.api.answers import REFUSALS, CallRefusedError, answer, refuse
from portal.api.credit import customer_of, read_currency, read_day, tell_decision
from portal.api.invoices import know_the_caller
from portal.lists import read_list_request
from receivables.domain.commitments import DELIVERY, ORDER, NamedCommitment
from receivables.domain.money import Money
from receivables.errors import NotFoundError
from receivables.services.deciding import AskDecision, decide_credit
from receivables.services.ordering import (
    TellCommitment,
    close_commitment,
    reopen_commitment,
    say_what_for,
    tell_commitment,
)
from receivables.store.commitments import PAGE, get_commitment, list_commitments, versions_of
from receivables.store.invoices import find_by_number

if TYPE_CHECKING:
    from receivables.store.commitments import Told
    from receivables.store.work import Work

orders = Blueprint("api_orders", __name__, url_prefix="/api/v1")
orders.before_request(know_the_caller)
for _kind in REFUSALS:
    orders.register_error_handler(_kind, refuse)

ACTOR = "api"
KINDS = {"orders": ORDER, "deliveries": DELIVERY}
EITHER = "<any(orders, deliveries):which>"
GREATEST = 2**31 - 1
"""Of a whole number: what the database holds."""
_TEXTS = ("reference", "customer", "currency", "amount", "order", "buyer_reference", "state", "reason")
_DAYS = ("date", "effective_on")
_NUMBERS = ("version", "weight_percent")


@orders.post(f"/{EITHER}")
@api_clients
def tell(which: str) -> Response:
    """Tell an order or a delivery, or another version of it; the same again changes nothing.

    The answer holds the credit decision about the customer as they stand now, this order or delivery counted.
    """
    given = _body({*_TEXTS, *_DAYS, *_NUMBERS})
    with services().works.begin(g.supplier_id) as work:
        told = tell_commitment(work, _read(work, KINDS[which], given))
        return answer(_with_decision(work, told))


@orders.get(f"/{EITHER}")
@api_clients
def index(which: str) -> Response:
    """Orders or deliveries, the last told first, narrowed by ``customer`` and ``left=1``; ``after`` turns the page."""
    with services().works.begin(g.supplier_id) as work:
        customer = request.args.get("customer")
        rows = list_commitments(
            work,
            KINDS[which],
            customer_id=customer_of(work, customer) if customer else None,
            left_only=request.args.get("left") == "1",
            after=read_list_request(request.args).after,
        )
        more = rows[PAGE - 1].commitment_id if len(rows) > PAGE else None
        return answer({which: [_told(work, each) for each in rows[:PAGE]], "next_after": more})


@orders.get(f"/{EITHER}/<path:reference>")
@api_clients
def show(which: str, reference: str) -> Response:
    """One order or delivery, with every version that was told."""
    with services().works.begin(g.supplier_id) as work:
        told = get_commitment(work, KINDS[which], reference)
        shown = _told(work, told)
        shown["versions"] = [
            {
                "version": row["version"],
                "amount": _money(row["amount_minor"], told.currency),
                "state": row["state"],
                "reason": row["reason"],
                "effective_on": row["effective_on"],
                "told_at": row["told_at"],
            }
            for row in versions_of(work, told.commitment_id)
        ]
        return answer(shown)


@orders.post(f"/{EITHER}/<path:reference>/close")
@api_clients
def close(which: str, reference: str) -> Response:
    """Nothing more will be delivered of it, or invoiced."""
    reason = str(_body({"reason"}).get("reason", ""))
    with services().works.begin(g.supplier_id) as work:
        return answer(_with_decision(work, close_commitment(work, KINDS[which], reference, ACTOR, reason)))


@orders.post(f"/{EITHER}/<path:reference>/reopen")
@api_clients
def reopen(which: str, reference: str) -> Response:
    """It counts again, and is decided about like a new one."""
    reason = str(_body({"reason"}).get("reason", ""))
    with services().works.begin(g.supplier_id) as work:
        return answer(_with_decision(work, reopen_commitment(work, KINDS[which], reference, ACTOR, reason)))


@orders.post(f"/{EITHER}/<path:reference>/invoices")
@api_clients
def invoiced(which: str, reference: str) -> Response:
    """Say which issued invoice is for it, where that does not (BT-13, BT-14, BT-16); ``amount`` of it, or all."""
    given = _body({"number", "year", "amount"})
    with services().works.begin(g.supplier_id) as work:
        kind = KINDS[which]
        number, year = str(given.get("number", "")), given.get("year")
        invoice = find_by_number(work, number, year) if type(year) is int and 0 < year <= GREATEST else None
        if invoice is None:
            raise NotFoundError("invoice.not_found", f"There is no invoice {number} of {year}.")
        amount = _above_zero(given["amount"], invoice.currency) if "amount" in given else None
        named = NamedCommitment(kind, reference)
        return answer(_told(work, say_what_for(work, invoice, named, actor=ACTOR, amount_minor=amount)))


def _body(known: set[str]) -> dict[str, Any]:
    """The JSON of the body, with no field that nobody reads.

    Raises:
        CallRefusedError: ``request.bad_json`` or ``request.unknown_field``.
    """
    try:
        given = json.loads(request.get_data() or b"{}", parse_float=Decimal)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise CallRefusedError(
            400, "request.bad_json", "The body is no JSON object.", "Le corps n'est pas un objet JSON."
        )
    for name, value in given.items():
        if isinstance(value, str) and not value.isprintable():
            raise CallRefusedError(
                400,
                "request.bad_text",
                f"{name!r} has signs that nobody can read.",
                f"{name!r} contient des signes illisibles.",
            )
    if unknown := sorted(set(given) - known):
        raise CallRefusedError(
            400,
            "request.unknown_field",
            f"There is no field {', '.join(unknown)}; known are {', '.join(sorted(known))}.",
            f"Le champ {', '.join(unknown)} n'existe pas ; on connaît {', '.join(sorted(known))}.",
        )
    return cast("dict[str, Any]", given)


def _read(work: Work, kind: str, given: dict[str, Any]) -> TellCommitment:
    """What a body says of an order or a delivery."""
    for name in ("reference", "customer", "amount"):
        if not given.get(name):
            raise CallRefusedError(400, "request.missing_field", f"{name} is missing.", f"{name} manque.")
    for name in _NUMBERS:
        if name in given and (type(given[name]) is not int or abs(given[name]) > GREATEST):
            raise CallRefusedError(
                400, "request.bad_number", f"{name} is a whole number.", f"{name} est un nombre entier."
            )
    for name in _TEXTS:
        if name in given and not isinstance(given[name], str):
            raise CallRefusedError(
                400, "request.bad_text", f"{name} is text (in quotes).", f"{name} est un texte (entre guillemets)."
            )
    currency = read_currency(given.get("currency", "EUR"))
    return TellCommitment(
        kind=kind,
        reference=given["reference"],
        customer_id=customer_of(work, given["customer"]),
        currency=currency,
        amount_minor=Money.of(given["amount"], currency).minor,
        began_on=read_day("date", given.get("date")) or today(),
        actor=ACTOR,
        version=given.get("version"),
        order_reference=given.get("order") if kind == DELIVERY else None,
        buyer_reference=given.get("buyer_reference") if kind == ORDER else None,
        weight_percent=given.get("weight_percent") if kind == ORDER else None,
        state=given.get("state", "open"),
        reason=given.get("reason"),
        effective_on=read_day("effective_on", given.get("effective_on")),
    )


def _above_zero(given: object, currency: str) -> int:
    minor = Money.of(str(given), currency).minor
    if minor <= 0:
        raise CallRefusedError(400, "request.bad_amount", "amount is above zero.", "amount est supérieur à zéro.")
    return minor


def _with_decision(work: Work, told: Told) -> dict[str, Any]:
    asked = AskDecision(told.customer_id, 0, ACTOR, told.currency, f"{told.kind} {told.reference}")
    return {**_told(work, told), "credit": tell_decision(decide_credit(work, asked))}


def _told(work: Work, told: Told) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "reference": told.reference,
        "customer": work.scalar(
            "SELECT account_code FROM customers WHERE supplier_id = :supplier AND customer_id = :id",
            id=told.customer_id,
        ),
        "currency": told.currency,
        "amount": _money(told.amount_minor, told.currency),
        "left": _money(told.left_minor, told.currency),
        "date": told.began_on,
        "version": told.version,
        "state": told.state,
    }
    if told.kind == DELIVERY:
        return shown | {"order": told.order_reference}
    return shown | {"buyer_reference": told.buyer_reference, "weight_percent": told.weight_percent}


def _money(minor: int, currency: str) -> str:
    return str(Money(minor, currency).decimal)
