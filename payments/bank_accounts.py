"""Where transfers go: the supplier's account, and a quarantine for every change of it.

The most common fraud against payers is a true invoice with a false account number. So an account number never changes
by one person's act: somebody proposes it, `QUARANTINE` goes by, somebody else confirms it, payers with open invoices
are told, and only then does it count. Until then every page, code and invoice shows the one before.

The table ``bank_accounts`` is the source of truth. The account in the supplier's profile, from which invoices are
composed, follows it and is changed nowhere else; a supplier that never changed has its profile's account only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import legal_day, new_id, now
from payments.errors import PaymentError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

QUARANTINE = timedelta(hours=72)
"""Over a weekend: whoever took over a mailbox on Friday evening is noticed before it counts."""
LONGEST_REASON = 500
LISTED = 50
BY_LINK = ", by a mailed link"
"""After who confirmed alone, in the record."""
PROFILE = "profile"
"""Who named an account that was there before changes were guarded."""
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_COLUMNS = (
    "bank_account_id, iban, bic, holder, label, state, proposed_by, proposed_at, active_from, confirmed_by, "
    "confirmed_at, reason, told_at, changed_at"
)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be paid on: ``iban`` and ``bic`` as printed or not, checked by whoever read them (schwifty)."""

    iban: str
    bic: str | None
    holder: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account of the supplier.

    ``state``: ``proposed``, ``confirmed`` (by a second person), ``active``, ``retired`` (it was active), ``refused``
    (or withdrawn, with the ``reason``). ``active_from`` is the end of its quarantine. ``bank_account_id`` is None for
    one that only the profile names. ``changed_at`` is when its state last moved.
    """

    bank_account_id: UUID | None
    iban: str
    bic: str | None
    holder: str
    label: str
    state: str
    proposed_by: str
    proposed_at: datetime
    active_from: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    reason: str | None
    told_at: datetime | None
    changed_at: datetime

    @property
    def printed(self) -> str:
        """The number in groups of four."""
        return " ".join(self.iban[start : start + 4] for start in range(0, len(self.iban), 4))

    @property
    def since(self) -> date:
        """The day (Paris) since which it is what it is."""
        return legal_day(self.changed_at)

    @property
    def told_on(self) -> date | None:
        """The day on which payers were told of it, where it took another's place."""
        return legal_day(self.told_at) if self.told_at else None


def plain_iban(text: str | None) -> str:
    """The number without blanks, in capitals; empty where there is none."""
    return "".join((text or "").split()).upper()


def active_account_of(work: Work) -> BankAccount | None:
    """The account that payers are told now."""
    return _one(work, "state = 'active'") or _of_profile(work)


def change_under_way(work: Work) -> BankAccount | None:
    """The change that is not active yet; there is at most one."""
    return _one(work, "state IN ('proposed', 'confirmed')")


def accounts_of(work: Work, before: datetime | None = None) -> list[BankAccount]:
    """Every account that was ever proposed, newest first, a page of `LISTED` and one more."""
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM bank_accounts WHERE supplier_id = :supplier "
        "AND (CAST(:before AS timestamptz) IS NULL OR proposed_at < :before) "
        "ORDER BY proposed_at DESC, bank_account_id DESC LIMIT :limit",
        before=before,
        limit=LISTED + 1,
    )
    return [_read(row) for row in rows]


def was_ours(work: Work, iban: str) -> bool:
    """Whether this number was active once, so that an invoice which names it is to be paid on the present one."""
    found = work.scalar(
        "SELECT 1 FROM bank_accounts WHERE supplier_id = :supplier AND iban = :iban AND state IN ('active', 'retired')",
        iban=plain_iban(iban),
    )
    return found is not None


def is_iban(text: str) -> bool:
    """Whether this has the form of an IBAN, blanks aside."""
    return _IBAN.fullmatch(plain_iban(text)) is not None


def _whole(given: NewAccount) -> str:
    iban = plain_iban(given.iban)
    if not _IBAN.fullmatch(iban) or not given.holder.strip():
        raise PaymentError(
            "iban.not_one",
            "Give the holder and a whole IBAN: two letters, two digits, and the account.",
            "Donnez le titulaire et un IBAN entier : deux lettres, deux chiffres, puis le compte.",
        )
    return iban


def adopt_account(work: Work, given: NewAccount, actor: str, since: datetime | None = None) -> UUID:
    """The first account of a supplier, known ``since`` then: there is nobody yet whom a change could deceive.

    Raises:
        PaymentError: ``iban.not_one``; ``iban.known``: there is one already, change it.
    """
    _whole(given)
    if _one(work, "state = 'active'") is not None:
        raise PaymentError(
            "iban.known",
            "An account is active already: propose a change.",
            "Un compte est déjà actif : proposez un changement.",
        )
    account_id = _insert(work, given, actor, "active", since or now())
    work.audit(actor, "bank_account.adopted", str(account_id), last4=plain_iban(given.iban)[-4:])
    return account_id


def propose_account(work: Work, given: NewAccount, actor: str) -> UUID:
    """Begin the quarantine of another account; a supplier without any gets it at once.

    Raises:
        PaymentError: ``iban.not_one``, ``iban.same``, ``iban.change_under_way``.
    """
    iban = _whole(given)
    _lock(work)
    known = active_account_of(work)
    if known is None:
        return adopt_account(work, given, actor)
    if known.iban == iban:
        raise PaymentError("iban.same", "This is the active account already.", "C'est déjà le compte actif.")
    if change_under_way(work) is not None:
        raise PaymentError(
            "iban.change_under_way",
            "Another change is under way: withdraw it first.",
            "Un autre changement est en cours : retirez-le d'abord.",
        )
    if known.bank_account_id is None:  # the profile's account gets a row, so that it can be retired
        adopt_account(work, NewAccount(known.iban, known.bic, known.holder), PROFILE, known.active_from)
    account_id = _insert(work, given, actor, "proposed", now() + QUARANTINE)
    work.audit(actor, "bank_account.proposed", str(account_id), last4=iban[-4:], instead_of=known.iban[-4:])
    return account_id


def confirm_account(work: Work, account_id: UUID, actor: str) -> BankAccount:
    """A second person confirms a change; it still waits for the end of its quarantine.

    Raises:
        PaymentError: ``iban.no_change``, ``iban.same_person``.
    """
    change = _the_change(work, account_id)
    if change.proposed_by == actor:
        raise PaymentError(
            "iban.same_person",
            "You proposed this change: somebody else has to confirm it.",
            "Vous avez proposé ce changement : une autre personne doit le confirmer.",
        )
    if change.state == "proposed":
        _move(work, account_id, "state = 'confirmed', confirmed_by = :actor, confirmed_at = :at", actor=actor)
        work.audit(actor, "bank_account.confirmed", str(account_id), last4=change.iban[-4:])
    return _the_change(work, account_id)


def confirm_alone(work: Work, account_id: UUID, actor: str) -> BankAccount:
    """Who proposed a change confirms it by a link that was mailed after its quarantine: where there is nobody else.

    Raises:
        PaymentError: ``iban.no_change``, ``iban.in_quarantine``.
    """
    change = _the_change(work, account_id)
    if change.active_from > now():
        raise PaymentError(
            "iban.in_quarantine",
            "The 72 hours are not over: confirm it then.",
            "Les 72 heures ne sont pas écoulées : confirmez ensuite.",
        )
    return confirm_account(work, account_id, f"{actor}{BY_LINK}")


def refuse_account(work: Work, account_id: UUID, actor: str, reason: str) -> None:
    """Refuse a change, or withdraw one's own; nothing has changed then.

    Raises:
        PaymentError: ``iban.no_change``, ``iban.no_reason``.
    """
    change = _the_change(work, account_id)
    said = reason.strip()[:LONGEST_REASON]
    if not said:
        raise PaymentError("iban.no_reason", "Say why, for the record.", "Dites pourquoi, pour le journal.")
    _move(work, account_id, "state = 'refused', reason = :reason", reason=said)
    act = "bank_account.withdrawn" if change.proposed_by == actor else "bank_account.refused"
    work.audit(actor, act, str(account_id), last4=change.iban[-4:], reason=said)


def is_ripe(change: BankAccount) -> bool:
    """Whether a change was confirmed and its quarantine is over."""
    return change.state == "confirmed" and change.active_from <= now()


def activate_account(work: Work, account_id: UUID) -> BankAccount:
    """Make a ripe change the active account; call it once payers were told, in the same transaction.

    Raises:
        PaymentError: ``iban.no_change``, ``iban.in_quarantine``.
    """
    change = _the_change(work, account_id)
    if not is_ripe(change):
        raise PaymentError(
            "iban.in_quarantine",
            "This account is in quarantine, or nobody else has confirmed it.",
            "Ce compte est en quarantaine, ou personne d'autre ne l'a confirmé.",
        )
    work.execute(
        "UPDATE bank_accounts SET state = 'retired', changed_at = :at "
        "WHERE supplier_id = :supplier AND state = 'active'",
        at=now(),
    )
    _move(work, account_id, "state = 'active', told_at = :at")
    _follow(work, change)
    work.audit("system", "bank_account.active", str(account_id), last4=change.iban[-4:])
    active = active_account_of(work)
    assert active is not None  # noqa: S101 -- just made
    return active


def _follow(work: Work, account: BankAccount) -> None:
    """The profile, from which invoices are composed, names the active account."""
    work.execute(
        "UPDATE supplier_profiles SET profile = profile || CAST(:account AS jsonb), changed_at = :at "
        "WHERE supplier_id = :supplier",
        account=to_json({"iban": account.iban, "bic": account.bic, "holder": account.holder}),
        at=now(),
    )


def _lock(work: Work) -> None:
    """One change at a time."""
    key = f"bank-account:{work.supplier_id}"
    work.scalar("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=key)


def _the_change(work: Work, account_id: UUID) -> BankAccount:
    _lock(work)
    change = change_under_way(work)
    if change is None or change.bank_account_id != account_id:
        raise PaymentError(
            "iban.no_change",
            "This change is not under way any more: look at the list.",
            "Ce changement n'est plus en cours : voyez la liste.",
        )
    return change


def _insert(work: Work, given: NewAccount, actor: str, state: str, active_from: datetime) -> UUID:
    account_id, at = new_id(), min(now(), active_from)
    work.execute(
        "INSERT INTO bank_accounts (supplier_id, bank_account_id, iban, bic, holder, label, state, proposed_by, "
        "proposed_at, active_from, changed_at) VALUES (:supplier, :id, :iban, :bic, :holder, :label, :state, :actor, "
        ":at, :from, :at)",
        id=account_id,
        iban=plain_iban(given.iban),
        bic=plain_iban(given.bic) or None,
        holder=given.holder.strip(),
        label=given.label.strip(),
        state=state,
        actor=actor,
        at=at,
        **{"from": active_from},
    )
    return account_id


def _move(work: Work, account_id: UUID, assignments: str, **values: object) -> None:
    work.execute(
        f"UPDATE bank_accounts SET {assignments}, changed_at = :at "
        "WHERE supplier_id = :supplier AND bank_account_id = :id",
        id=account_id,
        at=now(),
        **values,
    )


def _one(work: Work, condition: str) -> BankAccount | None:
    row = work.row(f"SELECT {_COLUMNS} FROM bank_accounts WHERE supplier_id = :supplier AND {condition}")
    return _read(row) if row else None


def _read(row: RowMapping) -> BankAccount:
    return BankAccount(**row)


def _of_profile(work: Work) -> BankAccount | None:
    """The account of a profile that was written before changes were guarded."""
    row = work.row("SELECT profile, changed_at FROM supplier_profiles WHERE supplier_id = :supplier")
    profile: dict[str, Any] = row["profile"] if row else {}
    iban = plain_iban(str(profile.get("iban") or ""))
    if row is None or not _IBAN.fullmatch(iban):
        return None
    holder = str(profile.get("holder") or profile.get("name") or "")
    bic = str(profile["bic"]) if profile.get("bic") else None
    since = row["changed_at"]
    return BankAccount(None, iban, bic, holder, "", "active", PROFILE, since, since, None, None, None, None, since)
