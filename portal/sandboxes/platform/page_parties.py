"""The sandbox's other pages for people: the directory, scenarios and faults, and how to reach the API."""

from __future__ import annotations

from dataclasses import fields
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from flask import abort, redirect, request, url_for

from portal.sandboxes.platform.contract import directory as directory_contract
from portal.sandboxes.platform.contract import flow as flow_contract
from portal.sandboxes.platform.faults import Fault, FaultKind
from portal.sandboxes.platform.guard import desk
from portal.sandboxes.platform.page import Speaker, pages, show_page, speaker_of_request
from portal.sandboxes.platform.purchasing import send_generated
from portal.sandboxes.platform.supply import SYNTAXES, Purchase, SupplyError

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from portal.sandboxes.platform.directory.entries import Demands
    from portal.sandboxes.platform.scenarios import Scenario
    from portal.sandboxes.platform.supply import Form

SHOWN_COMPANIES = 200
"""Companies shown, the clients' first: a page stays readable."""
LONGEST_SKIP_S = 86_400
MOST_TIMES = 1000


def _back(place: str, sent: str | None = None) -> ResponseReturnValue:
    target = url_for(f"platform_pages.{place}", lang=speaker_of_request().language, sent=sent)
    return redirect(target, HTTPStatus.SEE_OTHER)


def _number(name: str, most: int) -> int:
    """A whole number of the form, from 1 to ``most``; 400 where it is none."""
    given = request.form.get(name, "")
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given[:9]) <= most:
        abort(HTTPStatus.BAD_REQUEST)
    return int(given)


@pages.get("/directory")
def directory() -> ResponseReturnValue:
    """The companies; clients first, since something can be sent to them."""
    return _directory(None, request.args.get("sent", "")[:100] or None)


def _directory(error: str | None, sent: str | None = None) -> str:
    speaker = speaker_of_request()
    companies = sorted(desk().directory.everyone(), key=lambda company: company.owner is None)

    def demands_of(demands: Demands) -> str:
        return ", ".join(speaker.words[each.name] for each in fields(demands) if getattr(demands, each.name))

    return show_page(
        "directory",
        speaker,
        companies=companies[:SHOWN_COMPANIES],
        company_count=len(companies),
        demands_of=demands_of,
        error=error,
        done=f"{speaker.words['purchase_sent']} {sent}" if sent else None,
    )


@pages.post("/supply")
def supply() -> ResponseReturnValue:
    """Send a purchase invoice to a client's company."""
    company = desk().directory.company(request.form.get("siren"))
    form = request.form.get("form", "")
    if company is None or company.owner is None or form not in SYNTAXES:
        abort(HTTPStatus.NOT_FOUND)
    seed = len(desk().store.invoices)
    try:
        invoice = send_generated(desk(), company, Purchase("", cast("Form", form), supplier=seed, seed=seed))
    except SupplyError as error:
        return _directory(str(error)), HTTPStatus.UNPROCESSABLE_ENTITY
    return _back("directory", sent=invoice.facts.number)


@pages.get("/levers")
def levers() -> ResponseReturnValue:
    """Scenarios, the clock, faults."""
    speaker = speaker_of_request()
    return show_page(
        "levers",
        speaker,
        scenarios=desk().scenarios.everything(),
        steps_of=lambda scenario: _steps(scenario, speaker),
        waiting=desk().agenda.waiting,
        skew=desk().store.skew_s,
        fault_kinds=[(kind.value, speaker.words[kind.value]) for kind in FaultKind],
    )


def _steps(scenario: Scenario, speaker: Speaker) -> list[tuple[str, str, str]]:
    """Code, name and waiting time of what happens, with the platforms' own part where it is not the usual one."""
    words = speaker.words
    steps = []
    if scenario.way != "delivered":
        code = "213" if scenario.way == "rejected" else "200"
        steps.append((code, f"{speaker.status(code)} · {scenario.reason}", ""))
    if scenario.acknowledge_after_s:
        late = words["late_acknowledgement"].format(f"{scenario.acknowledge_after_s:g}")
        steps.append(("200", speaker.status("200"), late))
    for step in scenario.steps:
        when = (
            words["after_status"].format(step.wait_for) if step.wait_for else words["after"].format(f"{step.after_s:g}")
        )
        name = f"{speaker.status(step.status)} · {step.reason}" if step.reason else speaker.status(step.status)
        steps.append((step.status, name, when))
    return steps


@pages.post("/start-scenario")
def start_scenario() -> ResponseReturnValue:
    """Let a scenario play the buyer of an invoice."""
    invoice = desk().store.invoice(request.form.get("number", ""), request.form.get("seller") or None)
    scenario = desk().scenarios.get(request.form.get("scenario"))
    if invoice is None or scenario is None:
        abort(HTTPStatus.NOT_FOUND)
    desk().start_scenario(invoice, scenario)
    return _back("overview")


@pages.post("/skip")
def skip() -> ResponseReturnValue:
    """Bring forward what is to come."""
    desk().agenda.skip(_number("seconds", LONGEST_SKIP_S))
    return _back("levers")


@pages.post("/arm")
def arm() -> ResponseReturnValue:
    """Arm a fault."""
    if request.form.get("kind") not in set(FaultKind):
        abort(HTTPStatus.BAD_REQUEST)
    desk().faults.add(Fault(FaultKind(request.form["kind"]), times=_number("times", MOST_TIMES)))
    return _back("levers")


@pages.post("/lift")
def lift() -> ResponseReturnValue:
    """Lift all faults."""
    desk().faults.lift()
    return _back("levers")


@pages.get("/api")
def api() -> ResponseReturnValue:
    """Addresses, clients, and the calls of both services."""
    calls = [
        (method.upper(), prefix + path, call["summary"])
        for prefix, document in (("", flow_contract.DOCUMENT), ("/directory-service", directory_contract.DOCUMENT))
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]
    base = request.url_root.rstrip("/")
    return show_page("api", speaker_of_request(), base=base, clients=list(desk().options.clients), calls=calls)
