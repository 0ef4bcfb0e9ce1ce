"""Begin an invoice: the drafts that wait, and whom the next one is for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, render_template, request

from einvoice.directory.customer_file import identify
from portal.access.context import actor, place, services, work_here
from portal.access.roles import BOOKKEEPING, allow
from portal.fields import id_in
from portal.invoicing.buyers import buyer_by_siren, buyer_of
from portal.invoicing.copying import again, deposits_to_deduct
from portal.invoicing.typed import (
    ABROAD,
    CONSUMER,
    DEPOSIT,
    INVOICE,
    PUBLIC,
    TypedBuyer,
    TypedInvoice,
    to_kept,
    to_typed,
)
from portal.staff.invoicing.desk import profile_here, start, with_blank_line
from portal.words import gettext, language
from receivables.store.invoicing.billing import MOST_SHOWN, customer_with_siren, find_buyers
from receivables.store.invoicing.drafts import (
    PAGE,
    NewDraft,
    count_drafts,
    get_template,
    list_drafts,
    list_templates,
)
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("invoicing", __name__, url_prefix="/s/invoicing")

MAX_WANTED = 80
NEW_KINDS = (CONSUMER, ABROAD, PUBLIC)


@blueprint.get("")
@allow(*BOOKKEEPING)
def home() -> str:
    """Drafts, the newest first."""
    with work_here() as work:
        drafts = list_drafts(work, id_in(request.args.get("after")))
        waiting = count_drafts(work)
    return render_template("invoicing/drafts.html", drafts=drafts[:PAGE], more=len(drafts) > PAGE, waiting=waiting)


@blueprint.get("/new")
@allow(*BOOKKEEPING)
def ask() -> Response:
    """Whom is it for?"""
    return _ask(request.args.get("q", "")[:MAX_WANTED].strip())


@blueprint.post("/drafts")
@allow(*BOOKKEEPING)
def begin() -> Response:
    """Open a draft: for a customer, like its last invoice, from a template, or for somebody new."""
    number = request.form.get("number", "")[:MAX_WANTED].strip()
    if "number" in request.form:
        known = identify(number)
        if known.siren is None:
            said = known.problem[language() != "fr"] if known.problem else gettext("Ce numéro n'est pas français.")
            return _ask("", number=number, refused=said)
        return _begin_by_siren(known.siren, known.siret)
    with work_here() as work:
        return start(work, _new_draft(work))


def _begin_by_siren(siren: str, siret: str | None) -> Response:
    """A French company: the one that the books know, else what the directory says of it."""
    with work_here() as work:
        found = customer_with_siren(work, siren)
        if found:
            return start(work, _for_customer(work, found, _empty()))
    buyer = buyer_by_siren(siren, services().directory.reach(place().supplier_id, siren, hasty=True))
    with work_here() as work:
        return start(work, _for_new(work, replace(buyer, siret=siret or ""), _empty()))


def _new_draft(work: Work) -> NewDraft:
    """What the form asks for.

    Raises:
        NotFoundError: a customer, an invoice or a template that is not there.
    """
    form = request.form
    like, customer, template = (id_in(form.get(each)) for each in ("like", "customer", "template"))
    typed = _empty()
    if template:
        typed = to_typed(get_template(work, template).typed)
    if like:
        invoice = get_invoice(work, like)
        buyer = buyer_of(work, invoice.customer_id)
        made = with_deposits(work, again(invoice, buyer), invoice.customer_id)
        return NewDraft(to_kept(made), "copy", actor(), buyer.name, invoice.customer_id, invoice.invoice_id)
    if customer:
        return _for_customer(work, customer, typed, "template" if template else "blank")
    kind = form.get("kind", "")
    buyer = TypedBuyer(kind=kind if kind in NEW_KINDS else TypedBuyer().kind, country="" if kind == ABROAD else "FR")
    return _for_new(work, buyer, typed, "template" if template else "blank")


def _empty() -> TypedInvoice:
    return TypedInvoice(kind=DEPOSIT if request.form.get("type") == DEPOSIT else INVOICE)


def _for_customer(work: Work, customer_id: UUID, typed: TypedInvoice, origin: str = "blank") -> NewDraft:
    buyer = buyer_of(work, customer_id)
    filled = _prepared(work, replace(typed, buyer=buyer))
    return NewDraft(to_kept(with_deposits(work, filled, customer_id)), origin, actor(), buyer.name, customer_id)


def _for_new(work: Work, buyer: TypedBuyer, typed: TypedInvoice, origin: str = "blank") -> NewDraft:
    return NewDraft(to_kept(_prepared(work, replace(typed, buyer=buyer))), origin, actor(), buyer.name)


def _prepared(work: Work, typed: TypedInvoice) -> TypedInvoice:
    """With a first line to fill in."""
    return with_blank_line(profile_here(work), typed)


def with_deposits(work: Work, typed: TypedInvoice, customer_id: UUID, ticked: UUID | None = None) -> TypedInvoice:
    """``typed`` with the deposits that this invoice may deduct; a deposit deducts none."""
    if typed.kind != INVOICE:
        return typed
    return replace(typed, deposits=deposits_to_deduct(work, customer_id, typed.currency, ticked))


def _ask(wanted: str, *, number: str = "", refused: str = "") -> Response:
    template = id_in(request.values.get("template"))
    with work_here() as work:
        found = find_buyers(work, wanted)
        templates = list_templates(work)
        chosen = get_template(work, template) if template else None
    page = render_template(
        "invoicing/new.html",
        found=found[:MOST_SHOWN],
        more=len(found) > MOST_SHOWN,
        wanted=wanted,
        number=number,
        refused=refused,
        templates=templates,
        template=chosen,
        deposit=request.values.get("type") == DEPOSIT,
    )
    return make_response(page, 422 if refused else 200)
