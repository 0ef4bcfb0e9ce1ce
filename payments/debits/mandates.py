"""SEPA mandates: what they say, how long they live, and who may change them."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from config.clock import legal_day, new_id, now
from payments.debits.accounts import PURPOSE, read_iban
from payments.debits.schedule import lapses_on
from payments.debits.settings import LONGEST_NAME, demand_settings
from payments.errors import PaymentError
from receivables.domain.parties import CustomerKind
from receivables.store.customer_file.customers import get_customer, lock_customers
from receivables.store.work import to_json

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from config.secrets import Keyring
    from receivables.store.work import Work

CORE, B2B = "core", "b2b"
RUM_SHAPE = re.compile(r"[A-Za-z0-9+?/:().,'-]{1,35}")
"""Characters of a unique mandate reference (EPC217-08, without the space)."""
MOST_OF_CUSTOMER = 20
"""More mandates of one customer that are not ended are an accident."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """A mandate (mandat). Only the end of the payer's account number is ever read back without a key.

    ``state``: ``drafted`` (not signed), ``to_confirm`` (B2B: the payer's bank has not confirmed), ``usable``,
    ``blocked`` (the account is wrong), ``ended``. Whether it lapsed is a question of the day: :meth:`stands_on`.
    """

    mandate_id: UUID
    customer_id: UUID
    rum: str
    ics: str
    scheme: str
    once: bool
    notice_days: int
    origin: str
    debtor_name: str
    iban_last4: str
    bic: str | None
    state: str
    reason: str | None
    signed_at: datetime | None
    signed_by: str | None
    evidence: dict[str, Any] | None
    evidence_sha256: str | None
    last_used_on: date | None
    uses: int
    amended: bool
    created_at: datetime

    @property
    def lapses_on(self) -> date | None:
        """The day on which it lapses if nothing is presented under it."""
        last = self.last_used_on or (legal_day(self.signed_at) if self.signed_at else None)
        return lapses_on(last) if last else None

    def stands_on(self, day: date) -> str:
        """Its state on ``day``: as kept, or ``lapsed`` after 36 months without a debit."""
        lapse = self.lapses_on
        return "lapsed" if self.state in ("usable", "to_confirm") and lapse and day >= lapse else self.state

    def is_usable(self, day: date) -> bool:
        """Whether a debit of ``day`` may be presented under it."""
        return self.stands_on(day) == "usable"


_COLUMNS = ", ".join(each.name for each in fields(Mandate))


def find_mandate(work: Work, mandate_id: UUID, *, customer_id: UUID | None = None) -> Mandate:
    """One mandate; another customer's looks like none.

    Raises:
        PaymentError: ``debit.unknown_mandate``.
    """
    row = work.row(
        f"SELECT {_COLUMNS} FROM mandates WHERE supplier_id = :supplier AND mandate_id = :id "
        "AND (CAST(:customer AS uuid) IS NULL OR customer_id = :customer)",
        id=mandate_id,
        customer=customer_id,
    )
    if row is None:
        raise PaymentError(
            "debit.unknown_mandate",
            "There is no such mandate. Look for it in the list of mandates.",
            "Ce mandat n'existe pas. Cherchez-le dans la liste des mandats.",
        )
    return _mandate(row)


def mandates_of(work: Work, customer_id: UUID) -> list[Mandate]:
    """The signed mandates of a customer, newest first."""
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM mandates WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND state <> 'drafted' ORDER BY created_at DESC, mandate_id DESC",
        customer=customer_id,
    )
    return [_mandate(row) for row in rows]


def mandates_by_ids(work: Work, mandate_ids: set[UUID]) -> dict[UUID, Mandate]:
    """The mandates of these ids."""
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM mandates WHERE supplier_id = :supplier AND mandate_id = ANY(:ids)",
        ids=sorted(mandate_ids),
    )
    return {row["mandate_id"]: _mandate(row) for row in rows}


@dataclass(frozen=True, slots=True)
class NewMandate:
    """A mandate to draft or to take over; ``iban`` as typed."""

    customer_id: UUID
    scheme: str
    once: bool
    debtor_name: str
    iban: str
    rum: str | None = None
    """The reference of a mandate that was signed elsewhere; ours is made up otherwise."""


def draft_mandate(work: Work, keyring: Keyring, asked: NewMandate, actor: str) -> Mandate:
    """Keep what a customer typed until they sign it; it is no mandate yet. Earlier drafts of theirs give way.

    Raises:
        PaymentError: ``debit.not_set_up``, ``debit.bad_iban``, ``debit.iban_outside_sepa``, ``debit.bad_name``,
            ``debit.consumer_b2b``, ``debit.too_many_mandates``.
    """
    lock_customers(work, [asked.customer_id])
    work.execute(
        "UPDATE mandates SET state = 'ended', reason = 'not_signed', changed_at = :at "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND state = 'drafted'",
        customer=asked.customer_id,
        at=now(),
    )
    return _insert(work, keyring, asked, origin="portal", state="drafted", signed_at=None, actor=actor)


def sign_mandate(work: Work, mandate_id: UUID, actor: str, evidence: dict[str, Any], evidence_sha256: str) -> Mandate:
    """The payer signed: a Core mandate may be used, a B2B one once the payer's bank has confirmed it.

    ``evidence`` says what was shown, to whom, when and from where; ``evidence_sha256`` names the kept document.

    Raises:
        PaymentError: ``debit.unknown_mandate``, ``debit.mandate_not_open``: it was signed or given up before.
    """
    found = _locked(work, mandate_id)
    _demand(found, "drafted")
    state = "to_confirm" if found.scheme == B2B else "usable"
    work.execute(
        "UPDATE mandates SET state = :state, signed_at = :at, signed_by = :actor, "
        "evidence = CAST(:evidence AS jsonb), evidence_sha256 = :sha, changed_at = :at "
        "WHERE supplier_id = :supplier AND mandate_id = :id",
        id=mandate_id,
        state=state,
        actor=actor,
        evidence=to_json(evidence),
        sha=evidence_sha256,
        at=now(),
    )
    work.audit(actor, "mandate.signed", str(mandate_id), rum=found.rum, scheme=found.scheme, sha256=evidence_sha256)
    return find_mandate(work, mandate_id)


def take_over(
    work: Work, keyring: Keyring, asked: NewMandate, *, signed_at: datetime, last_used_on: date | None, actor: str
) -> Mandate:
    """A mandate that was signed elsewhere, on paper or with another program; its evidence stays there.

    Raises:
        PaymentError: as `draft_mandate`; ``debit.bad_rum``, ``debit.rum_taken``, ``debit.signed_in_future``.
    """
    if not asked.rum or not RUM_SHAPE.fullmatch(asked.rum):
        raise PaymentError(
            "debit.bad_rum",
            "A mandate reference has 1 to 35 letters, digits or signs (+ ? / - : ( ) . , ') and no space.",
            "Une RUM compte 1 à 35 lettres, chiffres ou signes (+ ? / - : ( ) . , ') sans espace.",
        )
    if signed_at > now():
        raise PaymentError(
            "debit.signed_in_future",
            "The mandate would be signed in the future: check the date.",
            "Le mandat serait signé dans le futur : vérifiez la date.",
        )
    lock_customers(work, [asked.customer_id])
    state = "to_confirm" if asked.scheme == B2B and last_used_on is None else "usable"
    made = _insert(work, keyring, asked, origin="taken_over", state=state, signed_at=signed_at, actor=actor)
    if last_used_on is not None:
        work.execute(
            "UPDATE mandates SET last_used_on = :day, uses = 1 WHERE supplier_id = :supplier AND mandate_id = :id",
            day=last_used_on,
            id=made.mandate_id,
        )
    return find_mandate(work, made.mandate_id)


def confirm_by_bank(work: Work, mandate_id: UUID, actor: str) -> None:
    """Note that the payer's bank confirmed a B2B mandate: without it, it refuses the debits (EPC222-07, 4.1).

    Raises:
        PaymentError: ``debit.unknown_mandate``, ``debit.mandate_not_open``.
    """
    found = _locked(work, mandate_id)
    _demand(found, "to_confirm")
    move_mandate(work, mandate_id, "usable", None)
    work.audit(actor, "mandate.confirmed_by_bank", str(mandate_id), rum=found.rum)


def end_mandate(work: Work, mandate_id: UUID, actor: str, reason: str) -> list[UUID]:
    """End a mandate at once, by its payer or by us; returns the debits given up, which are not in a file yet.

    What lies with the bank can only be stopped there: whoever asks is told so by what stays in a file.

    Raises:
        PaymentError: ``debit.unknown_mandate``.
    """
    found = _locked(work, mandate_id)
    if found.state == "ended":
        return []
    move_mandate(work, mandate_id, "ended", reason)
    given_up = give_up_debits(work, mandate_id, f"mandate_{reason}")
    work.execute(
        "UPDATE autopay SET state = 'off', ended_by = :actor, ended_at = :at WHERE supplier_id = :supplier "
        "AND mandate_id = :id AND state = 'on'",
        id=mandate_id,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "mandate.ended", str(mandate_id), rum=found.rum, reason=reason, debits=len(given_up))
    return given_up


def block_mandate(work: Work, mandate_id: UUID, actor: str, reason: str) -> None:
    """Nothing is debited under it until its account is corrected; the customer's lock is held."""
    if find_mandate(work, mandate_id).state in ("usable", "to_confirm"):
        move_mandate(work, mandate_id, "blocked", reason)
        give_up_debits(work, mandate_id, f"mandate_{reason}")
        work.audit(actor, "mandate.blocked", str(mandate_id), reason=reason)


def move_mandate(work: Work, mandate_id: UUID, state: str, reason: str | None) -> None:
    """Write the state of a mandate."""
    work.execute(
        "UPDATE mandates SET state = :state, reason = :reason, changed_at = :at "
        "WHERE supplier_id = :supplier AND mandate_id = :id",
        id=mandate_id,
        state=state,
        reason=reason,
        at=now(),
    )


def give_up_debits(work: Work, mandate_id: UUID, reason: str) -> list[UUID]:
    """Cancel the debits of a mandate that are not in a file yet, with the announcements behind them."""
    rows = work.rows(
        "UPDATE debits SET state = 'cancelled', reason = :reason, changed_at = :at WHERE supplier_id = :supplier "
        "AND mandate_id = :mandate AND state IN ('planned', 'notified') RETURNING debit_id",
        mandate=mandate_id,
        reason=reason,
        at=now(),
    )
    given_up = [row["debit_id"] for row in rows]
    work.execute(
        "UPDATE collections_announced SET state = 'withdrawn', reason = :reason, changed_at = :at "
        "WHERE supplier_id = :supplier AND debit_id = ANY(:ids) AND state = 'announced'",
        ids=given_up,
        reason=reason,
        at=now(),
    )
    return given_up


def _insert(
    work: Work, keyring: Keyring, asked: NewMandate, *, origin: str, state: str, signed_at: datetime | None, actor: str
) -> Mandate:
    """Write a mandate down; the caller holds the customer's lock."""
    settings, account = demand_settings(work), read_iban(asked.iban)
    customer = get_customer(work, asked.customer_id)
    _check_kind(asked.scheme, customer.kind)
    mandate_id, at = new_id(), now()
    rum = asked.rum or f"Q{customer.account_code}-{legal_day(at):%y%m%d}-{mandate_id.hex[-8:].upper()}"
    _check_room(work, asked.customer_id, rum)
    work.execute(
        "INSERT INTO mandates (supplier_id, mandate_id, customer_id, rum, ics, scheme, once, notice_days, origin, "
        "debtor_name, sealed_iban, iban_last4, bic, state, signed_at, signed_by, created_at, changed_at) "
        "VALUES (:supplier, :id, :customer, :rum, :ics, :scheme, :once, :notice, :origin, :name, :iban, :last4, :bic, "
        ":state, :signed, :signer, :at, :at)",
        id=mandate_id,
        customer=asked.customer_id,
        rum=rum,
        ics=settings.ics,
        scheme=asked.scheme,
        once=asked.once,
        notice=settings.notice_days,
        origin=origin,
        name=read_name(asked.debtor_name),
        iban=keyring.seal(account.iban, PURPOSE),
        last4=account.last4,
        bic=account.bic,
        state=state,
        signed=signed_at,
        signer=actor if signed_at else None,
        at=at,
    )
    work.audit(actor, f"mandate.{'drafted' if state == 'drafted' else 'taken_over'}", str(mandate_id), rum=rum)
    return find_mandate(work, mandate_id)


def read_name(given: str) -> str:
    """The name of an account's holder as kept.

    Raises:
        PaymentError: ``debit.bad_name``.
    """
    name = " ".join("".join(c for c in given if c.isprintable()).split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise PaymentError(
            "debit.bad_name",
            f"Give the account holder's name, in at most {LONGEST_NAME} characters.",
            f"Indiquez le titulaire du compte, en {LONGEST_NAME} caractères au plus.",
        )
    return name


def _check_kind(scheme: str, kind: CustomerKind) -> None:
    if scheme not in (CORE, B2B):
        raise PaymentError("debit.bad_scheme", "A mandate is Core or B2B.", "Un mandat est de type Core ou B2B.")
    if scheme == B2B and kind is CustomerKind.CONSUMER:
        raise PaymentError(
            "debit.consumer_b2b",
            "A B2B mandate is for businesses: a consumer keeps the right to a refund and signs a Core mandate.",
            "Le mandat interentreprises est réservé aux professionnels : un particulier garde son droit au "
            "remboursement et signe un mandat Core.",
        )


def _check_room(work: Work, customer_id: UUID, rum: str) -> None:
    row = work.row(
        "SELECT EXISTS (SELECT 1 FROM mandates WHERE supplier_id = :supplier AND rum = :rum) AS taken, "
        "(SELECT count(*) FROM mandates WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND state <> 'ended') AS live",
        rum=rum,
        customer=customer_id,
    )
    assert row is not None  # noqa: S101 -- a row without a table
    if row["taken"]:
        raise PaymentError(
            "debit.rum_taken",
            f"The mandate {rum} is known already: a reference names one mandate only.",
            f"Le mandat {rum} est déjà connu : une RUM ne désigne qu'un mandat.",
        )
    if row["live"] >= MOST_OF_CUSTOMER:
        raise PaymentError(
            "debit.too_many_mandates",
            f"This customer has {MOST_OF_CUSTOMER} mandates already: end those that are not used.",
            f"Ce client a déjà {MOST_OF_CUSTOMER} mandats : mettez fin à ceux qui ne servent pas.",
        )


def _locked(work: Work, mandate_id: UUID) -> Mandate:
    """The mandate, read again under its customer's lock."""
    lock_customers(work, [find_mandate(work, mandate_id).customer_id])
    return find_mandate(work, mandate_id)


def _demand(found: Mandate, state: str) -> None:
    if found.state != state:
        raise PaymentError(
            "debit.mandate_not_open",
            f"The mandate {found.rum} has moved on meanwhile: look at it again.",
            f"Le mandat {found.rum} a changé entre-temps : consultez-le de nouveau.",
        )


def _mandate(row: RowMapping) -> Mandate:
    return Mandate(**{each.name: row[each.name] for each in fields(Mandate)})
