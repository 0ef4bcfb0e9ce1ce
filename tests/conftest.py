"""What every test may use: the real PostgreSQL, one fresh supplier per test."""

from __future__ import annotations

import gc
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from werkzeug.routing import Rule

sys.path.insert(0, str(Path(__file__).parent))

from catalogue import set_durable

from config.clock import new_id
from config.database import Database, migrate
from config.embedded import EmbeddedPostgres
from config.settings import Settings
from einvoice.archive.filesystem import Archive
from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine
from receivables.services.accounting import sealing
from receivables.store.register import Supplier, create_supplier
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date


hypothesis_settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("house")
"""No example is too slow: how long one takes is a matter of what else the machine does."""

LONGEST = (
    "test_pages_of_staff",
    "test_access",
    "test_pages_of_customer",
    "test_portal_threats",
    "test_sweep",
    "test_browser",
)
"""Files of few, long tests: begun last, one worker would end with them alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that the workers end together."""
    items.sort(key=lambda each: LONGEST.index(each.path.stem) if each.path.stem in LONGEST else len(LONGEST))


gc.disable()
"""Until all tests are collected: what is imported stays, and the collector would look at it again and again."""


def pytest_collection_finish() -> None:
    """Leave what is there before the first test to nobody's look, and let the collector come seldom.

    Each test makes an app of a hundred thousand objects and throws it away: by Python's own thresholds the collector
    walked for each of them through everything that is kept for the session.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 20)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def collected_messages() -> None:
    """Copy every life-cycle message and declaration that is archived, where a folder asks for it (make messages)."""
    folder = os.environ.get("QUITTANCE_MESSAGES")
    if not folder:
        return
    keep = Archive.put

    def put(self: Archive, data: bytes, retain_until: date) -> str:
        if b"CrossDomainAcknowledgementAndResponse" in data[:600] or b"<Report>" in data[:200]:
            (Path(folder) / f"{hashlib.sha256(data).hexdigest()}.xml").write_bytes(data)
        return keep(self, data, retain_until)

    Archive.put = put  # type: ignore[method-assign] -- for the whole session, in every process of it


@pytest.fixture(scope="session", autouse=True)
def compiled_addresses() -> Iterator[None]:
    """Compile what builds each route's addresses once: that is nearly all the time of making an app of 600 routes."""
    compiled: dict[tuple[object, ...], Any] = {}

    def compile_once(rule: Rule, append_unknown: bool = True) -> Any:  # noqa: FBT001, FBT002 -- as werkzeug calls it
        key = (append_unknown, *rule._trace, *sorted(rule.arguments), *(rule.defaults or {}).items())
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        compile_builder = Rule._compile_builder
        patch.setattr(Rule, "_compile_builder", compile_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def nobody_seals() -> Iterator[None]:
    """Nobody seals audit trails beside the tests, and on a full machine a test takes longer than a worker would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "SEALED_WITHIN_S", 3600)
        yield


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a house in a folder of its own, patient with a machine that has much else to do."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("house"),
        private_hosts_allowed=True,
        statement_timeout_ms=60_000,
        lock_timeout_ms=60_000,
        idle_transaction_timeout_ms=120_000,
    )


@pytest.fixture(scope="session")
def postgres(settings: Settings) -> Iterator[EmbeddedPostgres]:
    """A real PostgreSQL, stopped at the end."""
    server = EmbeddedPostgres(settings.data_dir / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def database(postgres: EmbeddedPostgres, settings: Settings) -> Iterator[Database]:
    """A migrated database.

    Once it is found safe its server waits for no disk: no test cuts the power, and those that kill a server
    (``tests/chaos``) have one of their own.
    """
    url = postgres.start("tests")
    migrate(url)
    opened = Database(url, settings)
    opened.check_safety()
    set_durable(postgres, durable=False)
    yield opened
    opened.dispose()


@pytest.fixture
def works(database: Database) -> Works:
    """Begins transactions."""
    return Works(database)


@pytest.fixture
def supplier(database: Database) -> Supplier:
    """A supplier that no other test knows: suppliers are separated by construction, so tests are too."""
    siren = f"{new_id().int % 10**9:09d}"
    return create_supplier(database, siren, f"Fournisseur {siren}")


@pytest.fixture(scope="session")
def shared_engine() -> Iterator[SchematronEngine]:
    """The real rules, compiled once."""
    with SchematronEngine() as engine:
        yield engine


@pytest.fixture(scope="session")
def validator(shared_engine: SchematronEngine) -> Validator:
    """Judges by the real rules."""
    return Validator(shared_engine)
