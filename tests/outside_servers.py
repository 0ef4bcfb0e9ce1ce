"""Stand-ins for what is outside the house: VIES behind HTTP, and a name server behind UDP."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class ViesStandIn:
    """Answers what it is told to, and remembers what it was asked."""

    url: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def vies_stand_in() -> Iterator[ViesStandIn]:
    """VIES on a port of its own."""
    stand_in = ViesStandIn()

    @Request.application
    def app(request: Request) -> Response:
        stand_in.asked.append({"path": request.path, **json.loads(request.get_data())})
        headers = {"Location": f"{stand_in.url}/elsewhere"} if stand_in.status // 100 == 3 else {}
        return Response(json.dumps(stand_in.answer), stand_in.status, headers, content_type="application/json")

    server = make_server("127.0.0.1", 0, app)
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield stand_in
    server.shutdown()
    server.server_close()


@dataclass
class NameServerStandIn:
    """Answers from ``entries``: texts by name and kind; of every other name it says that there is none."""

    port: int
    entries: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    silent: bool = False


@contextmanager
def name_server() -> Iterator[NameServerStandIn]:
    """A name server on a port of its own."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))
    listening.settimeout(0.1)
    stand_in, stop = NameServerStandIn(listening.getsockname()[1]), threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                wire, caller = listening.recvfrom(4096)
            except TimeoutError:
                continue
            if not stand_in.silent:
                listening.sendto(_answer(stand_in, dns.message.from_wire(wire)).to_wire(), caller)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield stand_in
    stop.set()
    thread.join()
    listening.close()


def _answer(stand_in: NameServerStandIn, asked: dns.message.Message) -> dns.message.Message:
    answer = dns.message.make_response(asked)
    answer.flags |= dns.flags.RA
    question = asked.question[0]
    name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
    found = stand_in.entries.get((name, kind))
    if found:
        answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
    elif not any(known == name for known, _ in stand_in.entries):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer
