"""What French law wants on an invoice and a request need not repeat: notes and tax point.

Sources: C. com. L441-9, L441-10, D441-5; CCP R2192-31, D2192-35; CGI ann. II 242 nonies A; C. civ. 1346-1; BR-FR-05,
BR-FR-20, BR-FR-CO-14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.composing.deposits import INFORMATION, deposit_notes
from einvoice.composing.parties import is_french
from einvoice.composing.public_buyers import is_public
from einvoice.composing.seller import PENALTY_TEXT
from einvoice.document import Note, TaxPoint

if TYPE_CHECKING:
    from decimal import Decimal

    from einvoice.composing.seller import SellerProfile
    from einvoice.document import Party
    from einvoice.request.model import InvoiceRequest

FACTORED_TYPES = frozenset({"393", "396", "472"})
"""BT-3 of our own invoices whose claim was sold to a factor (affacturage)."""
GROUP_MEMBER = "MEMBRE_ASSUJETTI_UNIQUE"
"""Text of the note TXD of a member of a VAT group (BR-FR-CO-14)."""
PUBLIC_PENALTY_TEXT = (
    "En cas de retard de paiement, intérêts moratoires dus de plein droit, au taux de la BCE pour son opération "
    "principale de refinancement majoré de 8 points (article R2192-31 du code de la commande publique)."
)
"""PMD towards a public body, whose rate the law fixes."""


def notes_of(request: InvoiceRequest, profile: SellerProfile, buyer: Party) -> tuple[Note, ...]:
    """BG-1: the request's notes, then the compulsory mentions that it does not give itself.

    A consumer gets no late-payment mentions: recovery costs and penalties hold between professionals only.
    """
    given = [Note(note.text, note.subject) for note in request.notes]
    subjects = {note.subject for note in given}
    wanted = [("REG", profile.legal_form), ("ABL", profile.registration)]
    if not request.buyer.consumer:
        wanted += [
            ("PMT", profile.recovery_text),
            ("PMD", _penalties(request, profile)),
            ("AAB", _discount(request, profile)),
        ]
    if request.type_code in FACTORED_TYPES and request.payee:
        wanted.append(("ACC", _subrogation(request.payee.name)))
    if profile.vat_group:
        wanted.append(("TXD", GROUP_MEMBER))
    wanted.append(("BAR", _processing(request, buyer)))
    added = (Note(text, subject) for subject, text in wanted if text and subject not in subjects)
    return (*given, *deposit_notes(request), *_exchange_note(request), *added)


def _penalties(request: InvoiceRequest, profile: SellerProfile) -> str:
    """PMD: this invoice's rate, else the profile's, else the profile's text; a public body owes the statutory rate."""
    rate = request.terms.penalty_rate if request.terms else None
    if rate is None and is_public(request.buyer):
        return PUBLIC_PENALTY_TEXT if profile.penalty_text == PENALTY_TEXT else profile.penalty_text
    rate = profile.penalty_rate if rate is None else rate
    if rate is None:
        return profile.penalty_text
    return (
        f"En cas de retard de paiement, pénalités exigibles sans rappel au taux annuel de {_number(rate)} % (article "
        "L441-10 du code de commerce)."
    )


def _discount(request: InvoiceRequest, profile: SellerProfile) -> str:
    """AAB: this invoice's discount, else the profile's, else the profile's text."""
    own = request.terms is not None and request.terms.discount_percent is not None
    terms = request.terms if own and request.terms else profile
    percent, days = terms.discount_percent, terms.discount_days
    if not percent or days is None:
        return profile.discount_text
    told = f"sous {days} jours à compter de la date de facture" if days else "comptant"
    return f"Escompte de {_number(percent)} % pour paiement anticipé {told}."


def _number(value: Decimal) -> str:
    """A number as French writes it: no needless zeros, a comma."""
    return f"{value.normalize():f}".replace(".", ",")


def _subrogation(factor: str) -> str:
    """ACC: whom the buyer must pay to be free of the debt."""
    return (
        f"Cette créance est cédée par subrogation à {factor}. Pour être libératoire, votre paiement doit être fait "
        f"directement à l'ordre de {factor}, seul habilité à en donner quittance (article 1346-1 du code civil)."
    )


def _exchange_note(request: InvoiceRequest) -> tuple[Note, ...]:
    """The rate by which VAT was put in euros, so that the buyer can check BT-111."""
    used = request.vat_exchange_rate
    if used is None:
        return ()
    told = f"Taux de change : 1 {request.currency} = {_number(used.rate)} EUR au {used.date:%d/%m/%Y}."
    return (Note(told, INFORMATION),)


def _processing(request: InvoiceRequest, buyer: Party) -> str:
    """The note BAR: how platforms are to treat the invoice."""
    if request.buyer.consumer:
        return "B2C" if is_french(buyer) else "B2CINT"
    return "B2B" if is_french(buyer) else "B2BINT"


def tax_point_of(request: InvoiceRequest, profile: SellerProfile, process: str) -> TaxPoint | None:
    """BT-8: as stated; else *invoice* for services of a seller who opted for *les débits*; else absent.

    Absent means on delivery for goods and on collection for services. BT-7 and BT-8 exclude each other (BR-CO-3).
    """
    if request.tax_point is not None:
        return TaxPoint(request.tax_point)
    if request.tax_point_date is not None:
        return None
    return TaxPoint.INVOICE if profile.vat_on_debits and process[0] in {"S", "M"} else None
