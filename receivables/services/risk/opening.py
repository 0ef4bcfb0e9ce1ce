"""Requests for an account (ouverture de compte): a company asks, its mailbox confirms, who decides on credit answers.

Nothing exists before that: no customer, no account code, no limit. A request that its mailbox has not confirmed within
two days is forgotten, so that nobody can ask in somebody else's name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import now
from receivables.domain.parties import CustomerKind
from receivables.domain.risk.credit import LimitKind
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.services.risk.limiting import NewLimit, set_limit
from receivables.store.customer_file.details import CustomerDetails, Place, add_customer
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

LASTS = timedelta(days=2)
MOST_HELD = 50
"""Requests of one supplier that wait for their mailbox: more is somebody playing."""
MAX_FIELD = 120
MAX_SAID = 1_000
MOST_SHOWN = 50
SIREN_DIGITS = 9
ADDRESS_FIELDS = ("line1", "line2", "postcode", "city", "country")
_SELECT = (
    "SELECT request_id, company, siren, vat_id, person, email, phone, language, address, wanted_minor, currency, said, "
    "version_id, asked_at, expires_at, state, decided_at, reason, customer_id, limit_minor FROM account_requests "
    "WHERE supplier_id = :supplier "
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a company says of itself, and what it would like to owe at most, in minor units."""

    company: str
    person: str
    email: str
    language: str
    siren: str | None = None
    vat_id: str | None = None
    phone: str | None = None
    address: Mapping[str, str] = field(default_factory=dict)
    wanted_minor: int | None = None
    currency: str = "EUR"
    said: str = ""
    version_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """A request; ``state`` is ``held`` (its mailbox is asked), ``asked``, ``approved`` or ``refused``."""

    request_id: UUID
    company: str
    siren: str | None
    vat_id: str | None
    person: str
    email: str
    phone: str | None
    language: str
    address: Mapping[str, Any]
    wanted_minor: int | None
    currency: str
    said: str | None
    version_id: UUID | None
    asked_at: datetime
    expires_at: datetime
    state: str
    decided_at: datetime | None
    reason: str | None
    customer_id: UUID | None
    limit_minor: int | None

    @property
    def is_over(self) -> bool:
        """Whether its mailbox can no longer confirm it."""
        return self.state != "held" or self.expires_at <= now()


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether strangers may ask for an account, and the words that greet them."""

    is_open: bool = False
    welcome: str | None = None
    welcome_en: str | None = None


def opening_of(work: Work) -> Opening:
    """Whether this supplier takes requests."""
    row = work.row("SELECT is_open, welcome, welcome_en FROM account_openings WHERE supplier_id = :supplier")
    return Opening(**row) if row else Opening()


def set_opening(work: Work, opening: Opening, actor: str) -> None:
    """Take requests, or none any more."""
    work.execute(
        "INSERT INTO account_openings (supplier_id, is_open, welcome, welcome_en, changed_by, changed_at) "
        "VALUES (:supplier, :is_open, :welcome, :welcome_en, :actor, :at) ON CONFLICT (supplier_id) DO UPDATE SET "
        "is_open = excluded.is_open, welcome = excluded.welcome, welcome_en = excluded.welcome_en, "
        "changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        is_open=opening.is_open,
        welcome=opening.welcome,
        welcome_en=opening.welcome_en,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "account_opening.set", "house", is_open=opening.is_open)


def hold_request(work: Work, wish: Wish, request_id: UUID, token_hash: bytes) -> AccountRequest:
    """Hold a request until its mailbox confirms it.

    Raises:
        ReceivablesError: ``opening.closed``, ``opening.no_company``, ``opening.no_person``, ``opening.bad_siren``,
            ``opening.too_long``, ``opening.too_many``.
    """
    _check(work, wish)
    at = now()
    work.execute(
        "INSERT INTO account_requests (supplier_id, request_id, token_hash, company, siren, vat_id, person, email, "
        "phone, language, address, wanted_minor, currency, said, version_id, asked_at, expires_at) VALUES (:supplier, "
        ":id, :token, :company, :siren, :vat_id, :person, :email, :phone, :language, CAST(:address AS jsonb), "
        ":wanted, :currency, :said, :version, :at, :until)",
        id=request_id,
        token=token_hash,
        company=wish.company,
        siren=wish.siren,
        vat_id=wish.vat_id,
        person=wish.person,
        email=wish.email,
        phone=wish.phone,
        language=wish.language,
        address=to_json({name: wish.address[name] for name in ADDRESS_FIELDS if wish.address.get(name)}),
        wanted=wish.wanted_minor,
        currency=wish.currency,
        said=wish.said or None,
        version=wish.version_id,
        at=at,
        until=at + LASTS,
    )
    work.audit("visitor", "account_request.held", str(request_id))
    return get_request(work, request_id)


def confirm_request(work: Work, request: AccountRequest) -> None:
    """The mailbox said yes: the request goes to the supplier.

    Raises:
        ConflictError: ``opening.over``.
    """
    if request.is_over:
        raise ConflictError(
            "opening.over",
            "This request was confirmed before, or is older than two days. Make a new one.",
            "Cette demande est déjà confirmée, ou a plus de deux jours. Faites-en une nouvelle.",
        )
    work.execute(
        "UPDATE account_requests SET state = 'asked', confirmed_at = :at WHERE supplier_id = :supplier "
        "AND request_id = :id AND state = 'held'",
        id=request.request_id,
        at=now(),
    )
    work.audit("visitor", "account_request.asked", str(request.request_id))


def approve_request(work: Work, request_id: UUID, limit_minor: int | None, actor: str, reason: str) -> AccountRequest:
    """Open the customer, with a limit where one is given; ``reason`` is told to the company.

    Raises:
        NotFoundError: ``opening.not_found``.
        ConflictError: ``opening.decided``, ``customer.exists``.
        ReceivablesError: ``limit.bad_amount``.
    """
    request = _waiting(work, request_id)
    place = Place(
        **{name: str(request.address[name]) for name in ADDRESS_FIELDS if request.address.get(name)},
        phone=request.phone,
    )
    details = CustomerDetails(
        request.company, CustomerKind.BUSINESS, request.siren, request.vat_id, request.email, request.language, place
    )
    customer = add_customer(work, details, actor)
    if limit_minor is not None:
        asked_for = reason or "account opening"
        set_limit(
            work,
            NewLimit(
                LimitKind.INTERNAL, limit_minor, asked_for, actor, request.currency, customer_id=customer.customer_id
            ),
        )
    _decide(work, request, "approved", actor, reason, customer.customer_id, limit_minor)
    return get_request(work, request_id)


def refuse_request(work: Work, request_id: UUID, actor: str, reason: str) -> AccountRequest:
    """Open no account; ``reason`` is told to the company.

    Raises:
        NotFoundError: ``opening.not_found``.
        ConflictError: ``opening.decided``.
        ReceivablesError: ``opening.no_reason``.
    """
    if not reason.strip():
        raise ReceivablesError("opening.no_reason", "Say why: the company reads it.", "Dites pourquoi : elle le lira.")
    request = _waiting(work, request_id)
    _decide(work, request, "refused", actor, reason.strip(), None, None)
    return get_request(work, request_id)


def get_request(work: Work, request_id: UUID) -> AccountRequest:
    """One request.

    Raises:
        NotFoundError: ``opening.not_found``.
    """
    row = work.row(_SELECT + "AND request_id = :id", id=request_id)
    if row is None:
        raise _not_found()
    return _request(row)


def find_request(work: Work, token_hash: bytes, *, lock: bool = False) -> AccountRequest | None:
    """The request behind a link."""
    row = work.row(_SELECT + "AND token_hash = :token" + (" FOR UPDATE" if lock else ""), token=token_hash)
    return _request(row) if row else None


def requests_here(work: Work) -> Sequence[AccountRequest]:
    """The confirmed requests, those that wait first, then the latest."""
    rows = work.rows(
        _SELECT + "AND state <> 'held' ORDER BY (state = 'asked') DESC, asked_at DESC LIMIT :most", most=MOST_SHOWN
    )
    return [_request(row) for row in rows]


def _waiting(work: Work, request_id: UUID) -> AccountRequest:
    row = work.row(_SELECT + "AND request_id = :id FOR UPDATE", id=request_id)
    if row is None or row["state"] == "held":  # nobody sees what its mailbox has not confirmed
        raise _not_found()
    request = _request(row)
    if request.state != "asked":
        raise ConflictError("opening.decided", "This request was decided before.", "Cette demande est déjà tranchée.")
    return request


def _decide(  # noqa: PLR0917 -- a decision with all that it says
    work: Work,
    request: AccountRequest,
    state: str,
    actor: str,
    reason: str,
    customer_id: UUID | None,
    limit_minor: int | None,
) -> None:
    work.execute(
        "UPDATE account_requests SET state = :state, decided_by = :actor, decided_at = :at, reason = :reason, "
        "customer_id = :customer, limit_minor = :limit WHERE supplier_id = :supplier AND request_id = :id",
        id=request.request_id,
        state=state,
        actor=actor,
        at=now(),
        reason=reason or None,
        customer=customer_id,
        limit=limit_minor,
    )
    work.audit(actor, f"account_request.{state}", str(request.request_id), limit_minor=limit_minor)


def _check(work: Work, wish: Wish) -> None:
    if not opening_of(work).is_open:
        raise NotFoundError("opening.closed", "There is nothing here.", "Il n'y a rien ici.")
    if not wish.company:
        raise ReceivablesError("opening.no_company", "Give the company's name.", "Donnez le nom de la société.")
    if not wish.person:
        raise ReceivablesError("opening.no_person", "Say who you are.", "Dites qui vous êtes.")
    if wish.siren and not (len(wish.siren) == SIREN_DIGITS and wish.siren.isascii() and wish.siren.isdigit()):
        raise ReceivablesError(
            "opening.bad_siren", "A SIREN has nine digits. Check it.", "Un SIREN a neuf chiffres. Vérifiez-le."
        )
    texts = (wish.company, wish.person, wish.vat_id or "", wish.phone or "", *wish.address.values())
    if any(len(each) > MAX_FIELD for each in texts) or len(wish.said) > MAX_SAID:
        raise ReceivablesError(
            "opening.too_long",
            f"Use at most {MAX_FIELD} characters for a field and {MAX_SAID} for the message.",
            f"Employez au plus {MAX_FIELD} signes par champ et {MAX_SAID} pour le message.",
        )
    held = work.scalar(
        "SELECT count(*) FROM account_requests WHERE supplier_id = :supplier AND state = 'held' AND expires_at > :at",
        at=now(),
    )
    if held >= MOST_HELD:
        raise ConflictError(
            "opening.too_many",
            "Many requests wait for their mailboxes. Try again tomorrow, or write to us.",
            "Beaucoup de demandes attendent leur confirmation. Réessayez demain, ou écrivez-nous.",
        )


def _not_found() -> NotFoundError:
    return NotFoundError("opening.not_found", "There is no such request.", "Cette demande n'existe pas.")


def _request(row: RowMapping) -> AccountRequest:
    return AccountRequest(**row)
