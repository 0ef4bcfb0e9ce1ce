"""The pages of dunning: the dry run, a customer, what was written, scenarios and settings."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from ledger_builders import issue
from portal_house import House, build_house, press
from treasury_till import words

from config.clock import today
from receivables.services.collecting.dunning import adopt_usual_scenarios, rules_of
from receivables.store.collecting.dunning import list_notices, stop_of

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from portal.wiring import Services


@pytest.fixture(scope="module")
def reminding(services: Services) -> House:
    """A house of its own that reminds: what it sends is nobody else's business."""
    house = build_house(services, "Relances Dupont")
    with services.works.begin(house.supplier.supplier_id) as work:
        adopt_usual_scenarios(work, "owner")
        due_on = today() - timedelta(days=9)
        issue(work, issued_on=due_on - timedelta(days=30), due_on=due_on)
    return house


def test_the_owner_begins_with_the_usual_scenarios(client: FlaskClient, neighbour: House) -> None:
    neighbour.sign_in(client, "owner")
    assert "Prendre les scénarios usuels" in client.get("/s/dunning").text
    assert press(client, "/s/dunning/begin").status_code == 303
    page = client.get("/s/dunning/scenarios").text
    for name in ("Professionnels", "Particuliers", "Secteur public", "Mise en demeure"):
        assert name in page


def test_the_dry_run_says_who_gets_what_and_who_does_not(client: FlaskClient, reminding: House) -> None:
    reminding.sign_in(client, "collector")
    day = today()
    while day.weekday() > 4 or (day.month, day.day) in {(1, 1), (5, 1), (5, 8), (11, 11), (12, 25)}:
        day += timedelta(days=1)
    sent = client.get(f"/s/dunning?on={day}").text
    assert "Relance courtoise" in sent
    assert "compta@boulangerie.example" in sent
    silent = client.get(f"/s/dunning?on={day}&show=silent").text
    assert "Pas de relance (" in silent
    assert client.get("/s/dunning?on=nonsense&show=nonsense&after=nonsense").status_code == 200


def test_a_stop_needs_a_reason_and_a_day_to_come(client: FlaskClient, reminding: House) -> None:
    reminding.sign_in(client, "collector")
    page = f"/s/dunning/customers/{reminding.other_customer_id}"
    tomorrow = str(today() + timedelta(days=1))
    assert press(client, f"{page}/stop", why="", until=tomorrow).status_code == 422
    assert press(client, f"{page}/stop", why="Vacances", until=str(today())).status_code == 422
    assert press(client, f"{page}/stop", why="Vacances", until=tomorrow).status_code == 303
    assert "Vacances" in client.get(page).text
    press(client, f"{page}/resume")
    with reminding.services.works.begin(reminding.supplier.supplier_id) as work:
        assert stop_of(work, reminding.other_customer_id, today()) is None


def test_a_changed_scenario_is_a_new_version(client: FlaskClient, reminding: House) -> None:
    reminding.sign_in(client, "owner")
    one = {
        "name": "Rapide",
        "key": "une",
        "level": "1",
        "offset_days": "2",
        "gap_days": "5",
        "channel": "mail",
        "template": "courteous",
        "approval": "nobody",
        "role": "payment",
        "min": "30",
    }
    wrong = press(client, "/s/dunning/scenarios/public", **{**one, "level": "4"})
    assert wrong.status_code == 422
    assert "mise en demeure" in wrong.text
    wrong = press(client, "/s/dunning/scenarios/public", **{**one, "offset_days": "dix"})
    assert wrong.status_code == 422
    assert "Étape 1, « Jour » : « dix »" in words(wrong.text)
    assert press(client, "/s/dunning/scenarios/public", **one).status_code == 303
    with reminding.services.works.begin(reminding.supplier.supplier_id) as work:
        kept = rules_of(work).scenarios["public"]
    assert (kept.version, kept.name, kept.steps[0].offset_days, kept.steps[0].min_minor) == (2, "Rapide", 2, 3_000)
    assert press(client, "/s/dunning/scenarios/public", **{**one, "min": ""}).status_code == 303
    with reminding.services.works.begin(reminding.supplier.supplier_id) as work:
        assert rules_of(work).scenarios["public"].steps[0].min_minor == 0
    assert client.get("/s/dunning/scenarios/nobody").status_code == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"opens_at": "18:00"}, "heure de fin"),
        ({"opens_at": "soon"}, "09:00"),
        ({"mail_every_days": "2"}, "5 à 60"),
        ({"notice_days": "3"}, "8 à 15"),
    ],
)
def test_settings_out_of_bounds_are_refused(
    client: FlaskClient, reminding: House, changes: dict[str, str], said: str
) -> None:
    reminding.sign_in(client, "owner")
    good = {
        "opens_at": "09:00",
        "closes_at": "18:00",
        "mail_every_days": "6",
        "call_every_days": "8",
        "notice_days": "10",
        "signatory": "Camille",
    }
    assert press(client, "/s/dunning/settings", **good).status_code == 303
    refused = press(client, "/s/dunning/settings", **{**good, **changes})
    assert (refused.status_code, said in refused.text) == (422, True)


def test_what_was_written_is_kept_and_shown(
    client: FlaskClient, reminding: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from config.law import days  # noqa: PLC0415 -- only to open a Sunday
    from receivables.services.collecting import dunning  # noqa: PLC0415 -- same

    assert days
    monkeypatch.setattr(dunning, "is_open", lambda _day: True)
    reminding.sign_in(client, "collector")
    answer = press(client, "/s/dunning/run", customer=str(reminding.customer_id))
    assert "written=1" in answer.location
    with reminding.services.works.begin(reminding.supplier.supplier_id) as work:
        (notice,) = list_notices(work)
    assert notice.customer_id == reminding.customer_id
    page = client.get(f"/s/dunning/sent/{notice.notice_id}").text
    assert "Sauf erreur de notre part" in page
    assert "Relance courtoise" in client.get("/s/dunning/sent").text
    assert client.get(f"/s/dunning/sent/{UUID(int=1)}").status_code == 404
    assert client.get(f"/s/dunning/sent/{notice.notice_id}/letter").status_code == 404
