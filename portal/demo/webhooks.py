"""The webhooks of the demonstration: three addresses of a little program, of which one stumbles and one has moved."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server

from portal.sandboxes.receiver import GONE, STEADY, STUMBLING, Receiver, create_receiver
from portal.webhooks.endpoints import EndpointWish, open_endpoint

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services

ACTOR = "demo"
ADDRESSES = (
    ("erp", "ERP", STEADY, ("invoice.issued", "payment.received")),
    ("boutique", "Boutique en ligne", STUMBLING, ()),
    ("entrepot", "Ancien entrepôt", GONE, ()),
)
"""Name, label, how it answers, and the kinds of events (none: all)."""


class _Silent(WSGIRequestHandler):
    """The page shows every call: the terminal of the demonstration need not."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""


@dataclass(frozen=True, slots=True)
class DemoReceiver:
    """The program, in a thread of the demonstration's own process: it ends with it."""

    address: str
    receiver: Receiver

    @classmethod
    def start(cls, address: str) -> DemoReceiver:
        """Listen at an address of this machine whose port is free."""
        receiver, asked = Receiver(), urlsplit(address)
        app = create_receiver(receiver)
        server = make_server(
            asked.hostname or "localhost", asked.port or 0, app, threaded=True, request_handler=_Silent
        )
        Thread(target=server.serve_forever, name="webhook receiver", daemon=True).start()
        return cls(address, receiver)


def add_webhooks(services: Services, supplier_id: UUID, to: DemoReceiver) -> None:
    """Tell the program what happens from now on."""
    for name, label, mood, kinds in ADDRESSES:
        wish = EndpointWish(label, f"{to.address}/hooks/{name}", kinds, ACTOR)
        with services.works.begin(supplier_id) as work:
            _, secret = open_endpoint(services, work, wish)
        to.receiver.listen(name, secret, mood)
