"""The bundle's first page: the story of one invoice in French, with its English beside it, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config.clock import PARIS
from einvoice.lifecycle.reasons import REASONS
from einvoice.lifecycle.statuses import status
from portal.words import money

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from portal.evidence.facts import Facts


class Line(NamedTuple):
    """One event, told twice."""

    at: datetime
    french: str
    english: str
    detail: str = ""


_FLOWS = {
    "to_send": ("prêt à partir vers la plateforme", "ready to leave for the platform"),
    "in_doubt": ("envoi à la plateforme à vérifier", "sending to the platform in doubt"),
    "sent": ("envoyé à la plateforme agréée", "sent to the approved platform"),
    "accepted": ("accepté par la plateforme agréée", "accepted by the approved platform"),
    "refused": ("refusé par la plateforme agréée", "refused by the approved platform"),
}
_ATTEMPTS = {
    "created": ("préparé", "prepared"),
    "open": ("ouvert par le payeur", "opened by the payer"),
    "processing": ("en cours à la banque", "on its way at the bank"),
    "succeeded": ("abouti", "succeeded"),
    "failed": ("non abouti", "failed"),
    "expired": ("expiré", "expired"),
    "superseded": ("remplacé", "replaced"),
}
_MAILS = {"to_send": ("écrit", "written"), "sent": ("envoyé", "sent"), "failed": ("non envoyé", "not sent")}


def write_story(facts: Facts) -> str:
    """The page as HTML: it loads nothing, and its text is inert whatever a fact holds."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(day=_day, instant=_instant)
    told = facts.told
    return environment.get_template("index.html").render(
        told=told,
        due=told["due"],
        lines=sorted(story_lines(told), key=lambda each: each.at),
        judged=list(_judged(told)),
        audit=facts.audit,
        amount=lambda minor: _amount(minor, told["invoice"]["currency"]),
    )


def story_lines(told: dict[str, Any]) -> Iterator[Line]:
    """Every event of an invoice, told in French and English, in no order."""
    invoice = told["invoice"]
    amount = _amount(invoice["payable_minor"], invoice["currency"])
    yield Line(invoice["created_at"], "Facture numérotée et comptabilisée", "Invoice numbered and booked", amount)
    for row in told["documents"]:
        yield Line(row["created_at"], "Fichier archivé", "File archived", row["file"])
    for row in told["links"]:
        yield Line(row["minted_at"], "Lien de paiement créé", "Payment link made", row["purpose"])
        if row["revoked_at"]:
            yield Line(row["revoked_at"], "Lien de paiement retiré", "Payment link revoked", row["purpose"])
    yield from _at_platform(told)
    yield from _money(told)
    for row in told["mails"]:
        french, english = _MAILS[row["state"]]
        detail = f"{row['recipient']} : {row['subject']}"
        yield Line(row["sent_at"] or row["created_at"], f"Courriel {french}", f"Mail {english}", detail)


def _at_platform(told: dict[str, Any]) -> Iterator[Line]:
    for row in told["flows"]:
        french, english = _FLOWS[row["state"]]
        what, thing = (
            ("Envoi de la facture", "Invoice") if row["kind"] == "invoice" else ("Message de statut", "Status message")
        )
        remarks = row["refusal"] or [] if row["state"] == "refused" else []  # remarks on an accepted file are no news
        refused = "; ".join(f"{each['reason']}: {each['message']}" for each in remarks)
        detail = " · ".join(part for part in (row["tracking_id"], row["flow_ref"], refused) if part)
        yield Line(row["changed_at"], f"{what} : {french}", f"{thing} {english}", detail)
    for row in told["statuses"]:
        known = status(row["code"])
        sense, way = ("reçu", "received") if row["direction"] == "in" else ("envoyé", "sent")
        detail = " · ".join(
            [
                *_reasons(row["reasons"]),
                *(_declared(each) for each in row["amounts"]),
                *([row["note"]] if row["note"] else []),
            ]
        )
        yield Line(
            row["set_at"], f"Statut {sense} : {row['code']} {known.french}", f"Status {way}: {known.english}", detail
        )


def _declared(amount: dict[str, Any]) -> str:
    """An amount of a status, as its code says it: MEN collected, RAP left to pay ..."""
    rate = f" ({amount['rate']} %)" if amount["rate"] is not None else ""
    return f"{amount['kind']} {amount['amount']} {amount['currency']}{rate}"


def _reasons(given: Iterable[dict[str, str]]) -> Iterator[str]:
    for each in given:
        known = REASONS.get(each["code"])
        yield f"{known.french} / {known.english} ({known.code})" if known else each.get("label") or each["code"]


def _money(told: dict[str, Any]) -> Iterator[Line]:
    for row in told["attempts"]:
        french, english = _ATTEMPTS[row["state"]]
        detail = " · ".join(
            part
            for part in (
                _amount(row["amount_minor"], row["currency"]),
                row["provider"],
                row["payment_ref"],
                row["failure_code"],
            )
            if part
        )
        yield Line(row["changed_at"], f"Essai de paiement {french}", f"Payment attempt {english}", detail)
    for row in told["movements"]:
        inward = row["amount_minor"] > 0
        french, english = (
            ("Avoir imputé", "Credit note set off")
            if row["kind"] == "set_off"
            else ("Encaissement", "Receipt")
            if inward
            else ("Remboursement ou retour", "Refund or return")
        )
        detail = " · ".join(
            part for part in (_amount(row["amount_minor"], row["currency"]), row["source_ref"], row["reason"]) if part
        )
        yield Line(row["created_at"], french, english, detail)
    for row in told["letterings"]:
        whole, total = ("Lettrage", "Lettered") if row["balanced"] else ("Lettrage partiel", "Partly lettered")
        yield Line(row["lettered_at"], whole, total, row["code"])
        if row["ended_at"]:
            yield Line(row["ended_at"], "Fin du lettrage", "Lettering ended", row["code"])


def _judged(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What judged each file, by which rules."""
    for row in told["documents"]:
        for layer in (row["report"] or {}).get("layers", []):
            rules = layer.get("rule_set") or {}
            named = " ".join(str(value) for value in rules.values() if value) or layer.get("reason") or ""
            yield {"file": row["file"], "layer": layer["layer"], "outcome": layer["outcome"], "rules": named}


def _amount(minor: int, currency: str) -> str:
    return money(minor, currency, "fr")


def _day(value: date) -> str:
    return f"{value:%d/%m/%Y}"


def _instant(value: datetime) -> str:
    return f"{value.astimezone(PARIS):%d/%m/%Y %H:%M:%S}"
