"""Flows per minute that one worker sustains, beside bare HTTP calls that send the same files to the same sandbox.

    PYTHONPATH=tests N=200 python -m bench.flows

The bare calls reuse one connection and one token and remember nothing; the worker holds each flow, writes its doubt and
its outcome down, and can be killed at any moment. It is measured with one thread, as the bare calls are, and with all
that it has, beside as many bare callers as threads that one supplier may have. The sandbox runs in a process of its own
and judges with the real rules after it has answered; between two runs its queue is left to empty.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from chaos.cluster import temporary_cluster
from chaos.flows import plan_flows
from hand_written_invoices import CII
from story_builders import PlatformHouse, Story, build_services

from config.database import Database, migrate
from config.settings import Settings
from einvoice.platform.port import tracking_id_for
from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine
from portal.background.duties import SENDING_HANDS

N = int(os.environ.get("N", "200"))
ROUNDS = 3
QUIET_S = 60.0


def serve() -> None:
    """The sandbox: its address on the first line, then until the parent closes our input."""
    with SchematronEngine() as engine:
        house = PlatformHouse(Validator(engine))
        print(house.url, flush=True)
        sys.stdin.read()
        house.close()


def settled(url: str) -> None:
    """Wait until the sandbox has judged everything."""
    deadline = time.monotonic() + QUIET_S
    while time.monotonic() < deadline:
        flows = requests.get(f"{url}/_sandbox/flows", timeout=30).json()
        if all(flow["acknowledgement"]["status"] != "Pending" for flow in flows):
            return
        time.sleep(0.5)


def bare(url: str, owner: str, first: int, callers: int = 1) -> float:
    """Flows per minute of bare calls, by so many callers at once."""
    token = requests.post(
        f"{url}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("sandbox", "sandbox-secret"),
        timeout=10,
    ).json()["access_token"]
    xml = CII.replace("732829320", owner)

    def call(numbers: range) -> None:
        with requests.Session() as session:
            session.headers.update({"Authorization": f"Bearer {token}", "Organization-Id": owner})
            for number in numbers:
                content = xml.replace("2026-0001", f"B-{number:05d}").encode()
                info = {
                    "trackingId": tracking_id_for(owner, "bare", str(number)),
                    "name": f"B-{number:05d}.xml",
                    "flowSyntax": "CII",
                    "processingRule": "B2B",
                    "flowProfile": "CIUS",
                }
                files = {
                    "flowInfo": (None, json.dumps(info), "application/json"),
                    "file": (info["name"], content, "application/xml"),
                }
                answer = session.post(f"{url}/v1/flows", files=files, timeout=30)
                assert answer.status_code == 202, answer.text

    began = time.monotonic()
    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(call, [range(first + each, first + N, callers) for each in range(callers)]))
    return N * 60 / (time.monotonic() - began)


def worker(story: Story, first: int, threads: int = 1) -> float:
    """Flows per minute of one worker, from the outbox to the platform's id in the books."""
    plan_flows(story, N, first)

    def drain(_: int) -> None:
        while story.worker.drain_outbox("flow.planned"):
            continue

    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(drain, range(threads)))
    took_s = time.monotonic() - began
    waiting = [state for _, state, _ in story.flows() if state in ("to_send", "in_doubt")]
    assert waiting == [], waiting
    return N * 60 / took_s


def main() -> None:
    """Both, in turns, so that a busy machine strikes both."""
    with (
        temporary_cluster() as cluster,
        SchematronEngine() as engine,
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-m", "bench.flows", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as sandbox,
    ):
        assert sandbox.stdout is not None
        assert sandbox.stdin is not None
        house = PlatformHouse.__new__(PlatformHouse)
        house.url = sandbox.stdout.readline().strip()
        settings = Settings(data_dir=Path(folder), private_hosts_allowed=True)
        url = cluster.database("flows")
        migrate(url)
        services = build_services(settings, Database(url, settings), engine, Path(folder))
        story = Story(services, house)
        plan_flows(story, 1, 90_000)
        story.worker.drain_outbox_of(story.id, "flow.planned")
        ratios: dict[int, list[float]] = {1: [], 2: []}
        first = 1
        for _ in range(ROUNDS):
            for threads, found in ratios.items():
                of_calls = bare(house.url, story.siren, first, threads)
                settled(house.url)
                of_worker = worker(story, first, SENDING_HANDS if threads > 1 else 1)
                settled(house.url)
                first += N
                found.append(of_worker / of_calls)
                print(
                    f"{threads} at once: one worker {of_worker:.0f} flows/min, bare calls {of_calls:.0f}/min, "
                    f"ratio {found[-1]:.2f}"
                )
        for threads, found in ratios.items():
            median = statistics.median(found)
            print(f"{threads} at once: median ratio of {ROUNDS} rounds of {N} flows: {median:.2f}")
        services.database.dispose()
        sandbox.stdin.close()


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
