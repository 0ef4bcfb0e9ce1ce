"""A small real server that answers like an agency or an insurer: for the HTTP driver, over a real connection."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Bureau:
    """What it answers by ``METHOD path``, and what it was asked: method, path, headers, body."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    url: str = ""


@contextmanager
def bureau_server() -> Iterator[Bureau]:
    """A server on a free port of this machine, for as long as the block."""
    bureau = Bureau()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            bureau.asked.append((self.command, self.path, dict(self.headers), body))
            status, told = bureau.answers.get(f"{self.command} {self.path}", (404, {"error": "unknown"}))
            if callable(told):
                status, told = told(dict(self.headers))
            content = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815 -- the library's names

        def log_message(self, *_: object) -> None:
            """Nothing: the test asks what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    bureau.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield bureau
    finally:
        server.shutdown()
        server.server_close()
