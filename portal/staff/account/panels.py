"""The panels of a customer's page: each is a template with what it shows, given by the area that knows.

An area adds one :class:`Panel`; the page asks each once. Which roles may act there, the panel's own routes decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID  # noqa: TC003 -- beside the other names that types are made of at run time

from portal.staff.account import dealings, standing
from receivables.domain.parties import Customer
from receivables.store.work import Work

Load = Callable[[Work, Customer, date, frozenset[str]], Mapping[str, Any] | None]
"""What a panel shows of a customer on a day, and what is known of them; ``None`` where there is nothing to show."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A template that is given ``panel``, and where it stands: ``act``, ``main`` or ``side``."""

    template: str
    load: Load
    room: str = "side"
    where: str = "true"
    """The SQL condition on ``:customer`` without which there is nothing to show: all panels ask theirs at once."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with what it shows."""

    template: str
    room: str
    values: Mapping[str, Any]


def _about(*tables: str) -> str:
    """Whether any of these tables has something about the customer."""
    return " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE supplier_id = :supplier AND customer_id = :customer)"  # noqa: S608 -- our own names
        for table in tables
    )


KNOWN: Mapping[str, str] = {
    "contests": "EXISTS (SELECT 1 FROM provider_disputes JOIN payment_attempts USING (supplier_id, attempt_id) "
    "WHERE supplier_id = :supplier AND customer_id = :customer)",
    "notices": _about("dunning_notices"),
    "stops": _about("dunning_stops"),
    "decisions": _about("credit_decisions"),
    "claims": _about("interest_claims"),
}
"""What a customer may have or not, beside the panels' own conditions: what they have not is not read."""
_INSURED = "EXISTS (SELECT 1 FROM insurance_policies WHERE supplier_id = :supplier)"
PANELS: tuple[Panel, ...] = (
    Panel("account/forms.html", dealings.show_forms, "act"),
    Panel("account/messages.html", dealings.show_messages, "main", where=_about("message_threads")),
    Panel("account/dunning.html", dealings.show_dunning),
    Panel("account/promises.html", dealings.show_promises, where=_about("promises", "plans")),
    Panel("account/disputes.html", dealings.show_disputes, where=_about("disputes")),
    Panel("account/credit.html", standing.show_credit),
    Panel("account/score.html", standing.show_score, where=_about("scores", "score_blocks")),
    Panel("opening/former_panel.html", standing.show_former, where=_about("former_lines")),
    Panel("account/claims.html", dealings.show_claims),
    Panel("account/insurance.html", standing.show_insurance, where=_INSURED),
    Panel("account/factoring.html", standing.show_factoring, where=_about("assignments")),
)
"""The panels of all areas, in the order in which a collector reads them."""


def known_of(work: Work, customer_id: UUID) -> frozenset[str]:
    """Which of :data:`KNOWN` a customer has, and which panels (by template) have something to show: one look."""
    asked = {**KNOWN, **{panel.template: panel.where for panel in PANELS}}
    conditions = ", ".join(f"{condition} AS p{n}" for n, condition in enumerate(asked.values()))
    found = work.row(f"SELECT {conditions}", customer=customer_id)
    assert found is not None  # noqa: S101 -- a query without FROM has one row
    return frozenset(name for name, is_known in zip(asked, found.values(), strict=True) if is_known)


def show_panels(work: Work, customer: Customer, today: date, known: frozenset[str]) -> list[Shown]:
    """The panels that have something to show of a customer."""
    shown = []
    for panel in PANELS:
        values = panel.load(work, customer, today, known) if panel.template in known else None
        if values is not None:
            shown.append(Shown(panel.template, panel.room, values))
    return shown
