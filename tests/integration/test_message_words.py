"""Messages are found by the beginnings of their words, and never another supplier's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ledger_builders import issue
from sqlalchemy import text

from config.clock import new_id
from receivables.domain.conversations.messages import Channel, Side, Subject
from receivables.services.conversations.messaging import Say, say
from receivables.store.conversations.message_words import holding
from receivables.store.conversations.messages import list_threads
from receivables.store.customer_file.finding import find
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

SAID = "L'échéance du n° 2026-17 : réglée « hier » par la sœur d'André, 1.250,00 EUR"


def write(work: Work, said: str) -> None:
    """A message of a customer."""
    subject = Subject(issue(work).customer_id, None)
    say(work, Say(subject, Side.CUSTOMER, Channel.PAGE, "test", "André", said, str(new_id())))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("échéance", 1),
        ("ECHEANCE", 1),
        ("eche", 1),
        ("soeur réglé", 1),
        ("2026", 1),
        ("1250", 0),
        ("hier andre", 1),
        ("cheance", 0),
        ("hier demain", 0),
        ("%", 0),
        ("__", 0),
        ("« »", 0),
    ],
)
def test_a_message_is_found_where_each_word_begins_one_of_its_words(
    works: Works, supplier: Supplier, wanted: str, found: int
) -> None:
    with works.begin(supplier.supplier_id) as work:
        write(work, SAID)
        write(work, "Bonjour")
        assert [each.title for each in find(work, wanted, None)["message"]] == [SAID] * found
        assert len(list_threads(work, new_id(), wanted=wanted)) == found


def test_nobody_finds_another_supplier_s_messages(works: Works, supplier: Supplier) -> None:
    other = create_supplier(works.database, f"FOREIGN {new_id()}", "Somebody else").supplier_id
    with works.begin(other) as work:
        write(work, "Confidentiel")
        assert len(find(work, "confid", None)["message"]) == 1
    with works.begin(supplier.supplier_id) as work:
        assert find(work, "confid", None)["message"] == []
        sql, values = holding(work, "confid")
        for condition in ("supplier_id = :supplier", "supplier_id = :other", "true"):
            asked = sql.replace("supplier_id = :supplier", condition)
            assert work.rows(asked, **values, other=other) == [], condition


def test_the_search_looks_into_the_index_with_row_level_security_on(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        work.execute("SET LOCAL enable_seqscan = off")
        sql, values = holding(work, "confid")
        plan = work.connection.execute(text(f"EXPLAIN {sql}"), {**values, "supplier": supplier.supplier_id}).scalars()
        conditions = [line for line in plan if "Index Cond" in line]
    assert len(conditions) == 1
    assert "word >=" in conditions[0], "not only the supplier"
