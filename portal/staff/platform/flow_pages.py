"""The delivery log: every flow with its state, its acknowledgement explained, its files, and how to send it again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from einvoice.errors import EInvoiceError
from einvoice.flow_log import STATES, FlowLine, attempts_of, find_flow_line, list_flows, statuses_of
from einvoice.lifecycle.statuses import status
from einvoice.platform.port import DocType, PlatformError, PlatformRefusedError
from einvoice.resending import LONGEST_NOTE, CannotResendError, check_may_send_again, send_again, try_now
from portal.access.context import actor, place, services, work_here
from portal.access.roles import BOOKKEEPING, STAFF, allow
from portal.customer.downloads import send_bytes
from portal.lists import MAX_WANTED
from portal.staff.platform.flow_words import FILTERS, KINDS, MEANINGS, cause_of_wait, kind_of, state_of_flow
from portal.staff.platform.remarks import explain_remarks
from portal.words import gettext, language

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any
    from uuid import UUID

    from werkzeug import Response as AnyResponse

    from receivables.store.work import Work

blueprint = Blueprint("flows", __name__, url_prefix="/s/platform/flows")

PAGE = 50
HELD = {each.value.lower(): each for each in DocType}
"""Files at the platform by the word in their address."""
_SUBJECTS = {"report": "/s/reports", "buyer_status": "/s/purchases"}
ENDINGS = {b"%PDF": ("application/pdf", ".pdf")}
MOST_ID = 64


@blueprint.get("")
@allow(*STAFF)
def log() -> str:
    """Every flow, narrowed and searched, the last moved first."""
    narrowed = request.args.get("show", "all")
    kind = request.args.get("kind", "")
    asked = {
        "show": narrowed if narrowed in STATES else "all",
        "kind": kind if kind in KINDS else "",
        "q": "".join(sign for sign in request.args.get("q", "") if sign.isprintable()).strip()[:MAX_WANTED],
    }
    after = request.args.get("after", "")[:MOST_ID] or None
    with work_here() as work:
        rows = list_flows(
            work, narrowed=asked["show"], kind=asked["kind"] or None, wanted=asked["q"], after=after, limit=PAGE
        )
    return render_template(
        "platform/flows.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        asked=asked,
        filters={key: gettext(name) for key, name in FILTERS.items()},
        kinds={key: gettext(name) for key, name in KINDS.items()},
        kind_of=kind_of,
        state_of_flow=state_of_flow,
        cause_of_wait=cause_of_wait,
        subject=_subject,
    )


@blueprint.get("/<tracking_id>")
@allow(*STAFF)
def flow(tracking_id: str) -> str:
    """One flow with everything that is known of it."""
    return _page(tracking_id)


@blueprint.get("/<tracking_id>/sent")
@allow(*STAFF)
def sent_file(tracking_id: str) -> Response:
    """The file as it was sent, from the archive."""
    with work_here() as work:
        line = _line(work, tracking_id)
        work.audit(actor(), "document.fetched", line.sha256, filename=line.filename)
    return send_bytes(services().archive.get(line.sha256), line.mime, line.filename)


@blueprint.get("/<tracking_id>/held/<what>")
@allow(*STAFF)
def held_file(tracking_id: str, what: str) -> AnyResponse:
    """A file as the platform holds it, fetched now."""
    if what not in HELD:
        abort(404)
    held = _fetch(tracking_id, HELD[what])
    line, content = held.line, held.content
    if content is None:
        return make_response(_page(tracking_id, said=held.said), held.status)
    mime, ending = next((each for head, each in ENDINGS.items() if content.startswith(head)), (line.mime, ""))
    stem, _, old = line.filename.rpartition(".")
    name = f"{stem or line.filename}-{what}{ending or f'.{old}'}"
    with work_here() as work:
        work.audit(actor(), "flow.file_fetched", tracking_id, what=what, sha256=hashlib.sha256(content).hexdigest())
    return send_bytes(content, mime, name)


@blueprint.post("/<tracking_id>/compare")
@allow(*STAFF)
def compare(tracking_id: str) -> AnyResponse:
    """Fetch the original that the platform holds and compare it with what was sent."""
    held = _fetch(tracking_id, DocType.ORIGINAL)
    if held.content is None:
        return make_response(_page(tracking_id, said=held.said), held.status)
    same = hashlib.sha256(held.content).hexdigest() == held.line.sha256
    with work_here() as work:
        work.audit(actor(), "flow.compared", tracking_id, same=same)
    return redirect(url_for("flows.flow", tracking_id=tracking_id, original="same" if same else "different"), 303)


@blueprint.post("/<tracking_id>/now")
@allow(*BOOKKEEPING)
def send_now(tracking_id: str) -> AnyResponse:
    """Try a flow that waits at once, through its one row of the outbox."""
    with work_here() as work:
        _line(work, tracking_id)
        if try_now(work, tracking_id):
            work.audit(actor(), "flow.tried_now", tracking_id)
    return redirect(url_for("flows.flow", tracking_id=tracking_id, asked="now"), 303)


@blueprint.get("/<tracking_id>/again")
@allow(*BOOKKEEPING)
def ask_again(tracking_id: str) -> str:
    """What sending a refused flow again would do, before it is done."""
    return _again(tracking_id)


@blueprint.post("/<tracking_id>/again")
@allow(*BOOKKEEPING)
def again(tracking_id: str) -> AnyResponse:
    """Plan the next attempt of a refused flow; pressed twice it is one."""
    note = request.form.get("note", "").strip()[:LONGEST_NOTE]
    if not note:
        said = gettext("Dites ce qui a été corrigé : cela reste au journal.")
        return make_response(_again(tracking_id, said), 422)
    try:
        with work_here() as work:
            _line(work, tracking_id)
            connected = services().platform_for(work)
            if connected is None:
                raise _no_platform()
            planned = send_again(work, tracking_id, connected[0])
            work.audit(actor(), "flow.sent_again", planned, refused=tracking_id, note=note)
    except CannotResendError as error:
        return make_response(_again(tracking_id, _told(error)), 409)
    return redirect(url_for("flows.flow", tracking_id=planned), 303)


def _page(tracking_id: str, said: str = "") -> str:
    with work_here() as work:
        line = _line(work, tracking_id)
        statuses = statuses_of(work, line.invoice_id) if line.invoice_id else []
        attempts = attempts_of(work, line)
        blocked = _blocked(work, line)
    return render_template(
        "platform/flow.html",
        line=line,
        badge_of_flow=state_of_flow(line),
        kind=kind_of(line),
        meaning=gettext(MEANINGS[line.state]),
        wait=cause_of_wait(line),
        remarks=explain_remarks(line.remarks),
        statuses=_told_statuses(statuses),
        attempts=attempts,
        state_of_flow=state_of_flow,
        newest=attempts[0].tracking_id == line.tracking_id if attempts else True,
        blocked=blocked,
        subject=_subject(line),
        may_send=place().role in BOOKKEEPING,
        original=request.args.get("original", ""),
        asked_now=request.args.get("asked") == "now",
        said=said,
    )


def _again(tracking_id: str, said: str = "") -> str:
    with work_here() as work:
        line = _line(work, tracking_id)
        blocked = _why_not_again(work, line)
        connected = services().platform_for(work)
    return render_template(
        "platform/again.html",
        line=line,
        kind=kind_of(line),
        remarks=explain_remarks(line.remarks),
        blocked=blocked,
        connected=connected is not None,
        same_platform=connected is not None and connected[0] == line.account_id,
        said=said,
    )


def _blocked(work: Work, line: FlowLine) -> str:
    """Why a refused flow may not be sent again; empty where it may, and of a flow that is not refused."""
    return _why_not_again(work, line) if line.state == "refused" else ""


def _why_not_again(work: Work, line: FlowLine) -> str:
    try:
        check_may_send_again(work, line.tracking_id)
    except CannotResendError as error:
        return _told(error)
    return ""


@dataclass(frozen=True, slots=True)
class _Held:
    """A file at the platform; where there is none, the sentence that says why and the status to answer with."""

    line: FlowLine
    content: bytes | None
    said: str = ""
    status: int = HTTPStatus.OK


def _fetch(tracking_id: str, what: DocType) -> _Held:
    """A file as the platform holds it. No transaction is open meanwhile."""
    with work_here() as work:
        line = _line(work, tracking_id)
        if line.flow_ref is None:
            return _Held(line, None, gettext("La plateforme n'a pas encore ce fichier."), HTTPStatus.CONFLICT)
        try:
            platform = services().platform_of(work, line.account_id)
        except EInvoiceError as error:
            return _Held(line, None, _told(error), HTTPStatus.BAD_GATEWAY)
    try:
        return _Held(line, platform.fetch(line.flow_ref, what))
    except PlatformRefusedError:
        said = gettext("La plateforme n'a pas ce fichier, ou ne le donne pas.")
        return _Held(line, None, said, HTTPStatus.CONFLICT)
    except PlatformError as error:
        return _Held(line, None, _told(error), HTTPStatus.BAD_GATEWAY)


def _line(work: Work, tracking_id: str) -> FlowLine:
    found = find_flow_line(work, tracking_id[:MOST_ID])
    if found is None:
        abort(404)
    return found


def _subject(line: FlowLine) -> str | None:
    """The page of what a flow is about, where there is one in this house."""
    if line.invoice_id is not None:
        return f"/s/invoices/{line.invoice_id}"
    root = _SUBJECTS.get(line.kind)
    subject: UUID | None = line.subject_id
    return f"{root}/{subject}" if root and subject else None


def _told_statuses(rows: Sequence[Any]) -> list[dict[str, Any]]:
    told = []
    for row in rows:
        known = status(row["code"])
        name = known.english if language() == "en" else known.french
        told.append({"name": name, **row})
    return told


def _no_platform() -> CannotResendError:
    return CannotResendError(
        "flow.no_platform", "No platform is connected: connect one first.", "Aucune plateforme : raccordez-en une."
    )


def _told(error: EInvoiceError) -> str:
    return error.sentence_fr if language() == "fr" else error.sentence
