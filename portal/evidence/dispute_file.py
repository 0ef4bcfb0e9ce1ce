"""The file against a chargeback: the evidence bundles of the invoices that a payment settled, as one PDF for a bank.

The PDF holds the invoices and their annexes page by page, so that nobody has to open a second file. Files that cannot
be shown are named with their hash, never left out in silence.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.clock import PARIS
from config.typeset import TypesetError, compile_pdf
from portal.evidence.bundle import REMOVED, SECRETS
from portal.evidence.facts import gather_facts
from portal.evidence.story import story_lines
from portal.staff.treasury.words import contest_words
from portal.words import money
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from uuid import UUID

    from payments.treasury.contests import ContestLine
    from portal.evidence.facts import Facts
    from portal.wiring import Services
    from receivables.store.work import Work

TEMPLATE = Path(__file__).parent / "dispute.typ"
PROBE = Path(__file__).parent / "dispute_page.typ"
MOST_PAGES = 10
"""Pages of one annex: a bank's reader takes fifty in all, and the file must stay below five megabytes."""
MOST_ANNEXES = 8
MOST_INVOICES = 6
MOST_LINES = 60
PDF = "application/pdf"
_SHOWN = {PDF, "image/png", "image/jpeg"}
_KINDS = {"facturx": "Facture", "attachment": "Pièce jointe", "original": "Original reçu"}


@dataclass(frozen=True, slots=True)
class DisputeFile:
    """The PDF with its hash, and what is told in words beside it."""

    filename: str
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class _Annex:
    """A file to show: how many pages of it can be."""

    name: str
    kind: str
    sha256: str
    mime: str
    content: bytes
    pages: int


def make_dispute_file(services: Services, supplier_id: UUID, contest: ContestLine, statement: str) -> DisputeFile:
    """Everything about the payment in dispute as one PDF: the same facts and words give the same bytes.

    Raises:
        ArchiveError: a file cannot be read, or is not what it was.
        TypesetError: typst refuses the page.
    """
    with services.works.begin(supplier_id) as work:
        facts = [gather_facts(work, invoice_id) for invoice_id, _ in contest.invoices[:MOST_INVOICES]]
        mandate = _mandate(work, contest)
        seller = work.scalar("SELECT name FROM suppliers WHERE supplier_id = :supplier")
    annexes = _annexes(services, facts)
    told = {
        "title": f"Contestation {contest.dispute_ref}",
        "title_en": f"Dispute {contest.dispute_ref}: evidence of {seller}",
        "seller": {"name": seller},
        "summary": _summary(contest, seller, facts),
        "statement": statement.strip(),
        "invoices": [_invoice(each.told) for each in facts],
        "timeline": _timeline(facts),
        "mandate": mandate,
        "annexes": [
            {
                "name": each.name,
                "kind": each.kind,
                "sha256": each.sha256,
                "pages": each.pages,
                "file": number,
                "pdf": each.mime == PDF,
            }
            for number, each in enumerate(annexes)
        ],
    }
    text = SECRETS.sub(REMOVED, to_json(told))
    pdf = compile_pdf(TEMPLATE, {"told": text}, files=[each.content for each in annexes] or [b""], standards=())
    return DisputeFile(f"{contest.dispute_ref}-evidence.pdf", pdf, hashlib.sha256(pdf).hexdigest())


def _summary(contest: ContestLine, seller: str, facts: list[Facts]) -> list[list[str]]:
    customer = facts[0].told["customer"] if facts else {}
    known = [customer.get("name") or contest.customer_name or "-", customer.get("siren") or ""]
    return [
        ["Vendeur", "Seller", seller],
        ["Client", "Customer", " · ".join(part for part in known if part)],
        ["Paiement", "Payment", contest.payment_ref],
        ["Somme contestée", "Disputed amount", money(contest.amount_minor, contest.currency, "fr")],
        ["Motif donné", "Reason given", _reason(contest.reason)],
        ["Contesté le", "Disputed on", _instant(contest.opened_at)],
        ["Factures réglées", "Invoices settled", ", ".join(number for _, number in contest.invoices) or "-"],
    ]


def _reason(code: str) -> str:
    """The payer's reason in both languages, with the provider's code for it."""
    french, english = (contest_words(code, spoken) for spoken in ("fr", "en"))
    return f"{french} / {english} ({code})" if french != code else code


def _invoice(told: dict[str, Any]) -> dict[str, Any]:
    invoice, due = told["invoice"], told["due"]
    named = invoice["buyer_reference"]
    return {
        "number": f"Facture {invoice['number']}",
        "rows": [
            ["Émise le", "Issued on", _day(invoice["issued_on"])],
            ["Échéance", "Due on", _day(invoice["due_on"])],
            ["Total TTC", "Total including VAT", money(invoice["total_minor"], invoice["currency"], "fr")],
            ["Reste dû", "Still open", money(due["open_minor"], invoice["currency"], "fr")],
            *([["Référence de l'acheteur", "Buyer's reference", named]] if named else []),
        ],
    }


def _timeline(facts: Iterable[Facts]) -> list[dict[str, str]]:
    """What happened to every invoice, oldest first, the newest where there is too much."""
    lines = sorted({line for each in facts for line in story_lines(each.told)}, key=lambda line: (line.at, line.french))
    return [
        {"at": _instant(line.at), "french": line.french, "english": line.english, "detail": line.detail}
        for line in lines[-MOST_LINES:]
    ]


def _mandate(work: Work, contest: ContestLine) -> list[list[str]]:
    """The mandate behind a SEPA debit, where the provider told us of one."""
    row = work.row(
        "SELECT label, mandate_ref, saved_at FROM saved_methods WHERE supplier_id = :supplier "
        "AND account_id = :account AND customer_id = :customer AND mandate_ref IS NOT NULL "
        "ORDER BY saved_at DESC LIMIT 1",
        account=contest.account_id,
        customer=contest.customer_id,
    )
    if row is None:
        return []
    return [
        ["Mandat", "Mandate", row["mandate_ref"]],
        ["Compte débité", "Account debited", row["label"]],
        ["Accepté le", "Agreed on", _instant(row["saved_at"])],
    ]


def _annexes(services: Services, facts: Iterable[Facts]) -> list[_Annex]:
    """Invoices as PDF and what was sent with them, each file once."""
    found: dict[str, _Annex] = {}
    for each in facts:
        for row in each.told["documents"]:
            if row["form"] in _KINDS and row["mime"] in _SHOWN and len(found) < MOST_ANNEXES:
                content = services.archive.get(row["sha256"])
                pages = _pages(content, row["mime"])
                found.setdefault(
                    row["sha256"],
                    _Annex(row["filename"], _KINDS[row["form"]], row["sha256"], row["mime"], content, pages),
                )
    return list(found.values())


def _pages(content: bytes, mime: str) -> int:
    """How many pages of a file can be set, at most ``MOST_PAGES``: asked of the typesetter, which reads safely."""
    shown = 0
    while shown < (MOST_PAGES if mime == PDF else 1):
        try:
            data = {"page": str(shown + 1), "pdf": "yes" if mime == PDF else ""}
            compile_pdf(PROBE, data, files=[content], standards=())
        except TypesetError:
            break
        shown += 1
    return shown


def _day(value: date) -> str:
    return f"{value:%d/%m/%Y}"


def _instant(value: datetime) -> str:
    return f"{value.astimezone(PARIS):%d/%m/%Y %H:%M}"
