"""Connecting a platform: tested before it is saved, every fault named with its next step, the secret never shown."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from flask import Flask, Response
from portal_house import press
from story_builders import PlatformHouse, Story
from werkzeug.serving import make_server

from config.clock import now
from config.outgoing import Reach
from einvoice.flow_log import list_accounts
from einvoice.platform.hooks import subscribe_hook
from einvoice.platform.settings import PlatformDriver, PlatformSettings
from einvoice.validation.check import Validator
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from portal.cli import platform as command
from portal.staff.platform.steps import Outcome, may_be_saved
from portal.staff.platform.trial import Ourselves, try_connection
from portal.staff.platform.verdicts import SENTENCES, put_into_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from portal.staff.platform.steps import Step
    from portal.wiring import Services

SECRET = "sandbox-secret"
OURSELVES = Ourselves("732829320", "732829320")


@pytest.fixture(scope="module")
def platform(services: Services) -> Iterator[PlatformHouse]:
    """A platform with the real rules."""
    running = PlatformHouse(Validator(services.engine))
    yield running
    running.close()


@pytest.fixture
def story(services: Services) -> Story:
    """A supplier without a platform."""
    return Story(services)


@pytest.fixture
def owner(client: FlaskClient, story: Story) -> FlaskClient:
    """The browser of its owner."""
    person = add_person(story.services.database, f"owner@{story.siren}.example", "Camille Owner")
    add_membership(story.services.database, person.person_id, story.id, Role.OWNER)
    client.set_cookie("session", open_session(story.services.database, story.services.settings, person.person_id))
    return client


def typed(platform: PlatformHouse, **changes: str) -> dict[str, str]:
    """What an owner types to connect the sandbox."""
    return {
        "driver": "other",
        "label": "Bac à sable",
        "base_url": platform.url,
        "token_url": f"{platform.url}/oauth2/token",
        "client_id": "sandbox",
        "client_secret": SECRET,
        **changes,
    }


def words(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text)).replace("&#39;", "'")


def accounts(story: Story) -> list[Any]:
    with story.services.works.begin(story.id) as work:
        return list_accounts(work)


def test_a_newcomer_connects_with_three_fields_and_one_press(
    owner: FlaskClient, story: Story, platform: PlatformHouse
) -> None:
    form = owner.get("/s/platform/connect").text
    assert len(re.findall(r"<input[^>]* required", form.replace('type="radio"', "radio"))) >= 2
    answer = press(owner, "/s/platform/connect", **typed(platform))
    assert answer.status_code == 303
    shown = owner.get("/s/platform")
    assert "Bac à sable" in shown.text
    assert "En forme" in shown.text
    assert SECRET not in shown.text
    (account,) = accounts(story)
    assert (account.label, account.active, account.serves) == ("Bac à sable", True, "all")
    issued = story.issue()
    story.platform = platform
    story.until(lambda: story.flows() == [("invoice", "accepted", 1)])
    assert issued.invoice.number in owner.get("/s/platform/flows").text


def test_a_wrong_secret_is_named_and_nothing_is_saved(
    owner: FlaskClient, story: Story, platform: PlatformHouse
) -> None:
    answer = press(owner, "/s/platform/connect", **typed(platform, client_secret="a-wrong-one"))
    assert answer.status_code == 422
    assert "La plateforme refuse l'identifiant ou le secret (invalid_client)" in words(answer).replace("\u00a0", " ")
    assert "a-wrong-one" not in answer.text
    assert accounts(story) == []


def test_the_sealed_secret_serves_a_second_press_of_the_same_session_only(
    owner: FlaskClient, story: Story, platform: PlatformHouse, services: Services
) -> None:
    wrong = typed(platform, token_url=f"{platform.url}/nowhere")
    page = press(owner, "/s/platform/connect", **wrong)
    assert page.status_code == 422
    sealed = page.text.partition('name="sealed_secret" value="')[2].partition('"')[0]
    assert sealed
    again = typed(platform, client_secret="", sealed_secret=sealed)
    stranger = owner.application.test_client()
    person = add_person(services.database, f"other@{story.siren}.example", "Autre")
    add_membership(services.database, person.person_id, story.id, Role.OWNER)
    stranger.set_cookie("session", open_session(services.database, services.settings, person.person_id))
    assert "Donnez le secret client" in words(press(stranger, "/s/platform/connect", **again))
    assert accounts(story) == []
    assert press(owner, "/s/platform/connect", **again).status_code == 303
    assert len(accounts(story)) == 1


def test_an_owner_may_save_all_the_same_and_the_page_says_what_failed(
    owner: FlaskClient, story: Story, platform: PlatformHouse
) -> None:
    answer = press(owner, "/s/platform/connect", **typed(platform, client_secret="not-yet", anyway="1"))
    assert answer.status_code == 303
    assert "À vérifier" in owner.get("/s/platform").text
    (account,) = accounts(story)
    changed = press(
        owner,
        f"/s/platform/accounts/{account.account_id}/access",
        client_id="sandbox",
        client_secret=SECRET,
        base_url="https://evil.example",
    )
    assert changed.status_code == 303
    (after,) = accounts(story)
    assert after.account_id == account.account_id, "what waits there goes on with it"
    assert after.driver["driver"]["base_url"] == platform.url, "the address is not changed by the way"
    assert "En forme" in owner.get("/s/platform").text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"driver": ""}, "Choisissez votre plateforme"),
        ({"label": ""}, "Donnez un nom"),
        ({"client_id": ""}, "Donnez l'identifiant client"),
        ({"client_secret": ""}, "Donnez le secret client"),
        ({"base_url": ""}, "Donnez une adresse complète"),
        ({"base_url": "http://pa.example/flow"}, "Donnez une adresse complète"),
        ({"token_url": "ftp://pa.example"}, "Donnez une adresse complète"),
        ({"token_url": "https://user:pw@pa.example/token"}, "Donnez une adresse complète"),
        ({"directory_url": "javascript:alert(1)"}, "Donnez une adresse complète"),
        ({"base_url": "https://[nonsense"}, "Donnez une adresse complète"),
    ],
)
def test_what_is_typed_wrongly_is_said_at_its_field(
    owner: FlaskClient, story: Story, platform: PlatformHouse, changes: dict[str, str], said: str
) -> None:
    answer = press(owner, "/s/platform/connect", **typed(platform, **changes))
    assert answer.status_code == 422
    assert said in words(answer)
    assert accounts(story) == []


def test_who_declares_alone_gives_the_platforms_number_and_keeps_it(
    owner: FlaskClient, story: Story, platform: PlatformHouse
) -> None:
    for given, said in (("", "Donnez le matricule"), ("12", "a 4 caractères"), ("é234", "a 4 caractères")):
        answer = press(owner, "/s/platform/connect", **typed(platform, reporting="own", matricule=given))
        assert (answer.status_code, said in words(answer)) == (422, True)
    assert accounts(story) == []
    press(owner, "/s/platform/connect", **typed(platform, reporting="own", matricule="a1b2"))
    (account,) = accounts(story)
    assert account.driver["driver"]["matricule"] == "A1B2"
    address = f"/s/platform/accounts/{account.account_id}/access"
    assert 'value="A1B2"' in owner.get(address).text
    fresh = {"client_id": "sandbox", "client_secret": SECRET, "reporting": "own", "matricule": "0042"}
    assert press(owner, address, **fresh).status_code == 303
    (after,) = accounts(story)
    assert after.driver["driver"]["matricule"] == "0042"


def test_changing_platforms_shows_both_until_the_earlier_one_is_settled(
    owner: FlaskClient, story: Story, platform: PlatformHouse
) -> None:
    press(owner, "/s/platform/connect", **typed(platform, label="Première"))
    story.platform = platform
    story.issue()
    for kind in ("invoice.issued", "flow.planned"):
        story.worker.drain_outbox_of(story.id, kind)
    offer = words(owner.get("/s/platform/connect"))
    assert "1 envoi y est en cours et y reste" in offer
    assert "Rien n'est réémis" in offer.replace("\u00a0", " ")
    press(owner, "/s/platform/connect", **typed(platform, label="Seconde"))
    both = accounts(story)
    assert [(each.label, each.active) for each in both] == [("Seconde", True), ("Première", False)]
    earlier = f"/s/platform/accounts/{both[1].account_id}/close"
    assert press(owner, earlier).status_code == 409
    assert press(owner, f"/s/platform/accounts/{both[0].account_id}/close").status_code == 409
    story.until(lambda: story.flows() == [("invoice", "accepted", 1)])
    assert press(owner, earlier).status_code == 409, "its invoice is not paid"
    with story.services.works.begin(story.id) as work:
        there = story.services.platform_of(work, both[1].account_id)
    where = {"supplier_id": story.id, "account_id": both[1].account_id, "url": "https://portal.example/hooks"}
    subscribe_hook(story.services.works, story.services.keyring, there, **where)
    assert len(there.subscriptions()) == 1
    assert press(owner, earlier, though_unpaid="1").status_code == 303
    assert there.subscriptions() == (), "it calls us no more"
    assert [each.label for each in accounts(story)] == ["Seconde"]
    assert owner.get(earlier).status_code == 404


def test_the_command_says_the_same_in_english(
    owner: FlaskClient, story: Story, platform: PlatformHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "services_of_house", lambda: nullcontext(story.services))
    runner = CliRunner()
    assert runner.invoke(command.platform, ["test", story.siren]).exit_code == 1, "no platform yet"
    press(owner, "/s/platform/connect", **typed(platform))
    told = runner.invoke(command.platform, ["test", story.siren])
    assert (told.exit_code, SECRET in told.output) == (0, False)
    assert "The client id and secret are accepted" in told.output
    fares = runner.invoke(command.platform, ["status", story.siren])
    assert fares.exit_code == 0
    assert "well" in fares.output
    platform.arm("unavailable", times=None)
    try:
        assert runner.invoke(command.platform, ["test", story.siren]).exit_code == 1
    finally:
        platform.lift()


# --- the test itself -------------------------------------------------------------------------------------------------


def settings(base: str, token: str | None = None, secret: str = SECRET, **more: Any) -> PlatformSettings:
    driver = PlatformDriver("other", base, token or f"{base}/oauth2/token", directory_url=more.pop("directory", None))
    return PlatformSettings(driver, "sandbox", secret, organization_id="trial", **more)


def tried(access: PlatformSettings, reach: Reach = Reach.PRIVATE) -> dict[str, Step]:
    steps = try_connection(access, OURSELVES, reach=reach)
    assert len(put_into_words(steps)) == len(steps)
    return {str(each.name): each for each in steps}


def failure(access: PlatformSettings, reach: Reach = Reach.PRIVATE) -> str:
    """The code of the step that failed."""
    steps = tried(access, reach)
    assert not may_be_saved(steps.values())
    (code,) = [each.why for each in steps.values() if each.outcome is Outcome.FAILED]
    assert SENTENCES[code][0], code
    assert SENTENCES[code][1], f"{code} has no next step"
    return code


def test_everything_that_can_go_well_is_told_as_such(platform: PlatformHouse) -> None:
    steps = tried(settings(platform.url))
    assert may_be_saved(steps.values())
    outcomes = {name: each.outcome for name, each in steps.items()}
    assert outcomes == {
        "address": "passed",
        "token": "passed",
        "health": "passed",
        "search": "passed",
        "directory": "skipped",
        "ourselves": "skipped",
        "webhooks": "passed",
    }


def test_addresses_that_must_not_be_called_are_refused_before_any_call(platform: PlatformHouse) -> None:
    assert failure(settings(platform.url), Reach.PUBLIC) == "address.not_https"
    inside = PlatformDriver("other", "https://127.0.0.1:1", "https://127.0.0.1:1/token")
    assert failure(PlatformSettings(inside, "a", "b"), Reach.PUBLIC) == "address.private"
    metadata = PlatformDriver("other", "https://169.254.169.254", "https://169.254.169.254/token")
    assert failure(PlatformSettings(metadata, "a", "b"), Reach.PUBLIC) == "address.private"


def test_a_name_that_nobody_has_and_a_port_where_nobody_listens() -> None:
    nobody = PlatformDriver("other", "https://pa.invalid", "https://pa.invalid/token")
    assert failure(PlatformSettings(nobody, "a", "b")) == "address.unknown_host"
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert failure(settings(f"http://127.0.0.1:{held.getsockname()[1]}")) == "address.refused"


def test_a_server_that_speaks_no_tls(platform: PlatformHouse) -> None:
    secure = platform.url.replace("http://", "https://")
    assert failure(settings(secure)) == "address.no_tls"


def test_a_wrong_client_and_a_wrong_address_of_tokens(platform: PlatformHouse) -> None:
    assert failure(settings(platform.url, secret="wrong")) == "token.refused"
    assert failure(settings(platform.url, token=f"{platform.url}/")) == "token.no_token"


def test_a_platform_that_fails_or_asks_to_wait(platform: PlatformHouse) -> None:
    for kind, operation, code in (
        ("error_500", "search", "any.silent"),
        ("busy", "search", "any.busy"),
        ("unavailable", "token", "any.silent"),
    ):
        platform.arm(kind, operation=operation, times=None, retry_after_s=30)
        try:
            assert failure(settings(platform.url)) == code, (kind, operation)
        finally:
            platform.lift()


def test_a_health_check_that_is_silent_does_not_stop_anybody(platform: PlatformHouse) -> None:
    platform.arm("unavailable", operation="health", times=None)
    try:
        steps = tried(settings(platform.url))
    finally:
        platform.lift()
    assert (steps["health"].outcome, steps["health"].why) == ("warned", "health.silent")
    assert may_be_saved(steps.values())


@pytest.fixture(scope="module")
def odd() -> Iterator[tuple[str, dict[str, int]]]:
    """A platform that gives tokens and answers every other call as told."""
    app, answers = Flask("odd"), {"search": 403, "webhooks": 404, "directory": 204, "token": 200}

    @app.post("/oauth2/token")
    def token() -> Response:
        if answers["token"] == 0:
            threading.Event().wait(1.5)
        return Response(
            '{"access_token": "t", "token_type": "Bearer", "expires_in": 60}', content_type="application/json"
        )

    @app.route("/v1/<path:path>", methods=["GET", "POST"])
    def other(path: str) -> Response:
        name = next((each for each in ("directory", "webhooks", "search") if each in path), "health")
        return Response("{}", answers.get(name, 200), content_type="application/json")

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "search.no_right"),
        (403, "search.no_right"),
        (404, "search.wrong_address"),
        (301, "search.wrong_address"),
        (400, "any.refused"),
    ],
)
def test_missing_rights_and_a_wrong_flow_address_are_told_apart(
    odd: tuple[str, dict[str, int]], status: int, code: str
) -> None:
    base, answers = odd
    answers["search"] = status
    assert failure(settings(base)) == code


def test_a_directory_that_does_not_know_us_is_a_warning_with_what_to_do(odd: tuple[str, dict[str, int]]) -> None:
    base, answers = odd
    for status, name, why in ((204, "ourselves", "ourselves.unknown"), (403, "directory", "directory.no_right")):
        answers["directory"] = status
        step = tried(settings(base, directory=base))[name]
        assert (step.outcome, step.why) == ("warned", why)


def test_a_platform_without_webhooks_is_polled(odd: tuple[str, dict[str, int]]) -> None:
    base, answers = odd
    for status, why in ((404, "webhooks.none"), (403, "webhooks.no_right")):
        answers["webhooks"] = status
        assert tried(settings(base))["webhooks"].why == why


def test_a_platform_that_does_not_answer_in_time_is_not_waited_for(odd: tuple[str, dict[str, int]]) -> None:
    base, answers = odd
    answers["token"] = 0
    try:
        began = now()
        assert failure(settings(base, read_timeout_s=0.3)) == "any.silent"
        assert (now() - began).total_seconds() < 8
    finally:
        answers["token"] = 200


def test_no_step_tells_the_secret(platform: PlatformHouse, odd: tuple[str, dict[str, int]]) -> None:
    secret = "s3cret-that-nobody-reads"
    for access in (settings(platform.url, secret=secret), settings(odd[0], secret=secret)):
        assert secret not in str([each.to_json() for each in tried(access).values()])
        assert secret not in repr(access)
