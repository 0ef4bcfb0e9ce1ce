"""Many flows, two workers, a platform of which every fifth answer goes wrong: each flow arrives once, none is lost.

    PYTHONPATH=tests N=1000 SEED=20261122 python -m chaos.flows

The faults are made in front of the sandbox, on the way in and on the way back. A second sending of what the platform
has already taken is counted, whether or not it refuses the double.
"""

from __future__ import annotations

import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from chaos.cluster import temporary_cluster
from hand_written_invoices import CII
from payment_sandbox import Quiet
from story_builders import PlatformHouse, Story, build_services
from werkzeug.serving import make_server

from config.clock import today
from config.database import Database, migrate
from config.settings import Settings
from einvoice.flows import FlowKind, PlannedFlow, plan_flow
from einvoice.keeping import XML_MIME, KeptFile, keep_document
from einvoice.platform.accounts import accounts_to_follow
from einvoice.platform.port import PlatformError, ProcessingRule, Profile, tracking_id_for
from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine
from portal.background.duties import build_worker

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from portal.wiring import Services

FAULT_SHARE = 0.2
"""Of all calls, whatever they ask."""
READ_TIMEOUT_S = 0.6
HOLD_S = 0.9
"""A held answer comes after the caller has given up."""
TRACKING = re.compile(rb'"trackingId": *"(\w+)"')
KINDS = ("late", "lost", "failed", "failed_after", "busy", "twice", "token")


@dataclass
class Trouble:
    """WSGI in front of the sandbox: makes faults with a seeded chance, and counts what really got there."""

    app: WSGIApplication
    chance: random.Random
    share: float = FAULT_SHARE
    faults: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    resent: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/_sandbox"):
            return self.app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with self._lock:
            self.calls += 1
            kind = self.chance.choice(KINDS) if self.chance.random() < self.share else ""
            if kind:
                self.faults[kind] += 1
        if kind in ("failed", "busy"):
            return _say(start_response, "500 Broken" if kind == "failed" else "429 Later", retry_after="0")
        if kind == "token":
            requests.delete(f"http://{environ['HTTP_HOST']}/_sandbox/tokens", timeout=5)
        status, headers, answer = self._pass(environ, body)
        if kind == "twice":  # the network, not we: the platform's own double check has to hold
            self._pass(environ, body, ours=False)
        if kind == "late":
            time.sleep(HOLD_S)
        if kind == "failed_after":
            return _say(start_response, "502 Bad Gateway")
        if kind == "lost":
            return _say(start_response, status, body=b"<html>")
        start_response(status, headers)
        return [answer]

    def _pass(self, environ: WSGIEnvironment, body: bytes, *, ours: bool = True) -> tuple[str, Any, bytes]:
        told: list[Any] = []
        asked = {**environ, "wsgi.input": BytesIO(body)}
        tracked = TRACKING.search(body)
        is_sending = environ["PATH_INFO"].endswith("/v1/flows") and environ["REQUEST_METHOD"] == "POST" and tracked
        if is_sending and tracked and ours:
            with self._lock:
                self.resent[tracked[1].decode()] += self.taken[tracked[1].decode()] > 0
        answer = b"".join(self.app(asked, lambda status, headers, _=None: told.extend((status, headers))))  # type: ignore[arg-type, func-returns-value]
        if is_sending and tracked and told[0].startswith("2"):
            with self._lock:
                self.taken[tracked[1].decode()] += 1
        return told[0], told[1], answer


def _say(start_response: StartResponse, status: str, *, retry_after: str = "", body: bytes = b"") -> list[bytes]:
    headers = [("Content-Type", "text/html"), ("Content-Length", str(len(body)))]
    start_response(status, headers + ([("Retry-After", retry_after)] if retry_after else []))
    return [body]


class TroubledHouse(PlatformHouse):
    """A platform sandbox behind :class:`Trouble`."""

    def __init__(self, validator: Validator, seed: int, share: float = FAULT_SHARE) -> None:
        super().__init__(validator)
        self.trouble = Trouble(self.app, random.Random(seed), share)
        self._troubled = make_server("127.0.0.1", 0, self.trouble, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self._troubled.server_port}"
        threading.Thread(target=self._troubled.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._troubled.shutdown()
        self._troubled.server_close()
        super().close()


@dataclass(frozen=True)
class Outcome:
    """What became of ``planned`` flows. Times are in seconds."""

    planned: int
    states: dict[str, int]
    at_platform: int
    doubled: int
    lost: int
    resent: int
    calls: int
    faults: dict[str, int]
    took_s: float

    @property
    def is_good(self) -> bool:
        return (self.doubled, self.lost, self.resent, self.states) == (0, 0, 0, {"accepted": self.planned})

    def describe(self) -> str:
        return (
            f"{self.planned} flows, {self.calls} calls, {sum(self.faults.values())} faults "
            f"({sum(self.faults.values()) / self.calls:.0%}: {self.faults}); at the platform {self.at_platform}, "
            f"doubled {self.doubled}, lost {self.lost}, sent again after effect {self.resent}; {self.states}; "
            f"{self.took_s:.0f} s"
        )


def plan_flows(story: Story, count: int, first: int = 1) -> list[str]:
    """Plan ``count`` small invoices of the story's supplier; their tracking ids."""
    xml = CII.replace("732829320", story.siren)
    planned = []
    with story.services.works.begin(story.id) as work:
        (account,) = accounts_to_follow(work)
        for number in range(first, first + count):
            content = xml.replace("2026-0001", f"T-{number:05d}").encode()
            until = date(today().year + 11, 12, 31)
            story.services.archive.put(content, until)
            file = KeptFile(content, f"T-{number:05d}.xml", XML_MIME)
            tracking_id = tracking_id_for(str(story.id), "chaos", str(number))
            plan_flow(
                work,
                PlannedFlow(
                    tracking_id=tracking_id,
                    kind=FlowKind.INVOICE,
                    account_id=account,
                    document_id=keep_document(work, None, "cii", file, None, until=until),
                    processing_rule=ProcessingRule.B2B,
                    profile=Profile.CIUS,
                ),
            )
            planned.append(tracking_id)
    return planned


def run(services: Services, house: TroubledHouse, count: int, *, patience_s: float = 600, workers: int = 2) -> Outcome:
    """Plan ``count`` flows, let the workers send them through the trouble, and compare with the platform."""
    story = Story(services)
    story.connect(house, read_timeout_s=READ_TIMEOUT_S)
    planned = plan_flows(story, count)
    done = threading.Event()
    began = time.monotonic()
    threads = [threading.Thread(target=_send, args=(story, done)) for _ in range(workers)]
    threads.append(threading.Thread(target=_follow, args=(story, done)))
    for thread in threads:
        thread.start()
    while time.monotonic() - began < patience_s and any(state != "accepted" for _, state, _ in story.flows()):
        time.sleep(0.3)
    done.set()
    for thread in threads:
        thread.join()
    arrived = Counter(flow.get("trackingId") for flow in story.at_platform() if flow.get("trackingId"))
    return Outcome(
        planned=count,
        states=dict(Counter(state for _, state, _ in story.flows())),
        at_platform=sum(arrived.values()),
        doubled=sum(times > 1 for times in arrived.values()),
        lost=sum(each not in arrived for each in planned),
        resent=sum(house.trouble.resent[each] for each in planned),
        calls=house.trouble.calls,
        faults=dict(house.trouble.faults),
        took_s=time.monotonic() - began,
    )


def _send(story: Story, done: threading.Event) -> None:
    """One worker of several."""
    worker = build_worker(story.services)
    while not done.is_set():
        if not worker.drain_outbox_of(story.id):
            done.wait(0.05)


def _follow(story: Story, done: threading.Event) -> None:
    """Ask what became of the flows; the trouble is meant, and the next round asks again."""
    while not done.wait(0.2):
        with suppress(PlatformError):
            story.services.follower.follow(story.id)


def main() -> int:
    """The long run, on a database of its own."""
    count, seed = int(os.environ.get("N", "1000")), int(os.environ.get("SEED", "20261122"))
    with temporary_cluster() as cluster, SchematronEngine() as engine, tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), private_hosts_allowed=True)
        url = cluster.database("flows")
        migrate(url)
        services = build_services(settings, Database(url, settings), engine, Path(folder))
        house = TroubledHouse(Validator(engine), seed)
        try:
            outcome = run(services, house, count)
        finally:
            house.close()
            services.database.dispose()
    print(outcome.describe())
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
