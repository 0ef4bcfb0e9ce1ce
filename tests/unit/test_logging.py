"""Logs are JSON lines that open no door and name no account."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from config.logging import JsonLines, redact
from config.secrets import token_text

TOKEN = token_text(bytes(range(100, 148)))
STRUCK = {
    f"GET /p/{TOKEN}?x=1": TOKEN,
    f"GET /sign-in/{TOKEN}": TOKEN,
    "key sk_test_51Habcdefgh": "sk_test_51Habcdefgh",
    "secret whsec_0123456789abc.": "whsec_0123456789abc",
    "token qt_AbCdEfGh123456": "qt_AbCdEfGh123456",
    "mail to jean.dupont+x@client.example bounced": "jean.dupont",
    "IBAN FR7630006000011234567890189 unknown": "30006000011234567890189",
    "IBAN FR76 3000 6000 0112 3456 7890 189 unknown": "6000 0112",
    "at postgresql://login:hunter2@localhost/db": "hunter2",
    "at smtp://user:hunter2@mail.example:25": "hunter2",
}
KEPT = ("invoice F2026-00042 of 120.00 EUR", "supplier 0199b7a0-0000-7000-8000-000000000000", "pi_3Habc123 posted")


@pytest.mark.parametrize("text", STRUCK)
def test_what_opens_a_door_is_struck_out(text: str) -> None:
    assert STRUCK[text] not in redact(text)


@pytest.mark.parametrize("text", KEPT)
def test_what_a_human_needs_is_kept(text: str) -> None:
    assert redact(text) == text


def line(message: str, *args: object, **extra: Any) -> dict[str, Any]:
    record = logging.LogRecord("quittance.test", logging.WARNING, __file__, 1, message, args, None)
    vars(record).update(extra)
    told: dict[str, Any] = json.loads(JsonLines().format(record))
    return told


def test_a_record_is_one_json_line_with_its_extras() -> None:
    told = line("paid %s", "F1\nF2", supplier="s-1")
    assert told["message"] == "paid F1\nF2"
    assert (told["level"], told["logger"], told["supplier"]) == ("warning", "quittance.test", "s-1")
    assert told["at"].endswith("+00:00")


def test_arguments_extras_and_tracebacks_are_struck_out_too() -> None:
    told = line("to %s", "a.person@client.example", address="b.person@client.example")
    assert "person" not in json.dumps(told)
    try:
        raise ValueError(f"no /p/{TOKEN}")  # noqa: TRY301 -- the traceback is the point
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    text = JsonLines().format(record)
    assert TOKEN not in text
    assert "ValueError" in text
    assert "\n" not in text
