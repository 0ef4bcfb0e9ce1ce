"""The panels of a customer's page: each is a template with what it shows, given by the area that knows.

An area adds one :class:`Panel`; the page asks each once. Which roles may act there, the panel's own routes decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.staff.account import dealings, standing
from receivables.domain.parties import Customer
from receivables.store.work import Work

Load = Callable[[Work, Customer, date], Mapping[str, Any] | None]
"""What a panel shows of a customer on a day; ``None`` where there is nothing to show."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A template that is given ``panel``, and where it stands: ``act``, ``main`` or ``side``."""

    template: str
    load: Load
    room: str = "side"


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with what it shows."""

    template: str
    room: str
    values: Mapping[str, Any]


PANELS: tuple[Panel, ...] = (
    Panel("account/forms.html", dealings.show_forms, "act"),
    Panel("account/messages.html", dealings.show_messages, "main"),
    Panel("account/dunning.html", dealings.show_dunning),
    Panel("account/promises.html", dealings.show_promises),
    Panel("account/disputes.html", dealings.show_disputes),
    Panel("account/credit.html", standing.show_credit),
    Panel("account/score.html", standing.show_score),
    Panel("account/claims.html", dealings.show_claims),
    Panel("account/insurance.html", standing.show_insurance),
    Panel("account/factoring.html", standing.show_factoring),
)
"""The panels of all areas, in the order in which a collector reads them."""


def show_panels(work: Work, customer: Customer, today: date) -> list[Shown]:
    """The panels that have something to show of a customer."""
    shown = []
    for panel in PANELS:
        values = panel.load(work, customer, today)
        if values is not None:
            shown.append(Shown(panel.template, panel.room, values))
    return shown
