"""Several children that answer alike: started when needed, lent in turn, replaced when worn, dead or hung."""

from __future__ import annotations

import itertools
import os
import threading
import time
import weakref
from enum import IntEnum
from typing import TYPE_CHECKING

from einvoice.validation.worker_process import WorkerDiedError, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


_LONGEST_FAREWELL_S = 20.0


class Rank(IntEnum):
    """Who is served first; callers of one rank are served in the order in which they came."""

    URGENT = 0
    """Somebody waits for an invoice."""
    PATIENT = 1
    """Served when no urgent caller waits, and never on the last free child where there are two or more."""


class PoolBusyError(Exception):
    """No child was free in time."""


class PoolClosedError(Exception):
    """The pool was closed."""


class WorkerPool:
    """At most ``size`` children of ``command``, run in ``folder``. Thread-safe; a fork of us gets children of its own.

    A child that came back last is lent first, so that a second one starts only where two are needed at once.
    """

    def __init__(
        self, command: Sequence[str], *, size: int = 1, recycle_after: int = 5000, folder: Path | None = None
    ) -> None:
        if size < 1:
            raise ValueError(f"a pool needs at least one child, not {size}")
        self._command = tuple(command)
        self._size = size
        self._folder = folder
        self._recycle_after = recycle_after
        self._closed = False
        self._idle: list[WorkerProcess] = []
        self._lent: list[WorkerProcess] = []
        self._begin()
        _POOLS.add(self)

    def _begin(self) -> None:
        """Nobody waits and no turn is taken: the state at birth, and in a fork, where other threads are gone."""
        self._changed = threading.Condition()
        self._serials = itertools.count()
        self._waiting: list[tuple[Rank, int]] = []
        self._turns: list[Rank] = []

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the present children, for monitoring."""
        with self._changed:
            return tuple(each.pid for each in (*self._lent, *reversed(self._idle)))

    def ask(
        self,
        *request: bytes,
        within_s: float,
        timeout_s: float,
        first_s: float = 0,
        key: str = "",
        rank: Rank = Rank.URGENT,
    ) -> bytes:
        """One child's answer to the frames of ``request``.

        Waits at most ``within_s`` seconds for a turn and ``timeout_s`` for the answer, plus ``first_s`` where the child
        was never asked for ``key`` before. A child that dies is replaced, and asked once more.

        Raises:
            PoolBusyError, PoolClosedError: there was no turn.
            TimeoutError: no answer in time, said in its sentence; the child was killed.
            WorkerDiedError: the second child died too.
            OSError: no child can be started.
        """
        self._take_turn(rank, within_s)
        try:
            try:
                return self._ask_one(request, timeout_s, first_s, key)
            except WorkerDiedError:
                # It may have been killed between two questions, or by a passing shortage: once more with a fresh one.
                return self._ask_one(request, timeout_s, first_s, key)
        finally:
            with self._changed:
                self._turns.remove(rank)
                self._changed.notify_all()

    def close(self) -> None:
        """End every child; every later question raises ``PoolClosedError``.

        Questions under way are waited for, though not for ever: their children end when they come back.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._turns, _LONGEST_FAREWELL_S)
            idle, self._idle = self._idle, []
        for child in idle:
            child.close()

    def forget(self) -> None:
        """In a fork of us: let go of the parent's children, whose pipes are its own, and of locks nobody releases."""
        strangers = (*self._idle, *self._lent)
        self._idle, self._lent = [], []
        self._begin()
        for child in strangers:
            child.abandon()

    def _take_turn(self, rank: Rank, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        with self._changed:
            ticket = (rank, next(self._serials))
            self._waiting.append(ticket)
            try:
                while not self._closed and not self._is_next(ticket):
                    remaining_s = deadline - time.monotonic()
                    if remaining_s <= 0:
                        raise PoolBusyError
                    self._changed.wait(remaining_s)
                if self._closed:
                    raise PoolClosedError
                self._turns.append(rank)
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _is_next(self, ticket: tuple[Rank, int]) -> bool:
        free = self._size - len(self._turns)
        kept_back = 1 if ticket[0] is Rank.PATIENT and self._size > 1 else 0
        return free > kept_back and ticket == min(self._waiting)

    def _ask_one(self, request: Sequence[bytes], timeout_s: float, first_s: float, key: str) -> bytes:
        child = self._take_child(key)
        limit_s = timeout_s + (0 if key in child.known else first_s)
        keep = False
        try:
            answer = child.ask(*request, timeout_s=limit_s)
            child.known.add(key)
            keep = True
        except TimeoutError as error:
            raise TimeoutError(f"no answer within {limit_s:g} s") from error
        finally:
            # Whatever else happened in the middle of a question (say, Ctrl-C) leaves the child's pipes half used.
            self._put_back(child, keep=keep)
        return answer

    def _take_child(self, key: str) -> WorkerProcess:
        """An idle child, one that knows ``key`` if there is one, or a new child. We have a turn."""
        with self._changed:
            knowing = [each for each in self._idle if key in each.known]
            at_hand = knowing or self._idle
            child = at_hand[-1] if at_hand else None
            if child is not None:
                self._idle.remove(child)
                if child.alive and child.answered < self._recycle_after:
                    self._lent.append(child)
                    return child
        if child is not None:
            child.close()
        child = WorkerProcess(self._command, folder=self._folder)
        with self._changed:
            self._lent.append(child)
        return child

    def _put_back(self, child: WorkerProcess, *, keep: bool) -> None:
        with self._changed:
            self._lent.remove(child)
            keep = keep and not self._closed
            if keep:
                self._idle.append(child)
        if not keep:
            child.kill()


_POOLS: weakref.WeakSet[WorkerPool] = weakref.WeakSet()


def _forget_all() -> None:
    for pool in list(_POOLS):
        pool.forget()


os.register_at_fork(after_in_child=_forget_all)
