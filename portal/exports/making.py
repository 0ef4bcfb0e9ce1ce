"""The job that makes an export: the file is kept for whoever asked, who is told by mail."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING
from uuid import UUID

from portal.access.people import get_person, memberships_of
from portal.access.principals import lets_in
from portal.exports.kept import WAITING, Wish, get_export, keep_file
from portal.exports.kinds import KINDS
from portal.exports.telling import EXPORT_READY, export_page
from portal.jobs.jobs import Outcome
from portal.jobs.running import Kind, each_line
from portal.mail.book import Envelope, keep_page
from portal.words import note_text, speaking

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from portal.exports.kept import Export
    from portal.jobs.jobs import JobLine, JobView
    from portal.wiring import Services
    from receivables.store.work import Work

IN_MEMORY_BYTES = 8 * 1024 * 1024


def make_export(services: Services, supplier_id: UUID, _job: JobView, line: JobLine) -> Outcome:
    """Make the file, keep it and say so; what was made before is not made twice.

    Raises:
        ReceivablesError: there is nothing to export, or it cannot be; the page of the export tells it.
    """
    export_id = UUID(line.content.decode())
    with services.works.begin(supplier_id) as work:
        export = get_export(work, export_id)
    if export.state != WAITING:
        return Outcome("known", _result(export_id, export.filename))
    kind = KINDS[export.kind]
    wish = Wish(export.kind, export.options, export.language, export.asked_by, export.customer_id)
    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file, speaking(export.language):
        filename, mime = kind.make(services, supplier_id, wish, file)

        def keep(work: Work) -> bool:
            if not keep_file(work, export_id, file, filename, mime):
                return False
            made = get_export(work, export_id)
            work.audit("worker", "export.made", str(export_id), kind=export.kind, sha256=made.sha256)
            _tell(services, work, made)
            return True

        kept = services.works.run(supplier_id, keep)
    return Outcome("done" if kept else "known", _result(export_id, filename))


def _tell(services: Services, work: Work, export: Export) -> None:
    """Write to whoever asked; a person who may fetch nothing any more is told nothing."""
    person = get_person(services.database, export.asked_by)
    access = KINDS[export.kind].access
    memberships = memberships_of(services.database, export.asked_by)
    if person and any(each.supplier_id == work.supplier_id and lets_in(access, each) for each in memberships):
        page = export_page(work, export, services.settings.public_url)
        keep_page(work, page, Envelope(EXPORT_READY, f"export/{export.export_id}", person.email))


def _result(export_id: UUID, filename: str | None) -> dict[str, str]:
    return {"export_id": str(export_id), "name": filename or "-"}


def _address(result: Mapping[str, Any]) -> str | None:
    return f"/s/jobs/files/{UUID(result['export_id'])}" if "export_id" in result else None


EXPORT_KIND = Kind(
    note_text("Export préparé à part"),
    each_line(make_export),
    address=_address,
    overview="/s/jobs",
    lines_per_slice=1,
)
