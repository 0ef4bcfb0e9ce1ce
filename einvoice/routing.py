"""By which road an invoice goes, and how the State hears of it: decided from facts, with the reason kept beside it.

A domestic sale between businesses goes through the approved platform (CGI 289 bis); a sale to a public body through
Chorus Pro (code de la commande publique L2192-1); sales to consumers and abroad are reported (CGI 290); exempt
operations (CGI 261 to 261 E) and sellers outside the French VAT territory are outside. A buyer without SIREN, or one
that the directory does not list, is reported like a consumer: the tax office tolerates it (DG 2.3.3).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from config.clock import legal_day, now
from config.law import LawUnknownError, duty_of, duty_on
from einvoice.document import SIRET_SCHEME
from einvoice.errors import EInvoiceError
from einvoice.request.codes import SELF_BILLED
from einvoice.routing_words import DUTY_WORDS, REASON_WORDS, Reason
from einvoice.validation.rate_places import UNTAXED, territory_of
from receivables.domain.invoicing.invoices import Routing
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.document import Address, Document
    from receivables.store.work import Work

DEFAULT_SIZE = "sme"
"""Of a supplier whose profile does not tell: the latest date, as for most companies."""
CONSUMER_NOTES = frozenset({"B2C", "B2CINT"})
OUTSIDE_NOTES = frozenset({"OUTOFSCOPE", "ARCHIVEONLY"})
"""Values of the note BAR (BR-FR-20) that decide by themselves."""
EXEMPT_CODES = ("VATEX-FR-CGI261", "VATEX-EU-132", "VATEX-EU-135")
"""Beginnings of the exemption codes of CGI 261 to 261 E (directive 2006/112/CE art. 132 and 135)."""


class Place(StrEnum):
    """Where a party is, as VAT sees it."""

    DOMESTIC = "domestic"
    """Where French VAT applies: the mainland, Corsica, Guadeloupe, Martinique, Réunion."""
    OVERSEAS = "overseas"
    """French, and no French VAT: Guyane, Mayotte (CGI 294, 1) and the collectivities."""
    ABROAD = "abroad"


class BuyerKind(StrEnum):
    """What the invoice says of its buyer."""

    BUSINESS = "business"
    CONSUMER = "consumer"
    UNIDENTIFIED = "unidentified"
    """Neither a number nor a note says which of the two."""


class NoVat(StrEnum):
    """What all of the VAT table is about, where nothing of it is taxed."""

    EXEMPT = "exempt"
    """CGI 261 to 261 E: no duty to invoice."""
    OUTSIDE = "outside"
    """Category O: outside the scope of VAT."""


class Listing(StrEnum):
    """What the directory said of the buyer, where its answer is fresh."""

    PRIVATE = "private"
    PUBLIC = "public"
    UNLISTED = "unlisted"
    NOT_ASKED = "not_asked"


class Road(StrEnum):
    """The road of the invoice itself, or of its data."""

    PLATFORM = "platform"
    PUBLIC = "public"
    REPORT = "report"
    NONE = "none"


class DutyState(StrEnum):
    """Whether the law already demands that road of this seller."""

    COMPULSORY = "compulsory"
    EARLY = "early"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """What the decision rests on. ``declared`` is the note BAR; ``size`` that of the seller on 1 January 2025."""

    issued_on: date
    seller: Place = Place.DOMESTIC
    seller_siren: str | None = None
    buyer: Place = Place.DOMESTIC
    buyer_siren: str | None = None
    kind: BuyerKind = BuyerKind.BUSINESS
    stated_public: bool = False
    declared: str | None = None
    no_vat: NoVat | None = None
    self_billed: bool = False
    listing: Listing = Listing.NOT_ASKED
    asked_on: date | None = None
    size: str = DEFAULT_SIZE
    vat_group: bool = False

    @property
    def dated_size(self) -> str:
        """The size whose dates count: members of a VAT group have those of a large company (DG 2.3.5)."""
        return "large" if self.vat_group else self.size


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """The road of one invoice, why, and whether it is already compulsory."""

    routing: Routing
    road: Road
    reason: Reason
    duty: DutyState
    facts: RoutingFacts

    def sentence(self, language: str) -> str:
        """The decision in French (``fr``) or English, with its article and the duty."""
        words, duty = REASON_WORDS[self.reason], DUTY_WORDS[self.road, self.duty]
        spoken = 0 if language == "fr" else 1
        told = f"{words.sentence[spoken]} ({words.article[spoken]})."
        since = duty_of(_DUTY_OF[self.road], self.facts.dated_size).since if self.road in _DUTY_OF else None
        more = duty[spoken].format(since=f"{since:%d/%m/%Y}" if since else "")
        return f"{told} {more}".strip()

    def to_json(self) -> dict[str, Any]:
        """For programs: codes, facts and both sentences."""
        return {
            "routing": self.routing,
            "road": self.road,
            "reason": self.reason,
            "duty": self.duty,
            "sentence": self.sentence("en"),
            "sentence_fr": self.sentence("fr"),
            "facts": asdict(self.facts),
        }


_DUTY_OF = {Road.PLATFORM: "issue", Road.REPORT: "report"}
"""The duty of the calendar behind each road; public buyers were served electronically by all since 2020."""
_ROADS: dict[Reason, tuple[Routing, Road]] = {
    Reason.PUBLIC_STATED: (Routing.B2G, Road.PUBLIC),
    Reason.PUBLIC_LISTED: (Routing.B2G, Road.PUBLIC),
    Reason.DECLARED_OUTSIDE: (Routing.OUT_OF_SCOPE, Road.NONE),
    Reason.SELLER_OVERSEAS: (Routing.OUT_OF_SCOPE, Road.NONE),
    Reason.SELLER_ABROAD: (Routing.OUT_OF_SCOPE, Road.NONE),
    Reason.BUYER_REPORTS: (Routing.OUT_OF_SCOPE, Road.NONE),
    Reason.EXEMPT: (Routing.OUT_OF_SCOPE, Road.NONE),
    Reason.OUTSIDE_VAT: (Routing.OUT_OF_SCOPE, Road.NONE),
    Reason.CONSUMER: (Routing.B2C, Road.REPORT),
    Reason.UNIDENTIFIED: (Routing.B2C, Road.REPORT),
    Reason.WITHOUT_SIREN: (Routing.B2C, Road.REPORT),
    Reason.UNLISTED: (Routing.B2C, Road.REPORT),
    Reason.DECLARED_INTERNATIONAL: (Routing.B2B_INTERNATIONAL, Road.REPORT),
    Reason.BUYER_OVERSEAS: (Routing.B2B_INTERNATIONAL, Road.REPORT),
    Reason.BUYER_ABROAD: (Routing.B2B_INTERNATIONAL, Road.REPORT),
    Reason.SELF_BILLED: (Routing.B2B, Road.PLATFORM),
    Reason.DOMESTIC: (Routing.B2B, Road.PLATFORM),
}


def decide_routing(facts: RoutingFacts) -> RoutingDecision:
    """The one road of an invoice with these facts.

    Raises:
        EInvoiceError: ``law.unknown``: the calendar does not reach to the day of issue.
    """
    reason = _reason(facts)
    routing, road = _ROADS[reason]
    return RoutingDecision(routing, road, reason, _duty(road, facts), facts)


def _reason(facts: RoutingFacts) -> Reason:
    """Public bodies first (Chorus Pro takes everything), then what is outside, then what is reported."""
    if facts.stated_public:
        return Reason.PUBLIC_STATED
    if facts.listing is Listing.PUBLIC and facts.buyer is not Place.ABROAD and facts.kind is not BuyerKind.CONSUMER:
        return Reason.PUBLIC_LISTED
    if facts.declared in OUTSIDE_NOTES:
        return Reason.DECLARED_OUTSIDE
    return _of_seller(facts) or _without_vat(facts) or _of_buyer(facts)


def _of_seller(facts: RoutingFacts) -> Reason | None:
    """Why nothing is asked of the seller, where it is not established in the French VAT territory."""
    if facts.seller is Place.OVERSEAS:
        return Reason.SELLER_OVERSEAS
    if facts.seller is Place.DOMESTIC:
        return None
    if facts.seller_siren is None:
        return Reason.SELLER_ABROAD
    to_business_here = facts.kind is BuyerKind.BUSINESS and facts.buyer is Place.DOMESTIC
    return Reason.BUYER_REPORTS if to_business_here else None


def _without_vat(facts: RoutingFacts) -> Reason | None:
    """Why an invoice that taxes nothing is outside; category O abroad is a sale that is only taxed elsewhere."""
    if facts.no_vat is NoVat.EXEMPT:
        return Reason.EXEMPT
    if facts.no_vat is NoVat.OUTSIDE and facts.buyer is Place.DOMESTIC and facts.declared != "B2BINT":
        return Reason.OUTSIDE_VAT
    return None


def _of_buyer(facts: RoutingFacts) -> Reason:
    if facts.kind is not BuyerKind.BUSINESS:
        return Reason.CONSUMER if facts.kind is BuyerKind.CONSUMER else Reason.UNIDENTIFIED
    if facts.declared == "B2BINT":
        return Reason.DECLARED_INTERNATIONAL
    if facts.buyer is not Place.DOMESTIC:
        return Reason.BUYER_OVERSEAS if facts.buyer is Place.OVERSEAS else Reason.BUYER_ABROAD
    return _of_domestic_business(facts)


def _of_domestic_business(facts: RoutingFacts) -> Reason:
    if facts.buyer_siren is None:
        return Reason.WITHOUT_SIREN
    if facts.self_billed:
        return Reason.SELF_BILLED
    return Reason.UNLISTED if facts.listing is Listing.UNLISTED else Reason.DOMESTIC


def _duty(road: Road, facts: RoutingFacts) -> DutyState:
    if road is Road.NONE:
        return DutyState.NONE
    if road is Road.PUBLIC:
        return DutyState.COMPULSORY
    try:
        begun = duty_on(_DUTY_OF[road], facts.dated_size, facts.issued_on)
    except LawUnknownError as error:
        raise EInvoiceError(
            "law.unknown",
            f"{error} Nothing was issued.",
            f"Le calendrier de la facturation électronique n'est pas connu pour le {facts.issued_on:%d/%m/%Y} : "
            "relisez la loi et complétez config/law/calendar.toml. Rien n'a été émis.",
        ) from error
    return DutyState.COMPULSORY if begun else DutyState.EARLY


# --- the facts of a document -----------------------------------------------------------------------------------------


def facts_of(work: Work, document: Document, *, stated_public: bool) -> RoutingFacts:
    """What is known of ``document``, of the supplier's size, and of the buyer in the kept answers of the directory."""
    profile = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    siren = siren_of(document)
    listing, asked_on = _listed(work, siren)
    seller = document.seller
    return RoutingFacts(
        issued_on=document.issued_on,
        seller=place_of(seller.address),
        seller_siren=seller.siren or next((i.value[:9] for i in seller.identifiers if i.scheme == SIRET_SCHEME), None),
        buyer=place_of(document.buyer.address),
        buyer_siren=siren,
        kind=kind_of(document),
        stated_public=stated_public,
        declared=bar_of(document),
        no_vat=_no_vat(document),
        self_billed=document.type_code in SELF_BILLED,
        listing=listing,
        asked_on=asked_on,
        size=profile.get("size", DEFAULT_SIZE),
        vat_group=bool(profile.get("vat_group")),
    )


def bar_of(document: Document) -> str | None:
    """The note BAR: how the seller wants the invoice to be treated (BR-FR-20)."""
    return next((note.text.strip() for note in document.notes if note.subject == "BAR"), None)


def kind_of(document: Document) -> BuyerKind:
    """What the note BAR says of the buyer, else what its numbers say."""
    bar = bar_of(document)
    if bar in CONSUMER_NOTES:
        return BuyerKind.CONSUMER
    buyer = document.buyer
    if bar in ("B2B", "B2BINT") or siren_of(document) or buyer.vat_id or buyer.legal_id:
        return BuyerKind.BUSINESS
    return BuyerKind.UNIDENTIFIED


def siren_of(document: Document) -> str | None:
    """The buyer's SIREN: BT-47, else within its SIRET (BT-46, scheme 0009) or its French VAT number (BT-48)."""
    buyer = document.buyer
    siret = next((each.value for each in buyer.identifiers if each.scheme == SIRET_SCHEME), "")
    vat = "".join((buyer.vat_id or "").split()).upper()
    return buyer.siren or siret[:9] or (vat[4:13] if vat.startswith("FR") and vat[4:].isdigit() else None) or None


def place_of(address: Address) -> Place:
    """Where an address is, by its country and French post code (CGI 294)."""
    territory = None if address.country == "MC" else territory_of(address.country, address.postcode or "")
    if territory is None:
        return Place.ABROAD
    return Place.OVERSEAS if territory == UNTAXED else Place.DOMESTIC


def _no_vat(document: Document) -> NoVat | None:
    rows = document.vat
    if rows and all(row.category == "O" for row in rows):
        return NoVat.OUTSIDE
    exempt = [row.category == "E" and (row.exemption_code or "").startswith(EXEMPT_CODES) for row in rows]
    outside = [row.category == "O" for row in rows]
    return NoVat.EXEMPT if rows and all(e or o for e, o in zip(exempt, outside, strict=True)) else None


def _listed(work: Work, siren: str | None) -> tuple[Listing, date | None]:
    """What the kept answer of the directory says; past its time (``good_until``) it says nothing."""
    row = (
        work.row(
            "SELECT answer, asked_at FROM directory_answers WHERE supplier_id = :supplier AND siren = :siren "
            "AND (answer ->> 'good_until')::timestamptz > :at",
            siren=siren,
            at=now(),
        )
        if siren
        else None
    )
    if row is None:
        return Listing.NOT_ASKED, None
    unit = row["answer"].get("unit")
    if unit is None and not row["answer"].get("lines"):
        listing = Listing.UNLISTED
    else:
        listing = Listing.PUBLIC if unit and unit.get("entity_type") == "Public" else Listing.PRIVATE
    return listing, legal_day(row["asked_at"])


# --- kept with the invoice -------------------------------------------------------------------------------------------


def record_routing(work: Work, invoice_id: UUID, decision: RoutingDecision) -> None:
    """Keep ``decision`` beside the invoice, in the transaction that issues it."""
    work.execute(
        "INSERT INTO routing_decisions (supplier_id, invoice_id, road, reason, duty, facts, decided_at) "
        "VALUES (:supplier, :invoice, :road, :reason, :duty, CAST(:facts AS jsonb), :at)",
        invoice=invoice_id,
        road=decision.road,
        reason=decision.reason,
        duty=decision.duty,
        facts=to_json(asdict(decision.facts)),
        at=now(),
    )


def routing_of(work: Work, invoice_id: UUID) -> RoutingDecision | None:
    """The decision kept with an invoice; ``None`` for one that was issued before decisions were kept."""
    row = work.row(
        "SELECT reason, duty, facts FROM routing_decisions WHERE supplier_id = :supplier AND invoice_id = :invoice",
        invoice=invoice_id,
    )
    if row is None:
        return None
    reason = Reason(row["reason"])
    routing, road = _ROADS[reason]
    return RoutingDecision(routing, road, reason, DutyState(row["duty"]), _facts_from_json(row["facts"]))


def _facts_from_json(kept: dict[str, Any]) -> RoutingFacts:
    asked_on, no_vat = kept["asked_on"], kept["no_vat"]
    return RoutingFacts(
        **{
            **kept,
            "issued_on": date.fromisoformat(kept["issued_on"]),
            "asked_on": date.fromisoformat(asked_on) if asked_on else None,
            "seller": Place(kept["seller"]),
            "buyer": Place(kept["buyer"]),
            "kind": BuyerKind(kept["kind"]),
            "no_vat": NoVat(no_vat) if no_vat else None,
            "listing": Listing(kept["listing"]),
        }
    )
