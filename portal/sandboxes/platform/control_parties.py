"""Levers that play the other parties: buyers and their scenarios, invented suppliers, the directory's companies."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from flask import jsonify, request

from portal.sandboxes.platform.control import LeverError, control, read_body
from portal.sandboxes.platform.directory.book import DirectoryError, read_company
from portal.sandboxes.platform.directory.entries import is_siren
from portal.sandboxes.platform.guard import desk
from portal.sandboxes.platform.purchasing import send_file, send_generated
from portal.sandboxes.platform.replies import Play, PlayError
from portal.sandboxes.platform.scenarios import Scenario, ScenarioError, read_scenario
from portal.sandboxes.platform.supply import SYNTAXES, Purchase, SupplyError

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from portal.sandboxes.platform.directory.entries import Company
    from portal.sandboxes.platform.flows import DepositedInvoice
    from portal.sandboxes.platform.supply import Form

MAX_PURCHASES = 200
"""Invoices that one call makes."""


# --- invoices and those who answer them ------------------------------------------------------------------------------


@control.get("/invoices")
def invoices() -> ResponseReturnValue:
    """Accepted invoices with their parties, their statuses, the sum of their 212 and the scenario that plays."""
    store = desk().store
    with store.lock:
        return jsonify([_invoice(each) for each in store.invoices.values()])


def _invoice(invoice: DepositedInvoice) -> dict[str, Any]:
    facts = invoice.facts
    return {
        "number": facts.number,
        "seller": facts.seller.siren,
        "buyer": facts.buyer.siren,
        "total": str(facts.total),
        "currency": facts.currency,
        "collected": str(invoice.collected),
        "statuses": invoice.codes,
        "scenario": invoice.scenario,
        "deliveredTo": invoice.buyer_owner,
    }


@control.post("/invoices/<path:number>/statuses")
def play(number: str) -> ResponseReturnValue:
    """Play the buyer, or the invented supplier: ``{status, reason?, action?, comment?, amount?, seller?}``."""
    body = read_body()
    invoice = _found(number, body)
    try:
        amount = Decimal(str(body["amount"])) if body.get("amount") else None
        played = Play(str(body.get("status")), body.get("reason"), body.get("comment"), amount, body.get("action"))
        flow = desk().play(invoice, played)
    except (PlayError, InvalidOperation) as error:
        raise LeverError(str(error), HTTPStatus.UNPROCESSABLE_ENTITY) from error
    return jsonify(flowId=flow.flow_id if flow else None), HTTPStatus.CREATED


@control.post("/invoices/<path:number>/scenario")
def start_scenario(number: str) -> ResponseReturnValue:
    """Let a scenario play the buyer from now on: ``{scenario, seller?}``; 202: as soon as the invoice comes."""
    body = read_body()
    scenario = _scenario(body.get("scenario"))
    seller = str(body["seller"]) if body.get("seller") else None
    invoice = desk().store.invoice(number, seller)
    if invoice is None:
        desk().scenarios.planned[seller, number] = scenario.name
        return "", HTTPStatus.ACCEPTED
    desk().start_scenario(invoice, scenario)
    return "", HTTPStatus.NO_CONTENT


def _found(number: str, body: dict[str, Any]) -> DepositedInvoice:
    seller = body.get("seller")
    invoice = desk().store.invoice(number, str(seller) if seller else None)
    if invoice is None:
        raise LeverError(f"No accepted invoice has the number {number}.", HTTPStatus.NOT_FOUND)
    return invoice


def _scenario(name: object) -> Scenario:
    scenario = desk().scenarios.get(str(name))
    if scenario is None:
        known = ", ".join(each.name for each in desk().scenarios.everything())
        raise LeverError(f"There is no scenario {name}; known are {known}.", HTTPStatus.NOT_FOUND)
    return scenario


# --- scenarios -------------------------------------------------------------------------------------------------------


@control.get("/scenarios")
def scenarios() -> ResponseReturnValue:
    """All scenarios, and the buyers that always play one."""
    told = [
        {
            "name": each.name,
            "french": each.french,
            "english": each.english,
            "way": each.way,
            "steps": [{"after_s": step.after_s, "status": step.status, "reason": step.reason} for step in each.steps],
        }
        for each in desk().scenarios.everything()
    ]
    return jsonify(scenarios=told, buyers=desk().scenarios.of_buyers)


@control.put("/scenarios/<name>")
def add_scenario(name: str) -> ResponseReturnValue:
    """Add a scenario: ``{steps, way?, reason?, acknowledge_after_s?, french?, english?}``.

    A step is ``{status, after_s?, reason?, action?, comment?, amount?, wait_for?}``.
    """
    try:
        desk().scenarios.add(read_scenario(name, read_body()))
    except ScenarioError as error:
        raise LeverError(str(error)) from error
    return "", HTTPStatus.NO_CONTENT


@control.put("/buyers/<siren>/scenario")
def set_buyer_scenario(siren: str) -> ResponseReturnValue:
    """Let this buyer always play a scenario: ``{scenario}``; null lets it be silent again."""
    if not is_siren(siren):
        raise LeverError(f"{siren} is no SIREN.")
    name = read_body().get("scenario")
    if name is None:
        desk().scenarios.of_buyers.pop(siren, None)
    else:
        desk().scenarios.of_buyers[siren] = _scenario(name).name
    return "", HTTPStatus.NO_CONTENT


# --- the directory ---------------------------------------------------------------------------------------------------


@control.get("/companies")
def companies() -> ResponseReturnValue:
    """The companies of the directory, with the client that receives for each."""
    return jsonify(
        [
            {
                "siren": each.siren,
                "name": each.name,
                "kind": each.kind,
                "lines": [
                    {"address": line.address, "status": line.status, "platform": line.platform} for line in each.lines
                ],
                "owner": each.owner,
                "scenario": each.scenario,
            }
            for each in desk().directory.everyone()
        ]
    )


@control.post("/companies")
def add_company() -> ResponseReturnValue:
    """Enter a company: ``{siren, name, kind?, status?, lines?, facilities?, codes?, scenario?, client?}``.

    ``client`` (and ``organization``) is who receives for it; without one it is played by the sandbox. A ``scenario``
    says what it does with what it receives.
    """
    body = read_body()
    client = body.get("client")
    owner = f"{client}/{body.get('organization') or ''}" if client else None
    try:
        company = read_company(
            {name: value for name, value in body.items() if name not in {"client", "organization"}}, owner
        )
        if company.scenario:
            _scenario(company.scenario)
        desk().directory.add(company)
    except DirectoryError as error:
        raise LeverError(str(error)) from error
    return "", HTTPStatus.NO_CONTENT


@control.delete("/companies")
def reset_companies() -> ResponseReturnValue:
    """Only the invented companies and the clients'."""
    desk().directory.reset()
    return "", HTTPStatus.NO_CONTENT


# --- purchases -------------------------------------------------------------------------------------------------------


@control.post("/purchases")
def purchase() -> ResponseReturnValue:
    """Play a supplier: send a purchase invoice to a company whose client then receives it.

    JSON ``{siren, form?: cii|ubl|facturx, amount?, order?, number?, supplier?: 0-2, count?}`` makes valid invoices of
    an invented supplier. A form with ``file`` (multipart) delivers that file, after the same checks as any other.
    """
    if request.files:
        company = _receiver(request.form.get("siren"))
        try:
            invoice = send_file(desk(), company, request.files["file"])
        except (SupplyError, KeyError) as error:
            raise LeverError(f"The file is not delivered: {error}", HTTPStatus.UNPROCESSABLE_ENTITY) from error
        return jsonify([_invoice(invoice)]), HTTPStatus.CREATED
    body = read_body()
    company = _receiver(body.get("siren"))
    count = body.get("count", 1)
    if not isinstance(count, int) or not 1 <= count <= MAX_PURCHASES:
        raise LeverError(f"count is a number from 1 to {MAX_PURCHASES}.")
    first = _purchase(body)
    try:
        made = [send_generated(desk(), company, replace(first, seed=first.seed + each)) for each in range(count)]
    except SupplyError as error:
        raise LeverError(str(error), HTTPStatus.UNPROCESSABLE_ENTITY) from error
    return jsonify([_invoice(invoice) for invoice in made]), HTTPStatus.CREATED


def _receiver(siren: object) -> Company:
    company = desk().directory.company(str(siren))
    if company is None or company.owner is None:
        raise LeverError(f"No client of the sandbox receives for {siren}.", HTTPStatus.NOT_FOUND)
    return company


def _purchase(body: dict[str, Any]) -> Purchase:
    form = body.get("form", "cii")
    if form not in SYNTAXES:
        raise LeverError(f"form is one of {', '.join(SYNTAXES)}.")
    try:
        return Purchase(
            number=str(body.get("number") or ""),
            form=cast("Form", form),
            supplier=int(body.get("supplier", 0)),
            amount=Decimal(str(body["amount"])) if body.get("amount") is not None else None,
            order=str(body["order"]) if body.get("order") else None,
            seed=int(body.get("seed", 0)),
        )
    except (TypeError, ValueError, ArithmeticError) as error:
        raise LeverError(f"The purchase cannot be read: {error}.") from error
