"""What waits for somebody, one line each and in the order of their day, for the first page after sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import today
from config.law import LawUnknownError
from einvoice.flow_log import list_accounts
from einvoice.receiving.purchases import NEW, list_purchases
from einvoice.reporting.company import OWN, company_of
from einvoice.reporting.errors import ReportError
from einvoice.reporting.periods import ReportKind, period_of
from portal.access.context import place
from portal.access.roles import Role
from portal.navigation import opens
from portal.staff.credit.shown import uses
from portal.staff.matching.queue import count_waiting
from portal.staff.treasury.telling import contests_waiting, refunds_waiting
from portal.words import gettext, ngettext, note_text, number, short_day
from receivables.services.collecting.tasking import open_tasks
from receivables.services.risk.opening import requests_here
from receivables.services.settlement.writing_off import open_write_offs
from receivables.store.conversations.messages import count_unread
from receivables.store.risk.credit import list_derogations

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from receivables.store.work import Work

_COUNTED = 50
"""More purchases than these are told as so many and more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line: what waits, until when, and where to go. ``tone`` and ``icon`` as for badges."""

    name: str
    words: str
    href: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class FirstAct:
    """What somebody of a role most likely came for: the one filled button of their first page."""

    name: str
    href: str
    icon: str


_SELL = FirstAct(note_text("Nouvelle facture"), "/s/invoicing/new", "invoice")
FIRST_ACTS = {
    Role.OWNER: _SELL,
    Role.ACCOUNTANT: _SELL,
    Role.COLLECTOR: FirstAct(note_text("Commencer les relances"), "/s/work", "send"),
    Role.CREDIT_MANAGER: FirstAct(note_text("Voir les limites de crédit"), "/s/credit", "shield"),
    Role.SALES: FirstAct(note_text("Peut-on vendre à crédit ?"), "/s/credit?show=all", "shield"),
    Role.AUDITOR: FirstAct(note_text("Prendre les écritures"), "/s/exports", "download"),
}


def first_act() -> FirstAct | None:
    """The caller's first act, where they may do it here."""
    found = FIRST_ACTS.get(place().role)
    return found if found and opens(found.href.partition("?")[0]) else None


def what_waits(work: Work, reader: UUID) -> list[Waiting]:
    """The lines that have something to say to ``reader``, in the order of their role's day, where they may go."""
    found = (line(work, reader) for line in _LINES[place().role])
    return [each for each in found if each is not None and opens(each.href.partition("?")[0])]


def _tasks(work: Work, reader: UUID) -> Waiting | None:
    """What is planned up to today: a collector's own, everybody's for those who see the whole."""
    mine = place().role is Role.COLLECTOR
    tasks = open_tasks(work, collector_id=reader if mine else None, until=today())
    if not tasks:
        return None
    words = _many(ngettext("%(num)s tâche prévue", "%(num)s tâches prévues", len(tasks)), len(tasks))
    late = sum(each.due_on < today() for each in tasks)
    if late:
        overdue = ngettext("dont %(num)s en retard", "dont %(num)s en retard", late)
        words = f"{words}, {_many(overdue, late)}"
    whose = "mine" if mine else "all"
    return Waiting(gettext("À faire"), words, f"/s/work?whose={whose}#tasks", "late" if late else "part", "check")


def _derogations(work: Work, _: UUID) -> Waiting | None:
    """Requests to go above a limit for a time, which a second person decides."""
    count = len(list_derogations(work, states=["asked"], limit=_COUNTED))
    if not count:
        return None
    words = ngettext("%(num)s demande à décider", "%(num)s demandes à décider", count)
    return Waiting(gettext("Dérogations"), _many(words, count), "/s/credit/derogations", "part", "people")


def _limits(work: Work, _: UUID) -> Waiting | None:
    """Customers above their limit."""
    count = len(uses(work, "over"))
    if not count:
        return None
    words = ngettext("%(num)s client au-delà de sa limite", "%(num)s clients au-delà de leur limite", count)
    return Waiting(gettext("Crédit client"), _many(words, count), "/s/credit?show=over", "late", "shield")


def _requests(work: Work, _: UUID) -> Waiting | None:
    """People who ask for an account."""
    count = sum(each.state == "asked" for each in requests_here(work))
    if not count:
        return None
    words = ngettext("%(num)s ouverture de compte à décider", "%(num)s ouvertures de compte à décider", count)
    return Waiting(gettext("Demandes"), _many(words, count), "/s/requests", "part", "people")


def _bank(work: Work, _: UUID) -> Waiting | None:
    """Money on the bank's account of which nobody knows yet from whom it came."""
    count = sum(count_waiting(work).values())
    if not count:
        return None
    words = ngettext("%(num)s ligne de banque à identifier", "%(num)s lignes de banque à identifier", count)
    return Waiting(gettext("Rapprochement"), _many(words, count), "/s/matching", "part", "bank")


def _messages(work: Work, reader: UUID) -> Waiting | None:
    """Conversations with something that the reader has not read."""
    count = count_unread(work, reader)
    if not count:
        return None
    words = ngettext("%(num)s conversation avec du nouveau", "%(num)s conversations avec du nouveau", count)
    return Waiting(gettext("Messages"), _many(words, count), "/s/messages", "flight", "mail")


def _contests(work: Work, _: UUID) -> Waiting | None:
    """Payments that payers contest at their bank, and until when an answer is read."""
    found = contests_waiting(work)
    if found is None:
        return None
    return Waiting(gettext("Contestations"), found[0], "/s/treasury/disputes", found[1], "shield")


def _refunds(work: Work, _: UUID) -> Waiting | None:
    """Refunds that wait for a second person."""
    words = refunds_waiting(work)
    if words is None:
        return None
    return Waiting(gettext("Remboursements"), words, "/s/treasury/refunds?show=to_agree", "part", "people")


def _write_offs(work: Work, _: UUID) -> Waiting | None:
    """What is given up of claims and waits for a second person."""
    count = len(open_write_offs(work))
    if not count:
        return None
    words = ngettext("%(num)s abandon à valider", "%(num)s abandons à valider", count)
    return Waiting(gettext("Abandons"), _many(words, count), "/s/claims/write-offs", "part", "people")


def _disputes(work: Work, _: UUID) -> Waiting | None:
    """Disputes that are open, and the day by which the first of them wants an answer or an outcome."""
    row = work.row(
        "SELECT count(*) AS open, count(*) FILTER (WHERE due_on < :today) AS late, min(due_on) AS due_on "
        "FROM (SELECT CASE WHEN answered_at IS NULL AND state <> 'refused' THEN answer_due_on ELSE close_due_on END "
        "AS due_on FROM disputes WHERE supplier_id = :supplier AND closed_at IS NULL AND merged_into IS NULL) AS due",
        today=today(),
    )
    if row is None or not row["open"]:
        return None
    words = _many(ngettext("%(num)s litige en cours", "%(num)s litiges en cours", row["open"]), row["open"])
    if row["late"]:
        late = ngettext("%(num)s hors délai", "%(num)s hors délai", row["late"])
        return Waiting(gettext("Litiges"), f"{words}, {_many(late, row['late'])}", "/s/disputes", "late", "alert")
    clock = gettext("première réponse ou issue attendue le %(day)s") % {"day": short_day(row["due_on"])}
    tone = "part" if row["due_on"] == today() else "plain"
    return Waiting(gettext("Litiges"), f"{words}, {clock}", "/s/disputes", tone, "alert")


def _purchases(work: Work, _: UUID) -> Waiting | None:
    """Invoices received that nobody has looked at yet."""
    new = [each for each in list_purchases(work, narrowed="to_do", limit=_COUNTED) if each.state == NEW]
    if not new:
        return None
    words = _many(
        ngettext("%(num)s facture reçue à examiner", "%(num)s factures reçues à examiner", len(new)), len(new)
    )
    first = min((each.due_on for each in new if each.due_on), default=None)
    if first:
        due = gettext("première échéance le %(day)s") % {"day": short_day(first)}
        words = f"{words}, {due}"
    return Waiting(gettext("Achats"), words, "/s/purchases?show=to_do", "plain", "receipt")


def _flows(work: Work, _: UUID) -> Waiting | None:
    """What is on its way to a platform; what it refused is among the troubles."""
    accounts = list_accounts(work)
    if not accounts:
        return Waiting(
            gettext("Plateforme"),
            gettext("Aucune n'est raccordée : vos factures ne partent pas"),
            "/s/platform/flows",
            "part",
            "link",
        )
    waiting = sum(each.waiting + each.sent for each in accounts)
    if not waiting:
        return None
    words = ngettext("%(num)s envoi en route vers elle", "%(num)s envois en route vers elle", waiting)
    return Waiting(gettext("Plateforme"), _many(words, waiting), "/s/platform/flows", "flight", "send")


def _declarations(work: Work, _: UUID) -> Waiting | None:
    """The next declaration that we make, with its deadline; none where the platform declares."""
    if not any(each.active and each.driver.get("reporting") == OWN for each in list_accounts(work)):
        return None
    refused = work.scalar(
        "SELECT count(*) FROM reports WHERE supplier_id = :supplier AND state = 'refused' AND NOT EXISTS (SELECT 1 "
        "FROM reports AS later WHERE later.supplier_id = reports.supplier_id AND later.kind = reports.kind "
        "AND later.starts_on = reports.starts_on AND later.version > reports.version)"
    )
    if refused:
        words = ngettext("%(num)s déclaration refusée à refaire", "%(num)s déclarations refusées à refaire", refused)
        return Waiting(gettext("Déclarations"), _many(words, refused), "/s/reports", "late", "alert")
    try:
        regime = company_of(work).regime
        period = min((period_of(regime, kind, today()) for kind in ReportKind), key=lambda each: each.due_on)
    except (ReportError, LawUnknownError):
        return None
    words = gettext("la prochaine part d'elle-même après le %(last)s ; échéance le %(due)s")
    told = words % {"last": short_day(period.ends_on), "due": short_day(period.due_on)}
    return Waiting(gettext("Déclarations"), told, "/s/reports", "plain", "clock")


def _many(words: str, count: int) -> str:
    return words % {"num": number(count)}


_LINES: dict[Role, tuple[Callable[[Work, UUID], Waiting | None], ...]] = {
    Role.OWNER: (
        *(_contests, _disputes, _requests, _refunds, _write_offs, _derogations),
        *(_bank, _messages, _purchases, _flows, _declarations),
    ),
    Role.ACCOUNTANT: (
        *(_bank, _contests, _refunds, _write_offs, _purchases, _declarations, _flows, _disputes, _messages, _tasks),
        *(_requests, _derogations),
    ),
    Role.COLLECTOR: (_tasks, _messages, _disputes, _contests, _bank),
    Role.CREDIT_MANAGER: (_derogations, _requests, _limits, _tasks, _disputes, _write_offs, _refunds, _messages),
    Role.SALES: (_limits, _disputes, _messages),
    Role.AUDITOR: (_declarations, _flows, _contests, _refunds, _write_offs),
}
