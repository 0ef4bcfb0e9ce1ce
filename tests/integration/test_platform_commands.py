"""Connecting, changing and closing platforms from the command line."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from command_house import command_here
from story_builders import PlatformHouse, Story

from einvoice.platform.accounts import accounts_to_follow, active_platform
from einvoice.platform.hooks import signing_keys
from portal.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.settings import Settings
    from portal.wiring import Services


@pytest.fixture
def house(services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Commands work in the test's house."""
    command_here(monkeypatch, services, settings.data_dir)
    monkeypatch.setenv("QUITTANCE_PLATFORM_SECRET", "sandbox-secret")
    handlers = list(logging.getLogger().handlers)
    yield services
    logging.getLogger().handlers[:] = handlers


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(each) for each in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "sandbox-secret" not in result.output
    return result


def driver_file(folder: Path, platform: PlatformHouse, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(
        f'name = "{name}"\nlabel = "Mine"\nbase_url = "{platform.url}"\ntoken_url = "{platform.url}/oauth2/token"\n',
        encoding="utf-8",
    )
    return path


def test_a_driver_file_connects_a_platform_with_its_webhooks_and_an_invoice_goes_there(
    house: Services, platform_house: PlatformHouse, tmp_path: Path
) -> None:
    story = Story(house)
    story.platform = platform_house
    path = driver_file(tmp_path, platform_house)
    told = run(
        *("connect-platform", story.siren, "--driver-file", path, "--client-id", "sandbox"),
        *("--organization", story.siren, "--reporting", "own", "--webhooks"),
    )
    assert told.exit_code == 0, told.output
    assert "is connected to Mine." in told.output
    with house.works.begin(story.id) as work:
        account = active_platform(work, house.keyring)
        assert account is not None
        assert (account.label, account.settings.reporting) == ("Mine", "own")
        assert len(signing_keys(work, house.keyring, account.account_id)) == 1
    story.issue()
    story.until(lambda: story.flows() == [("invoice", "accepted", 1)])


def test_a_driver_of_the_house_is_named_like_a_shipped_one(
    house: Services, platform_house: PlatformHouse, settings: Settings
) -> None:
    folder = settings.data_dir / "platforms"
    folder.mkdir(exist_ok=True)
    driver_file(folder, platform_house, "ours")
    story = Story(house)
    assert run("connect-platform", story.siren, "--driver", "ours", "--client-id", "sandbox").exit_code == 0
    unknown = run("connect-platform", story.siren, "--driver", "theirs", "--client-id", "sandbox")
    assert unknown.exit_code == 2
    assert "hubtimize, ours, superpdp" in " ".join(unknown.output.replace("│", " ").split())


def test_a_wrong_driver_file_connects_nothing_and_says_where(house: Services, tmp_path: Path) -> None:
    story = Story(house)
    path = tmp_path / "wrong.toml"
    path.write_text('name = "x"\nbase_uri = "https://x.example"\n')
    told = run("connect-platform", story.siren, "--driver-file", path, "--client-id", "sandbox")
    assert told.exit_code == 1
    assert "wrong.toml, line 2, has the unknown key 'base_uri'" in " ".join(told.output.split())
    assert story.rows("SELECT 1 FROM platform_accounts WHERE supplier_id = :supplier") == []


def test_a_private_address_is_refused_when_it_is_typed(
    house: Services, platform_house: PlatformHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(house)
    monkeypatch.setattr(house, "settings", house.settings.model_copy(update={"private_hosts_allowed": False}))
    url = platform_house.url
    told = run("connect-platform", story.siren, "--base-url", url, "--token-url", f"{url}/t", "--client-id", "sandbox")
    assert told.exit_code == 1
    assert "leads to 127.0.0.1" in " ".join(told.output.split())
    assert story.rows("SELECT 1 FROM platform_accounts WHERE supplier_id = :supplier") == []


def test_after_a_change_the_earlier_platform_is_listed_and_closed_when_nothing_needs_it(
    house: Services, platform_house: PlatformHouse, tmp_path: Path
) -> None:
    story = Story(house, platform_house)
    with house.works.begin(story.id) as work:
        (earlier,) = accounts_to_follow(work)
    issued = story.issue()
    story.settle()
    path = driver_file(tmp_path, platform_house)
    first = ("connect-platform", story.siren, "--driver-file", path, "--client-id", "sandbox", "--webhooks")
    assert run(*first).exit_code == 0
    listed = " ".join(run("close-platform", story.siren).output.split())
    assert f"{earlier} Sandbox: earlier; 0 flow(s), 1 unpaid" in listed
    assert run("close-platform", story.siren, earlier).exit_code == 1
    story.pay(issued.invoice)
    story.settle()
    closed = run("close-platform", story.siren, earlier)
    assert closed.exit_code == 0
    assert f"{earlier} Sandbox: closed" in " ".join(closed.output.split())
    assert f"{earlier} Sandbox: earlier" in " ".join(
        run("close-platform", story.siren, earlier, "--reopen").output.split()
    )
    with house.works.begin(story.id) as work:
        account = active_platform(work, house.keyring)
        assert account is not None
        (newer,) = {*accounts_to_follow(work)} - {earlier}
        assert signing_keys(work, house.keyring, newer)
    back = ("connect-platform", story.siren, "--driver-file", path, "--client-id", "again")
    assert run(*back).exit_code == 0
    assert run("close-platform", story.siren, newer).exit_code == 0
    with house.works.begin(story.id) as work:
        assert signing_keys(work, house.keyring, newer) == (), "its webhooks ended with it"
