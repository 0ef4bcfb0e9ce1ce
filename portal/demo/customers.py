"""The customers' portal in the demonstration: a colleague who may only look, hours, terms, an advice, two requests."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, today
from config.secrets import fingerprint
from einvoice.archive.retention import retain_until
from einvoice.keeping import KeptFile, keep_document
from payments.advices.keeping import keep_advice
from payments.advices.reading import read_table
from payments.advices.understanding import understand
from portal.access.people import find_person
from portal.access.roles import Right
from portal.customer.people.register import let_in
from portal.documents.attachments import FORM
from receivables.services.risk.company_changes import ask_change
from receivables.services.risk.opening import Opening, Wish, confirm_request, find_request, hold_request, set_opening
from receivables.store.customer_file.desks import Desk, keep_desk
from receivables.store.settlement.terms_versions import current_terms, publish_terms

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.store.work import Work

WHO = "demo"


def add_customer_portal(services: Services, supplier_id: UUID, customer_id: UUID, payer: str) -> None:
    """Give the customer whose person is ``payer`` (an address) something to see on every page of its portal."""
    person = find_person(services.database, payer)
    assert person is not None  # noqa: S101 -- the story lets them in before
    colleague = ("consultation@" + payer.partition("@")[2], "Inès Consulte", "fr")
    let_in(services.database, supplier_id, customer_id, colleague, frozenset[Right]())
    with services.works.begin(supplier_id) as work:
        hours = "du lundi au vendredi, de 9 h à 12 h et de 14 h à 17 h"
        keep_desk(
            work, Desk(None, "Service clients", "01 99 00 12 34", None, hours, "Monday to Friday, 9 to 12, 2 to 5"), WHO
        )
        if current_terms(work, today()) is None:
            publish_terms(work, today() - timedelta(days=200), WHO, wording="Paiement à 30 jours, sans escompte.")
        set_opening(work, Opening(is_open=True), WHO)
        wish = Wish(
            "Atelier du Nouveau Quai",
            "Maud Ferrand",
            "maud@nouveau-quai.example",
            "fr",
            address={"line1": "8, quai Neuf", "postcode": "44000", "city": "Nantes", "country": "FR"},
            wanted_minor=800_000,
            said="Nous prévoyons une commande par mois à partir de janvier.",
        )
        raw = work.supplier_id.bytes + services.keyring.derive("account-request", new_id().bytes)
        hold_request(work, wish, new_id(), fingerprint(raw))
        found = find_request(work, fingerprint(raw))
        if found is not None:
            confirm_request(work, found)
        ask_change(work, customer_id, {"phone": "02 99 00 56 78"}, "", f"person {person.person_id}")
        _advise(services, work, customer_id, f"person {person.person_id}")


def _advise(services: Services, work: Work, customer_id: UUID, actor: str) -> None:
    """An advice about what the customer still owes, to be confirmed."""
    rows = work.rows(
        "SELECT number, open_minor FROM receivable_items JOIN invoices USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND receivable_items.customer_id = :customer AND kind = 'invoice' "
        "AND open_minor > 0 AND receivable_items.currency = 'EUR' ORDER BY receivable_items.due_on LIMIT 3",
        customer=customer_id,
    )
    if not rows:
        return
    lines = [f"{row['number']};{row['open_minor'] // 100},{row['open_minor'] % 100:02d}" for row in rows]
    content = "\n".join(["Facture;Montant", *lines, ""]).encode()
    until = retain_until(work, today())
    services.archive.put(content, until)
    kept = KeptFile(content, f"{hashlib.sha256(content).hexdigest()[:8]}-avis.csv", "text/csv")
    document_id = keep_document(work, None, FORM, kept, None, until=until)
    read = read_table(content)
    keep_advice(work, customer_id, read, understand(work, customer_id, read), (document_id, kept.sha256), actor)
