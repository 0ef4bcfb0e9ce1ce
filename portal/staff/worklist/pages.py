"""``/s/work``: the collector's morning. Whom to call, why, how much; what to do today; many accounts at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from flask import Blueprint, redirect, render_template, request, url_for

from config.clock import today
from config.law.days import on_or_after
from portal.access.context import actor, caller, place, services, work_here
from portal.access.headers import let_script_run
from portal.access.people import staff_of
from portal.access.roles import COLLECTING, STAFF, Role, allow
from portal.fields import id_in, ids_in
from portal.lists import MAX_WANTED
from portal.staff.worklist.words import reason_words
from portal.tables import Column, Form, send_table
from portal.telling.account_words import task_words
from portal.words import gettext, note_text
from receivables.domain.money import Money
from receivables.services.collecting.tasking import NewTask, close_task, open_tasks, open_tasks_for, postpone_task
from receivables.services.collecting.worklist import Wanted, first_of, worklist
from receivables.store.customer_file.contacts import segments, set_customer_files
from receivables.store.customer_file.customers import customer_names
from receivables.store.customer_file.overviews import PAGE
from receivables.store.customer_file.saved_views import keep_view, remove_view, views_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from flask import Response
    from werkzeug import Response as AnyResponse

    from portal.access.people import Person
    from receivables.domain.collecting.worklist import Ranked
    from receivables.services.collecting.tasking import Task
    from receivables.store.work import Work

blueprint = Blueprint("worklist", __name__, url_prefix="/s/work")

MINE, ALL, NOBODYS = "mine", "all", "nobody"
WHOSE = {MINE: note_text("Mes clients"), ALL: note_text("Tous"), NOBODYS: note_text("Sans responsable")}
MOST_AT_ONCE = 200
MOST_TASKS = 5
"""Tasks that are shown at once; the others unfold."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    whose: str
    segment: str
    words: str
    page: int

    @property
    def query(self) -> str:
        """As an address, without the page."""
        values = {"whose": self.whose, "segment": self.segment, "q": self.words}
        return urlencode({name: value for name, value in values.items() if value})

    def wanted(self, person_id: UUID) -> Wanted:
        """As the list understands it."""
        return Wanted(
            person_id if self.whose == MINE else None, self.whose == NOBODYS, self.segment or None, self.words
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One account of the list, in words."""

    ranked: Ranked
    reasons: tuple[tuple[str, str], ...]
    collector: str


@blueprint.get("")
@allow(*STAFF)
def show() -> str | Response:
    """The accounts to speak to, most expected cash first, and the tasks of the day."""
    asked = _asked()
    people = staff_of(services().database, place().supplier_id)
    me = caller().person.person_id
    with work_here() as work:
        if request.args.get("format"):
            return _export(worklist(work, today(), asked.wanted(me)), people)
        listed = first_of(work, today(), asked.wanted(me), (asked.page + 1) * PAGE + 1)
        shown = listed.ranked[asked.page * PAGE : (asked.page + 1) * PAGE]
        let_script_run()
        tasks = _tasks(work, asked, me)
        return render_template(
            "worklist/list.html",
            rows=[_row(each, people) for each in shown],
            sums=_sums(listed.ranked) if listed.is_whole else [],
            late=listed.late,
            more=len(listed.ranked) > (asked.page + 1) * PAGE,
            first=asked.page * PAGE,
            asked=asked,
            whose={key: gettext(name) for key, name in WHOSE.items()},
            segments=segments(work),
            people=people,
            views=views_of(work, me),
            most_tasks=MOST_TASKS,
            tasks=[(each, task_words(each.kind, each.facts)) for each in tasks],
            names=customer_names(work, [each.customer_id for each in tasks if each.customer_id]),
            today=today(),
            may_act=place().role in COLLECTING,
            done=_count("done"),
            reminded=_count("reminded"),
        )


@blueprint.post("/bulk")
@allow(*COLLECTING)
def bulk() -> AnyResponse:
    """One act on all the accounts that were ticked."""
    ids = ids_in(request.form.getlist("customer"))[:MOST_AT_ONCE]
    act = request.form.get("act", "")
    if act == "remind":
        return redirect(url_for("reminding.show", customer=[str(each) for each in ids]), 303)
    if ids and act:
        with work_here() as work:
            if act.startswith("collector:"):
                collector = id_in(act.removeprefix("collector:"))
                if collector in {each.person_id for each in staff_of(services().database, place().supplier_id)}:
                    set_customer_files(work, ids, actor(), collector_id=collector)
            elif act == "segment" and request.form.get("segment", "").strip():
                set_customer_files(work, ids, actor(), segment=request.form["segment"].strip()[:40])
            elif act == "call":
                open_tasks_for(work, [NewTask(f"call/{each}/{today()}", "call_again", today(), each) for each in ids])
                work.audit(actor(), "calls.planned", str(len(ids)))
    return redirect(_back(done=str(len(ids)) if act else ""), 303)


@blueprint.post("/tasks/<uuid:task_id>")
@allow(*COLLECTING)
def task(task_id: UUID) -> AnyResponse:
    """Say that a task of the day is done, or put it off to tomorrow."""
    with work_here() as work:
        if request.form.get("act") == "later":
            postpone_task(work, task_id, on_or_after(today() + timedelta(days=1)), actor())
        else:
            close_task(work, task_id, actor(), "done", request.form.get("note", "")[:500])
    return redirect(f"{_back()}#tasks", 303)


@blueprint.post("/views")
@allow(*STAFF)
def keep() -> AnyResponse:
    """Keep what the list shows now under a name."""
    with work_here() as work:
        keep_view(
            work,
            caller().person.person_id,
            request.form.get("name", ""),
            request.form.get("query", ""),
            everybodys=request.form.get("everybodys") == "1" and place().role in COLLECTING,
        )
    return redirect(_back(), 303)


@blueprint.post("/views/<uuid:view_id>/remove")
@allow(*STAFF)
def forget(view_id: UUID) -> AnyResponse:
    """Remove a view."""
    with work_here() as work:
        remove_view(work, caller().person.person_id, view_id)
    return redirect(_back(), 303)


COLUMNS: tuple[Column[Row], ...] = (
    Column("account", "Compte", "Account", lambda row: row.ranked.account.account_code),
    Column("customer", "Client", "Customer", lambda row: row.ranked.account.name),
    Column("collector", "Responsable", "Collector", lambda row: row.collector),
    Column("segment", "Segment", "Segment", lambda row: row.ranked.account.segment),
    Column(
        "to_ask",
        "À réclamer",
        "To ask for",
        lambda row: Money(row.ranked.account.chaseable_minor, row.ranked.account.currency),
    ),
    Column("late", "En retard", "Late", lambda row: Money(row.ranked.account.late_minor, row.ranked.account.currency)),
    Column("currency", "Devise", "Currency", lambda row: row.ranked.account.currency),
    Column(
        "expected",
        "Attendu",
        "Expected",
        lambda row: Money(row.ranked.expected_minor, row.ranked.account.currency),
    ),
    Column("oldest", "Plus ancienne échéance", "Oldest due day", lambda row: row.ranked.account.oldest_on),
    Column("why", "Pourquoi", "Why", lambda row: " ; ".join(words for words, _ in row.reasons)),
)


def _export(ranked: Sequence[Ranked], people: Sequence[Person]) -> Response:
    form = request.args.get("format", "")
    name = gettext("relances-%(day)s") % {"day": today().isoformat()}
    rows = [_row(each, people) for each in ranked]
    return send_table(COLUMNS, rows, Form(form) if form in set(Form) else Form.CSV, name)


def _asked() -> Asked:
    """The address, read with care; a collector begins with their own portfolio."""
    usual = MINE if place().role is Role.COLLECTOR else ALL
    whose = request.args.get("whose", usual)
    page = request.args.get("page", "0")
    return Asked(
        whose if whose in WHOSE else usual,
        request.args.get("segment", "")[:40],
        "".join(c for c in request.args.get("q", "") if c.isprintable()).strip()[:MAX_WANTED],
        int(page) if page.isdecimal() and len(page) < 4 else 0,  # noqa: PLR2004 -- the list is not that long
    )


def _row(ranked: Ranked, people: Sequence[Person]) -> Row:
    account = ranked.account
    names = {each.person_id: each.name for each in people}
    reasons = tuple(reason_words(each, account.currency) for each in ranked.reasons)
    return Row(ranked, reasons, names.get(account.collector_id, "") if account.collector_id else "")


def _sums(ranked: Sequence[Ranked]) -> list[tuple[str, int, int, int]]:
    """By currency: accounts, what may be asked for, what is expected of a word today."""
    sums: dict[str, tuple[int, int, int]] = {}
    for each in ranked:
        count, asked, expected = sums.get(each.account.currency, (0, 0, 0))
        sums[each.account.currency] = (
            count + 1,
            asked + each.account.chaseable_minor,
            expected + each.expected_minor,
        )
    return [(currency, *figures) for currency, figures in sorted(sums.items(), key=lambda each: -each[1][1])]


def _tasks(work: Work, asked: Asked, me: UUID) -> list[Task]:
    return open_tasks(work, collector_id=me if asked.whose == MINE else None, until=today())


def _count(name: str) -> int | None:
    """How many an act was done for, where the address says so."""
    given = request.args.get(name, "")
    return int(given) if given.isdecimal() and len(given) < 5 else None  # noqa: PLR2004 -- fewer than that at once


def _back(**more: str) -> str:
    """The list as it was asked for."""
    asked = parse_qs(request.form.get("query", "")[:500])
    kept = {name: values[-1] for name, values in asked.items() if name in {"whose", "segment", "q"}}
    kept |= {name: value for name, value in more.items() if value}
    return f"{url_for('worklist.show')}?{urlencode(kept)}" if kept else url_for("worklist.show")
