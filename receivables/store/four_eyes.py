"""Up to which amount one person is enough: a field of the supplier's profile for each act that can ask for a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now

if TYPE_CHECKING:
    from receivables.store.work import Work


def one_person_limit(work: Work, field: str, usual_minor: int) -> int:
    """The limit in cents of euro; ``usual_minor`` where the supplier set none."""
    stored = work.scalar(
        "SELECT profile -> CAST(:field AS text) FROM supplier_profiles WHERE supplier_id = :supplier", field=field
    )
    return stored if isinstance(stored, int) and stored >= 0 else usual_minor


def set_one_person_limit(work: Work, field: str, minor: int) -> bool:
    """Keep the limit, in cents of euro; false where the supplier has no profile yet."""
    changed = work.execute(
        "UPDATE supplier_profiles SET profile = jsonb_set(profile, ARRAY[CAST(:field AS text)], "
        "to_jsonb(CAST(:minor AS bigint))), changed_at = :at WHERE supplier_id = :supplier",
        field=field,
        minor=minor,
        at=now(),
    )
    return bool(changed)
