"""Templates of messages in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import new_id, now
from receivables.domain.conversations.messages import Template

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work


def templates(work: Work) -> list[Template]:
    """The supplier's own templates, by name."""
    rows = work.rows(
        "SELECT template_id, name, body_fr, body_en FROM message_templates "
        "WHERE supplier_id = :supplier AND removed_at IS NULL ORDER BY lower(name), template_id"
    )
    return [Template(**row) for row in rows]


def keep_template(work: Work, template: Template, actor: str) -> UUID:
    """Write a new template, or change one; returns its id."""
    template_id = template.template_id or new_id()
    work.execute(
        "INSERT INTO message_templates (supplier_id, template_id, name, body_fr, body_en, changed_by, created_at, "
        "changed_at) VALUES (:supplier, :id, :name, :fr, :en, :actor, :at, :at) "
        "ON CONFLICT (supplier_id, template_id) DO UPDATE SET name = excluded.name, body_fr = excluded.body_fr, "
        "body_en = excluded.body_en, changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        id=template_id,
        name=template.name.strip(),
        fr=template.body_fr.strip(),
        en=(template.body_en or "").strip() or None,
        actor=actor,
        at=now(),
    )
    return template_id


def remove_template(work: Work, template_id: UUID, actor: str) -> int:
    """Take a template off the list; how many it was."""
    return work.execute(
        "UPDATE message_templates SET removed_at = :at, changed_at = :at, changed_by = :actor "
        "WHERE supplier_id = :supplier AND template_id = :id AND removed_at IS NULL",
        id=template_id,
        actor=actor,
        at=now(),
    )
