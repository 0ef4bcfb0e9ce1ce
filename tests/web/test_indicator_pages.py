"""The indicator pages: what they show adds up, downloads carry it, and mails come when they are due."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from portal_house import press

from config.clock import today
from portal.staff.indicators.drawing import Column, Part, draw_columns, draw_lines, top_of
from portal.staff.indicators.mailing import send_mailings
from portal.staff.indicators.words import GROUPS, NAMES
from receivables.services.measuring.indicators import indicators
from receivables.store.measuring.indicator_mailings import next_day
from receivables.store.measuring.measures import sum_measures
from receivables.store.measuring.scopes import Scope

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House


@pytest.fixture
def collector(house: House, client: FlaskClient) -> FlaskClient:
    """The collector's browser."""
    house.sign_in(client, "collector")
    return client


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))


def test_the_board_has_a_tile_for_every_indicator_that_it_names(collector: FlaskClient) -> None:
    page = collector.get("/s/indicators").text
    for _, keys in GROUPS:
        for key in keys:
            assert f"/s/indicators/figures/{key}?" in page


def test_every_indicator_has_a_page_and_words(house: House, collector: FlaskClient) -> None:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        found = indicators(work, Scope(today())).indicators
    assert set(found) == set(NAMES)
    for key, indicator in found.items():
        for part in range(len(indicator.components)):
            assert collector.get(f"/s/indicators/figures/{key}?part={part}").status_code == 200, key
    assert collector.get(f"/s/indicators/figures/{next(iter(found))}?part=9").status_code == 200, "the last one"


def test_the_file_of_a_figure_adds_up_to_it(house: House, collector: FlaskClient) -> None:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        sums = sum_measures(work, ["receivable", "sales"], Scope(today()))
    for name, total in sums.items():
        told = rows_of(collector.get(f"/s/indicators/lines/{name}.csv").text)
        cents = sum(round(float(row["montant"].replace(",", ".")) * 100) for row in told)
        assert (cents, len(told)) == (total.minor, total.count)
        assert total.minor > 0


def test_a_past_day_is_asked_for_by_the_address_and_a_strange_one_is_today(collector: FlaskClient) -> None:
    past = (today() - timedelta(days=40)).isoformat()
    assert f'value="{past}"' in collector.get(f"/s/indicators?on={past}").text
    for strange in ("2999-01-01", "hier", "%00"):
        assert f'value="{today().isoformat()}"' in collector.get(f"/s/indicators?on={strange}&days=7&age=9&part=x").text


@pytest.mark.parametrize(
    "path", ["figures/none", "lines/none.csv", "lines/receivable.exe", "by/none", "forecast?week=99", "table.exe"]
)
def test_what_does_not_exist_is_not_found(collector: FlaskClient, path: str) -> None:
    assert collector.get(f"/s/indicators/{path}").status_code == 404


@pytest.mark.parametrize("path", ["table.xlsx", "table.json", "forecast/table.csv", "lines/late.xlsx"])
def test_every_table_is_a_file_too(collector: FlaskClient, path: str) -> None:
    answer = collector.get(f"/s/indicators/{path}")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]


def test_the_weeks_of_the_forecast_open_their_claims(collector: FlaskClient) -> None:
    page = collector.get("/s/indicators/forecast?week=rest").text
    assert 'id="claims"' in page


def test_a_mailing_is_asked_for_written_when_due_and_stopped(house: House, collector: FlaskClient) -> None:
    services, supplier_id = house.services, house.supplier.supplier_id
    assert press(collector, "/s/indicators/mailings", rhythm="daily", currency="EUR").status_code == 303
    assert send_mailings(services, supplier_id) == 0, "from tomorrow on"
    with services.works.begin(supplier_id) as work:
        (mailing_id,) = work.rows("SELECT mailing_id FROM indicator_mailings WHERE supplier_id = :supplier")[0].values()
        work.execute(
            "UPDATE indicator_mailings SET next_on = :day WHERE supplier_id = :supplier",
            day=today() - timedelta(days=3),
        )
    assert (send_mailings(services, supplier_id), send_mailings(services, supplier_id)) == (1, 0)
    with services.works.begin(supplier_id) as work:
        mail = work.row(
            "SELECT * FROM mails WHERE supplier_id = :supplier AND mail_key = :key",
            key=f"indicators/{mailing_id}/{(today() - timedelta(days=1)).isoformat()}",
        )
        next_on = work.scalar("SELECT next_on FROM indicator_mailings WHERE supplier_id = :supplier")
    assert mail is not None
    assert mail["recipient"] == house.people["collector"].email
    assert "DSO" in mail["text_body"]
    assert f"on={(today() - timedelta(days=1)).isoformat()}" in mail["html_body"]
    assert next_on == today() + timedelta(days=1), "three days missed are one mail"
    assert press(collector, f"/s/indicators/mailings/{mailing_id}/stop").status_code == 303
    assert press(collector, f"/s/indicators/mailings/{mailing_id}/stop").status_code == 404


def test_nobody_stops_the_mailing_of_somebody_else(house: House, client: FlaskClient) -> None:
    house.sign_in(client, "collector")
    press(client, "/s/indicators/mailings", rhythm="weekly")
    with house.services.works.begin(house.supplier.supplier_id) as work:
        mailing_id = work.scalar(
            "SELECT mailing_id FROM indicator_mailings WHERE supplier_id = :supplier AND state = 'on'"
        )
    house.sign_in(client, "owner")
    assert press(client, f"/s/indicators/mailings/{mailing_id}/stop").status_code == 404


def test_rhythms_go_to_the_next_day_monday_or_first() -> None:
    sunday = today() - timedelta(days=today().isoweekday() % 7)
    assert next_day("daily", sunday) == sunday + timedelta(days=1)
    assert next_day("weekly", sunday) == sunday + timedelta(days=1)
    assert next_day("weekly", sunday + timedelta(days=1)) == sunday + timedelta(days=8)
    assert next_day("monthly", sunday).day == 1 < next_day("monthly", sunday).toordinal() - sunday.toordinal() + 1


@pytest.mark.parametrize("most", [0, 1, 7, 99, 4_000, 123_456_789])
def test_an_axis_holds_what_it_shows_in_few_round_steps(most: int) -> None:
    top, step = top_of(most)
    assert top >= most
    assert top % step == 0
    assert str(step).rstrip("0") in {"1", "2", "5"}
    assert top // step <= 4


def test_columns_stay_on_the_floor_and_little_is_still_seen() -> None:
    columns = [Column("a", (Part(1, "a0", "x"), Part(999_999, "a1", "y"))), Column("b", (Part(0, "a0", "z"),))]
    drawing = draw_columns("k", "t", "d", columns, str)
    assert [each.said for each in drawing.shapes] == ["x", "y"], "nothing is drawn of nothing"
    assert drawing.shapes[0].height > 1
    assert drawing.shapes[0].y + drawing.shapes[0].height == drawing.floor
    assert min(each.y for each in drawing.shapes) >= 0


def test_a_line_ends_where_nothing_is_known() -> None:
    line = [Part(1, "s0", ""), None, Part(2, "s0", ""), Part(3, "s0", "")]
    drawing = draw_lines("k", "t", "d", list("abcd"), [line], say=str)
    assert (len(drawing.shapes), len(drawing.paths)) == (3, 1)
