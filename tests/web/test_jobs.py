"""Jobs that end the process that does them: they are given up, people read so, and may have them tried again."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from dying import Fuse, die_everywhere
from portal_house import press
from test_pay_link import words

from config.clock import new_id
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from portal.jobs import running
from portal.jobs.jobs import MOST_TRIES, NewLine, Outcome, job_of, start_job, try_again
from portal.jobs.running import Kind, each_line, run_jobs
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from flask import Flask

    from portal.jobs.jobs import JobLine, JobView
    from portal.wiring import Services
    from receivables.store.register import Supplier
    from receivables.store.work import Works

IMPORT = "import"
DEADLY = b"deadly"


@pytest.fixture(scope="module")
def supplier(services: Services) -> Supplier:
    """A supplier without anything."""
    return create_supplier(services.database, f"JOBS {new_id()}", "Travaux")


def do_or_die(_services: Services, _supplier: UUID, _job: JobView, line: JobLine) -> Outcome:
    """What kills its process as memory that runs out does: without a word."""
    if line.content == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome("done")


KINDS = {IMPORT: Kind("Import", each_line(do_or_die), lines_per_slice=1)}


def begin(services: Services, supplier: Supplier, *contents: bytes) -> UUID:
    lines = [NewLine(f"Ligne {place}", content) for place, content in enumerate(contents, 1)]
    with services.works.begin(supplier.supplier_id) as work:
        return start_job(work, IMPORT, "fatal.csv", content_sha256="0" * 64, options={}, actor="test", lines=lines)


def test_a_job_that_kills_its_process_is_given_up_and_says_so(
    app: Flask,
    services: Services,
    supplier: Supplier,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "HOLD", timedelta(0))
    fatal = begin(services, supplier, b"good", DEADLY, b"after")

    def work_on(works: Works, _fuse: Fuse) -> None:
        run_jobs(replace(services, works=works, database=works.database), supplier.supplier_id, KINDS)

    # the first dies before it takes anything, so that not every death is one of the job's
    died = die_everywhere(services.database, services.settings, tmp_path, work_on, every=1_000, only_writing=True)
    assert died == 1 + MOST_TRIES
    with services.works.begin(supplier.supplier_id) as work:
        job = job_of(work, fatal)
        acts = work.scalar("SELECT count(*) FROM audit_rows WHERE supplier_id = :supplier AND act = 'job.given_up'")
    assert (job.state, job.given_up, job.done, job.total, acts) == ("stopped", True, 1, 3, 1)
    client = app.test_client()
    person = add_person(services.database, f"{supplier.siren}@jobs.example".replace(" ", ""), "Camille")
    add_membership(services.database, person.person_id, supplier.supplier_id, Role.OWNER)
    client.set_cookie("session", open_session(services.database, services.settings, person.person_id))
    assert f"Abandonné {MOST_TRIES} essais : le programme s'est arrêté à chaque fois" in words(
        client.get("/s/jobs").text
    )
    page = words(client.get(f"/s/jobs/{fatal}").text)
    assert f"Abandonné après {MOST_TRIES} essais" in page
    assert press(client, f"/s/jobs/{fatal}/again").status_code == 303
    with services.works.begin(supplier.supplier_id) as work:
        again = job_of(work, fatal)
    assert (again.state, again.tries) == ("running", 0)
    with services.works.begin(supplier.supplier_id) as work:
        work.execute("UPDATE job_lines SET state = 'known' WHERE supplier_id = :supplier AND state = 'waiting'")
    run_jobs(services, supplier.supplier_id, KINDS)


@pytest.mark.parametrize(("fault", "counted"), [(KeyboardInterrupt, 0), (MemoryError, MOST_TRIES)])
def test_only_what_is_the_job_s_own_fault_counts(
    services: Services, supplier: Supplier, fault: type[BaseException], counted: int
) -> None:
    def fail(*_: object) -> list[Outcome]:
        raise fault

    job_id = begin(services, supplier, b"one", b"two")
    for _ in range(MOST_TRIES):
        with pytest.raises(fault):
            run_jobs(services, supplier.supplier_id, {IMPORT: Kind("Import", fail)})
    with services.works.begin(supplier.supplier_id) as work:
        assert job_of(work, job_id).tries == counted
    if counted:
        run_jobs(services, supplier.supplier_id, {IMPORT: Kind("Import", fail)})
        with services.works.begin(supplier.supplier_id) as work:
            assert job_of(work, job_id).given_up
            try_again(work, job_id, "test")
    assert run_jobs(services, supplier.supplier_id, KINDS) == 2
    with services.works.begin(supplier.supplier_id) as work:
        assert (job_of(work, job_id).state, job_of(work, job_id).tries) == ("finished", 0)


def test_a_slow_slice_that_fails_after_another_took_it_over_says_its_own_error(
    services: Services, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "HOLD", timedelta(0))
    job_id = begin(services, supplier, b"one", b"two")

    def be_overtaken(*_: object) -> list[Outcome]:
        run_jobs(services, supplier.supplier_id, KINDS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(services, supplier.supplier_id, {IMPORT: Kind("Import", be_overtaken)})
    with services.works.begin(supplier.supplier_id) as work:
        assert (job_of(work, job_id).state, job_of(work, job_id).tries) == ("finished", 0)
