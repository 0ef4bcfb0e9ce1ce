"""Files of the bank's SEPA formats: pain.008 (debits) and pain.001 (transfers), written by sepaxml, judged by XSD.

sepaxml makes references up by chance; the bank answers with them, so that ours are put in their place. It knows no
amendment of a mandate (``AmdmntInfDtls``): that is added here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import sepaxml  # type: ignore[import-untyped]
from lxml import etree

from config import safe_xml
from config.clock import PARIS
from payments.errors import PaymentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from payments.debits.accounts import Account

INSTRUMENTS = {"core": "CORE", "b2b": "B2B"}
NEW_ACCOUNT = "SMNDA"
"""Same mandate, new debtor account (EPC130-08, AT-24 of an amendment)."""
_LONGEST_TEXT = 140


@dataclass(frozen=True, slots=True)
class Creditor:
    """Who the file is from."""

    name: str
    account: Account
    ics: str


@dataclass(frozen=True, slots=True)
class DebitLine:
    """One debit of a file; ``batch_ref`` (PmtInfId) names the part of the file that it stands in."""

    batch_ref: str
    end_to_end_id: str
    sequence: str
    collect_on: date
    amount_minor: int
    debtor_name: str
    account: Account
    rum: str
    signed_on: date
    amended: bool
    text: str
    old_ics: str | None = None
    """The ICS under which the mandate was signed, where ours has changed since."""


@dataclass(frozen=True, slots=True)
class TransferLine:
    """One transfer of a file."""

    end_to_end_id: str
    execute_on: date
    amount_minor: int
    name: str
    account: Account
    text: str


def write_debits(
    schema: str, message_ref: str, creditor: Creditor, scheme: str, lines: Sequence[DebitLine], *, at: datetime
) -> bytes:
    """A pain.008 file (``schema`` names its version) with one part for each ``batch_ref`` of its lines.

    Raises:
        PaymentError: ``debit.file_invalid``: the XSD refuses it; nothing may be sent.
    """
    config = _config(creditor, schema) | {"creditor_id": creditor.ics, "instrument": INSTRUMENTS[scheme]}
    file = sepaxml.SepaDD(config, schema=schema, clean=True)
    for line in lines:
        payment: dict[str, Any] = {
            "name": line.debtor_name,
            "IBAN": line.account.iban,
            "amount": line.amount_minor,
            "type": line.sequence,
            "collection_date": line.collect_on,
            "mandate_id": line.rum,
            "mandate_date": line.signed_on,
            "description": line.text[:_LONGEST_TEXT],
            "endtoend_id": line.end_to_end_id,
        }
        if line.account.bic:
            payment["BIC"] = line.account.bic
        file.add_payment(payment)
    root = _named(file.export(validate=False), message_ref, at)
    parts = {(line.sequence, line.collect_on.isoformat()): line.batch_ref for line in lines}
    for part in _each(root, "PmtInf"):
        day, sequence = _first(part, "ReqdColltnDt"), _first(_first(part, "PmtTpInf"), "SeqTp")
        _first(part, "PmtInfId").text = parts[sequence.text or "", day.text or ""]
    amended = {line.rum: line for line in lines if line.amended or line.old_ics}
    for mandate in _each(root, "MndtRltdInf"):
        changed = amended.get(_first(mandate, "MndtId").text or "")
        if changed:
            _amend(mandate, changed)
    return _judged(root, schema)


def write_transfers(
    schema: str, message_ref: str, debtor: Creditor, lines: Sequence[TransferLine], *, at: datetime
) -> bytes:
    """A pain.001 file (``schema`` names its version) of transfers that all leave our account.

    Raises:
        PaymentError: ``debit.file_invalid``.
    """
    file = sepaxml.SepaTransfer(_config(debtor, schema), schema=schema, clean=True)
    for line in lines:
        payment: dict[str, Any] = {
            "name": line.name,
            "IBAN": line.account.iban,
            "amount": line.amount_minor,
            "execution_date": line.execute_on,
            "description": line.text[:_LONGEST_TEXT],
            "endtoend_id": line.end_to_end_id,
        }
        if line.account.bic:
            payment["BIC"] = line.account.bic
        file.add_payment(payment)
    root = _named(file.export(validate=False), message_ref, at)
    for number, part in enumerate(_each(root, "PmtInf"), 1):
        _first(part, "PmtInfId").text = f"{message_ref}-{number}"
    return _judged(root, schema)


def _config(party: Creditor, schema: str) -> dict[str, Any]:
    config: dict[str, Any] = {"name": party.name, "IBAN": party.account.iban, "batch": True, "currency": "EUR"}
    if party.account.bic:
        config["BIC"] = party.account.bic
    elif schema == "pain.008.001.02":
        raise PaymentError(
            "debit.no_bic",
            "This version of the file needs your bank's BIC, which your IBAN does not tell: choose pain.008.001.08.",
            "Cette version du fichier exige le BIC de votre banque, que votre IBAN ne donne pas : choisissez "
            "pain.008.001.08.",
        )
    return config


def _named(written: bytes, message_ref: str, at: datetime) -> etree._Element:
    """The file as a tree, under our reference and with our time (Paris, as banks expect it)."""
    root = safe_xml.parse(written)
    header = next(root.iter(_tag(root, "GrpHdr")))
    _first(header, "MsgId").text = message_ref
    _first(header, "CreDtTm").text = f"{at.astimezone(PARIS):%Y-%m-%dT%H:%M:%S}"
    return root


def _amend(mandate: etree._Element, line: DebitLine) -> None:
    """Say what of the mandate is new since it was last used: our ICS, the payer's account."""
    _add(mandate, "AmdmntInd").text = "true"
    details = _add(mandate, "AmdmntInfDtls")
    if line.old_ics:
        other = _add(details, "OrgnlCdtrSchmeId", "Id", "PrvtId", "Othr")
        _add(other, "Id").text = line.old_ics
        _add(other, "SchmeNm", "Prtry").text = "SEPA"
    if line.amended:
        _add(details, "OrgnlDbtrAcct", "Id", "Othr", "Id").text = NEW_ACCOUNT


def _add(place: etree._Element, *names: str) -> etree._Element:
    for name in names:
        place = etree.SubElement(place, _tag(place, name))
    return place


def _judged(root: etree._Element, schema: str) -> bytes:
    """The file, where its XSD accepts it.

    Raises:
        PaymentError: ``debit.file_invalid`` with the first fault.
    """
    judge = xsd_of(schema)
    if not judge.validate(root):
        fault = judge.error_log[0].message
        raise PaymentError(
            "debit.file_invalid",
            f"The {schema} file breaks its grammar and was not made: {fault}",
            f"Le fichier {schema} enfreint sa grammaire et n'a pas été produit : {fault}",
        )
    return safe_xml.to_bytes(root)


@cache
def xsd_of(schema: str) -> etree.XMLSchema:
    """The grammar of a message, as sepaxml brings it."""
    path = resources.files("sepaxml") / "schemas" / f"{schema}.xsd"
    return etree.XMLSchema(etree.fromstring(path.read_bytes()))


def _tag(element: etree._Element, name: str) -> str:
    return f"{{{etree.QName(element).namespace}}}{name}"


def _each(root: etree._Element, name: str) -> Iterable[etree._Element]:
    return root.iter(_tag(root, name))


def _first(element: etree._Element, name: str) -> etree._Element:
    found = element.find(_tag(element, name))
    assert found is not None  # noqa: S101 -- sepaxml writes it always
    return found
