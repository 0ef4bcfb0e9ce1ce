"""The job that books an opening: all of its items or none, reported item by item.

Its lines are those of the file, and it takes all of them at once: the balance of 411 is that of the whole.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from config.safe_xml import UnsafeXmlError
from portal.imports.kept import brought_file
from portal.jobs.jobs import NewLine, Outcome, start_job
from portal.jobs.running import Kind
from portal.opening.documents import seller_here
from portal.opening.history import HistoryChoices, plan_history
from portal.opening.history_job import start_history
from portal.opening.items import FORMER_PLATFORM, Choices
from portal.opening.planning import plan_opening
from portal.words import note_text
from receivables.domain.money import Money
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.services.accounting.taking_over import MAX_ITEMS, book_opening

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from portal.imports.kept import BroughtFile
    from portal.jobs.jobs import JobLine, JobView
    from portal.opening.planning import OpeningPlan
    from portal.wiring import Services
    from receivables.store.work import Work

OPENING_JOB = "opening"


def start_opening(
    work: Work, plan: OpeningPlan, file: BroughtFile, choices: Choices, choice: Mapping[str, str] | None
) -> UUID:
    """Hand a plan that is ready to the worker; returns the job."""
    lines = [
        NewLine(each.reference[:200], json.dumps({"open": str(Money(each.open_minor, each.currency))}).encode())
        for each in plan.opening.items
    ]
    options = {
        "opened_on": choices.opened_on.isoformat(),
        "terms_days": choices.terms_days,
        "on_collection": choices.on_collection,
        "rate": str(choices.rate) if choices.rate is not None else None,
        "receipts_told_by": choices.receipts_told_by,
        "history": choices.history,
        "stated_minor": dict(plan.opening.stated_minor),
        "choice": dict(choice) if choice is not None else None,
    }
    return start_job(
        work,
        OPENING_JOB,
        file.filename,
        content_sha256=file.sha256,
        options=options,
        actor=plan.opening.actor,
        lines=lines,
    )


def choices_from(options: Mapping[str, Any]) -> Choices:
    """What was chosen, as a job keeps it."""
    return Choices(
        opened_on=date.fromisoformat(options["opened_on"]),
        terms_days=options["terms_days"],
        on_collection=options["on_collection"],
        rate=Decimal(options["rate"]) if options["rate"] is not None else None,
        receipts_told_by=options.get("receipts_told_by", FORMER_PLATFORM),
        history=options.get("history", False),
    )


def run_opening(services: Services, supplier_id: UUID, job: JobView, lines: Sequence[JobLine]) -> Sequence[Outcome]:
    """Book the whole opening in one transaction; what refuses it is told on every line."""
    try:
        opening_id = services.works.run(supplier_id, lambda work: _book(work, job))
    except ConflictError as error:
        if error.code == "opening.file_known":
            return [Outcome("known")] * len(lines)
        return [Outcome.refusal(error)] * len(lines)
    except (ReceivablesError, UnsafeXmlError) as error:
        return [Outcome.refusal(error)] * len(lines)
    return [
        Outcome("done", {"opening_id": str(opening_id), "name": json.loads(line.content)["open"]}) for line in lines
    ]


def _book(work: Work, job: JobView) -> UUID:
    file = brought_file(work, job.content_sha256)
    if file is None:
        raise NotFoundError("opening.no_file", "The file is not kept any more.", "Le fichier n'est plus gardé.")
    choices = choices_from(job.options)
    plan = plan_opening(
        work,
        file,
        choices,
        profile=seller_here(work),
        actor=job.started_by,
        stated_minor=job.options["stated_minor"],
        choice=job.options["choice"],
    )
    opening_id = book_opening(work, plan.opening)
    if choices.history and plan.settled_groups:
        _start_history(work, opening_id, file, choices, job.started_by)
    return opening_id


def _start_history(work: Work, opening_id: UUID, file: BroughtFile, choices: Choices, actor: str) -> None:
    """Hand the settled letters of a FEC to the worker, in the transaction that books what is open of it."""
    history = plan_history(work, file.content, HistoryChoices(choices.opened_on, choices.terms_days))
    if history.is_ready:
        start_history(work, opening_id, history, file, opens_customers=True, actor=actor)


def _address(result: Mapping[str, Any]) -> str | None:
    return f"/s/opening/{UUID(result['opening_id'])}" if "opening_id" in result else None


OPENING_KIND = Kind(
    note_text("Reprise des soldes"),
    run_opening,
    address=_address,
    overview="/s/opening",
    lines_per_slice=MAX_ITEMS,
)
