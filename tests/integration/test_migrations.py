"""A house of the first release is brought up to date: what it keeps gets its day, and its audit chain stays whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from alembic import command
from alembic.config import Config
from catalogue import superuser
from sqlalchemy import create_engine

import migrations
from config.clock import new_id
from config.database import Database, migrate
from receivables.services.accounting import sealing
from receivables.services.accounting.sealing import seal_audit, show_rows, verify_chain
from receivables.store.register import create_supplier
from receivables.store.work import Works

if TYPE_CHECKING:
    import pytest

    from config.embedded import EmbeddedPostgres
    from config.settings import Settings

DOCUMENT = (
    "INSERT INTO documents (supplier_id, document_id, invoice_id, form, filename, mime, sha256, size_bytes, "
    "created_at) VALUES (%s, %s, %s, 'cii', %s, 'application/xml', %s, 1, %s)"
)
INVOICE = (
    "INSERT INTO invoices (supplier_id, invoice_id, customer_id, number, issue_year, origin, type_code, issued_on, "
    "due_on, currency, total_minor, prepaid_minor, payable_minor, vat_on_collection, vat_rows, document, routing, "
    "created_at) VALUES (%s, %s, %s, 'OLD-1', 2025, 'finished', '380', '2025-12-01', '2025-12-31', 'EUR', 12000, 0, "
    "12000, false, '[]', '{}', 'b2b', '2025-12-01 12:00+00')"
)
"""As the first release wrote it: what issues today knows of tables that were not there."""


def bring_to(url: str, revision: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, revision)
    engine.dispose()


def test_documents_of_before_get_their_day_and_new_ones_need_none_from_an_old_release(
    postgres: EmbeddedPostgres, settings: Settings
) -> None:
    name = f"old_{new_id().hex}"
    url = postgres.start(name)
    bring_to(url, "0001")
    database = Database(url, settings)
    supplier = create_supplier(database, f"OLD {name}", "Old house")
    invoice_id = new_id()
    with superuser(postgres, name) as connection:
        connection.execute(INVOICE, (supplier.supplier_id, invoice_id, new_id()))
        for filename, at in (("a", "2025-12-31 22:59+00"), ("b", "2025-12-31 23:00+00")):  # midnight in Paris between
            connection.execute(DOCUMENT, (supplier.supplier_id, new_id(), invoice_id, filename, "0" * 64, at))
    migrate(url)
    with superuser(postgres, name) as connection:
        connection.execute(DOCUMENT, (supplier.supplier_id, new_id(), invoice_id, "c", "0" * 64, "2026-03-01 12:00+00"))
        connection.execute("SET session_replication_role = origin")
        rows = connection.execute("SELECT filename, retain_until::text FROM documents ORDER BY filename").fetchall()
        try:
            connection.execute("UPDATE documents SET retain_until = '2000-01-01'")
        except psycopg.errors.IntegrityConstraintViolation:
            connection.rollback()
        else:
            raise AssertionError("the guard of the table was lifted")
    assert rows[:2] == [("a", "2035-12-31"), ("b", "2036-12-31")]
    assert rows[2][1].endswith("-12-31")
    database.dispose()


def test_blocks_of_both_schemes_make_one_chain(
    postgres: EmbeddedPostgres, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"chain_{new_id().hex}"
    url = postgres.start(name)
    migrate(url)
    database = Database(url, settings)
    works = Works(database)
    supplier_id = create_supplier(database, f"OLD {name}", "Old house").supplier_id
    for scheme in (1, 2, 2):
        with works.begin(supplier_id) as work:
            work.audit("tester", "something.happened", f"scheme {scheme}")
            work.audit("tester", "something.else", "of somebody else")
        with monkeypatch.context() as then:
            then.setattr(sealing, "SCHEME", scheme)
            works.run(supplier_id, seal_audit)
    with works.begin(supplier_id) as work:
        assert verify_chain(work).faults == 0
        ids = [row["audit_id"] for row in work.rows("SELECT audit_id FROM audit_rows WHERE object LIKE 'scheme %'")]
        old, *fresh = show_rows(work, ids)
    assert (old.scheme, old.leaves) == (1, ())
    assert [(len(each.leaves), [*each.rows]) for each in fresh] == [(2, [0]), (2, [0])]
    assert "somebody else" not in str(fresh)
    with superuser(postgres, name) as connection:
        connection.execute("UPDATE audit_seals SET scheme = 3 - scheme")
    with works.begin(supplier_id) as work:
        assert verify_chain(work).faults > 0, "the scheme is part of what is checked"
    database.dispose()
