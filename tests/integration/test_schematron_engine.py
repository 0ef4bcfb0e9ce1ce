"""The rules engine under stress: killed, hung, missing, starved, shared and forked; it never says valid by accident."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hand_written_invoices import CII, changed

from config import safe_xml
from einvoice.validation import schematron_worker
from einvoice.validation.check import Validator
from einvoice.validation.schematron import EngineRefusalError, EngineUnavailableError, SchematronEngine
from einvoice.validation.standards import Profile, Standards, Syntax
from einvoice.validation.verdict import Layer, Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
WORKER = [sys.executable, "-P", schematron_worker.__file__, "60"]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
WRONG_TOTAL = ("<ram:GrandTotalAmount>288.00<", "<ram:GrandTotalAmount>289.00<")


@pytest.fixture(scope="module")
def engine() -> Iterator[SchematronEngine]:
    with SchematronEngine() as shared_engine:
        yield shared_engine


@pytest.fixture(scope="module")
def french_rules() -> Path:
    """The stylesheet that compiles fastest."""
    return stylesheet(Layer.BR_FR)


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    path = tmp_path / "endless.xslt"
    path.write_text(
        '<xsl:stylesheet version="2.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">'
        '<xsl:value-of select="count((1 to 1000000)[some $j in (1 to 1000000) satisfies $j + . lt 0])"/>'
        "</xsl:template></xsl:stylesheet>",
        encoding="utf-8",
    )
    return path


def stylesheet(layer: Layer) -> Path:
    standards = Standards()
    demands = standards.demanded(Syntax.CII, Profile.EN16931, french=True)
    return next(standards.artefact(demand).path for demand in demands if demand.layer is layer)


def tree(xml: bytes = CII.encode()) -> etree._Element:
    return safe_xml.parse(xml)


def shell(script: str) -> list[str]:
    return ["sh", "-c", script.replace("WORKER", shlex.join(WORKER))]


def answering(body: str) -> list[str]:
    """A stub worker that answers every request with the bytes ``body``."""
    source = Path(schematron_worker.__file__).parent
    program = (
        f"import sys; sys.path.insert(0, {str(source)!r})\n"
        "from schematron_worker import frame, read_frame\n"
        "while read_frame(sys.stdin.buffer) is not None:\n"
        "    read_frame(sys.stdin.buffer)\n"
        f"    sys.stdout.buffer.write(frame({body}))\n"
        "    sys.stdout.buffer.flush()\n"
    )
    return [sys.executable, "-c", program]


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def assert_not_checked(report: Report, code_text: str) -> None:
    assert report.verdict is Verdict.NOT_CHECKED
    unchecked = [result for result in report.layers if result.outcome is Verdict.NOT_CHECKED]
    assert {result.layer for result in unchecked} == {Layer.EN16931, Layer.BR_FR}
    assert all(code_text in (result.reason or "") for result in unchecked), unchecked


def test_a_check_goes_on_after_the_worker_was_killed(engine: SchematronEngine, french_rules: Path) -> None:
    assert engine.check(french_rules, tree(), Layer.BR_FR) == ()
    first = engine.worker_pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert engine.check(french_rules, tree(), Layer.BR_FR) == ()
    assert engine.worker_pid != first
    assert wait_until(lambda: not running(first))


def test_a_worker_that_dies_in_a_check_is_replaced_once(tmp_path: Path, french_rules: Path) -> None:
    dies_first = shell(f"if mkdir {tmp_path}/seen 2>/dev/null; then head -c 4 >/dev/null; exit 9; else exec WORKER; fi")
    with SchematronEngine(command=dies_first) as engine:
        assert engine.check(french_rules, tree(), Layer.BR_FR) == ()


def test_a_worker_that_always_dies_leaves_the_invoice_not_checked() -> None:
    with SchematronEngine(command=shell("head -c 4 >/dev/null; echo out of memory >&2; exit 9")) as engine:
        assert_not_checked(Validator(engine).check_invoice(CII.encode()), "status 9: out of memory")


def test_an_unplugged_engine_leaves_the_invoice_not_checked() -> None:
    with SchematronEngine(command=["/nonexistent/saxon"]) as engine:
        assert_not_checked(Validator(engine).check_invoice(CII.encode()), "No such file")


def test_a_hung_worker_is_killed_at_the_time_out_and_leaves_the_invoice_not_checked() -> None:
    with SchematronEngine(command=SLEEPER, timeout_s=0.2, compile_allowance_s=0.2) as engine:
        started = time.monotonic()
        report = Validator(engine).check_invoice(CII.encode())
        assert time.monotonic() - started < 5
        assert_not_checked(report, "no answer within 0.4 s")
        assert engine.worker_pid is None


def test_a_worker_that_does_not_even_read_a_large_invoice_is_timed_out(french_rules: Path) -> None:
    large = changed(CII, ("Sans escompte", "Sans escompte " * 20_000))
    with SchematronEngine(command=SLEEPER, timeout_s=0.2, compile_allowance_s=0.2) as engine:
        with pytest.raises(EngineUnavailableError) as caught:
            engine.check(french_rules, tree(large), Layer.BR_FR)
        assert caught.value.code == "engine.timeout"


def test_while_one_thread_waits_for_a_hung_worker_the_others_give_up_their_turn(french_rules: Path) -> None:
    codes: list[str] = []

    def ask(engine: SchematronEngine) -> None:
        with pytest.raises(EngineUnavailableError) as caught:
            engine.check(french_rules, tree(), Layer.BR_FR)
        codes.append(caught.value.code)

    with SchematronEngine(command=SLEEPER, timeout_s=1, compile_allowance_s=0, queue_timeout_s=0.1) as engine:
        threads = [threading.Thread(target=ask, args=(engine,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(codes) == ["engine.busy", "engine.busy", "engine.timeout"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("b'S'", "engine.no_svrl"),
        ("b'S<ok/>'", "engine.no_svrl"),
        ("b'S<s:schematron-output xmlns:s=\"http://purl.oclc.org/dsdl/svrl\"/>'", "engine.nothing_checked"),
        ("b'Uno such stylesheet'", "engine.stylesheet"),
        ("b''", "engine.stylesheet"),
    ],
)
def test_an_answer_that_proves_nothing_is_not_taken_for_a_clean_one(body: str, code: str, french_rules: Path) -> None:
    with SchematronEngine(command=answering(body)) as engine, pytest.raises(EngineUnavailableError) as caught:
        engine.check(french_rules, tree(), Layer.BR_FR)
    assert caught.value.code == code


def test_rules_for_another_syntax_find_nothing_and_that_is_not_valid(engine: SchematronEngine) -> None:
    standards = Standards()
    of_messages = standards.artefact(standards.demanded(Syntax.CDAR)[1]).path
    with pytest.raises(EngineUnavailableError) as caught:
        engine.check(of_messages, tree(), Layer.BR_FR)
    assert caught.value.code == "engine.nothing_checked"


def test_rules_that_stop_on_a_decimal_comma_refuse_the_document(engine: SchematronEngine) -> None:
    comma = changed(CII, ("<ram:GrandTotalAmount>288.00<", "<ram:GrandTotalAmount>288,00<"))
    with pytest.raises(EngineRefusalError, match="288,00"):
        engine.check(stylesheet(Layer.EN16931), tree(comma), Layer.EN16931)
    assert engine.check(stylesheet(Layer.EN16931), tree(), Layer.EN16931) == ()


def test_a_stylesheet_without_its_code_list_is_unavailable_and_blames_no_document(
    engine: SchematronEngine, tmp_path: Path
) -> None:
    alone = tmp_path / "rules.xslt"
    alone.write_bytes(stylesheet(Layer.EN16931).read_bytes())
    with pytest.raises(EngineUnavailableError) as caught:
        engine.check(alone, tree(), Layer.EN16931)
    assert caught.value.code == "engine.stylesheet"


def test_a_broken_stylesheet_is_unavailable(engine: SchematronEngine, tmp_path: Path) -> None:
    broken = tmp_path / "broken.xslt"
    broken.write_text("<not-a-stylesheet/>", encoding="utf-8")
    with pytest.raises(EngineUnavailableError) as caught:
        engine.warm(broken)
    assert caught.value.code == "engine.stylesheet"


def test_eight_threads_at_once_each_get_the_answer_to_their_own_question(engine: SchematronEngine) -> None:
    rules = stylesheet(Layer.EN16931)
    engine.warm(rules)
    documents = {
        (): tree(),
        ("BR-CO-15", "BR-CO-16"): tree(changed(CII, WRONG_TOTAL)),
        ("BR-02", "FX-SCH-A-000019"): tree(changed(CII, ("<ram:ID>2026-0001</ram:ID>", ""))),
    }
    questions = [list(documents.items())[number % 3] for number in range(8)]
    wrong: list[object] = []
    start = threading.Barrier(8)

    def ask(expected: tuple[str, ...], document: etree._Element) -> None:
        start.wait()
        for _ in range(10):
            rules_found = {finding.rule for finding in engine.check(rules, document, Layer.EN16931)}
            if rules_found != set(expected):
                wrong.append((expected, rules_found))

    threads = [threading.Thread(target=ask, args=question) for question in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_worker_is_renewed_after_so_many_checks(french_rules: Path) -> None:
    with SchematronEngine(recycle_after=2) as engine:
        pids = []
        for _ in range(5):
            assert engine.check(french_rules, tree(), Layer.BR_FR) == ()
            pids.append(engine.worker_pid)
        assert [pids.index(pid) for pid in pids] == [0, 0, 2, 2, 4]


def test_a_closed_engine_leaves_no_process_and_checks_no_more(french_rules: Path) -> None:
    engine = SchematronEngine()
    engine.check(french_rules, tree(), Layer.BR_FR)
    pid = engine.worker_pid
    assert pid is not None
    assert running(pid)
    engine.close()
    assert not running(pid)
    with pytest.raises(EngineUnavailableError) as caught:
        engine.check(french_rules, tree(), Layer.BR_FR)
    assert caught.value.code == "engine.closed"


def test_no_worker_outlives_a_parent_that_was_killed(french_rules: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from lxml import etree\n"
        "from einvoice.validation.schematron import SchematronEngine\n"
        "engine = SchematronEngine(); engine.warm(Path(sys.argv[1]))\n"
        "print(engine.worker_pid, flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(french_rules)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert running(worker)
        parent.kill()
    assert wait_until(lambda: not running(worker))


def test_a_transformation_that_never_ends_is_killed_at_the_time_out(endless: Path, french_rules: Path) -> None:
    with SchematronEngine(timeout_s=0.3, compile_allowance_s=2) as engine:
        engine.warm(endless)
        pid = engine.worker_pid
        assert pid is not None
        with pytest.raises(EngineUnavailableError) as caught:
            engine.check(endless, tree(), Layer.BR_FR)
        assert caught.value.code == "engine.timeout"
        assert not running(pid)
        assert engine.check(french_rules, tree(), Layer.BR_FR) == ()


def test_a_worker_whose_parent_vanished_in_a_long_check_ends_by_itself(endless: Path) -> None:
    worker = subprocess.Popen([*WORKER[:-1], "1"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    with worker:
        assert worker.stdin is not None
        worker.stdin.write(schematron_worker.frame(str(endless).encode()) + schematron_worker.frame(b"<a/>"))
        worker.stdin.flush()
        assert worker.wait(10) == -signal.SIGALRM


def test_a_forked_process_gets_a_worker_of_its_own(engine: SchematronEngine, french_rules: Path) -> None:
    assert engine.check(french_rules, tree(), Layer.BR_FR) == ()
    ours = engine.worker_pid
    child = os.fork()
    if child == 0:
        try:
            good = engine.check(french_rules, tree(), Layer.BR_FR) == () and engine.worker_pid != ours
            engine.close()
            os._exit(0 if good else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert engine.check(french_rules, tree(), Layer.BR_FR) == ()
    assert engine.worker_pid == ours


def test_too_low_a_hard_limit_on_address_space_is_said_clearly(french_rules: Path) -> None:
    with SchematronEngine(command=shell("ulimit -v 8000000; exec WORKER")) as engine:
        with pytest.raises(EngineUnavailableError, match="33 GiB") as caught:
            engine.check(french_rules, tree(), Layer.BR_FR)
        assert caught.value.code == "engine.address_space"


def test_a_low_soft_limit_on_address_space_is_lifted_by_the_worker(french_rules: Path) -> None:
    with SchematronEngine(command=shell("ulimit -S -v 8000000; exec WORKER")) as engine:
        assert engine.check(french_rules, tree(), Layer.BR_FR) == ()


def test_the_worker_sees_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch, french_rules: Path) -> None:
    monkeypatch.setenv("QUITTANCE_SECRET_KEY", "not-for-saxon")
    with SchematronEngine() as engine:
        engine.warm(french_rules)
        environment = Path(f"/proc/{engine.worker_pid}/environ").read_bytes()
    assert b"not-for-saxon" not in environment
    assert b"PATH=" in environment
