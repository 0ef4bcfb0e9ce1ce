"""Proceedings (procédures collectives): what was owed before the opening rests, goes to 416 and has to be declared.

Sources: C. com. L622-7 and L622-21 (nobody pays or is asked for earlier debts), L622-17 (what is born afterwards is
paid when due), L622-24 and R622-24 (declaration), L622-28 (interest stops).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now, today
from config.law import LawUnknownError, accounts_on, table
from config.law.days import on_or_after
from receivables.domain.accounting.ledger import OTHER_JOURNAL, Chart, Entry, signed
from receivables.domain.collecting.chasing import Hold
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.services.collecting.tasking import NewTask, drop_tasks, open_task
from receivables.store.accounting.periods import first_open_day
from receivables.store.collecting.claims import BORN_ON
from receivables.store.customer_file.customers import get_customer, lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event
from receivables.store.settlement.books import write_entries

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

KINDS = ("sauvegarde", "redressement", "liquidation")
DOUBTFUL = "doubtful"
"""Source kind of the entries between 411 and 416."""
_IN_PROCEEDINGS = "SELECT EXISTS (SELECT 1 FROM insolvencies WHERE supplier_id = :supplier AND customer_id = ANY(:ids))"
_ALL = 1 << 62
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class NewInsolvency:
    """What is known of proceedings: when they were opened, when published in the BODACC, and who says so."""

    customer_id: UUID
    kind: str
    opened_on: date
    source: str
    actor: str
    published_on: date | None = None


@dataclass(frozen=True, slots=True)
class Insolvency:
    """Proceedings as they stand; ``state`` is ``open`` or ``ended``."""

    insolvency_id: UUID
    customer_id: UUID
    customer_name: str
    kind: str
    opened_on: date
    published_on: date | None
    source: str
    state: str
    ended_on: date | None
    noted_by: str
    noted_at: datetime

    @property
    def declare_by(self) -> date:
        """The last day to declare; from the opening as long as no publication is known, which is too early at worst."""
        return declaration_deadline(self.published_on or self.opened_on)


def declaration_deadline(published_on: date) -> date:
    """The last day on which a claim may be declared (C. com. R622-24; CPC 641: same day of the month, 642: open day).

    Raises:
        LawUnknownError: no row of ``config/law/insolvency.toml`` had begun.
    """
    rows = [row for row in table("insolvency")["declaration"] if row["since"] <= published_on]
    if not rows:
        raise LawUnknownError(f"No time to declare is known for {published_on}: see config/law/insolvency.toml.")
    months = published_on.month - 1 + max(rows, key=lambda row: row["since"])["months"]
    year, month = published_on.year + months // _MONTHS, months % _MONTHS + 1
    return on_or_after(date(year, month, min(published_on.day, monthrange(year, month)[1])))


def note_insolvency(work: Work, new: NewInsolvency) -> UUID:
    """Note proceedings: earlier debts rest and go to 416, sales stop, somebody declares. Returns their id.

    Raises:
        NotFoundError: ``customer.not_found``.
        ReceivablesError: ``insolvency.bad_kind``, ``insolvency.bad_days``, ``insolvency.no_source``.
        ConflictError: ``insolvency.open``: proceedings of this customer are noted already.
    """
    get_customer(work, new.customer_id)
    _check(new)
    lock_customers(work, [new.customer_id])
    if work.row(_OPEN + "AND customer_id = :customer", customer=new.customer_id):
        raise ConflictError(
            "insolvency.open",
            "Proceedings of this customer are noted already: change those, or end them first.",
            "Une procédure de ce client est déjà notée : modifiez-la, ou mettez-y fin d'abord.",
        )
    insolvency_id, at = new_id(), now()
    work.execute(
        "INSERT INTO insolvencies (supplier_id, insolvency_id, customer_id, kind, opened_on, published_on, source, "
        "state, noted_by, noted_at, changed_at) "
        "VALUES (:supplier, :id, :customer, :kind, :opened, :published, :source, 'open', :actor, :at, :at)",
        id=insolvency_id,
        customer=new.customer_id,
        kind=new.kind,
        opened=new.opened_on,
        published=new.published_on,
        source=new.source.strip(),
        actor=new.actor,
        at=at,
    )
    told = {"kind": new.kind, "opened_on": new.opened_on, "source": new.source.strip()}
    work.audit(new.actor, "insolvency.noted", str(insolvency_id), **told, published_on=new.published_on)
    _note(work, new.customer_id, "insolvency.noted", new.actor, told)
    _ask_declaration(work, get_insolvency(work, insolvency_id))
    follow_doubtful(work, [new.customer_id], new.actor)
    return insolvency_id


def publish_insolvency(work: Work, insolvency_id: UUID, published_on: date, actor: str) -> None:
    """Note the day of publication in the BODACC: from it counts the time to declare.

    Raises:
        NotFoundError: ``insolvency.not_found``.
        ReceivablesError: ``insolvency.bad_days``.
    """
    found = _locked(work, insolvency_id)
    if not found.opened_on <= published_on <= today():
        raise _bad_days()
    _change(work, insolvency_id, "published_on = :value", published_on)
    work.audit(actor, "insolvency.published", str(insolvency_id), published_on=published_on)
    told = {"published_on": published_on, "kind": found.kind}
    _note(work, found.customer_id, "insolvency.published", actor, told)
    _ask_declaration(work, get_insolvency(work, insolvency_id))


def convert_insolvency(work: Work, insolvency_id: UUID, kind: str, actor: str) -> None:
    """Proceedings became others (a redressement a liquidation): the opening, and what is owed from before, stay.

    Raises:
        NotFoundError: ``insolvency.not_found``.
        ReceivablesError: ``insolvency.bad_kind``.
    """
    found = _locked(work, insolvency_id)
    if kind not in KINDS:
        raise _bad_kind()
    _change(work, insolvency_id, "kind = :value", kind)
    work.audit(actor, "insolvency.converted", str(insolvency_id), kind=kind)
    _note(work, found.customer_id, "insolvency.converted", actor, {"kind": kind})


def end_insolvency(work: Work, insolvency_id: UUID, ended_on: date, actor: str) -> None:
    """End proceedings: what is still open is an ordinary debt again, on 411.

    Raises:
        NotFoundError: ``insolvency.not_found``.
        ReceivablesError: ``insolvency.bad_days``.
    """
    found = _locked(work, insolvency_id)
    if not found.opened_on <= ended_on <= today():
        raise _bad_days()
    _change(work, insolvency_id, "state = 'ended', ended_on = :value", ended_on)
    work.audit(actor, "insolvency.ended", str(insolvency_id), ended_on=ended_on)
    told = {"kind": found.kind, "ended_on": ended_on}
    _note(work, found.customer_id, "insolvency.ended", actor, told)
    drop_tasks(work, f"insolvency/{insolvency_id}/", "the proceedings are over")
    follow_doubtful(work, [found.customer_id], actor)


def follow_doubtful(work: Work, customer_ids: Collection[UUID], actor: str = "system") -> None:
    """Bring 416 to what is open of debts older than open proceedings, and back to 411 what is settled (locked).

    Lettering stays on 411: what is settled first comes back there. A function of what is open, whichever came first.
    """
    ids = list(customer_ids)
    if not work.scalar(_IN_PROCEEDINGS, ids=ids):  # nearly everybody: every movement of money asks
        return
    rows = work.rows(
        "WITH doubted AS (SELECT customer_id, opened_on, state FROM insolvencies WHERE supplier_id = :supplier "
        "AND customer_id = ANY(:ids)), "
        "wanted AS (SELECT item.invoice_id, item.customer_id, item.currency::text AS unit, sum(item.open_minor) "
        "AS minor FROM receivable_items AS item JOIN invoices AS invoice ON invoice.supplier_id = :supplier "
        "AND invoice.invoice_id = item.invoice_id JOIN doubted ON doubted.customer_id = item.customer_id "
        f"AND doubted.state = 'open' AND {BORN_ON} < doubted.opened_on WHERE item.supplier_id = :supplier "
        "AND item.kind = 'invoice' AND item.debit AND item.open_minor > 0 GROUP BY 1, 2, 3), "
        "booked AS (SELECT invoice_id, customer_id, currency::text AS unit, sum(debit_minor - credit_minor) "
        "AS minor FROM postings WHERE supplier_id = :supplier AND account = :doubtful AND customer_id IN "
        "(SELECT customer_id FROM doubted) GROUP BY 1, 2, 3) "
        "SELECT invoice_id, customer_id, unit AS currency, customer.name, invoice.number, "
        "(coalesce(wanted.minor, 0) - coalesce(booked.minor, 0))::bigint AS minor FROM wanted "
        "FULL JOIN booked USING (invoice_id, customer_id, unit) JOIN invoices AS invoice "
        "USING (invoice_id, customer_id) JOIN customers AS customer USING (customer_id) "
        "WHERE invoice.supplier_id = :supplier AND customer.supplier_id = :supplier "
        "AND coalesce(wanted.minor, 0) <> coalesce(booked.minor, 0) ORDER BY invoice.number",
        ids=ids,
        doubtful=_chart().doubtful,
    )
    if not rows:
        return
    day = max(today(), first_open_day(work) or today())
    entries = [_transfer(row, day) for row in rows]
    write_entries(work, entries)
    work.audit_all(
        [
            {
                "actor": actor,
                "act": f"{DOUBTFUL}.booked",
                "object": entry.source_ref,
                "details": {"entry_id": entry.entry_id},
            }
            for entry in entries
        ]
    )


def _chart() -> Chart:
    return Chart(**accounts_on(today()))


def _transfer(row: RowMapping, day: date) -> Entry:
    """D 416 / C 411 for what became doubtful, the other way round for what no longer is."""
    chart, entry_id = _chart(), new_id()
    owner = {"customer_id": row["customer_id"], "invoice_id": row["invoice_id"]}
    return Entry(
        entry_id=entry_id,
        journal=OTHER_JOURNAL,
        booked_on=day,
        source_kind=DOUBTFUL,
        source_ref=str(entry_id),
        document_ref=row["number"],
        label=row["name"],
        currency=row["currency"],
        postings=(
            signed(new_id(), chart.doubtful, row["minor"], **owner),
            signed(new_id(), chart.customers, -row["minor"], **owner),
        ),
    )


def insolvent(work: Work, invoice_ids: Sequence[UUID], _today: date) -> dict[UUID, Hold]:
    """Invoices older than open proceedings of their customer: nobody chases them. Later ones are paid when due."""
    rows = work.rows(
        "SELECT invoice.invoice_id FROM invoices AS invoice JOIN insolvencies AS doubted "
        "USING (supplier_id, customer_id) WHERE supplier_id = :supplier AND invoice.invoice_id = ANY(:ids) "
        f"AND doubted.state = 'open' AND {BORN_ON} < doubted.opened_on",
        ids=list(invoice_ids),
    )
    return {row["invoice_id"]: Hold("insolvent", _ALL) for row in rows}


_TOLD = (
    "SELECT insolvency_id, doubted.customer_id, customer.name AS customer_name, doubted.kind, opened_on, published_on, "
    "source, state, ended_on, noted_by, noted_at FROM insolvencies AS doubted JOIN customers AS customer "
    "USING (supplier_id, customer_id) WHERE supplier_id = :supplier "
)
_OPEN = _TOLD + "AND state = 'open' "


def open_insolvency(work: Work, customer_id: UUID) -> Insolvency | None:
    """The open proceedings of a customer."""
    row = work.row(_OPEN + "AND doubted.customer_id = :customer", customer=customer_id)
    return Insolvency(**row) if row else None


def list_insolvencies(work: Work, *, limit: int = 50) -> list[Insolvency]:
    """Open proceedings of all customers, the newest first."""
    rows = work.rows(_OPEN + "ORDER BY opened_on DESC, insolvency_id LIMIT :limit", limit=limit)
    return [Insolvency(**row) for row in rows]


def get_insolvency(work: Work, insolvency_id: UUID) -> Insolvency:
    """Proceedings, open or ended.

    Raises:
        NotFoundError: ``insolvency.not_found``.
    """
    row = work.row(_TOLD + "AND insolvency_id = :id", id=insolvency_id)
    if row is None:
        raise NotFoundError(
            "insolvency.not_found", "There are no such proceedings.", "Cette procédure n'est pas notée ici."
        )
    return Insolvency(**row)


def _locked(work: Work, insolvency_id: UUID) -> Insolvency:
    lock_customers(work, [get_insolvency(work, insolvency_id).customer_id])
    found = get_insolvency(work, insolvency_id)
    if found.state != "open":
        raise NotFoundError("insolvency.not_found", "These proceedings are over.", "Cette procédure est déjà terminée.")
    return found


def _note(work: Work, customer_id: UUID, kind: str, actor: str, told: dict[str, Any]) -> None:
    note_event(work, AccountEvent(customer_id, kind, actor, shown=False, facts=told))


def _change(work: Work, insolvency_id: UUID, what: str, value: date | str) -> None:
    work.execute(
        f"UPDATE insolvencies SET {what}, changed_at = :at WHERE supplier_id = :supplier AND insolvency_id = :id",
        id=insolvency_id,
        value=value,
        at=now(),
    )


def _ask_declaration(work: Work, found: Insolvency) -> None:
    """Put the declaration of the claim (déclaration de créance) on the list, by its day; one at a time."""
    prefix = f"insolvency/{found.insolvency_id}/declare/"
    drop_tasks(work, prefix, "its day changed")
    told = {"kind": found.kind, "opened_on": found.opened_on, "deadline_on": found.declare_by}
    told |= {"published_on": found.published_on}
    key = f"{prefix}{found.published_on or 'opening'}"
    open_task(work, NewTask(key, "insolvency.declare", found.declare_by, found.customer_id, facts=told))


def _check(new: NewInsolvency) -> None:
    if new.kind not in KINDS:
        raise _bad_kind()
    if new.opened_on > today() or (new.published_on and not new.opened_on <= new.published_on <= today()):
        raise _bad_days()
    if not new.source.strip():
        raise ReceivablesError(
            "insolvency.no_source",
            "Say where this is from: the announcement in the BODACC, a letter of the trustee.",
            "Dites d'où vient l'information : annonce au BODACC, courrier du mandataire.",
        )


def _bad_kind() -> ReceivablesError:
    return ReceivablesError(
        "insolvency.bad_kind",
        f"Proceedings are one of {', '.join(KINDS)}.",
        "Une procédure est une sauvegarde, un redressement ou une liquidation.",
    )


def _bad_days() -> ReceivablesError:
    return ReceivablesError(
        "insolvency.bad_days",
        "Proceedings are opened, then published, then ended: none of these days is in the future.",
        "Une procédure est ouverte, puis publiée, puis close : aucun de ces jours n'est dans l'avenir.",
    )
