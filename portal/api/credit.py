"""``/api/v1/customers/{id}``: credit decisions and the exposure with its lines, by program."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, g, request
from werkzeug.wrappers import Response  # noqa: TC002 -- read where the view is registered

from portal.access.context import services
from portal.access.roles import api_clients
from portal.api.answers import REFUSALS, CallRefusedError, answer, refuse
from portal.api.invoices import know_the_caller
from portal.credit_words import reason_sentence
from receivables.domain.exposure import COMPONENTS
from receivables.domain.money import Money
from receivables.errors import NotFoundError
from receivables.services.deciding import AskDecision, decide_credit
from receivables.services.exposing import PAGE, exposure_lines, exposure_of

if TYPE_CHECKING:
    from receivables.services.deciding import Decided
    from receivables.store.work import Work

credit = Blueprint("api_credit", __name__, url_prefix="/api/v1")
credit.before_request(know_the_caller)
for _kind in REFUSALS:
    credit.register_error_handler(_kind, refuse)

ACTOR = "api"
MAX_PURPOSE = 200
CURRENCY_LENGTH = 3
FARTHEST = 1_000_000


@credit.get("/customers/<customer>/credit-decision")
@api_clients
def show_decision(customer: str) -> Response:
    """May this customer be sold to for ``amount`` more (VAT included)? The decision is kept with its reasons."""
    currency = read_currency(request.args.get("currency", "EUR"))
    amount = Money.of(request.args.get("amount", "0"), currency)
    purpose = request.args.get("purpose", "").strip()[:MAX_PURPOSE] or None
    with services().works.begin(g.supplier_id) as work:
        asked = AskDecision(customer_of(work, customer), amount.minor, ACTOR, currency, purpose)
        return answer(tell_decision(decide_credit(work, asked)))


@credit.get("/customers/<customer>/exposure")
@api_clients
def show_exposure(customer: str) -> Response:
    """The exposure by component, now or at the end of the day ``on``; with ``component``, the lines behind it."""
    currency = read_currency(request.args.get("currency", "EUR"))
    on = read_day("on", request.args.get("on"))
    component = request.args.get("component")
    if component is not None and component not in COMPONENTS:
        raise CallRefusedError(
            400,
            "exposure.unknown_component",
            f"There is no component {component!r}: ask for {', '.join(COMPONENTS)}.",
            f"La composante {component!r} n'existe pas : demandez {', '.join(COMPONENTS)}.",
        )
    offset = min(max(request.args.get("offset", 0, type=int), 0), FARTHEST)
    with services().works.begin(g.supplier_id) as work:
        customer_id = customer_of(work, customer)
        exposure = exposure_of(work, customer_id, currency, on)
        told: dict[str, Any] = {
            "currency": currency,
            "on": on,
            "total": _money(exposure.total_minor, currency),
            "components": {name: _money(exposure.minor_of(name), currency) for name in COMPONENTS},
        }
        if component:
            lines = exposure_lines(work, customer_id, currency, component, on, offset=offset)
            told["component"] = component
            told["lines"] = [
                {
                    "kind": each.kind,
                    "reference": each.reference,
                    "date": each.began_on,
                    "due_date": each.due_on,
                    "amount": _money(each.minor, currency),
                    "invoice_id": each.invoice_id,
                }
                for each in lines[:PAGE]
            ]
            told["next_offset"] = offset + PAGE if len(lines) > PAGE else None
        return answer(told)


def customer_of(work: Work, named: str) -> UUID:
    """The customer with this account (``C00012``) or id.

    Raises:
        NotFoundError: ``customer.not_found``.
    """
    try:
        wanted: UUID | None = UUID(named)
    except ValueError:
        wanted = None
    found: UUID | None = work.scalar(
        "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND customer_id = :id"
        if wanted
        else "SELECT customer_id FROM customers WHERE supplier_id = :supplier AND account_code = :code",
        **({"id": wanted} if wanted else {"code": named}),
    )
    if found is None:
        raise NotFoundError("customer.not_found", f"There is no customer {named}.", f"Il n'y a pas de client {named}.")
    return found


def read_currency(given: object) -> str:
    """A currency as ISO 4217 writes it.

    Raises:
        CallRefusedError: ``request.bad_currency``.
    """
    if isinstance(given, str) and len(given) == CURRENCY_LENGTH and given.isascii() and given.isupper():
        return given
    raise CallRefusedError(
        400,
        "request.bad_currency",
        f"{given!r} is no currency: three capital letters, such as EUR.",
        f"{given!r} n'est pas une devise : trois lettres capitales, comme EUR.",
    )


def read_day(name: str, given: object) -> date | None:
    """A day as ISO 8601 writes it, ``None`` where there is none.

    Raises:
        CallRefusedError: ``request.bad_day``.
    """
    if given is None:
        return None
    try:
        return date.fromisoformat(str(given))
    except ValueError as error:
        raise CallRefusedError(
            400,
            "request.bad_day",
            f"{name} is {given!r}: write a day as 2026-11-22.",
            f"{name} vaut {given!r} : écrivez une date comme 2026-11-22.",
        ) from error


def tell_decision(decided: Decided) -> dict[str, Any]:
    """A decision as the API answers it."""
    facts, currency = decided.facts, decided.currency
    return {
        "decision_id": decided.decision_id,
        "decision": decided.decision.verdict,
        "amount": _money(decided.decision.amount_minor, currency),
        "currency": currency,
        "reasons": [
            {
                "code": each.code,
                "decision": each.verdict,
                "detail": reason_sentence(each.code, each.facts, currency, "en"),
                "detail_fr": reason_sentence(each.code, each.facts, currency, "fr"),
            }
            for each in decided.decision.reasons
        ],
        "exposure": {
            "total": _money(facts.exposure.total_minor, currency),
            **{name: _money(facts.exposure.minor_of(name), currency) for name in COMPONENTS},
        },
        "limit": None if facts.limit_minor is None else _money(facts.limit_minor, currency),
        "derogations": _money(facts.derogation_minor, currency),
        "available": None if facts.available_minor is None else _money(facts.available_minor, currency),
        "insured": None if facts.insured_minor is None else _money(facts.insured_minor, currency),
        "overdue": _money(facts.overdue_minor, currency),
        "policy_version": decided.policy.version,
        "decided_at": decided.decided_at,
    }


def _money(minor: int, currency: str) -> str:
    return str(Money(minor, currency).decimal)
