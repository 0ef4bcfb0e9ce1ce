"""Invoices being written and templates in PostgreSQL: what was typed, as JSON, and never a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.errors import ConflictError, NotFoundError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAGE = 50
"""Drafts on one page."""
MOST_TEMPLATES = 200
"""Templates of a supplier: more are no help to anybody who looks for one."""
_DRAFT = (
    "SELECT draft_id, customer_id, typed, label, total_minor, currency, origin, about_id, reason, revision, state, "
    "changed_at FROM invoice_drafts WHERE supplier_id = :supplier "
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice being written. ``typed`` is the form; ``total_minor`` what it came to when it was last looked at."""

    draft_id: UUID
    customer_id: UUID | None
    typed: dict[str, Any]
    label: str
    total_minor: int | None
    currency: str
    origin: str
    about_id: UUID | None
    reason: dict[str, str] | None
    revision: int
    state: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class NewDraft:
    """A draft to be opened."""

    typed: dict[str, Any]
    origin: str
    actor: str
    label: str = ""
    customer_id: UUID | None = None
    about_id: UUID | None = None
    reason: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """What is typed again and again."""

    template_id: UUID
    name: str
    typed: dict[str, Any]
    created_at: datetime


def open_draft(work: Work, new: NewDraft) -> UUID:
    """Keep a new draft."""
    draft_id = new_id()
    work.execute(
        "INSERT INTO invoice_drafts (supplier_id, draft_id, customer_id, typed, label, origin, about_id, reason, "
        "created_by, created_at, changed_by, changed_at) VALUES (:supplier, :draft, :customer, CAST(:typed AS jsonb), "
        ":label, :origin, :about, CAST(:reason AS jsonb), :actor, :at, :actor, :at)",
        draft=draft_id,
        customer=new.customer_id,
        typed=to_json(new.typed),
        label=new.label,
        origin=new.origin,
        about=new.about_id,
        reason=to_json(new.reason) if new.reason else None,
        actor=new.actor,
        at=now(),
    )
    return draft_id


def get_draft(work: Work, draft_id: UUID) -> Draft:
    """One draft, in whatever state.

    Raises:
        NotFoundError: ``draft.not_found``.
    """
    return _found(work.row(_DRAFT + "AND draft_id = :draft", draft=draft_id))


def hold_draft(work: Work, draft_id: UUID, revision: int) -> Draft:
    """One open draft, held until this work ends.

    Raises:
        NotFoundError: ``draft.not_found``.
        ConflictError: ``draft.closed`` or ``draft.changed_meanwhile``.
    """
    draft = _found(work.row(_DRAFT + "AND draft_id = :draft FOR UPDATE", draft=draft_id))
    if draft.state != "open":
        raise ConflictError(
            "draft.closed",
            "This draft was issued or thrown away. Look at the list of invoices.",
            "Ce brouillon a déjà été émis ou abandonné. Regardez la liste des factures.",
        )
    if draft.revision != revision:
        raise ConflictError(
            "draft.changed_meanwhile",
            "This draft was changed in another window. Compare, then save again.",
            "Ce brouillon a été modifié dans une autre fenêtre. Comparez, puis enregistrez de nouveau.",
        )
    return draft


def save_draft(work: Work, draft: Draft, typed: dict[str, Any], label: str, total: int | None, *, actor: str) -> int:
    """Keep what is typed now; the new revision. Nothing is written where nothing changed."""
    currency = str(typed.get("currency") or "EUR")
    if (draft.typed, draft.label, draft.total_minor) == (typed, label, total):
        return draft.revision
    work.execute(
        "UPDATE invoice_drafts SET typed = CAST(:typed AS jsonb), label = :label, total_minor = :total, "
        "currency = :currency, revision = revision + 1, changed_by = :actor, changed_at = :at "
        "WHERE supplier_id = :supplier AND draft_id = :draft",
        typed=to_json(typed),
        label=label,
        total=total,
        currency=currency,
        actor=actor,
        at=now(),
        draft=draft.draft_id,
    )
    return draft.revision + 1


def close_draft(work: Work, draft_id: UUID, state: str, actor: str) -> None:
    """The draft is ``issued`` or ``discarded``: nobody writes in it any more."""
    work.execute(
        "UPDATE invoice_drafts SET state = :state, changed_by = :actor, changed_at = :at "
        "WHERE supplier_id = :supplier AND draft_id = :draft",
        state=state,
        actor=actor,
        at=now(),
        draft=draft_id,
    )


def list_drafts(work: Work, after: UUID | None = None) -> list[Draft]:
    """Open drafts, the newest first, and one more than a page where there are more."""
    rows = work.rows(
        _DRAFT + "AND state = 'open' AND (CAST(:after AS uuid) IS NULL OR draft_id < :after) "
        "ORDER BY draft_id DESC LIMIT :most",
        after=after,
        most=PAGE + 1,
    )
    return [Draft(**row) for row in rows]


def count_drafts(work: Work) -> int:
    """How many drafts are open."""
    found: int = work.scalar("SELECT count(*) FROM invoice_drafts WHERE supplier_id = :supplier AND state = 'open'")
    return found


def invoice_under(work: Work, request_key: str) -> UUID | None:
    """The invoice that was issued under a request key, or ``None``."""
    found: UUID | None = work.scalar(
        "SELECT CAST(answer ->> 'invoice_id' AS uuid) FROM idempotent_requests "
        "WHERE supplier_id = :supplier AND request_key = :key",
        key=request_key,
    )
    return found


def keep_template(work: Work, name: str, typed: dict[str, Any], actor: str) -> UUID:
    """Keep a template; one of the same name is replaced.

    Raises:
        ConflictError: ``template.unnamed`` or ``template.too_many``.
    """
    if not name:
        raise ConflictError("template.unnamed", "Give the template a name.", "Donnez un nom au modèle.")
    if len(list_templates(work)) >= MOST_TEMPLATES:
        raise ConflictError(
            "template.too_many",
            f"There are {MOST_TEMPLATES} templates. Remove one first.",
            f"Il y a déjà {MOST_TEMPLATES} modèles. Supprimez-en un d'abord.",
        )
    _remove(work, "lower(name) = lower(:name)", actor, name=name)
    template_id = new_id()
    work.execute(
        "INSERT INTO invoice_templates (supplier_id, template_id, name, typed, created_by, created_at) "
        "VALUES (:supplier, :template, :name, CAST(:typed AS jsonb), :actor, :at)",
        template=template_id,
        name=name,
        typed=to_json(typed),
        actor=actor,
        at=now(),
    )
    return template_id


def list_templates(work: Work) -> list[Template]:
    """Templates by name."""
    rows = work.rows(
        "SELECT template_id, name, typed, created_at FROM invoice_templates WHERE supplier_id = :supplier "
        "AND removed_at IS NULL ORDER BY lower(name) LIMIT :most",
        most=MOST_TEMPLATES,
    )
    return [Template(**row) for row in rows]


def get_template(work: Work, template_id: UUID) -> Template:
    """One template.

    Raises:
        NotFoundError: ``template.not_found``.
    """
    row = work.row(
        "SELECT template_id, name, typed, created_at FROM invoice_templates WHERE supplier_id = :supplier "
        "AND template_id = :template AND removed_at IS NULL",
        template=template_id,
    )
    if row is None:
        raise NotFoundError("template.not_found", "There is no such template.", "Ce modèle n'existe pas.")
    return Template(**row)


def remove_template(work: Work, template_id: UUID, actor: str) -> None:
    """Nobody writes from it any more.

    Raises:
        NotFoundError: ``template.not_found``.
    """
    get_template(work, template_id)
    _remove(work, "template_id = :template", actor, template=template_id)


def _remove(work: Work, which: str, actor: str, **values: Any) -> None:
    work.execute(
        "UPDATE invoice_templates SET removed_by = :actor, removed_at = :at "
        f"WHERE supplier_id = :supplier AND removed_at IS NULL AND {which}",
        actor=actor,
        at=now(),
        **values,
    )


def _found(row: RowMapping | None) -> Draft:
    if row is None:
        raise NotFoundError("draft.not_found", "There is no such draft.", "Ce brouillon n'existe pas.")
    return Draft(**row)
