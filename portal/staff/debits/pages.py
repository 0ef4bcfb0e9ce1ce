"""``/s/debits``: what can be collected, files for the bank with its answers, what came back, and the settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from config.clock import today
from config.safe_xml import UnsafeXmlError
from payments.debits.answers import MOST_BYTES, take_answer
from payments.debits.batching import make_files
from payments.debits.listing import (
    PAGE,
    batch_file,
    debits_in,
    find_batch,
    has_debit,
    list_batches,
    list_planned,
    list_returns,
)
from payments.debits.planning import cancel_debit, list_collectables, plan_debit
from payments.debits.schedule import last_day_to_send
from payments.debits.sending import mark_sent
from payments.debits.settings import FORMATS, RETRY_DAYS, DebitSettings, creditor_account, find_settings, save_settings
from payments.debits.tasks import close_task, has_task, open_tasks
from payments.errors import PaymentError
from portal.access.context import actor, place, services, work_here
from portal.access.roles import BOOKKEEPING, COLLECTING, OWNERS, STAFF, Role, allow
from portal.customer.downloads import send_bytes
from portal.fields import id_in
from portal.mail.debit_mails import tell_payers
from portal.telling.debit_words import (
    BATCH_STATES,
    DEBIT_STATES,
    SCHEMES,
    done_words,
    dropped_words,
    reason_words,
    shown,
    task_words,
)
from portal.words import language, told_by
from receivables.errors import ReceivablesError
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import RowMapping
    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("debits", __name__, url_prefix="/s/debits")

XML = "application/xml"
MAX_FORM_BYTES = MOST_BYTES + 64 * 1024


@blueprint.get("")
@allow(*STAFF)
def index() -> Response:
    """What may be collected now, and what is planned."""
    return _index_page()


@blueprint.post("/plan")
@allow(*COLLECTING)
def plan() -> Response:
    """Plan the chosen invoices, and announce them to their payers at once."""
    chosen = [found for each in request.form.getlist("invoice")[:PAGE] if (found := id_in(each))]
    try:
        with work_here() as work:
            for invoice_id in chosen:
                plan_debit(work, invoice_id, actor())
            tell_payers(services(), work)
    except PaymentError as error:
        return _index_page(told_by(error))
    return redirect(url_for("debits.index", planned=len(chosen)), 303)


@blueprint.post("/<uuid:debit_id>/cancel")
@allow(*COLLECTING)
def cancel(debit_id: UUID) -> Response:
    """Give up a debit that is in no file yet."""
    with work_here() as work:
        if not has_debit(work, debit_id):
            abort(404)
        cancel_debit(work, debit_id, actor(), "by_hand")
    return redirect(url_for("debits.index"), 303)


@blueprint.post("/files")
@allow(*BOOKKEEPING)
def make() -> Response:
    """Make files of the announced debits whose day is near."""
    try:
        with work_here() as work:
            made = make_files(work, services().keyring, actor())
            tell_payers(services(), work)  # of days that had to move
    except PaymentError as error:
        return _index_page(told_by(error))
    except ReceivablesError as error:
        return _index_page(str(error))
    why = ", ".join(sorted({dropped_words(each) for each in made.dropped.values()}))
    told = url_for("debits.batches", made=made.debits, dropped=len(made.dropped), why=why[:120] or None)
    return redirect(told, 303)


@blueprint.get("/files")
@allow(*STAFF)
def batches() -> Response:
    """Files for the bank, newest first."""
    return _batches_page()


@blueprint.post("/answers")
@allow(*BOOKKEEPING)
def answer() -> Response:
    """Take the bank's answer (pain.002) in."""
    sent = request.files.get("answer")
    data = sent.stream.read(MOST_BYTES + 1) if sent else b""
    try:
        with work_here() as work:
            taken = take_answer(work, data, actor())
    except PaymentError as error:
        return _batches_page(told_by(error))
    except UnsafeXmlError as error:
        return _batches_page(error.sentence_fr if language() == "fr" else error.sentence)
    return redirect(url_for("debits.batch", batch_id=taken.batch_id, rejected=taken.rejected), 303)


@blueprint.get("/files/<uuid:batch_id>")
@allow(*STAFF)
def batch(batch_id: UUID) -> str:
    """One file: where it stands, what the bank said, its debits."""
    after = request.args.get("after", "")[:35]
    with work_here() as work:
        found = _batch_or_nothing(work, batch_id)
        rows = debits_in(work, batch_id, after=after)
        settings = find_settings(work)
    send_by = last_day_to_send(settings, found["scheme"], found["collect_on"]) if settings and found["scheme"] else None
    return render_template(
        "debits/batch.html",
        batch=found,
        badge_of=shown(BATCH_STATES, found["state"]),
        rows=[(each, shown(DEBIT_STATES, each["state"]), _code_words(each)) for each in rows[:PAGE]],
        more=len(rows) > PAGE,
        last=rows[PAGE - 1]["end_to_end_id"] if len(rows) > PAGE else "",
        send_by=send_by,
        late=send_by is not None and found["state"] == "made" and send_by < today(),
        schemes=SCHEMES,
        may_bank=place().role in BOOKKEEPING,
        rejected=request.args.get("rejected", ""),
    )


@blueprint.get("/files/<uuid:batch_id>/download")
@allow(*BOOKKEEPING)
def download(batch_id: UUID) -> Response:
    """The file: always the same bytes."""
    with work_here() as work:
        _batch_or_nothing(work, batch_id)
        file = batch_file(work, batch_id)
        work.audit(actor(), "debits.file_fetched", str(batch_id), filename=file.filename)
    return send_bytes(file.content, XML, file.filename)


@blueprint.post("/files/<uuid:batch_id>/sent")
@allow(*BOOKKEEPING)
def sent(batch_id: UUID) -> Response:
    """Say that the file was handed to the bank."""
    with work_here() as work:
        _batch_or_nothing(work, batch_id)
        mark_sent(work, batch_id, actor())
    return redirect(url_for("debits.batch", batch_id=batch_id), 303)


@blueprint.get("/returns")
@allow(*STAFF)
def returns() -> str:
    """What came back and what was done about it, below what somebody has to do."""
    after = request.args.get("after", "")[:60]
    with work_here() as work:
        rows = list_returns(work, after=after)
        tasks = open_tasks(work) if not after else []
    return render_template(
        "debits/returns.html",
        rows=[
            (each, reason_words(each["code"], each["returned_on"]), done_words(each["done"])) for each in rows[:PAGE]
        ],
        more=len(rows) > PAGE,
        last=rows[PAGE - 1]["return_ref"] if len(rows) > PAGE else "",
        tasks=[(each, *task_words(each["what"]), _task_reason(each["code"])) for each in tasks],
        may_act=place().role in COLLECTING,
    )


@blueprint.post("/tasks/<uuid:task_id>/done")
@allow(*COLLECTING)
def finish(task_id: UUID) -> Response:
    """A task is done."""
    with work_here() as work:
        if not has_task(work, task_id):
            abort(404)
        close_task(work, task_id, actor(), request.form.get("note", "")[:500])
    return redirect(url_for("debits.returns"), 303)


@blueprint.get("/settings")
@allow(*BOOKKEEPING)
def ask_settings() -> Response:
    """The ICS and what was agreed with the bank."""
    return _settings_page()


@blueprint.post("/settings")
@allow(*OWNERS)
def keep_settings() -> Response:
    """Keep the settings as judged."""
    typed = {name: value[:80].strip() for name, value in request.form.items()}
    try:
        with work_here() as work:
            save_settings(work, _settings(typed), actor())
    except PaymentError as error:
        return _settings_page(typed, error)
    return redirect(url_for("debits.ask_settings", saved=1), 303)


def _index_page(wrong: str = "") -> Response:
    after = id_in(request.args.get("after", "")) if request.method == "GET" else None
    with work_here() as work:
        settings = find_settings(work)
        rows = list_collectables(work, after=after) if settings else []
        planned = list_planned(work) if settings else []
    page = render_template(
        "debits/index.html",
        settings=settings,
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        planned=[(each, shown(DEBIT_STATES, each["state"])) for each in planned[:PAGE]],
        many_planned=len(planned) > PAGE,
        schemes=SCHEMES,
        may_plan=place().role in COLLECTING,
        may_bank=place().role in BOOKKEEPING,
        wrong=wrong,
        done=request.args.get("planned", ""),
    )
    return make_response(page, 422 if wrong else 200)


def _batches_page(wrong: str = "") -> Response:
    after = id_in(request.args.get("after", "")) if request.method == "GET" else None
    with work_here() as work:
        rows = list_batches(work, after=after)
    page = render_template(
        "debits/batches.html",
        rows=[(each, shown(BATCH_STATES, each["state"])) for each in rows[:PAGE]],
        more=len(rows) > PAGE,
        may_bank=place().role in BOOKKEEPING,
        wrong=wrong,
        made=request.args.get("made", ""),
        dropped=request.args.get("dropped", "0"),
        why=request.args.get("why", "")[:120],
    )
    return make_response(page, 422 if wrong else 200)


def _settings_page(typed: dict[str, str] | None = None, wrong: PaymentError | None = None) -> Response:
    with work_here() as work:
        kept = find_settings(work)
        name = supplier_name(work)
        try:
            iban = creditor_account(work).iban
        except PaymentError:
            iban = ""
    stored = kept or DebitSettings("", name)
    values = {
        "ics": stored.ics,
        "creditor": stored.creditor,
        "format": stored.format,
        "notice_days": str(stored.notice_days),
        "core_days": str(stored.core_days),
        "b2b_days": str(stored.b2b_days),
        "cutoff": f"{stored.cutoff:%H:%M}",
        "retry_days": str(stored.retry_days),
    }
    page = render_template(
        "debits/settings.html",
        values=values | (typed or {}),
        formats=FORMATS,
        retries=RETRY_DAYS,
        iban=iban,
        wrong=told_by(wrong) if wrong else "",
        wrong_field="ics" if wrong and wrong.code == "debit.bad_ics" else "",
        may_save=place().role is Role.OWNER,
        saved="saved" in request.args,
    )
    return make_response(page, 422 if wrong else 200)


def _settings(typed: dict[str, str]) -> DebitSettings:
    """Settings as typed; what is no number or time is judged like one that is out of bounds."""
    try:
        cutoff = time.fromisoformat(typed.get("cutoff", ""))
    except ValueError:
        cutoff = None
    read = DebitSettings(
        ics=typed.get("ics", ""),
        creditor=typed.get("creditor", "") if cutoff else "",
        format=typed.get("format", ""),
        notice_days=_number(typed.get("notice_days", "")),
        core_days=_number(typed.get("core_days", "")),
        b2b_days=_number(typed.get("b2b_days", "")),
        retry_days=_number(typed.get("retry_days", "")),
    )
    return replace(read, cutoff=cutoff) if cutoff else read


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else -1  # noqa: PLR2004 -- digits


def _batch_or_nothing(work: Work, batch_id: UUID) -> RowMapping:
    try:
        return find_batch(work, batch_id)
    except PaymentError:
        abort(404)


def _code_words(row: RowMapping) -> str:
    code, day = row["return_code"], row["returned_on"]
    return reason_words(code, day or today()) if code else ""


def _task_reason(code: str | None) -> str:
    return reason_words(code, today()) if code else ""
