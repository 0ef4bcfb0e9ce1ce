"""How a customer stands: credit with the lines behind it, the score with its reasons, the insurer, the factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.staff.credit.shown import show_standing, tell_kept
from portal.staff.scores.listed import TONES, explain, former_books, points
from portal.telling.credit_words import COMPONENT_NAMES, PROCEEDINGS
from portal.telling.former_words import FORMER_KINDS
from portal.words import gettext
from receivables.domain.risk.credit import DEFAULT_CURRENCY
from receivables.domain.risk.exposure import COMPONENTS, LOWERING
from receivables.services.risk.insuring import insured_debts
from receivables.services.risk.scoring import blocked_customers, latest_scores
from receivables.store.accounting.factors import list_assignments
from receivables.store.accounting.former_lines import former_lines, former_totals
from receivables.store.risk.credit import list_decisions

if TYPE_CHECKING:
    from datetime import date

    from receivables.domain.parties import Customer
    from receivables.store.work import Work

MOST_ASSIGNED = 5
MOST_FORMER = 5


def show_credit(work: Work, customer: Customer, _today: date, known: frozenset[str]) -> dict[str, Any]:
    """Exposure by component, the limit, the last decision, proceedings."""
    standing = show_standing(work, customer.customer_id, DEFAULT_CURRENCY)
    exposure = standing.facts.exposure
    decided = list_decisions(work, customer.customer_id, limit=1) if "decisions" in known else []
    return {
        "standing": standing,
        "currency": DEFAULT_CURRENCY,
        "components": [
            (name, COMPONENT_NAMES[name], -minor if name in LOWERING else minor)
            for name in COMPONENTS
            if (minor := exposure.minor_of(name))
        ],
        "decided": [(each, tell_kept(each)) for each in decided],
        "insolvency": standing.facts.insolvency,
        "proceedings": PROCEEDINGS,
    }


def show_score(work: Work, customer: Customer, _today: date, _known: frozenset[str]) -> dict[str, Any] | None:
    """The last score and what it lost its points by; nothing where there is none and nobody blocked them."""
    dated = latest_scores(work, customer_ids=[customer.customer_id]).get(customer.customer_id)
    blocked = blocked_customers(work, [customer.customer_id]).get(customer.customer_id)
    if dated is None and blocked is None:
        return None
    return {
        "dated": dated,
        "parts": [each for each in explain(dated) if each.lost] if dated else [],
        "tones": TONES,
        "points": points,
        "blocked": blocked,
        "former": former_books(dated) if dated else "",
    }


def show_former(work: Work, customer: Customer, _today: date, _known: frozenset[str]) -> dict[str, Any] | None:
    """The last letters of the former books; nothing where none were taken over."""
    rows, _ = former_lines(work, customer_id=customer.customer_id)
    if not rows:
        return None
    return {
        "rows": rows[:MOST_FORMER],
        "totals": former_totals(work, customer.customer_id),
        "kinds": {key: gettext(name) for key, name in FORMER_KINDS.items()},
    }


def show_insurance(work: Work, customer: Customer, today: date, _known: frozenset[str]) -> dict[str, Any] | None:
    """What the insurer bears of what is owed; nothing where no policy covers this customer."""
    found = insured_debts(work, today, [customer.customer_id]).get(customer.customer_id)
    return {"insured": found} if found else None


def show_factoring(work: Work, customer: Customer, _today: date, _known: frozenset[str]) -> dict[str, Any] | None:
    """The invoices that a factor holds; nothing where there is none."""
    rows = list_assignments(work, customer_id=customer.customer_id, state="assigned")
    return {"rows": rows[:MOST_ASSIGNED], "more": len(rows) > MOST_ASSIGNED} if rows else None
