"""*Signaler un problème*: a customer contests an invoice, from its pay link or signed in.

It is a commercial message between customer and supplier. Statuses of the life cycle are the customer's own, set on
their own platform: we name the one that fits and never send it for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, make_response, redirect, render_template, request, url_for

from einvoice.composing.totals import cents
from einvoice.kept import issued_document
from portal.access.context import actor, place, services, work_here
from portal.access.roles import Right, Role, allow, public
from portal.customer.desk import greet
from portal.customer.downloads import send_document
from portal.customer.links import linked_invoice, read_address, revoked_page
from portal.documents.attachments import (
    MOST_BYTES,
    MOST_FILES,
    AttachmentError,
    Attachments,
    keep_attachments,
    read_attachments,
)
from portal.fields import new_once, read_once
from portal.mail.dispute_mails import RECEIVED, write_dispute_mail
from portal.refusals import refuse_unread
from portal.telling.dispute_words import PLAIN, choices
from portal.words import gettext, money, note_text, suppose_language
from receivables.domain.conversations.disputes import OTHER, EventKind, Origin, Scope
from receivables.domain.money import Money, MoneyError
from receivables.domain.parties import CustomerKind
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.conversations.contesting import MAX_SAID
from receivables.services.conversations.disputing import OpenDispute, open_dispute
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.conversations.disputes import events_of
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import find_document, supplier_name
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from einvoice.document import Line
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

blueprint = Blueprint("dispute", __name__)
refuse_unread(blueprint)

MOST_LINES = 30
"""Longer invoices are contested by an amount: nobody ticks a hundred lines, and a form has at most 50 fields."""
_REFUSALS = {
    "dispute.no_words": note_text("Dites en quelques mots ce qui ne va pas."),
    "dispute.too_long": note_text("Le texte est trop long : raccourcissez-le."),
    "dispute.too_many": note_text("Trop de réclamations sont déjà en cours. Attendez-en les réponses."),
    "dispute.credit_note": note_text("Un avoir est en votre faveur : réclamez sur la facture elle-même."),
}


@dataclass(frozen=True, slots=True)
class LineChoice:
    """A line that may be ticked, with VAT."""

    line_id: str
    name: str
    gross_minor: int


@dataclass(frozen=True, slots=True)
class Typed:
    """What a customer wrote, shown again where something is missing."""

    reason: str = ""
    scope: str = Scope.WHOLE
    amount: str = ""
    said: str = ""
    lines: tuple[str, ...] = ()
    once: str = field(default_factory=new_once)


class FormError(Exception):
    """Something is missing or wrong: ``where`` is the field, the text what to do."""

    def __init__(self, where: str, sentence: str) -> None:
        super().__init__(sentence)
        self.where = where


@blueprint.get("/p/<token>/dispute")
@public
def ask_by_link(token: str) -> Response:
    """The form behind a pay link."""
    supplier_id, link_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        invoice = linked_invoice(work, link_hash)
        return revoked_page(work) if invoice is None else _form(work, invoice, back=url_for("pay.show", token=token))


@blueprint.post("/p/<token>/dispute")
@public
def send_by_link(token: str) -> Response:
    """Take the message in, and lead back to the invoice."""
    supplier_id, link_hash = read_address(token)
    back = url_for("pay.show", token=token)
    with services().works.begin(supplier_id) as work:
        invoice = linked_invoice(work, link_hash)
        return revoked_page(work) if invoice is None else _take(work, invoice, actor="pay link", back=back)


@blueprint.get("/p/<token>/documents/<uuid:document_id>")
@public
def fetch_by_link(token: str, document_id: UUID) -> Response:
    """A document that we sent in answer to a dispute, and no other file of the invoice."""
    supplier_id, link_hash = read_address(token)
    with services().works.begin(supplier_id) as work:
        invoice = linked_invoice(work, link_hash)
        if invoice is None:
            return revoked_page(work)
        answers = [each for events in events_of(work, invoice.invoice_id).values() for each in events]
        sent = any(
            str(document_id) in each.facts["documents"] for each in answers if each.kind is EventKind.DOCUMENTS_SENT
        )
        found = find_document(work, invoice.invoice_id, document_id) if sent else None
    if found is None:
        abort(404)
    return send_document(services(), found)


@blueprint.get("/c/invoices/<uuid:invoice_id>/dispute")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def ask(invoice_id: UUID) -> Response:
    """The form of a customer who is signed in."""
    with work_here() as work:
        return _form(work, _own(work, invoice_id), back=url_for("customer.invoice", invoice_id=invoice_id))


@blueprint.post("/c/invoices/<uuid:invoice_id>/dispute")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def send(invoice_id: UUID) -> Response:
    """Take the message in, and lead back to the invoice."""
    back = url_for("customer.invoice", invoice_id=invoice_id)
    with work_here() as work:
        return _take(work, _own(work, invoice_id), actor=actor(), back=back)


def lines_of(invoice: Invoice) -> tuple[LineChoice, ...]:
    """The lines that may be ticked; none of an invoice that has very many or whose document is not ours to read."""
    if not invoice.document:
        return ()
    counted = [each for each in issued_document(invoice).lines if each.counts and each.net_amount > 0]
    if len(counted) > MOST_LINES:
        return ()
    return tuple(LineChoice(each.line_id, each.name, _gross_minor(each, invoice.currency)) for each in counted)


def _gross_minor(line: Line, currency: str) -> int:
    """A line with VAT, rounded by itself: what its reader would compute."""
    gross = cents(line.net_amount * (1 + (line.vat_rate or Decimal(0)) / 100), currency)
    return Money.of(gross, currency).minor


def _take(work: Work, invoice: Invoice, *, actor: str, back: str) -> Response:
    """Open the dispute, or show the form again with what is missing; nothing typed is lost."""
    customer = get_customer(work, invoice.customer_id)
    suppose_language(customer.language)
    typed = _typed()
    try:
        files = read_attachments(request.files.getlist("files"))
        with work.connection.begin_nested():  # files of a message that is refused are not kept either
            dispute = open_dispute(work, _command(work, invoice, typed, files, actor))
            write_dispute_mail(services(), work, dispute, RECEIVED, "")
    except AttachmentError as error:
        return _form(work, invoice, back=back, typed=typed, wrong=FormError("files", str(error)))
    except FormError as error:
        return _form(work, invoice, back=back, typed=typed, wrong=error)
    except ReceivablesError as error:
        said = gettext(_REFUSALS[error.code]) if error.code in _REFUSALS else str(error)
        return _form(work, invoice, back=back, typed=typed, wrong=FormError("said", said))
    return redirect(f"{back}#disputes", 303)


def _typed() -> Typed:
    form = request.form
    return Typed(
        reason=form.get("reason", "")[:40],
        scope=form.get("scope", Scope.WHOLE)[:10],
        amount=form.get("amount", "")[:20].strip(),
        said="".join(c for c in form.get("said", "") if c.isprintable() or c in "\r\n\t")[: MAX_SAID + 1],
        lines=tuple(each[:40] for each in form.getlist("line")),
        once=read_once(form),
    )


def _command(work: Work, invoice: Invoice, typed: Typed, files: Attachments, actor: str) -> OpenDispute:
    """What was typed as a command; files are archived last, once everything else is right.

    Raises:
        FormError: what is missing or wrong, and in which field.
    """
    if typed.reason not in PLAIN:
        raise FormError("reason", gettext("Choisissez ce qui ne va pas."))
    if typed.reason == OTHER and not typed.said.strip():
        raise FormError("said", gettext("Dites en quelques mots ce qui ne va pas."))
    if len(typed.said) > MAX_SAID:
        raise FormError("said", gettext("Le texte est trop long : raccourcissez-le."))
    scope, amount, lines = _scope(invoice, typed)
    return OpenDispute(
        invoice_id=invoice.invoice_id,
        reason=typed.reason,
        scope=scope,
        said=typed.said,
        origin=Origin.PORTAL,
        actor=actor,
        once=f"form {typed.once}",
        amount_minor=amount,
        line_ids=lines,
        documents=keep_attachments(services(), work, invoice.invoice_id, files),
    )


def _scope(invoice: Invoice, typed: Typed) -> tuple[Scope, int | None, tuple[str, ...]]:
    """How much is contested, at most the invoice."""
    if typed.scope == Scope.LINES:
        ticked = [each for each in lines_of(invoice) if each.line_id in typed.lines]
        if not ticked:
            raise FormError("lines", gettext("Cochez au moins une ligne."))
        amount = min(sum(each.gross_minor for each in ticked), invoice.payable_minor)
        return Scope.LINES, amount, tuple(each.line_id for each in ticked)
    if typed.scope == Scope.AMOUNT:
        minor = read_amount(typed.amount, invoice.currency)
        if minor is None or not 0 < minor <= invoice.payable_minor:
            most = money(invoice.payable_minor, invoice.currency)
            raise FormError("amount", gettext("Indiquez un montant entre 0,01 et %(most)s.") % {"most": most})
        return Scope.AMOUNT, minor, ()
    return Scope.WHOLE, None, ()


def read_amount(typed: str, currency: str) -> int | None:
    """An amount as people write it (``1 234,50``), in minor units; ``None`` where it is none."""
    plain = "".join(typed.replace("€", "").split()).replace("\u202f", "").replace("\u00a0", "").replace(",", ".")
    if not plain or not set(plain) <= set("0123456789."):
        return None
    try:
        return Money.of(Decimal(plain), currency).minor
    except (InvalidOperation, MoneyError):
        return None


def _form(
    work: Work, invoice: Invoice, *, back: str, typed: Typed | None = None, wrong: FormError | None = None
) -> Response:
    customer = get_customer(work, invoice.customer_id)
    greet(work, invoice.customer_id)
    due = due_on_invoice(work, invoice.invoice_id)
    if invoice.is_credit_note or due.ended_by:
        return redirect(back, 303)
    page = render_template(
        "disputes/form.html",
        frame="inside.html" if "place" in g else "base.html",
        invoice=invoice,
        is_consumer=customer.kind is CustomerKind.CONSUMER,
        supplier_name=supplier_name(work),
        due=due,
        groups=choices(customer.kind),
        lines=lines_of(invoice),
        typed=typed or Typed(),
        wrong=wrong,
        back=back,
        most_files=MOST_FILES,
        most_mib=MOST_BYTES // 1024**2,
        most_said=MAX_SAID,
    )
    return make_response(page, 422 if wrong else 200)


def _own(work: Work, invoice_id: UUID) -> Invoice:
    """An invoice of the caller's customer: somebody else's looks like none."""
    found = get_invoice(work, invoice_id)
    if found.customer_id != place().customer_id:
        raise NotFoundError("invoice.not_found", "There is no such invoice.")
    return found
