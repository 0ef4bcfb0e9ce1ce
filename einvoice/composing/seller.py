"""The supplier's profile: what of its invoices is the same every time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 -- read at run time where profiles are kept as JSON
from typing import Literal

from einvoice.document import Address, Contact  # noqa: TC001 -- same

RECOVERY_TEXT = "En cas de retard de paiement, indemnité forfaitaire pour frais de recouvrement de 40 euros."
"""PMT (art. L441-10 and D441-5 C. com.)."""
PENALTY_TEXT = (
    "En cas de retard de paiement, pénalités exigibles sans rappel, au taux de la BCE pour son opération de "
    "refinancement la plus récente majoré de 10 points."
)
"""PMD: the statutory rate where none was agreed (art. L441-10 C. com.)."""
DISCOUNT_TEXT = "Aucun escompte n'est accordé pour paiement anticipé."
"""AAB (art. L441-9 C. com.)."""


@dataclass(frozen=True, slots=True)
class VatGroup:
    """The VAT group (assujetti unique, CGI 256 C) that the seller is a member of.

    ``siren`` is that of the group (BT-29, scheme 0231); the representative answers for its VAT (BG-11), so that
    ``vat_id`` is the group's number (BT-63).
    """

    siren: str
    vat_id: str
    name: str
    address: Address


@dataclass(frozen=True, slots=True)
class SellerProfile:
    """The seller (BG-4), its bank account (BG-17) and its habits.

    ``penalty_rate`` (percent a year), ``discount_percent`` and ``discount_days`` word the notes PMD and AAB where they
    are given; else the texts stand. ``vat_exemption`` is the VATEX code (BT-121) of lines of category E that name none,
    e.g. ``VATEX-FR-FRANCHISE``. ``sector`` names a trade whose longest payment term is not the general one.

    ``terms_days`` counts calendar days from the issue date (BT-2) to the due date (BT-9). ``endpoint`` is the address
    in scheme 0225 to which statuses come back (BT-34), the SIREN where absent. ``nature`` is what the seller usually
    sells, for lines that do not say it. ``legal_form`` (BT-33, note REG) reads like *SARL au capital de 50 000 EUR*,
    ``registration`` (note ABL) like *RCS Lyon 732 829 320*.
    """

    name: str
    siren: str
    address: Address
    vat_id: str | None = None
    siret: str | None = None
    trading_name: str | None = None
    legal_form: str | None = None
    registration: str | None = None
    iban: str | None = None
    bic: str | None = None
    holder: str | None = None
    endpoint: str | None = None
    contact: Contact | None = None
    terms_days: int = 30
    vat_on_debits: bool = False
    nature: Literal["goods", "services"] = "services"
    language: str = "fr"
    recovery_text: str = RECOVERY_TEXT
    penalty_text: str = PENALTY_TEXT
    discount_text: str = DISCOUNT_TEXT
    penalty_rate: Decimal | None = None
    discount_percent: Decimal | None = None
    discount_days: int | None = None
    vat_exemption: str | None = None
    vat_group: VatGroup | None = None
    sector: str | None = None
    size: Literal["micro", "sme", "mid", "large"] = "sme"
    """Size of the company on 1 January 2025 (DG 2.3.5): says from when it must issue e-invoices and report."""
    vat_regime: Literal["monthly", "quarterly", "simplified", "franchise"] = "monthly"
    """VAT regime (régime réel normal mensuel or trimestriel, simplifié, franchise en base): the rhythm of Flux 10."""
