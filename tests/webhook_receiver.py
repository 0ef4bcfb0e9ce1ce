"""A program that listens to webhooks over a real connection, and answers as a test tells it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Heard = tuple[dict[str, str], bytes]


@dataclass
class Receiver:
    """Where it listens, how it answers (the last answer stays), and what it heard: headers and body."""

    url: str
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=lambda: [(204, {}, b"")])
    heard: list[Heard] = field(default_factory=list)

    def answer(self, *statuses: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """Answer so from now on, one after the other."""
        self.answers[:] = [(status, headers or {}, body) for status in statuses]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """One that is up."""
    running = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            running.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status, headers, told = running.answers[0]
            if len(running.answers) > 1:
                running.answers.pop(0)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(told))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
