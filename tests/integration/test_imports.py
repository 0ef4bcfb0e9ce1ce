"""Bringing invoices in by file: what is good is issued, what is wrong comes back, nothing is issued twice."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from datetime import date
from typing import TYPE_CHECKING

from builders import request
from import_builders import csv_of, row, xlsx_of

from config.clock import today
from einvoice.composing.build import build_document
from einvoice.formats.cii import write_cii
from portal.imports.issuing import IMPORT, give_back
from portal.imports.planning import plan_import
from portal.jobs.jobs import NewLine, Outcome, job_of, lines_of, start_job, stop_job, try_again
from portal.jobs.kinds import KINDS
from portal.jobs.running import Kind, each_line, run_jobs, run_to_end
from receivables.errors import ReceivablesError
from receivables.store.work_to_do import JOBS_TO_DO, suppliers_with

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from story_builders import Story

    from portal.jobs.jobs import JobLine, JobView
    from portal.wiring import Services


def brought(story: Story, content: bytes, filename: str = "factures.csv") -> JobView:
    """A file, taken in to its end."""
    with story.services.works.begin(story.id) as work:
        plan = plan_import(work, content, filename)
        assert plan.is_ready
        job_id = start_job(
            work,
            IMPORT,
            filename,
            content_sha256=hashlib.sha256(content).hexdigest(),
            options={"kind": plan.kind, **plan.options},
            actor="test",
            lines=plan.lines,
        )
    return run_to_end(story.services, story.id, job_id, KINDS, progress=lambda _job: None)


def lines(story: Story, job: JobView) -> dict[str, JobLine]:
    """The lines of a job by their label."""
    with story.services.works.begin(story.id) as work:
        return {line.label: line for line in lines_of(work, job.job_id)[0]}


def numbers(story: Story) -> list[str]:
    """Every invoice of the supplier."""
    with story.services.works.begin(story.id) as work:
        rows = work.rows("SELECT number FROM invoices WHERE supplier_id = :supplier ORDER BY number")
    return [each["number"] for each in rows]


def test_good_lines_are_issued_bad_ones_come_back_and_the_corrected_file_issues_only_what_is_new(
    plain_story: Story,
) -> None:
    story = plain_story
    rows = [row("A-1"), row("A-2", **{"PU HT": "douze"}), row("A-3"), row("A-1", **{"Article": "Frais", "PU HT": "10"})]
    first = brought(story, csv_of(*rows))
    assert (first.state, first.done, first.known, first.refused) == ("finished", 2, 0, 1)
    refused = lines(story, first)["A-2"]
    assert refused.code == "cell.bad_number"
    assert "douze" in (refused.sentence_fr or "")
    name, returned = give_back(first, [refused])
    assert name == "factures-refus.csv"
    table = list(csv.reader(io.StringIO(returned.decode("utf-8-sig")), delimiter=";"))
    assert table[0][-2:] == ["Motif", "Code du motif"]
    assert table[1][0] == "A-2"
    fixed = [table[0], [cell.replace("douze", "12,00") for cell in table[1]]]
    corrected = csv_of(*rows[:1], fixed[1][:-2], rows[2], rows[3])
    second = brought(story, corrected)
    assert (second.done, second.known, second.refused) == (1, 2, 0)
    assert numbers(story) == [f"F{today().year}-0000{n}" for n in (1, 2, 3)]


def test_the_same_reference_with_another_content_is_refused(plain_story: Story) -> None:
    assert brought(plain_story, csv_of(row("B-1"))).done == 1
    changed = brought(plain_story, csv_of(row("B-1", Qté="3")))
    assert (changed.done, changed.refused) == (0, 1)
    assert lines(plain_story, changed)["B-1"].code == "request.key_reused"


def test_a_spreadsheet_says_the_same_as_the_table(plain_story: Story) -> None:
    given = row("C-1")
    cells: list[object] = [*given[:8], 2, 50.1, 20, ""]
    with plain_story.services.works.begin(plain_story.id) as work:
        sheet = plan_import(work, xlsx_of(cells), "factures.xlsx")
        table = plan_import(work, csv_of(row("C-1", **{"PU HT": "50,10"}), encoding="cp1252"), "factures.csv")
    assert [json.loads(each.content)["request"] for each in sheet.lines] == [
        json.loads(each.content)["request"] for each in table.lines
    ]


def test_a_zip_issues_every_document_and_gives_the_others_back(plain_story: Story) -> None:
    story = plain_story
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("juin/F-1.xml", write_cii(build_document(request(), story.profile, "F-1", date(2026, 11, 2))))
        archive.writestr("juin/F-2.xml", b"<nothing/>")
        archive.writestr("__MACOSX/._F-1.xml", b"junk")
    job = brought(story, out.getvalue(), "juin.zip")
    told = lines(story, job)
    assert set(told) == {"F-1.xml", "F-2.xml"}
    assert told["F-2.xml"].state == "refused"
    name, returned = give_back(job, [told["F-2.xml"]])
    assert name == "juin-refus.zip"
    with zipfile.ZipFile(io.BytesIO(returned)) as archive:
        assert sorted(archive.namelist()) == ["00002-F-2.xml", "motifs.csv"]


def test_a_job_is_seen_by_the_worker_until_it_is_over_and_may_be_stopped_and_gone_on_with(plain_story: Story) -> None:
    services, supplier_id = plain_story.services, plain_story.id
    seen: list[str] = []

    def note(_services: Services, _supplier_id: UUID, _job: JobView, line: JobLine) -> Outcome:
        seen.append(line.label)
        if line.label == "b" and seen.count("b") == 1:
            raise ReceivablesError("line.wrong", "Wrong.", "Faux.")
        return Outcome("done")

    kinds = {"note": Kind("Essai", each_line(note), lines_per_slice=2)}
    with plain_story.services.works.begin(plain_story.id) as work:
        job_id = start_job(
            work, "note", "x", content_sha256="0", options={}, actor="test",
            lines=[NewLine(name, b"") for name in "abc"],
        )  # fmt: skip
    assert supplier_id in suppliers_with(services.database, JOBS_TO_DO)
    assert run_jobs(services, supplier_id, kinds, patience_s=0.0) == 0
    with plain_story.services.works.begin(plain_story.id) as work:
        stop_job(work, job_id, "test")
    assert run_jobs(services, supplier_id, kinds) == 0
    with plain_story.services.works.begin(plain_story.id) as work:
        assert try_again(work, job_id, "test") == 3
    assert run_jobs(services, supplier_id, kinds) == 3
    with plain_story.services.works.begin(plain_story.id) as work:
        job = job_of(work, job_id)
        assert (job.state, job.done, job.refused) == ("finished", 2, 1)
        assert try_again(work, job_id, "test") == 1
    run_jobs(services, supplier_id, kinds)
    assert seen == ["a", "b", "c", "b"]
    assert supplier_id not in suppliers_with(services.database, JOBS_TO_DO)


def test_a_defect_refuses_its_line_alone_and_a_job_that_is_held_waits(plain_story: Story) -> None:
    services, supplier_id = plain_story.services, plain_story.id

    def fail(_services: Services, _supplier_id: UUID, _job: JobView, line: JobLine) -> Outcome:
        if line.label == "a":
            raise ZeroDivisionError
        return Outcome("done")

    with plain_story.services.works.begin(plain_story.id) as work:
        job_id = start_job(
            work,
            "fail",
            "x",
            content_sha256="0",
            options={},
            actor="test",
            lines=[NewLine("a", b""), NewLine("b", b"")],
        )
        work.execute(
            "UPDATE jobs SET held_until = now() + interval '1 minute' WHERE supplier_id = :supplier AND job_id = :job",
            job=job_id,
        )
    assert run_jobs(services, supplier_id, {"fail": Kind("Essai", each_line(fail))}) == 0
    with plain_story.services.works.begin(plain_story.id) as work:
        work.execute("UPDATE jobs SET held_until = NULL WHERE supplier_id = :supplier AND job_id = :job", job=job_id)
    run_jobs(services, supplier_id, {"fail": Kind("Essai", each_line(fail))})
    with plain_story.services.works.begin(plain_story.id) as work:
        told, _ = lines_of(work, job_id)
    assert [(each.state, each.code) for each in told] == [("refused", "line.failed"), ("done", None)]


def test_what_the_database_refuses_each_time_is_a_defect_and_holds_up_no_other_job(plain_story: Story) -> None:
    services, supplier_id = plain_story.services, plain_story.id
    asked = {"too long": "SELECT CAST('EURO' AS uuid)", "too slow": "SELECT pg_sleep(9)", "fine": "SELECT 1"}

    def one(_services: Services, _supplier_id: UUID, _job: JobView, line: JobLine) -> Outcome:
        with services.works.begin(supplier_id) as work:
            work.execute("SET LOCAL statement_timeout = '100ms'")
            work.scalar(asked[line.label])
        return Outcome("done")

    def as_set(_services: Services, _supplier_id: UUID, job: JobView, lines: Sequence[JobLine]) -> Sequence[Outcome]:
        return [one(_services, _supplier_id, job, each) for each in lines]

    kinds = {"single": Kind("Essai", each_line(one)), "set": Kind("Essai", as_set)}
    with services.works.begin(supplier_id) as work:
        lines = [NewLine(label, b"") for label in asked]
        jobs = [start_job(work, kind, "x", content_sha256="0", options={}, actor="test", lines=lines) for kind in kinds]
    run_jobs(services, supplier_id, kinds)
    with services.works.begin(supplier_id) as work:
        told = [[(each.state, each.code) for each in lines_of(work, job_id)[0]] for job_id in jobs]
    failed = ("refused", "line.failed")
    assert told == [[failed, failed, ("done", None)], [failed, failed, failed]]
