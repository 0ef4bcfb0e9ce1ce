"""Dunning in PostgreSQL: settings, scenarios with their versions, stops, and what was written to whom."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.errors import NotFoundError, ReceivablesError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from receivables.domain.collecting.reminders import Reminder
    from receivables.store.work import Work

PAGE = 50
MAX_WHY = 300
COUNTS = (
    "(notice.state IN ('written', 'posted') AND NOT EXISTS (SELECT 1 FROM mails AS mail "
    "WHERE mail.supplier_id = :supplier AND mail.mail_id = notice.mail_id "
    "AND mail.state IN ('withdrawn', 'failed', 'bounced')))"
)
"""Whether a row ``notice`` counts: one that was withdrawn or came back reminded nobody."""


@dataclass(frozen=True, slots=True)
class DunningSettings:
    """How a supplier reminds; hours are those of Paris, ``notice_days`` is the time that a formal notice leaves."""

    automatic: bool = False
    opens_at: time = time(9)
    closes_at: time = time(18)
    mail_every_days: int = 5
    call_every_days: int = 7
    notice_days: int = 8
    signatory: str = ""
    signatory_title: str = ""


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """A version of a scenario as it is kept; the steps are data."""

    scenario_id: UUID
    segment: str
    version: int
    name: str
    steps: list[dict[str, Any]]
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """Nobody reminds a customer until a day."""

    stop_id: UUID
    customer_id: UUID
    why: str
    until_on: date
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A reminder that was written, with what was asked for by currency; ``mail_state`` of a mail."""

    notice_id: UUID
    customer_id: UUID
    customer_name: str
    channel: str
    level: int
    template: str
    contact: dict[str, Any]
    mail_id: UUID | None
    mail_state: str | None
    sha256: str | None
    filename: str | None
    written_by: str
    approved_by: str | None
    state: str
    reason: str | None
    posted_on: date | None
    tracking: str | None
    written_on: date
    written_at: datetime
    invoices: int
    totals: dict[str, int]


_NAMES = tuple(each.name for each in fields(DunningSettings))
_SCENARIO_NAMES = tuple(each.name for each in fields(ScenarioRow))
_IN_FORCE = (
    "SELECT DISTINCT ON (segment) * FROM dunning_scenarios WHERE supplier_id = :supplier ORDER BY segment, version DESC"
)
_NOTICE = (
    "SELECT notice.notice_id, notice.customer_id, customer.name AS customer_name, notice.channel, notice.level, "
    "notice.template, notice.contact, notice.mail_id, mail.state AS mail_state, notice.sha256, notice.filename, "
    "notice.written_by, notice.approved_by, notice.state, notice.reason, notice.posted_on, notice.tracking, "
    "notice.written_on, notice.written_at, (SELECT count(*) FROM dunned_invoices AS part "
    "WHERE part.supplier_id = :supplier AND part.notice_id = notice.notice_id) AS invoices, "
    "(SELECT coalesce(jsonb_object_agg(currency, minor), '{}') FROM (SELECT currency, sum(amount_minor) AS minor "
    "FROM dunned_invoices AS part WHERE part.supplier_id = :supplier AND part.notice_id = notice.notice_id "
    "GROUP BY currency) AS sums) AS totals FROM dunning_notices AS notice JOIN customers AS customer "
    "USING (supplier_id, customer_id) LEFT JOIN mails AS mail USING (supplier_id, mail_id) "
    "WHERE notice.supplier_id = :supplier "
)


def find_settings(work: Work) -> DunningSettings | None:
    """How this supplier reminds, or ``None`` where nobody has said so: then nobody is reminded."""
    row = work.row(f"SELECT {', '.join(_NAMES)} FROM dunning_settings WHERE supplier_id = :supplier")
    return DunningSettings(**row) if row else None


def settings_and_scenarios(work: Work) -> tuple[DunningSettings | None, list[ScenarioRow]]:
    """How this supplier reminds, and :func:`scenarios_in_force`, read at once."""
    rows = work.rows(
        f"SELECT {', '.join((*_NAMES, *_SCENARIO_NAMES))}, settings.supplier_id AS said, force.supplier_id AS written "
        "FROM (SELECT * FROM dunning_settings WHERE supplier_id = :supplier) AS settings "
        f"FULL JOIN ({_IN_FORCE}) AS force USING (supplier_id)"
    )
    said = next((row for row in rows if row["said"]), None)
    settings = DunningSettings(**{name: said[name] for name in _NAMES}) if said else None
    found = [ScenarioRow(**{name: row[name] for name in _SCENARIO_NAMES}) for row in rows if row["written"]]
    return settings, sorted(found, key=_usual_first)


def save_settings(work: Work, settings: DunningSettings, next_run_at: datetime | None, actor: str) -> None:
    """Keep how this supplier reminds."""
    values = {name: getattr(settings, name) for name in _NAMES}
    sets = ", ".join(f"{name} = excluded.{name}" for name in (*_NAMES, "next_run_at", "changed_by", "changed_at"))
    work.execute(
        f"INSERT INTO dunning_settings (supplier_id, {', '.join(_NAMES)}, next_run_at, changed_by, changed_at) "
        f"VALUES (:supplier, {', '.join(f':{name}' for name in _NAMES)}, :next_run_at, :actor, :at) "
        f"ON CONFLICT (supplier_id) DO UPDATE SET {sets}",
        **values,
        next_run_at=next_run_at,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "dunning.settings", str(work.supplier_id), automatic=settings.automatic)


def set_next_run(work: Work, at: datetime | None) -> None:
    """When the worker looks next."""
    work.execute("UPDATE dunning_settings SET next_run_at = :at WHERE supplier_id = :supplier", at=at)


def scenarios_in_force(work: Work) -> list[ScenarioRow]:
    """The newest version of every segment's scenario, the usual segment first."""
    rows = work.rows(f"SELECT {', '.join(_SCENARIO_NAMES)} FROM ({_IN_FORCE}) AS force")
    return sorted((ScenarioRow(**row) for row in rows), key=_usual_first)


def _usual_first(row: ScenarioRow) -> tuple[bool, str]:
    return row.segment != "standard", row.segment


def add_scenario(work: Work, segment: str, name: str, steps: Sequence[Mapping[str, Any]], actor: str) -> UUID:
    """Add a version of a segment's scenario: from now on it counts."""
    scenario_id = new_id()
    work.execute(
        "INSERT INTO dunning_scenarios (supplier_id, scenario_id, segment, version, name, steps, made_by, made_at) "
        "VALUES (:supplier, :id, :segment, 1 + coalesce((SELECT max(version) FROM dunning_scenarios "
        "WHERE supplier_id = :supplier AND segment = :segment), 0), :name, CAST(:steps AS jsonb), :actor, :at)",
        id=scenario_id,
        segment=segment,
        name=name,
        steps=to_json(list(steps)),
        actor=actor,
        at=now(),
    )
    work.audit(actor, "dunning.scenario", str(scenario_id), segment=segment)
    return scenario_id


def stop_customer(work: Work, customer_id: UUID, why: str, until_on: date, actor: str) -> None:
    """Nobody reminds a customer until a day; a stop of before ends.

    Raises:
        ReceivablesError: ``dunning.no_reason``: without one nobody knows later why it was.
    """
    if not why.strip():
        raise ReceivablesError(
            "dunning.no_reason", "Say why nobody shall be reminded.", "Dites pourquoi on ne relance pas ce client."
        )
    resume_customer(work, customer_id, actor)
    work.execute(
        "INSERT INTO dunning_stops (supplier_id, stop_id, customer_id, why, until_on, made_by, made_at) "
        "VALUES (:supplier, :id, :customer, :why, :until, :actor, :at)",
        id=new_id(),
        customer=customer_id,
        why=why.strip()[:MAX_WHY],
        until=until_on,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "dunning.stopped", str(customer_id), until_on=until_on)


def resume_customer(work: Work, customer_id: UUID, actor: str) -> bool:
    """End the stop of a customer; whether there was one."""
    ended = work.execute(
        "UPDATE dunning_stops SET ended_by = :actor, ended_at = :at "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND ended_at IS NULL",
        customer=customer_id,
        actor=actor,
        at=now(),
    )
    if ended:
        work.audit(actor, "dunning.resumed", str(customer_id))
    return bool(ended)


def stop_of(work: Work, customer_id: UUID, today: date) -> Stop | None:
    """The stop under which a customer is."""
    row = work.row(
        "SELECT stop_id, customer_id, why, until_on, made_by, made_at FROM dunning_stops WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND ended_at IS NULL AND until_on > :today ORDER BY made_at DESC LIMIT 1",
        customer=customer_id,
        today=today,
    )
    return Stop(**row) if row else None


@dataclass(frozen=True, slots=True)
class Writing:
    """What was made of a reminder: a mail in the book or a letter in the archive, and who let it go."""

    notice_id: UUID
    written_on: date
    written_by: str
    approved_by: str | None = None
    mail_id: UUID | None = None
    sha256: str | None = None
    filename: str | None = None


def insert_notice(work: Work, reminder: Reminder, writing: Writing) -> None:
    """Keep a reminder with what it asked for."""
    contact = reminder.recipient
    at = now()
    work.execute(
        "INSERT INTO dunning_notices (supplier_id, notice_id, customer_id, scenario_id, channel, level, template, "
        "contact, mail_id, sha256, filename, written_by, approved_by, state, written_on, written_at, changed_at) "
        "VALUES (:supplier, :id, :customer, :scenario, :channel, :level, :template, CAST(:contact AS jsonb), :mail, "
        ":sha256, :filename, :written_by, :approved_by, 'written', :written_on, :at, :at)",
        id=writing.notice_id,
        customer=reminder.customer_id,
        scenario=reminder.scenario_id,
        channel=reminder.channel,
        level=reminder.level,
        template=reminder.step.template,
        contact=to_json({"name": contact.name, "email": contact.email, "phone": contact.phone} if contact else {}),
        mail=writing.mail_id,
        sha256=writing.sha256,
        filename=writing.filename,
        written_by=writing.written_by,
        approved_by=writing.approved_by,
        written_on=writing.written_on,
        at=at,
    )
    for part in reminder.parts:
        work.execute(
            "INSERT INTO dunned_invoices (supplier_id, notice_id, invoice_id, step, level, late_from, amount_minor, "
            "currency, why) VALUES (:supplier, :notice, :invoice, :step, :level, :late_from, :amount, :currency, :why)",
            notice=writing.notice_id,
            invoice=part.invoice_id,
            step=part.step.key,
            level=part.step.level,
            late_from=part.late_from,
            amount=part.amount_minor,
            currency=part.currency,
            why=part.why,
        )


def withdraw_letter(work: Work, notice_id: UUID, reason: str, actor: str) -> None:
    """A letter is not posted after all: it counts as never written.

    Raises:
        NotFoundError: ``dunning.no_letter``: no letter of that id waits for the post.
    """
    _settle_letter(
        work,
        "UPDATE dunning_notices SET state = 'withdrawn', reason = :reason, changed_at = :at",
        notice_id,
        reason=reason.strip()[:MAX_WHY] or None,
    )
    work.audit(actor, "dunning.letter_withdrawn", str(notice_id), reason=reason)


def note_posted(work: Work, notice_id: UUID, posted_on: date, tracking: str, actor: str) -> None:
    """A letter was handed to the post, with its number there where it has one.

    Raises:
        NotFoundError: ``dunning.no_letter``: no letter of that id waits for the post.
    """
    _settle_letter(
        work,
        "UPDATE dunning_notices SET state = 'posted', posted_on = :on, tracking = :tracking, changed_at = :at",
        notice_id,
        on=posted_on,
        tracking=tracking.strip() or None,
    )
    work.audit(actor, "dunning.posted", str(notice_id), posted_on=posted_on, tracking=tracking)


def _settle_letter(work: Work, change: str, notice_id: UUID, **values: Any) -> None:
    where = " WHERE supplier_id = :supplier AND notice_id = :id AND sha256 IS NOT NULL AND state = 'written'"
    if not work.execute(change + where, id=notice_id, at=now(), **values):
        raise NotFoundError(
            "dunning.no_letter", "No such letter waits for the post.", "Aucune lettre de ce numéro n'attend la poste."
        )


def get_notice(work: Work, notice_id: UUID) -> Notice:
    """One notice.

    Raises:
        NotFoundError: ``dunning.not_found``.
    """
    row = work.row(_NOTICE + "AND notice.notice_id = :id", id=notice_id)
    if row is None:
        raise NotFoundError("dunning.not_found", "There is no such reminder.", "Cette relance n'existe pas.")
    return Notice(**row)


def list_notices(
    work: Work, *, customer_id: UUID | None = None, after: UUID | None = None, limit: int = PAGE
) -> list[Notice]:
    """What was written, newest first; one more than ``limit`` where there is more."""
    rows = work.rows(
        _NOTICE + "AND (CAST(:customer AS uuid) IS NULL OR notice.customer_id = :customer) "
        "AND (CAST(:after AS uuid) IS NULL OR (notice.written_at, notice.notice_id) < (SELECT written_at, notice_id "
        "FROM dunning_notices WHERE supplier_id = :supplier AND notice_id = :after)) "
        "ORDER BY notice.written_at DESC, notice.notice_id DESC LIMIT :limit",
        customer=customer_id,
        after=after,
        limit=limit + 1,
    )
    return [Notice(**row) for row in rows]


def invoices_of(work: Work, notice_id: UUID) -> list[dict[str, Any]]:
    """The invoices of a notice: number, amount asked for, step, and since when they are late."""
    rows = work.rows(
        "SELECT part.invoice_id, invoice.number, invoice.due_on, part.step, part.level, part.late_from, "
        "part.amount_minor, part.currency, part.why FROM dunned_invoices AS part JOIN invoices AS invoice "
        "USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND notice_id = :id "
        "ORDER BY part.late_from, invoice.number",
        id=notice_id,
    )
    return [dict(row) for row in rows]


def notice_of_mail(work: Work, mail_id: UUID) -> UUID | None:
    """The notice that a mail carries."""
    found: UUID | None = work.scalar(
        "SELECT notice_id FROM dunning_notices WHERE supplier_id = :supplier AND mail_id = :mail", mail=mail_id
    )
    return found
