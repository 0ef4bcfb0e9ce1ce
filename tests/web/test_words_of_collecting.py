"""What collectors, credit managers and accountants read: words for codes, one filled button, the reader's amounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from portal_house import press

from config.clock import new_id
from portal.staff.indicators.pictures import picture_of_groups
from portal.telling.account_names import name_journal
from portal.telling.account_words import event_words
from portal.telling.segments import name_segment
from receivables.domain.accounting.ledger import BANK_JOURNAL, SALES_JOURNAL
from receivables.services.measuring.indicator_views import Group
from receivables.store.customer_file.journal import AccountEvent

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House


def test_amounts_of_the_credit_rules_stand_in_the_readers_language(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "owner")
    page = client.get("/s/credit/policy").text
    assert 'value="0,00"' in page
    assert 'value="0.00"' not in page


@pytest.mark.parametrize(
    "path",
    [
        "/s/credit/customers/{customer}",
        "/s/customers/{customer}",
        "/s/insurance",
        "/s/insurance/decisions",
        "/s/scores/agencies",
        "/s/factoring",
    ],
)
def test_a_page_has_one_filled_button(client: FlaskClient, house: House, path: str) -> None:
    house.sign_in(client, "owner")
    page = client.get(path.format(customer=house.customer_id))
    assert page.status_code == 200
    assert page.text.count('class="button"') <= 1


def test_a_journal_is_called_by_its_name(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    assert f"<strong>{name_journal(SALES_JOURNAL)}</strong>" in client.get("/s/exports").text
    assert name_journal(BANK_JOURNAL)
    assert name_journal("ZZ") == "", "a journal that is not ours keeps its code"


def test_no_statement_chosen_is_said_so(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    answer = press(client, "/s/bank")
    assert answer.status_code == 422
    assert "Choisissez un fichier." in answer.text


def test_a_reminder_is_told_by_the_name_of_its_level() -> None:
    facts = {"level": 1, "total": "12,00 €", "contact": "Anna Roux"}
    told, _, _ = event_words(AccountEvent(new_id(), "dunning.sent", "system", shown=True, facts=facts))
    assert told == "Relance courtoise\u00a0: 12,00 € (Anna Roux)"


def test_a_segment_of_the_house_has_a_name_and_one_of_the_suppliers_its_own() -> None:
    assert name_segment("standard") == "Sans segment"
    assert name_segment("grands comptes") == "grands comptes"


def test_a_name_below_a_column_is_cut_only_where_there_is_no_room() -> None:
    names = ["Camille Renard", "Administration des ventes"]
    few = [(each, Group(each, 1, 100, 0, 0, 0, 0)) for each in names]
    assert [each.words for each in picture_of_groups(few, "Par équipe", "EUR").names] == names
    many = picture_of_groups(few * 4, "Par équipe", "EUR").names
    assert {len(each.words) for each in many} == {8}
