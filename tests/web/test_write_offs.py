"""Giving up much of a claim takes two people; many small steps make no large one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from ledger_builders import customer_facts, issue
from portal_house import press

from receivables.errors import ConflictError, NotFoundError
from receivables.services.collecting.claiming import MakeClaim, make_claim
from receivables.services.collecting.reckoning import set_terms
from receivables.services.settlement.writing_off import (
    DEFAULT_LIMIT_MINOR,
    agree_write_off,
    give_up,
    open_write_offs,
    refuse_write_off,
    set_write_off_limit,
    write_off_limit,
)
from receivables.store.collecting.claims import InterestTerms, get_claim

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House

    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


def much(work: Work) -> UUID:
    """A claim for far more than the limit."""
    set_terms(work, InterestTerms(date(2026, 1, 1), Decimal("12.15")), "test")
    late = issue(
        work,
        customer=customer_facts(f"Atelier {work.supplier_id.hex[:6]}", None),
        issued_on=date(2026, 3, 1),
        due_on=date(2026, 3, 31),
        total_minor=5_000_000,
        payable_minor=5_000_000,
    )
    claim = make_claim(work, MakeClaim(late.customer_id, (late.invoice_id,), date(2026, 9, 30), "test"))
    assert claim.open_minor > 5 * DEFAULT_LIMIT_MINOR
    return claim.claim_id


def test_little_is_given_up_at_once_and_much_waits_for_a_second_person(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        claim_id = much(work)
        before = get_claim(work, claim_id).open_minor
        assert give_up(work, claim_id, DEFAULT_LIMIT_MINOR, reason="geste", actor="person a") is None
        assert get_claim(work, claim_id).open_minor == before - DEFAULT_LIMIT_MINOR
        asked = give_up(work, claim_id, 1, reason="un centime de plus", actor="person a")
        assert asked is not None, "small steps add up"
        assert get_claim(work, claim_id).open_minor == before - DEFAULT_LIMIT_MINOR, "nothing is given up yet"
        with pytest.raises(ConflictError) as same:
            agree_write_off(work, asked, "person a")
        assert same.value.code == "write_off.same_person"
        with pytest.raises(ConflictError) as waiting:
            give_up(work, claim_id, None, reason="tout", actor="person b")
        assert waiting.value.code == "write_off.waiting"
        agree_write_off(work, asked, "person b")
        assert get_claim(work, claim_id).open_minor == before - DEFAULT_LIMIT_MINOR - 1
        with pytest.raises(NotFoundError):
            agree_write_off(work, asked, "person b")


def test_what_is_refused_stays_owed_and_can_be_asked_again(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        claim_id = much(work)
        before = get_claim(work, claim_id).open_minor
        asked = give_up(work, claim_id, None, reason="tout", actor="person a")
        assert asked is not None
        refuse_write_off(work, asked, "person a")
        assert get_claim(work, claim_id).open_minor == before
        again = give_up(work, claim_id, None, reason="tout", actor="person a")
        assert [each.write_off_id for each in open_write_offs(work, claim_id)] == [again]


def test_the_limit_is_the_supplier_s_own(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        assert write_off_limit(work) == DEFAULT_LIMIT_MINOR
        assert not set_write_off_limit(work, 0, "test"), "a supplier without a profile keeps the usual one"
        work.execute("INSERT INTO supplier_profiles (supplier_id, profile, changed_at) VALUES (:supplier, '{}', now())")
        assert set_write_off_limit(work, 0, "test")
        assert give_up(work, much(work), 1, reason="un centime", actor="person a") is not None


def test_the_pages_ask_a_second_person_who_has_proved_who_they_are(client: FlaskClient, house: House) -> None:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        claim_id = much(work)
        before = get_claim(work, claim_id).open_minor
    house.sign_in(client, "collector")
    press(client, f"/s/claims/{claim_id}/waive", reason="Geste commercial")
    assert "attend un second accord" in client.get(f"/s/claims/{claim_id}?lang=fr").text
    with house.services.works.begin(house.supplier.supplier_id) as work:
        (asked,) = open_write_offs(work, claim_id)
    path = f"/s/claims/write-offs/{asked.write_off_id}/agree"
    assert press(client, path).status_code == 404, "a collector asks, and does not agree"
    house.sign_in(client, "credit_manager")
    assert "Geste commercial" in client.get("/s/claims/write-offs").text
    assert press(client, path).location == "/s/claims/write-offs?told=decided"
    with house.services.works.begin(house.supplier.supplier_id) as work:
        assert before > 0
        assert get_claim(work, claim_id).open_minor == 0
