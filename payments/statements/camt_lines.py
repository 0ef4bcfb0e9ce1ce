"""Entries of camt.053 and camt.054 as lines: a batch that is told in detail becomes one line for each payment."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from payments.statements.camt_tree import child, children, day_under, first, text_of, where
from payments.statements.errors import wrong
from payments.statements.fields import (
    MOST_PARTS,
    currency_of,
    given,
    iban_of,
    joined,
    minor_of,
    reference_in,
    rf_of,
    tidy,
)
from payments.statements.line import Remark, StatementLine
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from lxml.etree import _Element

_SIDES = {True: ("Dbtr", "Cdtr"), False: ("Cdtr", "Dbtr")}
"""Who the other one is: where money came in the debtor, else the creditor; then the other way round."""
_OF_ENTRY = {
    "bank_ref": ("AcctSvcrRef",),
    "entry_ref": ("NtryRef",),
    "reversal": ("RvslInd",),
    "payments": ("NtryDtls", "Btch", "NbOfTxs"),
    "batch_ref": ("NtryDtls", "Btch", "PmtInfId"),
    "bank_text": ("AddtlNtryInf",),
}
_REFERENCES = {"MsgId": "message_ref", "InstrId": "instruction_ref", "TxId": "transaction_ref", "ChqNb": "cheque"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """What an entry says for all its payments."""

    element: _Element
    number: int
    place: str
    account: str
    currency: str
    amount_minor: int
    booked_on: date
    value_on: date
    bank_code: str | None
    sign: int
    told: Mapping[str, str | None]
    """What is kept of the entry itself, looked up once: it may have a hundred thousand payments."""
    charges_minor: int | None


def read_entry(
    element: _Element, number: int, account: str, currency: str
) -> tuple[list[StatementLine], Remark | None]:
    """The lines of one entry, and what there is to remark; none where the bank has not booked it.

    Raises:
        StatementError: an amount, day or sign that cannot be, with the entry and its line.
    """
    place = f"Ntry {number}, {where(element)}"
    status = (text_of(element, "Sts", "Cd") or text_of(element, "Sts") or "BOOK").strip()
    if status != "BOOK":
        return [], Remark(
            "statement.not_booked",
            f"{place}: the bank has not booked this movement yet ({status}); it was left out.",
            f"{place} : la banque n'a pas encore comptabilisé ce mouvement ({status}) ; il a été laissé de côté.",
        )
    entry = _entry(element, number, place, account, currency)
    payments = [each for group in children(element, "NtryDtls") for each in children(group, "TxDtls")]
    if len(payments) > 1:
        amounts = [_amount(each, entry) for each in payments]
        known = [each for each in amounts if each is not None]
        if len(known) == len(payments) and sum(known) == entry.amount_minor:
            return [_line(entry, each, amount) for each, amount in zip(payments, known, strict=True)], None
        total = Money(entry.amount_minor, currency)
        return [_line(entry, None, entry.amount_minor)], Remark(
            "statement.batch_not_split",
            f"{place}: the {len(payments)} details do not add up to {total}; the movement stays one line.",
            f"{place} : les {len(payments)} détails ne font pas {total} ; le mouvement reste une seule ligne.",
        )
    return [_line(entry, payments[0] if payments else None, entry.amount_minor)], None


def _entry(element: _Element, number: int, place: str, account: str, currency: str) -> _Entry:
    amount = child(element, "Amt")
    if amount is None:
        raise wrong("wrong_amount", "The amount (Amt) is missing.", "Le montant (Amt) manque.", place)
    told = currency_of(amount.get("Ccy", currency), place)
    if told != currency:
        raise wrong(
            "wrong_currency",
            f"The movement is in {told}, the account in {currency}.",
            f"Le mouvement est en {told}, le compte en {currency}.",
            place,
        )
    booked_on = day_under(element, "BookgDt") or day_under(element, "ValDt")
    if booked_on is None:
        raise wrong("wrong_date", "The booking day (BookgDt) is missing.", "La date (BookgDt) manque.", place)
    sign = _sign(element, place)
    return _Entry(
        element=element,
        number=number,
        place=place,
        account=account,
        currency=currency,
        amount_minor=minor_of(amount.text or "", currency, place) * sign,
        booked_on=booked_on,
        value_on=day_under(element, "ValDt") or booked_on,
        bank_code=_code(element),
        sign=sign,
        told={name: text_of(element, *path) for name, path in _OF_ENTRY.items()},
        charges_minor=_kept_by_banks(element, currency, place),
    )


def _sign(element: _Element, place: str) -> int:
    """Credit or debit, as it stands: a reversal (RvslInd) already carries the sign of what moves now."""
    told = (text_of(element, "CdtDbtInd") or "").strip()
    if told not in {"CRDT", "DBIT"}:
        raise wrong(
            "wrong_sign",
            f"CdtDbtInd is {told!r} instead of CRDT or DBIT.",
            f"CdtDbtInd vaut {told!r} au lieu de CRDT ou DBIT.",
            place,
        )
    return 1 if told == "CRDT" else -1


def _amount(payment: _Element, entry: _Entry) -> int | None:
    """What one payment of a batch moved on the account, or ``None`` where that is not told in its currency."""
    for path in (("Amt",), ("AmtDtls", "TxAmt", "Amt"), ("AmtDtls", "InstdAmt", "Amt")):
        told = child(payment, *path)
        if told is not None and told.get("Ccy", entry.currency) == entry.currency:
            sign = _sign(payment, entry.place) if child(payment, "CdtDbtInd") is not None else entry.sign
            return sign * minor_of(told.text or "", entry.currency, f"{entry.place}, {where(payment)}")
    return None


def _code(element: _Element) -> str | None:
    """The bank transaction code: ``PMNT/RCDT/ESCT``, or the bank's own."""
    code = child(element, "BkTxCd")
    domain = [
        text_of(code, "Domn", "Cd"),
        text_of(code, "Domn", "Fmly", "Cd"),
        text_of(code, "Domn", "Fmly", "SubFmlyCd"),
    ]
    told = "/".join(tidy(each) for each in domain if each) or tidy(text_of(code, "Prtry", "Cd") or "")
    return told or None


def _line(entry: _Entry, payment: _Element | None, amount_minor: int) -> StatementLine:
    element = entry.element
    source = payment if payment is not None else element
    returned = given(text_of(payment, "RtrInf", "Rsn", "Cd") or text_of(payment, "RtrInf", "Rsn", "Prtry"))
    remittance, structured = _remittance(entry, payment)
    name, iban, parties = _counterparty(payment, entry.account, incoming=(amount_minor > 0) != bool(returned))
    return StatementLine(
        place=entry.place if source is element else f"Ntry {entry.number}, {where(source)}",
        booked_on=entry.booked_on,
        value_on=entry.value_on,
        amount_minor=amount_minor,
        currency=entry.currency,
        counterparty=name,
        counterparty_iban=iban,
        remittance=remittance,
        structured_reference=structured,
        end_to_end_id=given(text_of(payment, "Refs", "EndToEndId")),
        mandate_ref=given(text_of(payment, "Refs", "MndtId")),
        batch_ref=given(text_of(payment, "Refs", "PmtInfId")) or given(entry.told["batch_ref"]),
        bank_ref=given(entry.told["bank_ref"]),
        bank_code=(_code(payment) if payment is not None else None) or entry.bank_code,
        return_code=returned,
        charges_minor=_charges(entry, payment),
        entry=entry.number,
        details=_details(entry, payment, parties),
    )


def _counterparty(payment: _Element | None, own: str, *, incoming: bool) -> tuple[str, str | None, dict[str, str]]:
    """Name and IBAN of the other one, and who else is named.

    A return is told with the parties of what comes back, so that the caller turns the sides; whoever holds our own
    account is never the other one.
    """
    parties = child(payment, "RltdPties") if payment is not None else None
    if parties is None:
        return "", None, {}
    more = {
        f"ultimate_{'payer' if side == 'Dbtr' else 'payee'}": tidy(name)
        for side in ("Dbtr", "Cdtr")
        if (name := _name(parties, f"Ultmt{side}"))
    }
    for side in _SIDES[incoming]:
        name = tidy(_name(parties, side) or "")
        iban = iban_of(text_of(parties, f"{side}Acct", "Id", "IBAN"))
        if (name or iban) and iban != own:
            return name or more.get(f"ultimate_{'payer' if side == 'Dbtr' else 'payee'}", ""), iban, more
    return "", None, more


def _name(parties: _Element, side: str) -> str | None:
    return text_of(parties, side, "Nm") or text_of(parties, side, "Pty", "Nm")


def _remittance(entry: _Entry, payment: _Element | None) -> tuple[str, str | None]:
    """What the payer wrote, and the creditor reference: from its field, or found in the text."""
    told = child(payment, "RmtInf") if payment is not None else None
    free = [each.text or "" for each in islice(children(told, "Ustrd"), MOST_PARTS)] if told is not None else []
    notes, structured = [], None
    for part in islice(children(told, "Strd"), MOST_PARTS) if told is not None else ():
        reference = text_of(part, "CdtrRefInf", "Ref")
        structured = structured or (rf_of(reference) or given(reference) if reference else None)
        numbers = [text_of(each, "Nb") for each in children(part, "RfrdDocInf")]
        added = [each.text for each in children(part, "AddtlRmtInf")]
        notes += [tidy(each) for each in (*numbers, *added, reference) if each]
    text = tidy(" ".join(each for each in (joined(free), *notes) if each))
    if not text:
        text = tidy(text_of(payment, "AddtlTxInf") or entry.told["bank_text"] or "")
    return text, structured or reference_in(text)


def _charges(entry: _Entry, payment: _Element | None) -> int | None:
    """What banks kept, in the account's currency: the charges of the payment, else those of the entry."""
    own = _kept_by_banks(payment, entry.currency, entry.place) if payment is not None else None
    return own if own is not None else entry.charges_minor


def _kept_by_banks(holder: _Element, currency: str, place: str) -> int | None:
    charges = child(holder, "Chrgs")
    if charges is None:
        return None
    total = child(charges, "TtlChrgsAndTaxAmt")
    amounts = [total] if total is not None else [e for e in charges.iter() if first(e) == "Amt"]
    kept = sum(
        abs(minor_of(each.text or "", currency, place)) for each in amounts if each.get("Ccy", currency) == currency
    )
    return kept or None


def _details(entry: _Entry, payment: _Element | None, parties: dict[str, str]) -> dict[str, str]:
    told: dict[str, str | None] = {
        **parties,
        **{name: given(text_of(payment, "Refs", tag)) for tag, name in _REFERENCES.items()},
        "entry_ref": given(entry.told["entry_ref"]),
        "payment_bank_ref": given(text_of(payment, "Refs", "AcctSvcrRef")),
        "purpose": text_of(payment, "Purp", "Cd"),
        "return_text": text_of(payment, "RtrInf", "AddtlInf"),
        "reversal": entry.told["reversal"],
        "payments": entry.told["payments"],
        "bank_text": entry.told["bank_text"],
        "payment_text": text_of(payment, "AddtlTxInf"),
        "other_amount": _foreign(payment, entry.currency),
    }
    return {name: clean for name, text in told.items() if text and (clean := tidy(text))}


def _foreign(payment: _Element | None, currency: str) -> str | None:
    """The amount in the payer's currency, where it is another one."""
    told = child(payment, "AmtDtls", "InstdAmt", "Amt") if payment is not None else None
    if told is None or told.get("Ccy", currency) == currency:
        return None
    return f"{told.text} {told.get('Ccy', '')}"
