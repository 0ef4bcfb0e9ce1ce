"""What the directory has to say about an invoice being issued: warnings, never a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.directory.addresses import Wanted, choose_address
from einvoice.directory.words import ReachState
from einvoice.document import FRENCH_ADDRESS_SCHEME, SIRET_SCHEME
from einvoice.request.parties import IdentifierRequest
from einvoice.routing import Road, routing_of, siren_of
from einvoice.routing_words import Reason
from einvoice.validation.verdict import Finding, Layer, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from einvoice.directory.desk import DirectoryDesk
    from einvoice.directory.reach import CompanyAnswer, Reach
    from einvoice.document import Document
    from einvoice.request.model import InvoiceRequest
    from einvoice.routing import RoutingDecision
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

REACH, ADDRESS, DEMAND = "QT-DIRECTORY-REACH", "QT-DIRECTORY-ADDRESS", "QT-DIRECTORY-DEMAND"
_ROUTING_SCHEME = "0224"


def with_directory_address(
    request: InvoiceRequest, address_of: Callable[[str, str | None, str | None], str | None]
) -> InvoiceRequest:
    """``request`` with the buyer's address (BT-49) from the directory, where it names none itself.

    ``address_of`` gives the address for a SIREN, SIRET and routing code, or ``None``.
    """
    buyer = request.buyer
    siren = buyer.siren or (buyer.siret or "")[:9]
    if buyer.endpoint is not None or buyer.consumer or not siren:
        return request
    address = address_of(_bare(siren), _bare(buyer.siret) if buyer.siret else None, buyer.service_code)
    if address is None:
        return request
    found = IdentifierRequest(value=address, scheme=FRENCH_ADDRESS_SCHEME)
    return request.model_copy(update={"buyer": buyer.model_copy(update={"endpoint": found})})


def advise(work: Work, desk: DirectoryDesk, invoice: Invoice, document: Document) -> tuple[Finding, ...]:
    """Warnings about an issued invoice, from what is kept of the directory's answers."""
    decision, siren = routing_of(work, invoice.invoice_id), siren_of(document)
    if decision is None or siren is None or not _goes_to_the_buyer(decision):
        return ()
    reach = desk.kept(work, siren)
    return (*_of_public_body(decision, document), *_findings(reach, document))


def _goes_to_the_buyer(decision: RoutingDecision) -> bool:
    return decision.road in {Road.PLATFORM, Road.PUBLIC} or decision.reason is Reason.UNLISTED


def _of_public_body(decision: RoutingDecision, document: Document) -> Iterator[Finding]:
    """A public body that only the directory showed: nobody asked for its SIRET when the invoice was made."""
    if decision.reason is Reason.PUBLIC_LISTED and _siret_of(document) is None:
        yield _finding(
            DEMAND,
            "L'annuaire dit que cet acheteur est public, et Chorus Pro l'identifie par son SIRET (BT-46), qui manque.",
            "The directory says that this buyer is a public body, and Chorus Pro finds it by its SIRET (BT-46), which "
            "is missing.",
        )


def _findings(reach: Reach, document: Document) -> Iterator[Finding]:
    if reach.state is ReachState.NO_DIRECTORY:
        return
    if reach.state is not ReachState.REACHABLE:
        yield _finding(REACH, reach.sentence("fr"), reach.sentence("en"))
    elif reach.answer:
        yield from _of_address(reach.answer, document)
        yield from _of_demands(reach.answer, document)


def _of_address(answer: CompanyAnswer, document: Document) -> Iterator[Finding]:
    endpoint = document.buyer.endpoint
    if endpoint is None or endpoint.scheme != FRENCH_ADDRESS_SCHEME:
        return
    choice = choose_address(answer, Wanted(_siret_of(document), _code_of(document), endpoint.value))
    if choice.is_doubtful:
        yield _finding(ADDRESS, choice.sentence("fr"), choice.sentence("en"))


def _of_demands(answer: CompanyAnswer, document: Document) -> Iterator[Finding]:
    """What a public body demands and the invoice lacks: a service code (BT-10, BT-46), a commitment (BT-13)."""
    demands = answer.demands_of(_siret_of(document))
    if demands is None:
        return
    code, commitment = bool(document.buyer_reference or _code_of(document)), bool(document.purchase_order)
    if demands.service_code and not code:
        yield _finding(
            DEMAND, "Cet acheteur public exige un code service.", "This public buyer demands a service code."
        )
    if demands.commitment and not commitment:
        yield _finding(
            DEMAND,
            "Cet acheteur public exige un numéro d'engagement juridique.",
            "This public buyer demands a legal commitment number.",
        )
    if demands.either and not code and not commitment:
        yield _finding(
            DEMAND,
            "Cet acheteur public exige un code service ou un numéro d'engagement.",
            "This public buyer demands a service code or a commitment number.",
        )


def _siret_of(document: Document) -> str | None:
    return next((each.value for each in document.buyer.identifiers if each.scheme == SIRET_SCHEME), None)


def _code_of(document: Document) -> str | None:
    return next((each.value for each in document.buyer.identifiers if each.scheme == _ROUTING_SCHEME), None)


def _finding(rule: str, french: str, english: str) -> Finding:
    return Finding(rule, Severity.WARNING, english, Layer.HOUSE, message_fr=french)


def _bare(number: str) -> str:
    return "".join(number.split())
