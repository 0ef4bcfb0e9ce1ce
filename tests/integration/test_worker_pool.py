"""Children lent in turn: who waits for whom, what a fork inherits, and what a dead or hung child costs."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from einvoice.validation import schematron_worker
from einvoice.validation.schematron import SchematronEngine
from einvoice.validation.standards import Standards, Syntax
from einvoice.validation.worker_pool import PoolBusyError, PoolClosedError, Rank, WorkerPool
from einvoice.validation.worker_process import WorkerDiedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ECHO = [
    sys.executable,
    "-S",
    "-c",
    (
        "import os, struct, sys, time\n"
        "i, o = sys.stdin.buffer, sys.stdout.buffer\n"
        "while head := i.read(4):\n"
        "    body = i.read(*struct.unpack('>I', head))\n"
        "    word, _, rest = body.partition(b' ')\n"
        "    if word == b'sleep': time.sleep(float(rest))\n"
        "    if word == b'die': os._exit(7)\n"
        "    answer = body + b' %d' % os.getpid()\n"
        "    o.write(struct.pack('>I', len(answer)) + answer); o.flush()\n"
    ),
]


@pytest.fixture
def pair() -> Iterator[WorkerPool]:
    pool = WorkerPool(ECHO, size=2)
    yield pool
    pool.close()


def ask(
    pool: WorkerPool, question: bytes, *, within_s: float = 10, timeout_s: float = 10, rank: Rank = Rank.URGENT
) -> int:
    """The process that answered."""
    answer = pool.ask(question, within_s=within_s, timeout_s=timeout_s, rank=rank)
    assert answer.startswith(question)
    return int(answer.rpartition(b" ")[2])


def start(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call)
    thread.start()
    return thread


def test_one_question_after_the_other_starts_one_child(pair: WorkerPool) -> None:
    assert len({ask(pair, b"hello") for _ in range(10)}) == 1
    assert len(pair.pids) == 1


def test_two_questions_at_once_are_answered_by_two_children(pair: WorkerPool) -> None:
    began = time.monotonic()
    pids: list[int] = []
    threads = [start(lambda: pids.append(ask(pair, b"sleep 0.5"))) for _ in range(2)]
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 2
    assert time.monotonic() - began < 5


def test_callers_are_served_in_their_order_and_urgent_ones_first() -> None:
    served: list[str] = []
    pool = WorkerPool(ECHO)
    first = start(lambda: ask(pool, b"sleep 0.6"))
    time.sleep(0.2)
    waiting = []
    for name, rank in (("p1", Rank.PATIENT), ("p2", Rank.PATIENT), ("u1", Rank.URGENT), ("u2", Rank.URGENT)):
        waiting.append(start(lambda name=name, rank=rank: (ask(pool, b"x", rank=rank), served.append(name))))
        time.sleep(0.05)
    for thread in (first, *waiting):
        thread.join()
    pool.close()
    assert served == ["u1", "u2", "p1", "p2"]


def test_patient_callers_never_take_the_last_free_child(pair: WorkerPool) -> None:
    long = start(lambda: ask(pair, b"sleep 1", rank=Rank.PATIENT))
    time.sleep(0.3)
    with pytest.raises(PoolBusyError):
        ask(pair, b"x", within_s=0.1, rank=Rank.PATIENT)
    ask(pair, b"x", within_s=0.1)
    long.join()
    ask(pair, b"x", within_s=0.1, rank=Rank.PATIENT)


def test_a_patient_caller_who_waits_in_vain_holds_up_no_urgent_one(pair: WorkerPool) -> None:
    long = start(lambda: ask(pair, b"sleep 1", rank=Rank.PATIENT))
    time.sleep(0.2)

    def ask_in_vain() -> None:
        with pytest.raises(PoolBusyError):
            ask(pair, b"x", within_s=0.5, rank=Rank.PATIENT)

    vain = start(ask_in_vain)
    time.sleep(0.1)
    ask(pair, b"x", within_s=0.1)
    vain.join()
    long.join()


def test_a_hung_child_is_killed_and_the_next_question_has_a_new_one(pair: WorkerPool) -> None:
    pid = ask(pair, b"x")
    with pytest.raises(TimeoutError, match=r"0\.2 s"):
        ask(pair, b"sleep 60", timeout_s=0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert ask(pair, b"x") != pid


def test_a_question_that_kills_every_child_is_asked_twice_and_no_more(pair: WorkerPool) -> None:
    with pytest.raises(WorkerDiedError, match="status 7"):
        ask(pair, b"die now")
    assert ask(pair, b"x")


def test_a_fork_gets_children_of_its_own_even_in_the_middle_of_a_question(pair: WorkerPool) -> None:
    long = start(lambda: ask(pair, b"sleep 0.5"))
    time.sleep(0.2)
    child = os.fork()
    if child == 0:
        mine = os.EX_OK
        try:
            inherited = pair.pids
            pids = {ask(pair, b"x") for _ in range(3)}
            pair.close()
            mine = os.EX_OK if inherited == () and len(pids) == 1 else os.EX_SOFTWARE
        finally:
            os._exit(mine)
    long.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == os.EX_OK
    assert ask(pair, b"x")


def test_closing_waits_for_the_question_under_way_and_refuses_the_next() -> None:
    pool = WorkerPool(ECHO)
    answers: list[int] = []
    long = start(lambda: answers.append(ask(pool, b"sleep 0.5")))
    time.sleep(0.2)
    pool.close()
    long.join()
    assert len(answers) == 1
    assert pool.pids == ()
    with pytest.raises(PoolClosedError):
        ask(pool, b"x")


def test_a_pool_of_none_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        WorkerPool(ECHO, size=0)


def test_a_child_killed_while_idle_is_replaced(pair: WorkerPool) -> None:
    pid = ask(pair, b"x")
    os.kill(pid, signal.SIGKILL)
    assert ask(pair, b"x") != pid


def test_the_schematron_worker_is_bounded_in_memory_and_leaves_no_core_file() -> None:
    with SchematronEngine() as engine:
        engine.warm(_identity())
        limits = Path(f"/proc/{engine.worker_pid}/limits").read_text()
    bounds = {line[:25].strip(): line[25:].split()[0] for line in limits.splitlines()}
    assert bounds["Max data size"] == str(schematron_worker.MEMORY_BYTES)
    assert bounds["Max core file size"] == "0"
    assert bounds["Max file size"] == str(schematron_worker.LOG_BYTES)


def _identity() -> Path:
    """Any stylesheet that compiles."""
    standards = Standards()
    return standards.artefact(standards.demanded(Syntax.CII, french=True)[-1]).path
