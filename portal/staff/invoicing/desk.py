"""What every page of ``/s/invoicing`` begins with: the supplier, its profile, a draft and how it looks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flask import abort, redirect, request, url_for
from pydantic import ValidationError

from einvoice.errors import EInvoiceError
from portal.access.context import actor, place, services
from portal.documents.issuing import need_profile
from portal.invoicing.looking import look_at
from portal.invoicing.terms_choices import usual_terms
from portal.invoicing.typed import MOST_LINES, TypedLine, to_kept, to_typed
from portal.invoicing.vat_choices import choice_for, usual_choice
from receivables.domain.money import Money
from receivables.errors import ConflictError
from receivables.store.invoicing.drafts import NewDraft, open_draft, save_draft
from receivables.store.invoicing.items import list_items
from receivables.store.register import get_supplier

if TYPE_CHECKING:
    from werkzeug import Response

    from einvoice.composing.seller import SellerProfile
    from portal.invoicing.looking import Look
    from portal.invoicing.typed import TypedInvoice
    from receivables.domain.settlement.payment_terms import PaymentTerms
    from receivables.store.invoicing.drafts import Draft
    from receivables.store.invoicing.items import Item
    from receivables.store.register import Supplier
    from receivables.store.work import Work

MOST_ITEMS = 300
"""Items that a field of the form offers: one that is not among them is still found by its code."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A draft on the table: what was typed, by whose habits it is read, and how it looks."""

    draft: Draft
    typed: TypedInvoice
    profile: SellerProfile
    usual: PaymentTerms
    look: Look


def supplier_here() -> Supplier:
    """The supplier of this page."""
    return get_supplier(services().database, place().supplier_id) or abort(404)


def profile_here(work: Work) -> SellerProfile:
    """The profile of the supplier.

    Raises:
        ConflictError: ``supplier.incomplete``: what the law wants on every invoice is not known yet.
    """
    try:
        return need_profile(work, supplier_here())
    except (ValidationError, EInvoiceError) as error:
        raise ConflictError(
            "supplier.incomplete",
            "Your company's name, address and numbers are not filled in yet: see Settings, then write your invoice.",
            "Le nom, l'adresse et les numéros de votre entreprise ne sont pas encore remplis : voyez Réglages, puis "
            "écrivez votre facture.",
        ) from error


def lay_out(work: Work, draft: Draft, typed: TypedInvoice | None = None) -> Desk:
    """Look at a draft, as it is kept or as it was just ``typed``."""
    profile = profile_here(work)
    usual = usual_terms(work, profile, draft.customer_id)
    shown = typed or to_typed(draft.typed)
    return Desk(draft, shown, profile, usual, look_at(shown, profile, usual, services().validator))


def keep(work: Work, desk: Desk) -> int:
    """Keep what is typed, with what it comes to; the new revision."""
    document = desk.look.document
    total = Money.of(document.totals.payable, document.currency).minor if document else None
    return save_draft(work, desk.draft, to_kept(desk.typed), desk.typed.buyer.name, total, actor=actor())


def start(work: Work, new: NewDraft) -> Response:
    """Open a draft and go to its form."""
    draft_id = open_draft(work, new)
    return redirect(url_for("invoice_form.write", draft_id=draft_id), 303)


def blank_line(profile: SellerProfile, typed: TypedInvoice) -> TypedLine:
    """A line with what it most probably says: the unit and the VAT of the line before, else the usual ones."""
    last = next((line for _, line in reversed(typed.written_lines)), None)
    return TypedLine(
        quantity="1",
        unit=last.unit if last else ("HUR" if profile.nature == "services" else "H87"),
        vat=last.vat if last else usual_choice(profile, typed.buyer),
    )


def with_blank_line(profile: SellerProfile, typed: TypedInvoice, *, one_more: bool = False) -> TypedInvoice:
    """``typed`` with its written lines, and a blank one where there is none or one more is wanted."""
    lines = [line for _, line in typed.written_lines]
    if (one_more or not lines) and len(lines) < MOST_LINES:
        lines.append(blank_line(profile, typed))
    return replace(typed, lines=tuple(lines))


def fill_from_catalogue(work: Work, typed: TypedInvoice) -> TypedInvoice:
    """Lines that name an item, by code or name, and say no price yet: its price, unit and VAT."""
    if not any(line.name and not line.price for line in typed.lines):
        return typed
    known = {
        key.casefold(): each
        for each in list_items(work, limit=MOST_ITEMS)
        for key in (each.facts.code, each.facts.name)
    }
    return replace(typed, lines=tuple(_filled(line, known.get(line.name.casefold())) for line in typed.lines))


def _filled(line: TypedLine, item: Item | None) -> TypedLine:
    if item is None or line.price or item.facts.price is None:
        return line
    facts = item.facts
    return replace(
        line,
        name=facts.name,
        description=line.description or facts.description or "",
        unit=facts.unit,
        price=f"{facts.price:f}".replace(".", ","),
        vat=choice_for(facts.vat_category, facts.vat_rate, facts.vat_exemption),
        nature=facts.nature,
        code=facts.code,
    )


def read_revision() -> int:
    """The revision of the draft that this form was shown with; 0 where it says none."""
    text = request.form.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0  # noqa: PLR2004 -- an int4
