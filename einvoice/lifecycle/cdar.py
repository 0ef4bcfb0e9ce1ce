"""Write and read the life-cycle message as XML: UN/CEFACT CDAR D22B, elements in the order of its schema.

The reader is tolerant where the schema is: unknown statuses, missing schemes and absent details are kept as they are;
it refuses only what it cannot understand. ``read_cdar(parse(write_cdar(message))) == message``, but for the second
pass through the hour that autumn repeats: French local time without an offset cannot tell the two apart.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from lxml import etree

from config.clock import PARIS
from einvoice.document import Identifier
from einvoice.lifecycle.message import (
    Datum,
    Detail,
    InvoiceReference,
    Note,
    Reason,
    StatusMessage,
    StatusMessageError,
    StatusParty,
)

if TYPE_CHECKING:
    from lxml.etree import _Element

_UNECE = "urn:un:unece:uncefact:data:standard:"
_RSM = f"{_UNECE}CrossDomainAcknowledgementAndResponse:100"
_RAM = f"{_UNECE}ReusableAggregateBusinessInformationEntity:100"
_UDT = f"{_UNECE}UnqualifiedDataType:100"
_QDT = f"{_UNECE}QualifiedDataType:100"
_NAMES = {"rsm": _RSM, "ram": _RAM, "udt": _UDT, "qdt": _QDT}
ROOT = f"{{{_RSM}}}CrossDomainAcknowledgementAndResponse"
"""The root element of a CDAR message."""

_SECONDS, _DAY = "204", "102"
"""Date formats of UNTDID 2379: YYYYMMDDhhmmss and YYYYMMDD."""
_PATTERNS = {"204": "%Y%m%d%H%M%S", "203": "%Y%m%d%H%M", "102": "%Y%m%d"}
_CENTS = 2


# --- writing ---------------------------------------------------------------------------------------------------------


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
    root = etree.Element(ROOT, nsmap=_NAMES)
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
    node.text = instant.astimezone(PARIS).strftime(_PATTERNS[_SECONDS])
    node.set("format", _SECONDS)


def _day(parent: _Element, name: str, day: date) -> None:
    node = _node(parent, name)
    node.text = day.strftime(_PATTERNS[_DAY])
    node.set("format", _DAY)


def _decimal_text(value: Decimal) -> str:
    """At least two decimals, more where the value has them, never an exponent."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, str):
        raise StatusMessageError(
            "cdar.unwritable", f"{value} is no amount or rate.", f"{value} n'est ni un montant ni un taux."
        )
    return f"{value:.{max(_CENTS, -exponent)}f}"


# --- reading ---------------------------------------------------------------------------------------------------------


def read_cdar(root: _Element) -> StatusMessage:
    """The status in a CDAR message that ``config.safe_xml`` has parsed.

    Raises:
        StatusMessageError: ``cdar.not_cdar``, ``cdar.incomplete`` (no MDT-4, MDT-8, MDT-87 or MDT-105),
            ``cdar.several_invoices`` (rule P1.14: one invoice a message), ``cdar.unreadable_date`` or
            ``cdar.unreadable_number``.
    """
    if root.tag != ROOT:
        raise StatusMessageError(
            "cdar.not_cdar",
            f"The root {root.tag!r} is not that of a life-cycle message (CDAR).",
            f"La racine {root.tag!r} n'est pas celle d'un message de cycle de vie (CDAR).",
        )
    references = root.findall("rsm:AcknowledgementDocument/ram:ReferenceReferencedDocument", _NAMES)
    if len(references) > 1:
        raise StatusMessageError(
            "cdar.several_invoices",
            f"The message speaks of {len(references)} invoices; split it, one each (P1.14).",
            f"Le message porte sur {len(references)} factures ; il en faut une par message (P1.14).",
        )
    exchanged = root.find("rsm:ExchangedDocument", _NAMES)
    acknowledgement = root.find("rsm:AcknowledgementDocument", _NAMES)
    if exchanged is None or acknowledgement is None or not references:
        raise StatusMessageError(
            "cdar.incomplete",
            "The message lacks its header or its invoice (MDG-4, MDG-32).",
            "Le message n'a pas d'en-tête ou pas de facture (MDG-4, MDG-32).",
        )
    reference = references[0]
    sender, issuer = exchanged.find("ram:SenderTradeParty", _NAMES), exchanged.find("ram:IssuerTradeParty", _NAMES)
    context = "rsm:ExchangedDocumentContext/ram:{}SpecifiedDocumentContextParameter/ram:ID"
    return StatusMessage(
        message_id=_required(exchanged, "ram:ID", "MDT-4"),
        status=_required(reference, "ram:ProcessConditionCode", "MDT-105"),
        made_at=_required_instant(exchanged, "ram:IssueDateTime", "MDT-8"),
        invoice=_read_invoice(reference),
        set_at=_read_instant(acknowledgement, "ram:IssueDateTime"),
        sender=_read_party(sender) if sender is not None else StatusParty(),
        issuer=_read_party(issuer) if issuer is not None else StatusParty(),
        recipients=tuple(_read_party(node) for node in exchanged.findall("ram:RecipientTradeParty", _NAMES)),
        details=tuple(_read_detail(node) for node in reference.findall("ram:SpecifiedDocumentStatus", _NAMES)),
        process=_read_text(root, context.format("BusinessProcess")),
        guideline=_read_text(root, context.format("Guideline")) or "",
        name=_read_text(exchanged, "ram:Name"),
        phase=_read_text(acknowledgement, "ram:TypeCode"),
        document_status=_read_text(reference, "ram:StatusCode"),
        label=_read_text(reference, "ram:ProcessCondition"),
    )


def _read_invoice(reference: _Element) -> InvoiceReference:
    seller = reference.find("ram:IssuerTradeParty", _NAMES)
    return InvoiceReference(
        number=_required(reference, "ram:IssuerAssignedID", "MDT-87"),
        type_code=_read_text(reference, "ram:TypeCode"),
        issued_on=_read_day(reference, "ram:FormattedIssueDateTime"),
        seller=_read_party(seller) if seller is not None else None,
        deposited_at=_read_instant(reference, "ram:ReceiptDateTime"),
        reference_type=_read_text(reference, "ram:ReferenceTypeCode"),
    )


def _read_party(node: _Element) -> StatusParty:
    address = node.find("ram:URIUniversalCommunication/ram:URIID", _NAMES)
    return StatusParty(
        role=_read_text(node, "ram:RoleCode"),
        identifiers=tuple(
            identifier for found in node.findall("ram:GlobalID", _NAMES) if (identifier := _read_identifier(found))
        ),
        name=_read_text(node, "ram:Name"),
        address=_read_identifier(address) if address is not None else None,
    )


def _read_detail(node: _Element) -> Detail:
    reason = Reason(
        code=_read_text(node, "ram:ReasonCode"),
        label=_read_lines(node, "ram:Reason"),
        action=_read_text(node, "ram:RequestedActionCode"),
        action_label=_read_text(node, "ram:RequestedAction"),
    )
    sequence = _read_decimal(node, "ram:SequenceNumeric")
    return Detail(
        sequence=None if sequence is None else int(sequence),
        status=_read_text(node, "ram:ProcessConditionCode"),
        reason=None if reason == Reason() else reason,
        notes=tuple(
            Note(text, _read_text(note, "ram:SubjectCode"))
            for note in node.findall("ram:IncludedNote", _NAMES)
            if (text := _read_lines(note, "ram:Content"))
        ),
        data=tuple(_read_datum(datum) for datum in node.findall("ram:SpecifiedDocumentCharacteristic", _NAMES)),
    )


def _read_datum(node: _Element) -> Datum:
    amount = node.find("ram:ValueAmount", _NAMES)
    changed = _read_text(node, "ram:ValueChangedIndicator/*")
    return Datum(
        kind=_read_text(node, "ram:TypeCode"),
        amount=_read_decimal(node, "ram:ValueAmount"),
        currency=amount.get("currencyID") if amount is not None else None,
        rate=_read_decimal(node, "ram:ValuePercent"),
        dated_on=_read_day(node, "ram:ValueDateTime"),
        term=_read_text(node, "ram:ID"),
        changed=None if changed is None else changed in {"true", "1"},
        name=_read_text(node, "ram:Name"),
        location=_read_text(node, "ram:Location"),
        text=_read_text(node, "ram:Value"),
    )


def _read_identifier(node: _Element) -> Identifier | None:
    value = (node.text or "").strip()
    return Identifier(value, node.get("schemeID")) if value else None


def _read_text(node: _Element, path: str) -> str | None:
    return (node.findtext(path, namespaces=_NAMES) or "").strip() or None


def _read_lines(node: _Element, path: str) -> str | None:
    """The texts of a repeatable element, one per line: nothing that the other side wrote is lost."""
    texts = [(found.text or "").strip() for found in node.findall(path, _NAMES)]
    return "\n".join(text for text in texts if text) or None


def _required(node: _Element, path: str, term: str) -> str:
    text = _read_text(node, path)
    if text is None:
        raise _incomplete(path, term)
    return text


def _required_instant(node: _Element, path: str, term: str) -> datetime:
    instant = _read_instant(node, path)
    if instant is None:
        raise _incomplete(path, term)
    return instant


def _read_decimal(node: _Element, path: str) -> Decimal | None:
    text = _read_text(node, path)
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise _unreadable("number", text, path) from error
    if not value.is_finite():
        raise _unreadable("number", text, path)
    return value


def _read_instant(node: _Element, path: str) -> datetime | None:
    local = _read_moment(node, path)
    return local.astimezone(UTC) if local else None


def _read_day(node: _Element, path: str) -> date | None:
    local = _read_moment(node, path)
    return local.astimezone(PARIS).date() if local else None


def _read_moment(node: _Element, path: str) -> datetime | None:
    """The date or time under ``path``: a string of format 204, 203 or 102 in local French time, or an ISO instant."""
    found = node.find(f"{path}/*", _NAMES)
    text = (found.text or "").strip() if found is not None else ""
    if found is None or not text:
        return None
    pattern = _PATTERNS.get(found.get("format", _SECONDS))
    try:
        read = datetime.strptime(text, pattern) if pattern and text.isdigit() else datetime.fromisoformat(text)  # noqa: DTZ007 - French time is set below
    except ValueError as error:
        raise _unreadable("date", text, path) from error
    return read if read.tzinfo else read.replace(tzinfo=PARIS)


def _incomplete(path: str, term: str) -> StatusMessageError:
    return StatusMessageError(
        "cdar.incomplete",
        f"The message lacks {term} ({path}); ask its sender to repeat it.",
        f"Le message n'a pas de {term} ({path}) ; demandez à son émetteur de le refaire.",
        place=path,
    )


def _unreadable(what: str, text: str, path: str) -> StatusMessageError:
    return StatusMessageError(
        f"cdar.unreadable_{what}",
        f"{text!r} in {path} is no {what}; ask the sender to repeat it.",
        f"{text!r} dans {path} est illisible ; demandez à l'émetteur de le refaire.",
        place=path,
    )


def _qualified(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMES[prefix]}}}{local}"
