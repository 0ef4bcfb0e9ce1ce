"""The list of scores, and what one score is made of, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.words import gettext, language, ngettext, note_text

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.domain.risk.score import Part
    from receivables.services.risk.scoring import DatedScore
    from receivables.store.risk.agency_reports import AgencyReport
    from receivables.store.work import Work

PAGE = 50
"""Customers that a page shows."""
LETTERS = ("A", "B", "C", "D", "E", "insufficient")
TONES = {"A": "paid", "B": "paid", "C": "part", "D": "late", "E": "late", "insufficient": "plain"}
PART_NAMES = {
    "lateness": note_text("Retards de paiement"),
    "trend": note_text("Tendance"),
    "returns": note_text("Prélèvements et cartes revenus"),
    "promises": note_text("Promesses non tenues"),
    "disputes": note_text("Litiges rejetés"),
}
INSOLVENT = "insolvent"


@dataclass(frozen=True, slots=True)
class ListedScore:
    """A customer in the list; ``agency`` is the lowest score that an agency gave last, on 0 to 100."""

    customer_id: UUID
    name: str
    account_code: str
    kind: str
    tenths: int | None
    letter: str
    scored_on: date
    agency: int | None
    open_minor: int


@dataclass(frozen=True, slots=True)
class ShownPart:
    """One part of a score in words: its name, what it was computed from, and the tenths of a point that it costs."""

    name: str
    reason: str
    lost: int
    weight: int


@dataclass(frozen=True, slots=True)
class ShownReport:
    """An agency's report beside our score; ``gap`` is theirs less ours, in points."""

    report: AgencyReport
    title: str
    gap: int | None


def list_scores(work: Work, *, letter: str, wanted: str, after: tuple[int, UUID] | None) -> list[ListedScore]:
    """Customers by their last score, the lowest first, one more than :data:`PAGE` where there are more."""
    rows = work.rows(
        "WITH latest AS (SELECT DISTINCT ON (customer_id) customer_id, scored_on, tenths, class FROM scores "
        "WHERE supplier_id = :supplier ORDER BY customer_id, scored_on DESC, formula DESC), "
        "told AS (SELECT customer_id, min(score) AS agency FROM (SELECT DISTINCT ON (customer_id, agency) customer_id, "
        "score FROM agency_reports WHERE supplier_id = :supplier ORDER BY customer_id, agency, reported_on DESC, "
        "taken_at DESC) AS newest GROUP BY customer_id) "
        "SELECT latest.customer_id, customer.name, account_code, customer.kind, tenths, class AS letter, scored_on, "
        "agency, coalesce((SELECT sum(CASE WHEN debit THEN open_minor ELSE -open_minor END) FROM receivable_items "
        "AS item WHERE item.supplier_id = :supplier AND item.customer_id = latest.customer_id AND open_minor > 0 "
        "AND currency = 'EUR'), 0)::bigint AS open_minor FROM latest JOIN customers AS customer "
        "ON customer.supplier_id = :supplier AND customer.customer_id = latest.customer_id "
        "LEFT JOIN told ON told.customer_id = latest.customer_id "
        "WHERE (:letter = '' OR class = :letter) AND (:wanted = '' OR customer.name ILIKE :like OR siren = :wanted "
        "OR account_code ILIKE :like) AND (CAST(:after AS uuid) IS NULL "
        "OR (coalesce(tenths, 1001), latest.customer_id) > (:tenths, :after)) "
        "ORDER BY coalesce(tenths, 1001), latest.customer_id LIMIT :limit",
        letter=letter if letter in LETTERS else "",
        wanted=wanted,
        like=f"%{wanted.replace('%', '').replace('_', '')}%",
        after=after[1] if after else None,
        tenths=after[0] if after else 0,
        limit=PAGE + 1,
    )
    return [ListedScore(**row) for row in rows]


def count_letters(work: Work) -> dict[str, int]:
    """How many customers are in each class by their last score."""
    rows = work.rows(
        "SELECT class, count(*) AS customers FROM (SELECT DISTINCT ON (customer_id) class FROM scores "
        "WHERE supplier_id = :supplier ORDER BY customer_id, scored_on DESC, formula DESC) AS latest GROUP BY class"
    )
    return {row["class"]: row["customers"] for row in rows}


def explain(dated: DatedScore) -> list[ShownPart]:
    """What a score is made of, in words: every part with what it was computed from."""
    return [
        ShownPart(gettext(PART_NAMES[part.name]), _reason(dated, part), part.lost, part.weight)
        for part in dated.score.parts
    ]


def former_books(dated: DatedScore) -> str:
    """That the score looks at letters of the former books too; nothing where it does not."""
    count = dated.facts.former
    return (
        ngettext(
            "dont %(num)s facture payée dans vos anciens livres",
            "dont %(num)s factures payées dans vos anciens livres",
            count,
        )
        % {"num": count}
        if count
        else ""
    )


def points(tenths: int | None) -> str:
    """Tenths of a point as the reader writes them; a dash where there are none."""
    return "\u2013" if tenths is None else f"{tenths // 10}{',' if language() == 'fr' else '.'}{tenths % 10}"


def _reason(dated: DatedScore, part: Part) -> str:
    facts = dated.facts
    if part.name == "lateness":
        days = facts.weighed_days // facts.weighed_minor if facts.weighed_minor else 0
        return gettext("%(days)s jours en moyenne sur six mois, pondérés par les montants") % {"days": days}
    if part.name == "trend":
        if len(facts.latest) < 2 * 3:  # three held against three
            return gettext("moins de six factures payées : pas encore de tendance")
        return gettext("%(count)s des 3 dernières factures payées plus tard que la moyenne des 3 précédentes") % {
            "count": part.share.numerator * 3 // part.share.denominator
        }
    counts = {
        "returns": (facts.returned, facts.payments),
        "promises": (facts.broken, facts.promises),
        "disputes": (facts.rejected, facts.disputes),
    }[part.name]
    return gettext("%(some)s sur %(all)s en douze mois") % {"some": counts[0], "all": counts[1]}
