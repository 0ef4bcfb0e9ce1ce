"""Read the life-cycle message from XML: tolerant where the schema is.

Unknown statuses, missing schemes and absent details are kept as they are; only what cannot be understood is refused.
"""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from config.clock import PARIS
from einvoice.document import Identifier
from einvoice.lifecycle.cdar_terms import NAMES, PATTERNS, ROOT, SECONDS
from einvoice.lifecycle.message import (
    AttachedFile,
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

MOST_DIGITS = 30
"""Of a number, before and behind its point: ``1E9999999`` is short to write, and endless to compute with."""
MOST_NAME = 255
"""Characters of what names a message, a status or an invoice: an index holds no endless ones."""
MOST_SHOWN = 100
"""Characters of what cannot be read that its error repeats."""
YEARS = range(2000, 2200)
"""Years of a life cycle; at the ends of the calendar a date has no other time zone, and no working day."""


def read_cdar(root: _Element) -> StatusMessage:
    """The status in a CDAR message that ``config.safe_xml`` has parsed.

    Raises:
        StatusMessageError: ``cdar.not_cdar``, ``cdar.incomplete`` (no MDT-4, MDT-8, MDT-87 or MDT-105),
            ``cdar.several_invoices`` (rule P1.14: one invoice a message), ``cdar.unreadable_date``,
            ``cdar.unreadable_number``, ``cdar.unreadable_name`` or ``cdar.unreadable_attachment``.
    """
    exchanged, acknowledgement, reference = _parts(root)
    sender, issuer = exchanged.find("ram:SenderTradeParty", NAMES), exchanged.find("ram:IssuerTradeParty", NAMES)
    context = "rsm:ExchangedDocumentContext/ram:{}SpecifiedDocumentContextParameter/ram:ID"
    return StatusMessage(
        message_id=_required(exchanged, "ram:ID", "MDT-4"),
        status=_required(reference, "ram:ProcessConditionCode", "MDT-105"),
        made_at=_required_instant(exchanged, "ram:IssueDateTime", "MDT-8"),
        invoice=_read_invoice(reference),
        set_at=_read_instant(acknowledgement, "ram:IssueDateTime"),
        sender=_read_party(sender) if sender is not None else StatusParty(),
        issuer=_read_party(issuer) if issuer is not None else StatusParty(),
        recipients=tuple(_read_party(node) for node in exchanged.findall("ram:RecipientTradeParty", NAMES)),
        details=tuple(_read_detail(node) for node in reference.findall("ram:SpecifiedDocumentStatus", NAMES)),
        process=_read_text(root, context.format("BusinessProcess")),
        guideline=_read_text(root, context.format("Guideline")) or "",
        name=_read_text(exchanged, "ram:Name"),
        phase=_read_text(acknowledgement, "ram:TypeCode"),
        document_status=_read_text(reference, "ram:StatusCode"),
        label=_read_text(reference, "ram:ProcessCondition"),
        attachments=tuple(
            _read_attachment(node, position)
            for position, node in enumerate(reference.findall("ram:AttachmentBinaryObject", NAMES), start=1)
        ),
    )


def _parts(root: _Element) -> tuple[_Element, _Element, _Element]:
    """The header, the acknowledgement and the one reference of a message."""
    if root.tag != ROOT:
        raise StatusMessageError(
            "cdar.not_cdar",
            f"The root {root.tag!r} is not that of a life-cycle message (CDAR).",
            f"La racine {root.tag!r} n'est pas celle d'un message de cycle de vie (CDAR).",
        )
    references = root.findall("rsm:AcknowledgementDocument/ram:ReferenceReferencedDocument", NAMES)
    if len(references) > 1:
        raise StatusMessageError(
            "cdar.several_invoices",
            f"The message speaks of {len(references)} invoices; split it, one each (P1.14).",
            f"Le message porte sur {len(references)} factures ; il en faut une par message (P1.14).",
        )
    exchanged = root.find("rsm:ExchangedDocument", NAMES)
    acknowledgement = root.find("rsm:AcknowledgementDocument", NAMES)
    if exchanged is None or acknowledgement is None or not references:
        raise StatusMessageError(
            "cdar.incomplete",
            "The message lacks its header or its invoice (MDG-4, MDG-32).",
            "Le message n'a pas d'en-tête ou pas de facture (MDG-4, MDG-32).",
        )
    return exchanged, acknowledgement, references[0]


def _read_attachment(node: _Element, position: int) -> AttachedFile:
    """A file in the message; one without a name is called by its position."""
    try:
        content = b64decode("".join((node.text or "").split()), validate=True)
    except ValueError as error:
        raise _unreadable("attachment", node.get("filename") or str(position), "ram:AttachmentBinaryObject") from error
    return AttachedFile(content, node.get("filename") or f"{position}.bin", node.get("mimeCode"))


def _read_invoice(reference: _Element) -> InvoiceReference:
    seller = reference.find("ram:IssuerTradeParty", NAMES)
    return InvoiceReference(
        number=_required(reference, "ram:IssuerAssignedID", "MDT-87"),
        type_code=_read_text(reference, "ram:TypeCode"),
        issued_on=_read_day(reference, "ram:FormattedIssueDateTime"),
        seller=_read_party(seller) if seller is not None else None,
        deposited_at=_read_instant(reference, "ram:ReceiptDateTime"),
        reference_type=_read_text(reference, "ram:ReferenceTypeCode"),
    )


def _read_party(node: _Element) -> StatusParty:
    address = node.find("ram:URIUniversalCommunication/ram:URIID", NAMES)
    return StatusParty(
        role=_read_text(node, "ram:RoleCode"),
        identifiers=tuple(
            identifier for found in node.findall("ram:GlobalID", NAMES) if (identifier := _read_identifier(found))
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
            for note in node.findall("ram:IncludedNote", NAMES)
            if (text := _read_lines(note, "ram:Content"))
        ),
        data=tuple(_read_datum(datum) for datum in node.findall("ram:SpecifiedDocumentCharacteristic", NAMES)),
    )


def _read_datum(node: _Element) -> Datum:
    amount = node.find("ram:ValueAmount", NAMES)
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
    return (node.findtext(path, namespaces=NAMES) or "").strip() or None


def _read_lines(node: _Element, path: str) -> str | None:
    """The texts of a repeatable element, one per line: nothing that the other side wrote is lost."""
    texts = [(found.text or "").strip() for found in node.findall(path, NAMES)]
    return "\n".join(text for text in texts if text) or None


def _required(node: _Element, path: str, term: str) -> str:
    text = _read_text(node, path)
    if text is None:
        raise _incomplete(path, term)
    if len(text) > MOST_NAME:
        raise _unreadable("name", text, path)
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
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MOST_DIGITS or value.adjusted() > MOST_DIGITS:
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
    found = node.find(f"{path}/*", NAMES)
    text = (found.text or "").strip() if found is not None else ""
    if found is None or not text:
        return None
    pattern = PATTERNS.get(found.get("format", SECONDS))
    try:
        read = datetime.strptime(text, pattern) if pattern and text.isdigit() else datetime.fromisoformat(text)  # noqa: DTZ007 - French time is set below
    except ValueError as error:
        raise _unreadable("date", text, path) from error
    if read.year not in YEARS:
        raise _unreadable("date", text, path)
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
        f"{text[:MOST_SHOWN]!r} in {path} is no {what}; ask the sender to repeat it.",
        f"{text[:MOST_SHOWN]!r} dans {path} est illisible ; demandez à l'émetteur de le refaire.",
        place=path,
    )
