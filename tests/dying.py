"""A process that is killed (``kill -9``) just before each of its statements in turn, and begun again until it ends.

The child is forked, works on connections of its own, and counts what it does: every statement and commit on the
database, every act at a provider. The first child dies before the first of them, the second before the second, each
where the dead left off, until one comes to the end.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import time
import traceback
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import event

from config.database import Database
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.settings import Settings

MOST_LIVES = 400
"""A child that does more than this was not meant for this test, or does not go on where the dead left off."""

LONGEST_LIFE_S = 60.0
"""A child that lives longer is stuck: it says where, and fails, instead of keeping its test waiting for ever."""

GRACE_S = 30.0
"""One that is not gone so long after that is stuck where it cannot say anything: its parent ends it."""

LOOK_EVERY_S = 0.002

LONGEST_S = 600.0
"""All lives together: children that wait a little in each of their lives are stuck as well."""


@dataclass(slots=True)
class Fuse:
    """Kills its own process at a step."""

    step: int
    burnt: int = 0

    def burn(self, *_: Any) -> None:
        """One step more."""
        self.burnt += 1
        if self.burnt == self.step:
            os.kill(os.getpid(), signal.SIGKILL)

    def burn_on_writing(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """One step more where a statement changes something: to die before one that reads is to die before the next."""
        if not statement.lstrip().startswith("SELECT"):
            self.burn()


def die_everywhere(
    database: Database,
    settings: Settings,
    folder: Path,
    act: Callable[[Works, Fuse], object],
    *,
    every: int = 1,
    only_writing: bool = False,
) -> int:
    """Run ``act`` in children that die one step later each time, until one ends; returns how many died.

    ``every``: they die so many steps later each time, where a few deaths are enough. ``only_writing``: they die before
    what changes something (and before each commit), not before what reads.

    Raises:
        AssertionError: a child failed; with what it said.
    """
    said = folder / "said.txt"
    began = time.monotonic()
    for lives in count():
        assert lives < MOST_LIVES, "it never comes to an end"
        assert time.monotonic() - began < LONGEST_S, f"{lives} children took more than {LONGEST_S:g} s"
        step = 1 + lives * every
        child = os.fork()
        if child == 0:
            _live(database, settings, said, act, Fuse(step), only_writing=only_writing)
        status = _end_of(child)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            continue
        assert os.WEXITSTATUS(status) == 0, said.read_text()
        return lives
    raise AssertionError


def _end_of(child: int) -> int:
    """The status of a child that ended.

    A child says itself where it is stuck, but not one that is stuck before it could set its alarm: a fork takes over
    the locks of threads that it has not. So nobody waits for it without an end.

    Raises:
        AssertionError: it did not end; it was killed, and its last words are those of the system.
    """
    deadline = time.monotonic() + LONGEST_LIFE_S + GRACE_S
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() > deadline:
            break
        time.sleep(LOOK_EVERY_S)
    waits_in = Path(f"/proc/{child}/wchan")
    where = waits_in.read_text() if waits_in.exists() else "a place that the system does not tell"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError(f"a child was stuck before it could say where; it waited in {where}")


def _live(
    parents: Database,
    settings: Settings,
    said: Path,
    act: Callable[[Works, Fuse], object],
    fuse: Fuse,
    *,
    only_writing: bool,
) -> None:
    """The child: it never comes back to the test."""
    code = 1
    stuck = said.open("w")
    faulthandler.dump_traceback_later(LONGEST_LIFE_S, exit=True, file=stuck)
    try:
        _part_from(parents)
        database = Database(parents.url, settings)
        burn = fuse.burn_on_writing if only_writing else fuse.burn
        event.listen(database.application, "before_cursor_execute", burn)
        event.listen(database.application, "commit", fuse.burn)
        act(Works(database), fuse)
        code = 0
    except BaseException:  # noqa: BLE001 -- told to the parent; nothing may escape into its copy of pytest
        said.write_text(traceback.format_exc())
    finally:
        os._exit(code)


def _part_from(parents: Database) -> None:
    """Use no connection of the parent: the answer that a dead child did not read would be its parent's next one."""
    for engine in (parents.application, parents.register_engine):
        engine.pool.connect = _refuse  # type: ignore[method-assign] -- in this process alone


def _refuse() -> NoReturn:
    raise AssertionError("a child uses a connection of its parent, on which it does not die")
