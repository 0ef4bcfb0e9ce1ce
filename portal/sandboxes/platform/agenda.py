"""What the sandbox will do later, in order, in one thread; tests may skip the waiting.

The agenda has a time of its own: seconds that only ever grow, and that a control call may push forward. What a task
puts on the agenda counts from the time at which that task was due, so that a skip runs whole chains of tasks.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


class Agenda:
    """Runs tasks when they are due. Close it at the end."""

    def __init__(self, name: str) -> None:
        self._changed = threading.Condition()
        self._tasks: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._skipped_s = 0.0
        self._running_due: float | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, after_s: float, task: Callable[[], None]) -> None:
        """Have ``task`` run ``after_s`` seconds from now."""
        with self._changed:
            inside = threading.current_thread() is self._thread and self._running_due is not None
            base = self._running_due if inside and self._running_due is not None else self._present()
            heapq.heappush(self._tasks, (base + after_s, next(self._numbers), task))
            self._changed.notify_all()

    def skip(self, seconds: float, *, patience_s: float = 20.0) -> bool:
        """Push the time forward and wait until all that has become due is done; False where it takes too long."""
        with self._changed:
            self._skipped_s += seconds
            self._changed.notify_all()
            return self._changed.wait_for(self._is_idle, patience_s)

    @property
    def waiting(self) -> int:
        """How many tasks are still to come."""
        with self._changed:
            return len(self._tasks)

    def clear(self) -> None:
        """Forget what was to come."""
        with self._changed:
            self._tasks.clear()

    def close(self) -> None:
        """Stop; what is still to come never happens."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout=5)

    def _present(self) -> float:
        return time.monotonic() + self._skipped_s

    def _is_idle(self) -> bool:
        """Nothing is due and nothing runs."""
        return self._closed or (self._running_due is None and (not self._tasks or self._tasks[0][0] > self._present()))

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                task()
            except Exception:
                log.exception("a task of the sandbox failed")
            with self._changed:
                self._running_due = None
                self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        """The next task, when it is due; None at the end."""
        with self._changed:
            while not self._closed:
                left_s = self._tasks[0][0] - self._present() if self._tasks else None
                if left_s is not None and left_s <= 0:
                    self._running_due, _, task = heapq.heappop(self._tasks)
                    return task
                self._changed.wait(left_s)
            return None
