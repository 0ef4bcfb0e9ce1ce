"""Issue what a supplier hands in, whoever asks (command line, API, page): prepare, number, produce."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from config.clock import today
from einvoice.archive.retention import PROFILE_FIELDS, check_year_ends
from einvoice.composing.habits import check_habits
from einvoice.composing.parties import check_account, seller_party
from einvoice.composing.seller import SellerProfile
from einvoice.directory.advice import advise, with_directory_address
from einvoice.errors import EInvoiceError
from einvoice.formats.page import check_logo, choose_colours
from einvoice.intake import Prepared, demand_form, issue_prepared, prepare_finished, prepare_request, read_finished
from einvoice.kept import issued_document, profile_from_json
from einvoice.reactions import PAUSE_FIELD, read_pause_days
from einvoice.request.reading import parse_request
from einvoice.routing import routing_of, siren_of
from payments.bank_accounts import is_iban
from payments.refunds.orders import LIMIT_FIELD
from portal.profiles import save_profile
from portal.request_keys import known_request, note_request
from receivables.domain.events import INVOICE_ISSUED
from receivables.domain.parties import CustomerFacts, CustomerKind
from receivables.store.customer_file.customers import find_customer
from receivables.store.customer_file.details import customer_terms
from receivables.store.outbox import mark_event_done_by
from receivables.store.register import SIREN_DIGITS, Supplier, create_supplier, find_supplier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from einvoice.document import Document, Party
    from einvoice.formats.profiles import Form
    from einvoice.production import ProducedFile
    from einvoice.request.model import InvoiceRequest
    from einvoice.routing import RoutingDecision
    from einvoice.validation.verdict import Finding
    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

DOCUMENTS = "documents"
"""Name of the subscriber that produces files."""


BRANDING = frozenset({"colour", "logo_svg", LIMIT_FIELD, PAUSE_FIELD}) | PROFILE_FIELDS
"""What a profile holds beside the seller's own data."""
CHOICES = {
    "size": ("micro", "sme", "mid", "large"),
    "vat_regime": ("monthly", "quarterly", "simplified", "franchise"),
}
"""What decides on calendar and rhythm, with what it may be; kept as stated, so that a default is known for one."""
MAX_TERMS_DAYS = 365
"""Longer terms are a typing error: the law allows 60 days, and some trades a little more (art. L441-10 C. com.)."""


class SupplierError(EInvoiceError):
    """Who issues is not clear: ``supplier.unknown``, ``supplier.differs``, ``supplier.unnamed``."""


class FilesPendingError(EInvoiceError):
    """``invoice.files_pending``: issued for good; the worker makes the files once the cause is gone."""

    status = 500

    def __init__(self, number: str, cause: EInvoiceError) -> None:
        super().__init__(
            "invoice.files_pending",
            f"Invoice {number} is issued: do not issue it again. Its files cannot be made yet: {cause} "
            "The worker tries again.",
            f"La facture {number} est émise : ne l'émettez pas une seconde fois. Ses fichiers ne peuvent pas encore "
            f"être produits : {cause.sentence_fr} Le traitement réessaie.",
        )


@dataclass(frozen=True, slots=True)
class IssueOptions:
    """How to issue: for which supplier, may it be created from the file, in which form, by whom."""

    supplier: str | None = None
    create_supplier: bool = False
    form: Form | None = None
    actor: str = "system"
    request_key: str | None = None
    """The caller's ``Idempotency-Key``: the same key with the same input issues once and answers the same."""


@dataclass(frozen=True, slots=True)
class Issued:
    """An issued invoice with its files and its payment page."""

    supplier: Supplier
    invoice: Invoice
    files: tuple[ProducedFile, ...]
    pay_url: str
    routing: RoutingDecision | None = None
    """By which road it goes and why; absent for an invoice issued before decisions were kept."""
    advice: tuple[Finding, ...] = ()
    """What the directory says of its buyer."""

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What the rules and the directory would have liked better, each rule once."""
        found = (each for file in self.files for each in file.report.findings if not _is_demanded(each))
        return (*self.advice, *{each.rule: each for each in found}.values())


def _is_demanded(finding: Finding) -> bool:
    """Whether it is about the one element that the CII grammar demands even empty: nobody can do better."""
    return finding.rule == "PEPPOL-EN16931-R008" and (finding.location or "").endswith(
        "/ApplicableHeaderTradeDelivery[1]"
    )


def issue_content(services: Services, content: bytes, filename: str, options: IssueOptions) -> Issued:
    """Issue the invoice in ``content`` (our JSON, UBL, CII or Factur-X) and produce its files.

    Raises:
        FilesPendingError: numbered and booked, but the files cannot be made yet.
        EInvoiceError, UnsafeXmlError, MoneyError, ReceivablesError: nothing was numbered; the sentence says why.
    """
    supplier, prepared = prepare_content(services, content, filename, options)
    return conclude(services, supplier, prepared, options, content=content)


def conclude(
    services: Services,
    supplier: Supplier,
    prepared: Prepared,
    options: IssueOptions,
    *,
    content: bytes,
    guard: Callable[[Work], None] | None = None,
) -> Issued:
    """Number and book a prepared invoice, then produce its files; ``content`` is what the caller sent.

    ``guard`` looks again, in the booking transaction, at what the preparation relied on; it raises to refuse.

    Raises:
        FilesPendingError, ConflictError, ReceivablesError: see ``issue_content``.
    """
    return produce(services, supplier, book(services, supplier, prepared, options, content=content, guard=guard))


def book(
    services: Services,
    supplier: Supplier,
    prepared: Prepared,
    options: IssueOptions,
    *,
    content: bytes,
    guard: Callable[[Work], None] | None = None,
) -> Invoice:
    """Number and book a prepared invoice; the worker produces its files. See ``conclude``.

    Raises:
        ConflictError, ReceivablesError: see ``issue_content``.
    """
    with services.works.begin(supplier.supplier_id) as work:
        invoice = known_request(work, options.request_key, content)
        if invoice is None:
            if guard:
                guard(work)
            invoice = issue_prepared(work, services.archive, prepared, options.actor)
            note_request(work, options.request_key, invoice)
    return invoice


def produce(services: Services, supplier: Supplier, invoice: Invoice) -> Issued:
    """The files of an issued invoice, made now or again the same, and its payment page.

    Raises:
        FilesPendingError: they cannot be made yet.
    """
    try:
        files = services.producer.produce(supplier.supplier_id, invoice.invoice_id)
    except EInvoiceError as error:
        raise FilesPendingError(invoice.number, error) from error
    with services.works.begin(supplier.supplier_id) as work:
        mark_event_done_by(work, INVOICE_ISSUED, str(invoice.invoice_id), DOCUMENTS)
        pay_url = services.pay_link(work, invoice.invoice_id, "document")
        routing = routing_of(work, invoice.invoice_id)
        advice = advise(work, services.directory, invoice, issued_document(invoice))
    return Issued(supplier, invoice, tuple(files), pay_url, routing, advice)


def prepare_content(
    services: Services, content: bytes, filename: str, options: IssueOptions
) -> tuple[Supplier, Prepared]:
    """Read and judge ``content``, then find or open the supplier that issues it: never for a refused file."""
    found = read_finished(content)
    if found is None:
        supplier, prepared = _prepare_json(services, content, options)
    else:
        prepared = prepare_finished(content, filename, found[0], found[1], services.validator)
    if options.form:
        demand_form(prepared, options.form)
    if found:
        supplier = _supplier_of(services, found[0], options)
    buyer = siren_of(prepared.document)
    if buyer:  # asked now, because nobody is asked while the invoice is being numbered
        services.directory.reach(supplier.supplier_id, buyer, hasty=True)
    return supplier, prepared


def check_choices(given: Mapping[str, Any]) -> None:
    """Refuse a size or VAT regime that nobody knows.

    Raises:
        SupplierError: ``profile.bad_choice``.
    """
    for name, known in CHOICES.items():
        if name in given and given[name] not in known:
            raise SupplierError(
                "profile.bad_choice",
                f"{name} is {given[name]!r}: give one of {', '.join(known)} (docs/directory.md).",
                f"{name} vaut {given[name]!r} : donnez {', '.join(known[:-1])} ou {known[-1]} (docs/directory.md).",
            )


def check_profile(profile: SellerProfile, given: Mapping[str, Any]) -> None:
    """Refuse a profile that would print something wrong on every invoice; ``given`` is what it was read from.

    Raises:
        SupplierError: ``profile.unknown_field``, ``profile.bad_terms``.
        BuildError: ``party.bad_siren``, ``party.bad_siret``, ``party.bad_vat_id``, ``party.bad_iban`` ...;
            ``profile.bad_*`` (see ``einvoice.composing.habits``, ``einvoice.reactions``).
        PageError: ``page.bad_colour``, ``page.bad_logo``.
    """
    known = {each.name for each in fields(SellerProfile)} | BRANDING
    if unknown := sorted(set(given) - known):
        raise SupplierError(
            "profile.unknown_field",
            f"The profile has no field {', '.join(unknown)}: see docs/issuing.md.",
            f"Le profil n'a pas de champ {', '.join(unknown)} : voir docs/issuing.md.",
        )
    if not 0 <= profile.terms_days <= MAX_TERMS_DAYS:
        raise SupplierError(
            "profile.bad_terms",
            f"terms_days is {profile.terms_days}: give 0 to {MAX_TERMS_DAYS} days.",
            f"terms_days vaut {profile.terms_days} : donnez de 0 à {MAX_TERMS_DAYS} jours.",
        )
    seller_party(profile, None)
    check_habits(profile)
    if profile.iban:
        check_account(profile.iban, profile.bic, profile.holder, "seller")
    check_year_ends(given)
    read_pause_days(given)
    if given.get("colour"):
        choose_colours(str(given["colour"]))
    if given.get("logo_svg"):
        check_logo(str(given["logo_svg"]))


def load_profile(work: Work) -> SellerProfile | None:
    """The supplier's profile, or ``None``."""
    stored = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier")
    return profile_from_json(stored) if stored else None


def need_profile(work: Work, supplier: Supplier) -> SellerProfile:
    """The supplier's profile.

    Raises:
        SupplierError: ``supplier.no_profile``.
    """
    try:
        profile = load_profile(work)
    except ValidationError:
        profile = None  # begun, and not complete yet
    if profile is None:
        raise SupplierError(
            "supplier.no_profile",
            f"Supplier {supplier.reference} has no profile (address, bank account, terms) yet. Fill it in first.",
            f"Le fournisseur {supplier.reference} n'a pas encore de profil (adresse, compte, conditions). "
            "Remplissez-le.",
        )
    return profile


def with_customer_terms(work: Work, profile: SellerProfile, request: InvoiceRequest) -> SellerProfile:
    """The profile with the days that were agreed with the buyer, where it is a customer with terms of its own."""
    buyer = request.buyer
    siren = buyer.siren or (buyer.siret or "")[:SIREN_DIGITS] or None
    kind = CustomerKind.CONSUMER if buyer.consumer else CustomerKind.BUSINESS
    email = buyer.contact.email if buyer.contact else None
    customer = find_customer(work, CustomerFacts(buyer.name, kind, siren, buyer.vat_id, email))
    terms = customer_terms(work, customer.customer_id) if customer else None
    issued_on = request.issue_date or today()
    if terms is None or issued_on > today():  # the latter is refused afterwards
        return profile
    return replace(profile, terms_days=(terms.due_on(issued_on) - issued_on).days)


def _prepare_json(services: Services, content: bytes, options: IssueOptions) -> tuple[Supplier, Prepared]:
    request = parse_request(content)
    given = (request.seller.siren or (request.seller.siret or "")[:9] or None) if request.seller else None
    reference = options.supplier or given
    if reference is None:
        raise SupplierError(
            "supplier.unnamed",
            "Which supplier issues this? Give its SIREN, or name the seller (BT-30) in the invoice.",
            "Quel fournisseur émet cette facture ? Donnez son SIREN, ou nommez le vendeur (BT-30) dans la facture.",
        )
    supplier = find_supplier(services.database, reference)
    if supplier is None:
        raise _unknown(reference)
    with services.works.begin(supplier.supplier_id) as work:
        profile = with_customer_terms(work, need_profile(work, supplier), request)
    addressed = with_directory_address(request, partial(services.directory.address_of, supplier.supplier_id))
    return supplier, prepare_request(addressed, profile, services.validator, today())


def _supplier_of(services: Services, document: Document, options: IssueOptions) -> Supplier:
    reference = reference_of(document.seller)
    if options.supplier and options.supplier != reference:
        raise SupplierError(
            "supplier.differs",
            f"The invoice's seller is {reference}, not {options.supplier}. Check the file or the supplier.",
            f"Le vendeur de la facture est {reference}, pas {options.supplier}. Vérifiez le fichier ou le fournisseur.",
        )
    supplier = find_supplier(services.database, reference)
    if supplier is None:
        if not options.create_supplier:
            raise _unknown(reference)
        supplier = create_supplier(services.database, reference, document.seller.name)
        _open_profile(services, supplier, document)
    return supplier


def _open_profile(services: Services, supplier: Supplier, document: Document) -> None:
    seller, payment = document.seller, document.payment
    account = next((each for each in payment.accounts if is_iban(each.number)), None) if payment else None
    profile = SellerProfile(
        name=seller.name,
        siren=supplier.siren or "",
        address=seller.address,
        vat_id=seller.vat_id,
        siret=next((each.value for each in seller.identifiers if each.scheme == "0009"), None),
        trading_name=seller.trading_name,
        legal_form=seller.legal_form,
        iban=account.number if account else None,
        bic=account.bic if account else None,
        holder=account.holder if account else None,
        endpoint=seller.endpoint.value if seller.endpoint and seller.endpoint.scheme == "0225" else None,
        contact=seller.contact,
    )
    with services.works.begin(supplier.supplier_id) as work:
        save_profile(work, profile, actor="system")
        work.audit("system", "supplier.opened", supplier.reference, name=supplier.name)


def reference_of(seller: Party) -> str:
    """What names a seller for good: its SIREN; abroad its VAT number, else its legal id, else its name."""
    if seller.siren:
        return seller.siren
    siret = next((each.value for each in seller.identifiers if each.scheme == "0009"), None)
    if siret:
        return siret[:9]
    if seller.vat_id:
        return f"VAT {seller.vat_id}"
    if seller.legal_id:
        return f"{seller.legal_id.scheme or 'ID'} {seller.legal_id.value}"
    return f"NAME {seller.name}"


def _unknown(reference: str) -> SupplierError:
    return SupplierError(
        "supplier.unknown",
        f"No supplier {reference} is known here. Check the number, or let it be created (--create-supplier).",
        f"Aucun fournisseur {reference} n'est connu ici. Vérifiez le numéro, ou créez-le (--create-supplier).",
    )
