"""What waits for somebody, one line each, for the first page after sign-in."""

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
from portal.navigation import opens
from portal.staff.treasury.telling import contests_waiting, refunds_waiting
from portal.words import gettext, ngettext, number, short_day
from receivables.services.settlement.writing_off import open_write_offs
from receivables.store.conversations.messages import count_unread

if TYPE_CHECKING:
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


def what_waits(work: Work, reader: UUID) -> list[Waiting]:
    """The lines that have something to say to ``reader`` and lead where the caller may go, those with a clock first."""
    found = (
        _contests(work),
        _disputes(work),
        _messages(work, reader),
        _refunds(work),
        _write_offs(work),
        _purchases(work),
        _flows(work),
        _declarations(work),
    )
    return [each for each in found if each is not None and opens(each.href.partition("?")[0])]


def _messages(work: Work, reader: UUID) -> Waiting | None:
    """Conversations with something that the reader has not read."""
    count = count_unread(work, reader)
    if not count:
        return None
    words = ngettext("%(num)s conversation avec du nouveau", "%(num)s conversations avec du nouveau", count)
    return Waiting(gettext("Messages"), _many(words, count), "/s/messages", "flight", "mail")


def _contests(work: Work) -> Waiting | None:
    """Payments that payers contest at their bank, and until when an answer is read."""
    found = contests_waiting(work)
    if found is None:
        return None
    return Waiting(gettext("Contestations"), found[0], "/s/treasury/disputes", found[1], "shield")


def _refunds(work: Work) -> Waiting | None:
    """Refunds that wait for a second person."""
    words = refunds_waiting(work)
    if words is None:
        return None
    return Waiting(gettext("Remboursements"), words, "/s/treasury/refunds?show=to_agree", "part", "people")


def _write_offs(work: Work) -> Waiting | None:
    """What is given up of claims and waits for a second person."""
    count = len(open_write_offs(work))
    if not count:
        return None
    words = ngettext("%(num)s abandon à valider", "%(num)s abandons à valider", count)
    return Waiting(gettext("Abandons"), _many(words, count), "/s/claims/write-offs", "part", "people")


def _disputes(work: Work) -> Waiting | None:
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


def _purchases(work: Work) -> Waiting | None:
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


def _flows(work: Work) -> Waiting | None:
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


def _declarations(work: Work) -> Waiting | None:
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
