"""A process that is killed (``kill -9``) just before each of its statements in turn, and begun again until it ends.

The child is forked, works on connections of its own, and counts what it does: every statement and commit on the
database, every act at a provider. The first child dies before the first of them, the second before the second, each
where the dead left off, until one comes to the end.
"""

from __future__ import annotations

import os
import signal
import traceback
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from config.database import Database
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from config.settings import Settings

MOST_LIVES = 400
"""A child that does more than this was not meant for this test, or does not go on where the dead left off."""


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


def die_everywhere(database: Database, settings: Settings, folder: Path, act: Callable[[Works, Fuse], object]) -> int:
    """Run ``act`` in children that die one step later each time, until one ends; returns how many died.

    Raises:
        AssertionError: a child failed; with what it said.
    """
    said = folder / "said.txt"
    for step in count(1):
        assert step <= MOST_LIVES, "it never comes to an end"
        child = os.fork()
        if child == 0:
            _live(database.url, settings, said, act, Fuse(step))
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            continue
        assert os.WEXITSTATUS(status) == 0, said.read_text()
        return step - 1
    raise AssertionError


def _live(url: str, settings: Settings, said: Path, act: Callable[[Works, Fuse], object], fuse: Fuse) -> None:
    """The child: it shares no connection with its parent, and never comes back to the test."""
    code = 1
    try:
        database = Database(url, settings)
        event.listen(database.application, "before_cursor_execute", fuse.burn)
        event.listen(database.application, "commit", fuse.burn)
        act(Works(database), fuse)
        code = 0
    except BaseException:  # noqa: BLE001 -- told to the parent; nothing may escape into its copy of pytest
        said.write_text(traceback.format_exc())
    finally:
        os._exit(code)
