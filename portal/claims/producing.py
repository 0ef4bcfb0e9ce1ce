"""After a claim got its number: its document made and kept, its mail written. Twice is once."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from einvoice.archive.retention import retain_until
from einvoice.keeping import PDF_MIME, KeptFile, keep_document
from einvoice.kept import issued_document
from payments.bank_accounts import active_account_of
from portal.claims.document import Sides, draw_claim
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.wiring import branding_of
from portal.words import catalogue, day, grouped, known_language, money, note_text
from receivables.store.collecting.claims import get_claim, lines_of_claim
from receivables.store.customer_file.contacts import recipient_for
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import list_documents, supplier_name
from receivables.store.invoicing.billing import party_of
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.wiring import Services
    from receivables.domain.parties import Customer
    from receivables.store.collecting.claims import Claim, ClaimLine
    from receivables.store.outbox import Announcement
    from receivables.store.work import Work

FORM = "claim"
_STREET = ("line1", "line2", "line3")
_SUBJECT = note_text("%(supplier)s : intérêts de retard, note %(number)s")
_OPENING = note_text(
    "Des factures ont été payées après leur échéance, ou ne le sont pas encore. La note de débit %(number)s détaille "
    "les intérêts de retard et l'indemnité forfaitaire."
)


def produce_claim(services: Services, supplier_id: UUID, fact: Announcement) -> None:
    """Make and keep the document of a claim that was announced."""
    keep_claim(services, supplier_id, UUID(fact.payload["claim_id"]))


def keep_claim(services: Services, supplier_id: UUID, claim_id: UUID) -> None:
    """Make and keep the document of a claim, once."""
    with services.works.begin(supplier_id) as work:
        if any(each.form == FORM for each in list_documents(work, claim_id)):
            return
        claim, lines = get_claim(work, claim_id), lines_of_claim(work, claim_id)
        sides = _sides(services, work, claim, lines)
        until = retain_until(work, claim.issued_on)
    file = KeptFile(draw_claim(claim, lines, sides), f"{claim.number}.pdf", PDF_MIME)
    services.archive.put(file.content, until)
    with services.works.begin(supplier_id) as work:
        keep_document(work, claim_id, FORM, file, None, until=until)


def write_claim_mail(services: Services, supplier_id: UUID, fact: Announcement) -> None:
    """Write the mail that brings a claim, where an address is known and something is open."""
    claim_id = UUID(fact.payload["claim_id"])
    with services.works.begin(supplier_id) as work:
        claim = get_claim(work, claim_id)
        recipient = recipient_for(work, claim.customer_id, "billing")
        if recipient is None or not recipient.email or not claim.open_minor:
            return
        spoken = known_language(recipient.language)
        values = {
            "client": recipient.name,
            "facture": claim.number,
            "montant": money(claim.open_minor, claim.currency, spoken),
            "echeance": day(claim.due_on, spoken),
        }
        page = claim_page(values, services.pay_link(work, claim_id, "mail"), supplier_name(work), spoken)
        keep_page(work, page, Envelope("claim", f"claim/{claim_id}", recipient.email, claim_id, values=values))


def claim_page(values: Mapping[str, str], url: str, supplier: str, spoken: str) -> MailPage:
    """What the mail of a claim says."""
    speak = catalogue(spoken).gettext
    told = {"supplier": supplier, "number": values["facture"], "due": values["echeance"]}
    caption = speak("à régler au plus tard le %(due)s") % told
    return MailPage(
        subject=speak(_SUBJECT) % told,
        preheader=f"{values['montant']} {caption}",
        greeting=speak("Bonjour,"),
        paragraphs=(speak(_OPENING) % told,),
        figure=(values["montant"], caption),
        facts=((speak(note_text("Note de débit")), values["facture"]),),
        button=(speak(note_text("Voir la note et payer en ligne")), url),
        language=spoken,
    )


def _sides(services: Services, work: Work, claim: Claim, lines: list[ClaimLine]) -> Sides:
    customer = get_customer(work, claim.customer_id)
    profile = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    account = active_account_of(work)
    spoken = known_language(customer.language)
    pay = [("En ligne" if spoken == "fr" else "Online", services.pay_link(work, claim.claim_id, "document"), True)]
    if account is not None:
        pay.append(("IBAN", grouped(account.iban), False))
    return Sides(
        seller=_seller(profile, supplier_name(work)),
        buyer=_buyer(work, customer, lines),
        customer_kind=customer.kind,
        language=spoken,
        colour=branding_of(work).colour,
        pay=tuple(pay),
    )


def _seller(profile: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The supplier as its profile words it, as far as it is filled in."""
    siren = profile.get("siren")
    lines = (profile.get("name") or name, *_address(profile.get("address") or {}), f"SIREN {siren}" if siren else "")
    return tuple(each for each in lines if each)


def _buyer(work: Work, customer: Customer, lines: list[ClaimLine]) -> tuple[str, ...]:
    """The buyer as the latest of its late invoices words it, else as its file does."""
    for line in reversed(lines):
        invoice = get_invoice(work, line.late_id)
        if invoice.document and not invoice.is_taken_over:
            return (customer.name, *_address(asdict(issued_document(invoice).buyer.address)))
    siren = (f"SIREN {customer.siren}",) if customer.siren else ()
    return (customer.name, *_address(party_of(work, customer.customer_id)), *siren)


def _address(address: Mapping[str, Any]) -> tuple[str, ...]:
    town = " ".join(address[name] for name in ("postcode", "city") if address.get(name))
    return tuple(each for each in (*(address.get(name) for name in _STREET), town) if each)
