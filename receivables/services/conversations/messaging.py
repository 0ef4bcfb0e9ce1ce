"""Say something, note something, give a conversation to somebody, close it: each in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now
from receivables.domain.conversations.messages import MAX_SAID, Channel, Message, Note, Side, check_template, readable
from receivables.errors import NotFoundError, ReceivablesError
from receivables.store.conversations.message_templates import keep_template
from receivables.store.conversations.messages import (
    append_message,
    get_thread,
    note_said,
    open_thread,
    said_before,
    set_thread,
)
from receivables.store.conversations.notes import append_note
from receivables.store.customer_file.customers import get_customer, lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.conversations.messages import Subject, Template, Thread
    from receivables.store.work import Work

MOST_A_DAY = 60
"""Messages of one customer in 24 hours: more are an accident (two machines that answer each other) or an attack."""
MESSAGE_SENT, MESSAGE_RECEIVED, NOTE_WRITTEN = "message.sent", "message.received", "note.written"
THREAD_CLOSED = "thread.closed"


@dataclass(frozen=True, slots=True)
class Say:
    """Something to be said about a subject, for both sides to read.

    ``once`` names the form or the mail, so that sending it twice says it once; ``documents`` are the ids of files kept
    for it. ``address``, ``known`` and ``left_out`` tell of a mail what :class:`Message` keeps of it.
    """

    subject: Subject
    side: Side
    channel: Channel
    actor: str
    author: str
    said: str
    once: str
    documents: tuple[UUID, ...] = ()
    address: str | None = None
    known: bool = True
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What was said, in which conversation; ``is_new`` is false where it had been said before."""

    thread: Thread
    message_id: UUID
    is_new: bool


def say(work: Work, command: Say) -> Said:
    """Say something: the conversation begins or goes on, a customer waits for an answer or has one.

    Raises:
        ReceivablesError: ``message.empty``, ``message.too_long``, ``message.too_many``.
        NotFoundError: ``invoice.not_found``, ``customer.not_found``.
    """
    said = _words(command)
    _check_subject(work, command.subject)
    lock_customers(work, [command.subject.customer_id])
    thread = open_thread(work, command.subject)
    known = said_before(work, thread.thread_id, command.once)
    if known is not None:
        return Said(thread, known, is_new=False)
    if command.side is Side.CUSTOMER:
        _check_flood(work, command.subject.customer_id)
    message = Message(
        new_id(),
        command.side,
        command.channel,
        command.actor,
        command.author,
        command.address,
        command.known,
        said,
        command.left_out,
        now(),
    )
    append_message(work, thread.thread_id, message, command.once, command.documents)
    note_said(work, thread.thread_id, command.side, message.said_at)
    received = command.side is Side.CUSTOMER
    kind = MESSAGE_RECEIVED if received else MESSAGE_SENT
    _note(work, command.subject, kind, command.actor, shown=True, author=command.author)
    work.audit(
        command.actor, kind, str(message.message_id), thread=str(thread.thread_id), channel=command.channel.value
    )
    return Said(get_thread(work, thread.thread_id), message.message_id, is_new=True)


def write_note(work: Work, subject: Subject, actor: str, author: str, said: str, *, once: str) -> Thread:
    """Note something for the supplier's people alone; the conversation stays as the customer sees it.

    Raises:
        ReceivablesError: ``message.empty``, ``message.too_long``.
        NotFoundError: ``invoice.not_found``, ``customer.not_found``.
    """
    text = readable(said)
    _check_length(text)
    if not text:
        raise _empty()
    _check_subject(work, subject)
    lock_customers(work, [subject.customer_id])
    thread = open_thread(work, subject)
    if append_note(work, thread.thread_id, Note(new_id(), actor, author, text, now()), once):
        _note(work, subject, NOTE_WRITTEN, actor, shown=False, author=author)
        work.audit(actor, NOTE_WRITTEN, str(thread.thread_id))
    return thread


def assign_thread(work: Work, thread_id: UUID, actor: str, person_id: UUID | None) -> Thread:
    """Give a conversation to a person of the supplier, or back to the customer's collector (``None``).

    Raises:
        NotFoundError: ``thread.not_found``.
    """
    thread = _locked(work, thread_id)
    if thread.assigned_to != person_id:
        set_thread(work, thread_id, state=thread.state, assigned_to=person_id, waiting=True)
        work.audit(actor, "thread.assigned", str(thread_id), to=str(person_id) if person_id else None)
    return get_thread(work, thread_id)


def close_thread(work: Work, thread_id: UUID, actor: str, *, closed: bool = True) -> Thread:
    """Close a conversation, or open it again; nobody waits in one that is closed. A customer's next word opens it.

    Raises:
        NotFoundError: ``thread.not_found``.
    """
    thread = _locked(work, thread_id)
    if thread.is_open == closed:
        state = "closed" if closed else "open"
        set_thread(work, thread_id, state=state, assigned_to=thread.assigned_to, waiting=not closed)
        work.audit(actor, THREAD_CLOSED if closed else "thread.opened", str(thread_id))
        if closed:
            _note(work, thread.subject, THREAD_CLOSED, actor, shown=False)
    return get_thread(work, thread_id)


def set_template(work: Work, template: Template, actor: str) -> UUID:
    """Keep a template, new or changed; returns its id.

    Raises:
        ReceivablesError: see :func:`receivables.domain.conversations.messages.check_template`.
    """
    check_template(template)
    template_id = keep_template(work, template, actor)
    work.audit(actor, "template.kept", str(template_id), name=template.name)
    return template_id


def _locked(work: Work, thread_id: UUID) -> Thread:
    thread = get_thread(work, thread_id)
    lock_customers(work, [thread.customer_id])
    return get_thread(work, thread_id)


def _words(command: Say) -> str:
    said = readable(command.said)
    if command.channel is not Channel.MAIL:
        _check_length(said)
    if not said and not command.documents and not command.left_out:
        raise _empty()
    return said


def _check_length(said: str) -> None:
    if len(said) > MAX_SAID:
        raise ReceivablesError(
            "message.too_long",
            f"The text is longer than {MAX_SAID} characters: shorten it.",
            f"Le texte dépasse {MAX_SAID} caractères : raccourcissez-le.",
        )


def _empty() -> ReceivablesError:
    return ReceivablesError(
        "message.empty", "Write something, or attach a file.", "Écrivez un mot ou joignez un fichier."
    )


def _check_subject(work: Work, subject: Subject) -> None:
    """Refuse an invoice of somebody else: it looks like none."""
    get_customer(work, subject.customer_id)
    if subject.invoice_id and get_invoice(work, subject.invoice_id).customer_id != subject.customer_id:
        raise NotFoundError("invoice.not_found", "There is no such invoice.", "Cette facture n'existe pas.")


def _check_flood(work: Work, customer_id: UUID) -> None:
    lately = work.scalar(
        "SELECT count(*) FROM messages JOIN message_threads USING (supplier_id, thread_id) "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND side = 'customer' AND said_at > :since",
        customer=customer_id,
        since=now() - timedelta(days=1),
    )
    if lately >= MOST_A_DAY:
        raise ReceivablesError(
            "message.too_many",
            f"{MOST_A_DAY} messages came within a day: wait for their answers.",
            f"{MOST_A_DAY} messages sont arrivés en un jour : attendez-en les réponses.",
        )


def _note(work: Work, subject: Subject, kind: str, actor: str, *, shown: bool, author: str = "") -> None:
    """In the journal stands that something was said and by whom; the words stay where they are guarded."""
    number = get_invoice(work, subject.invoice_id).number if subject.invoice_id else None
    facts = {"author": author, "number": number}
    note_event(work, AccountEvent(subject.customer_id, kind, actor, shown, facts, subject.invoice_id))
