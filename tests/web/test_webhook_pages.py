"""Webhooks by page: an address from its form to its first call, its log, its secret, its end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from portal_house import press
from standardwebhooks.webhooks import Webhook
from webhook_builders import webhook_things
from webhook_receiver import receiver

from portal.background.duties import build_worker
from portal.staff.troubles import troubles_here
from portal.webhooks.planning import WEBHOOK_PLANNED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from portal_house import House
    from webhook_receiver import Receiver

    from portal.wiring import Services

HOME = "/s/webhooks"


@pytest.fixture
def listening() -> Iterator[Receiver]:
    """A program that is up."""
    with receiver() as running:
        yield running


@pytest.fixture
def owner(house: House, client: FlaskClient) -> FlaskClient:
    """The owner's browser."""
    house.sign_in(client, "owner")
    return client


def secret_on(page: str) -> str:
    """The secret that a page shows."""
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", page)
    assert found
    return found.group()


def test_an_address_is_opened_tested_and_its_answer_seen(
    owner: FlaskClient, house: House, services: Services, listening: Receiver
) -> None:
    made = press(owner, HOME, label="Notre ERP", url=listening.url, which="all")
    assert made.status_code == 201
    secret = secret_on(made.text)
    found = re.search(rf"{HOME}/([0-9a-f-]{{36}})/test", made.text)
    assert found
    page = f"{HOME}/{found.group(1)}"
    assert "whsec_" not in owner.get(page).text, "a secret is shown once"
    tried = press(owner, f"{page}/test")
    assert 'http-equiv="refresh"' in owner.get(tried.location).text
    listening.answer(418, body=b"<script>alert(1)</script>")
    build_worker(services).drain_outbox_of(house.supplier.supplier_id, WEBHOOK_PLANNED)
    told = owner.get(tried.location).text
    assert "HTTP 418" in told
    assert "&lt;script&gt;alert(1)" in told
    headers, body = listening.heard[0]
    Webhook(secret).verify(body, headers)
    rotated = press(owner, f"{page}/secret")
    assert secret_on(rotated.text) != secret
    press(owner, f"{page}/state", to="remove")
    assert owner.get(page).status_code == 404


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"label": " ", "url": "https://example.com/", "which": "all"}, "Donnez un nom"),
        ({"label": "ERP", "url": "ftp://example.com/", "which": "all"}, "commence par https://"),
        ({"label": "ERP", "url": "https://example.com/", "which": "chosen"}, "au moins un événement"),
    ],
)
def test_a_form_that_is_wrong_says_so_and_keeps_what_was_typed(
    owner: FlaskClient, form: dict[str, str], said: str
) -> None:
    answer = press(owner, HOME, **form)
    assert answer.status_code == 422
    assert said in answer.text
    assert form["url"] in answer.text


def test_a_disabled_address_is_a_problem_with_a_way_out(owner: FlaskClient, house: House, services: Services) -> None:
    hook = webhook_things(house)["hook"]
    here = house.supplier.supplier_id

    def disable(state: str, reason: str | None) -> None:
        with services.works.begin(here) as work:
            work.execute(
                "UPDATE webhook_endpoints SET state = :state, reason = :reason WHERE supplier_id = :supplier "
                "AND endpoint_id = :id",
                id=hook,
                state=state,
                reason=reason,
            )

    disable("disabled", "webhook.failed_for_days")
    with owner.application.test_request_context(), services.works.begin(here) as work:
        assert [each.href for each in troubles_here(work) if each.href and HOME in each.href] == [f"{HOME}/{hook}"]
    page = owner.get(f"{HOME}/{hook}").text
    assert "Réactiver" in page
    assert "Envoyer un essai" not in page
    assert press(owner, f"{HOME}/{hook}/state", to="enable").status_code == 303
    assert "Envoyer un essai" in owner.get(f"{HOME}/{hook}").text
    again = press(owner, f"{HOME}/{hook}/replay", since="2999-01-01T00:00")
    assert "0 événement repart" in again.text
    assert press(owner, f"{HOME}/{hook}/replay", since="demain").status_code == 422


def test_the_log_of_events_is_paged_and_narrowed(owner: FlaskClient, house: House) -> None:
    webhook_things(house)
    page = owner.get(f"{HOME}/events").text
    assert "Une facture ou un avoir a reçu son numéro" in page
    narrowed = owner.get(f"{HOME}/events?kind=invoice.status").text
    assert f"/s/invoices/{house.invoices['paid'].invoice_id}" in narrowed
    assert owner.get(f"{HOME}/events?kind=nonsense&before=x").status_code == 200
    assert owner.get(f"{HOME}/events?before=1").status_code == 200
