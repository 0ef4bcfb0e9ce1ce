"""The form of an invoice as it was typed: texts, kept as they came, so that nothing typed is ever lost."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import MultiDict

MOST_LINES = 100
"""Lines of an invoice by hand: longer ones come as a file."""
MAX_TYPED = 500
"""Characters of a field; descriptions and notes hold more."""
MAX_LONG = 3000
INVOICE, DEPOSIT, CORRECTIVE = "380", "386", "384"
BUSINESS, ABROAD, PUBLIC, CONSUMER = "business", "abroad", "public", "consumer"
_LONG = frozenset({"description", "note"})


@dataclass(frozen=True, slots=True)
class TypedBuyer:
    """Who is invoiced. ``kind`` decides which of the numbers are asked for."""

    kind: str = BUSINESS
    name: str = ""
    siren: str = ""
    siret: str = ""
    vat_id: str = ""
    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    country: str = "FR"
    email: str = ""
    service_code: str = ""
    engagement: str = ""


@dataclass(frozen=True, slots=True)
class TypedLine:
    """One line: ``vat`` is a choice of ``vat_choices``, ``discount`` a percentage, ``code`` the item's reference."""

    name: str = ""
    description: str = ""
    quantity: str = ""
    unit: str = ""
    price: str = ""
    vat: str = ""
    discount: str = ""
    nature: str = ""
    code: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nobody typed anything in it: unit, VAT and nature are chosen beforehand."""
        return not (self.name or self.description or self.price or self.discount)


@dataclass(frozen=True, slots=True)
class TypedDeposit:
    """A deposit invoice that may be deducted; ``taken`` says whether it is."""

    number: str
    issued_on: str
    amount: str = ""
    taken: str = ""


@dataclass(frozen=True, slots=True)
class TypedInvoice:
    """Everything that the form says. ``terms`` is a choice of ``terms_choices``."""

    kind: str = INVOICE
    buyer: TypedBuyer = field(default_factory=TypedBuyer)
    lines: tuple[TypedLine, ...] = ()
    terms: str = "usual"
    due_on: str = ""
    delivered_on: str = ""
    period_start: str = ""
    period_end: str = ""
    order: str = ""
    reference: str = ""
    contract: str = ""
    note: str = ""
    discount: str = ""
    discount_reason: str = ""
    currency: str = "EUR"
    rate: str = ""
    rate_on: str = ""
    deposits: tuple[TypedDeposit, ...] = ()
    corrects_number: str = ""
    """The invoice whose place a corrective one takes; never read from a form."""
    corrects_on: str = ""

    @property
    def written_lines(self) -> tuple[tuple[int, TypedLine], ...]:
        """The lines that say something, with their place in the form."""
        return tuple((place, line) for place, line in enumerate(self.lines) if not line.is_blank)


_HEADER = frozenset(each.name for each in fields(TypedInvoice)) - {
    "buyer",
    "lines",
    "deposits",
    "corrects_number",
    "corrects_on",
}


def read_form(form: MultiDict[str, str], before: TypedInvoice, *, known_buyer: bool) -> TypedInvoice:
    """The form as it was sent; what it has no field for stays as ``before``.

    Of a buyer that the books know, what says who it is stays: another number would open another customer.
    """
    header = {name: _cut(name, form[name]) for name in _HEADER if name in form}
    kept = _identity(before.buyer) if known_buyer else frozenset()
    buyer = {
        each.name: _cut(each.name, form[f"buyer-{each.name}"])
        for each in fields(TypedBuyer)
        if f"buyer-{each.name}" in form and each.name not in kept
    }
    if before.corrects_number:
        header["kind"] = CORRECTIVE
    return replace(
        before,
        **header,
        buyer=replace(before.buyer, **buyer),
        lines=_lines(form) or before.lines,
        deposits=tuple(_deposit(form, place, each) for place, each in enumerate(before.deposits)),
    )


def _identity(buyer: TypedBuyer) -> frozenset[str]:
    """By what the books tell this customer from others: its SIREN, else its VAT number, else its name and address."""
    if buyer.siren:
        return frozenset({"kind", "name", "siren"}) | ({"vat_id"} if buyer.vat_id else set())
    return frozenset({"kind", "name", "siren", "vat_id", "email"})


def _lines(form: MultiDict[str, str]) -> tuple[TypedLine, ...]:
    found = []
    for place in range(MOST_LINES):
        typed = {
            each.name: _cut(each.name, form[f"line-{place}-{each.name}"])
            for each in fields(TypedLine)
            if f"line-{place}-{each.name}" in form
        }
        if not typed:
            break
        found.append(TypedLine(**typed))
    return tuple(found)


def _deposit(form: MultiDict[str, str], place: int, before: TypedDeposit) -> TypedDeposit:
    amount = form.get(f"deposit-{place}-amount")
    if amount is None:
        return before
    return replace(before, amount=_cut("amount", amount), taken="yes" if f"deposit-{place}-taken" in form else "")


def _cut(name: str, text: str) -> str:
    clean = "".join(each for each in text if each.isprintable() or each in "\n\t")
    return clean.strip()[: MAX_LONG if name in _LONG else MAX_TYPED]


def to_typed(told: Mapping[str, Any]) -> TypedInvoice:
    """The value that :func:`to_kept` wrote; fields of another version are left out."""
    header = {name: str(told[name]) for name in (*_HEADER, "corrects_number", "corrects_on") if name in told}
    return TypedInvoice(
        **header,
        buyer=TypedBuyer(**_texts(TypedBuyer, told.get("buyer", {}))),
        lines=tuple(TypedLine(**_texts(TypedLine, each)) for each in told.get("lines", ())),
        deposits=tuple(TypedDeposit(**_texts(TypedDeposit, each)) for each in told.get("deposits", ())),
    )


def to_kept(typed: TypedInvoice) -> dict[str, Any]:
    """``typed`` as JSON values, as PostgreSQL gives them back."""
    told = asdict(typed)
    return {**told, "lines": list(told["lines"]), "deposits": list(told["deposits"])}


def without_buyer(typed: TypedInvoice) -> TypedInvoice:
    """What a template keeps: neither whom, nor the days and references of one invoice."""
    return replace(
        typed,
        kind=INVOICE if typed.kind == CORRECTIVE else typed.kind,
        buyer=TypedBuyer(),
        deposits=(),
        due_on="",
        terms="usual" if typed.terms == "on" else typed.terms,
        delivered_on="",
        period_start="",
        period_end="",
        order="",
        reference="",
        rate="",
        rate_on="",
        corrects_number="",
        corrects_on="",
    )


def repeated(typed: TypedInvoice) -> TypedInvoice:
    """What comes back: lines, customer and references.

    A day, a deposit, an exchange rate belong to one invoice alone: on the next they would be untrue.
    """
    return replace(without_buyer(typed), buyer=typed.buyer, order=typed.order, reference=typed.reference)


def _texts(kind: type[Any], told: Mapping[str, Any]) -> dict[str, str]:
    return {each.name: str(told[each.name]) for each in fields(kind) if each.name in told}
