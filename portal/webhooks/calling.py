"""One call to an address that a user gave: judged addresses alone, no redirects, short, and little of it is read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests

from config.clock import now
from config.outgoing import AddressRefusedError
from einvoice.platform.transport import GuardedAdapter, watched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.outgoing import Reach

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, LONGEST_ANSWER_S = 5.0, 15.0, 15.0
"""A receiver keeps what it is told and answers at once; its work comes after the answer."""
MOST_READ_BYTES = 2_048
MOST_KEPT = 500
"""Characters of an answer that the log shows."""
LONGEST_WAIT_ASKED_S = 24 * 3600.0
AGENT = "Quittance-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call: a ``status``, or the code of the ``error`` why there is none.

    ``retry_after_s`` is how long the receiver asks us to wait.
    """

    status: int | None
    error: str | None
    text: str
    duration_ms: int
    retry_after_s: float | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it: 2xx, and nothing else (a redirect may lead anywhere)."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 -- RFC 9110, 15.3


def call(url: str, body: bytes, headers: Mapping[str, str], reach: Reach) -> Answer:
    """POST ``body``; whatever goes wrong is an answer, never an exception."""
    began = time.monotonic()
    status, error, text, retry_after_s = None, None, "", None
    try:
        with _session(reach) as session:
            answer = session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json", "User-Agent": AGENT, **headers},
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            )
            status, retry_after_s = answer.status_code, _seconds(answer.headers.get("Retry-After"))
            with watched(answer):
                text = _readable(next(answer.iter_content(MOST_READ_BYTES), b"")[:MOST_READ_BYTES])
            answer.close()
    except AddressRefusedError as refused:
        error = refused.code
    except requests.exceptions.SSLError:
        error = "webhook.bad_certificate"
    except requests.exceptions.ConnectTimeout:
        error = "webhook.unreachable"
    except requests.exceptions.Timeout:
        error = None if status else "webhook.too_slow"
    except (requests.exceptions.RequestException, OSError):  # once there is a status, only its text is lost
        error = None if status else "webhook.unreachable"
    return Answer(status, error, text, int((time.monotonic() - began) * 1000), retry_after_s)


def _session(reach: Reach) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no .netrc password, no proxy that nobody configured
    for scheme in ("https://", "http://"):
        session.mount(scheme, GuardedAdapter(reach, READ_TIMEOUT_S, LONGEST_ANSWER_S))
    return session


def _seconds(told: str | None) -> float | None:
    """Retry-After as seconds from now (RFC 9110, 10.2.3): a number, or an instant."""
    if not told:
        return None
    try:
        wait_s = float(told) if told.isdecimal() else (parsedate_to_datetime(told) - now()).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait_s, 0.0), LONGEST_WAIT_ASKED_S)


def _readable(content: bytes) -> str:
    told = content.decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c == "\n" else " " for c in told).strip()[:MOST_KEPT]
