"""``/s/matching``: the queue of proposals, one line with its reasons, and what a collector decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from payments.banking.lines import get_line
from payments.errors import PaymentError
from payments.matching.asking import MOST_ASKED, ask_payers
from payments.matching.confirming import confirm_proposal, set_aside, undo_match
from payments.matching.deciding import TO_DECIDE
from payments.matching.learning import PAGE as PAYERS
from payments.matching.learning import forget_payer, known_payers
from payments.matching.proposals import get_proposal
from portal.access.context import actor, place, work_here
from portal.access.roles import COLLECTING, STAFF, allow
from portal.lists import read_list_request
from portal.staff.matching.queue import FILTERS, count_waiting, waiting_lines
from portal.staff.matching.shown import asked_words, chosen_waiver, show_proposals
from portal.words import gettext, told_by
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("matching", __name__, url_prefix="/s/matching")

REFUSALS = (PaymentError, ReceivablesError)
UNPROCESSABLE = 422
MOST_PAGES = 400
MOST_REASON = 300


@blueprint.app_context_processor
def _for_other_pages() -> dict[str, object]:
    """``matching/proposals_of_line.html`` may be included by any staff page that has a ``line``."""
    return {"proposals_of_line": _proposals_of_line}


@blueprint.get("")
@allow(*STAFF)
def queue() -> str:
    """Lines that wait for somebody, the surest proposal first."""
    asked = read_list_request(request.args)
    show = request.args.get("state", "proposed")
    show = show if show in FILTERS else "proposed"
    page = read_page()
    with work_here() as work:
        lines, more = waiting_lines(work, show, asked.wanted, page)
        proposals = show_proposals(work, lines)
        counts = count_waiting(work)
    return render_template(
        "matching/queue.html",
        rows=[(line, proposals.get(line.line_id, [])) for line in lines],
        more=more,
        page=page,
        asked=asked,
        show=show,
        counts=counts,
        may_act=place().role in COLLECTING,
        done=request.args.get("done") == "1",
    )


@blueprint.get("/lines/<uuid:line_id>")
@allow(*STAFF)
def line(line_id: UUID) -> Response:
    """One line with everything it may be."""
    return _page(line_id)


@blueprint.post("/proposals/<uuid:proposal_id>")
@allow(*COLLECTING)
def confirm(proposal_id: UUID) -> Response:
    """Take a proposal; a missing rest is given up or stays open, as the form says."""
    with work_here() as work:
        try:
            proposal = get_proposal(work, proposal_id)
        except PaymentError:
            abort(404)
    waiver = proposal.waiver
    bearer = waiver.invoice_id if waiver else proposal.aims[-1].invoice_id if proposal.aims else None

    def act(work: Work) -> None:
        chosen = chosen_waiver(request.form.get("rest", ""), -proposal.rest_minor, bearer)
        confirm_proposal(work, proposal, actor(), chosen)

    back = url_for("matching.queue", done="1") if request.form.get("from") == "queue" else None
    return decide_here(proposal.line_id, act, back)


@blueprint.post("/lines/<uuid:line_id>/aside")
@allow(*COLLECTING)
def put_aside(line_id: UUID) -> Response:
    """Nobody's for now."""
    return decide_here(line_id, lambda work: set_aside(work, line_id, actor()))


@blueprint.post("/lines/<uuid:line_id>/ask")
@allow(*COLLECTING)
def ask(line_id: UUID) -> Response:
    """Ask the customers whom the proposals name whether it is theirs."""

    def act(work: Work) -> None:
        proposals = show_proposals(work, [get_line(work, line_id)]).get(line_id, [])
        known = {str(each.proposal.customer_id): each.proposal.customer_id for each in proposals}
        chosen = [known[each] for each in request.form.getlist("customer") if each in known]
        if not chosen:
            raise PaymentError("match.nobody_chosen", "Choose whom to ask.", "Choisissez à qui demander.")
        ask_payers(work, line_id, chosen, actor())

    return decide_here(line_id, act, url_for("matching.line", line_id=line_id, _anchor="asked"))


@blueprint.post("/lines/<uuid:line_id>/undo")
@allow(*COLLECTING)
def undo(line_id: UUID) -> Response:
    """Take a match back."""
    why = request.form.get("reason", "")[:MOST_REASON]
    return decide_here(line_id, lambda work: undo_match(work, line_id, actor(), why))


@blueprint.get("/payers")
@allow(*STAFF)
def payers() -> str:
    """Who pays for whom, as people confirmed it."""
    asked, page = read_list_request(request.args), read_page()
    with work_here() as work:
        rows = known_payers(work, asked.wanted, page * PAYERS)
    return render_template(
        "matching/payers.html",
        rows=rows[:PAYERS],
        more=len(rows) > PAYERS,
        page=page,
        asked=asked,
        may_act=place().role in COLLECTING,
    )


@blueprint.post("/payers/<uuid:customer_id>/forget")
@allow(*COLLECTING)
def forget(customer_id: UUID) -> Response:
    """Forget that this payer pays for this customer."""
    with work_here() as work:
        forget_payer(
            work,
            customer_id,
            request.form.get("iban", "")[:34] or None,
            request.form.get("name", "")[:200],
            actor(),
        )
    return redirect(url_for("matching.payers"), 303)


def read_page() -> int:
    """The page of a list that the address asks for, from zero."""
    told = request.args.get("page", "0")
    return min(int(told), MOST_PAGES) if told.isascii() and told.isdecimal() else 0


def decide_here(line_id: UUID, act: Callable[[Work], None], back: str | None = None) -> Response:
    """Do it, all or nothing, and come back; where it is refused, say why on the line's page."""
    try:
        with work_here() as work:
            act(work)
    except REFUSALS as error:
        if error.code == "bank.unknown_line":
            abort(404)
        return _page(line_id, refusal_words(error))
    return redirect(back or url_for("matching.line", line_id=line_id), 303)


def refusal_words(error: PaymentError | ReceivablesError) -> str:
    """A refusal in the reader's language, where it has one."""
    return told_by(error)


def _page(line_id: UUID, wrong: str = "") -> Response:
    with work_here() as work:
        try:
            found = get_line(work, line_id)
        except PaymentError:
            abort(404)
        proposals = show_proposals(work, [found]).get(line_id, [])
        asked = asked_words(work, line_id)
        waiting = found.state in TO_DECIDE and found.amount_minor > 0
    page = render_template(
        "matching/line.html",
        line=found,
        proposals=proposals if waiting else [],
        asked=asked,
        customers={each.proposal.customer_id: each.proposal.customer_name for each in proposals},
        waiting=waiting,
        may_act=place().role in COLLECTING,
        wrong=wrong,
        most_asked=MOST_ASKED,
        most_reason=MOST_REASON,
        nothing=gettext("Rien ne ressemble à cette ligne."),
    )
    return make_response(page, UNPROCESSABLE if wrong else 200)


def _proposals_of_line(line_id: UUID) -> list[object]:
    with work_here() as work:
        return list(show_proposals(work, [get_line(work, line_id)]).get(line_id, []))
