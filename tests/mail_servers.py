"""A mail server of both kinds for tests: SMTP that keeps what it is given, and a real IMAP server with a mailbox."""

from __future__ import annotations

import imaplib
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "demouser", "demopass"
START_WITHIN_S = 20.0


def free_port() -> int:
    """A port that nobody listens at."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Sent:
    """What a mail server was given: the mail, and its envelope."""

    mail: EmailMessage
    mail_from: str
    rcpt_to: list[str]


@dataclass
class Postbox:
    """Takes every mail; refuses the addresses in ``unknown`` for good."""

    sent: list[Sent] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        if address in self.unknown:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.sent.append(Sent(mail, envelope.mail_from, envelope.rcpt_tos))
        return "250 OK"


@contextmanager
def smtp_server() -> Iterator[tuple[str, Postbox]]:
    """The address of a running SMTP server, and what it was given."""
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{controller.port}", box
    finally:
        controller.stop()


@dataclass
class ImapBox:
    """A mailbox on a real IMAP server."""

    port: int

    @property
    def url(self) -> str:
        """Where it is looked into."""
        return f"imap://{USER}:{PASSWORD}@127.0.0.1:{self.port}/INBOX"

    def deliver(self, raw: bytes) -> None:
        """Put a mail there, unread."""
        with self._open() as box:
            box.append("INBOX", "", imaplib.Time2Internaldate(time.time()), raw)

    def flags(self) -> list[str]:
        """The flags of the last mail there."""
        with self._open() as box:
            box.select("INBOX")
            _, found = box.search(None, "ALL")
            _, told = box.fetch(found[0].split()[-1].decode(), "(FLAGS)")
            line = told[0]
            assert isinstance(line, bytes)
            return [each.decode() for each in imaplib.ParseFlags(line)]

    def unread(self) -> int:
        """How many mails nobody has read."""
        with self._open() as box:
            box.select("INBOX")
            return len(box.search(None, "UNSEEN")[1][0].split())

    @contextmanager
    def _open(self) -> Iterator[imaplib.IMAP4]:
        box = imaplib.IMAP4("127.0.0.1", self.port, timeout=5)
        box.login(USER, PASSWORD)
        try:
            yield box
        finally:
            box.logout()


@contextmanager
def imap_server() -> Iterator[ImapBox]:
    """A running IMAP server (pymap) with an empty mailbox."""
    port = free_port()
    command = [sys.executable, "-c", "from pymap.main import main; main()", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--no-tls", "dict", "--demo-data"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        box = ImapBox(port)
        _await(box)
        yield box
    finally:
        process.terminate()
        process.wait(10)


def _await(box: ImapBox) -> None:
    """Wait until it answers, and mark the mails that it came with as read."""
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            with box._open() as opened:
                opened.select("INBOX")
                opened.store("1:*", "+FLAGS", r"(\Seen)")
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
