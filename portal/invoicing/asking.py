"""From what was typed to the request of an invoice: numbers as people write them, and every gap with its field."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from portal.invoicing.faults import Fault
from portal.invoicing.terms_choices import ON_DAY, due_date
from portal.invoicing.typed import ABROAD, BUSINESS, CONSUMER, CORRECTIVE, DEPOSIT, PUBLIC
from portal.invoicing.vat_choices import is_choice, meaning_of
from portal.words import gettext

if TYPE_CHECKING:
    from portal.invoicing.typed import TypedBuyer, TypedDeposit, TypedInvoice, TypedLine
    from receivables.domain.settlement.payment_terms import PaymentTerms

_NUMBER = re.compile(r"-?\d{1,13}([.]\d{1,6})?")
_SPACES = re.compile(r"[\s\u00a0\u202f']")
SHIPPED = frozenset({"K", "G"})
"""Categories whose goods leave: the invoice has to say where to (BR-IC-12)."""


@dataclass(slots=True)
class Asked:
    """A request as JSON values, and what is missing or cannot be read; ``places`` is the form's place of each line."""

    request: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def miss(self, name: str, sentence: str) -> None:
        """Something is still to be filled in."""
        self.faults.append(Fault(name, sentence, missing=True))

    def refuse(self, name: str, sentence: str) -> None:
        """Something cannot be read."""
        self.faults.append(Fault(name, sentence))


def ask_for(typed: TypedInvoice, usual: PaymentTerms, today: date) -> Asked:
    """The request that ``typed`` makes on ``today``; only where it has no faults is it worth judging."""
    asked = Asked()
    request = asked.request
    request["type_code"] = typed.kind
    request["buyer"] = _buyer(asked, typed.buyer)
    request["lines"] = _lines(asked, typed)
    _terms(asked, typed, usual, today)
    _days(asked, typed)
    for name, text in (
        ("purchase_order", typed.order if typed.buyer.kind != PUBLIC else ""),
        ("buyer_reference", typed.reference if typed.buyer.kind != PUBLIC else ""),
        ("contract_reference", typed.contract),
    ):
        if text:
            request[name] = text
    if typed.note:
        request["notes"] = [{"text": typed.note, "subject": "AAI"}]
    _currency(asked, typed)
    _discount(asked, typed)
    _exemptions(asked, typed)
    _deliver(asked, typed)
    if typed.kind == CORRECTIVE:
        request["preceding_invoices"] = [{"number": typed.corrects_number, "issue_date": typed.corrects_on}]
    else:
        _deposits(asked, typed.deposits if typed.kind != DEPOSIT else ())
    return asked


def read_number(text: str) -> Decimal | None:
    """A number as people write it: ``1 234,50``, ``1234.5``, ``12 %``, ``80 €``; ``None`` for anything else."""
    plain = _SPACES.sub("", text).rstrip("€%").replace(",", ".")
    return Decimal(plain) if _NUMBER.fullmatch(plain) else None


def _buyer(asked: Asked, buyer: TypedBuyer) -> dict[str, Any]:
    french = buyer.kind in {BUSINESS, PUBLIC}
    if not buyer.name:
        asked.miss("buyer-name", gettext("Le nom de votre client."))
    if not (buyer.city and (buyer.line1 or buyer.postcode)):
        asked.miss("buyer-line1", gettext("La rue, le code postal et la ville de votre client."))
    if buyer.kind == BUSINESS and not (buyer.siren or buyer.siret):
        asked.miss("buyer-siren", gettext("Le SIREN de votre client : ses neuf chiffres."))
    if buyer.kind == PUBLIC and not buyer.siret:
        asked.miss("buyer-siret", gettext("Le SIRET de l'organisme : ses quatorze chiffres, pour Chorus Pro."))
    address = {
        name: text
        for name, text in (
            ("line1", buyer.line1),
            ("line2", buyer.line2),
            ("postcode", buyer.postcode),
            ("city", buyer.city),
            ("country", buyer.country.upper() if buyer.kind != BUSINESS or buyer.country else "FR"),
        )
        if text
    }
    told: dict[str, Any] = {"name": buyer.name or "?", "address": address}
    if french:
        told |= {name: _SPACES.sub("", text) for name, text in (("siren", buyer.siren), ("siret", buyer.siret)) if text}
    if buyer.vat_id and buyer.kind != CONSUMER:
        told["vat_id"] = _SPACES.sub("", buyer.vat_id).upper()
    if buyer.email:
        told["contact"] = {"email": buyer.email}
    told |= {"consumer": buyer.kind == CONSUMER, "public": buyer.kind == PUBLIC}
    if buyer.kind == PUBLIC:
        told |= {n: t for n, t in (("service_code", buyer.service_code), ("engagement", buyer.engagement)) if t}
    return told


def _lines(asked: Asked, typed: TypedInvoice) -> list[dict[str, Any]]:
    lines = []
    for place, line in typed.written_lines:
        asked.places.append(place)
        lines.append(_line(asked, f"line-{place}", line))
    if not lines:
        asked.miss("line-0-name", gettext("Au moins une ligne : ce que vous facturez."))
    return lines


def _line(asked: Asked, place: str, line: TypedLine) -> dict[str, Any]:
    if not line.name:
        asked.miss(f"{place}-name", gettext("Que facturez-vous sur cette ligne ?"))
    told: dict[str, Any] = {
        "name": line.name or "?",
        "unit": line.unit or "C62",
        "quantity": str(_amount(asked, f"{place}-quantity", line.quantity or "1")),
    }
    if not line.price:
        asked.miss(f"{place}-price", gettext("Le prix hors taxes d'une unité."))
    else:
        price = _amount(asked, f"{place}-price", line.price)
        if price < 0:
            asked.refuse(f"{place}-price", gettext("Un prix n'est pas négatif : mettez le moins devant la quantité."))
        told["net_price"] = str(price)
    if not is_choice(line.vat):
        asked.miss(f"{place}-vat", gettext("Choisissez la TVA de cette ligne."))
    else:
        category, rate, _ = meaning_of(line.vat)
        told |= {"vat_category": category, "vat_rate": rate}
    if line.discount:
        percent = _amount(asked, f"{place}-discount", line.discount)
        if not 0 <= percent <= 100:  # noqa: PLR2004 -- percent
            asked.refuse(f"{place}-discount", gettext("Une remise va de 0 à 100 %."))
        elif percent:
            told["allowances"] = [{"percent": str(percent), "reason": gettext("Remise")}]
    told |= {
        name: text
        for name, text in (
            ("description", line.description),
            ("nature", line.nature),
            ("seller_item_id", line.code),
        )
        if text
    }
    return told


def _terms(asked: Asked, typed: TypedInvoice, usual: PaymentTerms, today: date) -> None:
    due_on = due_date(typed.terms, typed.due_on, usual, today)
    if due_on is None:
        asked.miss("due_on", gettext("Le jour où la facture doit être payée."))
    elif typed.terms == ON_DAY and due_on < today:
        asked.refuse("due_on", gettext("Ce jour est passé : choisissez aujourd'hui ou plus tard."))
    else:
        asked.request["due_date"] = due_on.isoformat()


def _days(asked: Asked, typed: TypedInvoice) -> None:
    delivered = _day(asked, "delivered_on", typed.delivered_on)
    if delivered:
        asked.request["delivery"] = {"date": delivered}
    period = {
        name: found
        for name, key, text in (
            ("start", "period_start", typed.period_start),
            ("end", "period_end", typed.period_end),
        )
        if (found := _day(asked, key, text))
    }
    if period.get("end", "9999") < period.get("start", ""):
        asked.refuse("period_end", gettext("La période finit avant de commencer."))
    if period:
        asked.request["period"] = period


def _currency(asked: Asked, typed: TypedInvoice) -> None:
    asked.request["currency"] = typed.currency.upper() or "EUR"
    if asked.request["currency"] == "EUR":
        return
    if not typed.rate or not typed.rate_on:
        asked.miss("rate", gettext("Le cours de la devise et son jour : la TVA s'écrit aussi en euros."))
        return
    day = _day(asked, "rate_on", typed.rate_on)
    asked.request["vat_exchange_rate"] = {"rate": str(_amount(asked, "rate", typed.rate)), "date": day}


def _discount(asked: Asked, typed: TypedInvoice) -> None:
    """A discount on the whole: the same percentage of each VAT rate's base."""
    if not typed.discount:
        return
    percent = _amount(asked, "discount", typed.discount)
    if not 0 <= percent <= 100:  # noqa: PLR2004 -- percent
        asked.refuse("discount", gettext("Une remise va de 0 à 100 %."))
        return
    if percent:
        rates = dict.fromkeys(
            (line["vat_category"], line["vat_rate"]) for line in asked.request["lines"] if "vat_category" in line
        )
        asked.request["allowances"] = [
            {
                "percent": str(percent),
                "reason": typed.discount_reason or gettext("Remise"),
                "vat_category": category,
                "vat_rate": rate,
            }
            for category, rate in rates
        ]


def _exemptions(asked: Asked, typed: TypedInvoice) -> None:
    """BT-121: the reason of each line of category E, one for the whole invoice (BR-E-01)."""
    codes: dict[str, int] = {}
    for place, line in typed.written_lines:
        category, _, code = meaning_of(line.vat)
        if category == "E" and code and is_choice(line.vat):
            codes.setdefault(code, place)
    if len(codes) > 1:
        asked.refuse(
            f"line-{list(codes.values())[1]}-vat",
            gettext("Une facture n'a qu'un motif d'exonération : faites une facture par motif."),
        )
    elif codes:
        asked.request["vat_exemptions"] = [{"vat_category": "E", "code": next(iter(codes))}]


def _deliver(asked: Asked, typed: TypedInvoice) -> None:
    """Goods that leave go to the buyer's address, unless a file says otherwise."""
    used = {meaning_of(line.vat)[0] for _, line in typed.written_lines}
    if used & SHIPPED and typed.buyer.kind in {ABROAD, CONSUMER}:
        delivery = asked.request.setdefault("delivery", {})
        delivery["address"] = asked.request["buyer"]["address"]
        if "K" in used and "date" not in delivery and "period" not in asked.request:
            asked.miss("delivered_on", gettext("Le jour de la livraison : une livraison dans l'UE le demande."))


def _deposits(asked: Asked, deposits: tuple[TypedDeposit, ...]) -> None:
    taken = []
    for place, each in enumerate(deposits):
        if each.taken:
            amount = _amount(asked, f"deposit-{place}-amount", each.amount or "0")
            if amount <= 0:
                asked.refuse(f"deposit-{place}-amount", gettext("Indiquez ce que l'acompte a rapporté, TVA comprise."))
            taken.append({"number": each.number, "issue_date": each.issued_on, "amount": str(amount)})
    if taken:
        asked.request["deposits"] = taken


def _amount(asked: Asked, name: str, text: str) -> Decimal:
    found = read_number(text)
    if found is None:
        asked.refuse(name, gettext("« %(typed)s » : écrivez un nombre, par exemple 1250,50.") % {"typed": text})
        return Decimal(0)
    return found


def _day(asked: Asked, name: str, text: str) -> str | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        asked.refuse(name, gettext("Ce jour n'existe pas : choisissez-le dans le calendrier."))
        return None
