"""The customer's file: who looks after the customer, and whom to write to for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now
from receivables.errors import NotFoundError, ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from receivables.store.work import Work

ROLES = ("payment", "billing", "manager", "purchasing", "legal", "other")
STANDARD = "standard"
"""The segment of a customer that nobody has put anywhere."""
MAX_CONTACTS = 50
_NAMES = "contact_id, customer_id, name, role, email, phone, language, mail_state, note"
_CONTACT = f"SELECT {_NAMES} FROM customer_contacts WHERE supplier_id = :supplier AND removed_at IS NULL "
_REACHED = (
    f"SELECT {_NAMES} FROM (SELECT {_NAMES}, created_at FROM customer_contacts WHERE supplier_id = :supplier "
    "AND removed_at IS NULL AND customer_id = ANY(:ids) UNION ALL "
    "SELECT NULL, customer_id, name, 'billing', email, NULL, language, 'good', NULL, NULL FROM customers AS customer "
    "WHERE supplier_id = :supplier AND customer_id = ANY(:ids) AND email IS NOT NULL AND NOT EXISTS ("
    "SELECT 1 FROM customer_contacts AS closed WHERE closed.supplier_id = :supplier "
    "AND closed.email = customer.email AND closed.mail_state <> 'good')) AS reached ORDER BY created_at, contact_id"
)
"""Contacts in their order, and customers' own addresses but those that no mail may go to any more."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody at a customer (interlocuteur). Without ``contact_id`` it is the address on the customer itself.

    ``mail_state`` is ``good``, ``bounced`` or ``stopped``: only the first is written to.
    """

    contact_id: UUID | None
    customer_id: UUID
    name: str
    role: str
    email: str | None
    phone: str | None
    language: str
    mail_state: str = "good"
    note: str | None = None

    @property
    def may_be_mailed(self) -> bool:
        """Whether a mail may go there."""
        return self.email is not None and self.mail_state == "good"


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """Who looks after a customer, and where it belongs."""

    customer_id: UUID
    collector_id: UUID | None = None
    segment: str = STANDARD
    note: str | None = None


def contacts_of(work: Work, customer_ids: Sequence[UUID]) -> dict[UUID, list[Contact]]:
    """The contacts of each of these customers, those for payments first."""
    found: dict[UUID, list[Contact]] = {customer_id: [] for customer_id in customer_ids}
    rows = work.rows(_CONTACT + "AND customer_id = ANY(:ids) ORDER BY created_at, contact_id", ids=list(customer_ids))
    for row in rows:
        found[row["customer_id"]].append(Contact(**row))
    for contacts in found.values():
        contacts.sort(key=lambda each: ROLES.index(each.role))
    return found


def recipients_for(work: Work, customer_ids: Sequence[UUID], role: str) -> dict[UUID, Contact]:
    """Whom to write to about ``role``, by customer; those whom nobody may write to are missing.

    The contact of that role, then the ones for payments and invoices, then any, then the customer's own address;
    never one whose mails came back or who asked for none: their address is not used under another name either.
    """
    return recipients_by_role(work, customer_ids, [role])[role]


def recipients_by_role(
    work: Work, customer_ids: Sequence[UUID], roles: Collection[str]
) -> dict[str, dict[UUID, Contact]]:
    """The same for several roles, read once."""
    contacts: dict[UUID, list[Contact]] = {customer_id: [] for customer_id in customer_ids}
    own: dict[UUID, Contact] = {}
    for row in work.rows(_REACHED, ids=list(customer_ids)):
        contact = Contact(**row)
        if contact.contact_id is None:
            own[contact.customer_id] = contact
        else:
            contacts[contact.customer_id].append(contact)
    found: dict[str, dict[UUID, Contact]] = {role: {} for role in roles}
    for role, chosen in found.items():
        order = (role, "payment", "billing", *ROLES)
        for customer_id, known in contacts.items():
            mailed = sorted((c for c in known if c.may_be_mailed), key=lambda each: order.index(each.role))
            if mailed:
                chosen[customer_id] = mailed[0]
            elif customer_id in own:
                chosen[customer_id] = own[customer_id]
    return found


def recipient_for(work: Work, customer_id: UUID, role: str) -> Contact | None:
    """Whom to write to about ``role`` at one customer."""
    return recipients_for(work, [customer_id], role).get(customer_id)


def closed_addresses(work: Work, emails: Sequence[str]) -> set[str]:
    """Those of these addresses that no mail may go to any more."""
    rows = work.rows(
        "SELECT DISTINCT email FROM customer_contacts WHERE supplier_id = :supplier AND email = ANY(:emails) "
        "AND mail_state <> 'good'",
        emails=list(emails),
    )
    return {row["email"] for row in rows}


def add_contact(work: Work, contact: Contact, actor: str) -> Contact:
    """Add a contact; its ``contact_id`` is given here.

    Raises:
        ReceivablesError: ``contact.no_name``, ``contact.no_way``, ``contact.bad_role``, ``contact.too_many``.
    """
    _check(contact)
    known = work.scalar(
        "SELECT count(*) FROM customer_contacts WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND removed_at IS NULL",
        customer=contact.customer_id,
    )
    if known >= MAX_CONTACTS:
        raise ReceivablesError(
            "contact.too_many",
            f"This customer has {MAX_CONTACTS} contacts already: remove one that is out of date first.",
            f"Ce client a déjà {MAX_CONTACTS} contacts : retirez d'abord celui qui n'est plus à jour.",
        )
    contact_id = new_id()
    work.execute(
        "INSERT INTO customer_contacts (supplier_id, contact_id, customer_id, name, role, email, phone, language, "
        "note, created_at, changed_at) VALUES (:supplier, :id, :customer, :name, :role, :email, :phone, :language, "
        ":note, :at, :at)",
        id=contact_id,
        customer=contact.customer_id,
        **_values(contact),
    )
    work.audit(actor, "contact.added", str(contact_id), customer=str(contact.customer_id), role=contact.role)
    return get_contact(work, contact_id)


def get_contact(work: Work, contact_id: UUID) -> Contact:
    """One contact that was not removed.

    Raises:
        NotFoundError: ``contact.not_found``.
    """
    row = work.row(_CONTACT + "AND contact_id = :id", id=contact_id)
    if row is None:
        raise NotFoundError("contact.not_found", "There is no such contact.", "Ce contact n'existe pas.")
    return Contact(**row)


def change_contact(work: Work, contact: Contact, actor: str) -> None:
    """Change a contact; a new address is written to again.

    Raises:
        NotFoundError: ``contact.not_found``.
        ReceivablesError: as for :func:`add_contact`.
    """
    _check(contact)
    assert contact.contact_id is not None  # noqa: S101 -- a contact that is kept has an id
    before = get_contact(work, contact.contact_id)
    if before.email != (contact.email or "").strip().lower():
        _end_returns(work, before)
    changed = work.execute(
        "UPDATE customer_contacts SET name = :name, role = :role, phone = :phone, language = :language, note = :note, "
        "mail_state = CASE WHEN email IS DISTINCT FROM :email THEN 'good' ELSE mail_state END, email = :email, "
        "changed_at = :at WHERE supplier_id = :supplier AND contact_id = :id AND removed_at IS NULL",
        id=contact.contact_id,
        **_values(contact),
    )
    if not changed:
        raise NotFoundError("contact.not_found", "There is no such contact.", "Ce contact n'existe pas.")
    work.audit(actor, "contact.changed", str(contact.contact_id))


def remove_contact(work: Work, contact_id: UUID, actor: str) -> None:
    """Remove a contact: it is kept for what was sent to it, and shown no more.

    Raises:
        NotFoundError: ``contact.not_found``.
    """
    _end_returns(work, get_contact(work, contact_id))
    work.execute(
        "UPDATE customer_contacts SET removed_at = :at, changed_at = :at "
        "WHERE supplier_id = :supplier AND contact_id = :id",
        id=contact_id,
        at=now(),
    )
    work.audit(actor, "contact.removed", str(contact_id))


def mark_mail(work: Work, email: str, state: str) -> int:
    """Note of an address that mails come back (``bounced``), or that it wants none (``stopped``); how many it was.

    An address that stands on customers alone becomes a contact of theirs, so that it is known where to look.
    """
    at, address = now(), email.lower()
    marked = work.execute(
        "UPDATE customer_contacts SET mail_state = :state, changed_at = :at "
        "WHERE supplier_id = :supplier AND email = :email AND mail_state <> :state",
        email=address,
        state=state,
        at=at,
    )
    owners = work.rows(
        "SELECT customer_id, name, language FROM customers WHERE supplier_id = :supplier AND email = :email "
        "AND NOT EXISTS (SELECT 1 FROM customer_contacts AS known WHERE known.supplier_id = :supplier "
        "AND known.customer_id = customers.customer_id AND known.email = :email)",
        email=address,
    )
    for owner in owners:
        work.execute(
            "INSERT INTO customer_contacts (supplier_id, contact_id, customer_id, name, role, email, language, "
            "mail_state, created_at, changed_at) VALUES (:supplier, :id, :customer, :name, 'other', :email, "
            ":language, :state, :at, :at)",
            id=new_id(),
            customer=owner["customer_id"],
            name=owner["name"],
            email=address,
            language=owner["language"],
            state=state,
            at=at,
        )
    return marked + len(owners)


def _end_returns(work: Work, contact: Contact) -> None:
    """Nobody has to look for another address any more where the one that mails came back from is changed."""
    work.execute(
        "UPDATE tasks SET state = 'dropped', note = 'changed', changed_at = :at WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND kind = 'mail.returned' AND state = 'open' AND facts->>'address' = :email",
        customer=contact.customer_id,
        email=contact.email,
        at=now(),
    )


def customer_file(work: Work, customer_id: UUID) -> CustomerFile:
    """The file of a customer; the usual one where nobody has said anything."""
    row = work.row(
        "SELECT customer_id, collector_id, segment, note FROM customer_files "
        "WHERE supplier_id = :supplier AND customer_id = :customer",
        customer=customer_id,
    )
    return CustomerFile(**row) if row else CustomerFile(customer_id)


def set_customer_file(work: Work, file: CustomerFile, actor: str) -> None:
    """Say who looks after a customer, and in which segment it is."""
    work.execute(
        "INSERT INTO customer_files (supplier_id, customer_id, collector_id, segment, note, changed_by, changed_at) "
        "VALUES (:supplier, :customer, :collector, :segment, :note, :actor, :at) "
        "ON CONFLICT (supplier_id, customer_id) DO UPDATE SET collector_id = excluded.collector_id, "
        "segment = excluded.segment, note = excluded.note, changed_by = excluded.changed_by, "
        "changed_at = excluded.changed_at",
        customer=file.customer_id,
        collector=file.collector_id,
        segment=file.segment.strip() or STANDARD,
        note=file.note,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "customer_file.set", str(file.customer_id), segment=file.segment)


def set_customer_files(
    work: Work,
    customer_ids: Sequence[UUID],
    actor: str,
    *,
    collector_id: UUID | None = None,
    segment: str | None = None,
) -> None:
    """Give several customers to a collector, or put them into a segment; what is not given stays."""
    work.execute(
        "INSERT INTO customer_files (supplier_id, customer_id, collector_id, segment, changed_by, changed_at) "
        "SELECT :supplier, customer_id, :collector, coalesce(:segment, :standard), :actor, :at FROM customers "
        "WHERE supplier_id = :supplier AND customer_id = ANY(:ids) "
        "ON CONFLICT (supplier_id, customer_id) DO UPDATE SET "
        "collector_id = coalesce(excluded.collector_id, customer_files.collector_id), "
        "segment = coalesce(CAST(:segment AS text), customer_files.segment), changed_by = excluded.changed_by, "
        "changed_at = excluded.changed_at",
        ids=list(customer_ids),
        collector=collector_id,
        segment=segment,
        standard=STANDARD,
        actor=actor,
        at=now(),
    )
    details = {"collector": str(collector_id) if collector_id else None, "segment": segment}
    work.audit_all(
        [{"actor": actor, "act": "customer_file.set", "object": str(each), "details": details} for each in customer_ids]
    )


def segments(work: Work) -> list[str]:
    """The segments in use, the usual one first."""
    return _usual_first(work.scalar(f"SELECT {_SEGMENTS}"))


def file_and_segments(work: Work, customer_id: UUID) -> tuple[CustomerFile, list[str]]:
    """The file of a customer, and the segments in use."""
    row = work.row(
        f"SELECT collector_id, segment, note, {_SEGMENTS} AS segments FROM (SELECT 1) AS always LEFT JOIN "
        "customer_files ON supplier_id = :supplier AND customer_id = :customer",
        customer=customer_id,
    )
    assert row is not None  # noqa: S101 -- the left side of the join has one row
    kept = CustomerFile(customer_id, row["collector_id"], row["segment"] or STANDARD, row["note"])
    return kept, _usual_first(row["segments"])


_SEGMENTS = "ARRAY(SELECT DISTINCT segment FROM customer_files WHERE supplier_id = :supplier ORDER BY segment)"


def _usual_first(found: Sequence[str]) -> list[str]:
    return [STANDARD, *(each for each in found if each != STANDARD)]


def _check(contact: Contact) -> None:
    if not contact.name.strip():
        raise ReceivablesError("contact.no_name", "A contact needs a name.", "Un contact a besoin d'un nom.")
    if not contact.email and not contact.phone:
        raise ReceivablesError(
            "contact.no_way",
            "Give an e-mail address or a telephone number: a contact that nobody can reach is of no use.",
            "Donnez une adresse électronique ou un téléphone : sans l'un des deux, ce contact ne sert à rien.",
        )
    if contact.role not in ROLES:
        raise ReceivablesError(
            "contact.bad_role",
            f"The role must be one of {', '.join(ROLES)}.",
            f"Le rôle doit être l'un de : {', '.join(ROLES)}.",
        )


def _values(contact: Contact) -> dict[str, object]:
    return {
        "name": contact.name.strip(),
        "role": contact.role,
        "email": contact.email.strip().lower() if contact.email else None,
        "phone": contact.phone.strip() if contact.phone else None,
        "language": contact.language,
        "note": contact.note,
        "at": now(),
    }
