"""``/s/disputes``: the list with its clocks, and one dispute with what was said and every act about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from config.clock import now, today
from portal.access.context import caller, place, services, work_here
from portal.access.roles import COLLECTING, READERS, allow
from portal.customer.disputing import lines_of, read_amount
from portal.documents.attachments import FORM, MOST_BYTES, MOST_FILES, AttachmentError, read_attachments
from portal.fields import new_once, read_once
from portal.lists import MAX_WANTED, read_list_request
from portal.refusals import refuse_unread_acts
from portal.staff.disputes.acts import (
    CORRECTIVE,
    CREDIT,
    NOTHING,
    REFUSALS,
    Actor,
    accept,
    answer,
    reject,
    send_documents,
)
from portal.staff.disputes.told import Clock, clock_of, tell_events
from portal.telling.dispute_words import TEAMS, reason_words, team_words
from portal.words import gettext, language, note_text
from receivables.domain.conversations.disputes import FRAUD_CHECK, UNDECIDED, State
from receivables.services.collecting.chasing import disputed_minor
from receivables.services.conversations.contesting import MAX_SAID
from receivables.services.conversations.disputing import assign_dispute, close_refusal
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.short_paying import short_payments
from receivables.store.conversations.disputes import CHOICES, events_of, get_dispute, list_disputes
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import PAGE, list_documents
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.conversations.disputes import DisputeLine

blueprint = Blueprint("disputes", __name__, url_prefix="/s/disputes")
refuse_unread_acts(blueprint)

MOST_SHORT = 5
FILTERS = {
    "open": note_text("En cours"),
    "late": note_text("Hors délai"),
    "info_needed": note_text("Document attendu"),
    "refused": note_text("Factures refusées"),
    "closed": note_text("Terminés"),
    "all": note_text("Tous"),
}
_REFUSED = {
    "dispute.no_words": note_text("Écrivez au client ce que vous répondez."),
    "dispute.too_long": note_text("Le texte est trop long : raccourcissez-le."),
    "dispute.closed": note_text("Ce litige est terminé : rien d'autre ne peut être décidé."),
    "dispute.not_refused": note_text("Acceptez ou rejetez ce litige : sa facture n'a pas été refusée."),
    "dispute.bad_amount": note_text("Indiquez un montant plus grand que zéro et au plus égal à la somme contestée."),
}
_NO_ADDRESS = note_text("Ce client n'a pas d'adresse électronique : prévenez-le vous-même.")


@dataclass(frozen=True, slots=True)
class Row:
    """A dispute in the list, with its clock."""

    line: DisputeLine
    reason: str
    team: str
    clock: Clock


@dataclass(frozen=True, slots=True)
class Kept:
    """What was typed into a form that was refused: which form, and its fields."""

    form: str = ""
    said: str = ""
    amount: str = ""
    wrong: str = ""


@blueprint.get("")
@allow(*READERS)
def index() -> str:
    """Disputes, open ones first, with what is due when."""
    asked = read_list_request(request.args)
    chosen = request.args.get("show", "open")
    team = request.args.get("team", "")
    chosen, team = chosen if chosen in FILTERS and chosen in CHOICES else "open", team if team in TEAMS else ""
    with work_here() as work:
        lines = list_disputes(
            work, choice=chosen, wanted=asked.wanted, owner=team, today=today(), after=asked.after, limit=PAGE
        )
        short = short_payments(work, today(), limit=MOST_SHORT) if chosen == "open" and not asked.after else []
    rows = [
        Row(
            each,
            reason_words(each.dispute.reason),
            team_words(each.dispute.owner),
            clock_of(each.dispute, today()),
        )
        for each in lines
    ]
    return render_template(
        "disputes/list.html",
        rows=rows[:PAGE],
        short=short,
        may_act=place().role in COLLECTING,
        more=len(rows) > PAGE,
        asked=asked,
        chosen=chosen,
        team=team,
        filters=FILTERS,
        teams=TEAMS,
        max_wanted=MAX_WANTED,
    )


@blueprint.get("/<uuid:dispute_id>")
@allow(*READERS)
def show(dispute_id: UUID) -> Response:
    """One dispute: what was said, on which invoice, with which documents, and what can be done now."""
    return _page(dispute_id)


@blueprint.post("/<uuid:dispute_id>/answer")
@allow(*COLLECTING)
def give_answer(dispute_id: UUID) -> Response:
    """Answer the customer."""
    return _act(dispute_id, "answer", lambda actor, said: answer(actor, dispute_id, said))


@blueprint.post("/<uuid:dispute_id>/documents")
@allow(*COLLECTING)
def give_documents(dispute_id: UUID) -> Response:
    """Send files to the customer, and to their platform where it asked for some."""

    def send(actor: Actor, said: str) -> bool:
        files = read_attachments(request.files.getlist("files"))
        if not files.files:
            raise AttachmentError(gettext("Choisissez au moins un fichier."))
        return send_documents(actor, dispute_id, said, files)

    return _act(dispute_id, "documents", send)


@blueprint.post("/<uuid:dispute_id>/accept")
@allow(*COLLECTING)
def give_way(dispute_id: UUID) -> Response:
    """Accept in whole or in part, with the credit note."""

    def act(actor: Actor, said: str) -> bool:
        typed = request.form.get("amount", "")[:20].strip()
        with work_here() as work:
            dispute = get_dispute(work, dispute_id)
        minor = read_amount(typed, dispute.currency) if typed else None
        if typed and minor is None:
            raise AttachmentError(gettext("« %(typed)s » n'est pas un montant.") % {"typed": typed})
        by = request.form.get("by", CREDIT if request.form.get("credit") == "yes" else NOTHING)
        return accept(actor, dispute_id, said, minor, by=by if by in {CREDIT, CORRECTIVE} else NOTHING)

    return _act(dispute_id, "accept", act)


@blueprint.post("/<uuid:dispute_id>/reject")
@allow(*COLLECTING)
def stand_by(dispute_id: UUID) -> Response:
    """Keep the invoice as it is, and say why."""
    return _act(dispute_id, "reject", lambda actor, said: reject(actor, dispute_id, said))


@blueprint.post("/<uuid:dispute_id>/close")
@allow(*COLLECTING)
def close(dispute_id: UUID) -> Response:
    """A refused invoice is dealt with."""

    def act(actor: Actor, said: str) -> bool:
        with work_here() as work:
            close_refusal(work, dispute_id, actor.name, said)
        return True

    return _act(dispute_id, "close", act)


@blueprint.post("/<uuid:dispute_id>/assign")
@allow(*COLLECTING)
def assign(dispute_id: UUID) -> Response:
    """Give it to another team."""

    def act(actor: Actor, _said: str) -> bool:
        with work_here() as work:
            assign_dispute(work, dispute_id, actor.name, request.form.get("owner", "")[:40])
        return True

    return _act(dispute_id, "assign", act)


def _act(dispute_id: UUID, form: str, act: Callable[[Actor, str], bool]) -> Response:
    """Do it and come back to the dispute; where it is refused, show why beside what was typed."""
    said = request.form.get("said", "")[: MAX_SAID + 1]
    actor = Actor(services(), place().supplier_id, f"person {caller().person.person_id}", read_once(request.form))
    try:
        told = act(actor, said)
    except AttachmentError as error:
        wrong = str(error)
    except REFUSALS as error:
        code = str(getattr(error, "code", ""))
        french = getattr(error, "sentence_fr", None)
        own = french if french and language() == "fr" else str(error)
        wrong = gettext(_REFUSED[code]) if code in _REFUSED else own
    else:
        return redirect(url_for("disputes.show", dispute_id=dispute_id, told=None if told else "no"), 303)
    return _page(dispute_id, Kept(form, said, request.form.get("amount", "")[:20], wrong))


def _page(dispute_id: UUID, kept: Kept | None = None) -> Response:
    with work_here() as work:
        dispute = get_dispute(work, dispute_id)
        invoice = get_invoice(work, dispute.invoice_id)
        events = events_of(work, dispute.invoice_id)[dispute.dispute_id]
        kept_files = [each for each in list_documents(work, dispute.invoice_id) if each.form == FORM]
        named = {line.line_id: line for line in lines_of(invoice)}
        disputed = disputed_minor(work, [invoice.invoice_id]).get(invoice.invoice_id, 0)
        page = render_template(
            "disputes/show.html",
            dispute=dispute,
            invoice=invoice,
            due=due_on_invoice(work, invoice.invoice_id),
            customer=get_customer(work, dispute.customer_id),
            disputed_minor=min(disputed, dispute.amount_minor or disputed) if dispute.is_open else 0,
            lines=[named[each] for each in dispute.line_ids if each in named],
            events=tell_events(events),
            documents=kept_files,
            reason=reason_words(dispute.reason),
            team=team_words(dispute.owner),
            teams=TEAMS,
            clock=clock_of(dispute, today()),
            fraud=dispute.reason in FRAUD_CHECK,
            may_act=place().role in COLLECTING,
            undecided=dispute.state in UNDECIDED,
            refused=dispute.state is State.REFUSED,
            kept=kept or Kept(),
            once=new_once(),
            not_told=gettext(_NO_ADDRESS) if request.args.get("told") == "no" else "",
            most_files=MOST_FILES,
            most_mib=MOST_BYTES // 1024**2,
            most_said=MAX_SAID,
            at=now(),
        )
    return make_response(page, 422 if kept else 200)
