"""What a supplier needs to debit: its creditor identifier (ICS), and what it agreed with its bank."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, Any

from stdnum.eu import at_02
from stdnum.exceptions import ValidationError

from config.clock import now
from payments.debits.accounts import read_iban
from payments.errors import PaymentError

if TYPE_CHECKING:
    from payments.debits.accounts import Account
    from receivables.store.work import Work

FORMATS = ("pain.008.001.08", "pain.008.001.02")
"""Of the direct debit initiation: the present one of the EPC rulebooks, and the one before, which some banks still ask
for."""
NOTICE_DAYS = 14
"""Calendar days between the announcement and the debit where nothing shorter is agreed (EPC rulebooks, AT-PR-01)."""
LONGEST_NOTICE = 30
LONGEST_LEAD = 10
RETRY_DAYS = (0, *range(5, 11))
"""A debit that lacked funds is presented once more after these days, or never."""
LONGEST_NAME = 70
"""Characters of a name in a file (EPC implementation guidelines, Max70Text)."""


@dataclass(frozen=True, slots=True)
class DebitSettings:
    """What a supplier needs to debit.

    Attributes:
        ics: Identifiant créancier SEPA, without spaces.
        creditor: Its name in mandates and files.
        notice_days: Days of notice that new mandates agree on.
        core_days: Banking days before the collection by which the bank wants the file (Core); ``b2b_days`` for B2B.
        cutoff: Until when on such a day, in Paris.
        retry_days: After how many days a debit that lacked funds is presented once more; 0 for never.
    """

    ics: str
    creditor: str
    format: str = FORMATS[0]
    notice_days: int = NOTICE_DAYS
    core_days: int = 1
    b2b_days: int = 1
    cutoff: time = time(10, 0)
    retry_days: int = 0

    def lead_days(self, scheme: str) -> int:
        """Banking days before the collection by which the bank wants the file of ``scheme``."""
        return self.b2b_days if scheme == "b2b" else self.core_days


def read_ics(given: str) -> str:
    """A creditor identifier in its short form: country, two check digits (ISO 7064 mod 97-10), business code, number.

    Raises:
        PaymentError: ``debit.bad_ics``.
    """
    try:
        return str(at_02.validate(given))
    except ValidationError as error:
        raise PaymentError(
            "debit.bad_ics",
            f"{given!r} is not a SEPA creditor identifier: copy it from your bank's letter, e.g. FR72ZZZ123456.",
            f"« {given} » n'est pas un identifiant créancier SEPA (ICS) : recopiez-le du courrier de votre banque, par "
            "exemple FR72ZZZ123456.",
        ) from error


def find_settings(work: Work) -> DebitSettings | None:
    """What the supplier of this work has set, or ``None`` where it does not debit."""
    row = work.row(
        "SELECT ics, creditor, format, notice_days, core_days, b2b_days, cutoff, retry_days FROM debit_settings "
        "WHERE supplier_id = :supplier"
    )
    return DebitSettings(**row) if row else None


def demand_settings(work: Work) -> DebitSettings:
    """What the supplier of this work has set.

    Raises:
        PaymentError: ``debit.not_set_up``.
    """
    found = find_settings(work)
    if found is None:
        raise PaymentError(
            "debit.not_set_up",
            "This supplier has no creditor identifier (ICS) yet: enter it in the settings of direct debits.",
            "Ce fournisseur n'a pas encore d'identifiant créancier SEPA (ICS) : saisissez-le dans les réglages des "
            "prélèvements.",
        )
    return found


def save_settings(work: Work, settings: DebitSettings, actor: str) -> DebitSettings:
    """Keep settings as judged; mandates that are signed keep the ICS that they name.

    Raises:
        PaymentError: ``debit.bad_ics``, ``debit.bad_settings``.
    """
    creditor = " ".join(settings.creditor.split())
    faults = (
        not 0 < len(creditor) <= LONGEST_NAME,
        settings.format not in FORMATS,
        not 1 <= settings.notice_days <= LONGEST_NOTICE,
        not 1 <= settings.core_days <= LONGEST_LEAD,
        not 1 <= settings.b2b_days <= LONGEST_LEAD,
        settings.retry_days not in RETRY_DAYS,
    )
    if any(faults):
        raise PaymentError(
            "debit.bad_settings",
            "A name of at most 70 characters, 1 to 30 days of notice, 1 to 10 banking days for the bank, and 0 or 5 "
            "to 10 days before a debit is presented again.",
            "Un nom d'au plus 70 caractères, 1 à 30 jours de préavis, 1 à 10 jours bancaires pour la banque, et 0 ou "
            "5 à 10 jours avant une nouvelle présentation.",
        )
    values: dict[str, Any] = {
        "ics": read_ics(settings.ics),
        "creditor": creditor,
        "format": settings.format,
        "notice_days": settings.notice_days,
        "core_days": settings.core_days,
        "b2b_days": settings.b2b_days,
        "cutoff": settings.cutoff,
        "retry_days": settings.retry_days,
    }
    names = ", ".join(values)
    work.execute(
        f"INSERT INTO debit_settings (supplier_id, {names}, changed_by, changed_at) "
        f"VALUES (:supplier, {', '.join(f':{name}' for name in values)}, :actor, :at) "
        f"ON CONFLICT (supplier_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in values)}, "
        "changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        actor=actor,
        at=now(),
        **values,
    )
    work.audit(actor, "debit_settings.saved", values["ics"], **{**values, "cutoff": f"{settings.cutoff:%H:%M}"})
    return DebitSettings(**values)


def creditor_account(work: Work) -> Account:
    """Our account on which debits arrive and from which transfers leave: the one that payers transfer to.

    It has passed the quarantine of changes, so that nobody redirects debits alone.

    Raises:
        PaymentError: ``debit.no_account``.
    """
    row = work.row("SELECT iban FROM bank_accounts WHERE supplier_id = :supplier AND state = 'active'")
    profile: dict[str, Any] = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    iban = row["iban"] if row else profile.get("iban")
    if not iban:
        raise PaymentError(
            "debit.no_account",
            "The supplier's own IBAN is not known yet: debits need it to arrive on.",
            "L'IBAN du fournisseur n'est pas encore connu : les prélèvements en ont besoin pour arriver.",
        )
    return read_iban(str(iban))
