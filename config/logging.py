"""Logs as JSON lines, with tokens, e-mail addresses and IBANs struck out before they are written."""

from __future__ import annotations

import json
import logging
import re
import sys

from config.clock import now

_STRUCK = (
    (re.compile(r"(/p/|/sign-in/)[A-Za-z0-9_-]{20,}"), r"\1[token]"),
    (re.compile(r"\b(?:sk|rk|whsec|qt)_[A-Za-z0-9_]{8,}"), "[secret]"),
    (re.compile(r"(?<=://)[^/@\s]+@"), "[login]@"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[email]"),
    (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,4})?\b"), "[iban]"),
)
_STANDARD = frozenset(vars(logging.makeLogRecord({})))


def redact(text: str) -> str:
    """``text`` without anything that opens a door or names a person's account."""
    for pattern, replacement in _STRUCK:
        text = pattern.sub(replacement, text)
    return text


class JsonLines(logging.Formatter):
    """One JSON object per record; extra fields stand beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, object] = {
            "at": now().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        line |= {k: redact(str(v)) for k, v in vars(record).items() if k not in _STANDARD and k != "message"}
        if record.exc_info:
            line["error"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send every logger of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("stripe").setLevel(logging.WARNING)
    logging.getLogger("factur-x").setLevel(logging.ERROR)
