"""The litigation file (dossier contentieux): debts, invoices, exchanges and proofs of every reminder, as one zip.

For an order for payment (injonction de payer, CPC art. 1405) or a lawyer: whoever reads it needs nothing of ours.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from config.clock import PARIS, today
from portal.evidence.bundle import REMOVED, SECRETS, write_bundle
from portal.evidence.facts import gather_facts, safe_name
from portal.tables import Column, Form, write_table
from receivables.domain.money import Money
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.collecting.chasing import chase_states
from receivables.services.collecting.reckoning import Reckoned, last_day_known, reckon
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.collecting.dunning import list_notices
from receivables.store.customer_file.customers import get_customer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from portal.wiring import Services
    from receivables.domain.collecting.chasing import ChaseState
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.collecting.dunning import Notice
    from receivables.store.work import Work

MADE = "dunning.file_made"
MOST_INVOICES = 200
MOST_NOTICES = 500
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_READ_ME = """Dossier contentieux

creances.csv, creances.xlsx : ce qui est dû, facture par facture, avec les pénalités arrêtées au dernier taux connu
factures/  : les factures telles qu'émises (PDF, XML)
relances/  : chaque relance telle qu'écrite (courriels et lettres), et la liste avec leurs preuves d'envoi ou de dépôt
echanges/  : messages, contestations, promesses et journal du compte
preuves/   : le dossier de preuve de chaque facture (écritures, statuts, journal scellé)
SHA256SUMS : l'empreinte de chaque fichier
"""


@dataclass(frozen=True, slots=True)
class LitigationFile:
    """The zip, under its name."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Debt:
    """One line of the debts."""

    due: InvoiceDue
    chase: ChaseState
    late: Reckoned | None


def make_litigation_file(services: Services, supplier_id: UUID, customer_id: UUID, actor: str) -> LitigationFile:
    """Everything about what a customer owes; the making is noted in the audit trail with the hash of the zip.

    Raises:
        NotFoundError: ``customer.not_found``, ``dunning.nothing_late``.
        ArchiveError: a file cannot be read, or is not what it was; a file is never left out.
    """
    with services.works.begin(supplier_id) as work:
        customer = get_customer(work, customer_id)
        debts = _debts(work, customer_id)
        files = {"LISEZMOI.txt": _READ_ME.encode(), **_tables(debts), **_exchanges(work, customer_id)}
        notices = list_notices(work, customer_id=customer_id, limit=MOST_NOTICES)
        files |= _reminders(services, work, notices)
        facts = {each.due.number: gather_facts(work, each.due.invoice_id) for each in debts}
    for number, each in facts.items():
        for member in each.members:
            if member.sha is not None and member.file.startswith("documents/"):
                files[f"factures/{safe_name(number)}/{member.file.rsplit('/', 1)[-1]}"] = services.archive.get(
                    member.sha
                )
        files[f"preuves/{safe_name(number)}.zip"] = write_bundle(each, services.archive).content
    sums = "".join(f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in sorted(files.items()))
    content = _zip({**files, "SHA256SUMS": sums.encode()})
    with services.works.begin(supplier_id) as work:
        work.audit(actor, MADE, str(customer_id), sha256=hashlib.sha256(content).hexdigest(), invoices=len(debts))
    return LitigationFile(f"{safe_name(customer.account_code)}-contentieux-{today()}.zip", content)


def _debts(work: Work, customer_id: UUID) -> list[_Debt]:
    rows = work.rows(
        "SELECT invoice_id FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND kind = 'invoice' AND open_minor > 0 AND due_on < :today ORDER BY due_on, invoice_id LIMIT :most",
        customer=customer_id,
        today=today(),
        most=MOST_INVOICES,
    )
    ids = [row["invoice_id"] for row in rows]
    if not ids:
        raise NotFoundError(
            "dunning.nothing_late", "This customer owes nothing that is late.", "Ce client n'a rien d'échu à payer."
        )
    states = chase_states(work, ids, today())
    try:
        late = {each.late.invoice_id: each for each in reckon(work, ids, last_day_known(today()))}
    except ReceivablesError:
        late = {}  # the law's rate is not known: the columns stay empty, and nothing is guessed
    return [_Debt(due, states[due.invoice_id], late.get(due.invoice_id)) for due in due_on_invoices(work, ids)]


def _tables(debts: Sequence[_Debt]) -> dict[str, bytes]:
    columns: list[Column[_Debt]] = [
        Column("number", "Facture", "Invoice", lambda d: d.due.number),
        Column("due_on", "Échéance", "Due on", lambda d: d.due.due_on),
        Column("currency", "Devise", "Currency", lambda d: d.due.currency),
        Column("total", "Total TTC", "Total", lambda d: Money(d.due.total_minor, d.due.currency)),
        Column("open", "Reste dû", "Open", lambda d: Money(d.due.open_minor, d.due.currency)),
        Column("asked", "Réclamé", "Asked for", lambda d: Money(d.chase.chaseable_minor, d.due.currency)),
        Column("held", "Retenu", "Held", lambda d: ", ".join(hold.why for hold in d.chase.holds)),
        Column("interest", "Pénalités", "Interest", lambda d: _money(d, "interest_minor")),
        Column("indemnity", "Indemnité", "Indemnity", lambda d: _money(d, "indemnity_minor")),
    ]
    found = {}
    for form in (Form.CSV, Form.XLSX):
        out = BytesIO()
        write_table(out, columns, debts, form)
        found[f"creances.{form}"] = out.getvalue()
    return found


def _money(debt: _Debt, name: str) -> Money | None:
    return Money(getattr(debt.late, name), debt.due.currency) if debt.late and debt.late.why_not is None else None


def _reminders(services: Services, work: Work, notices: Sequence[Notice]) -> dict[str, bytes]:
    """Every reminder as it was written, and the list of them with the proof that each went."""
    files: dict[str, bytes] = {}
    for place, each in enumerate(reversed(notices), start=1):
        name = f"relances/{place:03d}-{each.written_on}-{each.template}"
        mail = work.row(
            "SELECT recipient, subject, text_body, html_body, state, sent_at FROM mails "
            "WHERE supplier_id = :supplier AND mail_id = :id",
            id=each.mail_id,
        )
        if mail is not None:
            head = (
                f"À : {mail['recipient']}\nObjet : {mail['subject']}\nÉtat : {mail['state']} {mail['sent_at'] or ''}\n"
            )
            files[f"{name}.txt"] = SECRETS.sub(REMOVED, f"{head}\n{mail['text_body']}").encode()
            files[f"{name}.html"] = SECRETS.sub(REMOVED, mail["html_body"]).encode()
        if each.sha256 is not None:
            files[f"{name}.pdf"] = services.archive.get(each.sha256)
    columns: list[Column[Notice]] = [
        Column("on", "Écrite le", "Written on", lambda n: n.written_on),
        Column("level", "Niveau", "Level", lambda n: n.level),
        Column("channel", "Canal", "Channel", lambda n: n.channel),
        Column("contact", "Destinataire", "Recipient", lambda n: n.contact.get("email") or n.contact.get("name")),
        Column("state", "État", "State", lambda n: n.mail_state or n.state),
        Column("posted", "Postée le", "Posted on", lambda n: n.posted_on),
        Column("tracking", "Numéro de suivi", "Tracking number", lambda n: n.tracking),
        Column("approved", "Validée par", "Approved by", lambda n: n.approved_by),
    ]
    out = BytesIO()
    write_table(out, columns, list(reversed(notices)), Form.CSV)
    return {**files, "relances/liste.csv": out.getvalue()}


_EXCHANGES = {
    "journal": "SELECT happened_at AS at, kind, actor, CAST(facts AS text) AS said FROM account_events "
    "WHERE supplier_id = :supplier AND customer_id = :customer AND shown ORDER BY happened_at, event_id",
    "messages": "SELECT message.said_at AS at, message.side AS kind, message.author AS actor, message.said AS said "
    "FROM messages AS message JOIN message_threads AS thread USING (supplier_id, thread_id) "
    "WHERE supplier_id = :supplier AND thread.customer_id = :customer ORDER BY message.said_at",
    "contestations": "SELECT event.happened_at AS at, event.kind, event.actor, event.said FROM dispute_events AS event "
    "JOIN disputes AS dispute USING (supplier_id, dispute_id) WHERE supplier_id = :supplier "
    "AND dispute.customer_id = :customer ORDER BY event.happened_at, event.sequence",
    "promesses": "SELECT made_at AS at, state AS kind, said_by AS actor, promised_on::text || ' : ' || "
    "(amount_minor / 100.0)::numeric(18, 2)::text || ' ' || currency AS said FROM promises "
    "WHERE supplier_id = :supplier AND customer_id = :customer ORDER BY made_at",
}
"""What was said, one table each. Notes, remarks, what a call came to and what we think of the customer stay at home:
the other side reads the file."""


def _exchanges(work: Work, customer_id: UUID) -> dict[str, bytes]:
    columns: list[Column[RowMapping]] = [
        Column("at", "Quand", "When", lambda row: row["at"].astimezone(PARIS)),
        Column("kind", "Quoi", "What", lambda row: row["kind"]),
        Column("actor", "Qui", "Who", lambda row: row["actor"]),
        Column("said", "Texte", "Text", lambda row: SECRETS.sub(REMOVED, row["said"] or "")),
    ]
    found = {}
    for name, sql in _EXCHANGES.items():
        rows = work.rows(sql, customer=customer_id)
        if rows:
            out = BytesIO()
            write_table(out, columns, rows, Form.CSV)
            found[f"echanges/{name}.csv"] = out.getvalue()
    return found


def _zip(files: Mapping[str, bytes]) -> bytes:
    """The read-me first, then the rest by name; no time of making, so that only content tells two apart."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files, key=lambda each: (each != "LISEZMOI.txt", each)):
            info = zipfile.ZipInfo(name, _EARLIEST)
            info.external_attr = 0o100444 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])
    return target.getvalue()
