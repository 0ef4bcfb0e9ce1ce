"""A pay link opens one invoice of one supplier, is stored as a hash, and says so when it was revoked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from checkout_builders import KEYRING
from ledger_builders import issue

from config.clock import new_id
from config.secrets import Keyring, token_bytes, token_text
from payments.links import TOKEN_LENGTH, find_link, mint_link, read_token, revoke_links

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.register import Supplier
    from receivables.store.work import Works


@pytest.fixture
def invoice_id(works: Works, supplier: Supplier) -> UUID:
    with works.begin(supplier.supplier_id) as work:
        return issue(work).invoice_id


def mint(works: Works, supplier: Supplier, invoice_id: UUID, purpose: str = "document") -> str:
    with works.begin(supplier.supplier_id) as work:
        return mint_link(work, KEYRING, invoice_id, purpose)


def test_a_link_opens_its_invoice(works: Works, supplier: Supplier, invoice_id: UUID) -> None:
    found = read_token(mint(works, supplier, invoice_id))
    assert found is not None
    assert found[0] == supplier.supplier_id
    with works.begin(supplier.supplier_id) as work:
        target = find_link(work, found[1])
    assert target is not None
    assert (target.invoice_id, target.revoked) == (invoice_id, False)


def test_each_purpose_has_one_token_the_same_each_time(works: Works, supplier: Supplier, invoice_id: UUID) -> None:
    tokens = {mint(works, supplier, invoice_id, purpose) for purpose in ("document", "mail") for _ in range(3)}
    assert len(tokens) == 2


def test_sixteen_at_once_mint_one_token(works: Works, supplier: Supplier, invoice_id: UUID) -> None:
    with ThreadPoolExecutor(16) as pool:
        tokens = set(pool.map(lambda _: mint(works, supplier, invoice_id), range(32)))
    assert len(tokens) == 1


def test_the_database_holds_no_token(works: Works, supplier: Supplier, invoice_id: UUID) -> None:
    raw = token_bytes(mint(works, supplier, invoice_id))
    assert raw is not None
    with works.begin(supplier.supplier_id) as work:
        stored = [
            bytes(row["token_hash"])
            for row in work.rows("SELECT token_hash FROM pay_links WHERE supplier_id = :supplier")
        ]
    assert len(stored) == 1
    assert raw[16:] not in stored
    assert raw not in stored


def test_another_root_secret_mints_another_token(works: Works, supplier: Supplier, invoice_id: UUID) -> None:
    ours = mint(works, supplier, invoice_id)
    with works.begin(supplier.supplier_id) as work:
        theirs = mint_link(work, Keyring(b"another root secret, 32 bytes....."), invoice_id, "document")
    assert ours != theirs


def test_revoked_links_say_so_and_the_next_one_is_new(works: Works, supplier: Supplier, invoice_id: UUID) -> None:
    old = [mint(works, supplier, invoice_id, purpose) for purpose in ("document", "mail")]
    with works.begin(supplier.supplier_id) as work:
        assert revoke_links(work, invoice_id, "staff: anne") == 2
        assert revoke_links(work, invoice_id, "staff: anne") == 0
    new = mint(works, supplier, invoice_id)
    assert new not in old
    with works.begin(supplier.supplier_id) as work:
        states = []
        for token in (*old, new):
            read = read_token(token)
            assert read is not None
            target = find_link(work, read[1])
            assert target is not None
            states.append((target.invoice_id, target.revoked))
        audited = work.scalar(
            "SELECT count(*) FROM audit_rows WHERE supplier_id = :supplier AND act = 'pay_links.revoked'"
        )
    assert states == [(invoice_id, True), (invoice_id, True), (invoice_id, False)]
    assert audited == 2


def test_a_token_changed_by_one_bit_or_moved_to_another_supplier_opens_nothing(
    works: Works, supplier: Supplier, invoice_id: UUID
) -> None:
    raw = token_bytes(mint(works, supplier, invoice_id))
    assert raw is not None
    for position in range(16, TOKEN_LENGTH, 5):
        flipped = bytearray(raw)
        flipped[position] ^= 1
        read = read_token(token_text(bytes(flipped)))
        assert read is not None
        with works.begin(supplier.supplier_id) as work:
            assert find_link(work, read[1]) is None
    moved = read_token(token_text(new_id().bytes + raw[16:]))
    assert moved is not None
    assert moved[0] != supplier.supplier_id
    with works.begin(supplier.supplier_id) as work:
        assert find_link(work, moved[1]) is None


@pytest.mark.parametrize(
    "text", ["", "x", "a" * 63, "a" * 65, "é" * 64, "../../etc/passwd", "%2e" * 21, "A" * 10_000, "a\n"]
)
def test_a_text_that_is_no_token_of_ours_is_none(text: str) -> None:
    assert read_token(text) is None
