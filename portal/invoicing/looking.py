"""A look at an invoice being written: what it comes to, what is missing, and what the rule sets say of it so far."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from config.clock import today
from einvoice.booking import language_of
from einvoice.composing.build import build_document, is_payable_here, with_number, with_payment_link
from einvoice.errors import EInvoiceError
from einvoice.formats.page import draw_page_pictures
from einvoice.intake import PLACEHOLDER_SERIAL, prepare_request
from einvoice.request.reading import parse_request
from einvoice.validation.verdict import Severity, Verdict
from portal.invoicing.asking import ask_for
from portal.invoicing.faults import Fault, faults_of, of_findings, once
from portal.words import gettext
from receivables.domain.invoicing.invoices import format_number, series_of
from receivables.domain.money import MoneyError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from einvoice.composing.seller import SellerProfile
    from einvoice.document import Document
    from einvoice.production import Branding
    from einvoice.request.model import InvoiceRequest
    from einvoice.validation.check import Validator
    from einvoice.validation.verdict import Finding, Report
    from portal.invoicing.asking import Asked
    from portal.invoicing.typed import TypedInvoice
    from receivables.domain.settlement.payment_terms import PaymentTerms

MOST_PAGES = 3
"""Pages of which a picture is drawn: who writes more by hand has seen enough."""
_EMPTY_DELIVERY = "PEPPOL-EN16931-R008"
"""The grammar of CII demands one empty element, and another rule regrets it: nobody can do better."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen: ``content`` is the request as it would be issued, ``verdict`` absent while something is missing."""

    asked: Asked
    content: bytes
    document: Document | None = None
    verdict: Verdict | None = None
    faults: tuple[Fault, ...] = ()
    advice: tuple[Fault, ...] = field(default=())

    @property
    def missing(self) -> tuple[Fault, ...]:
        """What is still to be filled in."""
        return tuple(each for each in self.faults if each.missing)

    @property
    def mistakes(self) -> tuple[Fault, ...]:
        """What is wrong."""
        return tuple(each for each in self.faults if not each.missing)

    @property
    def is_ready(self) -> bool:
        """Whether it may be issued as it is."""
        return self.verdict is Verdict.VALID and not self.faults

    @property
    def mark(self) -> str:
        """Changes with what the page shows: pictures are drawn again for another one only."""
        return hashlib.sha256(self.content).hexdigest()[:16]


def look_at(typed: TypedInvoice, profile: SellerProfile, usual: PaymentTerms, validator: Validator) -> Look:
    """What can be said of ``typed`` now. Nothing is numbered, kept or sent."""
    asked = ask_for(typed, usual, today())
    content = to_json(asked.request).encode()
    if not asked.request["lines"]:
        return Look(asked, content, faults=tuple(once(asked.faults)))
    try:
        request = parse_request(content)
        document = build_document(request, profile, _draft_number(typed), today())
    except (EInvoiceError, MoneyError) as error:
        told = [*asked.faults, *faults_of(error, asked.places)]
        return Look(asked, content, faults=tuple(once(told)))
    if asked.faults:
        return Look(asked, content, document, faults=tuple(once(asked.faults)))
    return _judged(Look(asked, content, document), request, profile, validator)


def _judged(look: Look, request: InvoiceRequest, profile: SellerProfile, validator: Validator) -> Look:
    places = look.asked.places
    try:
        prepared = prepare_request(request, profile, validator, today())
    except EInvoiceError as error:
        report: Report | None = getattr(error, "report", None)
        verdict = report.verdict if report else Verdict.INVALID
        return replace(look, verdict=verdict, faults=tuple(once(faults_of(error, places))))
    warned = [
        each for report in prepared.reports.values() for each in report.findings if each.severity is Severity.WARNING
    ]
    return replace(look, verdict=Verdict.VALID, advice=tuple(_advice(warned, places)))


def _advice(findings: list[Finding], places: list[int]) -> list[Fault]:
    """What the rules would have liked better, each rule once."""
    rules = {each.rule: each for each in findings if each.rule != _EMPTY_DELIVERY}
    return of_findings(rules.values(), places)


def draw(document: Document, branding: Branding, public_url: str) -> list[bytes]:
    """The first pages as they will look, as pictures; the number and the link come when it is issued.

    Raises:
        PageError: a text cannot be shown.
    """
    url = f"{public_url}/p/{'0' * 43}"
    payable = is_payable_here(document) and not document.is_credit_note
    return draw_page_pictures(
        with_payment_link(with_number(document, gettext("BROUILLON")), url),
        pay_url=url if payable else None,
        colour=branding.colour,
        logo_svg=branding.logo_svg,
        language=language_of(document),
        most=MOST_PAGES,
    )


def _draft_number(typed: TypedInvoice) -> str:
    return format_number(series_of(typed.kind), today().year, PLACEHOLDER_SERIAL)
