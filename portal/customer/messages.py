"""``/c/messages``: a customer's conversations with the supplier, about each invoice and about the account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from portal.access.context import actor, caller, customer_here, services, work_here
from portal.access.roles import Right, Role, allow
from portal.customer.downloads import note_download, send_document
from portal.documents.attachments import MOST_BYTES, MOST_FILES, AttachmentError, read_attachments
from portal.documents.message_files import find_message_file, keep_message_files, plain_name
from portal.fields import new_once, read_once
from portal.mail.message_mails import tell_collector, thread_path
from portal.refusals import refuse_unread
from portal.words import told_by
from receivables.domain.conversations.messages import MAX_SAID, Channel, Side, Subject
from receivables.errors import NotFoundError, ReceivablesError
from receivables.services.conversations.messaging import Say, say
from receivables.store.conversations.messages import (
    file_of_message,
    find_thread,
    mark_read,
    messages_in,
    threads_of_customer,
)
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.work import Work

blueprint = Blueprint("messages", __name__, url_prefix="/c/messages")
refuse_unread(blueprint)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was written into a form that comes back, and what is wrong with it."""

    said: str = ""
    wrong: str = ""


@blueprint.get("")
@allow(Role.CUSTOMER)
def index() -> str:
    """The customer's conversations, the latest first."""
    with work_here() as work:
        rows = threads_of_customer(work, customer_here(), caller().person.person_id)
    return render_template(
        "messages/list.html",
        rows=[each for each in rows if each.thread.invoice_id],
        account=next((each for each in rows if not each.thread.invoice_id), None),
        path_of=lambda each: thread_path(each.thread.subject),
    )


@blueprint.get("/account")
@allow(Role.CUSTOMER)
def account() -> Response:
    """The conversation about the account."""
    return _page(Subject(customer_here()))


@blueprint.post("/account")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def say_on_account() -> Response:
    """Write about the account."""
    return _say(Subject(customer_here()))


@blueprint.get("/invoices/<uuid:invoice_id>")
@allow(Role.CUSTOMER)
def invoice(invoice_id: UUID) -> Response:
    """The conversation about an invoice."""
    return _page(Subject(customer_here(), invoice_id))


@blueprint.post("/invoices/<uuid:invoice_id>")
@allow(Role.CUSTOMER, right=Right.DISPUTE)
def say_on_invoice(invoice_id: UUID) -> Response:
    """Write about an invoice."""
    return _say(Subject(customer_here(), invoice_id))


@blueprint.get("/files/<uuid:message_id>/<int:position>")
@allow(Role.CUSTOMER)
def file(message_id: UUID, position: int) -> Response:
    """One file of one of the customer's conversations."""
    with work_here() as work:
        found = file_of_message(work, message_id, position)
        ours = found is not None and found[0].customer_id == customer_here()
        document = find_message_file(work, found[1]) if found and ours else None
        note_download(work, caller().person.person_id, document)
    if document is None:
        abort(404)
    return send_document(services(), document)


def _say(subject: Subject) -> Response:
    """Take a message in, or show the form again with what is missing; nothing typed is lost."""
    person, typed = caller().person, request.form.get("said", "")[: MAX_SAID + 1]
    once = f"form {read_once(request.form)}"
    try:
        files = read_attachments(request.files.getlist("files"))
        with work_here() as work:
            _check_own(work, subject)
            documents = keep_message_files(services(), work, files)
            said = Say(subject, Side.CUSTOMER, Channel.PAGE, actor(), person.name, typed, once, documents)
            tell_collector(services(), work, say(work, said))
    except NotFoundError:
        raise
    except (AttachmentError, ReceivablesError) as error:
        return _page(subject, Typed(typed, told_by(error)))
    return redirect(f"{thread_path(subject)}#last", 303)


def _page(subject: Subject, typed: Typed | None = None) -> Response:
    with work_here() as work:
        number = _check_own(work, subject)
        thread = find_thread(work, subject)
        page = render_template(
            "messages/thread.html",
            number=number,
            invoice_id=subject.invoice_id,
            messages=messages_in(work, thread.thread_id) if thread else [],
            plain_name=plain_name,
            typed=typed or Typed(),
            once=new_once(),
            back=url_for("messages.index"),
            most_files=MOST_FILES,
            most_mib=MOST_BYTES // 1024**2,
            most_said=MAX_SAID,
        )
        if thread is not None and thread.has_messages:
            mark_read(work, thread.thread_id, caller().person.person_id, Side.CUSTOMER)
    return make_response(page, 422 if typed else 200)


def _check_own(work: Work, subject: Subject) -> str:
    """The invoice's number, empty for the account: somebody else's invoice looks like none.

    Raises:
        NotFoundError: ``invoice.not_found``.
    """
    if subject.invoice_id is None:
        return ""
    found = get_invoice(work, subject.invoice_id)
    if found.customer_id != subject.customer_id:
        raise NotFoundError("invoice.not_found", "There is no such invoice.")
    return found.number
