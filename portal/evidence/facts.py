"""What the house knows of one invoice: read from every table that remembers, in an order that never varies."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from einvoice.receiving.arrival import external_id, flow_of
from einvoice.reception import SOURCE as PLATFORM_SOURCE
from receivables.services.accounting.sealing import ShownBlock, show_rows
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

FORMAT = "quittance-evidence/1"
MADE = "evidence.made"
"""The act that notes the making of a bundle. It is in no bundle, so that the same facts give the same bytes."""
TOLD_FORMS = ("cdar",)
"""Forms of documents that are messages to the platform, not the invoice itself."""
_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)

_ABOUT = {
    "supplier": "SELECT name, siren, foreign_id FROM suppliers WHERE supplier_id = :supplier",
    "customer": "SELECT account_code, name, siren, vat_id, kind, party, language FROM customers "
    "WHERE supplier_id = :supplier AND customer_id = "
    "(SELECT customer_id FROM invoices WHERE supplier_id = :supplier AND invoice_id = :invoice)",
    "invoice": "SELECT invoice_id, number, origin, type_code, process, issued_on, due_on, currency, total_minor, "
    "prepaid_minor, payable_minor, vat_on_collection, vat_rows, routing, buyer_reference, source_sha256, created_at "
    "FROM invoices WHERE supplier_id = :supplier AND invoice_id = :invoice",
}
_LISTS = {
    "documents": "SELECT document_id, form, filename, mime, sha256, size_bytes, retain_until, created_at, report "
    "FROM documents WHERE supplier_id = :supplier AND invoice_id = :invoice ORDER BY created_at, form, filename",
    "flows": "SELECT tracking_id, kind, document_id, state, flow_ref, refusal, sends, created_at, changed_at "
    "FROM platform_flows WHERE supplier_id = :supplier AND invoice_id = :invoice ORDER BY created_at, tracking_id",
    "statuses": "SELECT message_id, code, direction, set_at, reasons, amounts, note, flow_ref, created_at "
    "FROM statuses WHERE supplier_id = :supplier AND invoice_id = :invoice ORDER BY set_at, created_at, message_id",
    "movements": "SELECT movement.sequence, movement.kind, movement.amount_minor, movement.currency, movement.split, "
    "movement.reason, movement.collected_on, movement.created_at, entry.source_kind, entry.source_ref, "
    "movement.entry_id FROM collections AS movement JOIN entries AS entry USING (supplier_id, entry_id) "
    "WHERE supplier_id = :supplier AND movement.invoice_id = :invoice ORDER BY movement.sequence",
    "entries": "SELECT entry_id, journal, booked_on, source_kind, source_ref, document_ref, label, reverses_id, "
    "created_at FROM entries WHERE supplier_id = :supplier AND entry_id IN "
    "(SELECT entry_id FROM postings WHERE supplier_id = :supplier AND invoice_id = :invoice UNION "
    "SELECT entry_id FROM collections WHERE supplier_id = :supplier AND invoice_id = :invoice) "
    "ORDER BY created_at, entry_id",
    "postings": "SELECT entry_id, account, debit_minor, credit_minor, currency FROM postings "
    "WHERE supplier_id = :supplier AND (invoice_id = :invoice OR (invoice_id IS NULL AND entry_id IN "
    "(SELECT entry_id FROM collections WHERE supplier_id = :supplier AND invoice_id = :invoice))) "
    "ORDER BY entry_id, account, debit_minor, credit_minor",
    "letterings": "SELECT code, balanced, lettered_on, lettered_at, reason, ended_at FROM letterings "
    "LEFT JOIN lettering_ends USING (supplier_id, lettering_id) WHERE supplier_id = :supplier AND lettering_id IN "
    "(SELECT line.lettering_id FROM lettering_lines AS line JOIN postings AS posting USING (supplier_id, posting_id) "
    "WHERE line.supplier_id = :supplier AND posting.invoice_id = :invoice) ORDER BY lettered_at, code",
    "attempts": "SELECT attempt.attempt_id, attempt.state, reservation.amount_minor, attempt.currency, "
    "attempt.road, attempt.method, account.provider, account.live, attempt.payment_ref, attempt.failure_code, "
    "attempt.created_at, attempt.changed_at "
    "FROM payment_attempts AS attempt JOIN reservations AS reservation USING (supplier_id, attempt_id) "
    "LEFT JOIN gateway_accounts AS account USING (supplier_id, account_id) "
    "WHERE supplier_id = :supplier AND reservation.invoice_id = :invoice ORDER BY attempt.created_at, attempt_id",
    "links": "SELECT purpose, minted_at, revoked_at FROM pay_links WHERE supplier_id = :supplier "
    "AND invoice_id = :invoice ORDER BY minted_at, purpose",
    "mails": "SELECT recipient, subject, text_body, state, created_at, sent_at FROM mails "
    "WHERE supplier_id = :supplier AND invoice_id = :invoice ORDER BY created_at, mail_id",
}
"""What each list of the facts holds. Of links and accounts the dates and kinds only: tokens and keys stay at home."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the bundle whose content is in the archive (``sha``) or in the inbox (``content``)."""

    file: str
    sha: str | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything of one invoice but the contents of its archived files."""

    told: dict[str, Any]
    members: tuple[Member, ...]
    audit: tuple[dict[str, Any], ...]
    blocks: tuple[ShownBlock, ...]
    unsealed: tuple[dict[str, Any], ...] = field(default=())


def gather_facts(work: Work, invoice_id: UUID) -> Facts:
    """The facts about an invoice.

    Raises:
        NotFoundError: ``invoice.not_found``.
    """
    due = due_on_invoice(work, invoice_id)
    told: dict[str, Any] = {"format": FORMAT}
    for name, sql in _ABOUT.items():
        row = work.row(sql, invoice=invoice_id)
        told[name] = dict(row) if row else {}
    told["due"] = {"open_minor": due.open_minor, "in_flight_minor": due.in_flight_minor, "currency": due.currency}
    for name, sql in _LISTS.items():
        told[name] = [dict(row) for row in work.rows(sql, invoice=invoice_id)]
    members = [*_archived(told), *_received(work, told)]
    audit = _audit_rows(work, told)
    blocks = show_rows(work, [row["audit_id"] for row in audit])
    sealed = {json.loads(text)[0] for block in blocks for text in block.rows.values()}
    return Facts(
        told,
        tuple(members),
        tuple(audit),
        tuple(blocks),
        tuple(row for row in audit if row["audit_id"] not in sealed),
    )


def safe_name(name: str) -> str:
    """A name that stays where it is put, on every system."""
    return _UNSAFE.sub("_", name).lstrip(".") or "file"


def _archived(told: dict[str, Any]) -> list[Member]:
    """The archived files; each document is told the file that holds it, by its SHA-256 where names would clash."""
    taken: set[str] = set()
    members = []
    for row in told["documents"]:
        folder = "messages/sent" if row["form"] in TOLD_FORMS else f"documents/{row['form']}"
        file = f"{folder}/{safe_name(row['filename'])}"
        if file in taken:
            file = f"{folder}/{row['sha256'][:16]}-{safe_name(row['filename'])}"
        taken.add(file)
        row["file"] = file
        members.append(Member(file, sha=row["sha256"]))
    return members


def _received(work: Work, told: dict[str, Any]) -> list[Member]:
    """The messages that came in, as they came; each status is told the file that holds it."""
    refs = [row["flow_ref"] for row in told["statuses"] if row["direction"] == "in" and row["flow_ref"]]
    rows = work.rows(
        "SELECT external_id, body FROM inbox WHERE supplier_id = :supplier AND source = :source "
        "AND external_id = ANY(:ids)",
        source=PLATFORM_SOURCE,
        ids=[*refs, *(external_id(account_id, ref) for account_id in _accounts(work) for ref in refs)],
    )
    bodies = {flow_of(row["external_id"]): bytes(row["body"]) for row in rows}
    files: dict[str, bytes] = {}
    for place, row in enumerate(told["statuses"], start=1):
        body = bodies.get(row["flow_ref"]) if row["direction"] == "in" else None
        row["file"] = f"messages/received/{place:03d}-{safe_name(row['code'])}.xml" if body is not None else None
        if body is not None:
            files[row["file"]] = body
    return [Member(file, content=body) for file, body in files.items()]


def _accounts(work: Work) -> list[UUID]:
    """Every platform account that the supplier has or had: a message is stored under its account and its flow."""
    return [
        row["account_id"] for row in work.rows("SELECT account_id FROM platform_accounts WHERE supplier_id = :supplier")
    ]


def _audit_rows(work: Work, told: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the audit trail about the invoice, its attempts, its entries and its files."""
    objects = {str(told["invoice"].get("invoice_id"))}
    objects |= {str(row["attempt_id"]) for row in told["attempts"]}
    objects |= {row["source_ref"] for row in told["entries"]}
    objects |= {row["sha256"] for row in told["documents"]}
    rows: Sequence[RowMapping] = work.rows(
        "SELECT audit_id, actor, act, object, details, happened_at FROM audit_rows WHERE supplier_id = :supplier "
        "AND object = ANY(:objects) AND act <> :made ORDER BY happened_at, audit_id",
        objects=sorted(objects),
        made=MADE,
    )
    return [dict(row) for row in rows]


def chain_of(facts: Facts) -> dict[str, Any]:
    """The anchor of the audit rows in the house's chain of hashes, checkable without the rows of others."""
    return {
        "format": FORMAT,
        "blocks": [
            {
                "block": each.block,
                "scheme": each.scheme,
                "previous_hash": each.previous_hash.hex(),
                "hash": each.hash.hex(),
                "sealed_at": each.sealed_at,
                "leaves": [leaf.hex() for leaf in each.leaves],
                "rows": [{"place": place, "row": text} for place, text in each.rows.items()],
            }
            for each in facts.blocks
        ],
        "unsealed": [to_json([*row.values()]) for row in facts.unsealed],
    }
