"""The demonstration's statements: every kind of line that a treasurer meets, and no gap in the books."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from ledger_builders import issue
from portal_house import build_house

from payments.banking.checks import check_bank
from payments.banking.lines import LineFilter, list_lines
from portal.demo.bank import bring_statements
from receivables.services.accounting.checks import run_checks

if TYPE_CHECKING:
    from portal.demo.story import Staged
    from portal.wiring import Services


def test_the_demonstration_brings_a_statement_with_every_kind_of_line(services: Services) -> None:
    house = build_house(services, "Moulins de l'Yonne")
    with services.works.begin(house.supplier.supplier_id) as work:
        invoices = tuple(issue(work, payable_minor=10_000) for _ in range(9))
        before = [(each.code, each.gap) for each in run_checks(work)]
    profile = SimpleNamespace(iban="FR7630006000011234567890189")
    stage: Any = SimpleNamespace(supplier=house.supplier, player=SimpleNamespace(profile=profile), invoices=invoices)
    assert bring_statements(services, [cast("Staged", stage)]) == 9
    with services.works.begin(house.supplier.supplier_id) as work:
        lines = list_lines(work, LineFilter())[0]
        assert [(each.code, each.gap) for each in run_checks(work)] == before, "the house has troubles of its own"
        assert [each.gap for each in check_bank(work)] == [0, 0, 0]
    states = {line.state for line in lines}
    assert {"matched", "unidentified", "not_ours"} <= states
    assert 30_000 in {line.amount_minor for line in lines if line.state == "matched"}, "three invoices in one"
