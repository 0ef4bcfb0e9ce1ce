"""``/s/treasury/disputes``: payers' complaints to their bank, how long is left, and the answer in one click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import legal_day, now, today
from config.secrets import SealBrokenError
from payments.errors import PaymentError
from payments.gateways.port import Capability, DisputeEvidence, GatewayError
from payments.providers.disputes import answer_dispute
from payments.treasury.contests import PAGE, STATES_OF, find_contest, list_contests
from portal.access.context import actor, place, services, work_here
from portal.access.roles import COLLECTING, STAFF, allow
from portal.customer.downloads import send_bytes
from portal.evidence.dispute_file import PDF, make_dispute_file
from portal.words import gettext, ngettext, note_text, number, told_by
from receivables.services.invoicing.dues import due_on_invoice

if TYPE_CHECKING:
    from flask import Response
    from werkzeug import Response as AnyResponse

    from payments.treasury.contests import ContestLine
    from receivables.store.work import Work

blueprint = Blueprint("contests", __name__, url_prefix="/s/treasury/disputes")

MOST_SAID = 4000
FEW_DAYS = 3
FILTERS = {
    "open": note_text("En cours"),
    "won": note_text("Gagnées"),
    "lost": note_text("Perdues"),
    "all": note_text("Toutes"),
}


@dataclass(frozen=True, slots=True)
class Left:
    """How long there is to answer, in words; ``tone`` as for badges."""

    words: str
    tone: str


@blueprint.get("")
@allow(*STAFF)
def index() -> str:
    """Complaints, the most pressing first."""
    asked, after = request.args.get("show", "open"), request.args.get("after", "")[:255] or None
    chosen = asked if asked in STATES_OF else "open"
    with work_here() as work:
        rows = list_contests(work, chosen, after=after)
    return render_template(
        "treasury/contests.html",
        rows=[(each, left_to_answer(each)) for each in rows[:PAGE]],
        more=len(rows) > PAGE,
        chosen=chosen,
        filters=FILTERS,
    )


@blueprint.get("/<dispute_ref>")
@allow(*STAFF)
def show(dispute_ref: str) -> str:
    """One complaint: what it is about, what happens with the money, and the answer."""
    return _page(dispute_ref)


@blueprint.get("/<dispute_ref>/evidence.pdf")
@allow(*STAFF)
def preview(dispute_ref: str) -> Response:
    """The file as it would go to the bank, with what is typed so far."""
    with work_here() as work:
        contest = _contest(work, dispute_ref)
    made = make_dispute_file(services(), place().supplier_id, contest, request.args.get("said", "")[:MOST_SAID])
    return send_bytes(made.content, PDF, made.filename)


@blueprint.post("/<dispute_ref>/answer")
@allow(*COLLECTING)
def answer(dispute_ref: str) -> AnyResponse:
    """Hand the file in at the provider, once."""
    with work_here() as work:
        contest = _contest(work, dispute_ref)
    said = request.form.get("said", "")[:MOST_SAID].strip()
    if not contest.is_waiting:
        late = gettext("Cette contestation a déjà sa réponse, est décidée ou hors délai : une banque n'en lit qu'une.")
        return make_response(_page(dispute_ref, late, said), 422)
    made = make_dispute_file(services(), place().supplier_id, contest, said)
    evidence = DisputeEvidence(said, made.filename, made.content)
    try:
        answer_dispute(services().works, place().supplier_id, dispute_ref, evidence, actor(), services().gateway_for)
    except PaymentError as error:
        return make_response(_page(dispute_ref, told_by(error), said), 422)
    except GatewayError as error:
        wrong = gettext("Le prestataire n'a pas pris la réponse : %(why)s. Rien n'est noté, vous pouvez recommencer.")
        return make_response(_page(dispute_ref, wrong % {"why": str(error)}, said), 502)
    return redirect(url_for("contests.show", dispute_ref=dispute_ref), 303)


def left_to_answer(contest: ContestLine) -> Left:
    """How many days are left, counted to the legal day on which the answer has to be there."""
    if contest.state != "open":
        return Left("", "plain")
    if contest.answer_until is None:
        return Left(gettext("Aucune réponse n'est possible"), "plain")
    days = (legal_day(contest.answer_until) - today()).days
    if contest.answer_until <= now():
        return Left(gettext("Le délai est passé"), "late")
    words = ngettext("Il reste %(num)s jour", "Il reste %(num)s jours", days) % {"num": number(days)}
    return Left(words, "late" if days <= FEW_DAYS else "part")


def _page(dispute_ref: str, wrong: str = "", said: str = "") -> str:
    with work_here() as work:
        contest = _contest(work, dispute_ref)
        dues = [due_on_invoice(work, invoice_id) for invoice_id, _ in contest.invoices]
        takes_evidence = _takes_evidence(work, contest) if contest.is_waiting else False
    return render_template(
        "treasury/contest.html",
        contest=contest,
        left=left_to_answer(contest),
        dues=dues,
        takes_evidence=takes_evidence,
        wrong=wrong,
        said=said,
        most_said=MOST_SAID,
        may_act=place().role in COLLECTING,
    )


def _takes_evidence(work: Work, contest: ContestLine) -> bool:
    """Whether the provider takes evidence at all; a key that cannot be opened answers no."""
    try:
        return Capability.EVIDENCE in services().gateway_for(work, contest.account_id).capabilities
    except (GatewayError, PaymentError, SealBrokenError):
        return False


def _contest(work: Work, dispute_ref: str) -> ContestLine:
    return find_contest(work, dispute_ref) or abort(404)
