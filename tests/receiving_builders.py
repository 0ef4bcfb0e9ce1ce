"""Invoices that a supplier of the house receives: a seller elsewhere, and a platform that delivers what it made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builders import BUYER_SIREN, TODAY, line, request, seller

from config.clock import new_id, now, today
from einvoice.archive import retention_end
from einvoice.composing.build import build_document
from einvoice.document import Identifier
from einvoice.formats.cii import write_cii
from einvoice.formats.facturx import write_facturx
from einvoice.formats.ubl import write_ubl
from einvoice.lifecycle.cdar import write_cdar
from einvoice.lifecycle.message import (
    BUYER,
    PLATFORM,
    SELLER,
    InvoiceReference,
    StatusParty,
    compose,
)
from einvoice.platform.port import AckStatus, Direction, Syntax
from einvoice.receiving.arrival import Arrival, external_id
from einvoice.reception import FILES_SOURCE
from portal.sandboxes.platform.flows import StoredFlow
from receivables.store.inbox import accept, claim, settle

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from story_builders import PlatformHouse, Story

    from einvoice.document import Document
    from einvoice.lifecycle.message import Detail
    from portal.wiring import Services


def sold_to(siren: str, number: str = "F2026-0042", **changes: Any) -> Document:
    """An invoice of a seller elsewhere to the company of ``siren``: 120.00 with 20 % VAT."""
    company = {
        "name": "Atelier du Nord SAS",
        "siren": BUYER_SIREN,
        "address": {"line1": "3 quai Nord", "postcode": "59000", "city": "Lille"},
    }
    lines = changes.pop("lines", [line()])
    profile = seller(**changes.pop("seller", {}))
    document = build_document(request(*lines, buyer=company, **changes), profile, number, TODAY)
    buyer = replace(document.buyer, legal_id=Identifier(siren, "0002"), endpoint=Identifier(siren, "0225"))
    return replace(document, buyer=buyer)


def file_of(document: Document, form: str = "cii") -> bytes:
    """The file of ``document`` as CII, UBL or Factur-X."""
    if form == "cii":
        return write_cii(document)
    if form == "ubl":
        return write_ubl(document)
    return write_facturx(document, write_cii(document))


SYNTAXES = {"cii": Syntax.CII, "ubl": Syntax.UBL, "facturx": Syntax.FACTUR_X}
ENDINGS = {"cii": "xml", "ubl": "xml", "facturx": "pdf"}


def deliver_invoice(
    platform: PlatformHouse, story: Story, document: Document, form: str = "cii", **told: Any
) -> StoredFlow:
    """Have the platform deliver ``document`` to the supplier of ``story``."""
    name = told.pop("name", f"{document.number}.{ENDINGS[form]}")
    return deliver(platform, story, file_of(document, form), syntax=SYNTAXES[form], name=name, **told)


def deliver(platform: PlatformHouse, story: Story, content: bytes, **told: Any) -> StoredFlow:
    """Have the platform deliver a file of any kind to the supplier of ``story``."""
    cdar = told.get("syntax") == Syntax.CDAR
    fields = {
        "name": "file.xml",
        "syntax": Syntax.CII,
        "flow_type": "SupplierInvoiceLC" if cdar else "SupplierInvoice",
        "processing_rule": None if cdar else "B2B",
        "status": AckStatus.OK,
        **told,
    }
    flow = StoredFlow(owner=f"sandbox/{story.siren}", direction=Direction.IN, content=content, **fields)
    stored: StoredFlow = platform.app.extensions["platform_sandbox"].store.add(flow)
    return stored


def receive_here(services: Services, supplier_id: UUID, content: bytes, name: str, rule: str = "B2B") -> UUID:
    """Receive a file without a platform that delivers it: the supplier has an account, whichever."""
    sha = services.archive.put(content, retention_end(today()))
    with services.works.begin(supplier_id) as work:
        account = work.scalar("SELECT account_id FROM platform_accounts WHERE supplier_id = :supplier LIMIT 1")
        arrival = Arrival(account, new_id().hex, name, "CII", "SupplierInvoice", rule, now(), sha)
        accept(work, FILES_SOURCE, [(external_id(account, arrival.flow_ref), arrival.to_body())])
        messages = [each for each in claim(work, 50) if each.source == FILES_SOURCE]
        settle(work, messages, services.invoice_receiver.receive(work, messages))
        received_id: UUID = work.scalar(
            "SELECT received_id FROM received_invoices WHERE supplier_id = :supplier AND flow_ref = :flow",
            flow=arrival.flow_ref,
        )
    return received_id


def said(
    document: Document,
    code: str,
    *,
    by: str = SELLER,
    details: tuple[Detail, ...] = (),
    set_at: datetime | None = None,
    message_id: str | None = None,
) -> bytes:
    """A life-cycle message about ``document`` by its seller, its buyer or a platform, to the other side."""
    siren = {SELLER: document.seller.siren, BUYER: document.buyer.siren}
    parties = {
        role: StatusParty(role, (Identifier(siren[role] or "", "0002"),), role, Identifier(siren[role] or "", "0225"))
        for role in (SELLER, BUYER)
    }
    at = (set_at or now()).replace(microsecond=0)
    return write_cdar(
        compose(
            code,
            message_id=message_id or f"{document.number}_{code}_{new_id().hex[-12:]}",
            invoice=InvoiceReference(
                document.number,
                document.type_code,
                document.issued_on,
                StatusParty(SELLER, parties[SELLER].identifiers),
            ),
            issuer=StatusParty(PLATFORM) if by == PLATFORM else parties[by],
            recipients=(parties[BUYER if by == SELLER else SELLER],),
            made_at=at,
            set_at=at,
            details=details,
        )
    )


def received(story: Story) -> list[Any]:
    """What the supplier has received, oldest first."""
    return list(
        story.rows(
            "SELECT received_invoices.*, filename, sha256, mime FROM received_invoices "
            "JOIN documents USING (supplier_id, document_id) WHERE supplier_id = :supplier "
            "ORDER BY received_invoices.created_at"
        )
    )


def received_codes(story: Story, received_id: UUID | None = None, direction: str = "in") -> list[str]:
    """Codes of the statuses of what was received, in one direction."""
    rows = story.rows(
        "SELECT code FROM received_statuses WHERE supplier_id = :supplier AND direction = :direction "
        "AND received_id = coalesce(CAST(:id AS uuid), received_id) ORDER BY set_at, created_at",
        direction=direction,
        id=received_id,
    )
    return [row["code"] for row in rows]
