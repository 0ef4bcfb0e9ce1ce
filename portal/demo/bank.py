"""A bank statement for every supplier of the demonstration, as its bank would write it (CFONB 120).

Names are cut at what the bank's field holds, one payer is unknown, one transfer pays three invoices, one lacks ten
euros, one invoice is paid twice, and the provider's payouts arrive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import today
from portal.documents.bank_files import take_file
from receivables.domain.invoicing.invoices import Routing
from receivables.services.invoicing.dues import due_on_invoice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date
    from uuid import UUID

    from portal.demo.story import Staged
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

OPENING_MINOR = 4_218_736
LEFT_TO_OTHERS = 2
"""Newest invoices that the rest of the demonstration needs unpaid."""
MOST_PAID = 14
SHORT_MINOR = 1_000
"""What the payer who rounds leaves out."""
_POSITIVE, _NEGATIVE = "{ABCDEFGHI", "}JKLMNOPQR"
_PLAIN = str.maketrans("àâäéèêëîïôöùûüçÀÂÄÉÈÊËÎÏÔÖÙÛÜÇ'\u2019", "aaaeeeeiioouuucAAAEEEEIIOOUUUC  ")


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of the statement."""

    amount_minor: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class _Claim:
    invoice: Invoice
    payer: str
    open_minor: int


def bring_statements(
    services: Services,
    staged: Sequence[Staged],
    left_out: AbstractSet[UUID] = frozenset(),
    unpaid: AbstractSet[UUID] = frozenset(),
) -> int:
    """Import a statement for each supplier; returns how many lines they have.

    Customers ``left_out`` pay nothing, and nobody pays invoices that stay ``unpaid``.
    """
    lines = 0
    for each in staged:
        with services.works.begin(each.supplier.supplier_id) as work:
            movements = [*_transfers(_claims(work, each, left_out, unpaid)), *_payouts(work), *_others()]
        content = statement(each.player.profile.iban or "", today(), movements)
        take_file(services, each.supplier.supplier_id, "releve-cfonb120.txt", content, "demo")
        lines += len(movements)
    return lines


def statement(iban: str, day: date, movements: Sequence[Movement]) -> bytes:
    """A CFONB 120 statement of one day."""
    bank, branch, account = iban[4:9], iban[9:14], iban[14:25]
    head = f"{bank}    {branch}EUR2 {account}  {day:%d%m%y}{'':50}"
    records = [f"01{head}{_signed(OPENING_MINOR)}{'':16}"]
    for number, each in enumerate(movements, 1):
        side = f"{bank}0000{branch}EUR2 {account}{'05' if each.amount_minor > 0 else '06'}{day:%d%m%y}"
        name, text = each.name.translate(_PLAIN).upper(), each.text.translate(_PLAIN).upper()
        records.append(
            f"04{side}  {day:%d%m%y}{f'VIR SEPA {name}'[:31]:31}  {number:07d}  {_signed(each.amount_minor)}"
            f"{f'OP{day:%y%m%d}{number:05d}':16}"
        )
        records += [
            f"05{side}     {code}{told[:70]:70}  " for code, told in (("NPY", name[:35]), ("LCC", text)) if told
        ]
    closing = OPENING_MINOR + sum(each.amount_minor for each in movements)
    records.append(f"07{head}{_signed(closing)}{'':16}")
    return ("\r\n".join(records) + "\r\n").encode("cp1252", "replace")


def _claims(work: Work, staged: Staged, left_out: AbstractSet[UUID], unpaid: AbstractSet[UUID]) -> list[_Claim]:
    """What businesses owe, oldest first, less what the rest of the demonstration needs."""
    names = {row["customer_id"]: row["name"] for row in work.rows(
        "SELECT customer_id, name FROM customers WHERE supplier_id = :supplier"
    )}  # fmt: skip
    business = [each for each in staged.invoices if each.routing is Routing.B2B and each.currency == "EUR"]
    found = []
    for invoice in business[:-LEFT_TO_OTHERS]:
        if invoice.customer_id in left_out or invoice.invoice_id in unpaid:
            continue
        due = due_on_invoice(work, invoice.invoice_id)
        if not invoice.is_credit_note and due.open_minor > SHORT_MINOR and not due.in_flight_minor:
            found.append(_Claim(invoice, names[invoice.customer_id], due.open_minor))
    return found


def _transfers(claims: list[_Claim]) -> list[Movement]:
    """What payers send: three together, one short, one twice, and one by one with names as banks cut them."""
    movements = []
    three = _three_of_one(claims)
    if three:
        numbers = " ".join(each.invoice.number for each in three)
        movements.append(Movement(sum(each.open_minor for each in three), three[0].payer[:24], f"REGLEMENT {numbers}"))
    left = [each for each in claims if each not in three][:MOST_PAID]
    for place, each in enumerate(left):
        short = SHORT_MINOR if place == 1 else 0
        told = f"FACTURE {each.invoice.number}" if place % 3 else f"VOTRE {each.invoice.number.replace('-', ' ')}"
        movement = Movement(each.open_minor - short, each.payer[: 18 + place % 8], told)
        movements += [movement] * (2 if place == 0 else 1)
    return movements


def _three_of_one(claims: list[_Claim]) -> list[_Claim]:
    """Three invoices of the first customer who has as many."""
    by_customer: dict[str, list[_Claim]] = {}
    for each in claims:
        by_customer.setdefault(each.payer, []).append(each)
    return next((found[:3] for found in by_customer.values() if len(found) >= 3), [])  # noqa: PLR2004 -- three


def _payouts(work: Work) -> list[Movement]:
    """What the provider has sent to the bank."""
    rows = work.rows(
        "SELECT payout_ref, amount_minor, descriptor FROM payouts WHERE supplier_id = :supplier "
        "AND state IN ('on_its_way', 'paid') AND amount_minor > 0 AND currency = 'EUR' ORDER BY payout_ref LIMIT 20"
    )
    return [Movement(row["amount_minor"], row["descriptor"] or "STRIPE", row["payout_ref"]) for row in rows]


def _others() -> list[Movement]:
    """What every account has besides: an unknown payer, rent, the bank's own fee."""
    return [
        Movement(48_250, "SCI LES TILLEULS", "MERCI"),
        Movement(-123_000, "FONCIERE DU QUAI", "LOYER"),
        Movement(-1_490, "", "COTISATION COMPTE PRO"),
    ]


def _signed(minor: int) -> str:
    letters = _NEGATIVE if minor < 0 else _POSITIVE
    return f"{abs(minor) // 10:013d}{letters[abs(minor) % 10]}"
