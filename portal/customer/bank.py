"""How to pay a supplier by bank transfer, from its profile, with the QR code that banking apps read (EPC069-12)."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from segno.helpers import make_epc_qr

if TYPE_CHECKING:
    from receivables.domain.money import Money
    from receivables.store.work import Work

EPC_NAME = 70
EPC_TEXT = 140
EPC_MOST_MINOR = 99_999_999_999


@dataclass(frozen=True, slots=True)
class BankDetails:
    """The account to pay to; ``iban`` without blanks."""

    holder: str
    iban: str
    bic: str | None

    @property
    def printed_iban(self) -> str:
        """The IBAN in groups of four."""
        return " ".join(self.iban[i : i + 4] for i in range(0, len(self.iban), 4))


def bank_details(work: Work, supplier_name: str) -> BankDetails | None:
    """The account in the supplier's profile, where it has one."""
    profile: dict[str, Any] = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    iban = "".join(str(profile.get("iban") or "").split()).upper()
    if not iban:
        return None
    bic = profile.get("bic")
    return BankDetails(
        str(profile.get("holder") or profile.get("name") or supplier_name), iban, str(bic) if bic else None
    )


def transfer_code(details: BankDetails, reference: str, amount: Money) -> Markup | None:
    """A QR code that fills in the transfer in the payer's banking app; euros only."""
    if amount.currency != "EUR" or not 0 < amount.minor <= EPC_MOST_MINOR:
        return None
    try:
        code = make_epc_qr(
            details.holder[:EPC_NAME],
            details.iban,
            amount.decimal,
            text=reference[:EPC_TEXT],
            bic=details.bic,
        )
    except ValueError:  # a profile whose IBAN or BIC is not one: the figures are shown all the same
        return None
    drawn = BytesIO()
    code.save(drawn, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=2, svgclass="qr", lineclass=None)
    return Markup(drawn.getvalue().decode())  # noqa: S704 -- drawn here, from modules of a QR code
