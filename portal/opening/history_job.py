"""The job that takes over the letters of before: a line of it is the letters of one group, taken in large sets."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from portal.jobs.jobs import NewLine, Outcome, start_job
from portal.jobs.running import Kind
from portal.opening.history import FIELDS
from portal.tables import MARK, guarded
from portal.words import note_text
from receivables.domain.accounting.former_books import FormerKind, FormerLine, LetterGroup
from receivables.domain.money import Money
from receivables.errors import ReceivablesError
from receivables.services.accounting.taking_history import take_history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from portal.imports.kept import BroughtFile
    from portal.jobs.jobs import JobLine, JobView
    from portal.opening.history import HistoryPlan
    from portal.wiring import Services
    from receivables.services.accounting.taking_history import TakenGroup
    from receivables.store.work import Work

HISTORY_JOB = "history"
GROUPS_PER_SLICE = 2_000
"""Letters taken by one transaction: some thousand lines, under a second."""
LONGEST_LABEL = 200


def start_history(
    work: Work, opening_id: UUID, plan: HistoryPlan, file: BroughtFile, *, opens_customers: bool, actor: str
) -> UUID:
    """Hand the letters of a file to the worker, for the opening that they belong to; returns the job."""
    lines = [NewLine(f"{each.name} {each.letters}"[:LONGEST_LABEL], written(each)) for each in plan.groups]
    lines += [NewLine(label, _fault(error)) for label, error in plan.faults]
    return start_job(
        work,
        HISTORY_JOB,
        file.filename,
        content_sha256=file.sha256,
        options={"opening_id": str(opening_id), "opens_customers": opens_customers},
        actor=actor,
        lines=lines,
    )


def written(group: LetterGroup) -> bytes:
    """A group as a line of a job keeps it."""
    return json.dumps([_cells(line) for line in group.lines], ensure_ascii=False, separators=(",", ":")).encode()


def group_from(content: bytes) -> LetterGroup:
    """The group that :func:`written` kept."""
    return LetterGroup(tuple(_line(cells) for cells in json.loads(content)))


def run_history(services: Services, supplier_id: UUID, job: JobView, lines: Sequence[JobLine]) -> Sequence[Outcome]:
    """Take the letters of some groups in one transaction; an uneven group is taken, and said to be uneven."""
    groups = {line.position: group_from(line.content) for line in lines if line.content.startswith(b"[")}
    opening_id = UUID(job.options["opening_id"])
    try:
        taken = services.works.run(
            supplier_id,
            lambda work: take_history(
                work,
                opening_id,
                list(groups.values()),
                file_sha256=job.content_sha256,
                opens_customers=job.options["opens_customers"],
            ),
        )
    except ReceivablesError as error:
        return [Outcome.refusal(error)] * len(lines)
    by_position = dict(zip(groups, taken, strict=True))
    return [
        _outcome(groups[line.position], by_position[line.position]) if line.position in groups else _refused(line)
        for line in lines
    ]


def _outcome(group: LetterGroup, taken: TakenGroup) -> Outcome:
    if taken.state == "stranger":
        return Outcome.refusal(
            ReceivablesError(
                "history.stranger",
                f"{group.name} ({group.code}) is no customer here yet. Open the customer, then try again.",
                f"{group.name} ({group.code}) n'est pas encore client ici. Ouvrez sa fiche, puis réessayez.",
            )
        )
    result = {"customer_id": str(taken.customer_id), "name": f"{group.name} {group.letters}"}
    if not group.gap_minor:
        return Outcome(taken.state, result)
    gap = Money(group.gap_minor, group.lines[0].currency)
    return Outcome(
        taken.state,
        result,
        "history.uneven",
        f"Taken, but these letters do not come to zero: {gap} are left. They count in no habit of payment.",
        f"Repris, mais ce lettrage ne tombe pas à zéro : il reste {gap}. Il ne compte dans aucune habitude.",
    )


def _fault(error: ReceivablesError) -> bytes:
    return json.dumps({"code": error.code, "sentence": str(error), "sentence_fr": error.sentence_fr}).encode()


def _refused(line: JobLine) -> Outcome:
    return Outcome("refused", {}, **json.loads(line.content))


def _cells(line: FormerLine) -> list[Any]:
    return [
        line.place,
        line.code,
        line.name,
        line.account,
        line.day.isoformat(),
        line.due_on.isoformat() if line.due_on else None,
        line.due_told,
        line.kind,
        line.piece,
        line.label,
        line.signed_minor,
        line.currency,
        line.letters,
        line.lettered_on.isoformat() if line.lettered_on else None,
    ]


def _line(cells: Sequence[Any]) -> FormerLine:
    place, code, name, account, day, due, told, kind, piece, label, signed, currency, letters, lettered = cells
    return FormerLine(
        place=place,
        code=code,
        name=name,
        account=account,
        day=date.fromisoformat(day),
        due_on=date.fromisoformat(due) if due else None,
        due_told=told,
        kind=FormerKind(kind),
        piece=piece,
        label=label,
        debit_minor=max(signed, 0),
        credit_minor=max(-signed, 0),
        currency=currency,
        letters=letters,
        lettered_on=date.fromisoformat(lettered) if lettered else None,
    )


def give_back(job: JobView, lines: Sequence[JobLine]) -> tuple[str, bytes]:
    """What was refused, as the table that this page takes, with the reason behind each line."""
    out = io.StringIO()
    out.write(MARK)
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    keys = ("code", "name", "account", "piece", "date", "due_date", "label", "debit", "credit", "currency", "letters")
    names = {field.key: field.french for field in FIELDS}
    writer.writerow([*(names[key] for key in keys), names["lettered"], "Motif"])
    for line in lines:
        if not line.content.startswith(b"["):
            writer.writerow([*[""] * (len(keys) + 1), guarded(f"{line.label} : {line.sentence_fr}")])
            continue
        for each in group_from(line.content).lines:
            told = [each.code, each.name, each.account, each.piece, each.day, each.due_on or "", each.label]
            sides = [_euros(each.debit_minor), _euros(each.credit_minor), each.currency]
            cells = [*told, *sides, each.letters, each.lettered_on or "", line.sentence_fr or ""]
            writer.writerow([guarded(str(cell)) for cell in cells])
    return f"{job.filename.rpartition('.')[0] or job.filename}-refus.csv", out.getvalue().encode()


def _euros(minor: int) -> str:
    return f"{minor // 100},{minor % 100:02d}" if minor else ""


def _address(result: Mapping[str, Any]) -> str | None:
    return f"/s/customers/{UUID(result['customer_id'])}/former" if "customer_id" in result else None


HISTORY_KIND = Kind(
    note_text("Reprise de l'historique"),
    run_history,
    give_back,
    _address,
    "/s/opening",
    lines_per_slice=GROUPS_PER_SLICE,
)
