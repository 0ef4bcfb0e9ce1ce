"""``/s/purchases``: invoices received as a buyer, what they say, and our answer by status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import new_id, today
from einvoice.errors import EInvoiceError
from einvoice.keeping import PDF_MIME, XML_MIME
from einvoice.lifecycle.reasons import reason
from einvoice.lifecycle.statuses import sendable_by_buyer, status
from einvoice.receiving.answering import (
    APPROVED_IN_PART,
    PAYMENT_SENT,
    WITH_COMMENT,
    reasons_for,
    why_unanswerable,
)
from einvoice.receiving.history import codes_of_received
from einvoice.receiving.purchases import FILTERS, PAGE, UNREADABLE, get_purchase, life_of_purchase, list_purchases
from portal.access.context import actor, place, services, work_here
from portal.access.roles import BOOKKEEPING, STAFF, allow
from portal.customer.downloads import send_bytes
from portal.fields import id_in
from portal.lists import MAX_WANTED
from portal.staff.purchases.form import Typed, read_answer, read_key, read_typed
from portal.staff.purchases.life import tell_life
from portal.staff.purchases.readable import readable_view, xml_of
from portal.staff.purchases.shown import show_purchase, warn
from portal.staff.purchases.states import FILTER_NAMES, standing_of
from portal.validation.shown import show
from portal.words import gettext, language, note_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from flask import Response
    from werkzeug import Response as AnyResponse

    from einvoice.document import Document
    from einvoice.receiving.purchases import Purchase
    from receivables.store.work import Work

blueprint = Blueprint("purchases", __name__, url_prefix="/s/purchases")

UNPROCESSABLE = 422
_VERBS = {
    "204": (note_text("Prendre en charge"), note_text("Le vendeur sait que vous traitez sa facture.")),
    "205": (note_text("Approuver"), note_text("Vous êtes d'accord avec toute la facture et la paierez à l'échéance.")),
    "206": (note_text("Approuver en partie"), note_text("Vous n'acceptez qu'une part du montant, et dites pourquoi.")),
    "207": (note_text("Contester"), note_text("Un litige s'ouvre chez le vendeur ; la facture reste ouverte.")),
    "208": (note_text("Demander une pièce"), note_text("La facture est suspendue jusqu'à ce que le vendeur complète.")),
    "210": (note_text("Refuser"), note_text("C'est définitif : la facture est close, l'État en est informé.")),
    "211": (note_text("Annoncer le paiement"), note_text("Le vendeur cesse de relancer : votre paiement est parti.")),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that may be given now: its words, and which fields its form has."""

    code: str
    verb: str
    meaning: str
    reasons: list[tuple[str, str]]
    with_amount: bool
    with_day: bool
    with_comment: bool
    comment_wanted: bool


@blueprint.get("")
@allow(*STAFF)
def listing() -> str:
    """Every invoice received, narrowed and searched."""
    asked = _Asked.read(request.args)
    with work_here() as work:
        rows = list_purchases(work, narrowed=asked.narrowed, wanted=asked.wanted, after=asked.after)
    return render_template(
        "purchases/list.html",
        rows=[(row, standing_of(row, today())) for row in rows[:PAGE]],
        more=len(rows) > PAGE,
        asked=asked,
        names=FILTER_NAMES,
    )


@blueprint.get("/<uuid:received_id>")
@allow(*STAFF)
def page(received_id: UUID) -> str:
    """One invoice received: what it says, what is wrong with it, what was said of it, and what to answer."""
    sent = request.args.get("sent", "")
    return _page(received_id, Typed(), sent=sent if sent in _VERBS else "")


@blueprint.post("/<uuid:received_id>/statuses")
@allow(*BOOKKEEPING)
def answer(received_id: UUID) -> AnyResponse:
    """Send a status to the seller; pressed twice, it is one message."""
    typed = read_typed(request.form)
    house = services()
    try:
        with work_here() as work:
            purchase = get_purchase(work, received_id)
            wanted = read_answer(typed, purchase.line.currency or "")
            house.buyer_statuses.send(work, received_id, wanted, key=read_key(request.form), actor=actor())
    except EInvoiceError as error:
        said = error.sentence_fr if language() == "fr" else error.sentence
        return make_response(_page(received_id, typed, said=said, wrong=error.place or ""), UNPROCESSABLE)
    return redirect(url_for("purchases.page", received_id=received_id, sent=typed.code), 303)


@blueprint.get("/<uuid:received_id>/original")
@allow(*STAFF)
def original(received_id: UUID) -> Response:
    """The file as it came, to the byte."""
    with work_here() as work:
        found = get_purchase(work, received_id)
        _note_download(work, found)
    return send_bytes(services().archive.get(found.sha256), found.mime, found.line.filename)


@blueprint.get("/<uuid:received_id>/xml")
@allow(*STAFF)
def xml(received_id: UUID) -> AnyResponse:
    """The structured data."""
    return _view(received_id, "xml")


@blueprint.get("/<uuid:received_id>/readable")
@allow(*STAFF)
def readable(received_id: UUID) -> AnyResponse:
    """The page that a person reads."""
    return _view(received_id, "pdf")


def _view(received_id: UUID, kind: str) -> AnyResponse:
    with work_here() as work:
        found = get_purchase(work, received_id)
        _note_download(work, found)
    stem = found.line.filename.rpartition(".")[0] or found.line.filename
    try:
        if kind == "xml":
            return send_bytes(xml_of(services().archive, found), XML_MIME, f"{stem}.xml")
        content = readable_view(services().archive, found, "en" if language() == "en" else "fr")
        return send_bytes(content, PDF_MIME, f"{stem}.pdf")
    except EInvoiceError as error:
        if not error.code.startswith("purchase."):
            raise
        said = error.sentence_fr if language() == "fr" else error.sentence
        return make_response(_page(received_id, Typed(), said=said), UNPROCESSABLE)


def _page(received_id: UUID, typed: Typed, *, said: str = "", wrong: str = "", sent: str = "") -> str:
    with work_here() as work:
        found = get_purchase(work, received_id)
        shown = show_purchase(work, found)
        refusal = why_unanswerable(work, found)
        life = life_of_purchase(work, received_id)
        history = codes_of_received(work, received_id)
        warnings = warn(work, found, shown)
    choices = [] if refusal else [_choice(code) for code in sendable_by_buyer(history)]
    if found.line.is_credit_note:
        choices = [each for each in choices if each.code != PAYMENT_SENT]
    return render_template(
        "purchases/page.html",
        purchase=found,
        shown=shown,
        warnings=warnings,
        standing=standing_of(found.line, today()),
        verdict=show(found.report),
        why_not=(refusal.sentence_fr if language() == "fr" else refusal.sentence) if refusal else _closed(history),
        choices=choices if place().role in BOOKKEEPING else [],
        may_answer=place().role in BOOKKEEPING,
        life=tell_life(found, life),
        typed=typed,
        said=said,
        wrong=wrong,
        sent=gettext(_VERBS[sent][0]) if sent else "",
        key=new_id(),
        today=today(),
        payable=_plain_amount(found),
        unreadable=UNREADABLE,
    )


def _choice(code: str) -> Choice:
    verb, meaning = _VERBS[code]
    spoken = language()
    named = [(each, reason(each)) for each in reasons_for(code)]
    reasons = sorted(
        ((each, known.english if spoken == "en" else known.french) for each, known in named), key=lambda pair: pair[1]
    )
    return Choice(
        code,
        gettext(verb),
        gettext(meaning),
        reasons,
        with_amount=code in {APPROVED_IN_PART, PAYMENT_SENT},
        with_day=code == PAYMENT_SENT,
        with_comment=code not in {"204", "205", PAYMENT_SENT},
        comment_wanted=code in WITH_COMMENT,
    )


def _closed(history: list[str]) -> str:
    """Why nothing may be said any more, where that is so."""
    closing = next((code for code in history if code in {"210", "213", "220"}), None)
    if closing is None:
        return ""
    known = status(closing)
    name = known.english if language() == "en" else known.french
    return gettext("La facture est close (%(code)s %(name)s) : aucun autre statut ne peut suivre.") % {
        "code": closing,
        "name": name,
    }


def _plain_amount(found: Purchase) -> str:
    """What is left to be paid, as a person would type it."""
    document: Document | None = found.document
    if document is None or document.totals.payable <= 0:
        return ""
    written = f"{document.totals.payable:f}"
    return written.replace(".", ",") if language() == "fr" else written


def _note_download(work: Work, found: Purchase) -> None:
    work.audit(actor(), "document.fetched", found.sha256, filename=found.line.filename)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address of the list asks for; what makes no sense there is left out."""

    narrowed: str = "all"
    wanted: str = ""
    after: UUID | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> _Asked:
        narrowed = given.get("show", "all")
        wanted = "".join(c for c in given.get("q", "") if c.isprintable()).strip()[:MAX_WANTED]
        return cls(narrowed if narrowed in FILTERS else "all", wanted, id_in(given.get("after")))
