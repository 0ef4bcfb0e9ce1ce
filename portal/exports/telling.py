"""The mail that says that a file is ready: where it is, for how long, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import now, today
from portal.exports.kept import KEPT_FOR, READY, Export
from portal.exports.kinds import KINDS
from portal.mail.page import MailPage
from portal.words import catalogue, moment, note_text
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from receivables.store.work import Work

EXPORT_READY = "export_ready"
CUSTOMER_DATA = "customer_data"
"""The kind of export that a customer makes of its own data."""
_SUBJECT = note_text("%(supplier)s : votre export est prêt")
_READY = note_text("Le fichier que vous avez demandé est prêt : %(name)s.")


def export_page(work: Work, export: Export, portal: str) -> MailPage:
    """What the mail says, in the language in which the export was asked for."""
    return ready_page(export, supplier_name(work), portal)


def ready_page(export: Export, supplier: str, portal: str) -> MailPage:
    """The same for a supplier of that name."""
    assert export.expires_at is not None  # noqa: S101 -- what is ready has its end
    spoken = export.language
    speak = catalogue(spoken).gettext
    opening = speak(_READY) % {"name": export.filename}
    return MailPage(
        subject=speak(_SUBJECT) % {"supplier": supplier},
        preheader=opening,
        greeting=speak("Bonjour,"),
        paragraphs=(opening,),
        facts=(
            (speak("Export"), speak(KINDS[export.kind].name)),
            (speak(note_text("À télécharger avant le")), moment(export.expires_at, spoken)),
        ),
        button=(speak(note_text("Ouvrir l'export")), f"{portal}{address_of(export)}"),
        note=speak(
            note_text("Vous seul pouvez le télécharger, tant que vous y avez droit. Ce courriel ne le contient pas.")
        ),
        language=spoken,
    )


def sample_page(supplier: str, spoken: str, portal: str) -> MailPage:
    """The mail about an export of nobody's."""
    at, nobody = now(), UUID(int=0)
    export = Export(
        export_id=nobody,
        job_id=nobody,
        kind="journal",
        options={},
        language=spoken,
        asked_by=nobody,
        customer_id=None,
        state=READY,
        filename=f"journal-{today()}.csv",
        mime="text/csv",
        size_bytes=1,
        sha256=None,
        asked_at=at,
        ready_at=at,
        expires_at=at + KEPT_FOR,
    )
    return ready_page(export, supplier, portal)


def address_of(export: Export) -> str:
    """The page of an export, for whoever asked for it."""
    room = "/c/export" if export.kind == CUSTOMER_DATA else "/s/jobs/files"
    return f"{room}/{export.export_id}"
