"""What is wrong with an invoice, at the field where it is put right, in words for somebody who never read the norm.

Three sources: what is missing or unreadable in the form, what our composing refuses (by its code), and what the rule
sets find (explained, and placed by business term and line).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.errors import EInvoiceError
from einvoice.intake import InvalidInvoiceError
from einvoice.request.reading import InvalidRequestError
from einvoice.validation.explanations import explain
from einvoice.validation.explanations.places import line_number
from einvoice.validation.explanations.terms import steps_of
from portal.words import fitted, gettext, language, note_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from einvoice.validation.verdict import Finding

GENERAL = ""
"""Nothing of the form puts it right."""
COMPANY = "company"
"""It is put right in the settings of the supplier."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to put right. ``field`` is the name of the input; ``missing`` is a gap, not a mistake."""

    field: str
    sentence: str
    missing: bool = False


PLAIN = {
    "invoice.buyer_vat_missing": (
        "buyer-vat_id",
        note_text("Sans TVA sur la facture, il faut le numéro de TVA de votre client. Demandez-le-lui."),
    ),
    "invoice.buyer_vat_french": (
        "buyer-vat_id",
        note_text("Ce numéro de TVA est français : une livraison dans l'UE demande celui d'un autre pays."),
    ),
    "invoice.delivery_missing": (
        "delivered_on",
        note_text("Une livraison dans l'UE demande le jour de livraison et l'adresse du client, avec son pays."),
    ),
    "invoice.delivery_not_in_eu": (
        "buyer-country",
        note_text("Le pays du client n'est pas un autre pays de l'UE : choisissez une autre TVA, ou un autre pays."),
    ),
    "invoice.export_inside_eu": (
        "buyer-country",
        note_text("Une exportation va hors de l'UE : choisissez une autre TVA, ou le pays où partent les biens."),
    ),
    "invoice.outside_scope_mixed": (
        None,
        note_text("« Hors TVA » ne se mélange pas : faites une facture à part pour cette ligne."),
    ),
    "invoice.seller_vat_missing": (
        COMPANY,
        note_text("Votre numéro de TVA manque dans vos réglages : ajoutez-le, ou choisissez une ligne sans TVA."),
    ),
    "invoice.rate_unknown": (None, note_text("Ce taux de TVA n'existe pas en France.")),
    "invoice.exemption_missing": (None, note_text("Dites pourquoi cette ligne est sans TVA : choisissez un motif.")),
    "invoice.due_before_issue": (
        "due_on",
        note_text("La facture doit être payée au plus tôt le jour de son émission."),
    ),
    "invoice.deposits_exceed_total": (
        "deposit-0-amount",
        note_text("Les acomptes dépassent le total de la facture : corrigez les montants déduits."),
    ),
    "invoice.deposit_exceeded": ("deposit-0-amount", note_text("Vous déduisez plus que ce que l'acompte demandait.")),
    "party.bad_siren": ("buyer-siren", note_text("Ce SIREN n'existe pas : vérifiez ses neuf chiffres.")),
    "party.bad_siret": ("buyer-siret", note_text("Ce SIRET n'existe pas : vérifiez ses quatorze chiffres.")),
    "party.siret_mismatch": (
        "buyer-siret",
        note_text("Ce SIRET n'est pas celui de ce SIREN : corrigez l'un des deux."),
    ),
    "party.bad_vat_id": ("buyer-vat_id", note_text("Ce numéro de TVA n'est pas valable : vérifiez-le avec le client.")),
    "party.vat_id_mismatch": (
        "buyer-vat_id",
        note_text("Ce numéro de TVA n'est pas celui de ce SIREN : corrigez l'un des deux."),
    ),
    "buyer.siret_missing": (
        "buyer-siret",
        note_text("Un organisme public s'identifie par son SIRET, pour Chorus Pro."),
    ),
    "buyer.bad_service_code": (
        "buyer-service_code",
        note_text("Ce code service n'a pas la bonne forme : recopiez celui du bon de commande."),
    ),
    "buyer.bad_engagement": (
        "buyer-engagement",
        note_text("Ce numéro d'engagement n'a pas la bonne forme : recopiez celui du bon de commande."),
    ),
    "supplier.no_profile": (COMPANY, note_text("Remplissez d'abord les réglages de votre entreprise.")),
}
"""By code of a refusal: the field, ``None`` where the place tells it, and what to do."""
_FIELDS = {
    "buyer.address.line1": "buyer-line1",
    "buyer.address.line2": "buyer-line2",
    "buyer.address.postcode": "buyer-postcode",
    "buyer.address.city": "buyer-city",
    "buyer.address.country": "buyer-country",
    "buyer.contact.email": "buyer-email",
    "due_date": "due_on",
    "delivery": "delivered_on",
    "period": "period_end",
    "notes": "note",
    "purchase_order": "order",
    "buyer_reference": "reference",
    "contract_reference": "contract",
    "allowances": "discount",
    "vat_exchange_rate": "rate",
    "currency": "currency",
    "seller": COMPANY,
}
_LINE_FIELDS = {"net_price": "price", "allowances": "discount", "vat_category": "vat", "vat_rate": "vat"}
_TERMS = {
    "BT-44": "buyer-name",
    "BT-46": "buyer-siret",
    "BT-47": "buyer-siren",
    "BT-48": "buyer-vat_id",
    "BT-49": "buyer-siren",
    "BT-50": "buyer-line1",
    "BT-51": "buyer-line2",
    "BT-52": "buyer-city",
    "BT-53": "buyer-postcode",
    "BT-55": "buyer-country",
    "BT-58": "buyer-email",
    "BT-5": "currency",
    "BT-9": "terms",
    "BT-10": "reference",
    "BT-12": "contract",
    "BT-13": "order",
    "BT-20": "terms",
    "BT-72": "delivered_on",
    "BT-73": "period_start",
    "BT-74": "period_end",
    "BT-113": "deposit-0-amount",
    "BT-111": "rate",
}
_LINE_TERMS = {
    "BT-129": "quantity",
    "BT-130": "unit",
    "BT-136": "discount",
    "BT-138": "discount",
    "BT-146": "price",
    "BT-148": "price",
    "BT-151": "vat",
    "BT-152": "vat",
    "BT-153": "name",
    "BT-154": "description",
    "BT-155": "code",
}
_SELLER_TERMS = re.compile(r"BT-(?:2[7-9]|3\d|4[0-3]|8[4-6])(?:-\d)?")
_PLACE = re.compile(r"(lines|deposits)\[(\d+)\](?:\.(\w+))?")
_TECHNICAL = re.compile(
    r"\s*\((?:BR|BT|BG|EXT|QT)-[^)]*\)|\b(?:lines|deposits|notes|allowances|charges)\[\d+\]\.|\b(?:buyer|delivery)\."
)
"""What our sentences name for programs: terms, rules, and the path of a field."""


def faults_of(error: Exception, places: Sequence[int]) -> list[Fault]:
    """Every fault that a refusal tells; ``places`` are the form's places of the lines of the request."""
    if isinstance(error, InvalidInvoiceError):
        return of_findings(error.report.fatal, places) or [Fault(GENERAL, _sentence(error))]
    if isinstance(error, InvalidRequestError):
        return [
            Fault(_field_of(each.place, places), _plain(each.sentence if language() == "en" else each.sentence_fr))
            for each in error.problems
        ]
    if isinstance(error, EInvoiceError):
        return [_of_refusal(error, places)]
    return [Fault(GENERAL, _sentence(error))]


def of_findings(findings: Iterable[Finding], places: Sequence[int]) -> list[Fault]:
    """What the rule sets found, each sentence once."""
    found: dict[tuple[str, str], Fault] = {}
    for each in findings:
        told = explain(each)
        sentence, fix = (told.sentence_fr, told.fix_fr) if language() == "fr" else (told.sentence_en, told.fix_en)
        fault = Fault(_field_of_terms(each, told.terms, places), _plain(f"{sentence} {fix}".strip()))
        found.setdefault((fault.field, fault.sentence), fault)
    return list(found.values())


def once(faults: Iterable[Fault]) -> list[Fault]:
    """The first fault of each field: one thing at a time is put right."""
    found: dict[str, Fault] = {}
    general = []
    for each in faults:
        if each.field in {GENERAL, COMPANY}:
            general.append(each)
        else:
            found.setdefault(each.field, each)
    return [*found.values(), *general]


def _of_refusal(error: EInvoiceError, places: Sequence[int]) -> Fault:
    known = PLAIN.get(error.code)
    at = _field_of(error.place or "", places)
    if known is None:
        return Fault(at, _plain(_sentence(error)))
    named, sentence = known
    if error.code.startswith("party.") and (error.place or "").startswith("seller"):
        return Fault(COMPANY, _plain(_sentence(error)))
    return Fault(named if named is not None else at, gettext(sentence))


def _field_of(place: str, places: Sequence[int]) -> str:
    """The input that holds what stands at ``place`` of the request."""
    found = _PLACE.match(place)
    if found:
        group, position, name = found[1], int(found[2]), found[3] or ""
        if group == "deposits":
            return f"deposit-{position}-amount"
        line = places[position] if position < len(places) else position
        return f"line-{line}-{_LINE_FIELDS.get(name, name or 'name')}"
    while place:
        if place in _FIELDS:
            return _FIELDS[place]
        if place.startswith("buyer.") and place.count(".") == 1:
            return place.replace(".", "-")
        place = place.rpartition(".")[0] or place.rpartition("[")[0]
    return GENERAL


def _field_of_terms(finding: Finding, terms: Iterable[str], places: Sequence[int]) -> str:
    line = line_number(steps_of(finding.location))
    if line is not None:
        place = places[line - 1] if line <= len(places) else line - 1
        return f"line-{place}-{next((_LINE_TERMS[each] for each in terms if each in _LINE_TERMS), 'name')}"
    for each in terms:
        if each in _TERMS:
            return _TERMS[each]
        if _SELLER_TERMS.fullmatch(each):
            return COMPANY
    return GENERAL


def _sentence(error: Exception) -> str:
    french = getattr(error, "sentence_fr", None)
    return french if french and language() == "fr" else str(error)


def _plain(sentence: str) -> str:
    """A sentence of ours without the names that programs know things by."""
    plain = _TECHNICAL.sub("", sentence)
    return fitted(plain[:1].upper() + plain[1:])
