"""Every kind of job that this house does, by its name in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.api.bulk_lines import API_KINDS
from portal.exports.kept import EXPORT
from portal.exports.making import EXPORT_KIND
from portal.imports.issuing import IMPORT, IMPORT_KIND
from portal.opening.booking import OPENING_JOB, OPENING_KIND
from portal.opening.history_job import HISTORY_JOB, HISTORY_KIND

if TYPE_CHECKING:
    from portal.jobs.running import Kind

KINDS: dict[str, Kind] = {
    IMPORT: IMPORT_KIND,
    OPENING_JOB: OPENING_KIND,
    HISTORY_JOB: HISTORY_KIND,
    EXPORT: EXPORT_KIND,
    **API_KINDS,
}
