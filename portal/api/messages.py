"""``/api/v1/messages``: conversations with customers, read and written by program."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- a model reads it
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID  # noqa: TC003 -- a model reads it

from pydantic import Field

from config.clock import new_id
from portal.access.context import services
from portal.api.answers import CallRefusedError
from portal.api.door import actor, api_caller, open_blueprint
from portal.api.named import customer_of
from portal.api.operations import operation
from portal.api.shapes import CustomerRef, Input, Lines, Output, PageAnswer, PageQuery, Text, Word
from portal.mail.message_mails import write_message_mail
from receivables.domain.conversations.messages import Channel, Side, Subject
from receivables.services.conversations.messaging import Say, close_thread, say
from receivables.store.conversations.messages import get_thread, list_threads, messages_in
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from receivables.domain.conversations.messages import Message, Thread
    from receivables.store.work import Work

messages = open_blueprint("api_messages")


class ThreadQuery(PageQuery):
    """Which conversations."""

    show: Literal["open", "waiting", "all"] = "open"
    customer: CustomerRef | None = None
    q: Annotated[Text, Field(max_length=80, description="In names, numbers, and what was said.")] = ""


class ThreadShape(Output):
    """A conversation about an invoice, or about the account where there is none."""

    thread_id: UUID
    customer_id: UUID
    invoice_id: UUID | None
    state: str
    waiting_since: Annotated[datetime | None, Field(description="Since when the customer waits for an answer.")]
    last_customer_at: datetime | None
    last_supplier_at: datetime | None
    opened_at: datetime
    changed_at: datetime


class ThreadList(PageAnswer):
    """A page of conversations, the latest first."""

    threads: list[ThreadShape]


class MessageShape(Output):
    """Something said."""

    message_id: UUID
    side: Literal["customer", "supplier"]
    channel: str
    author: str
    said: str
    said_at: datetime
    files: Annotated[list[str], Field(description="Names of files that came with it.")]


class ThreadShown(ThreadShape):
    """A conversation with what was said, oldest first."""

    messages: list[MessageShape]


class NewMessage(Input):
    """Something to say to a customer; about an invoice, or about the account."""

    customer: CustomerRef | None = None
    invoice_id: UUID | None = None
    said: Annotated[Lines, Field(examples=["Votre avoir est parti ce matin."])]
    author: Annotated[Word | None, Field(description="The name under it; without it, the program's.")] = None


class SaidShape(Output):
    """What was said, and whether there was an address to write a mail to."""

    thread_id: UUID
    message_id: UUID
    mailed: bool


@messages.get("/messages")
@operation("messages:read", "List conversations", "Lister les conversations", ThreadList, query=ThreadQuery)
def index(work: Work, query: ThreadQuery) -> ThreadList:
    """Conversations with customers, the latest first."""
    caller = api_caller()
    rows = list_threads(
        work,
        caller.person_id or caller.token_id,
        choice=query.show,
        wanted=query.q,
        customer_id=customer_of(work, query.customer) if query.customer else None,
        after=query.after,
        limit=query.limit,
    )
    shown = [ThreadShape(**_facts(each.thread)) for each in rows[: query.limit]]
    return ThreadList(threads=shown, next_after=shown[-1].thread_id if len(rows) > query.limit else None)


@messages.get("/messages/<uuid:thread_id>")
@operation("messages:read", "Read a conversation", "Lire une conversation", ThreadShown)
def show(work: Work, thread_id: UUID) -> ThreadShown:
    """One conversation with what was said in it."""
    thread = get_thread(work, thread_id)
    return ThreadShown(**_facts(thread), messages=[_message(each) for each in messages_in(work, thread_id)])


@messages.post("/messages")
@operation(
    "messages:write",
    "Write to a customer",
    "Écrire à un client",
    SaidShape,
    status=201,
    body=NewMessage,
    example={"customer": "C00012", "said": "Votre avoir est parti ce matin."},
)
def write(work: Work, body: NewMessage) -> SaidShape:
    """Say something to a customer, on their page and by mail."""
    caller = api_caller()
    said = say(
        work,
        Say(
            _subject(work, body),
            Side.SUPPLIER,
            Channel.PAGE,
            actor(),
            body.author or caller.label,
            body.said,
            f"api {new_id()}",
        ),
    )
    mailed = write_message_mail(services(), work, said.thread, said.message_id)
    return SaidShape(thread_id=said.thread.thread_id, message_id=said.message_id, mailed=mailed)


@messages.post("/messages/<uuid:thread_id>/close")
@operation("messages:write", "Close a conversation", "Clore une conversation", ThreadShape)
def close(work: Work, thread_id: UUID) -> ThreadShape:
    """Nobody waits in it any more; a customer's next word opens it again."""
    return ThreadShape(**_facts(close_thread(work, thread_id, actor())))


def _subject(work: Work, body: NewMessage) -> Subject:
    """What it is about.

    Raises:
        CallRefusedError: ``message.no_subject``, ``message.two_subjects``.
    """
    if body.invoice_id is None and body.customer is None:
        raise CallRefusedError(
            400,
            "message.no_subject",
            "Say to whom: customer, or invoice_id.",
            "Dites à qui : customer, ou invoice_id.",
        )
    if body.invoice_id is None:
        return Subject(customer_of(work, body.customer or ""))
    owner = get_invoice(work, body.invoice_id).customer_id
    if body.customer is not None and customer_of(work, body.customer) != owner:
        raise CallRefusedError(
            422,
            "message.two_subjects",
            "The invoice is another customer's: leave customer out.",
            "La facture est celle d'un autre client : retirez customer.",
        )
    return Subject(owner, body.invoice_id)


def _facts(thread: Thread) -> dict[str, Any]:
    return {name: getattr(thread, name) for name in ThreadShape.model_fields}


def _message(message: Message) -> MessageShape:
    return MessageShape(
        message_id=message.message_id,
        side=message.side.value,
        channel=message.channel.value,
        author=message.author,
        said=message.said,
        said_at=message.said_at,
        files=[each.filename for each in message.files],
    )
