"""What a program may do, as words: a resource, and whether it reads or writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.access.roles import BOOKKEEPING, COLLECTING, CREDIT, READERS, STAFF, Role
from portal.words import note_text

if TYPE_CHECKING:
    from collections.abc import Iterable

RESOURCES: dict[str, str] = {
    "invoices": note_text("Factures et avoirs"),
    "customers": note_text("Clients"),
    "orders": note_text("Commandes et livraisons"),
    "payments": note_text("Paiements et affectations"),
    "disputes": note_text("Litiges"),
    "messages": note_text("Messages"),
    "credit": note_text("Encours et décisions de crédit"),
    "promises": note_text("Promesses et échéanciers"),
    "claims": note_text("Intérêts de retard"),
    "bank": note_text("Relevés bancaires"),
    "events": note_text("Journal des événements"),
}
"""Resource: its name for people."""
READ_ONLY = frozenset({"claims", "credit", "events"})
"""Resources that a program only reads."""

SCOPES: tuple[str, ...] = tuple(
    f"{resource}:{act}" for resource in RESOURCES for act in (("read",) if resource in READ_ONLY else ("read", "write"))
)
"""Every scope. Writing says nothing about reading: a program that needs both asks for both."""

_READ: dict[str, tuple[Role, ...]] = {
    "invoices": READERS,
    "customers": READERS,
    "orders": READERS,
    "disputes": READERS,
    "messages": READERS,
    "credit": READERS,
    "bank": STAFF,
}
_WRITE: dict[str, tuple[Role, ...]] = {
    "invoices": BOOKKEEPING,
    "customers": COLLECTING,
    "orders": CREDIT,
    "payments": COLLECTING,
    "disputes": COLLECTING,
    "messages": COLLECTING,
    "promises": COLLECTING,
    "bank": BOOKKEEPING,
}


def scopes_of_role(role: Role) -> frozenset[str]:
    """What a person's own token may do at most: what the person may do on pages."""
    return frozenset(scope for scope in SCOPES if role in _roles_of(scope))


def known_scopes(given: Iterable[str]) -> frozenset[str]:
    """Those of ``given`` that exist."""
    return frozenset(given) & frozenset(SCOPES)


def _roles_of(scope: str) -> tuple[Role, ...]:
    resource, _, act = scope.partition(":")
    if act == "write":
        return _WRITE[resource]
    return _READ.get(resource, STAFF)
