"""The trial of a set of rules before it goes in force: invoices of ours, judged by it.

Where we write a profile ourselves, our sample must come out valid: rules that refuse it would stop every invoice. Of
the other files (MINIMUM, messages) the trial only shows that they run.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from config import safe_xml
from einvoice.document import (
    Address,
    CreditAccount,
    Delivery,
    Document,
    Identifier,
    Line,
    Note,
    Party,
    PaymentInstructions,
    PrecedingInvoice,
    Totals,
    VatBreakdown,
)
from einvoice.formats.cii import write_cii
from einvoice.formats.ubl import write_ubl
from einvoice.validation.rule_sets import RulesError
from einvoice.validation.schematron import EngineRefusalError, EngineUnavailableError
from einvoice.validation.standards import EN16931, Kind
from einvoice.validation.verdict import Severity
from einvoice.validation.xsd import Schemas

if TYPE_CHECKING:
    from lxml.etree import _Element

    from einvoice.validation.schematron import RulesEngine
    from einvoice.validation.standards import Artefact
    from einvoice.validation.verdict import Finding

_SELLER = Party(
    "Atelier Témoin SARL",
    Address("FR", "3, quai des Essais", postcode="44000", city="Nantes"),
    legal_id=Identifier("732829320", "0002"),
    vat_id="FR44732829320",
    endpoint=Identifier("732829320", "0225"),
)
_BUYER = Party(
    "Brasserie du Port SARL",
    Address("FR", "4, quai de la Douane", postcode="29200", city="Brest"),
    legal_id=Identifier("552100554", "0002"),
    vat_id="FR96552100554",
    endpoint=Identifier("552100554", "0225"),
)
_SAMPLE = Document(
    number="T-2026-2",
    issued_on=date(2026, 11, 2),
    due_on=date(2026, 12, 2),
    type_code="380",
    currency="EUR",
    process="M1",
    seller=_SELLER,
    buyer=_BUYER,
    notes=(Note("40 euros.", "PMT"), Note("BCE + 10 points.", "PMD"), Note("Sans escompte.", "AAB")),
    delivery=Delivery(delivered_on=date(2026, 10, 30)),
    lines=(
        Line("1", "Entretien", Decimal(3), "HUR", Decimal(80), Decimal(240), "S", Decimal(20)),
        Line("2", "Livre", Decimal(2), "C62", Decimal("10.50"), Decimal(21), "S", Decimal("5.5")),
    ),
    vat=(
        VatBreakdown(Decimal(240), Decimal(48), "S", Decimal(20)),
        VatBreakdown(Decimal(21), Decimal("1.16"), "S", Decimal("5.5")),
    ),
    totals=Totals(Decimal(261), Decimal(261), Decimal("310.16"), Decimal("310.16"), vat=Decimal("49.16")),
    payment=PaymentInstructions("58", None, "T-2026-2", (CreditAccount("FR7630006000011234567890189"),)),
)
_CREDIT = replace(
    _SAMPLE,
    type_code="381",
    due_on=None,
    payment=None,
    payment_terms="Avoir.",
    preceding=(PrecedingInvoice("T-2026-1", date(2026, 10, 1)),),
)
_ROOT_ONLY = {
    "CDAR D22B": b'<CrossDomainAcknowledgementAndResponse xmlns="urn:un:unece:uncefact:data:standard:'
    b'CrossDomainAcknowledgementAndResponse:100"/>',
    "BR-FR-CDV CDAR": b'<CrossDomainAcknowledgementAndResponse xmlns="urn:un:unece:uncefact:data:standard:'
    b'CrossDomainAcknowledgementAndResponse:100"/>',
    "Flux 10": b"<Report/>",
}
_SPECIFICATIONS = {
    "Factur-X MINIMUM": "urn:factur-x.eu:1p0:minimum",
    "Factur-X BASIC WL": "urn:factur-x.eu:1p0:basicwl",
    "Factur-X BASIC": f"{EN16931}#compliant#urn:factur-x.eu:1p0:basic",
    "Factur-X EXTENDED": f"{EN16931}#conformant#urn:factur-x.eu:1p0:extended",
    "EXTENDED-CTC-FR CII": f"{EN16931}#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr",
    "EXTENDED-CTC-FR UBL": f"{EN16931}#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr",
    "CII D22B": f"{EN16931}#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr",
}
_NOT_OURS = frozenset({"Factur-X MINIMUM", "Factur-X BASIC WL", *_ROOT_ONLY})
"""What our sample, an invoice with lines, need not be valid for."""


def try_artefact(artefact: Artefact, engine: RulesEngine) -> None:
    """Run ``artefact`` on our sample.

    Raises:
        RulesError: ``rules.does_not_compile`` or ``rules.refuses_our_sample``.
    """
    name = artefact.rule_set.name.removesuffix(" XSD")
    try:
        findings = _findings(artefact, _sample(name), engine)
    except EngineRefusalError as error:
        findings = ()
        if name not in _NOT_OURS:
            raise _refused(name, error.sentence) from error
    except EngineUnavailableError as error:
        # A bare root has nothing that the rules of messages look at: they compiled and ran, which is what is asked.
        if error.code == "engine.nothing_checked" and name in _ROOT_ONLY:
            return
        raise RulesError(
            "rules.does_not_compile",
            f"{artefact.rule_set.name} cannot be used: {error.sentence} Nothing was installed.",
            f"{artefact.rule_set.name} est inutilisable : {error.sentence_fr} Rien n'a été installé.",
        ) from error
    fatal = [each for each in findings if each.severity is Severity.FATAL]
    if fatal and name not in _NOT_OURS:
        raise _refused(name, "; ".join(f"{each.rule}: {each.message}" for each in fatal[:3]))


def _findings(artefact: Artefact, document: _Element, engine: RulesEngine) -> tuple[Finding, ...]:
    if artefact.kind is Kind.XSLT:
        return engine.check(artefact.path, document, artefact.layer)
    try:
        return Schemas().check(artefact.path, document)
    except (ValueError, OSError, SyntaxError) as error:
        raise _unreadable(artefact, error) from error


def _sample(name: str) -> _Element:
    if name in _ROOT_ONLY:
        return safe_xml.parse(_ROOT_ONLY[name])
    document = replace(_CREDIT if "CreditNote" in name else _SAMPLE, profile=_SPECIFICATIONS.get(name, EN16931))
    return safe_xml.parse(write_ubl(document) if "UBL" in name else write_cii(document))


def _refused(name: str, detail: str) -> RulesError:
    return RulesError(
        "rules.refuses_our_sample",
        f"{name}: these rules refuse a correct invoice of ours, so issuing would stop: {detail}. Nothing was "
        "installed.",
        f"{name} : ces règles refusent une facture correcte de la maison, l'émission s'arrêterait : {detail}. Rien n'a "
        "été installé.",
    )


def _unreadable(artefact: Artefact, error: Exception) -> RulesError:
    return RulesError(
        "rules.does_not_compile",
        f"{artefact.rule_set.name} is no usable schema: {error}. Nothing was installed.",
        f"{artefact.rule_set.name} n'est pas un schéma utilisable : {error}. Rien n'a été installé.",
    )
