"""How a road ahead of Flask answers: taken, or a problem (RFC 9457) that says why not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import StartResponse


class HookRefusedError(Exception):
    """A webhook that is not taken: the status to answer, and the problem that says why."""

    def __init__(self, status: int, title: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.problem: dict[str, object] = {
            "type": f"urn:quittance:{code}",
            "code": code,
            "title": title,
            "status": status,
            "detail": detail,
        }


def answer_hook(take: Callable[[], None], start_response: StartResponse) -> list[bytes]:
    """Run ``take`` and answer 200 without words, or its refusal."""
    status, body = "200 OK", b""
    try:
        take()
    except HookRefusedError as error:
        status, body = f"{error.status} {error.title}", json.dumps(error.problem).encode()
    kind = "application/problem+json" if body else "text/plain"
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
