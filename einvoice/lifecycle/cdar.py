"""Write the life-cycle message as XML: UN/CEFACT CDAR D22B, elements in the order of its schema; and read it back.

``read_cdar(parse(write_cdar(message))) == message``, but for the second pass through the hour that autumn repeats:
French local time without an offset cannot tell the two apart.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from lxml import etree

from config.clock import PARIS
from einvoice.lifecycle.cdar_reader import read_cdar
from einvoice.lifecycle.cdar_terms import DAY, NAMES, PATTERNS, ROOT, SECONDS
from einvoice.lifecycle.message import StatusMessageError

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

    from lxml.etree import _Element

    from einvoice.document import Identifier
    from einvoice.lifecycle.message import AttachedFile, Datum, Detail, StatusMessage, StatusParty

__all__ = ["read_cdar", "write_cdar"]

_CENTS = 2


def write_cdar(message: StatusMessage) -> bytes:
    """The message as UTF-8 XML with a declaration.

    Raises:
        StatusMessageError: ``cdar.no_recipient``, or ``cdar.unwritable`` for a text that XML cannot hold.
    """
    if not message.recipients:
        raise StatusMessageError(
            "cdar.no_recipient",
            f"Message {message.message_id} has no recipient; name one.",
            f"Le message {message.message_id} n'a pas de destinataire ; indiquez-en un.",
        )
    root = etree.Element(ROOT, nsmap=NAMES)
    try:
        _write_context(root, message)
        _write_exchanged(root, message)
        _write_acknowledgement(root, message)
    except ValueError as error:
        raise StatusMessageError(
            "cdar.unwritable",
            f"Message {message.message_id} holds a character that XML forbids: {error}.",
            f"Le message {message.message_id} contient un caractère que XML interdit : {error}.",
        ) from error
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _write_context(root: _Element, message: StatusMessage) -> None:
    context = _node(root, "rsm:ExchangedDocumentContext")
    if message.process:
        _text(_node(context, "ram:BusinessProcessSpecifiedDocumentContextParameter"), "ram:ID", message.process)
    _text(_node(context, "ram:GuidelineSpecifiedDocumentContextParameter"), "ram:ID", message.guideline)


def _write_exchanged(root: _Element, message: StatusMessage) -> None:
    exchanged = _node(root, "rsm:ExchangedDocument")
    _text(exchanged, "ram:ID", message.message_id)
    _text(exchanged, "ram:Name", message.name)
    _instant(exchanged, "ram:IssueDateTime", message.made_at)
    _write_party(exchanged, "ram:SenderTradeParty", message.sender)
    _write_party(exchanged, "ram:IssuerTradeParty", message.issuer)
    for recipient in message.recipients:
        _write_party(exchanged, "ram:RecipientTradeParty", recipient)


def _write_acknowledgement(root: _Element, message: StatusMessage) -> None:
    acknowledgement = _node(root, "rsm:AcknowledgementDocument")
    _text(_node(acknowledgement, "ram:MultipleReferencesIndicator"), "udt:Indicator", "false")
    _text(acknowledgement, "ram:TypeCode", message.phase)
    if message.set_at:
        _instant(acknowledgement, "ram:IssueDateTime", message.set_at)
    invoice = message.invoice
    reference = _node(acknowledgement, "ram:ReferenceReferencedDocument")
    _text(reference, "ram:IssuerAssignedID", invoice.number)
    _text(reference, "ram:StatusCode", message.document_status)
    _text(reference, "ram:TypeCode", invoice.type_code)
    if invoice.deposited_at:
        _instant(reference, "ram:ReceiptDateTime", invoice.deposited_at)
    for file in message.attachments:
        _write_attachment(reference, file)
    _text(reference, "ram:ReferenceTypeCode", invoice.reference_type)
    if invoice.issued_on:
        _day(_node(reference, "ram:FormattedIssueDateTime"), "qdt:DateTimeString", invoice.issued_on)
    _text(reference, "ram:ProcessConditionCode", message.status)
    _text(reference, "ram:ProcessCondition", message.label)
    if invoice.seller:
        _write_party(reference, "ram:IssuerTradeParty", invoice.seller)
    for detail in message.details:
        _write_detail(reference, detail)


def _write_party(parent: _Element, name: str, party: StatusParty) -> None:
    node = _node(parent, name)
    for identifier in party.identifiers:
        _identifier(node, "ram:GlobalID", identifier)
    _text(node, "ram:Name", party.name)
    _text(node, "ram:RoleCode", party.role)
    if party.address:
        _identifier(_node(node, "ram:URIUniversalCommunication"), "ram:URIID", party.address)


def _write_attachment(reference: _Element, file: AttachedFile) -> None:
    node = _node(reference, "ram:AttachmentBinaryObject")
    node.text = b64encode(file.content).decode()
    if file.mime:
        node.set("mimeCode", file.mime)
    node.set("filename", file.filename)


def _write_detail(reference: _Element, detail: Detail) -> None:
    node = _node(reference, "ram:SpecifiedDocumentStatus")
    if detail.reason:
        _text(node, "ram:ReasonCode", detail.reason.code)
        _text(node, "ram:Reason", detail.reason.label)
    _text(node, "ram:ProcessConditionCode", detail.status)
    if detail.reason:
        _text(node, "ram:RequestedActionCode", detail.reason.action)
        _text(node, "ram:RequestedAction", detail.reason.action_label)
    if detail.sequence is not None:
        _text(node, "ram:SequenceNumeric", str(detail.sequence))
    for note in detail.notes:
        included = _node(node, "ram:IncludedNote")
        _text(included, "ram:Content", note.text)
        _text(included, "ram:SubjectCode", note.subject)
    for datum in detail.data:
        _write_datum(_node(node, "ram:SpecifiedDocumentCharacteristic"), datum)


def _write_datum(node: _Element, datum: Datum) -> None:
    _text(node, "ram:ID", datum.term)
    _text(node, "ram:TypeCode", datum.kind)
    if datum.changed is not None:
        indicator = _node(node, "ram:ValueChangedIndicator")
        _text(indicator, "udt:IndicatorString", "true" if datum.changed else "false")
    _text(node, "ram:Name", datum.name)
    _text(node, "ram:Location", datum.location)
    _text(node, "ram:Value", datum.text)
    if datum.amount is not None:
        amount = _node(node, "ram:ValueAmount")
        amount.text = _decimal_text(datum.amount)
        if datum.currency:
            amount.set("currencyID", datum.currency)
    if datum.dated_on:
        _day(_node(node, "ram:ValueDateTime"), "udt:DateTimeString", datum.dated_on)
    if datum.rate is not None:
        _text(node, "ram:ValuePercent", _decimal_text(datum.rate))


def _node(parent: _Element, name: str) -> _Element:
    return etree.SubElement(parent, _qualified(name))


def _text(parent: _Element, name: str, text: str | None) -> None:
    if text:
        _node(parent, name).text = text


def _identifier(parent: _Element, name: str, identifier: Identifier) -> None:
    node = _node(parent, name)
    node.text = identifier.value
    if identifier.scheme:
        node.set("schemeID", identifier.scheme)


def _instant(parent: _Element, name: str, instant: datetime) -> None:
    node = _node(_node(parent, name), "udt:DateTimeString")
    node.text = instant.astimezone(PARIS).strftime(PATTERNS[SECONDS])
    node.set("format", SECONDS)


def _day(parent: _Element, name: str, day: date) -> None:
    node = _node(parent, name)
    node.text = day.strftime(PATTERNS[DAY])
    node.set("format", DAY)


def _decimal_text(value: Decimal) -> str:
    """At least two decimals, more where the value has them, never an exponent."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, str):
        raise StatusMessageError(
            "cdar.unwritable", f"{value} is no amount or rate.", f"{value} n'est ni un montant ni un taux."
        )
    return f"{value:.{max(_CENTS, -exponent)}f}"


def _qualified(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"
