"""What must be true before an invoice may bear a VAT category or rate, told before any rule set says it by number.

Sources: EN 16931 BR-S-*, BR-E-*, BR-AE-*, BR-IC-*, BR-G-*, BR-O-*; BR-FR-15, BR-FR-16; CGI ann. II art. 242 nonies A.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from einvoice.codelists.exemptions import EXEMPTIONS, MARGIN_SCHEMES, OF_CATEGORY, fits_kind, text_of
from einvoice.document import FRENCH_VAT_TERRITORY
from einvoice.errors import BuildError
from einvoice.validation.rate_places import OVERSEAS, UNTAXED, territory_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.composing.totals import Reasons
    from einvoice.document import Party
    from einvoice.request.model import ExemptionRequest, InvoiceRequest

_RATES = "0 0.9 1.05 1.75 2.1 5.5 7 8.5 9.2 9.6 10 13 19.6 20 20.6"
FRENCH_RATES = frozenset(Decimal(rate) for rate in _RATES.split())
"""Rates in percent that a French invoice may state (BR-FR-16): those in force, and old ones for credit notes."""
_MEMBERS = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU_COUNTRIES = frozenset(_MEMBERS.split())
"""Member States of the EU, ISO 3166-1 alpha-2."""
_PREFIXES = {"EL": "GR", "XI": "GB"}
"""VAT prefixes that are no country code: Greece, and Northern Ireland for goods."""
_ANTILLES, _REUNION = "antilles", "reunion"
"""The VAT territories overseas (CGI 294, 2), with which goods are exported and imported."""
_BEAR_NO_REASON = frozenset({"S", "Z"})
_NEED_SELLER_VAT = frozenset({"S", "Z", "AE", "K", "G"})
"""Categories that a seller without VAT number cannot use (BR-S-02, BR-Z-02, BR-AE-02, BR-IC-02, BR-G-02)."""


def categories_of(request: InvoiceRequest) -> dict[str, str]:
    """The VAT categories of the invoice, each with the first place that uses it."""
    found: dict[str, str] = {}
    for place, category, _ in _rated(request):
        found.setdefault(category, place)
    return found


def reasons_of(request: InvoiceRequest, usual: str | None) -> Reasons:
    """BT-120 and BT-121 of each category without VAT.

    As given; else by the margin scheme, by the seller's ``usual`` code of category E, or by the category itself.

    Raises:
        BuildError: ``invoice.exemption_missing``, ``invoice.exemption_unknown``, ``invoice.exemption_misplaced``,
            ``invoice.exemptions_ambiguous`` or ``invoice.margin_scheme_unused``.
    """
    used = categories_of(request)
    reasons: dict[str, tuple[str | None, str | None]] = {
        category: (text_of(code), code) for category, code in OF_CATEGORY.items()
    }
    if usual and "E" in used:
        _check_code(usual, "E", request.type_code, "seller.vat_exemption")
        reasons["E"] = (text_of(usual), usual)
    stated: set[str] = set()
    if request.margin_scheme:
        if "E" not in used:
            raise _refusal(
                "invoice.margin_scheme_unused",
                "margin_scheme (BT-120): no line has vat_category E. The lines under the scheme show no VAT: give them "
                "vat_category E.",
                "margin_scheme (BT-120) : aucune ligne n'a la vat_category E. Les lignes sous ce régime ne montrent "
                "pas de TVA : donnez-leur la vat_category E.",
                "BT-120",
                "margin_scheme",
            )
        scheme = MARGIN_SCHEMES[request.margin_scheme]
        reasons["E"] = (scheme.text, scheme.code)
        stated.add("E")
    for position, each in enumerate(request.vat_exemptions):
        place = f"vat_exemptions[{position}]"
        reason = _stated(each, request.type_code, place, used)
        if each.vat_category in stated and reasons[each.vat_category] != reason:
            raise _ambiguous(each.vat_category, place)
        stated.add(each.vat_category)
        reasons[each.vat_category] = reason
    if "E" in used and "E" not in reasons:
        raise _missing(used["E"])
    return reasons


def check_vat(request: InvoiceRequest, seller: Party, buyer: Party, *, vat_group: bool) -> None:
    """The conditions of every category and rate on the invoice.

    Raises:
        BuildError: ``invoice.rate_unknown``, ``invoice.outside_scope_mixed``, ``invoice.seller_vat_missing``,
            ``invoice.buyer_vat_missing``, ``invoice.buyer_vat_french``, ``invoice.delivery_missing``,
            ``invoice.delivery_not_in_eu`` or ``invoice.export_inside_eu``.
    """
    used = categories_of(request)
    _check_rates(request, buyer)
    if "O" in used and len(used) > 1:
        raise _refusal(
            "invoice.outside_scope_mixed",
            f"{used['O']}.vat_category (BT-151) is O, outside the scope of VAT, beside other categories: the norm "
            "wants them on an invoice of their own (BR-O-11).",
            f"{used['O']}.vat_category (BT-151) vaut O, hors du champ de la TVA, à côté d'autres catégories : la norme "
            "demande une facture à part (BR-O-11).",
            "BT-151",
            f"{used['O']}.vat_category",
        )
    if seller.vat_id is None and not vat_group and (needing := sorted(_NEED_SELLER_VAT & used.keys())):
        raise _refusal(
            "invoice.seller_vat_missing",
            f"seller.vat_id (BT-31) is missing: {used[needing[0]]} has vat_category {needing[0]}. Add the VAT number "
            "to the profile; without one (art. 293 B CGI), use vat_category E with code VATEX-FR-FRANCHISE.",
            f"seller.vat_id (BT-31) manque : {used[needing[0]]} a la vat_category {needing[0]}. Ajoutez le numéro de "
            "TVA au profil ; sans numéro (art. 293 B du CGI), utilisez la vat_category E, code VATEX-FR-FRANCHISE.",
            "BT-31",
            "seller.vat_id",
        )
    for category in ("AE", "K"):
        if category in used and buyer.vat_id is None:
            raise _buyer_vat_missing(category, used[category])
    if "K" in used:
        _check_intra_community(request, buyer, used["K"])
    if "G" in used:
        _check_export(request, seller, buyer, used["G"])


def _rated(request: InvoiceRequest) -> Iterator[tuple[str, str, Decimal | None]]:
    """Place, VAT category and rate of every line, allowance and charge."""
    for position, line in enumerate(request.lines):
        if line.counts:
            yield f"lines[{position}]", line.vat_category, line.vat_rate
    for name, adjustments in (("allowances", request.allowances), ("charges", request.charges)):
        for position, each in enumerate(adjustments):
            yield f"{name}[{position}]", each.vat_category, each.vat_rate


def _check_rates(request: InvoiceRequest, buyer: Party) -> None:
    """BR-FR-16. A consumer in another country is taxed at that country's rate (CGI 259 D, 258 A), so any may stand."""
    if request.buyer.consumer and buyer.address.country not in FRENCH_VAT_TERRITORY:
        return
    for place, _, rate in _rated(request):
        if rate is not None and rate not in FRENCH_RATES:
            term = "BT-152" if place.startswith("lines") else "BT-96/BT-103"
            rates = ", ".join(f"{each:f}" for each in sorted(FRENCH_RATES))
            raise _refusal(
                "invoice.rate_unknown",
                f"{place}.vat_rate ({term}) is {rate:f} %, which is no French VAT rate (BR-FR-16): {rates}.",
                f"{place}.vat_rate ({term}) vaut {rate:f} %, qui n'est pas un taux de TVA français (BR-FR-16) : "
                f"{rates}.",
                term,
                f"{place}.vat_rate",
            )


def _stated(each: ExemptionRequest, type_code: str, place: str, used: dict[str, str]) -> tuple[str | None, str | None]:
    category = each.vat_category
    if category in _BEAR_NO_REASON or category not in used:
        raise _refusal(
            "invoice.exemption_misplaced",
            f"{place}.vat_category (BT-118) is {category}, "
            + ("which bears no exemption." if category in _BEAR_NO_REASON else "which no line has.")
            + " Remove the exemption, or correct the category.",
            f"{place}.vat_category (BT-118) vaut {category}, "
            + ("qui ne porte pas d'exonération." if category in _BEAR_NO_REASON else "qu'aucune ligne n'a.")
            + " Supprimez l'exonération, ou corrigez la catégorie.",
            "BT-118",
            f"{place}.vat_category",
        )
    code = each.code or OF_CATEGORY.get(category)
    if code is None:
        raise _missing(place)
    _check_code(code, category, type_code, f"{place}.code")
    return each.reason or text_of(code), code


def _check_code(code: str, category: str, type_code: str, place: str) -> None:
    known = EXEMPTIONS.get(code)
    if known is None:
        raise _refusal(
            "invoice.exemption_unknown",
            f"{place} (BT-121) is {code!r}, which is no VATEX code. E.g. VATEX-FR-FRANCHISE (art. 293 B CGI) or "
            "VATEX-FR-CGI261-4 (art. 261, 4 CGI).",
            f"{place} (BT-121) vaut {code!r}, qui n'est pas un code VATEX. Par exemple VATEX-FR-FRANCHISE (art. 293 B "
            "du CGI) ou VATEX-FR-CGI261-4 (art. 261, 4 du CGI).",
            "BT-121",
            place,
        )
    if category not in known.categories or not fits_kind(code, type_code):
        fitting = ", ".join(sorted(known.categories))
        raise _refusal(
            "invoice.exemption_misplaced",
            f"{place} (BT-121) is {code}, which goes with vat_category {fitting}"
            + ("" if fits_kind(code, type_code) else " on credit notes")
            + f", not with {category} on type {type_code}.",
            f"{place} (BT-121) vaut {code}, qui va avec la vat_category {fitting}"
            + ("" if fits_kind(code, type_code) else " sur un avoir")
            + f", pas avec {category} sur un type {type_code}.",
            "BT-121",
            place,
        )


def _check_intra_community(request: InvoiceRequest, buyer: Party, place: str) -> None:
    """CGI 262 ter, I: to a business of another Member State, shipped there (BR-IC-11, BR-IC-12)."""
    prefix = (buyer.vat_id or "")[:2]
    if prefix == "FR":
        raise _refusal(
            "invoice.buyer_vat_french",
            f"{place} has vat_category K (intra-Community supply), but buyer.vat_id (BT-48) is French. Give the number "
            "of the Member State that the goods go to, or use category S.",
            f"{place} a la vat_category K (livraison intracommunautaire), mais buyer.vat_id (BT-48) est français. "
            "Donnez le numéro de l'État membre de destination, ou utilisez la catégorie S.",
            "BT-48",
            "buyer.vat_id",
        )
    delivery, period = request.delivery, request.period
    dated = (delivery is not None and delivery.date is not None) or period is not None
    if not dated or delivery is None or delivery.address is None:
        raise _refusal(
            "invoice.delivery_missing",
            f"{place} has vat_category K (intra-Community supply): give delivery.date (BT-72) or period (BG-14), and "
            "delivery.address with its country (BT-80) (BR-IC-11, BR-IC-12).",
            f"{place} a la vat_category K (livraison intracommunautaire) : indiquez delivery.date (BT-72) ou period "
            "(BG-14), et delivery.address avec son pays (BT-80) (BR-IC-11, BR-IC-12).",
            "BT-80",
            "delivery",
        )
    country = delivery.address.country
    if country == "FR" or country not in EU_COUNTRIES | {_PREFIXES.get(prefix, prefix)}:
        raise _refusal(
            "invoice.delivery_not_in_eu",
            f"{place} has vat_category K, but delivery.address.country (BT-80) is {country}: K goes to another Member "
            "State. Use S for France, G outside the EU.",
            f"{place} a la vat_category K, mais delivery.address.country (BT-80) vaut {country} : K va vers un autre "
            "État membre. Utilisez S pour la France, G hors de l'UE.",
            "BT-80",
            "delivery.address.country",
        )


def _check_export(request: InvoiceRequest, seller: Party, buyer: Party, place: str) -> None:
    """CGI 262, I: the goods leave the EU; CGI 294, 2: or they come from, or go to, a French department overseas."""
    delivered = request.delivery.address if request.delivery else None
    target = delivered or buyer.address
    if not _is_export(_zone(seller.address.country, seller.address.postcode), _zone(target.country, target.postcode)):
        term, field = ("BT-80", "delivery.address.country") if delivered else ("BT-55", "buyer.address.country")
        raise _refusal(
            "invoice.export_inside_eu",
            f"{place} has vat_category G (export), but {field} ({term}) is {target.country}. Give delivery.address "
            "(BG-15) outside the EU, or use K (other Member State) or S (France).",
            f"{place} a la vat_category G (exportation), mais {field} ({term}) vaut {target.country}. Indiquez "
            "delivery.address (BG-15) hors de l'UE, ou utilisez K (autre État membre) ou S (France).",
            term,
            field,
        )


def _zone(country: str, postcode: str | None) -> str:
    """The VAT territory of an address: ``EU`` but for France and its parts; Guadeloupe and Martinique are one."""
    french = territory_of(country, postcode or "")
    if french == OVERSEAS:
        return _REUNION if country == "RE" or (postcode or "").startswith("974") else _ANTILLES
    return french or ("EU" if country in EU_COUNTRIES else UNTAXED)


def _is_export(origin: str, target: str) -> bool:
    return target == UNTAXED or (origin != target and bool({origin, target} & {_ANTILLES, _REUNION}))


def _buyer_vat_missing(category: str, place: str) -> BuildError:
    name, name_fr = {
        "AE": ("reverse charge", "autoliquidation"),
        "K": ("intra-Community supply", "livraison intracommunautaire"),
    }[category]
    return _refusal(
        "invoice.buyer_vat_missing",
        f"buyer.vat_id (BT-48) is missing: {place} has vat_category {category} ({name}), which needs the buyer's VAT "
        "number. Add it, or use category S.",
        f"buyer.vat_id (BT-48) manque : {place} a la vat_category {category} ({name_fr}), qui demande le numéro de TVA "
        "de l'acheteur. Ajoutez-le, ou utilisez la catégorie S.",
        "BT-48",
        "buyer.vat_id",
    )


def _ambiguous(category: str, place: str) -> BuildError:
    return _refusal(
        "invoice.exemptions_ambiguous",
        f"{place} (BT-121) is a second exemption for vat_category {category}: an invoice has one (BR-{category}-01). "
        "Make one invoice per exemption, or keep the main code and name the other article in reason.",
        f"{place} (BT-121) est une seconde exonération pour la vat_category {category} : une facture n'en a qu'une "
        f"(BR-{category}-01). Faites une facture par exonération, ou gardez le code principal et citez l'autre article "
        "dans reason.",
        "BT-121",
        place,
    )


def _missing(place: str) -> BuildError:
    return _refusal(
        "invoice.exemption_missing",
        f"{place}: VAT category E needs an exemption code (BT-121): add vat_exemptions with vat_category E, e.g. code "
        "VATEX-FR-FRANCHISE for art. 293 B CGI; the text follows from it.",
        f"{place} : la catégorie de TVA E demande un code d'exonération (BT-121) : ajoutez vat_exemptions avec "
        "vat_category E, par exemple le code VATEX-FR-FRANCHISE pour l'art. 293 B du CGI ; le texte en découle.",
        "BT-121",
        "vat_exemptions",
    )


def _refusal(code: str, english: str, french: str, term: str, place: str) -> BuildError:
    return BuildError(code, english, french, term=term, place=place)
