"""What every test may use: the real PostgreSQL, one fresh supplier per test."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from config.clock import new_id
from config.database import Database, migrate
from config.embedded import EmbeddedPostgres
from config.settings import Settings
from einvoice.archive.filesystem import Archive
from receivables.store.register import Supplier, create_supplier
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date


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


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a house in a folder of its own."""
    return Settings(data_dir=tmp_path_factory.mktemp("house"), private_hosts_allowed=True)


@pytest.fixture(scope="session")
def postgres(settings: Settings) -> Iterator[EmbeddedPostgres]:
    """A real PostgreSQL, stopped at the end."""
    server = EmbeddedPostgres(settings.data_dir / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def database(postgres: EmbeddedPostgres, settings: Settings) -> Iterator[Database]:
    """A migrated database."""
    url = postgres.start("tests")
    migrate(url)
    opened = Database(url, settings)
    opened.check_safety()
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
