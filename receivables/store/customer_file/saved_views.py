"""Views of a list that somebody keeps: a name for what the address asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now
from receivables.errors import ConflictError, NotFoundError, ReceivablesError

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work

MOST_VIEWS = 20
MAX_NAME, MAX_QUERY = 60, 500


@dataclass(frozen=True, slots=True)
class SavedView:
    """A kept view: one person's, or everybody's."""

    view_id: UUID
    person_id: UUID | None
    name: str
    query: str


def views_of(work: Work, person_id: UUID) -> list[SavedView]:
    """The views that a person sees: their own and everybody's, by name."""
    rows = work.rows(
        "SELECT view_id, person_id, name, query FROM saved_views WHERE supplier_id = :supplier AND removed_at IS NULL "
        "AND (person_id = :person OR person_id IS NULL) ORDER BY name, view_id LIMIT :limit",
        person=person_id,
        limit=2 * MOST_VIEWS,
    )
    return [SavedView(**row) for row in rows]


def keep_view(work: Work, person_id: UUID, name: str, query: str, *, everybodys: bool = False) -> UUID:
    """Keep a view.

    Raises:
        ReceivablesError: ``view.no_name``.
        ConflictError: ``view.too_many``.
    """
    if not name.strip() or len(query) > MAX_QUERY:
        raise ReceivablesError(
            "view.no_name",
            f"Give the view a name of at most {MAX_NAME} characters.",
            f"Donnez à la vue un nom de {MAX_NAME} caractères au plus.",
        )
    if len([view for view in views_of(work, person_id) if view.person_id == person_id]) >= MOST_VIEWS:
        raise ConflictError(
            "view.too_many",
            f"You have {MOST_VIEWS} views already: remove one first.",
            f"Vous avez déjà {MOST_VIEWS} vues : retirez-en une d'abord.",
        )
    view_id = new_id()
    work.execute(
        "INSERT INTO saved_views (supplier_id, view_id, person_id, name, query, made_by, made_at) "
        "VALUES (:supplier, :view, :person, :name, :query, :maker, :at)",
        view=view_id,
        person=None if everybodys else person_id,
        name=name.strip()[:MAX_NAME],
        query=query,
        maker=f"person {person_id}",
        at=now(),
    )
    return view_id


def remove_view(work: Work, person_id: UUID, view_id: UUID) -> None:
    """Remove a view of one's own, or one of everybody's that one made.

    Raises:
        NotFoundError: ``view.not_found``.
    """
    removed = work.execute(
        "UPDATE saved_views SET removed_at = :at WHERE supplier_id = :supplier AND view_id = :view "
        "AND removed_at IS NULL AND (person_id = :person OR made_by = :maker)",
        view=view_id,
        person=person_id,
        maker=f"person {person_id}",
        at=now(),
    )
    if not removed:
        raise NotFoundError("view.not_found", "There is no such view of yours.", "Cette vue n'est pas la vôtre.")
