"""Invoices by hand in the demonstration: a draft, a template, a recurring invoice, items to choose from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from config.clock import today
from portal.documents.issuing import need_profile
from portal.invoicing.buyers import buyer_of
from portal.invoicing.typed import TypedInvoice, TypedLine, to_kept, without_buyer
from portal.invoicing.vat_choices import usual_choice
from receivables.domain.invoicing.recurrence import Rhythm, date_at
from receivables.store.invoicing.billing import find_buyers
from receivables.store.invoicing.drafts import NewDraft, keep_template, open_draft
from receivables.store.invoicing.items import ItemFacts, add_item, find_item
from receivables.store.invoicing.recurring import NewRecurring, begin_recurring

if TYPE_CHECKING:
    from portal.wiring import Services
    from receivables.store.register import Supplier
    from receivables.store.work import Work

ITEMS = (
    ("ETUDE", "Étude et relevé sur place", "DAY", Decimal(620)),
    ("POSE", "Pose et mise en service", "HUR", Decimal(58)),
    ("SUIVI", "Contrat de suivi mensuel", "MON", Decimal(149)),
)
"""Invented items: code, name, unit (UN/ECE rec. 20), price without VAT."""
DEMO = "demo"


def add_invoicing(services: Services, supplier: Supplier) -> None:
    """One of everything, for customers whom the story invoiced."""
    with services.works.begin(supplier.supplier_id) as work:
        _add_items(work)
        known = find_buyers(work, "")[:2]
        if not known:
            return
        buyers = [buyer_of(work, each.customer_id) for each in known]
        vat = usual_choice(need_profile(work, supplier), buyers[0])
        lines = (
            TypedLine("Étude et relevé sur place", quantity="2", unit="DAY", price="620", vat=vat, code="ETUDE"),
            TypedLine("Pose et mise en service", quantity="12", unit="HUR", price="58", vat=vat, code="POSE"),
        )
        draft = TypedInvoice(buyer=buyers[0], lines=lines, order="CMD-2207")
        open_draft(work, NewDraft(to_kept(draft), "blank", DEMO, buyers[0].name, known[0].customer_id))
        keep_template(work, "Étude et pose", to_kept(without_buyer(draft)), DEMO)
        followed = TypedLine("Contrat de suivi, {mois}", quantity="1", unit="MON", price="149", vat=vat, code="SUIVI")
        plan = replace(draft, buyer=buyers[-1], lines=(followed,), order="")
        begin_recurring(
            work,
            NewRecurring(
                known[-1].customer_id,
                "Contrat de suivi",
                to_kept(plan),
                Rhythm.MONTH,
                date_at(today().replace(day=1), Rhythm.MONTH, 1),
                None,
                automatic=True,
                actor=DEMO,
            ),
        )


def _add_items(work: Work) -> None:
    """Items that nobody keeps yet."""
    for code, name, unit, price in ITEMS:
        if find_item(work, code) is None:
            add_item(work, ItemFacts(code, name, unit, "services", "S", Decimal(20), price=price), DEMO)
