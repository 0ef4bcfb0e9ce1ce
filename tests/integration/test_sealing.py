"""The audit trail is sealed into a chain: whatever is flipped, deleted, inserted or reordered shows."""

from __future__ import annotations

import json
import threading
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from catalogue import superuser
from ledger_builders import attempt, issue, received

from receivables.services.accounting import sealing
from receivables.services.accounting.sealing import seal_audit, verify_chain
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from config.embedded import EmbeddedPostgres
    from receivables.store.register import Supplier
    from receivables.store.work import Works

ROWS, BLOCKS = 12, 4
_ALL = "SELECT * FROM {} WHERE supplier_id = %s"


@pytest.fixture
def chain(works: Works, supplier: Supplier, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Works:
    """Four sealed blocks of three rows, older than a minute."""
    monkeypatch.setattr(sealing, "SEALED_WITHIN_S", 60)
    for number in range(ROWS):
        with works.begin(supplier.supplier_id) as work:
            work.audit("tester", "something.happened", f"object-{number}", number=number)
        if number % (ROWS // BLOCKS) == ROWS // BLOCKS - 1:
            works.run(supplier.supplier_id, seal_audit)
    with superuser(postgres) as connection:  # verifying takes rows of the last minute for not yet sealed
        connection.execute(
            "UPDATE audit_rows SET happened_at = happened_at - interval '2 minutes' WHERE supplier_id = %s",
            (supplier.supplier_id,),
        )
        connection.execute("DELETE FROM audit_seals WHERE supplier_id = %s", (supplier.supplier_id,))
    return works


def faults(works: Works, supplier: Supplier) -> int:
    with works.begin(supplier.supplier_id) as work:
        return verify_chain(work).faults


def seal_all(works: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BLOCK_ROWS", ROWS // BLOCKS)
    while works.run(supplier.supplier_id, seal_audit):
        continue


def test_an_untouched_chain_is_whole(chain: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(chain, supplier) == ROWS, "no row of long ago may stay unsealed"
    seal_all(chain, supplier, monkeypatch)
    with chain.begin(supplier.supplier_id) as work:
        assert work.scalar("SELECT count(*) FROM audit_seals WHERE supplier_id = :supplier") == BLOCKS
        state = verify_chain(work)
    assert (state.rows, state.faults) == (ROWS, 0)


def flip_row(connection: psycopg.Connection[Any], supplier_id: Any, chance: Random) -> None:
    column, value = chance.choice(
        [
            ("actor", "'x'"),
            ("act", "act || '.'"),
            ("object", "'other'"),
            ("details", "'{\"number\": 99}'"),
            ("happened_at", "happened_at + interval '1 microsecond'"),
        ]
    )
    connection.execute(
        f"UPDATE audit_rows SET {column} = {value} WHERE supplier_id = %s AND audit_id = %s",  # noqa: S608 -- names of tables and columns come from the test
        (supplier_id, _some_row(connection, supplier_id, chance)),
    )


def delete_row(connection: psycopg.Connection[Any], supplier_id: Any, chance: Random) -> None:
    connection.execute(
        "DELETE FROM audit_rows WHERE supplier_id = %s AND audit_id = %s",
        (supplier_id, _some_row(connection, supplier_id, chance)),
    )


def insert_row(connection: psycopg.Connection[Any], supplier_id: Any, chance: Random) -> None:
    """A row that pretends to have been there: as old as another one, in no block."""
    connection.execute(
        "INSERT INTO audit_rows (supplier_id, actor, act, object, happened_at, written_in) "
        "SELECT supplier_id, 'forger', act, object, happened_at, written_in FROM audit_rows "
        "WHERE supplier_id = %s AND audit_id = %s",
        (supplier_id, _some_row(connection, supplier_id, chance)),
    )


def swap_rows(connection: psycopg.Connection[Any], supplier_id: Any, chance: Random) -> None:
    one, other = chance.sample(_rows(connection, supplier_id), 2)
    connection.execute(
        "UPDATE audit_rows AS row SET object = source.object, details = source.details FROM audit_rows AS source "
        "WHERE row.supplier_id = %(s)s AND source.supplier_id = %(s)s AND row.audit_id <> source.audit_id "
        "AND row.audit_id = ANY(%(ids)s) AND source.audit_id = ANY(%(ids)s)",
        {"s": supplier_id, "ids": [one, other]},
    )


def delete_seal(connection: psycopg.Connection[Any], supplier_id: Any, chance: Random) -> None:
    connection.execute(
        "DELETE FROM audit_seals WHERE supplier_id = %s AND block = %s", (supplier_id, chance.randint(1, BLOCKS))
    )


def swap_seals(connection: psycopg.Connection[Any], supplier_id: Any, chance: Random) -> None:
    one, other = chance.sample(range(1, BLOCKS + 1), 2)
    for before, after in ((one, 1000), (other, one), (1000, other)):
        connection.execute(
            "UPDATE audit_seals SET block = %s WHERE supplier_id = %s AND block = %s", (after, supplier_id, before)
        )


def flip_seal(connection: psycopg.Connection[Any], supplier_id: Any, chance: Random) -> None:
    column = chance.choice(["hash", "previous_hash"])
    connection.execute(
        f"UPDATE audit_seals SET {column} = set_byte({column}, 3, get_byte({column}, 3) # 1) "  # noqa: S608 -- names of tables and columns come from the test
        "WHERE supplier_id = %s AND block = %s",
        (supplier_id, chance.randint(1, BLOCKS)),
    )


def cut_block(connection: psycopg.Connection[Any], supplier_id: Any, chance: Random) -> None:
    """Take a row out of the world and out of its block."""
    row = _some_row(connection, supplier_id, chance)
    connection.execute("DELETE FROM audit_rows WHERE supplier_id = %s AND audit_id = %s", (supplier_id, row))
    connection.execute(
        "UPDATE audit_seals SET audit_ids = array_remove(audit_ids, %s) WHERE supplier_id = %s", (row, supplier_id)
    )


def _rows(connection: psycopg.Connection[Any], supplier_id: Any) -> list[int]:
    return [
        row[0] for row in connection.execute("SELECT audit_id FROM audit_rows WHERE supplier_id = %s", (supplier_id,))
    ]


def _some_row(connection: psycopg.Connection[Any], supplier_id: Any, chance: Random) -> int:
    return chance.choice(_rows(connection, supplier_id))


TAMPERS = (flip_row, delete_row, insert_row, swap_rows, delete_seal, swap_seals, flip_seal, cut_block)


def test_every_tampering_shows(
    chain: Works, supplier: Supplier, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_all(chain, supplier, monkeypatch)
    chance = Random(7)
    caught = dict.fromkeys((tamper.__name__ for tamper in TAMPERS), 0)
    for number in range(100):
        tamper: Callable[..., None] = TAMPERS[number % len(TAMPERS)]
        with superuser(postgres) as connection:
            point = {
                table: connection.execute(_ALL.format(table), (supplier.supplier_id,)).fetchall()
                for table in ("audit_rows", "audit_seals")
            }
            tamper(connection, supplier.supplier_id, chance)
        assert faults(chain, supplier) > 0, f"{tamper.__name__} went unseen"
        caught[tamper.__name__] += 1
        with superuser(postgres) as connection:
            _restore(connection, supplier.supplier_id, point)
    assert faults(chain, supplier) == 0
    assert all(caught.values())


def _restore(connection: psycopg.Connection[Any], supplier_id: Any, point: dict[str, list[Any]]) -> None:
    for table, rows in point.items():
        connection.execute(f"DELETE FROM {table} WHERE supplier_id = %s", (supplier_id,))  # noqa: S608 -- our tables
        for row in rows:
            marks = ", ".join(["%s"] * len(row))
            values = [json.dumps(value) if isinstance(value, dict) else value for value in row]
            connection.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE VALUES ({marks})", values)  # noqa: S608 -- our tables


def test_a_row_that_commits_late_is_sealed_later_and_never_skipped(works: Works, supplier: Supplier) -> None:
    written, sealed = threading.Event(), threading.Event()

    def slow() -> None:
        with works.begin(supplier.supplier_id) as work:
            work.audit("slow", "something.happened", "late")
            written.set()
            assert sealed.wait(10)

    thread = threading.Thread(target=slow)
    thread.start()
    assert written.wait(10)
    with works.begin(supplier.supplier_id) as work:
        work.audit("fast", "something.happened", "early")
    assert works.run(supplier.supplier_id, seal_audit) == 0, "a transaction still runs that began before"
    sealed.set()
    thread.join()
    assert works.run(supplier.supplier_id, seal_audit) == 2
    assert works.run(supplier.supplier_id, seal_audit) == 0
    assert faults(works, supplier) == 0


def test_two_sealers_at_once_make_one_chain(works: Works, supplier: Supplier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BLOCK_ROWS", 2)
    for number in range(20):
        with works.begin(supplier.supplier_id) as work:
            work.audit("tester", "something.happened", str(number))
    counts: list[int] = []

    def seal() -> None:
        while count := works.run(supplier.supplier_id, seal_audit):
            counts.append(count)

    threads = [threading.Thread(target=seal) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 20
    assert faults(works, supplier) == 0


def test_an_entry_without_its_audit_row_shows(works: Works, supplier: Supplier, postgres: EmbeddedPostgres) -> None:
    with works.begin(supplier.supplier_id) as work:
        record_facts(work, [received(attempt(work, issue(work)), 10000, "pi_seen")])
    assert faults(works, supplier) == 0
    with superuser(postgres) as connection:
        connection.execute(
            "DELETE FROM audit_rows WHERE supplier_id = %s AND object = 'pi_seen'", (supplier.supplier_id,)
        )
    assert faults(works, supplier) == 1
