"""A new account under the same mandate: asked for, confirmed by its signer, told to the bank with the next debit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from payments.debits.accounts import PURPOSE, read_iban
from payments.debits.mandates import find_mandate, read_name
from payments.errors import PaymentError
from receivables.store.customer_file.customers import lock_customers
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from config.secrets import Keyring
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of account that waits for its confirmation, or had it."""

    amendment_id: UUID
    mandate_id: UUID
    iban_last4: str
    old_last4: str
    debtor_name: str
    state: str


def ask_amendment(work: Work, keyring: Keyring, mandate_id: UUID, *, name: str, iban: str, actor: str) -> Amendment:
    """Keep a new account until its signer confirms it; an earlier one that was not confirmed gives way.

    Raises:
        PaymentError: ``debit.bad_iban``, ``debit.iban_outside_sepa``, ``debit.bad_name``, ``debit.unknown_mandate``,
            ``debit.mandate_ended``.
    """
    lock_customers(work, [find_mandate(work, mandate_id).customer_id])
    found, account = find_mandate(work, mandate_id), read_iban(iban)
    if found.state not in ("usable", "to_confirm", "blocked"):
        raise PaymentError(
            "debit.mandate_ended",
            "This mandate has ended: sign a new one for the new account.",
            "Ce mandat a pris fin : signez-en un nouveau pour le nouveau compte.",
        )
    at, amendment_id = now(), new_id()
    work.execute(
        "UPDATE mandate_amendments SET state = 'dropped', changed_at = :at WHERE supplier_id = :supplier "
        "AND mandate_id = :mandate AND state = 'drafted'",
        mandate=mandate_id,
        at=at,
    )
    work.execute(
        "INSERT INTO mandate_amendments (supplier_id, amendment_id, mandate_id, sealed_iban, iban_last4, "
        "old_last4, bic, debtor_name, state, asked_by, asked_at, changed_at) "
        "VALUES (:supplier, :id, :mandate, :iban, :last4, :old, :bic, :name, 'drafted', :actor, :at, :at)",
        id=amendment_id,
        mandate=mandate_id,
        iban=keyring.seal(account.iban, PURPOSE),
        last4=account.last4,
        old=found.iban_last4,
        bic=account.bic,
        name=read_name(name),
        actor=actor,
        at=at,
    )
    return find_amendment(work, amendment_id)


def find_amendment(work: Work, amendment_id: UUID) -> Amendment:
    """One change of account.

    Raises:
        PaymentError: ``debit.unknown_amendment``.
    """
    row = work.row(
        "SELECT amendment_id, mandate_id, iban_last4, old_last4, debtor_name, state FROM mandate_amendments "
        "WHERE supplier_id = :supplier AND amendment_id = :id",
        id=amendment_id,
    )
    if row is None:
        raise PaymentError(
            "debit.unknown_amendment",
            "There is no such change of account: start it again from the mandate.",
            "Ce changement de compte n'existe pas : recommencez depuis le mandat.",
        )
    return Amendment(**row)


def confirm_amendment(
    work: Work, amendment_id: UUID, actor: str, evidence: dict[str, Any], evidence_sha256: str
) -> Amendment:
    """Put the new account in the place of the old one; a B2B mandate is confirmed by the new bank first.

    Raises:
        PaymentError: ``debit.unknown_amendment``, ``debit.amendment_not_open``.
    """
    mandate_id = find_amendment(work, amendment_id).mandate_id
    lock_customers(work, [find_mandate(work, mandate_id).customer_id])
    found, mandate = find_amendment(work, amendment_id), find_mandate(work, mandate_id)
    if found.state != "drafted" or mandate.state == "ended":
        raise PaymentError(
            "debit.amendment_not_open",
            "This change of account was confirmed or given up before.",
            "Ce changement de compte a déjà été confirmé ou abandonné.",
        )
    at = now()
    work.execute(
        "UPDATE mandate_amendments SET state = 'confirmed', evidence = CAST(:evidence AS jsonb), "
        "evidence_sha256 = :sha, changed_at = :at WHERE supplier_id = :supplier AND amendment_id = :id",
        id=amendment_id,
        evidence=to_json(evidence),
        sha=evidence_sha256,
        at=at,
    )
    work.execute(
        "UPDATE mandates SET sealed_iban = new.sealed_iban, iban_last4 = new.iban_last4, bic = new.bic, "
        "debtor_name = new.debtor_name, amended = mandates.last_used_on IS NOT NULL, "
        "state = CASE WHEN scheme = 'b2b' THEN 'to_confirm' ELSE 'usable' END, reason = NULL, changed_at = :at "
        "FROM mandate_amendments AS new WHERE mandates.supplier_id = :supplier AND new.supplier_id = :supplier "
        "AND new.amendment_id = :id AND mandates.mandate_id = new.mandate_id",
        id=amendment_id,
        at=at,
    )
    work.audit(actor, "mandate.amended", str(mandate_id), rum=mandate.rum, last4=found.iban_last4, sha=evidence_sha256)
    return find_amendment(work, amendment_id)
