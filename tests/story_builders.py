"""A whole house with a supplier of its own: real database, archive, rules and platform, driven step by step."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import requests
from builders import buyer, line, seller
from catalogue import migrated_copy
from ledger_builders import MORNING, attempt
from payment_sandbox import Quiet
from stdnum import luhn
from werkzeug.serving import make_server

from config.clock import new_id
from config.database import Database
from config.secrets import Keyring
from einvoice.archive import Archive
from einvoice.formats.pdf_reader import extract_invoice_xml
from einvoice.platform.accounts import connect_platform
from einvoice.platform.client import AfnorPlatform
from einvoice.platform.port import PlatformPausedError
from einvoice.platform.settings import PlatformDriver, PlatformSettings
from einvoice.validation.check import Validator
from portal.background.duties import build_worker
from portal.documents.issuing import Issued, IssueOptions, issue_content, save_profile
from portal.sandboxes.platform import PlatformSandboxOptions, create_platform_sandbox
from portal.wiring import Services
from receivables.domain.settlement.receipts import MoneyReceived, MoneyReturned
from receivables.services.settlement.receipts import record_facts
from receivables.store.register import create_supplier
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from uuid import UUID

    from config.embedded import EmbeddedPostgres
    from config.settings import Settings
    from einvoice.validation.schematron import SchematronEngine
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier

PATIENCE_S = 20.0


def build_services(settings: Settings, database: Database, engine: SchematronEngine, folder: Path) -> Services:
    """The services of a house around shared engines, with an archive of its own."""
    return Services(
        settings=settings,
        keyring=Keyring.of(settings),
        database=database,
        works=Works(database),
        archive=Archive(folder / "archive"),
        engine=engine,
        validator=Validator(engine),
    )


def fresh_house(postgres: EmbeddedPostgres, services: Services, folder: Path, name: object) -> Services:
    """A house with a database and an archive of its own, and the rules that are loaded already."""
    database = Database(migrated_copy(postgres, f"house_{name}"), services.settings)
    return build_services(services.settings, database, services.engine, folder / str(name))


class PlatformHouse:
    """A platform sandbox that listens on a port of its own."""

    def __init__(self, validator: Validator) -> None:
        self.app = create_platform_sandbox(
            check_invoice=validator.check_invoice,
            check_cdar=validator.check_cdar,
            extract_xml=lambda pdf: extract_invoice_xml(pdf).xml,
            options=PlatformSandboxOptions(acknowledge_after_s=0.02),
        )
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.app.extensions["platform_sandbox"].close()
        self._server.shutdown()
        self._server.server_close()

    def arm(self, kind: str, **more: Any) -> None:
        """Arm a fault."""
        answer = requests.post(f"{self.url}/_sandbox/faults", json={"kind": kind, **more}, timeout=5)
        assert answer.status_code == 204, answer.text

    def lift(self) -> None:
        """Lift every fault."""
        requests.delete(f"{self.url}/_sandbox/faults", timeout=5)

    def play(self, number: str, seller: str, **told: Any) -> None:
        """Play the buyer."""
        answer = requests.post(
            f"{self.url}/_sandbox/invoices/{number}/statuses", json={"seller": seller, **told}, timeout=5
        )
        assert answer.status_code == 201, answer.text

    def flows(self, organisation: str) -> list[dict[str, Any]]:
        """Every flow of one organisation."""
        told: list[dict[str, Any]] = requests.get(f"{self.url}/_sandbox/flows", timeout=5).json()
        return [flow for flow in told if organisation in flow["owner"]]


def a_siren() -> str:
    """A valid SIREN that no other test knows."""
    head = f"{new_id().int % 10**8:08d}"
    return head + luhn.calc_check_digit(head)


class Story:
    """One supplier of the house and what happens to it."""

    def __init__(self, services: Services, platform: PlatformHouse | None = None, **profile: Any) -> None:
        self.services = services
        self.platform = platform
        siren = a_siren()
        self.siren = siren
        self.supplier: Supplier = create_supplier(services.database, siren, f"Atelier {siren}")
        self.worker = build_worker(services)
        nic = "0001"
        self.profile = seller(
            siren=siren,
            siret=siren + nic + luhn.calc_check_digit(siren + nic),
            vat_id=f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}",
            registration=None,
            **profile,
        )
        with services.works.begin(self.id) as work:
            save_profile(work, self.profile)
        if platform:
            self.connect(platform)

    @property
    def id(self) -> UUID:
        return self.supplier.supplier_id

    def connect(self, platform: PlatformHouse, *, matricule: str | None = None, **changes: Any) -> UUID:
        """Connect the supplier to the platform, as an organisation of its own; returns the account."""
        self.platform = platform
        driver = PlatformDriver(
            "sandbox", platform.url, f"{platform.url}/oauth2/token", search_delay_s=0, matricule=matricule
        )
        access = PlatformSettings(
            driver,
            "sandbox",
            "sandbox-secret",
            **{"organization_id": self.siren, **changes},  # type: ignore[arg-type]
        )
        with self.services.works.begin(self.id) as work:
            return connect_platform(work, self.services.keyring, "Sandbox", access)

    def hurry(self, **changes: Any) -> None:
        """Talk to the platform with other settings, e.g. shorter time-outs."""
        with self.services.works.begin(self.id) as work:
            found = self.services.platform_for(work)
        assert found is not None
        guarded: Any = found[1]
        guarded.platform = AfnorPlatform(replace(guarded.platform._settings, **changes), self.services.reach)

    def issue(self, *lines: dict[str, Any], **changes: Any) -> Issued:
        """Issue an invoice of ours: one line of 100.00 and 20 % unless told otherwise."""
        return self.issue_bytes(self.request(*lines, **changes))

    def request(self, *lines: dict[str, Any], **changes: Any) -> bytes:
        """Our JSON of such an invoice."""
        body = {"buyer": buyer(), "lines": list(lines) or [line()], **changes}
        return json.dumps(body, default=str).encode()

    def issue_bytes(self, content: bytes, filename: str = "invoice.json", **options: Any) -> Issued:
        """Issue any file for this supplier."""
        return issue_content(self.services, content, filename, IssueOptions(**{"supplier": self.siren, **options}))

    def pay(
        self, invoice: Invoice, amount_minor: int | None = None, ref: str | None = None, *, minutes: int = 0
    ) -> str:
        """Final money for an invoice; returns the provider's payment id."""
        with self.services.works.begin(self.id) as work:
            attempt_id = attempt(work, invoice, amount_minor, minutes=minutes)
            payment = ref or f"pi_{attempt_id.hex}"
            amount = amount_minor or invoice.payable_minor
            record_facts(work, [MoneyReceived(payment, attempt_id, amount, "EUR", MORNING, "card")])
        return payment

    def give_back(self, payment: str, amount_minor: int, kind: str = "refund") -> None:
        """Money that goes back."""
        with self.services.works.begin(self.id) as work:
            record_facts(work, [MoneyReturned(f"re_{new_id().hex}", payment, kind, amount_minor, "EUR", MORNING)])

    def step(self) -> None:
        """One round of everything that the worker does, without waiting for what is not due yet."""
        with self.services.works.begin(self.id) as work:
            for table in ("inbox", "outbox"):
                work.execute(f"UPDATE {table} SET next_try_at = now() WHERE supplier_id = :supplier")  # noqa: S608
            work.execute("UPDATE platform_flows SET ask_at = now() WHERE supplier_id = :supplier")
            work.execute(
                "UPDATE platform_calls SET retry_at = now() WHERE supplier_id = :supplier AND retry_at IS NOT NULL"
            )
        for _ in range(2):  # the second sends what the first has planned
            self.worker.drain_outbox_of(self.id)
        for ask in (self.services.follower.follow, self.services.poller.poll):
            with suppress(PlatformPausedError):
                ask(self.id)
        self.worker.drain_inbox_of(self.id)

    def until(self, reached: Callable[[], bool]) -> None:
        """Work until ``reached``; fails with what is known after a while."""
        deadline = time.monotonic() + PATIENCE_S
        while not reached():
            assert time.monotonic() < deadline, (self.flows(), self.codes(), self.outbox())
            self.step()
            time.sleep(0.02)

    def settle(self) -> None:
        """Work until nothing is left to be done, and a little on."""
        self.until(
            lambda: (
                all(state == "done" for _, state, _ in self.outbox())
                and not any(state == "sent" for _, state, _ in self.flows())
            )
        )
        for _ in range(3):
            self.step()

    def rows(self, sql: str, **values: Any) -> Sequence[Any]:
        """Rows of this supplier."""
        with self.services.works.begin(self.id) as work:
            return work.rows(sql, **values)

    def flows(self) -> list[tuple[str, str, int]]:
        """(kind, state, sends) of every flow, oldest first."""
        rows = self.rows(
            "SELECT kind, state, sends FROM platform_flows WHERE supplier_id = :supplier ORDER BY created_at"
        )
        return [(row["kind"], row["state"], row["sends"]) for row in rows]

    def codes(self, direction: str = "in") -> list[str]:
        """Codes of the statuses in one direction, as they were set."""
        rows = self.rows(
            "SELECT code FROM statuses WHERE supplier_id = :supplier AND direction = :direction "
            "ORDER BY set_at, created_at",
            direction=direction,
        )
        return [row["code"] for row in rows]

    def outbox(self) -> list[tuple[str, str, str | None]]:
        """(kind, state, reason) of every fact."""
        rows = self.rows("SELECT kind, state, reason FROM outbox WHERE supplier_id = :supplier ORDER BY outbox_id")
        return [(row["kind"], row["state"], row["reason"]) for row in rows]

    def at_platform(self, *, direction: str = "Out") -> list[dict[str, Any]]:
        """What the platform holds of this supplier."""
        assert self.platform is not None
        return [flow for flow in self.platform.flows(self.siren) if flow["flowDirection"] == direction]

    def collected_at_platform(self) -> list[dict[str, str]]:
        """Amounts by rate of every 212 that the platform accepted."""
        return [
            {
                _plain(amount["rate"]): amount["amount"]
                for amount in flow["status"]["amounts"]
                if amount["kind"] == "MEN"
            }
            for flow in self.at_platform()
            if "status" in flow and flow["acknowledgement"]["status"] == "Ok"
        ]


def _plain(rate: str) -> str:
    """A rate without the zeros that the file writes."""
    return f"{Decimal(rate).normalize():f}"
