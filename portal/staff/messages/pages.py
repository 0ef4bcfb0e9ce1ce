"""``/s/messages``: the inbox, and one conversation with everything that can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request

from portal.access.context import actor, caller, place, services, work_here
from portal.access.roles import COLLECTING, READERS, allow
from portal.customer.downloads import note_download, send_document
from portal.documents.attachments import MOST_BYTES, MOST_FILES, AttachmentError, read_attachments
from portal.documents.message_files import find_message_file, keep_message_files, plain_name
from portal.fields import new_once, read_once
from portal.lists import MAX_WANTED, read_list_request
from portal.mail.message_mails import reader_at, staff_path, write_message_mail
from portal.mailbox.addresses import close_addresses
from portal.refusals import refuse_unread_acts
from portal.staff.messages.filling import choices, filled
from portal.staff.messages.people import colleagues_of
from portal.staff.messages.shown import show_entries
from portal.words import language, note_text
from receivables.domain.conversations.messages import MAX_SAID, Channel, Side, Subject
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.conversations.messaging import Say, assign_thread, close_thread, say, write_note
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.conversations.messages import (
    CHOICES,
    file_of_message,
    find_thread,
    list_threads,
    mark_read,
    messages_in,
    read_until,
)
from receivables.store.conversations.notes import notes_in
from receivables.store.customer_file.contacts import contacts_of, customer_file
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import PAGE
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("staff_messages", __name__, url_prefix="/s/messages")
refuse_unread_acts(blueprint)

FILTERS = {
    "open": note_text("Ouvertes"),
    "waiting": note_text("Sans réponse"),
    "unread": note_text("Non lues"),
    "closed": note_text("Closes"),
    "all": note_text("Toutes"),
}
_KIND = "<any(customers, invoices):kind>/<uuid:subject_id>"


@dataclass(frozen=True, slots=True)
class Kept:
    """What was typed into a form that comes back: which form, its text, and what is wrong with it, if anything is."""

    form: str = ""
    said: str = ""
    wrong: str = ""


@blueprint.get("")
@allow(*READERS)
def index() -> str:
    """Conversations, the latest first."""
    asked = read_list_request(request.args)
    chosen = request.args.get("show", "open")
    chosen = chosen if chosen in FILTERS and chosen in CHOICES else "open"
    mine = request.args.get("whose") == "mine"
    person_id = caller().person.person_id
    with work_here() as work:
        rows = list_threads(
            work, person_id, choice=chosen, mine=mine, wanted=asked.wanted, after=asked.after, limit=PAGE
        )
    names = {each.person_id: each.name for each in colleagues_of(services().database, place().supplier_id)}
    return render_template(
        "messages/inbox.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        asked=asked,
        chosen=chosen,
        mine=mine,
        filters=FILTERS,
        names=names,
        path_of=lambda each: staff_path(each.thread.subject),
        may_act=place().role in COLLECTING,
        max_wanted=MAX_WANTED,
    )


@blueprint.get(_KIND)
@allow(*READERS)
def show(kind: str, subject_id: UUID) -> Response:
    """One conversation, which looking marks as read by the looker."""
    return _page(kind, subject_id)


@blueprint.post(f"{_KIND}/reply")
@allow(*COLLECTING)
def reply(kind: str, subject_id: UUID) -> Response:
    """Write to the customer; with the other button, put a template into what is being written."""
    if request.form.get("do") == "insert":
        return _page(kind, subject_id, Kept("reply", _inserted(kind, subject_id)), status=200)
    try:
        files = read_attachments(request.files.getlist("files"))
        with work_here() as work:
            subject = _subject(work, kind, subject_id)
            told = _say(work, subject, keep_message_files(services(), work, files))
    except (AttachmentError, ReceivablesError) as error:
        return _page(kind, subject_id, Kept("reply", _typed(), _words(error)))
    return redirect(f"{staff_path(subject)}{'' if told else '?told=no'}#last", 303)


@blueprint.post(f"{_KIND}/note")
@allow(*COLLECTING)
def note(kind: str, subject_id: UUID) -> Response:
    """Write something that stays inside."""
    person = caller().person
    try:
        with work_here() as work:
            subject = _subject(work, kind, subject_id)
            write_note(work, subject, actor(), person.name, _typed(), once=f"form {read_once(request.form)}")
    except ReceivablesError as error:
        return _page(kind, subject_id, Kept("note", _typed(), _words(error)))
    return redirect(f"{staff_path(subject)}#last", 303)


@blueprint.post(f"{_KIND}/assign")
@allow(*COLLECTING)
def assign(kind: str, subject_id: UUID) -> Response:
    """Give a conversation to somebody, or back to the customer's collector."""
    known = {str(each.person_id): each.person_id for each in colleagues_of(services().database, place().supplier_id)}
    chosen = request.form.get("person", "")
    if chosen and chosen not in known:
        abort(404)
    with work_here() as work:
        subject = _subject(work, kind, subject_id)
        thread = find_thread(work, subject)
        if thread is not None:
            assign_thread(work, thread.thread_id, actor(), known.get(chosen))
    return redirect(staff_path(subject), 303)


@blueprint.post(f"{_KIND}/close")
@allow(*COLLECTING)
def close(kind: str, subject_id: UUID) -> Response:
    """Close a conversation, open it again, or take no more mail into it."""
    do = request.form.get("do", "close")
    with work_here() as work:
        subject = _subject(work, kind, subject_id)
        thread = find_thread(work, subject)
        if do == "mute":
            close_addresses(work, subject, actor())
        elif thread is not None:
            close_thread(work, thread.thread_id, actor(), closed=do == "close")
    return redirect("/s/messages" if do == "close" else staff_path(subject), 303)


@blueprint.get("/files/<uuid:message_id>/<int:position>")
@allow(*READERS)
def file(message_id: UUID, position: int) -> Response:
    """One file of a message."""
    with work_here() as work:
        found = file_of_message(work, message_id, position)
        document = find_message_file(work, found[1]) if found else None
        note_download(work, caller().person.person_id, document)
    if document is None:
        abort(404)
    return send_document(services(), document)


def _inserted(kind: str, subject_id: UUID) -> str:
    """What is being written, with a template behind it."""
    with work_here() as work:
        subject = _subject(work, kind, subject_id)
        customer = get_customer(work, subject.customer_id)
        text = filled(work, request.form.get("template", "")[:40], subject, customer, caller().person.name)
    return "\n\n".join(each for each in (_typed().strip(), text) if each)


def _say(work: Work, subject: Subject, documents: tuple[UUID, ...]) -> bool:
    """Say it, and write the mail; whether there is an address to write to."""
    author, once = caller().person.name, f"form {read_once(request.form)}"
    done = say(work, Say(subject, Side.SUPPLIER, Channel.PAGE, actor(), author, _typed(), once, documents))
    if request.form.get("then") == "close":
        close_thread(work, done.thread.thread_id, actor())
    return write_message_mail(services(), work, done.thread, done.message_id)


def _page(kind: str, subject_id: UUID, kept: Kept | None = None, *, status: int | None = None) -> Response:
    person_id, may_act = caller().person.person_id, place().role in COLLECTING
    people = colleagues_of(services().database, place().supplier_id)
    with work_here() as work:
        subject = _subject(work, kind, subject_id)
        customer = get_customer(work, subject.customer_id)
        thread = find_thread(work, subject)
        messages = messages_in(work, thread.thread_id) if thread else []
        notes = notes_in(work, thread.thread_id) if thread else []
        others = list_threads(work, person_id, choice="all", customer_id=subject.customer_id, limit=10)
        page = render_template(
            "messages/conversation.html",
            base=staff_path(subject),
            customer=customer,
            due=due_on_invoice(work, subject.invoice_id) if subject.invoice_id else None,
            thread=thread,
            entries=show_entries(messages, notes),
            reader=reader_at(services(), work, subject, messages),
            read_at=read_until(work, thread.thread_id, Side.CUSTOMER) if thread else None,
            contacts=contacts_of(work, [subject.customer_id])[subject.customer_id],
            collector_id=customer_file(work, subject.customer_id).collector_id,
            others=[each for each in others[:10] if each.thread.subject != subject],
            path_of=lambda each: staff_path(each.thread.subject),
            people=people,
            names={each.person_id: each.name for each in people},
            templates=choices(work),
            plain_name=plain_name,
            kept=kept or Kept(),
            once=new_once(),
            may_act=may_act,
            not_told=request.args.get("told") == "no",
            most_files=MOST_FILES,
            most_mib=MOST_BYTES // 1024**2,
            most_said=MAX_SAID,
        )
        if thread is not None:
            mark_read(work, thread.thread_id, person_id, Side.SUPPLIER)
    return make_response(page, status or (422 if kept else 200))


def _subject(work: Work, kind: str, subject_id: UUID) -> Subject:
    """What the address is about.

    Raises:
        NotFoundError: ``invoice.not_found``, ``customer.not_found``.
    """
    if kind == "invoices":
        return Subject(get_invoice(work, subject_id).customer_id, subject_id)
    return Subject(get_customer(work, subject_id).customer_id)


def _typed() -> str:
    return request.form.get("said", "")[: MAX_SAID + 1]


def _words(error: Exception) -> str:
    if isinstance(error, NotFoundError):
        raise error
    french = getattr(error, "sentence_fr", None)
    return french if french and language() == "fr" else str(error)
